//! Why a node cannot talk to its peers at all. Later failures are logged and repaired by redialling.

use std::io;

use libp2p::Multiaddr;

use super::{AddressInvalid, PEERS_MAX};
use crate::explain::Explain;

/// Why the transport does not start.
#[derive(Debug, thiserror::Error)]
pub enum P2pError {
    /// An address of a form that is not accepted.
    #[error("{0}: {help}", help = .0.help())]
    Address(#[from] AddressInvalid),
    /// More peers than [`PEERS_MAX`].
    #[error(
        "{count} peers are configured, at most {PEERS_MAX} are allowed: remove some from `peers` in config.toml"
    )]
    TooManyPeers {
        /// How many.
        count: usize,
    },
    /// Another program listens there.
    #[error(
        "cannot listen for peers on {address}: port {port} is in use; stop the program that uses it \
         (`ss -ltnp` names it) or set another port in `p2p.listen` of config.toml"
    )]
    PortBusy {
        /// The configured address.
        address: Multiaddr,
        /// Its port.
        port: u16,
    },
    /// The address cannot be listened on for another reason.
    #[error(
        "cannot listen for peers on {address}: {source}; `p2p.listen` in config.toml must be an \
         address of this machine and a port this user may open (1024 or higher)"
    )]
    Listen {
        /// The configured address.
        address: Multiaddr,
        /// The system's answer.
        source: io::Error,
    },
    /// The Noise handshake cannot be set up with this identity.
    #[error("cannot set up the encryption of peer connections with keys/node.pem: {0}")]
    Identity(String),
}

impl Explain for P2pError {
    fn chinese(&self) -> String {
        match self {
            P2pError::Address(invalid) => format!("地址不可用：{invalid}；{}", invalid.help_zh()),
            P2pError::TooManyPeers { count } => format!(
                "配置了 {count} 个对等节点，最多允许 {PEERS_MAX} 个：请从 config.toml 的 `peers` 中删去一些"
            ),
            P2pError::PortBusy { address, port } => format!(
                "无法在 {address} 监听对等节点：端口 {port} 已被占用；请停止占用它的程序（用 `ss -ltnp` 查看），\
                 或在 config.toml 的 `p2p.listen` 中改用其他端口"
            ),
            P2pError::Listen { address, source } => format!(
                "无法在 {address} 监听对等节点：{source}；config.toml 的 `p2p.listen` 必须是本机地址，\
                 且当前用户有权打开该端口（1024 及以上）"
            ),
            P2pError::Identity(reason) => {
                format!("无法用 keys/node.pem 建立节点间加密：{reason}")
            }
        }
    }
}
