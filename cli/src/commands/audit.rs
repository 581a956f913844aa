//! `mulu audit`: evidence out of the chain, and its verification without one.

use std::path::{Path, PathBuf};

use mulu_chain::block::BlockId;
use mulu_chain::bundle::{Bundle, BundleInvalid, Check};
use mulu_chain::limits::BUNDLE_BYTES_MAX;
use mulu_genesis::DOCUMENT_BYTES_MAX;
use serde_json::{Value, json};

use super::{audit_show, lookup};
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::lang::Lang;
use crate::{audit, files, render, text};

/// Auditing.
#[derive(Debug, clap::Subcommand)]
pub enum AuditCommand {
    /// Fetch the evidence about a record, and verify it at once 导出并验证证据包
    #[command(after_help = "\
Examples 示例:
  mulu audit export 307001/000001 --out entry.bundle
  mulu audit export authorization/sha256:… --out grant.bundle
The bundle of an entry holds all its versions, all its authorizations and all their receipts. Pass
--genesis (or a profile with it): otherwise the node's own word for the genesis is taken, which
proves only that the node is consistent with itself.")]
    Export {
        /// Key, id or code of a record 记录的键、编号或代码
        subject: String,
        /// The file to write 输出文件
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// sha256:… of the genesis block, or the founding document 创世区块摘要或创世文件
        #[arg(long, value_name = "DIGEST|FILE")]
        genesis: Option<String>,
    },
    /// Verify a bundle OFFLINE, every step shown 离线验证证据包
    #[command(after_help = "\
Examples 示例:
  mulu audit verify entry.bundle --genesis sha256:5f…
  mulu audit verify entry.bundle --genesis genesis.toml --output json
Nothing in the file and no node is believed: trust begins at the genesis digest you bring along.
Exit codes: 0 VERIFIED, 1 FAILED (the evidence is bad), 2 undecidable (not a bundle, no genesis).")]
    Verify {
        /// The bundle 证据包
        file: PathBuf,
        /// sha256:… of the genesis block, or the founding document 创世区块摘要或创世文件
        #[arg(long, value_name = "DIGEST|FILE")]
        genesis: Option<String>,
    },
    /// Tell the story of a bundle as a timeline (without verifying it) 按时间线查看证据包
    Show {
        /// The bundle 证据包
        file: PathBuf,
    },
}

/// Runs the command.
///
/// # Errors
/// Exit 1 when the evidence is bad, exit 2 when it cannot be judged.
pub fn run(context: &Context, command: AuditCommand) -> Outcome<()> {
    match command {
        AuditCommand::Export { subject, out, genesis } => {
            export(context, &subject, &out, genesis.as_deref())
        }
        AuditCommand::Verify { file, genesis } => {
            let trusted = trusted_genesis(context, genesis.as_deref())?.ok_or_else(no_genesis)?;
            verify_bytes(context, &read(&file)?, &trusted)
        }
        AuditCommand::Show { file } => {
            let bundle = parse(&read(&file)?)?;
            audit_show::show(context, &bundle);
            Ok(())
        }
    }
}

fn no_genesis() -> Failure {
    Failure::usage(text!(
        "without the genesis digest nothing can be verified",
        "缺少创世区块摘要，无法验证"
    ))
    .help(text!(
        "pass --genesis sha256:… or --genesis genesis.toml; every member of the consortium knows it",
        "请用 --genesis 指定摘要或创世文件；联盟各成员均知悉"
    ))
}

/// The genesis the auditor trusts: of the option, else of the profile.
fn trusted_genesis(context: &Context, option: Option<&str>) -> Outcome<Option<BlockId>> {
    let Some(given) = option.or(context.profile.genesis.as_deref()) else { return Ok(None) };
    if given.starts_with("sha256:") {
        let digest =
            given.parse().map_err(|e| Failure::usage(text!("{given}: {e}", "{given}：{e}")))?;
        return Ok(Some(digest));
    }
    let limit = u64::try_from(DOCUMENT_BYTES_MAX).unwrap_or(u64::MAX);
    let bytes = files::read_bounded(Path::new(given), limit)?;
    let document = String::from_utf8(bytes).map_err(|e| {
        Failure::usage(text!("{given} is not UTF-8: {e}", "{given} 不是 UTF-8：{e}"))
    })?;
    let founding = mulu_genesis::parse(&document, given).map_err(|invalid| {
        Failure::usage(text!(
            "not a founding document:\n{invalid}",
            "不是有效的创世文件：\n{invalid}"
        ))
    })?;
    Ok(Some(founding.digest()))
}

fn read(file: &Path) -> Outcome<Vec<u8>> {
    files::read_bounded(file, u64::try_from(BUNDLE_BYTES_MAX).unwrap_or(u64::MAX))
}

/// Reads a bundle. A file of another kind is undecidable; a bundle that is damaged is bad evidence.
fn parse(bytes: &[u8]) -> Outcome<Bundle> {
    Bundle::from_bytes(bytes).map_err(|invalid| {
        let exit = match invalid {
            BundleInvalid::Magic => Exit::Usage,
            BundleInvalid::Malformed(_) => Exit::VerificationFailed,
        };
        Failure::new(exit, text!("{invalid}", "{invalid}"))
    })
}

fn export(context: &Context, subject: &str, out: &Path, genesis: Option<&str>) -> Outcome<()> {
    let node = context.node()?;
    let key = lookup::subject(&node, subject)?;
    let limit = u64::try_from(BUNDLE_BYTES_MAX).unwrap_or(u64::MAX);
    let bytes = node.download(&format!("/v1/bundles/{key}"), limit)?;
    files::write_output(out, &bytes)?;
    let (shown, size) = (out.display(), bytes.len());
    context.say(&text!(
        "wrote {key} to {shown} ({size} bytes)",
        "{key} 已写入 {shown}（{size} 字节）"
    ));
    let trusted = match trusted_genesis(context, genesis)? {
        Some(trusted) => trusted,
        None => {
            let status = node.get("/v1/status", &[])?;
            let claimed = render::text_at(&status, "/genesis");
            context.say(&text!(
                "warning: the genesis {claimed} is the node's own word; compare it with another member's",
                "警告：创世摘要 {claimed} 为该节点自述，请与其他成员核对"
            ));
            claimed.parse().map_err(|_| no_genesis())?
        }
    };
    verify_bytes(context, &bytes, &trusted)
}

/// Verifies a bundle and prints every check and the verdict.
fn verify_bytes(context: &Context, bytes: &[u8], trusted: &BlockId) -> Outcome<()> {
    let bundle = match parse(bytes) {
        Ok(bundle) => bundle,
        Err(failure) if failure.exit == Exit::VerificationFailed => {
            if !context.is_json() {
                context.print(context.word("FAILED: bundle-form", "验证未通过：bundle-form"));
            }
            return Err(failure);
        }
        Err(failure) => return Err(failure),
    };
    let checks = audit::verify(&bundle, trusted);
    let failed: Vec<&str> = checks.iter().filter(|c| !c.passed()).map(|c| c.name).collect();
    if context.is_json() {
        context.print_json(&as_json(&bundle, trusted, &checks, &failed));
    } else {
        print_checks(context, &checks);
        print_verdict(context, &bundle, &failed);
    }
    if failed.is_empty() { Ok(()) } else { Err(Failure::reported(Exit::VerificationFailed)) }
}

fn as_json(bundle: &Bundle, trusted: &BlockId, checks: &[Check], failed: &[&str]) -> Value {
    json!({
        "verdict": if failed.is_empty() { "VERIFIED" } else { "FAILED" },
        "failed": failed,
        "subject": bundle.subject,
        "chain_id": bundle.chain_id,
        "genesis": trusted,
        "height": bundle.tip.header.height,
        "block": bundle.tip.header.id(),
        "block_time": render::time_ms(bundle.tip.header.time_ms.0),
        "transactions": bundle.transactions.len(),
        "records": bundle.records.len(),
        "histories": bundle.histories.len(),
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
        b"subject" => ("the bundle answers what it says", "证据包回答了其所称的问题"),
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

fn print_verdict(context: &Context, bundle: &Bundle, failed: &[&str]) {
    let subject = render::safe(&bundle.subject);
    let header = &bundle.tip.header;
    let chain = &bundle.chain_id;
    let (height, time) = (header.height, render::time_ms(header.time_ms.0));
    let (transactions, records) = (bundle.transactions.len(), bundle.records.len());
    context.print("");
    if failed.is_empty() {
        let text = text!(
            "VERIFIED: {subject} on {chain} up to height {height} ({time}): {transactions} transactions, {records} records",
            "验证通过 VERIFIED：{subject}，链 {chain}，截至高度 {height}（{time}），{transactions} 笔交易，{records} 条记录"
        );
        context.print(text.in_lang(context.lang));
    } else {
        let list = failed.join(", ");
        let text = text!("FAILED: {list}", "验证未通过 FAILED：{list}");
        context.print(text.in_lang(context.lang));
    }
}
