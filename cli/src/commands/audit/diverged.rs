//! `mulu audit diverged`: the first record in which a node that stopped differs from what a quorum
//! certified.
//!
//! The report of the node names the certified state root and every record it wrote at that height. Another
//! node proves its records under that root, so it can hide nothing and accuse nobody falsely.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mulu_chain::digest::Digest;
use mulu_chain::state::{StateProof, value_hash};
use mulu_chain::types::Height;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::Node;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::{files, text};

/// Largest report: every record of the largest block.
const REPORT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What the node left; fields that are not needed here are passed over.
#[derive(Debug, Deserialize)]
struct Report {
    height: Height,
    fields: Vec<Field>,
    written: Vec<Written>,
}

#[derive(Debug, Deserialize)]
struct Field {
    field: String,
    certified: String,
}

#[derive(Debug, Deserialize)]
struct Written {
    key: String,
    value: Digest,
}

/// Compares record by record, in the order of their keys.
///
/// # Errors
/// Exit 1 at the first record that differs; exit 2 if the report or a proof cannot be judged.
pub fn run(context: &Context, report: &Path) -> Outcome<()> {
    let bytes = files::read_bounded(report, REPORT_BYTES_MAX)?;
    let Report { height, fields, written } = serde_json::from_slice(&bytes).map_err(|e| {
        let path = report.display();
        Failure::usage(text!("{path} is no such report: {e}", "{path} 不是分歧报告：{e}"))
    })?;
    let Some(root) = fields.iter().find(|field| field.field == "state_root") else {
        let names: Vec<&str> = fields.iter().map(|field| field.field.as_str()).collect();
        let names = names.join(", ");
        context.say(&text!(
            "the state is the certified one; what differs is {names}",
            "状态与已认证的一致；不同之处：{names}"
        ));
        return Ok(());
    };
    let root: Digest = root.certified.parse().map_err(|e| {
        Failure::usage(text!("the certified state root: {e}", "已认证的状态根有误：{e}"))
    })?;
    let node = context.node()?;
    let asked = |key: &str| ask(&node, height, key);
    if let Some(difference) = first_difference(&written, &root, asked)? {
        return differs(context, height, &difference);
    }
    let count = written.len();
    context.say(&text!(
        "none of the {count} records that block {height} writes differs; one that an earlier block wrote \
         does: restore a backup from before, or sync anew",
        "区块 {height} 写入的 {count} 条记录均一致；不同的是更早区块写入的记录：请恢复此前的备份或重新同步"
    ));
    Ok(())
}

/// A record that the certified state has otherwise.
#[derive(Debug, PartialEq, Eq)]
struct Difference<'r> {
    key: &'r str,
    /// None if the certified state has no such record.
    certified: Option<Digest>,
    here: Digest,
}

/// A proof, and the value it is for.
type Proof = (StateProof, Option<Vec<u8>>);

/// The first record whose certified value is another one; `ask` brings its proof.
fn first_difference<'r>(
    written: &'r [Written],
    root: &Digest,
    mut ask: impl FnMut(&str) -> Outcome<Proof>,
) -> Outcome<Option<Difference<'r>>> {
    for Written { key, value: here } in written {
        let (path, value) = ask(key)?;
        path.verify(root, key, value.as_deref()).map_err(|e| no_proof(key, &e))?;
        let certified = value.map(|value| value_hash(&value));
        if certified != Some(*here) {
            return Ok(Some(Difference { key, certified, here: *here }));
        }
    }
    Ok(None)
}

fn no_proof(key: &str, why: &dyn std::fmt::Display) -> Failure {
    Failure::usage(text!(
        "the other node proves nothing about {key}: {why}",
        "另一节点未能证明 {key}：{why}"
    ))
    .help(text!(
        "ask a node of the others that has this height and keeps its state",
        "请查询达到该高度且保留其状态的其他节点"
    ))
}

/// Asks a node for a record as it was at a height, and its proof.
fn ask(node: &Node, height: Height, key: &str) -> Outcome<Proof> {
    let at = height.to_string();
    let query = [("height", at.as_str()), ("proof", "true")];
    let answer = node.get(&format!("/v1/records/{key}"), &query)?;
    let part = |name: &str| {
        let part = answer.pointer(&format!("/proof/{name}"));
        part.cloned().unwrap_or(Value::Null)
    };
    let path = json!({ "leaf": part("leaf"), "siblings": part("siblings") });
    let path = serde_json::from_value(path).map_err(|e| no_proof(key, &e))?;
    let value = match part("value_base64") {
        Value::String(text) => Some(STANDARD.decode(text).map_err(|e| no_proof(key, &e))?),
        _ => None,
    };
    Ok((path, value))
}

fn differs(context: &Context, height: Height, difference: &Difference<'_>) -> Outcome<()> {
    let Difference { key, certified, here } = difference;
    if context.is_json() {
        context.print_json(&json!({ "height": height, "record": key, "certified": certified,
            "here": here }));
        return Err(Failure::reported(Exit::VerificationFailed));
    }
    let certified = certified.map_or("none".to_owned(), |digest| digest.to_string());
    Err(Failure::new(
        Exit::VerificationFailed,
        text!(
            "height {height}: the first record that differs is {key}: certified {certified}, on the node \
             that stopped {here}",
            "高度 {height}：首条不同的记录为 {key}：已认证的值摘要 {certified}，停止节点上为 {here}"
        ),
    ))
}

#[cfg(test)]
mod tests;
