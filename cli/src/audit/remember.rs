//! The last header an auditor trusted, and that what a node shows today goes on from it.
//!
//! What is remembered is itself evidence: the bundle that answers `params` under that header, so it holds
//! the genesis, every change of the validator set and a quorum's certificate. On the next run the node must
//! show the same block at that height, and prove (RFC 6962) that of the log then and the log now one is the
//! beginning of the other. A node that ends earlier is refused with who signed what it lacks, a node that
//! tells another story with who signed both. The file is written beside, synced and renamed, and only
//! after everything was verified: a crash leaves the older one. Losing it forgets; it never misleads.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mulu_chain::block::{BlockId, CertifiedHeader};
use mulu_chain::digest::Digest;
use mulu_chain::log::ConsistencyProof;
use mulu_chain::validator::ValidatorSet;
use serde_json::Value;

use super::compare::Side;
use crate::client::Node;
use crate::failure::{Exit, Failure, Outcome};
use crate::{files, text};

/// Largest bundle of headers, certificates and the parameters, in bytes.
const HEADERS_BUNDLE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A certified header and the set that decided it.
type Decided = (CertifiedHeader, ValidatorSet);

/// Where the memory of a chain is kept unless told otherwise: `$XDG_STATE_HOME/mulu/trusted/`, else
/// `~/.local/state/mulu/trusted/`, a file named after the genesis digest.
pub fn default_path(genesis: &BlockId) -> PathBuf {
    let state = std::env::var_os("XDG_STATE_HOME")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".local/state")))
        .unwrap_or_else(|| PathBuf::from("."));
    let name = genesis.to_string();
    let name = name.trim_start_matches("sha256:");
    state.join("mulu").join("trusted").join(format!("{name}.bundle"))
}

/// Checks a verified header of a node against what is remembered, and remembers the later of them.
///
/// # Errors
/// Exit 1 when the node contradicts what is remembered; exit 2 when the memory cannot be used.
pub fn check(node: &Node, path: &Path, trusted: &BlockId, shown: &CertifiedHeader) -> Outcome<()> {
    let before = recall(path, trusted)?;
    if let Some(before) = &before {
        not_shorter(node, before)?;
        let (_, there) = fetch(node, before.0.header.height.0, trusted)?;
        same_block(before, &there)?;
        extends(node, before, shown)?;
    }
    let height = shown.header.height;
    if before.is_none_or(|(before, _)| before.header.height < height) {
        let (bytes, (decided, _)) = fetch(node, height.0, trusted)?;
        if decided.header.id() != shown.header.id() {
            return Err(contradicts(text!(
                "the node showed two blocks at height {height}",
                "该节点在高度 {height} 先后给出两个区块"
            )));
        }
        if let Some(folder) = path.parent() {
            let shown = folder.display();
            std::fs::create_dir_all(folder).map_err(|e| {
                Failure::usage(text!("cannot make {shown}: {e}", "无法创建 {shown}：{e}"))
            })?;
        }
        files::write_synced(path, &bytes)?;
    }
    Ok(())
}

/// What is remembered; none if there is no file.
fn recall(path: &Path, trusted: &BlockId) -> Outcome<Option<Decided>> {
    if !path.exists() {
        return Ok(None);
    }
    let bytes = files::read_bounded(path, HEADERS_BUNDLE_BYTES_MAX)?;
    let decided = Side::read(bytes.as_slice(), trusted).ok().and_then(last);
    decided.map(Some).ok_or_else(|| {
        let shown = path.display();
        Failure::usage(text!(
            "{shown}, the header trusted last, is damaged or of another chain",
            "上次信任的区块头 {shown} 已损坏或属于其他链"
        ))
        .help(text!(
            "restore it from a copy; --forget begins anew, and then a fork before today goes unseen",
            "请从副本恢复；--forget 将重新开始，此前的分叉便无从发现"
        ))
    })
}

/// The last header of a bundle that verifies.
fn last(side: Side) -> Option<Decided> {
    if !side.failed.is_empty() {
        return None;
    }
    side.headers.into_values().next_back()
}

/// A node's certified header at a height, verified from the genesis, and the bundle it came in.
fn fetch(node: &Node, height: u64, trusted: &BlockId) -> Outcome<(Vec<u8>, Decided)> {
    let mut bytes = Vec::new();
    let at = height.to_string();
    let query = [("height", at.as_str())];
    node.download_to("/v1/bundles/params", &query, &mut bytes, HEADERS_BUNDLE_BYTES_MAX)?;
    let decided = Side::read(bytes.as_slice(), trusted).ok().and_then(last);
    let decided = decided.filter(|(decided, _)| decided.header.height.0 == height);
    let decided = decided.ok_or_else(|| {
        contradicts(text!(
            "the node's header at height {height} does not verify",
            "该节点在高度 {height} 的区块头验证未通过"
        ))
    })?;
    Ok((bytes, decided))
}

/// The node has the height that was trusted.
fn not_shorter(node: &Node, before: &Decided) -> Outcome<()> {
    let status = node.get("/v1/status", &[])?;
    let tip = status.get("height").and_then(Value::as_u64).unwrap_or_default();
    let height = before.0.header.height;
    if tip >= height.0 {
        return Ok(());
    }
    let (block, who) = (before.0.header.id(), signers(before));
    Err(contradicts(text!(
        "the node's chain ends at height {tip}, but you trusted {block} at height {height}, signed by {who}",
        "该节点的链止于高度 {tip}，而您曾信任高度 {height} 的 {block}，签署者：{who}"
    ))
    .help(text!(
        "it is behind, or hides what came after: ask another member's node",
        "该节点落后或隐瞒了后续区块：请询问其他成员的节点"
    )))
}

fn same_block(before: &Decided, there: &Decided) -> Outcome<()> {
    let (ours, theirs) = (before.0.header.id(), there.0.header.id());
    if ours == theirs {
        return Ok(());
    }
    let height = before.0.header.height;
    let theirs_signed = signed_by(&there.0);
    let both = signed_by(&before.0).intersection(&theirs_signed).copied().collect();
    let who = members(&both, &before.1);
    Err(contradicts(text!(
        "FORK at height {height}: you trusted {ours}, the node shows {theirs}; signed both: {who}",
        "分叉 FORK：高度 {height} 您曾信任 {ours}，该节点给出 {theirs}；双方均签署者：{who}"
    ))
    .help(text!(
        "keep both: `mulu audit compare` of the remembered file and the node names them as evidence",
        "请保存双方：用 `mulu audit compare` 比对所记文件与该节点即可取证"
    )))
}

/// Of the log under the header trusted and the one under the header shown, the shorter is the
/// beginning of the longer.
fn extends(node: &Node, before: &Decided, shown: &CertifiedHeader) -> Outcome<()> {
    let (ours, theirs) = (&before.0.header, &shown.header);
    let (from, to) = if ours.height <= theirs.height { (ours, theirs) } else { (theirs, ours) };
    let (from_height, to_height) = (from.height.to_string(), to.height.to_string());
    let query = [("from", from_height.as_str()), ("to", to_height.as_str())];
    let answer = node.get("/v1/consistency", &query)?;
    let hashes = answer.get("hashes").cloned().unwrap_or_default();
    let proof: Option<Vec<Digest>> = serde_json::from_value(hashes).ok();
    let proved = proof.map(|hashes| {
        let (old, new) = ((from.log_size, &from.log_root), (to.log_size, &to.log_root));
        ConsistencyProof { hashes }.verify(old, new)
    });
    if matches!(proved, Some(Ok(()))) {
        return Ok(());
    }
    let (first, then) = (signers(before), members(&signed_by(shown), &before.1));
    let (ours, theirs) = (ours.id(), theirs.id());
    Err(contradicts(text!(
        "LOG-02: the log at height {to_height} is not proved to go on from that at {from_height}; signed {ours}: {first}; signed {theirs}: {then}",
        "LOG-02：未能证明高度 {to_height} 的日志延续高度 {from_height} 的日志；{ours} 签署者：{first}；{theirs} 签署者：{then}",
    )))
}

fn signed_by(decided: &CertifiedHeader) -> BTreeSet<mulu_chain::signature::PublicKey> {
    decided.certificate.signatures.iter().map(|signature| signature.validator).collect()
}

fn signers((decided, set): &Decided) -> String {
    members(&signed_by(decided), set)
}

/// Keys as members, where the set knows them.
fn members(keys: &BTreeSet<mulu_chain::signature::PublicKey>, set: &ValidatorSet) -> String {
    let name = |key| set.get(key).map_or_else(|| key.to_string(), |known| known.member.clone());
    keys.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn contradicts(text: crate::lang::Text) -> Failure {
    Failure::new(Exit::VerificationFailed, text)
}

#[cfg(test)]
mod tests;
