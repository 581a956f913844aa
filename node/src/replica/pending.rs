//! What waiting transactions will write, on top of the committed state: a transaction may build on one
//! that is still waiting (the next receipt of a chain, a grant after its request).
//!
//! This decides only what is queued and in which order it is chosen, never what a block does: blocks
//! are executed on the committed state alone. It may be wrong (a waiting transaction may yet be
//! rejected), and then the one that built on it is recorded as rejected, which is the truth.

use std::cell::Cell;
use std::collections::BTreeMap;

use mulu_contracts::state::{StateRead, StateReadError};

/// Most bytes of records that waiting transactions would write; over it, further ones are built on
/// only when they are committed.
pub const PENDING_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Keys of history leaves begin so: no rule asks for them.
const HISTORY: &str = "history/";

/// The records that waiting transactions would write; a transaction goes by its arrival number.
#[derive(Debug, Default)]
pub struct Pending {
    records: BTreeMap<String, (u64, Vec<u8>)>,
    keys: BTreeMap<u64, Vec<String>>,
    bytes: usize,
}

impl Pending {
    /// Notes what a waiting transaction would write.
    pub fn add(&mut self, number: u64, changes: BTreeMap<String, Vec<u8>>) {
        for (key, value) in changes {
            let size = key.len() + value.len();
            if key.starts_with(HISTORY) || self.bytes + size > PENDING_BYTES_MAX {
                continue;
            }
            self.bytes += size;
            self.keys.entry(number).or_default().push(key.clone());
            let replaced = self.records.insert(key.clone(), (number, value));
            if let Some((_, value)) = replaced {
                self.bytes -= key.len() + value.len();
            }
        }
    }

    /// Forgets what a transaction would write: it is committed or gone.
    pub fn remove(&mut self, number: u64) {
        for key in self.keys.remove(&number).unwrap_or_default() {
            if self.records.get(&key).is_some_and(|(last, _)| *last == number)
                && let Some((_, value)) = self.records.remove(&key)
            {
                self.bytes -= key.len() + value.len();
            }
        }
    }

    /// The state with what is pending; `built_on` is told the last transaction whose record was read.
    pub fn over<'a>(
        &'a self,
        state: &'a dyn StateRead,
        built_on: &'a Cell<Option<u64>>,
    ) -> impl StateRead + 'a {
        Ahead { pending: self, state, built_on }
    }

    /// Bytes of the records.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

struct Ahead<'a> {
    pending: &'a Pending,
    state: &'a dyn StateRead,
    built_on: &'a Cell<Option<u64>>,
}

impl StateRead for Ahead<'_> {
    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StateReadError> {
        match self.pending.records.get(key) {
            Some((number, value)) => {
                self.built_on.set(self.built_on.get().max(Some(*number)));
                Ok(Some(value.clone()))
            }
            None => self.state.read(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nothing;

    impl StateRead for Nothing {
        fn read(&self, _: &str) -> Result<Option<Vec<u8>>, StateReadError> {
            Ok(None)
        }
    }

    fn changes(pairs: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
        pairs.iter().map(|(key, value)| ((*key).into(), value.as_bytes().to_vec())).collect()
    }

    #[test]
    fn the_last_writer_counts_and_nothing_is_left_behind() {
        let mut pending = Pending::default();
        pending.add(1, changes(&[("a", "first"), ("b", "1"), ("history/a", "leaf")]));
        pending.add(2, changes(&[("a", "second")]));
        let built_on = Cell::new(None);
        let read = |pending: &Pending, key| {
            pending.over(&Nothing, &built_on).read(key).expect("memory is read")
        };
        assert_eq!(read(&pending, "b"), Some(b"1".to_vec()));
        assert_eq!(built_on.get(), Some(1));
        assert_eq!(read(&pending, "a"), Some(b"second".to_vec()));
        assert_eq!(built_on.get(), Some(2));
        assert_eq!(read(&pending, "history/a"), None);
        pending.remove(1);
        assert_eq!(read(&pending, "a"), Some(b"second".to_vec()));
        assert_eq!(read(&pending, "b"), None);
        pending.remove(2);
        assert_eq!((pending.bytes(), pending.records.len(), pending.keys.len()), (0, 0, 0));
    }
}
