//! `mulu audit replay`: every signature, rule, root and certificate from block 0 on.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use mulu_contracts::replay::{Difference, Replay};
use mulu_genesis::Founding;
use serde_json::{Value, json};

use super::{founding_document, no_genesis, trusted_genesis};
use crate::audit::replay::{self, Folder, NodeBlocks, Progress, Source, per_second};
use crate::client::Node;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::{render, text};

/// How often a replay says how far it has come.
const SAID_EVERY: Duration = Duration::from_secs(5);
/// How often it keeps where it stands.
const KEPT_EVERY: Duration = Duration::from_secs(60);
/// How long the machine's signature rate is measured, before and after.
const MEASURED: Duration = Duration::from_millis(500);

/// Replay.
#[derive(Debug, clap::Args)]
pub struct ReplayArgs {
    /// A folder of archive files; without it, the node 归档文件夹；缺省为节点
    #[arg(long, value_name = "FOLDER")]
    archive: Option<PathBuf>,
    /// The founding document, or sha256:… of block 0 if the node may send the document 创世文件或摘要
    #[arg(long, value_name = "DIGEST|FILE")]
    genesis: Option<String>,
    /// Keep where it stands in this file, and go on from there 断点文件
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// Threads that verify signatures; one for each core if not given 线程数
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

/// Replays a chain.
///
/// # Errors
/// Exit 1 at the first difference; exit 2 without a founding document.
pub fn run(context: &Context, args: &ReplayArgs) -> Outcome<()> {
    let founding = founding(context, args)?;
    let genesis = founding.digest();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let workers = args.threads.unwrap_or(cores).clamp(1, 256);
    let mut node = None;
    let mut source: Box<dyn Source> = match &args.archive {
        Some(folder) => Box::new(Folder::open(folder, genesis)?),
        None => {
            let asked = context.node()?;
            let status = asked.get("/v1/status", &[])?;
            let last = status.get("height").and_then(Value::as_u64).unwrap_or_default();
            node = Some(asked.clone());
            Box::new(NodeBlocks { node: asked, genesis, last: mulu_chain::types::Height(last) })
        }
    };
    let kept = args.resume.as_deref().map(|path| replay::load(path, &genesis)).transpose()?;
    let standing = kept.flatten().unwrap_or_else(|| replay::founding(&founding));
    let begun = standing.header.height;
    let mut replayed = match Replay::new(standing) {
        Ok(replayed) => replayed,
        Err(difference) => return differs(context, node.as_ref(), None, &difference),
    };
    let before = replay::signature_rate(workers, MEASURED);
    let (mut said, mut saved) = (Instant::now(), Instant::now());
    let mut each = |now: &Replay, progress: &Progress| -> Outcome<()> {
        if said.elapsed() >= SAID_EVERY {
            said = Instant::now();
            let (height, transactions) = (now.header().height, progress.transactions);
            let rate = per_second(progress.signatures, progress.took);
            context.say(&text!(
                "height {height}: {transactions} transactions, {rate:.0} signatures/s",
                "高度 {height}：{transactions} 笔交易，每秒 {rate:.0} 个签名"
            ));
        }
        match args.resume.as_deref().filter(|_| saved.elapsed() >= KEPT_EVERY) {
            Some(path) => {
                saved = Instant::now();
                replay::save(path, &genesis, now.standing())
            }
            None => Ok(()),
        }
    };
    let result = replay::run(&mut replayed, source.as_mut(), workers, &mut each)?;
    match result {
        Err(difference) => differs(context, node.as_ref(), Some(&replayed), &difference),
        Ok(progress) => {
            if let Some(path) = args.resume.as_deref() {
                replay::save(path, &genesis, replayed.standing())?;
            }
            let machine = (before + replay::signature_rate(workers, MEASURED)) / 2.0;
            same(context, &replayed, (begun.0, &progress), machine);
            Ok(())
        }
    }
}

/// The founding document: the file given, or the node's if its digest is the trusted one.
fn founding(context: &Context, args: &ReplayArgs) -> Outcome<Founding> {
    let given = args.genesis.as_deref().or(context.profile.genesis.as_deref());
    if let Some(file) = given.filter(|given| !given.starts_with("sha256:")) {
        return founding_document(file);
    }
    let trusted = trusted_genesis(context, given)?.ok_or_else(no_genesis)?;
    let bytes = context.node()?.download("/v1/genesis", 16 * 1024 * 1024)?;
    let document = String::from_utf8_lossy(&bytes);
    let founding = mulu_genesis::parse(&document, "genesis.toml").map_err(|invalid| {
        Failure::usage(text!(
            "the node's founding document is none:\n{invalid}",
            "节点给出的创世文件无效：\n{invalid}"
        ))
    })?;
    if founding.digest() != trusted {
        let found = founding.digest();
        return Err(Failure::new(
            Exit::VerificationFailed,
            text!(
                "the node's genesis is {found}, you trust {trusted}",
                "节点的创世摘要为 {found}，您信任的是 {trusted}"
            ),
        ));
    }
    Ok(founding)
}

fn same(context: &Context, replayed: &Replay, (begun, run): (u64, &Progress), machine: f64) {
    let header = replayed.header();
    let rate = per_second(run.signatures, run.took);
    let (height, block, root) = (header.height, header.id(), header.state_root);
    let (blocks, transactions, signatures) = (run.blocks, run.transactions, run.signatures);
    let (records, seconds) = (replayed.records(), run.took.as_secs_f64());
    let percent = 100.0 * rate / machine.max(1.0);
    if context.is_json() {
        context.print_json(&json!({
            "verdict": "VERIFIED",
            "from_height": begun, "height": height, "block": block, "state_root": root,
            "blocks": blocks, "transactions": transactions, "signatures": signatures,
            "records": records, "milliseconds": u64::try_from(run.took.as_millis()).unwrap_or(0),
            "signatures_per_second": rate.round(), "machine_signatures_per_second": machine.round(),
            "percent_of_machine": percent.round(),
        }));
        return;
    }
    let text = text!(
        "VERIFIED: blocks {begun} to {height} are what the rules make of them
  block {block}, state root {root}
  {blocks} blocks, {transactions} transactions, {signatures} signatures, {records} records in {seconds:.2} s
  {rate:.0} signatures/s, {percent:.0} % of the {machine:.0}/s this machine verifies on all cores",
        "验证通过 VERIFIED：区块 {begun} 至 {height} 与规则执行结果一致
  区块 {block}，状态根 {root}
  {blocks} 个区块，{transactions} 笔交易，{signatures} 个签名，{records} 条记录，耗时 {seconds:.2} 秒
  每秒 {rate:.0} 个签名，为本机全部核心验签速率 {machine:.0}/秒 的 {percent:.0} %"
    );
    context.print(text.in_lang(context.lang));
}

/// Names the first difference; of a node, also the record that differs.
fn differs(
    context: &Context,
    node: Option<&Node>,
    replayed: Option<&Replay>,
    difference: &Difference,
) -> Outcome<()> {
    let record = match (node, replayed) {
        (Some(node), Some(replayed)) if difference.field == "state_root" => {
            first_record(node, replayed, difference)
        }
        _ => None,
    };
    if context.is_json() {
        context.print_json(&json!({
            "verdict": "FAILED",
            "height": difference.height,
            "record": record.as_ref().map_or(&difference.record, |(key, _)| key),
            "field": record.as_ref().map_or(difference.field, |(_, field)| field.as_str()),
            "rule": difference.rule,
            "expected": difference.expected,
            "found": difference.found,
            "changed": difference.changed,
        }));
    } else {
        let Difference { height, record: part, field, rule, expected, found, changed } = difference;
        let text = text!(
            "FAILED: the first difference is at height {height}: {part}, {field} ({rule})
  expected {expected}
  found    {found}",
            "验证未通过 FAILED：首个差异位于高度 {height}：{part} 的 {field}（{rule}）
  应为 {expected}
  实为 {found}"
        );
        context.print(text.in_lang(context.lang));
        if let Some((key, field)) = record {
            let text = text!("  record {key}, field {field}", "  记录 {key}，字段 {field}");
            context.print(text.in_lang(context.lang));
        } else if !changed.is_empty() {
            let list = render::safe(&changed.join(", "));
            let text = text!("  the block writes {list}", "  该区块写入 {list}");
            context.print(text.in_lang(context.lang));
        }
    }
    Err(Failure::reported(Exit::VerificationFailed))
}

/// The first record that the node has otherwise than the rules make it, and the field.
fn first_record(
    node: &Node,
    replayed: &Replay,
    difference: &Difference,
) -> Option<(String, String)> {
    let height = difference.height.to_string();
    for key in difference.changed.iter().filter(|key| !key.starts_with("history/")) {
        let ours: Value = serde_json::from_slice(replayed.record(key)?).ok()?;
        let answer = node.get(&format!("/v1/records/{key}"), &[("height", &height)]).ok();
        let theirs = answer.as_ref().and_then(|answer| answer.get("value"));
        let Some(theirs) = theirs else { return Some((key.clone(), "(missing)".to_owned())) };
        if *theirs != ours {
            let field = ours.as_object().into_iter().flatten();
            let mut field = field.filter(|(name, value)| theirs.get(name.as_str()) != Some(value));
            let name = field.next().map_or("(value)".to_owned(), |(name, _)| name.clone());
            return Some((key.clone(), name));
        }
    }
    None
}
