//! The log in tiles (C2SP tlog-tiles): the subtree roots and entries that are on disk anyway.

use mulu_chain::codec;
use mulu_chain::digest::Digest;
use mulu_chain::log::{LogEntry, LogNode};
use mulu_chain::tiles::{Tile, TileKind, write_entries};

use super::error::StorageError;
use super::keys;
use super::kv::Column;
use super::ledger::Ledger;

/// Bytes of an encoded digest.
const DIGEST_BYTES: usize = 33;

impl Ledger {
    /// The bytes of a tile; none unless the log has all of it.
    ///
    /// # Errors
    /// Read errors and damage.
    pub fn tile(&self, tile: &Tile) -> Result<Option<Vec<u8>>, StorageError> {
        if !tile.is_in(self.tip()?.frontier.size()) {
            return Ok(None);
        }
        let places = tile.first()..tile.first() + u64::from(tile.width);
        match tile.kind {
            TileKind::Entries => {
                let leaf =
                    |index| self.log_entry(index).map(|entry: LogEntry| codec::encode(&entry));
                let leaves = places.map(leaf).collect::<Result<Vec<_>, _>>()?;
                Ok(write_entries(&leaves))
            }
            TileKind::Hashes(_) => {
                let mut bytes = Vec::new();
                for index in places {
                    let key = keys::log_node(LogNode { level: tile.leaf_bits(), index });
                    let hash =
                        keys::expect::<Digest, DIGEST_BYTES>(&*self.kv, Column::LogNodes, &key)?;
                    bytes.extend_from_slice(hash.as_bytes());
                }
                Ok(Some(bytes))
            }
        }
    }
}
