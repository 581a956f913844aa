//! What can go wrong with the ledger's storage. Each message says in one sentence what was being
//! done, where, and what the operator can do about it.

use std::error::Error;
use std::path::PathBuf;

use mulu_chain::block::BlockId;
use mulu_chain::types::Height;

/// The failure underneath: an operating system's or RocksDB's.
pub type Source = Box<dyn Error + Send + Sync>;

/// Why the ledger could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Another process holds the folder's lock.
    #[error(
        "cannot open the ledger in {path}: another mulud is using this data folder; stop it first, \
         or start this node with its own --home"
    )]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The folder cannot be opened.
    #[error("cannot open the ledger in {path}: {source}; {hint}")]
    Open {
        /// The folder.
        path: PathBuf,
        /// What to do.
        hint: &'static str,
        /// The failure.
        source: Source,
    },
    /// The folder was written in a layout this program does not know.
    #[error(
        "cannot read the ledger in {path}: its layout is version {found}, this mulud reads version \
         {supported}; start the mulud that wrote it, or move the folder aside and sync again"
    )]
    UnknownSchema {
        /// The folder.
        path: PathBuf,
        /// Version found, as text.
        found: String,
        /// The one version supported.
        supported: u32,
    },
    /// The folder holds another chain.
    #[error(
        "the ledger in {path} belongs to another chain: its block 0 is {found}, the founding \
         document's is {expected}; use that chain's founding document, or another --home"
    )]
    ForeignData {
        /// The folder.
        path: PathBuf,
        /// Block 0 on disk.
        found: BlockId,
        /// Block 0 of the founding document.
        expected: BlockId,
    },
    /// Nothing was ever written.
    #[error(
        "the ledger in {path} is empty: it has no block 0 yet; initialize it with a founding document"
    )]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// A read failed.
    #[error(
        "cannot read column {column} of the ledger in {path}: {source}; check the disk (dmesg, \
         smartctl), then restore a backup or let this node sync again from its peers"
    )]
    Read {
        /// The column.
        column: &'static str,
        /// The folder.
        path: PathBuf,
        /// The failure.
        source: Source,
    },
    /// A write failed; what is on disk is unknown and the process must stop.
    #[error(
        "cannot write to the ledger in {path}: {source}; free space or replace the disk, then start \
         mulud again: it continues from the last complete block"
    )]
    Write {
        /// The folder.
        path: PathBuf,
        /// The failure.
        source: Source,
    },
    /// Bytes on disk are not what was written there.
    #[error(
        "the ledger in {path} is damaged at {place}: {reason}; stop this node, check the disk, then \
         restore a backup or move the folder aside and sync again from its peers"
    )]
    Corrupt {
        /// The folder.
        path: PathBuf,
        /// Column and key.
        place: String,
        /// What is wrong there.
        reason: String,
    },
    /// A block was handed over that does not follow the tip or does not match its preparation.
    #[error(
        "block {height} is refused: its {what} is {found} instead of {expected}; this is a \
         bug or damaged memory, nothing was written: keep the data folder and report it"
    )]
    Mismatch {
        /// The block's height.
        height: Height,
        /// Which part of it.
        what: &'static str,
        /// What it is.
        found: String,
        /// What it must be.
        expected: String,
    },
    /// A copy could not be made.
    #[error(
        "cannot copy the ledger to {path}: {source}; give a folder that does not exist yet on a disk \
         with enough room"
    )]
    Copy {
        /// Where to.
        path: PathBuf,
        /// The failure.
        source: Source,
    },
    /// A body that was moved away.
    #[error(
        "the transactions of block {height} are no longer on this node: {}; headers, proofs and \
         outcomes are, and nodes that keep everything have the rest",
        moved_to(archive.as_deref())
    )]
    BodyMoved {
        /// The block's height.
        height: Height,
        /// The archive file that holds it; none if bodies are dropped here.
        archive: Option<String>,
    },
    /// A state that was pruned.
    #[error(
        "the state at height {height} is no longer on this node: it keeps states from height {from} \
         on; ask a node that keeps more, or replay the archive"
    )]
    StatePruned {
        /// What was asked for.
        height: Height,
        /// The first height kept.
        from: Height,
    },
    /// The archive folder cannot be written or holds something else.
    #[error(
        "cannot archive to {path}: {reason}; free space there or correct [storage] archive in config.toml"
    )]
    Archive {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A height or log size that does not exist (yet).
    #[error("there is no {what} {asked} yet: the ledger ends at {last}")]
    Beyond {
        /// `height` or `log size`.
        what: &'static str,
        /// What was asked for.
        asked: u64,
        /// The last there is.
        last: u64,
    },
    /// The answer would be larger than an audit bundle may be.
    #[error(
        "the bundle of {subject} would hold more than {limit} {unit}; ask for one of its \
         authorizations instead"
    )]
    BundleTooLarge {
        /// The subject.
        subject: String,
        /// The bound.
        limit: usize,
        /// What is bounded.
        unit: &'static str,
    },
}

/// Where a body is, in words.
fn moved_to(archive: Option<&str>) -> String {
    match archive {
        Some(file) => format!("they are in the archive file {file}"),
        None => "it drops old bodies".to_owned(),
    }
}
