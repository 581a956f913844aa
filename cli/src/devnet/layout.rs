//! Where a development consortium's files lie, and which addresses its nodes use.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use mulu_genesis::devnet::{DEPARTMENTS, Department};
use serde::Deserialize;

use super::DevnetError;

/// Largest configuration file read back, in bytes.
const CONFIG_BYTES_MAX: u64 = 64 * 1024;

/// A development consortium's folder, as `init` wrote it.
pub(super) struct Devnet {
    nodes: Vec<Node>,
}

/// One department's node.
pub(super) struct Node {
    pub department: &'static Department,
    /// Absolute path of its home folder.
    pub home: PathBuf,
    /// Where it serves its API.
    pub api: SocketAddr,
    /// Where it listens to its peers.
    pub p2p: SocketAddr,
}

impl Devnet {
    /// Opens a folder that `init` wrote.
    pub fn open(dir: &Path) -> Result<Devnet, DevnetError> {
        let incomplete = |missing: String| DevnetError::NotADevnet { dir: dir.into(), missing };
        let root = dir.canonicalize().map_err(|_| incomplete("the folder".to_owned()))?;
        let mut nodes = Vec::new();
        for department in &DEPARTMENTS {
            let home = root.join(department.slug);
            let name = format!("{}/config.toml", department.slug);
            let text = read_bounded(&home.join("config.toml"));
            let config = text.and_then(|text| toml::from_str::<NodeConfig>(&text).ok());
            let config = config.ok_or_else(|| incomplete(name.clone()))?;
            let p2p = socket_addr(&config.p2p.listen).ok_or_else(|| incomplete(name))?;
            nodes.push(Node { department, home, api: config.api.listen, p2p });
        }
        Ok(Devnet { nodes })
    }

    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub fn into_nodes(self) -> Vec<Node> {
        self.nodes
    }

    /// The node of a department.
    pub fn node(&self, name: &str) -> Result<&Node, DevnetError> {
        self.nodes.iter().find(|node| node.department.slug == name).ok_or_else(|| {
            let known: Vec<&str> = DEPARTMENTS.iter().map(|d| d.slug).collect();
            DevnetError::UnknownDepartment { name: name.to_owned(), known: known.join(", ") }
        })
    }
}

impl Node {
    pub fn slug(&self) -> &'static str {
        self.department.slug
    }

    pub fn log_path(&self) -> PathBuf {
        self.home.join("mulud.log")
    }

    pub fn pid_path(&self) -> PathBuf {
        self.home.join("mulud.pid")
    }

    pub fn api_url(&self) -> String {
        format!("http://{}", self.api)
    }
}

/// The part of a node's configuration that this program needs.
#[derive(Deserialize)]
struct NodeConfig {
    p2p: P2pConfig,
    api: ApiConfig,
}

#[derive(Deserialize)]
struct P2pConfig {
    listen: String,
}

#[derive(Deserialize)]
struct ApiConfig {
    listen: SocketAddr,
}

/// `/ip4/A/tcp/P` or `/ip6/A/tcp/P` as a socket address.
pub(super) fn socket_addr(multiaddr: &str) -> Option<SocketAddr> {
    let parts: Vec<&str> = multiaddr.split('/').collect();
    match parts.as_slice() {
        ["", "ip4" | "ip6", ip, "tcp", port] => {
            Some(SocketAddr::new(ip.parse().ok()?, port.parse().ok()?))
        }
        _ => None,
    }
}

/// A socket address as `/ip4/A/tcp/P` or `/ip6/A/tcp/P`.
pub(super) fn multiaddr(address: SocketAddr) -> String {
    let family = if address.is_ipv4() { "ip4" } else { "ip6" };
    format!("/{family}/{}/tcp/{}", address.ip(), address.port())
}

fn read_bounded(path: &Path) -> Option<String> {
    let length = std::fs::metadata(path).ok()?.len();
    if length > CONFIG_BYTES_MAX {
        return None;
    }
    std::fs::read_to_string(path).ok()
}
