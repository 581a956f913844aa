//! Replacing a node's keys while the chain goes on.
//!
//! `mulud rotate KEY` makes the next key beside the one in use; the chain learns of it by transactions
//! (`mulu member nodes`, or `mulu key register` and `mulu validator replace`); then, with the node
//! stopped, `mulud rotate KEY --activate` puts it in the place of the old one, which is kept.
//!
//! A validator key begins with an empty vote log, and an old key must never meet one. So the old key
//! goes first: after a crash on the way there is no validator key, the node only follows, and
//! activating again finishes the work.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use mulu_chain::signature::PublicKey;

use crate::disk::{self, Disk, Site};
use crate::explain::Explain;
use crate::keys::{self, KeyError, KeyFile};
use crate::storage::{Ledger, StorageError};
use crate::vote_log::FRESH_MARKER;

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The next key.
    pub public_key: PublicKey,
    /// Where it lies.
    pub path: PathBuf,
    /// Where the old one is kept, once the next is in its place.
    pub retired: Option<PathBuf>,
}

/// Why a key was not replaced.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// A key cannot be used or made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// There is no next key.
    #[error("{path} does not exist; run `mulud rotate` without --activate first")]
    NoNext {
        /// The file.
        path: PathBuf,
    },
    /// A name is taken.
    #[error("{path} exists already; move it away and repeat")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The node runs.
    #[error("a mulud runs on {path}; stop it, activate, and start it again")]
    Running {
        /// Its ledger.
        path: PathBuf,
    },
    /// A file cannot be moved.
    #[error("cannot change {path}: {source}; check owner and free space, then repeat the command")]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl Explain for RotateError {
    fn chinese(&self) -> String {
        match self {
            RotateError::Key(error) => error.chinese(),
            RotateError::NoNext { path } => {
                format!("{} 不存在；请先执行不带 --activate 的 `mulud rotate`", path.display())
            }
            RotateError::Exists { path } => format!("{} 已存在；请移走后重试", path.display()),
            RotateError::Running { path } => {
                format!("mulud 正在使用 {}；请先停止，启用新密钥后再启动", path.display())
            }
            RotateError::Write { path, source } => {
                format!("无法更改 {}：{source}；请检查属主和剩余空间后重试", path.display())
            }
        }
    }
}

fn next_path(home: &Path, key: KeyFile) -> PathBuf {
    key.path(home).with_extension("next.pem")
}

/// Makes the next key, or finds the one made before.
///
/// # Errors
/// [`RotateError::Key`].
pub fn prepare(disk: &dyn Disk, home: &Path, key: KeyFile) -> Result<Rotated, RotateError> {
    let path = next_path(home, key);
    let next = match keys::load(&path) {
        Ok(next) => next,
        Err(KeyError::Missing { .. }) => {
            let next = keys::generate()?;
            keys::write_new(disk, &path, &next)?;
            next
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Rotated { public_key: next.public_key(), path, retired: None })
}

/// Puts the next key in the place of the old one; the node must be stopped.
///
/// # Errors
/// [`RotateError`]; repeating the command finishes what a crash interrupted.
pub fn activate(disk: &dyn Disk, home: &Path, key: KeyFile) -> Result<Rotated, RotateError> {
    let (path, next) = (key.path(home), next_path(home, key));
    let new = match keys::load(&next) {
        Ok(new) => new,
        Err(KeyError::Missing { .. }) => return Err(RotateError::NoNext { path: next }),
        Err(error) => return Err(error.into()),
    };
    let ledger = home.join("data").join("ledger");
    if ledger.exists()
        && let Err(StorageError::InUse { path }) = Ledger::open(&ledger)
    {
        return Err(RotateError::Running { path });
    }
    let public_key = new.public_key();
    // One name per successor, so that repeating finds what was moved.
    let mark: String = public_key.to_string().chars().skip("ed25519:".len()).take(8).collect();
    let retired = path.with_extension(format!("before-{mark}.pem"));
    if path.exists() {
        rename(&path, &retired)?;
    }
    sync(disk, &home.join("keys"))?;
    if key == KeyFile::Validator {
        begin_votes(disk, home, &mark)?;
    }
    rename(&next, &path)?;
    sync(disk, &home.join("keys"))?;
    Ok(Rotated { public_key, path, retired: Some(retired) })
}

/// An empty vote log for a key that never signed; the old one is kept.
fn begin_votes(disk: &dyn Disk, home: &Path, mark: &str) -> Result<(), RotateError> {
    let data = home.join("data");
    let votes = data.join("votes");
    let marker = votes.join(FRESH_MARKER);
    if votes.exists() && !marker.exists() {
        rename(&votes, &data.join(format!("votes-before-{mark}")))?;
        sync(disk, &data)?;
    }
    let failed = |source| RotateError::Write { path: votes.clone(), source };
    if !votes.exists() {
        disk.create_folder(Site::HomeFolderCreate, &votes).map_err(failed)?;
        sync(disk, &data)?;
    }
    if !marker.exists() {
        disk::write_new(disk, &marker, b"").map_err(failed)?;
    }
    Ok(())
}

fn rename(from: &Path, to: &Path) -> Result<(), RotateError> {
    if to.exists() {
        return Err(RotateError::Exists { path: to.into() });
    }
    fs::rename(from, to).map_err(|source| RotateError::Write { path: from.into(), source })
}

fn sync(disk: &dyn Disk, folder: &Path) -> Result<(), RotateError> {
    disk.sync_folder(Site::HomeFolderSync, folder)
        .map_err(|source| RotateError::Write { path: folder.into(), source })
}

#[cfg(test)]
mod tests;
