//! The ordered key-value store under the ledger: the one seam where a disk is plugged in.
//!
//! Two stores implement it, RocksDB and memory; everything above is shared. A test may wrap one to
//! make it fail. Invariants callers rely on: keys of a column are ordered by their bytes; a batch
//! is written as a whole or not at all, and is on stable storage when [`Kv::write`] returns; a read
//! that starts after a write returned sees it.

use std::path::Path;

use super::error::StorageError;

/// A column: one keyspace. The layout of keys and values is in the table of [`super`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Schema version and tip pointer.
    Meta,
    /// Headers by height.
    Headers,
    /// Commit certificates by height.
    Certificates,
    /// Envelopes by height and position.
    Bodies,
    /// Log index by transaction id.
    Transactions,
    /// Nodes of the state tree.
    StateNodes,
    /// Every version of every value.
    StateValues,
    /// Height of the last change by state key.
    Records,
    /// Events by subject and number.
    History,
    /// Roots of the log's complete subtrees.
    LogNodes,
    /// Leaves of the log.
    LogEntries,
    /// Validator sets by the first height they decide.
    Validators,
    /// Nodes of the state tree that a height no longer needs.
    StaleNodes,
}

impl Column {
    /// Every column, in the order of their declaration.
    pub const ALL: [Column; 13] = [
        Column::Meta,
        Column::Headers,
        Column::Certificates,
        Column::Bodies,
        Column::Transactions,
        Column::StateNodes,
        Column::StateValues,
        Column::Records,
        Column::History,
        Column::LogNodes,
        Column::LogEntries,
        Column::Validators,
        Column::StaleNodes,
    ];

    /// The name of the column family.
    pub const fn name(self) -> &'static str {
        match self {
            Column::Meta => "meta",
            Column::Headers => "headers",
            Column::Certificates => "certificates",
            Column::Bodies => "bodies",
            Column::Transactions => "transactions",
            Column::StateNodes => "state_nodes",
            Column::StateValues => "state_values",
            Column::Records => "records",
            Column::History => "history",
            Column::LogNodes => "log_nodes",
            Column::LogEntries => "log_entries",
            Column::Validators => "validators",
            Column::StaleNodes => "stale_nodes",
        }
    }
}

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// Puts and deletions that are written together. Only pruning deletes.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    changes: Vec<(Column, Vec<u8>, Option<Vec<u8>>)>,
}

impl Batch {
    /// Adds a put; of two puts to one key the last wins.
    pub fn put(&mut self, column: Column, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.changes.push((column, key.into(), Some(value.into())));
    }

    /// Adds a deletion.
    pub fn delete(&mut self, column: Column, key: impl Into<Vec<u8>>) {
        self.changes.push((column, key.into(), None));
    }

    /// Number of changes.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The changes, in order; no value means that the key goes.
    pub fn into_changes(self) -> impl Iterator<Item = (Column, Vec<u8>, Option<Vec<u8>>)> {
        self.changes.into_iter()
    }
}

/// An ordered key-value store with columns.
pub trait Kv: Send + Sync {
    /// Where the data lies, for messages.
    fn path(&self) -> &Path;

    /// The value of a key.
    ///
    /// # Errors
    /// [`StorageError::Read`].
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError>;

    /// At most `limit` pairs whose keys begin with `prefix` and lie after `after`, in key order.
    ///
    /// # Errors
    /// [`StorageError::Read`].
    fn scan(
        &self,
        column: Column,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Pair>, StorageError>;

    /// The last pair whose key begins with `prefix` and is not after `key`.
    ///
    /// # Errors
    /// [`StorageError::Read`].
    fn last_up_to(
        &self,
        column: Column,
        prefix: &[u8],
        key: &[u8],
    ) -> Result<Option<Pair>, StorageError>;

    /// Writes all or nothing; the bytes are on stable storage when this returns.
    ///
    /// # Errors
    /// [`StorageError::Write`]: what is on disk is then unknown, so the process must stop.
    fn write(&self, batch: Batch) -> Result<(), StorageError>;

    /// Bytes of a column on disk, where the store knows.
    fn column_bytes(&self, _column: Column) -> Option<u64> {
        None
    }

    /// Gives the room of deleted keys up to `last` back to the disk; costs time, changes nothing.
    fn reclaim(&self, _column: Column, _last: Option<&[u8]>) {}

    /// Copies what is stored, as it is at one moment, into a new folder on the same or another
    /// disk; nothing stops meanwhile.
    ///
    /// # Errors
    /// [`StorageError::Copy`].
    fn copy_to(&self, folder: &Path) -> Result<(), StorageError> {
        Err(StorageError::Copy {
            path: folder.to_owned(),
            source: "this store has no files".into(),
        })
    }
}

/// Where a scan starts: at the prefix, or right after a key.
pub(super) fn scan_start(prefix: &[u8], after: Option<&[u8]>) -> Vec<u8> {
    match after {
        // The successor of a key is the key and one zero byte. A cursor before the prefix
        // begins at the prefix.
        Some(key) if key >= prefix => [key, &[0]].concat(),
        _ => prefix.to_vec(),
    }
}
