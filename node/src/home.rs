//! A node's home folder and how a new one is made.
//!
//! | path | is |
//! |---|---|
//! | `config.toml` | the configuration |
//! | `genesis.toml` | the consortium's founding document |
//! | `keys/node.pem` | transport identity, mode 0600 |
//! | `keys/validator.pem` | voting key, mode 0600; absent on an observer |
//! | `keys/administrator.pem` | the member's first administrator key, of a home made of an invitation |
//! | `invitation.json` | the invitation it was made of, mode 0600 |
//! | `data/` | ledger and vote log |
//!
//! Nothing is ever overwritten. Keys that lie there already are kept, so that a member can make
//! them with its own tools before the founding document names them. Everything is checked before
//! the first file is written; a file that a crash left half-written is refused when it is read.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use libp2p::PeerId;
use mulu_chain::signature::{PublicKey, SigningKey};
use mulu_genesis::invitation::Checked;
use mulu_genesis::{DOCUMENT_BYTES_MAX, Founding, FoundingInvalid};

use crate::config::{self, Config, ConfigError};
use crate::disk::{self, Disk, Site};
use crate::explain::Explain;
use crate::join::INVITATION_FILE_NAME;
use crate::keys::{self, KeyError, KeyFile};
use crate::vote_log;

/// Name of the founding document in a home folder.
pub const GENESIS_FILE_NAME: &str = "genesis.toml";

/// What a new home is made of.
#[derive(Debug, Clone)]
pub struct NewHome {
    /// The folder.
    pub home: PathBuf,
    /// The founding document to copy; without one it must be put there before the start.
    pub genesis: Option<PathBuf>,
    /// What to write into `config.toml`.
    pub config: Config,
    /// Whether the node only replicates: it gets no validator key.
    pub observer: bool,
    /// The invitation that brings the founding document and asks for an administrator key.
    pub invitation: Option<Checked>,
}

/// What was made.
pub struct Created {
    /// The node's transport identity.
    pub peer_id: PeerId,
    /// The validator's public key, unless it is an observer.
    pub validator: Option<PublicKey>,
    /// The administrator's public key, if it was made of an invitation.
    pub administrator: Option<PublicKey>,
    /// The founding document, if one was given.
    pub founding: Option<Founding>,
    /// Key files that were there before.
    pub kept: Vec<PathBuf>,
}

/// Why a home was not made.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// A file is there already.
    #[error(
        "{path} exists already and `mulud init` never overwrites; use another --home, or move the \
         file away if it is not needed"
    )]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// An observer's home holds a validator key.
    #[error(
        "{path} exists, but --observer makes a node without a validator key; leave --observer out, \
         or move the key away"
    )]
    ObserverWithKey {
        /// The key file.
        path: PathBuf,
    },
    /// The founding document cannot be read.
    #[error(
        "cannot read the founding document {path}: {source}; --genesis must name the consortium's \
         genesis.toml"
    )]
    GenesisRead {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The founding document has faults.
    #[error("the founding document is not usable\n{0}")]
    Genesis(#[from] FoundingInvalid),
    /// A setting given on the command line is not usable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A key cannot be used or made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A folder or file cannot be written.
    #[error("cannot write {path}: {source}; check the folder's owner and the free space")]
    Write {
        /// The path.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

impl Explain for HomeError {
    fn chinese(&self) -> String {
        match self {
            HomeError::Exists { path } => format!(
                "{} 已存在，`mulud init` 从不覆盖；请换一个 --home，确认不需要后也可将其移走",
                path.display()
            ),
            HomeError::ObserverWithKey { path } => format!(
                "{} 已存在，而 --observer 节点没有验证者密钥；请去掉 --observer，或将该密钥移走",
                path.display()
            ),
            HomeError::GenesisRead { path, source } => format!(
                "无法读取创始文件 {}：{source}；--genesis 应指向联盟的 genesis.toml",
                path.display()
            ),
            HomeError::Genesis(invalid) => invalid.chinese(),
            HomeError::Config(error) => error.chinese(),
            HomeError::Key(error) => error.chinese(),
            HomeError::Write { path, source } => {
                format!("无法写入 {}：{source}；请检查目录属主和剩余空间", path.display())
            }
        }
    }
}

/// Makes a home folder on `disk`; the founding document is read from the system's own.
///
/// # Errors
/// [`HomeError`]; nothing was written unless it is [`HomeError::Write`] or a key could not be
/// written.
pub fn create(disk: &dyn Disk, new: &NewHome) -> Result<Created, HomeError> {
    let home = &new.home;
    let genesis_path = home.join(GENESIS_FILE_NAME);
    let config_path = home.join(config::FILE_NAME);
    let genesis = match &new.invitation {
        Some(checked) => Some((checked.invitation.genesis.clone(), checked.founding.clone())),
        None => new.genesis.as_deref().map(read_genesis).transpose()?,
    };
    let invitation_path = home.join(INVITATION_FILE_NAME);
    let config_text = new.config.to_toml();
    Config::parse(&config_text, &config_path.to_string_lossy(), |_| None)?;
    let validator_path = KeyFile::Validator.path(home);
    if new.observer && validator_path.exists() {
        return Err(HomeError::ObserverWithKey { path: validator_path });
    }
    let votes = home.join("data").join("votes");
    let fresh_marker = votes.join(vote_log::FRESH_MARKER);
    let makes_validator = !new.observer && !validator_path.exists();
    let written = [
        (&config_path, true),
        (&genesis_path, genesis.is_some()),
        (&invitation_path, new.invitation.is_some()),
        (&fresh_marker, makes_validator),
    ];
    if let Some((path, _)) = written.into_iter().find(|(path, made)| *made && path.exists()) {
        return Err(HomeError::Exists { path: path.clone() });
    }

    for folder in [home.clone(), home.join("keys"), home.join("data")] {
        create_folder(disk, &folder)?;
    }
    let mut kept = Vec::new();
    let node = key_at(disk, KeyFile::Node.path(home), &mut kept)?;
    let validator = match new.observer {
        true => None,
        false => Some(key_at(disk, validator_path, &mut kept)?.public_key()),
    };
    // A key that was there before may have signed before: without a vote log that is a doubt, and
    // only a key made just now takes it away.
    if makes_validator {
        create_folder(disk, &votes)?;
        write_new(disk, &fresh_marker, "")?;
    }
    let mut administrator = None;
    if let Some(checked) = &new.invitation {
        let path = KeyFile::Administrator.path(home);
        administrator = Some(key_at(disk, path, &mut kept)?.public_key());
        let text = serde_json::to_string_pretty(&checked.invitation)
            .map_err(|e| HomeError::Write { path: invitation_path.clone(), source: e.into() })?;
        write_new(disk, &invitation_path, &text)?;
    }
    if let Some((text, _)) = &genesis {
        write_new(disk, &genesis_path, text)?;
    }
    // Last, because this is the file that says there is a node here.
    write_new(disk, &config_path, &config_text)?;
    Ok(Created {
        peer_id: keys::identity_of(&node).public().to_peer_id(),
        validator,
        administrator,
        founding: genesis.map(|(_, founding)| founding),
        kept,
    })
}

fn read_genesis(path: &Path) -> Result<(String, Founding), HomeError> {
    let mut text = String::new();
    // One byte more than the limit, so that the parser sees, and says, that it is too long.
    File::open(path)
        .and_then(|file| file.take(DOCUMENT_BYTES_MAX as u64 + 1).read_to_string(&mut text))
        .map_err(|source| HomeError::GenesisRead { path: path.into(), source })?;
    let founding = mulu_genesis::parse(&text, &path.to_string_lossy())?;
    Ok((text, founding))
}

fn key_at(
    disk: &dyn Disk,
    path: PathBuf,
    kept: &mut Vec<PathBuf>,
) -> Result<SigningKey, HomeError> {
    match keys::load(&path) {
        Ok(key) => {
            kept.push(path);
            Ok(key)
        }
        Err(KeyError::Missing { .. }) => {
            let key = keys::generate()?;
            keys::write_new(disk, &path, &key)?;
            Ok(key)
        }
        Err(error) => Err(error.into()),
    }
}

fn create_folder(disk: &dyn Disk, path: &Path) -> Result<(), HomeError> {
    disk.create_folder(Site::HomeFolderCreate, path)
        .and_then(|()| {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            disk.sync_folder(Site::HomeFolderSync, parent.unwrap_or(Path::new(".")))
        })
        .map_err(|source| HomeError::Write { path: path.into(), source })
}

fn write_new(disk: &dyn Disk, path: &Path, text: &str) -> Result<(), HomeError> {
    disk::write_new(disk, path, text.as_bytes()).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => HomeError::Exists { path: path.into() },
        _ => HomeError::Write { path: path.into(), source },
    })
}

#[cfg(test)]
mod tests;
