//! Scrubbing: reading everything again, slowly, to find damage before somebody needs what is damaged.
//!
//! RocksDB verifies a checksum over every block it reads and names the file in its error; on top,
//! what belongs together is compared: headers follow each other, certificates name them, bodies and
//! log entries are those they commit to. A walk goes over the blocks by height, then over all pairs
//! of the other columns. What it finds is named by column, height and, where RocksDB knows it, file.

use mulu_chain::block::body_hash;
use mulu_chain::codec;
use mulu_chain::digest::Digest;
use mulu_chain::log::LogNode;
use mulu_chain::types::Height;
use serde::Serialize;

use super::error::StorageError;
use super::keys;
use super::kv::Column;
use super::ledger::Ledger;

/// Bytes after which a step ends.
pub const SCRUB_BYTES_PER_STEP: usize = 1024 * 1024;
/// Pairs read at a time.
const PAIRS_PER_READ: usize = 64;
/// Bytes of an encoded digest.
const DIGEST_BYTES: usize = 33;
/// Columns that are read pair by pair.
const BY_PAIR: [Column; 7] = [
    Column::StateNodes,
    Column::StateValues,
    Column::Records,
    Column::History,
    Column::LogNodes,
    Column::Validators,
    Column::StaleNodes,
];

/// Something that is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// The column.
    pub column: &'static str,
    /// The height it belongs to, where the key tells.
    pub height: Option<Height>,
    /// What is wrong; names the file where RocksDB knows it.
    pub reason: String,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "column {}", self.column)?;
        if let Some(height) = self.height {
            write!(f, ", height {height}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// What a step came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScrubStep {
    /// It goes on.
    More,
    /// Everything was read.
    Done,
    /// Damage; the walk goes on behind it.
    Damaged(Damage),
}

/// One walk over the ledger.
#[derive(Debug, Clone)]
pub struct Scrub {
    next: Height,
    parent: Option<Digest>,
    column: usize,
    after: Option<Vec<u8>>,
    /// Bytes read so far.
    pub bytes: u64,
}

impl Default for Scrub {
    fn default() -> Self {
        Scrub { next: Height::GENESIS, parent: None, column: 0, after: None, bytes: 0 }
    }
}

impl Scrub {
    /// The height a walk has come to.
    pub fn height(&self) -> Height {
        self.next
    }

    /// Reads about a megabyte.
    pub fn step(&mut self, ledger: &Ledger) -> Result<ScrubStep, StorageError> {
        let until = self.bytes.saturating_add(SCRUB_BYTES_PER_STEP as u64);
        let tip = ledger.height()?;
        while self.bytes < until {
            if self.next == Height(1) {
                // A ledger that began with a snapshot has no blocks below it.
                self.next = ledger.base()?.unwrap_or(self.next);
                self.parent = self.parent.filter(|_| self.next == Height(1));
            }
            if self.next <= tip {
                if let Some(damage) = self.block(ledger) {
                    return Ok(ScrubStep::Damaged(damage));
                }
                continue;
            }
            let Some(column) = BY_PAIR.get(self.column).copied() else {
                return Ok(ScrubStep::Done);
            };
            if let Some(damage) = self.pairs(ledger, column) {
                return Ok(ScrubStep::Damaged(damage));
            }
        }
        Ok(ScrubStep::More)
    }

    /// Checks the next block.
    fn block(&mut self, ledger: &Ledger) -> Option<Damage> {
        let height = self.next;
        self.next = height.next();
        let parent = self.parent.take();
        let damage = |column: Column, reason: String| {
            Some(Damage { column: column.name(), height: Some(height), reason })
        };
        let header = match ledger.header(height) {
            Ok(Some(header)) => header,
            Ok(None) => return damage(Column::Headers, "it is missing".to_owned()),
            Err(error) => return damage(Column::Headers, reason(&error)),
        };
        self.bytes += codec::encode(&header).len() as u64;
        let id = header.id();
        self.parent = Some(id);
        if parent.is_some_and(|parent| parent != header.parent) {
            return damage(Column::Headers, "it does not follow the block before".to_owned());
        }
        if height == Height::GENESIS {
            return None;
        }
        match ledger.certificate(height) {
            Ok(Some(certificate)) if certificate.block == id && certificate.height == height => {}
            Ok(_) => return damage(Column::Certificates, "it does not name the block".to_owned()),
            Err(error) => return damage(Column::Certificates, reason(&error)),
        }
        match ledger.certified_block(height) {
            Ok(None) => {}
            Ok(Some(block)) => {
                self.bytes += block.block.size_bound() as u64;
                if body_hash(&block.block.transactions) != header.body {
                    let what = "the transactions are not those of the header";
                    return damage(Column::Bodies, what.to_owned());
                }
            }
            Err(error) => return damage(Column::Bodies, reason(&error)),
        }
        self.log(ledger, height).and_then(|(column, reason)| damage(column, reason))
    }

    /// Checks a block's log entries against the leaves of the log's tree.
    fn log(&mut self, ledger: &Ledger, height: Height) -> Option<(Column, String)> {
        let entries = match ledger.log_entries(height) {
            Ok(entries) => entries,
            Err(error) => return Some((Column::LogEntries, reason(&error))),
        };
        for entry in entries {
            self.bytes += entry.leaf_bytes().len() as u64;
            let index = match ledger.transaction(&entry.transaction) {
                Ok(Some(found)) if found.entry == entry => found.log_index,
                Ok(_) => {
                    let what = format!("transaction {} leads elsewhere", entry.transaction);
                    return Some((Column::Transactions, what));
                }
                Err(error) => return Some((Column::Transactions, reason(&error))),
            };
            let key = keys::log_node(LogNode { level: 0, index });
            let leaf = keys::expect::<Digest, DIGEST_BYTES>(&*ledger.kv, Column::LogNodes, &key);
            match leaf {
                Ok(leaf) if leaf == entry.leaf_hash() => {}
                Ok(_) => {
                    let what = format!("log entry {index} is not the one in the log's tree");
                    return Some((Column::LogEntries, what));
                }
                Err(error) => return Some((Column::LogNodes, reason(&error))),
            }
        }
        None
    }

    /// Reads the next pairs of a column.
    fn pairs(&mut self, ledger: &Ledger, column: Column) -> Option<Damage> {
        match ledger.kv.scan(column, &[], self.after.as_deref(), PAIRS_PER_READ) {
            Ok(pairs) => {
                let read = pairs.iter().map(|(key, value)| (key.len() + value.len()) as u64);
                self.bytes = self.bytes.saturating_add(read.sum::<u64>()).saturating_add(1);
                self.after = pairs.into_iter().next_back().map(|(key, _)| key);
                if self.after.is_none() {
                    self.column += 1;
                }
                None
            }
            Err(error) => {
                let after = self.after.take();
                self.column += 1;
                let height = after.as_deref().and_then(|key| height_of(column, key));
                Some(Damage { column: column.name(), height, reason: reason(&error) })
            }
        }
    }
}

/// The height in a key, where there is one.
fn height_of(column: Column, key: &[u8]) -> Option<Height> {
    let bytes = match column {
        Column::StateNodes | Column::Validators | Column::StaleNodes => key.get(..8),
        Column::StateValues => key.get(key.len().checked_sub(8)?..),
        _ => None,
    }?;
    Some(Height(u64::from_be_bytes(bytes.try_into().ok()?)))
}

/// An error without its advice.
fn reason(error: &StorageError) -> String {
    match error {
        StorageError::Read { source, .. } => source.to_string(),
        StorageError::Corrupt { place, reason, .. } => format!("{place}: {reason}"),
        other => other.to_string(),
    }
}
