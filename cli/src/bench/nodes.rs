//! The consortium that is measured: its processes, and what the system says they use.

use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mulu_chain::signature::SigningKey;
use serde::Serialize;
use serde_json::Value;

use super::http::Connection;
use crate::devnet::{self, NodePlace};
use crate::failure::{Exit, Failure, Outcome};
use crate::{keyfile, text};

/// Clock ticks of `/proc/PID/stat` in a second, on every Linux there is.
const TICKS_PER_SECOND: u64 = 100;
/// Pause between two looks at the queues.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// The consortium.
pub struct Nodes {
    /// Its folder.
    pub dir: PathBuf,
    places: Vec<NodePlace>,
    own: bool,
    mulud: Option<PathBuf>,
}

/// What the nodes have used so far, all together.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Usage {
    /// CPU time, user and system, in µs.
    pub cpu_us: u64,
    /// Largest resident memory of one node now, in KiB.
    pub rss_max_kib: u64,
    /// Bytes allocated on disk by all nodes' data folders.
    pub disk_bytes: u64,
}

impl Nodes {
    /// Founds a consortium in a fresh folder and starts it.
    ///
    /// # Errors
    /// What `mulu devnet` says.
    pub fn found(dir: &Path, ports: u16, mulud: Option<&Path>) -> Outcome<Nodes> {
        let (p2p, api) = (ports.to_string(), ports.saturating_add(100).to_string());
        let shown = dir.to_string_lossy().into_owned();
        let words = ["init", "--dir", &shown, "--chain-id", "mulu-bench"];
        devnet_command(&[&words[..], &["--p2p-port", &p2p, "--api-port", &api]].concat(), None)?;
        let places = devnet::places(dir).map_err(|e| devnet_failure(&e.to_string()))?;
        let nodes =
            Nodes { dir: dir.to_owned(), places, own: true, mulud: mulud.map(Path::to_owned) };
        nodes.up()?;
        Ok(nodes)
    }

    /// Takes a consortium that runs already, by its folder.
    ///
    /// # Errors
    /// Exit 2 when it is no such folder, exit 4 when a node does not run.
    pub fn attach(dir: &Path) -> Outcome<Nodes> {
        let places = devnet::places(dir).map_err(|e| devnet_failure(&e.to_string()))?;
        let nodes = Nodes { dir: dir.to_owned(), places, own: false, mulud: None };
        if nodes.pids().len() < nodes.places.len() {
            return Err(devnet_failure("a node of this consortium does not run"));
        }
        Ok(nodes)
    }

    /// Starts all nodes and waits until they are ready.
    ///
    /// # Errors
    /// What `mulu devnet up` says.
    pub fn up(&self) -> Outcome<()> {
        devnet_command(&["up", "--dir", &self.dir.to_string_lossy()], self.mulud.as_deref())
    }

    /// Stops all nodes.
    ///
    /// # Errors
    /// What `mulu devnet down` says.
    pub fn down(&self) -> Outcome<()> {
        devnet_command(&["down", "--dir", &self.dir.to_string_lossy()], None)
    }

    /// Where the nodes answer.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.places.iter().map(|place| place.api).collect()
    }

    /// A key of the consortium, such as `market-regulation-officer`.
    ///
    /// # Errors
    /// Exit 6 when it cannot be read.
    pub fn key(&self, name: &str) -> Outcome<SigningKey> {
        let path = self.dir.join("keys").join(format!("{name}.pem"));
        keyfile::load(&path, || Ok(zeroize::Zeroizing::new(String::new()))).map(|k| k.key)
    }

    fn pids(&self) -> Vec<u32> {
        self.places.iter().filter_map(NodePlace::pid).collect()
    }

    /// What the nodes have used so far.
    pub fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        for pid in self.pids() {
            let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}"));
            usage.cpu_us += cpu_us(&read("stat").unwrap_or_default());
            let rss = status_kib(&read("status").unwrap_or_default(), "VmRSS:");
            usage.rss_max_kib = usage.rss_max_kib.max(rss);
        }
        for place in &self.places {
            usage.disk_bytes += allocated(&place.home.join("data"));
        }
        usage
    }

    /// Bytes per column of one node's ledger, if the nodes tell.
    pub fn columns(&self) -> Vec<(String, u64)> {
        let Some(place) = self.places.first() else { return Vec::new() };
        let answer = Connection::new(place.api).call("GET", "/metrics", None);
        let page = answer.map(|a| String::from_utf8_lossy(&a.body).into_owned());
        let column = |line: &str| {
            let rest = line.strip_prefix("mulu_storage_column_bytes{column=\"")?;
            let (name, value) = rest.split_once("\"} ")?;
            Some((name.to_owned(), value.trim().parse().ok()?))
        };
        page.unwrap_or_default().lines().filter_map(column).collect()
    }

    /// Waits until no node has a transaction waiting and all stand at one height; false if that
    /// takes too long.
    pub fn drain(&self, at_most: Duration) -> bool {
        let begun = Instant::now();
        let mut connections: Vec<Connection> =
            self.addresses().into_iter().map(Connection::new).collect();
        while begun.elapsed() < at_most {
            let views: Vec<Value> = connections.iter_mut().filter_map(status).collect();
            let empty = views.iter().all(|view| view["mempool"]["transactions"] == 0);
            let same = views.windows(2).all(|two| two[0]["height"] == two[1]["height"]);
            if views.len() == connections.len() && empty && same {
                return true;
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
        false
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        if self.own {
            // What the nodes still hold is not needed any more; a failure was told by them.
            drop(self.down());
        }
    }
}

/// A node's status.
pub fn status(connection: &mut Connection) -> Option<Value> {
    let answer = connection.call("GET", "/v1/status", None).ok()?;
    serde_json::from_slice(&answer.body).ok()
}

/// `mulu devnet …` as its own process, so that its lines do not mix with ours.
fn devnet_command(words: &[&str], mulud: Option<&Path>) -> Outcome<()> {
    let failed = |why: String| devnet_failure(&why);
    let program = std::env::current_exe().map_err(|e| failed(e.to_string()))?;
    let mut command = Command::new(program);
    command.arg("devnet").args(words).stdin(Stdio::null());
    if let Some(mulud) = mulud {
        command.arg("--mulud").arg(mulud);
    }
    let output = command.output().map_err(|e| failed(e.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

fn devnet_failure(why: &str) -> Failure {
    Failure::new(
        Exit::Unreachable,
        text!("the consortium to be measured: {why}", "被测联盟链：{why}"),
    )
}

/// User and system time of a process, from the text of `/proc/PID/stat`.
fn cpu_us(stat: &str) -> u64 {
    // The name may hold spaces and parentheses; the fields after the last one do not.
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|t| t.parse::<u64>().ok()).unwrap_or(0);
    (ticks(11) + ticks(12)) * (1_000_000 / TICKS_PER_SECOND)
}

fn status_kib(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Bytes allocated under a folder; what vanishes meanwhile counts nothing.
pub fn allocated(path: &Path) -> u64 {
    let Ok(meta) = path.symlink_metadata() else { return 0 };
    if !meta.is_dir() {
        return meta.blocks() * 512;
    }
    let Ok(entries) = std::fs::read_dir(path) else { return 0 };
    entries.filter_map(Result::ok).map(|entry| allocated(&entry.path())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_files_are_read_by_their_fields() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 1 0 1";
        assert_eq!(cpu_us(stat), 2_000_000);
        assert_eq!(cpu_us(""), 0);
        assert_eq!(status_kib("Name:\tx\nVmRSS:\t  1234 kB\n", "VmRSS:"), 1234);
    }
}
