//! `mulu audit compare`: whether two bundles, or two nodes, tell one story.

use std::io::Read;

use mulu_chain::block::BlockId;
use serde_json::{Value, json};

use super::{no_genesis, trusted_genesis};
use crate::audit::compare::{Comparison, Side, compare};
use crate::client::Node;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::{files, render, text};

/// Largest bundle of a node, in bytes: headers, certificates and the parameters.
const NODE_BUNDLE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Compares.
///
/// # Errors
/// Exit 1 when they tell different stories, or one of them is bad evidence; exit 2 when that cannot
/// be decided.
pub fn run(context: &Context, one: &str, other: &str, genesis: Option<&str>) -> Outcome<()> {
    let trusted = trusted_genesis(context, genesis)?.ok_or_else(no_genesis)?;
    let is_node = |text: &str| text.starts_with("http://") || text.starts_with("https://");
    let [a, b] = match (is_node(one), is_node(other)) {
        (false, false) => [file(one, &trusted)?, file(other, &trusted)?],
        (true, true) => {
            let (a, b) = (context.node_at(one)?, context.node_at(other)?);
            let height = first_difference(&a, &b)?;
            [asked(&a, height, &trusted)?, asked(&b, height, &trusted)?]
        }
        (true, false) => {
            let b = file(other, &trusted)?;
            [asked(&context.node_at(one)?, last(&b), &trusted)?, b]
        }
        (false, true) => {
            let a = file(one, &trusted)?;
            let b = asked(&context.node_at(other)?, last(&a), &trusted)?;
            [a, b]
        }
    };
    for (name, side) in [(one, &a), (other, &b)] {
        if !side.failed.is_empty() {
            let list = side.failed.join(", ");
            return Err(Failure::new(
                Exit::VerificationFailed,
                text!("{name} is bad evidence by itself: {list}", "{name} 本身未通过验证：{list}"),
            ));
        }
    }
    report(context, &compare(&a, &b))
}

fn file(path: &str, trusted: &BlockId) -> Outcome<Side> {
    side(std::io::BufReader::new(files::open(std::path::Path::new(path))?), path, trusted)
}

fn side(source: impl Read, name: &str, trusted: &BlockId) -> Outcome<Side> {
    Side::read(source, trusted)
        .map_err(|invalid| Failure::usage(text!("{name}: {invalid}", "{name}：{invalid}")))
}

fn last(side: &Side) -> u64 {
    side.headers.keys().next_back().map_or(0, |height| height.0)
}

/// A node's certified header at a height, with the chain of validator sets up to it.
fn asked(node: &Node, height: u64, trusted: &BlockId) -> Outcome<Side> {
    let mut bytes = Vec::new();
    let height = height.to_string();
    let query = [("height", height.as_str())];
    node.download_to("/v1/bundles/params", &query, &mut bytes, NODE_BUNDLE_BYTES_MAX)?;
    side(bytes.as_slice(), node.url(), trusted)
}

/// The first height at which two nodes have different blocks, or the last that both have.
fn first_difference(a: &Node, b: &Node) -> Outcome<u64> {
    let tip = |node: &Node| -> Outcome<u64> {
        let status = node.get("/v1/status", &[])?;
        Ok(status.get("height").and_then(Value::as_u64).unwrap_or_default())
    };
    let block = |node: &Node, height: u64| -> Outcome<String> {
        let answer = node.get(&format!("/v1/blocks/{height}"), &[])?;
        Ok(render::text_at(&answer, "/block").to_owned())
    };
    let common = tip(a)?.min(tip(b)?);
    let differ = |height: u64| -> Outcome<bool> { Ok(block(a, height)? != block(b, height)?) };
    if common == 0 {
        return Err(undecided());
    }
    if !differ(common)? {
        return Ok(common);
    }
    let (mut same, mut different) = (0u64, common);
    while different.saturating_sub(same) > 1 {
        let middle = same.midpoint(different);
        if differ(middle)? { different = middle } else { same = middle }
    }
    Ok(different)
}

fn undecided() -> Failure {
    Failure::usage(text!(
        "the two have no height in common, so nothing can be said",
        "两者没有共同的高度，无法判断"
    ))
    .help(text!(
        "export both at the same height: mulu audit export … --at HEIGHT",
        "请以同一高度导出：mulu audit export … --at 高度"
    ))
}

fn report(context: &Context, comparison: &Comparison) -> Outcome<()> {
    let verdict = |value: Value, text: crate::lang::Text| {
        if context.is_json() {
            context.print_json(&value);
        } else {
            context.print(text.in_lang(context.lang));
        }
    };
    match comparison {
        Comparison::OtherChain => Err(Failure::usage(text!(
            "they are of two chains: their genesis differs",
            "两者属于不同的链：创世区块不同"
        ))),
        Comparison::Undecided => Err(undecided()),
        Comparison::Same { height, by } => {
            let what = match *by {
                "log" => text!("one log is the beginning of the other", "一方日志为另一方的前缀"),
                _ => text!("the same block", "区块相同"),
            };
            let (en, zh) = (what.en, what.zh);
            verdict(
                json!({ "verdict": "CONSISTENT", "height": height, "by": by }),
                crate::lang::Text {
                    en: format!("CONSISTENT up to height {height}: {en}"),
                    zh: format!("一致 CONSISTENT：截至高度 {height}，{zh}"),
                },
            );
            Ok(())
        }
        Comparison::OtherEntry { index } => {
            verdict(
                json!({ "verdict": "FORK", "log_index": index, "culprits": [] }),
                text!(
                    "FORK: the logs differ at or before entry {index}; export both at one height to name who signed both",
                    "分叉 FORK：日志在第 {index} 条或之前不同；请以同一高度导出双方以确认双签者"
                ),
            );
            Err(Failure::reported(Exit::VerificationFailed))
        }
        Comparison::Fork { height, blocks: [a, b], rounds: [ra, rb], culprits, power } => {
            let (signed, total) = *power;
            let names: Vec<String> =
                culprits.iter().map(|(key, member, _)| format!("  {member}  {key}")).collect();
            let names = names.join("\n");
            let how = if ra == rb {
                text!("double signature in round {ra}", "第 {ra} 轮双重签名")
            } else {
                text!(
                    "precommits for both blocks, in rounds {ra} and {rb}",
                    "在第 {ra} 轮与第 {rb} 轮分别对两个区块预提交"
                )
            };
            let (en, zh) = (how.en, how.zh);
            let list: Vec<Value> = culprits
                .iter()
                .map(|(key, member, power)| json!({ "key": key, "member": member, "power": power }))
                .collect();
            verdict(
                json!({
                    "verdict": "FORK", "height": height, "blocks": [a, b], "rounds": [ra, rb],
                    "culprits": list, "power": signed, "total_power": total,
                }),
                crate::lang::Text {
                    en: format!(
                        "FORK at height {height}: {a} and {b} were both decided\n\
                         {en} by {signed} of {total} voting power (more than a third):\n{names}"
                    ),
                    zh: format!(
                        "分叉 FORK：高度 {height} 同时确认了 {a} 与 {b}\n\
                         {zh}，占投票权 {signed}/{total}（超过三分之一）：\n{names}"
                    ),
                },
            );
            Err(Failure::reported(Exit::VerificationFailed))
        }
    }
}
