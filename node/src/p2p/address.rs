//! The two forms of address a node accepts: numbers only, and peers always with their identity.
//!
//! Names are not resolved: a DNS answer is nobody's signature, and the resolver would be one more
//! thing to trust (promises N4). A peer without `/p2p/…` could be anybody.

use std::net::{IpAddr, SocketAddr};

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

/// Why an address is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressInvalid {
    /// Not a multiaddr at all.
    #[error("`{0}` is not a multiaddr")]
    Malformed(String),
    /// Another form than the one accepted for listening.
    #[error("`{0}` is not an address to listen on")]
    Listen(String),
    /// Another form than the one accepted for a peer.
    #[error("`{0}` is not the full address of a peer")]
    Peer(String),
}

impl AddressInvalid {
    /// How to write it, in English.
    pub const fn help(&self) -> &'static str {
        match self {
            AddressInvalid::Malformed(_) | AddressInvalid::Listen(_) => {
                "write an IP address and a port, such as /ip4/0.0.0.0/tcp/26601 or /ip6/::/tcp/26601; \
                 names (/dns…) are not resolved"
            }
            AddressInvalid::Peer(_) => {
                "write IP address, port and peer id, such as \
                 /ip4/10.1.2.3/tcp/26601/p2p/12D3KooW…; \
                 `mulud show-node-id` on the peer's machine prints the id"
            }
        }
    }

    /// How to write it, in Chinese.
    pub const fn help_zh(&self) -> &'static str {
        match self {
            AddressInvalid::Malformed(_) | AddressInvalid::Listen(_) => {
                "请写 IP 地址和端口，例如 /ip4/0.0.0.0/tcp/26601 或 /ip6/::/tcp/26601；不解析域名（/dns…）"
            }
            AddressInvalid::Peer(_) => {
                "请写 IP 地址、端口和节点标识，例如 /ip4/10.1.2.3/tcp/26601/p2p/12D3KooW…；\
                 在对方机器上运行 `mulud show-node-id` 可得到标识"
            }
        }
    }
}

/// A peer's identity and where to dial it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerAddress {
    /// Whom the handshake must prove.
    pub peer: PeerId,
    /// Where, without `/p2p/…`.
    pub address: Multiaddr,
}

impl TryFrom<&Multiaddr> for PeerAddress {
    type Error = AddressInvalid;

    fn try_from(full: &Multiaddr) -> Result<Self, AddressInvalid> {
        let refused = || AddressInvalid::Peer(full.to_string());
        let mut address = full.clone();
        let Some(Protocol::P2p(peer)) = address.pop() else { return Err(refused()) };
        match socket_of(&address) {
            Some(socket) if socket.port() != 0 => Ok(PeerAddress { peer, address }),
            _ => Err(refused()),
        }
    }
}

/// The socket of an address to listen on.
///
/// # Errors
/// [`AddressInvalid::Listen`]: anything but `/ip4|ip6/…/tcp/…`.
pub fn check_listen_address(address: &Multiaddr) -> Result<SocketAddr, AddressInvalid> {
    socket_of(address).ok_or_else(|| AddressInvalid::Listen(address.to_string()))
}

fn socket_of(address: &Multiaddr) -> Option<SocketAddr> {
    let mut parts = address.iter();
    let ip: IpAddr = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    match (parts.next()?, parts.next()) {
        (Protocol::Tcp(port), None) => Some(SocketAddr::new(ip, port)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
