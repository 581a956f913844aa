//! `mulu audit verify`: every check of a bundle, and the verdict.

use std::io::BufReader;
use std::path::Path;

use mulu_chain::block::BlockId;
use mulu_chain::bundle::Check;
use serde_json::{Value, json};

use crate::audit::{Audited, html};
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::lang::Lang;
use crate::{audit, files, render, text};

/// Verifies a bundle and prints every check and the verdict.
///
/// # Errors
/// Exit 1 when the evidence is bad, exit 2 when it cannot be read or is no bundle.
pub fn verify_file(
    context: &Context,
    file: &Path,
    trusted: &BlockId,
    page: Option<&Path>,
) -> Outcome<()> {
    show(context, &read_file(file, trusted)?, trusted, page)
}

/// Prints every check and the verdict, and writes the page.
///
/// # Errors
/// Exit 1 when the evidence is bad.
pub fn show(
    context: &Context,
    audited: &Audited,
    trusted: &BlockId,
    page: Option<&Path>,
) -> Outcome<()> {
    if let Some(page) = page {
        let report = html::report(audited, trusted, context.lang, meaning);
        files::write_output(page, report.as_bytes())?;
    }
    let failed = audited.failed();
    if context.is_json() {
        context.print_json(&as_json(audited, trusted));
    } else {
        print_checks(context, &audited.checks);
        print_verdicts(context, audited);
        print_verdict(context, audited);
    }
    if failed.is_empty() { Ok(()) } else { Err(Failure::reported(Exit::VerificationFailed)) }
}

/// Reads and verifies a bundle in one pass.
///
/// # Errors
/// Exit 2 when it cannot be read, or is no bundle.
pub fn read_file(file: &Path, trusted: &BlockId) -> Outcome<Audited> {
    let source = BufReader::new(files::open(file)?);
    audit::verify(source, trusted)
        .map_err(|invalid| Failure::usage(text!("{invalid}", "{invalid}")))
}

/// The report: a function of the bundle, the genesis and this program's version.
pub fn as_json(audited: &Audited, trusted: &BlockId) -> Value {
    let Audited { checks, story, digest, bytes, verdicts } = audited;
    let failed = audited.failed();
    let tip = story.tip.as_ref().map(|tip| &tip.header);
    json!({
        "verdict": if failed.is_empty() { "VERIFIED" } else { "FAILED" },
        "failed": failed,
        "subject": story.question,
        "chain_id": story.chain_id,
        "genesis": trusted,
        "height": tip.map(|tip| tip.height),
        "block": tip.map(|tip| tip.id()),
        "block_time": tip.map(|tip| render::time_ms(tip.time_ms.0)),
        "bundle": digest,
        "bundle_bytes": bytes,
        "tool": concat!("mulu ", env!("CARGO_PKG_VERSION")),
        "transactions": story.transactions.len(),
        "records": story.records.len(),
        "histories": story.histories.len(),
        "verdicts": verdicts,
        "checks": checks.iter().map(|check| json!({
            "name": check.name,
            "passed": check.passed(),
            "count": check.count,
            "basis": check.basis,
            "failure": check.failure,
        })).collect::<Vec<_>>(),
    })
}

/// What each check shows, in both languages.
const fn meaning(name: &str) -> (&'static str, &'static str) {
    match name.as_bytes() {
        b"bundle-form" => ("the file is whole and of the known form", "文件完整且格式正确"),
        b"genesis" => ("block 0 is the genesis you trust", "区块 0 即所信任的创世区块"),
        b"validator-sets" => (
            "changes of the validator set, each signed by the set before",
            "验证节点变更均由上一届签署",
        ),
        b"tip-certificate" => ("a quorum signed the last header", "末区块头由法定多数签署"),
        b"signatures" => ("every signature verifies", "全部签名有效"),
        b"log-entries" => ("log entries belong to their envelopes", "日志条目与信封一致"),
        b"log-inclusion" => ("every transaction is in the log", "全部交易在日志中"),
        b"state-records" => {
            ("every record (or its absence) is in the state", "全部记录（或其不存在）在状态中")
        }
        b"histories-complete" => ("histories are complete: nothing left out", "历史完整，无遗漏"),
        b"question" => ("the bundle answers what it says", "证据包回答了其所称的问题"),
        b"envelopes-parse" => ("every payload is of the known form", "全部载荷符合规则形式"),
        b"signers-in-force" => {
            ("signing keys were registered and in force", "签名密钥已登记且有效")
        }
        b"entries-derived" => {
            ("entry versions follow from their transactions", "条目版本可由交易推出")
        }
        b"authorizations-derived" => {
            ("authorizations follow from their transactions", "授权可由交易推出")
        }
        b"authorizations-complete" => {
            ("all authorizations of the entry are here", "条目的全部授权均在其中")
        }
        b"finalized-by-both" => ("both parties signed the same terms", "双方签署同一条款"),
        b"receipts-within-grants" => {
            ("receipts lie within their grants and add up", "回执在授权范围内且合计一致")
        }
        _ => ("", ""),
    }
}

fn print_checks(context: &Context, checks: &[Check]) {
    let rows: Vec<Vec<String>> = checks
        .iter()
        .map(|check| {
            let (en, zh) = meaning(check.name);
            vec![
                // A coloured mark would be counted as wide by the table.
                if check.passed() { "✓".to_owned() } else { "✗".to_owned() },
                check.name.to_owned(),
                check.count.to_string(),
                context.word(en, zh).to_owned(),
                check.basis.to_owned(),
            ]
        })
        .collect();
    let header = match context.lang {
        Lang::Zh => ["", "检查项", "数量", "含义", "依据"],
        Lang::En => ["", "CHECK", "COUNT", "MEANING", "BASIS"],
    };
    let table = render::table(&header, &rows);
    context.print(&table.replace('✓', context.mark(true)).replace('✗', context.mark(false)));
    for check in checks {
        if let Some(failure) = &check.failure {
            let failure = render::safe(failure);
            let line = format!("{} {}: {failure}", context.mark(false), check.name);
            context.print(&line);
        }
    }
}

/// Most verdicts printed for people; the others are counted.
const VERDICTS_SHOWN_MAX: usize = 30;

fn print_verdicts(context: &Context, audited: &Audited) {
    if !audited.verdicts.is_empty() {
        context.print("");
    }
    for verdict in audited.verdicts.iter().take(VERDICTS_SHOWN_MAX) {
        let because = render::safe(context.lang.pick(&verdict.because, &verdict.because_zh));
        let (word, subject, basis) =
            (verdict.verdict, render::safe(&verdict.subject), render::safe(&verdict.basis));
        context.print(&format!("{word}: {because} [{basis}]\n    {subject}"));
    }
    let more = audited.verdicts.len().saturating_sub(VERDICTS_SHOWN_MAX);
    if more > 0 {
        let text =
            text!("{more} more verdicts: --output json", "另有 {more} 项结论：--output json");
        context.print(text.in_lang(context.lang));
    }
}

fn print_verdict(context: &Context, audited: &Audited) {
    let (story, failed) = (&audited.story, audited.failed());
    context.print("");
    let (Some(tip), true) = (&story.tip, failed.is_empty()) else {
        let list = failed.join(", ");
        let text = text!("FAILED: {list}", "验证未通过 FAILED：{list}");
        context.print(text.in_lang(context.lang));
        return;
    };
    let subject = render::safe(&story.question);
    let (header, chain) = (&tip.header, &tip.header.chain_id);
    let (height, time) = (header.height, render::time_ms(header.time_ms.0));
    let (transactions, records) = (story.transactions.len(), story.records.len());
    let text = text!(
        "VERIFIED: {subject} on {chain} up to height {height} ({time}): {transactions} transactions, {records} records",
        "验证通过 VERIFIED：{subject}，链 {chain}，截至高度 {height}（{time}），{transactions} 笔交易，{records} 条记录"
    );
    context.print(text.in_lang(context.lang));
}
