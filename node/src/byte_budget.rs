//! A bound in bytes on what waits in a queue whose items differ in size.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many bytes may be out at once.
#[derive(Debug, Clone)]
pub struct ByteBudget {
    taken: Arc<AtomicUsize>,
    bytes_max: usize,
}

/// Bytes taken; given back when dropped.
#[derive(Debug)]
pub struct Taken {
    taken: Arc<AtomicUsize>,
    bytes: usize,
}

impl ByteBudget {
    /// A budget of which nothing is taken.
    pub fn new(bytes_max: usize) -> Self {
        ByteBudget { taken: Arc::default(), bytes_max }
    }

    /// Takes bytes, if so many are left.
    pub fn take(&self, bytes: usize) -> Option<Taken> {
        let enough =
            |taken: usize| taken.checked_add(bytes).filter(|taken| *taken <= self.bytes_max);
        self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, enough).ok()?;
        Some(Taken { taken: self.taken.clone(), bytes })
    }

    /// Bytes that are out.
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Acquire)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_comes_back() {
        let budget = ByteBudget::new(10);
        let first = budget.take(6).expect("room");
        assert!(budget.take(5).is_none());
        assert!(budget.take(usize::MAX).is_none());
        let second = budget.take(4).expect("room");
        assert_eq!(budget.taken(), 10);
        drop(first);
        assert_eq!(budget.taken(), 4);
        drop(second);
        assert_eq!(budget.taken(), 0);
    }
}
