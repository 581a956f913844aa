//! The store in memory: for tests and the simulator. Same order, same atomicity; what is "on
//! stable storage" lives as long as the value.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use super::error::StorageError;
use super::kv::{Batch, Column, Kv, Pair, scan_start};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;
type Maps = [Map; Column::ALL.len()];

/// Columns as sorted maps behind one lock.
#[derive(Default)]
pub struct MemoryKv {
    maps: RwLock<Maps>,
}

impl MemoryKv {
    /// A map is never left half-written by a panic: writes insert or remove whole pairs.
    fn maps(&self) -> RwLockReadGuard<'_, Maps> {
        self.maps.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kv for MemoryKv {
    fn path(&self) -> &Path {
        Path::new("(memory)")
    }

    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.maps()[column as usize].get(key).cloned())
    }

    fn scan(
        &self,
        column: Column,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Pair>, StorageError> {
        let start = scan_start(prefix, after);
        let maps = self.maps();
        let pairs = maps[column as usize]
            .range::<[u8], _>((Bound::Included(start.as_slice()), Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .take(limit)
            .map(|(key, value)| (key.clone(), value.clone()));
        Ok(pairs.collect())
    }

    fn last_up_to(
        &self,
        column: Column,
        prefix: &[u8],
        key: &[u8],
    ) -> Result<Option<Pair>, StorageError> {
        let maps = self.maps();
        let last = maps[column as usize]
            .range::<[u8], _>((Bound::Unbounded, Bound::Included(key)))
            .next_back()
            .filter(|(found, _)| found.starts_with(prefix));
        Ok(last.map(|(key, value)| (key.clone(), value.clone())))
    }

    fn write(&self, batch: Batch) -> Result<(), StorageError> {
        let mut maps = self.maps.write().unwrap_or_else(PoisonError::into_inner);
        for (column, key, value) in batch.into_changes() {
            match value {
                Some(value) => maps[column as usize].insert(key, value),
                None => maps[column as usize].remove(&key),
            };
        }
        Ok(())
    }
}
