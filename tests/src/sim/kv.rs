//! A store whose disk may be full, and may be put back to an older backup.
//!
//! The ledger writes one batch a block and trusts the store to keep it whole; so an image is a
//! number of batches.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mulu_node::storage::{Batch, Column, Kv, MemoryKv, Pair, StorageError};

/// The store. Clones are the same store.
#[derive(Clone, Default)]
pub struct SimKv {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    now: Arc<MemoryKv>,
    batches: Vec<Batch>,
    full: bool,
}

/// An older backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimKvImage {
    batches: usize,
}

impl SimKv {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Arc<MemoryKv> {
        self.state().now.clone()
    }

    /// A store that holds what these batches wrote.
    pub fn holding(batches: &[Batch]) -> SimKv {
        let kv = SimKv::default();
        kv.state().batches.extend_from_slice(batches);
        kv.restore(&SimKvImage { batches: batches.len() });
        kv
    }

    /// Everything written so far.
    pub fn batches(&self) -> Vec<Batch> {
        self.state().batches.clone()
    }

    /// While full, writes fail and leave nothing.
    pub fn set_full(&self, full: bool) {
        self.state().full = full;
    }

    /// What a backup of now would hold.
    pub fn snapshot(&self) -> SimKvImage {
        SimKvImage { batches: self.state().batches.len() }
    }

    /// Puts a backup back.
    ///
    /// # Panics
    /// If the store in memory refuses, which it never does.
    pub fn restore(&self, image: &SimKvImage) {
        let mut state = self.state();
        state.batches.truncate(image.batches);
        let older = MemoryKv::default();
        for batch in &state.batches {
            older.write(batch.clone()).expect("memory takes it");
        }
        state.now = Arc::new(older);
    }

    /// Loses everything.
    pub fn wipe(&self) {
        self.restore(&SimKvImage { batches: 0 });
    }
}

impl Kv for SimKv {
    fn path(&self) -> &Path {
        Path::new("(simulated)")
    }

    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.now().get(column, key)
    }

    fn scan(
        &self,
        column: Column,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Pair>, StorageError> {
        self.now().scan(column, prefix, after, limit)
    }

    fn last_up_to(
        &self,
        column: Column,
        prefix: &[u8],
        key: &[u8],
    ) -> Result<Option<Pair>, StorageError> {
        self.now().last_up_to(column, prefix, key)
    }

    fn write(&self, batch: Batch) -> Result<(), StorageError> {
        let mut state = self.state();
        if state.full {
            return Err(StorageError::Write {
                path: self.path().to_owned(),
                source: "no space left on the simulated device".into(),
            });
        }
        state.batches.push(batch.clone());
        state.now.write(batch)
    }
}
