//! Starts nodes and waits until they are ready.

use std::fs::{File, OpenOptions};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::error::ExitStatusText;
use super::layout::Node;
use super::probe::Probe;
use super::process::{POLL_INTERVAL, running_pid};
use super::{DevnetError, say};

/// Most lines of a failed node's log that are shown.
const TAIL_LINES_MAX: usize = 15;
/// Most bytes of a log that are read for them.
const TAIL_BYTES_MAX: u64 = 16 * 1024;

/// A node that is waited for, with its process if it was started here.
struct Starting<'a> {
    node: &'a Node,
    child: Option<Child>,
}

/// Starts every node of the list that does not run, and waits until all of the list are ready.
pub(super) fn up(
    nodes: &[Node],
    mulud: Option<&Path>,
    timeout: Duration,
) -> Result<(), DevnetError> {
    let mulud = mulud_path(mulud)?;
    let mut starting = Vec::new();
    for node in nodes {
        let child = match running_pid(node) {
            Some(pid) => {
                say(format_args!("{:<18} already running, pid {pid} (已在运行)", node.slug()));
                None
            }
            None => {
                let child = launch(&mulud, node)?;
                say(format_args!("{:<18} started, pid {} (已启动)", node.slug(), child.id()));
                Some(child)
            }
        };
        starting.push(Starting { node, child });
    }
    wait_until_ready(starting, timeout)?;
    say("");
    for node in nodes {
        say(format_args!("{:<18} {}  {}", node.slug(), node.api_url(), node.department.name));
    }
    Ok(())
}

/// The node program: the one named, else `mulud` next to this program.
fn mulud_path(named: Option<&Path>) -> Result<PathBuf, DevnetError> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => {
            let here =
                std::env::current_exe().map_err(DevnetError::file("find", "this program"))?;
            here.with_file_name("mulud")
        }
    };
    match path.canonicalize() {
        Ok(path) if path.is_file() => Ok(path),
        _ => Err(DevnetError::MuludMissing { path }),
    }
}

fn launch(mulud: &Path, node: &Node) -> Result<Child, DevnetError> {
    // A held port is told here in one sentence; the node would tell it too, but in its log.
    for address in [node.p2p, node.api] {
        TcpListener::bind(address).map(drop).map_err(|source| DevnetError::Address {
            slug: node.slug(),
            address,
            source,
        })?;
    }
    let path = node.log_path();
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(DevnetError::file("open", &path))?;
    let errors = log.try_clone().map_err(DevnetError::file("open", &path))?;
    let child = Command::new(mulud)
        .args(["start", "--home"])
        .arg(&node.home)
        // Meant for one node; four nodes with one address would fight for it.
        .env_remove("MULU_P2P_LISTEN")
        .env_remove("MULU_API_LISTEN")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        // Its own group: Ctrl-C in the terminal that ran `up` is not meant for the nodes.
        .process_group(0)
        .spawn()
        .map_err(|source| DevnetError::Run { path: mulud.to_owned(), source })?;
    let path = node.pid_path();
    std::fs::write(&path, format!("{}\n", child.id()))
        .map_err(DevnetError::file("write", &path))?;
    Ok(child)
}

fn wait_until_ready(starting: Vec<Starting<'_>>, timeout: Duration) -> Result<(), DevnetError> {
    let probe = Probe::new();
    let begun = Instant::now();
    let mut waiting = starting;
    loop {
        let mut still = Vec::new();
        for mut starting in waiting {
            let node = starting.node;
            check_alive(&mut starting)?;
            if probe.is_ready(node) {
                let seconds = begun.elapsed().as_millis();
                say(format_args!("{:<18} ready after {seconds} ms (已就绪)", node.slug()));
            } else {
                still.push(starting);
            }
        }
        waiting = still;
        if waiting.is_empty() {
            return Ok(());
        }
        if begun.elapsed() >= timeout {
            let slugs: Vec<&str> = waiting.iter().map(|s| s.node.slug()).collect();
            let seconds = timeout.as_secs();
            return Err(DevnetError::NotReady { slugs: slugs.join(", "), seconds });
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// Refuses to wait for a node that has ended.
fn check_alive(starting: &mut Starting<'_>) -> Result<(), DevnetError> {
    let node = starting.node;
    let status = match &mut starting.child {
        Some(child) => match child.try_wait() {
            Ok(None) => return Ok(()),
            Ok(Some(status)) => Some(status),
            Err(source) => return Err(DevnetError::file("watch", node.slug())(source)),
        },
        None if running_pid(node).is_some() => return Ok(()),
        None => None,
    };
    Err(DevnetError::Ended {
        slug: node.slug(),
        status: ExitStatusText(status),
        log: node.log_path(),
        tail: log_tail(&node.log_path()),
    })
}

/// The last lines of a log, for an error message; empty if it cannot be read.
pub(super) fn log_tail(path: &Path) -> String {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES_MAX)))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let text = String::from_utf8_lossy(&read().unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES_MAX)..].join("\n")
}
