//! `mulu receipt lines`: the calls a receipt counts, as one root, and the proof of a single call.
//!
//! The list of calls stays with the department: a text file, one call per line. Its root is that of
//! the RFC 6962 tree over the lines, so any transparency log's tools check a proof.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use mulu_chain::digest::Digest;
use mulu_chain::log::{InclusionProof, LogFrontier, inclusion_ranges, leaf_hash};
use mulu_contracts::receipt::Receipt;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::lookup;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::records::{self, Stored};
use crate::{files, text};

/// Most lines of one list.
const LINES_MAX: usize = 10_000_000;
/// Longest line, in bytes.
const LINE_BYTES_MAX: usize = 64 * 1024;
/// Largest proof file, in bytes.
const PROOF_BYTES_MAX: u64 = 256 * 1024;

/// Call lines.
#[derive(Debug, clap::Subcommand)]
pub enum LinesCommand {
    /// The root and number of the lines of a file 计算明细的 Merkle 根
    #[command(after_help = "\
Example 示例:
  mulu receipt lines root calls.log
  mulu receipt record AUTH --kind delivered --calls 1200 --lines 1200 --digest sha256:…")]
    Root {
        /// One call per line 每行一次调用
        file: PathBuf,
    },
    /// Prove that one line is in the list 证明某一行在明细中
    Prove {
        /// One call per line 每行一次调用
        file: PathBuf,
        /// Number of the line, from 1 行号（从 1 起）
        #[arg(long)]
        line: usize,
        /// The proof to write 输出的证明文件
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Check such a proof against a receipt, or offline against a root 验证证明
    Verify {
        /// The proof 证明文件
        proof: PathBuf,
        /// The receipt on the chain 链上回执
        #[arg(long, required_unless_present = "root", value_name = "RECEIPT")]
        receipt: Option<String>,
        /// The root, brought along 自带的根
        #[arg(long, conflicts_with = "receipt", requires = "lines")]
        root: Option<Digest>,
        /// The number of lines, brought along 自带的行数
        #[arg(long, conflicts_with = "receipt")]
        lines: Option<u64>,
    },
}

/// A line and its place in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineProof {
    /// The line, without its end.
    pub line: String,
    /// RFC 6962 inclusion proof; the index counts from 0.
    pub inclusion: InclusionProof,
}

/// Runs the command.
///
/// # Errors
/// Exit 1 when a proof does not verify; exit 2 to 4.
pub fn run(context: &Context, command: LinesCommand) -> Outcome<()> {
    match command {
        LinesCommand::Root { file } => {
            let leaves = leaves(&file)?.into_iter().map(|line| leaf_hash(line.as_bytes()));
            let leaves: Vec<Digest> = leaves.collect();
            let (root, lines) = (root(&leaves), leaves.len());
            if context.is_json() {
                context.print_json(&json!({ "root": root, "lines": lines }));
            } else {
                context.print(&format!("{root} {lines}"));
            }
            Ok(())
        }
        LinesCommand::Prove { file, line, out } => {
            let proof = prove(&leaves(&file)?, line).ok_or_else(|| {
                Failure::usage(text!("there is no line {line}", "没有第 {line} 行"))
            })?;
            let json = serde_json::to_vec_pretty(&proof).unwrap_or_default();
            files::write_output(&out, &json)
        }
        LinesCommand::Verify { proof, receipt, root, lines } => {
            let bytes = files::read_bounded(&proof, PROOF_BYTES_MAX)?;
            let proof: LineProof = serde_json::from_slice(&bytes).map_err(|e| {
                Failure::usage(text!("not a proof of a line: {e}", "不是明细证明：{e}"))
            })?;
            let (root, lines) = match receipt {
                Some(receipt) => of_receipt(context, &receipt)?,
                None => (root.unwrap_or(Digest::ZERO), lines.unwrap_or_default()),
            };
            verify(context, &proof, &root, lines)
        }
    }
}

fn verify(context: &Context, proof: &LineProof, root: &Digest, lines: u64) -> Outcome<()> {
    proof
        .inclusion
        .verify(proof.line.as_bytes(), lines, root)
        .map_err(|e| Failure::new(Exit::VerificationFailed, text!("{e}", "证明不成立：{e}")))?;
    let number = proof.inclusion.index.saturating_add(1);
    context.say(&text!(
        "line {number} of {lines} is in the list with root {root}",
        "共 {lines} 行中的第 {number} 行确在根为 {root} 的明细中"
    ));
    context.print(&crate::render::safe(&proof.line));
    Ok(())
}

/// Root and number of lines that a receipt names.
fn of_receipt(context: &Context, receipt: &str) -> Outcome<(Digest, u64)> {
    let node = context.node()?;
    let key = lookup::subject(&node, receipt)?;
    let stored: Stored<Receipt> = records::read(&node, &key)?;
    match (stored.value.digest, stored.value.lines) {
        (Some(root), Some(lines)) => Ok((root, lines)),
        _ => Err(Failure::usage(text!("{key} names no call lines", "{key} 没有调用明细"))),
    }
}

fn leaves(file: &Path) -> Outcome<Vec<String>> {
    let shown = file.display();
    let refused = |why: String| Failure::usage(text!("{shown}: {why}", "{shown}：{why}"));
    let opened = std::fs::File::open(file).map_err(|e| refused(e.to_string()))?;
    let mut lines = Vec::new();
    for line in BufReader::new(opened).lines() {
        let line = line.map_err(|e| refused(e.to_string()))?;
        if line.len() > LINE_BYTES_MAX || lines.len() >= LINES_MAX {
            return Err(refused(format!(
                "at most {LINES_MAX} lines of {LINE_BYTES_MAX} bytes are taken"
            )));
        }
        lines.push(line);
    }
    Ok(lines)
}

fn root(leaves: &[Digest]) -> Digest {
    let mut frontier = LogFrontier::default();
    for leaf in leaves {
        frontier.append(*leaf);
    }
    frontier.root()
}

/// The proof of a line, counted from 1.
fn prove(lines: &[String], number: usize) -> Option<LineProof> {
    let index = u64::try_from(number.checked_sub(1)?).ok()?;
    let line = lines.get(number.checked_sub(1)?)?.clone();
    let leaves: Vec<Digest> = lines.iter().map(|line| leaf_hash(line.as_bytes())).collect();
    let mut hashes = Vec::new();
    for (from, to) in inclusion_ranges(index, u64::try_from(leaves.len()).ok()?) {
        let range = usize::try_from(from).ok()?..usize::try_from(to).ok()?;
        hashes.push(root(leaves.get(range)?));
    }
    Some(LineProof { line, inclusion: InclusionProof { index, hashes } })
}

#[cfg(test)]
mod tests;
