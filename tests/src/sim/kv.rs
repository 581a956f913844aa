//! A store whose disk may be full, fail, lose its power or decay, and may be put back to an older
//! backup.
//!
//! The ledger writes one batch a block and trusts the store to keep it whole; so an image is a
//! number of batches.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mulu_node::disk::Site;
use mulu_node::storage::{Batch, Column, Kv, MemoryKv, Pair, StorageError};

use super::disk::SimDisk;

/// The store. Clones are the same store.
#[derive(Clone, Default)]
pub struct SimKv {
    state: Arc<Mutex<State>>,
}

/// How the next commit fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitFault {
    /// Nothing was written.
    Lost,
    /// All is there, and yet the answer is an error.
    Kept,
}

#[derive(Default)]
struct State {
    now: Arc<MemoryKv>,
    batches: Vec<Batch>,
    full: bool,
    disk: Option<SimDisk>,
    fault: Option<CommitFault>,
    /// The n-th next value read by its key has this bit flipped, counted around its end.
    flip: Option<(u64, usize)>,
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

    /// An empty store that has its power from `disk`.
    pub fn on(disk: SimDisk) -> SimKv {
        let kv = SimKv::default();
        kv.state().disk = Some(disk);
        kv
    }

    /// The next commit fails.
    pub fn fail_next_commit(&self, fault: CommitFault) {
        self.state().fault = Some(fault);
    }

    /// The `reads`-th next value that is read by its key (from 1) comes with one bit flipped.
    pub fn flip_read_after(&self, reads: u64, bit: usize) {
        self.state().flip = Some((reads.max(1), bit));
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
        let mut value = self.now().get(column, key)?;
        let mut state = self.state();
        if let (Some((left, bit)), Some(bytes)) = (state.flip, &mut value)
            && !bytes.is_empty()
        {
            state.flip = (left > 1).then_some((left - 1, bit));
            if left == 1 {
                let at = bit % (bytes.len() * 8);
                bytes[at / 8] ^= 1 << (at % 8);
            }
        }
        Ok(value)
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
        let failed =
            |why: &str| StorageError::Write { path: self.path().to_owned(), source: why.into() };
        if let Some(Err(error)) = state.disk.as_ref().map(|disk| disk.step(Site::LedgerCommit)) {
            return Err(failed(&error.to_string()));
        }
        if state.full {
            return Err(failed("no space left on the simulated device"));
        }
        let fault = state.fault.take();
        if fault == Some(CommitFault::Lost) {
            return Err(failed("input/output error"));
        }
        state.batches.push(batch.clone());
        state.now.write(batch)?;
        match fault {
            Some(CommitFault::Kept) => Err(failed("input/output error, after all was written")),
            _ => Ok(()),
        }
    }
}
