//! Pruning: old states and old bodies go, in small batches, while the node works.
//!
//! A state goes with its tree nodes and values. Every commit writes down which nodes of the tree it
//! made stale; pruning up to height `w` deletes the nodes stale since `w` or before, if wanted of
//! every key a stale leaf names all values but the newest at `w`, and the roots of all heights below `w`. So the
//! state at `w` and later stays readable and provable, and nothing that a commit writes or the tip
//! needs is touched.
//!
//! A crash between two batches leaves work for the next run; `kept` is never ahead of what readers
//! were told.

use std::collections::BTreeSet;

use mulu_chain::digest::Digest;
use mulu_chain::types::Height;

use super::archive::ArchiveFolder;
use super::error::StorageError;
use super::kept::Kept;
use super::keys::{self, corrupt};
use super::kv::{Batch, Column};
use super::ledger::Ledger;
use super::tree;

/// Deletions after which a batch is written.
pub const PRUNE_CHANGES_MAX: usize = 4_096;
/// Values of one key read at a time.
const VALUES_PER_READ: usize = 1_024;
/// Bytes of a height in a key.
const HEIGHT_BYTES: usize = 8;

/// What becomes of the values of records that later ones replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldValues {
    /// They stay: every version of a record can be read, if not proved.
    Keep,
    /// They go with the states.
    Drop,
}

/// What one step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Pairs deleted.
    pub deleted: u64,
    /// Whether there is more to do.
    pub more: bool,
}

impl Ledger {
    /// One step towards keeping only the states of the last `heights` blocks and the tip's.
    ///
    /// # Errors
    /// Read errors and damage; [`StorageError::Write`], after which the process must stop.
    pub fn prune_states(&self, heights: u64, values: OldValues) -> Result<Pruned, StorageError> {
        let wanted = Height(self.height()?.0.saturating_sub(heights));
        let mut kept = self.kept();
        let until = wanted.max(kept.state_from);
        kept.state_from = until;
        if values == OldValues::Drop {
            kept.values_from = until;
        }
        let mut batch = Batch::default();
        let stale = self.kv.scan(Column::StaleNodes, &[], None, PRUNE_CHANGES_MAX)?;
        let full = stale.len() == PRUNE_CHANGES_MAX;
        let due: Vec<&[u8]> = stale
            .iter()
            .map(|(key, _)| key.as_slice())
            .take_while(|key| {
                key.get(..HEIGHT_BYTES).is_some_and(|since| since <= &until.0.to_be_bytes()[..])
            })
            .collect();
        let more = full && due.len() == stale.len();
        let roots_until = until.0.min(kept.roots_from.0.saturating_add(PRUNE_CHANGES_MAX as u64));
        if due.is_empty() && roots_until <= kept.roots_from.0 {
            return Ok(Pruned::default());
        }
        let mut leaves = BTreeSet::new();
        for key in due.iter().filter(|_| values == OldValues::Drop) {
            let node = key.get(HEIGHT_BYTES..).unwrap_or_default();
            leaves.extend(tree::leaf_key(&*self.kv, node)?);
        }
        let mut deleted = 0;
        for leaf in &leaves {
            deleted += self.prune_values(leaf, kept, &mut batch)?;
        }
        for key in due {
            batch.delete(Column::StateNodes, key.get(HEIGHT_BYTES..).unwrap_or_default());
            batch.delete(Column::StaleNodes, key);
        }
        for height in kept.roots_from.0..roots_until {
            batch.delete(Column::StateNodes, keys::state_node(height, &[]));
        }
        kept.roots_from = Height(roots_until);
        deleted += batch.len() as u64;
        self.write_kept(kept, batch)?;
        Ok(Pruned { deleted, more: more || roots_until < until.0 })
    }

    /// Deletes the values of a key that no kept state shows; returns how many were written away
    /// already because the batch was full.
    fn prune_values(
        &self,
        key: &Digest,
        kept: Kept,
        batch: &mut Batch,
    ) -> Result<u64, StorageError> {
        let mut written = 0;
        let mut older: Option<Vec<u8>> = None;
        loop {
            let pairs = self.kv.scan(
                Column::StateValues,
                key.as_bytes(),
                older.as_deref(),
                VALUES_PER_READ,
            )?;
            let full = pairs.len() == VALUES_PER_READ;
            for (place, _) in pairs {
                let version = place
                    .get(place.len().saturating_sub(HEIGHT_BYTES)..)
                    .and_then(|bytes| <[u8; HEIGHT_BYTES]>::try_from(bytes).ok())
                    .ok_or_else(|| {
                        corrupt(&*self.kv, Column::StateValues, &place, "not a height")
                    })?;
                if u64::from_be_bytes(version) > kept.values_from.0 {
                    return Ok(written);
                }
                if let Some(older) = older.replace(place) {
                    batch.delete(Column::StateValues, older);
                }
                if batch.len() >= PRUNE_CHANGES_MAX {
                    written += batch.len() as u64;
                    self.write_kept(kept, std::mem::take(batch))?;
                }
            }
            if !full {
                return Ok(written);
            }
        }
    }

    /// One step towards keeping only the bodies of the last `heights` blocks: at most `blocks` of
    /// them go, all or none; into a file of the archive if there is one, which is read back first.
    ///
    /// # Errors
    /// [`StorageError::Archive`]: nothing went; read errors and damage; [`StorageError::Write`],
    /// after which the process must stop.
    pub fn prune_bodies(
        &self,
        heights: u64,
        blocks: u64,
        archive: Option<&ArchiveFolder>,
    ) -> Result<Pruned, StorageError> {
        let mut kept = self.kept();
        let first = kept.bodies_from;
        let until = self.height()?.0.saturating_sub(heights);
        let last = Height(first.0.saturating_add(blocks.max(1)).saturating_sub(1));
        if last.0 > until {
            return Ok(Pruned::default());
        }
        let last = match archive {
            Some(archive) => archive.store(self, first, last)?,
            None => last,
        };
        let mut batch = Batch::default();
        for height in (first.0..=last.0).map(Height) {
            let header = self.header(height)?.ok_or_else(|| {
                corrupt(&*self.kv, Column::Headers, &keys::height(height), "it is missing")
            })?;
            for index in 0..header.transactions {
                batch.delete(Column::Bodies, keys::body(height, index));
            }
        }
        kept.bodies_from = last.next();
        let deleted = batch.len() as u64;
        self.write_kept(kept, batch)?;
        self.kv.reclaim(Column::Bodies, Some(&keys::height(kept.bodies_from)));
        Ok(Pruned { deleted, more: last.0.saturating_add(blocks) <= until })
    }

    /// Copies the ledger as it is at one moment into a new folder; nothing stops meanwhile.
    ///
    /// # Errors
    /// [`StorageError::Copy`].
    pub fn copy_to(&self, folder: &std::path::Path) -> Result<(), StorageError> {
        self.kv.copy_to(folder)
    }

    /// Gives the room of pruned states back to the disk.
    pub fn reclaim_states(&self) {
        let before = keys::height(self.kept().state_from);
        self.kv.reclaim(Column::StateNodes, Some(&before));
        self.kv.reclaim(Column::StaleNodes, Some(&before));
        self.kv.reclaim(Column::StateValues, None);
    }
}
