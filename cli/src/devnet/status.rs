//! Shows what the four nodes hold, and whether they hold the same.

use super::layout::{Devnet, Node};
use super::probe::{BlockView, Probe};
use super::process::running_pid;
use super::{DevnetError, say};
use crate::render;

/// Digits of a digest shown in the table.
const DIGEST_DIGITS: usize = 12;

/// What one node says.
struct Row<'a> {
    node: &'a Node,
    pid: Option<u32>,
    ready: bool,
    latest: Option<BlockView>,
}

/// Whether the nodes that answer agree, judged at the lowest of their heights.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Agreement {
    /// Fewer than two answers.
    Unknown,
    /// The same block and state at this height.
    Same(u64),
    /// Different blocks or states at this height.
    Different(u64),
}

/// Prints the table.
pub(super) fn status(devnet: &Devnet) -> Result<(), DevnetError> {
    let probe = Probe::new();
    let rows: Vec<Row<'_>> = devnet
        .nodes()
        .iter()
        .map(|node| Row {
            node,
            pid: running_pid(node),
            ready: probe.is_ready(node),
            latest: probe.block(node, "latest"),
        })
        .collect();
    say(table(&rows));
    let heights = rows.iter().filter_map(|row| row.latest.as_ref()).map(|b| b.header.height);
    let views: Vec<BlockView> = match heights.min() {
        Some(lowest) => {
            let answering = rows.iter().filter(|row| row.latest.is_some());
            answering.filter_map(|row| probe.block(row.node, &lowest.to_string())).collect()
        }
        None => Vec::new(),
    };
    match agreement(&views) {
        Agreement::Unknown => {
            say("agreement: unknown, fewer than two nodes answer (应答节点不足两个)")
        }
        Agreement::Same(height) => {
            say(format_args!("agreement: same block and state root at height {height} (一致)"));
        }
        Agreement::Different(height) => return Err(DevnetError::Disagree { height }),
    }
    Ok(())
}

/// Judges blocks of one height from several nodes.
pub(super) fn agreement(views: &[BlockView]) -> Agreement {
    match views {
        [] | [_] => Agreement::Unknown,
        [first, others @ ..] if others.iter().all(|view| view == first) => {
            Agreement::Same(first.header.height)
        }
        [first, ..] => Agreement::Different(first.header.height),
    }
}

fn table(rows: &[Row<'_>]) -> String {
    let header = ["DEPARTMENT", "部门", "PID", "STATE", "HEIGHT", "BLOCK", "STATE ROOT", "API"];
    let cells = |row: &Row<'_>| {
        let state = match (row.pid, row.ready) {
            (Some(_), true) => "ready",
            (Some(_), false) => "not ready",
            (None, true) => "ready (started elsewhere)",
            (None, false) => "stopped",
        };
        let latest =
            |text: fn(&BlockView) -> String| row.latest.as_ref().map_or_else(String::new, text);
        vec![
            row.node.slug().to_owned(),
            row.node.department.name.to_owned(),
            row.pid.map_or_else(String::new, |pid| pid.to_string()),
            state.to_owned(),
            latest(|block| block.header.height.to_string()),
            latest(|block| short(&block.block)),
            latest(|block| short(&block.header.state_root)),
            row.node.api_url(),
        ]
    };
    render::table(&header, &rows.iter().map(cells).collect::<Vec<_>>())
}

/// The first digits of `sha256:…`.
fn short(digest: &str) -> String {
    let digits = digest.rsplit(':').next().unwrap_or(digest);
    digits.chars().take(DIGEST_DIGITS).collect()
}
