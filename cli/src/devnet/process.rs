//! Node processes: which one runs, and how it is stopped.
//!
//! A pid file alone proves nothing, because process numbers are used again. A node counts as
//! running only if the process of its pid file was started with `start --home <its home>`; any
//! other process is left alone.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::layout::Node;
use super::{DevnetError, say};

/// Longest wait for a node to end after SIGTERM.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause between two looks at a process.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The process id of a node that runs.
pub(super) fn running_pid(node: &Node) -> Option<u32> {
    let text = std::fs::read_to_string(node.pid_path()).ok()?;
    let pid = text.trim().parse().ok()?;
    is_node_process(pid, &node.home).then_some(pid)
}

/// Whether a process is the node of a home folder. A process that ended but was not waited for has
/// an empty command line, and counts as ended.
pub(super) fn is_node_process(pid: u32, home: &Path) -> bool {
    let Ok(command_line) = std::fs::read(format!("/proc/{pid}/cmdline")) else { return false };
    let arguments: Vec<&[u8]> = command_line.split(|byte| *byte == 0).collect();
    let home = home.as_os_str().as_encoded_bytes();
    arguments.windows(3).any(|words| *words == [b"start", b"--home".as_slice(), home])
}

/// Stops the nodes that run: SIGTERM to all, then waits for each.
pub(super) fn stop(nodes: &[Node]) -> Result<(), DevnetError> {
    let mut stopping = Vec::new();
    for node in nodes {
        match running_pid(node) {
            Some(pid) => {
                terminate(pid)?;
                stopping.push((node, pid));
            }
            None => say(format_args!("{:<18} not running (未运行)", node.slug())),
        }
    }
    let deadline = Instant::now() + STOP_TIMEOUT;
    while !stopping.is_empty() && Instant::now() < deadline {
        let mut waiting = Vec::new();
        for (node, pid) in stopping {
            if is_node_process(pid, &node.home) {
                waiting.push((node, pid));
            } else {
                forget_pid(node)?;
                say(format_args!("{:<18} stopped (已停止)", node.slug()));
            }
        }
        stopping = waiting;
        if !stopping.is_empty() {
            std::thread::sleep(POLL_INTERVAL);
        }
    }
    if stopping.is_empty() {
        return Ok(());
    }
    let slugs: Vec<String> =
        stopping.iter().map(|(node, pid)| format!("{} (pid {pid})", node.slug())).collect();
    Err(DevnetError::StillRunning { slugs: slugs.join(", "), seconds: STOP_TIMEOUT.as_secs() })
}

fn forget_pid(node: &Node) -> Result<(), DevnetError> {
    match std::fs::remove_file(node.pid_path()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(DevnetError::file("remove", node.pid_path())(error))
        }
        _ => Ok(()),
    }
}

/// Asks a process to end. The shell's `kill` is built in, so that no package is needed; a process
/// that ended meanwhile is what was wanted, so its complaint is not an error.
fn terminate(pid: u32) -> Result<(), DevnetError> {
    let status = Command::new("sh")
        .args(["-c", "kill -TERM \"$1\"", "sh", &pid.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.map(|_| ()).map_err(|source| DevnetError::Run { path: "sh".into(), source })
}
