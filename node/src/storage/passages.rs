//! Passages of the ledger: a part of a block's log entries, the versions of a record, and which
//! transactions made them.

use mulu_chain::codec;
use mulu_chain::log::LogEntry;
use mulu_chain::state::{HistoryLeaf, history_key, key_hash};
use mulu_chain::transaction::TransactionId;
use mulu_chain::types::Height;

use super::error::StorageError;
use super::keys::{self, corrupt};
use super::kv::Column;
use super::ledger::{HISTORY_EVENT_BYTES_MAX, Ledger};

impl Ledger {
    /// At most `limit` log entries of a block from position `index` on, and the log index of the
    /// first; none if there is no such block or position.
    ///
    /// # Errors
    /// Read errors and damage.
    pub fn log_entries_of(
        &self,
        height: Height,
        index: u32,
        limit: usize,
    ) -> Result<(u64, Vec<LogEntry>), StorageError> {
        let Some(header) = self.header(height)? else { return Ok((0, Vec::new())) };
        let first = header.log_size.saturating_sub(u64::from(header.transactions));
        let first = first.saturating_add(u64::from(index));
        let entries = (first..header.log_size).take(limit).map(|index| self.log_entry(index));
        Ok((first, entries.collect::<Result<_, _>>()?))
    }

    /// At most `limit` versions of a record written after a height, oldest first: the height that
    /// wrote each, and its value.
    ///
    /// # Errors
    /// Read errors and damage.
    pub fn versions(
        &self,
        key: &str,
        after: Option<Height>,
        limit: usize,
    ) -> Result<Vec<(Height, Vec<u8>)>, StorageError> {
        let hash = key_hash(key);
        let after = after.map(|height| keys::state_value(&hash, height));
        let prefix = hash.as_bytes();
        let pairs = self.kv.scan(Column::StateValues, prefix, after.as_deref(), limit)?;
        let versions = pairs.into_iter().map(|(place, value)| {
            let height = place.get(prefix.len()..).and_then(|bytes| bytes.try_into().ok());
            let height = height.map(u64::from_be_bytes).map(Height).ok_or_else(|| {
                corrupt(&*self.kv, Column::StateValues, &place, "it is no state value's key")
            })?;
            Ok((height, value))
        });
        versions.collect()
    }

    /// The transactions of a block that touched a subject, in order.
    ///
    /// # Errors
    /// Read errors and damage.
    pub fn transactions_on(
        &self,
        subject: &str,
        height: Height,
    ) -> Result<Vec<TransactionId>, StorageError> {
        let leaf = self.record_at(&history_key(subject), height)?;
        let leaf = leaf.map(|bytes| codec::decode::<HistoryLeaf, HISTORY_EVENT_BYTES_MAX>(&bytes));
        let Some(Ok(leaf)) = leaf else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        // The last events at or before the height, backwards while they are of it.
        for number in (0..leaf.count).rev() {
            match self.history(subject, number, 1)?.first() {
                Some(event) if event.height == height => found.push(event.transaction),
                _ => break,
            }
        }
        found.reverse();
        found.dedup();
        Ok(found)
    }
}
