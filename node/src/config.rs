//! A node's configuration: `config.toml` in its home folder, and what the environment overrides.
//!
//! Precedence: command line, then environment, then file, then default. A mistake is refused with
//! its file, line and column and what to write instead; an unknown setting is a mistake, because a
//! misspelt one would otherwise be silently ignored. Everything is checked before anything starts.
//!
//! | variable | overrides |
//! |---|---|
//! | `MULU_P2P_LISTEN` | `p2p.listen` |
//! | `MULU_API_LISTEN` | `api.listen` |
//! | `MULU_LOG_FORMAT` | `log.format` |
//! | `MULU_LOG_LEVEL` | `log.level` |
//! | `MULU_FREE_MIB_MIN` | `storage.free_mib_min` |

mod access;
mod error;
mod reader;
mod storage;
mod webhook;
mod writer;

use std::fs::File;
use std::io::{self, Read as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use mulu_chain::digest::Digest;

use crate::api::TlsFiles;
pub use crate::logging::LogFormat;
use crate::webhooks::Webhook;
pub use error::{ConfigError, Located, Problem};
pub use storage::{BodyPolicy, StorageSection};

/// Name of the file in the home folder.
pub const FILE_NAME: &str = "config.toml";
/// Largest configuration file, in bytes.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Most host names of the API.
pub const HOSTS_MAX: usize = 32;
/// Most tokens of the API.
pub const TOKENS_MAX: usize = 64;
/// Longest moniker, in characters.
pub const MONIKER_CHARS_MAX: usize = 64;
/// Where a node listens for peers unless told otherwise: every interface.
pub const P2P_PORT: u16 = 26_601;
/// Where a node serves its API unless told otherwise: this machine only.
pub const API_PORT: u16 = 26_701;

/// A checked configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// What people call this node; only for display.
    pub moniker: String,
    /// The member that runs it: its 统一社会信用代码.
    pub member: String,
    /// Peers.
    pub p2p: P2pSection,
    /// The HTTP API.
    pub api: ApiSection,
    /// The log.
    pub log: LogSection,
    /// What is kept.
    pub storage: StorageSection,
    /// Timing of consensus; no promise of safety depends on it.
    pub consensus: ConsensusSection,
    /// Programs told of events.
    pub webhooks: Vec<Webhook>,
}

/// `[p2p]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct P2pSection {
    /// Where to listen: `/ip4|ip6/…/tcp/…`.
    pub listen: Multiaddr,
    /// Whom to dial, each with `/p2p/…`.
    pub peers: Vec<Multiaddr>,
}

/// `[api]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiSection {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Host names the API answers to besides this machine's own, such as a gateway's.
    pub hosts: Vec<String>,
    /// Certificate and key; none: plain HTTP.
    pub tls: Option<TlsFiles>,
    /// SHA-256 of the tokens that may read; empty: whoever reaches the API.
    pub tokens: Vec<Digest>,
    /// The operator says that a gateway in front speaks TLS and knows who reads.
    pub plain_http: bool,
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSection {
    /// Form of the lines.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug`, `trace`, or directives for parts of the program.
    pub level: String,
}

/// `[consensus]`: milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsensusSection {
    /// Wait for a proposal in round 0.
    pub propose_timeout_ms: u64,
    /// Wait for the missing votes in round 0.
    pub vote_timeout_ms: u64,
    /// What each further round adds to both.
    pub timeout_delta_ms: u64,
    /// No wait grows beyond this.
    pub timeout_ms_max: u64,
    /// Between two repetitions of the last vote while nothing moves.
    pub rebroadcast_ms: u64,
    /// Least time between two blocks.
    pub block_interval_ms_min: u64,
}

/// What the command line overrides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--log-format`
    pub log_format: Option<LogFormat>,
    /// `--log-level`
    pub log_level: Option<String>,
}

impl Default for P2pSection {
    fn default() -> Self {
        let listen = Multiaddr::empty()
            .with(Protocol::Ip4(Ipv4Addr::UNSPECIFIED))
            .with(Protocol::Tcp(P2P_PORT));
        P2pSection { listen, peers: Vec::new() }
    }
}

impl Default for ApiSection {
    fn default() -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, API_PORT));
        ApiSection { listen, hosts: Vec::new(), tls: None, tokens: Vec::new(), plain_http: false }
    }
}

impl Default for LogSection {
    fn default() -> Self {
        LogSection { format: LogFormat::Text, level: "info".to_owned() }
    }
}

impl Default for ConsensusSection {
    fn default() -> Self {
        ConsensusSection {
            propose_timeout_ms: 1_000,
            vote_timeout_ms: 500,
            timeout_delta_ms: 250,
            timeout_ms_max: 10_000,
            rebroadcast_ms: 1_000,
            block_interval_ms_min: 20,
        }
    }
}

impl Config {
    /// A configuration with everything at its default.
    pub fn new(moniker: impl Into<String>, member: impl Into<String>) -> Self {
        Config {
            moniker: moniker.into(),
            member: member.into(),
            p2p: P2pSection::default(),
            api: ApiSection::default(),
            log: LogSection::default(),
            storage: StorageSection::default(),
            consensus: ConsensusSection::default(),
            webhooks: Vec::new(),
        }
    }

    /// Reads and checks `config.toml` of a home folder, with the process's environment.
    ///
    /// # Errors
    /// [`ConfigError`]: the file cannot be read, or it or the environment says something wrong.
    pub fn load(home: &Path) -> Result<Self, ConfigError> {
        let path = home.join(FILE_NAME);
        let text = read_bounded(&path)
            .map_err(|source| ConfigError::Read { path: path.clone(), source })?;
        Config::parse(&text, &path.to_string_lossy(), |name| std::env::var(name).ok())
    }

    /// Reads and checks a text; `environment` answers the value of a variable.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] or [`ConfigError::Environment`].
    pub fn parse(
        text: &str,
        file: &str,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let mut config = reader::read(text, file)?;
        reader::override_from(&mut config, environment)?;
        Ok(config)
    }

    /// Applies the command line.
    ///
    /// # Errors
    /// [`ConfigError::Flag`]: a level that cannot be read.
    pub fn override_with(&mut self, flags: Overrides) -> Result<(), ConfigError> {
        if let Some(format) = flags.log_format {
            self.log.format = format;
        }
        if let Some(level) = flags.log_level {
            self.log.level = reader::level(&level)
                .map_err(|problem| ConfigError::Flag { flag: "--log-level", problem })?;
        }
        Ok(())
    }

    /// The text of a `config.toml` with every setting and what it is for.
    pub fn to_toml(&self) -> String {
        writer::write(self)
    }
}

fn read_bounded(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if read as u64 > FILE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is larger than 1 MiB"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
