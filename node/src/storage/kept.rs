//! What pruning left: the heights from which bodies and states are still in the ledger.
//!
//! Raised before anything below is deleted, in memory and in the same batch on disk, never lowered.
//! A reader looks at it again after its reads: what it found missing may have been pruned meanwhile,
//! which is no damage.

use std::sync::PoisonError;

use bincode::{Decode, Encode};
use mulu_chain::codec;
use mulu_chain::types::Height;

use super::error::StorageError;
use super::keys;
use super::kv::{Batch, Column, Kv};
use super::ledger::Ledger;
use super::snapshot::KEY_BASE;

const KEY_KEPT: &[u8] = b"kept";
/// Bytes of an encoded [`Kept`].
const KEPT_BYTES: usize = 32;

/// The first heights that are still here. Byte layout: the four heights, `u64` each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Kept {
    /// Bodies of this and all later blocks are in the ledger.
    pub bodies_from: Height,
    /// The state tree after this and all later blocks is in the ledger: proofs can be made.
    pub state_from: Height,
    /// The values of records after this and all later blocks are in the ledger.
    pub values_from: Height,
    /// Roots of the state tree below this height are gone; others below `state_from` are going.
    pub roots_from: Height,
}

impl Default for Kept {
    fn default() -> Self {
        Kept {
            bodies_from: Height::GENESIS.next(),
            state_from: Height::GENESIS,
            values_from: Height::GENESIS,
            roots_from: Height::GENESIS,
        }
    }
}

/// What the store says. A ledger that began with a snapshot never had what lies below it.
pub(super) fn read(kv: &dyn Kv) -> Result<Kept, StorageError> {
    let mut kept = keys::read::<Kept, KEPT_BYTES>(kv, Column::Meta, KEY_KEPT)?.unwrap_or_default();
    if let Some(base) = keys::read::<Height, 8>(kv, Column::Meta, KEY_BASE)? {
        let state = base.previous().unwrap_or_default();
        kept.bodies_from = kept.bodies_from.max(base);
        kept.state_from = kept.state_from.max(state);
        kept.values_from = kept.values_from.max(state);
        kept.roots_from = kept.roots_from.max(state);
    }
    Ok(kept)
}

impl Ledger {
    /// What is still here.
    pub fn kept(&self) -> Kept {
        *self.kept.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Raises what is kept and writes the batch that deletes what lies below.
    pub(super) fn write_kept(&self, kept: Kept, mut batch: Batch) -> Result<(), StorageError> {
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = kept;
        batch.put(Column::Meta, KEY_KEPT, codec::encode(&kept));
        self.kv.write(batch)
    }

    /// Reads what must not be pruned before the read is done; `first` says from which height it is here.
    pub(super) fn while_kept<T>(
        &self,
        height: Height,
        first: fn(&Kept) -> Height,
        read: impl FnOnce() -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let check = || match first(&self.kept()) {
            from if height < from => Err(StorageError::StatePruned { height, from }),
            _ => Ok(()),
        };
        check()?;
        let found = read();
        check()?;
        found
    }
}
