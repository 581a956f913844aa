//! Backups of a ledger while the node runs, and what restoring one checks.
//!
//! | path in a backup | is |
//! |---|---|
//! | `ledger/…` | RocksDB's files, as they were at one moment |
//! | `genesis.toml`, `config.toml` | copies of the home's |
//! | `manifest.json` | [`Manifest`]: chain, tip, and size and SHA-256 of every other file; written last |
//!
//! A backup holds no keys, which have an offline copy, and **no vote log**: a copy of a vote log is an
//! old one, and an old one makes a validator contradict itself. So a restored validator finds a key
//! without a log, is in doubt, and abstains until the chain has moved on past everything it may have
//! signed (`vote_log.rs`, `replica/standing.rs`). There is no archive format to unpack: names are
//! plain and checked, every file is hashed, and nothing is written outside the new data folder.
//!
//! `mulud backup` asks a running node by a file in its data folder, which only who may write there
//! can do; of a stopped node it opens the ledger itself.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mulu_chain::block::BlockId;
use mulu_chain::digest::Digest;
use mulu_chain::types::{ChainId, Height};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::explain::Explain;
use crate::home::GENESIS_FILE_NAME;
use crate::storage::{Ledger, StorageError};

/// Version of [`Manifest`].
pub const MANIFEST_VERSION: u32 = 1;
/// Most files in a backup.
pub const FILES_MAX: usize = 100_000;
/// Largest manifest, in bytes.
pub const MANIFEST_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How long a running node may take to answer.
pub const ANSWER_MAX: Duration = Duration::from_secs(600);

const MANIFEST: &str = "manifest.json";
const REQUEST: &str = "backup-request.json";
const ANSWER: &str = "backup-answer.json";
const LEDGER: &str = "ledger";
const CONFIG: &str = crate::config::FILE_NAME;
/// How often its answer is looked for.
pub const POLL: Duration = Duration::from_millis(100);

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`].
    pub version: u32,
    /// Program that made it.
    pub program: String,
    /// The chain.
    pub chain_id: ChainId,
    /// Id of block 0.
    pub genesis: BlockId,
    /// Height of the last block in it.
    pub height: Height,
    /// Its id.
    pub block: BlockId,
    /// State root after it.
    pub state_root: Digest,
    /// When it was made, in milliseconds since 1970.
    pub made_ms: u64,
    /// Every other file, by path.
    pub files: Vec<FileRecord>,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    /// `genesis.toml`, `config.toml` or `ledger/NAME`.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: Digest,
}

/// Why there is no backup, or none was restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The target exists.
    #[error("{0} exists already: give a folder that does not exist yet")]
    Exists(PathBuf),
    /// A file or folder cannot be read or written.
    #[error("cannot use {path}: {source}; check owner, free space and spelling")]
    Io {
        /// Which.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The backup is not what its manifest says.
    #[error("the backup in {folder} is damaged or not whole: {reason}; use another backup")]
    Damaged {
        /// The backup.
        folder: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The node has data.
    #[error(
        "{0} exists: a backup is restored into a home without data; stop the node and move that \
         folder aside (keep it until the node is well again)"
    )]
    HasData(PathBuf),
    /// Another chain's.
    #[error("the backup belongs to chain {found}, the home's founding document to {expected}")]
    OtherChain {
        /// The backup's block 0.
        found: BlockId,
        /// The home's.
        expected: BlockId,
    },
    /// The ledger.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The running node's answer.
    #[error("the running node could not make the backup: {0}")]
    Refused(String),
    /// No answer.
    #[error(
        "the node in {0} holds its ledger but did not answer: it may be stopping or read-only; look \
         at its log and try again"
    )]
    NoAnswer(PathBuf),
}

impl Explain for BackupError {
    fn chinese(&self) -> String {
        match self {
            BackupError::Exists(path) => {
                format!("{} 已存在：请指定一个尚不存在的目录", path.display())
            }
            BackupError::Io { path, source } => {
                format!("无法使用 {}：{source}；请检查属主、剩余空间和路径", path.display())
            }
            BackupError::Damaged { folder, reason } => {
                format!("{} 中的备份已损坏或不完整：{reason}；请改用其他备份", folder.display())
            }
            BackupError::HasData(path) => format!(
                "{} 已存在：只能恢复到没有数据的节点目录；请停止节点并将该目录移走（节点恢复正常前请保留）",
                path.display()
            ),
            BackupError::OtherChain { found, expected } => {
                format!("备份属于链 {found}，而本目录的创始文件属于 {expected}")
            }
            BackupError::Storage(error) => error.chinese(),
            BackupError::Refused(why) => format!("运行中的节点未能完成备份：{why}"),
            BackupError::NoAnswer(home) => format!(
                "{} 中的节点占用账本但没有回应：可能正在停止或处于只读状态；请查看其日志后重试",
                home.display()
            ),
        }
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::Io { path, source }
}

fn damaged(folder: &Path, reason: impl ToString) -> BackupError {
    BackupError::Damaged { folder: folder.to_owned(), reason: reason.to_string() }
}

/// Makes a backup of an open ledger.
///
/// # Errors
/// [`BackupError`]; what was written so far stays, without a manifest.
pub fn make(home: &Path, ledger: &Ledger, to: &Path) -> Result<Manifest, BackupError> {
    if to.exists() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    fs::create_dir_all(to).map_err(at(to))?;
    ledger.copy_to(&to.join(LEDGER))?;
    for name in [GENESIS_FILE_NAME, CONFIG] {
        fs::copy(home.join(name), to.join(name)).map_err(at(&home.join(name)))?;
    }
    // Opened once, it says what it holds, and is shown to be whole. Opening changes its files, so
    // they are hashed after.
    let copied = Ledger::open(&to.join(LEDGER))?;
    let tip = copied.tip()?.header;
    let genesis = copied.header(Height::GENESIS)?.map(|header| header.id()).unwrap_or_default();
    drop(copied);
    let made_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let manifest = Manifest {
        version: MANIFEST_VERSION,
        program: format!("mulud {}", env!("CARGO_PKG_VERSION")),
        chain_id: tip.chain_id.clone(),
        genesis,
        height: tip.height,
        block: tip.id(),
        state_root: tip.state_root,
        made_ms: u64::try_from(made_ms).unwrap_or(u64::MAX),
        files: list(to)?,
    };
    let text = serde_json::to_vec_pretty(&manifest).expect("strings and numbers serialize");
    let path = to.join(MANIFEST);
    let mut file = File::create(&path).map_err(at(&path))?;
    file.write_all(&text).and_then(|()| file.sync_all()).map_err(at(&path))?;
    File::open(to).and_then(|folder| folder.sync_all()).map_err(at(to))?;
    Ok(manifest)
}

/// Sizes and hashes of the files of a backup, in the order of their paths.
fn list(folder: &Path) -> Result<Vec<FileRecord>, BackupError> {
    let mut files = Vec::new();
    for name in [CONFIG, GENESIS_FILE_NAME] {
        files.push(record(folder, name.to_owned())?);
    }
    let ledger = folder.join(LEDGER);
    for entry in fs::read_dir(&ledger).map_err(at(&ledger))?.take(FILES_MAX) {
        let name = entry.map_err(at(&ledger))?.file_name();
        let name = name.to_str().unwrap_or_default();
        // The lock and RocksDB's own text logs are no part of the ledger.
        if name == "LOCK" || name.starts_with("LOG") {
            fs::remove_file(ledger.join(name)).map_err(at(&ledger))?;
            continue;
        }
        files.push(record(folder, format!("{LEDGER}/{name}"))?);
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn record(folder: &Path, path: String) -> Result<FileRecord, BackupError> {
    let full = folder.join(&path);
    let (bytes, sha256) = hash(&full).map_err(at(&full))?;
    Ok(FileRecord { path, bytes, sha256 })
}

fn hash(path: &Path) -> io::Result<(u64, Digest)> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((bytes, Digest::from_bytes(hasher.finalize().into())));
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
        bytes += read as u64;
    }
}

/// Reads a backup's manifest and checks every file against it.
///
/// # Errors
/// [`BackupError::Damaged`], [`BackupError::Io`].
pub fn verify(folder: &Path) -> Result<Manifest, BackupError> {
    let path = folder.join(MANIFEST);
    let mut text = String::new();
    let file = File::open(&path).map_err(at(&path))?;
    file.take(MANIFEST_BYTES_MAX).read_to_string(&mut text).map_err(at(&path))?;
    let manifest: Manifest = serde_json::from_str(&text).map_err(|e| damaged(folder, e))?;
    if manifest.version != MANIFEST_VERSION || manifest.files.len() > FILES_MAX {
        return Err(damaged(folder, "its manifest is of another version, or too long"));
    }
    for file in &manifest.files {
        if !is_plain(&file.path) {
            return Err(damaged(folder, format!("{} is no file of a backup", file.path)));
        }
        let full = folder.join(&file.path);
        let found = hash(&full).map_err(|e| damaged(folder, format!("{}: {e}", file.path)))?;
        if found != (file.bytes, file.sha256) {
            return Err(damaged(folder, format!("{} is not what it was", file.path)));
        }
    }
    let named = |name: &str| manifest.files.iter().any(|file| file.path == name);
    if !named(CONFIG) || !named(GENESIS_FILE_NAME) || !named("ledger/CURRENT") {
        return Err(damaged(folder, "a file is missing from its manifest"));
    }
    Ok(manifest)
}

/// Whether a path is one that a backup may hold.
fn is_plain(path: &str) -> bool {
    let name = match path.strip_prefix("ledger/") {
        None => return path == CONFIG || path == GENESIS_FILE_NAME,
        Some(name) => name,
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    !name.is_empty()
        && name.bytes().all(plain)
        && matches!(Path::new(name).components().next(), Some(Component::Normal(_)))
}

/// Restores a verified backup into a home without data; keys, configuration and founding document
/// that are there stay.
///
/// # Errors
/// [`BackupError`].
pub fn restore(home: &Path, from: &Path) -> Result<Manifest, BackupError> {
    let data = home.join("data");
    if data.exists() {
        return Err(BackupError::HasData(data));
    }
    let manifest = verify(from)?;
    let own = home.join(GENESIS_FILE_NAME);
    if own.exists()
        && hash(&own).map_err(at(&own))? != hash(&from.join(GENESIS_FILE_NAME)).map_err(at(from))?
    {
        let text = fs::read_to_string(&own).map_err(at(&own))?;
        let expected = mulu_genesis::parse(&text, &own.to_string_lossy())
            .map_or(Digest::ZERO, |founding| founding.digest());
        if expected != manifest.genesis {
            return Err(BackupError::OtherChain { found: manifest.genesis, expected });
        }
    }
    let part = home.join("data.restoring");
    if part.exists() {
        fs::remove_dir_all(&part).map_err(at(&part))?;
    }
    let ledger = part.join(LEDGER);
    fs::create_dir_all(&ledger).map_err(at(&ledger))?;
    for file in &manifest.files {
        let target = match file.path.as_str() {
            path if path.starts_with("ledger/") => part.join(path),
            path if home.join(path).exists() => continue,
            path => home.join(path),
        };
        fs::copy(from.join(&file.path), &target).map_err(at(&target))?;
        File::open(&target).and_then(|file| file.sync_all()).map_err(at(&target))?;
    }
    let restored = Ledger::open(&ledger)?;
    let tip = restored.tip()?.header;
    drop(restored);
    if (tip.id(), tip.height, tip.state_root)
        != (manifest.block, manifest.height, manifest.state_root)
    {
        return Err(damaged(from, "its ledger ends at another block than its manifest says"));
    }
    fs::rename(&part, &data).map_err(at(&data))?;
    File::open(home).and_then(|folder| folder.sync_all()).map_err(at(home))?;
    Ok(manifest)
}

#[derive(Serialize, Deserialize)]
struct Request {
    to: PathBuf,
}

#[derive(Serialize, Deserialize)]
enum Answer {
    Made(Manifest),
    Refused(String),
}

/// `mulud backup`: asks the running node, or does it itself if none runs.
///
/// # Errors
/// [`BackupError`].
pub fn command(home: &Path, to: &Path) -> Result<Manifest, BackupError> {
    let to = std::path::absolute(to).map_err(at(to))?;
    let data = home.join("data");
    match Ledger::open(&data.join(LEDGER)) {
        Ok(ledger) => return make(home, &ledger, &to),
        Err(StorageError::InUse { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let (request, answer) = (data.join(REQUEST), data.join(ANSWER));
    drop(fs::remove_file(&answer));
    let text = serde_json::to_vec(&Request { to }).expect("a path serializes");
    write_whole(&request, &text).map_err(at(&request))?;
    let asked = Instant::now();
    while asked.elapsed() < ANSWER_MAX {
        std::thread::sleep(POLL);
        let Ok(text) = fs::read(&answer) else { continue };
        drop(fs::remove_file(&answer));
        return match serde_json::from_slice(&text) {
            Ok(Answer::Made(manifest)) => Ok(manifest),
            Ok(Answer::Refused(why)) => Err(BackupError::Refused(why)),
            Err(error) => Err(BackupError::Refused(error.to_string())),
        };
    }
    drop(fs::remove_file(&request));
    Err(BackupError::NoAnswer(home.to_owned()))
}

/// Makes the backup that `mulud backup` asked a running node for, if it did.
pub fn answer_request(home: &Path, ledger: &Ledger) {
    let data = home.join("data");
    let path = data.join(REQUEST);
    let Ok(text) = fs::read(&path) else { return };
    drop(fs::remove_file(&path));
    let answer = match serde_json::from_slice::<Request>(&text) {
        Err(error) => Answer::Refused(error.to_string()),
        Ok(Request { to }) => match make(home, ledger, &to) {
            Ok(manifest) => {
                tracing::info!(height = manifest.height.0, to = %to.display(), "backup made");
                Answer::Made(manifest)
            }
            Err(error) => {
                tracing::warn!(%error, "no backup");
                Answer::Refused(error.to_string())
            }
        },
    };
    let text = serde_json::to_vec(&answer).expect("strings and numbers serialize");
    if let Err(error) = write_whole(&data.join(ANSWER), &text) {
        tracing::warn!(%error, "cannot answer a request for a backup");
    }
}

/// Writes a file that is there as a whole or not at all.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = path.with_extension("part");
    fs::write(&part, bytes)?;
    fs::rename(&part, path)
}

#[cfg(test)]
mod tests;
