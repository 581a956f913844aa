//! The entries that blocks changed since the index last took them: told by the commits, so that
//! following the chain costs no reading of transactions.
//!
//! It is memory only and bounded. What it does not reach back to (before the start, after an
//! overflow) the index reads from the ledger's events.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mulu_chain::types::Height;

/// Most keys remembered; over it all are forgotten and read from the ledger instead.
pub const TOUCHED_MAX: usize = 50_000;
/// Keys of entries begin so.
const ENTRY: &str = "entry/";

/// What was changed. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Touched(Arc<Mutex<Told>>);

#[derive(Debug, Default)]
struct Told {
    /// Every change at this height and later is in `keys`; none before the first block is told.
    from: Option<Height>,
    /// The height after the last block told.
    next: Height,
    keys: BTreeSet<String>,
}

impl Touched {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells of a committed block's changes, by the keys of records; blocks come in their order.
    pub fn tell<'a>(&self, height: Height, keys: impl Iterator<Item = &'a String>) {
        let mut told = self.told();
        if told.next != height {
            told.from = None;
            told.keys.clear();
        }
        told.from.get_or_insert(height);
        told.next = height.next();
        told.keys.extend(keys.filter(|key| key.starts_with(ENTRY)).cloned());
        if told.keys.len() > TOUCHED_MAX {
            told.from = None;
            told.keys.clear();
        }
    }

    /// Takes the keys of everything changed from a height on, and the height to go on from; nothing
    /// if it does not reach back so far.
    pub fn take(&self, from: Height) -> Option<(BTreeSet<String>, Height)> {
        let mut told = self.told();
        if told.from.is_none_or(|first| first > from) {
            return None;
        }
        let next = told.next;
        told.from = Some(next);
        Some((std::mem::take(&mut told.keys), next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tell(touched: &Touched, height: u64, keys: &[&str]) {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        touched.tell(Height(height), keys.iter());
    }

    fn take(touched: &Touched, from: u64) -> Option<(Vec<String>, u64)> {
        let (keys, next) = touched.take(Height(from))?;
        Some((keys.into_iter().collect(), next.0))
    }

    #[test]
    fn what_is_taken_is_all_that_changed_or_nothing() {
        let touched = Touched::default();
        assert_eq!(take(&touched, 1), None, "nothing was told");
        tell(&touched, 5, &["entry/a", "duty/b"]);
        tell(&touched, 6, &[]);
        tell(&touched, 7, &["entry/a", "entry/c"]);
        assert_eq!(take(&touched, 4), None, "height 4 was before the start");
        let both = vec!["entry/a".to_owned(), "entry/c".to_owned()];
        assert_eq!(take(&touched, 5), Some((both, 8)));
        assert_eq!(take(&touched, 8), Some((Vec::new(), 8)));
        tell(&touched, 8, &["entry/d"]);
        assert_eq!(take(&touched, 8), Some((vec!["entry/d".to_owned()], 9)));
        // A gap, as after a snapshot: what came before is the ledger's to tell.
        tell(&touched, 9, &["entry/e"]);
        tell(&touched, 20, &["entry/f"]);
        assert_eq!(take(&touched, 9), None);
        assert_eq!(take(&touched, 20), Some((vec!["entry/f".to_owned()], 21)));
    }

    #[test]
    fn an_overflow_forgets_rather_than_grows() {
        let touched = Touched::default();
        let many: Vec<String> = (0..=TOUCHED_MAX).map(|n| format!("entry/{n}")).collect();
        touched.tell(Height(1), many.iter());
        assert_eq!(take(&touched, 1), None);
        tell(&touched, 2, &["entry/a"]);
        assert_eq!(take(&touched, 1), None);
        assert_eq!(take(&touched, 2), Some((vec!["entry/a".to_owned()], 3)));
    }
}
