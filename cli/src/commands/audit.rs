//! `mulu audit`: evidence out of the chain, and its verification without one.

mod compare;
mod diverged;
mod export;
mod prov;
mod replay;
mod show;
mod verify;

use std::path::{Path, PathBuf};

use mulu_chain::block::BlockId;
use mulu_genesis::DOCUMENT_BYTES_MAX;

use self::export::Asked;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::{files, text};

/// Auditing.
#[derive(Debug, clap::Subcommand)]
pub enum AuditCommand {
    /// Fetch the evidence about a record, and verify it at once 导出并验证证据包
    #[command(after_help = "\
Examples 示例:
  mulu audit export 307001/000001 --out entry.bundle
  mulu audit export authorization/sha256:… --out grant.bundle
  mulu audit export 307001/000001 --receipts --out receipts.bundle
  mulu audit export 307001/000001 --no-grant-for 11110000MULU00013Q:djzc --out none.bundle
  mulu audit export office/11110000MULU00013Q:djzc --grants --at 120 --out grants.bundle
  mulu audit export heights/100-200 --out blocks.bundle
  mulu audit export sha256:… --out transaction.bundle
  mulu audit export 307001/000001 --out entry.bundle --genesis genesis.toml --remember
The bundle of an entry holds all its versions, all its authorizations and all their receipts. Pass
--genesis (or a profile with it): otherwise the node's own word for the genesis is taken, which
proves only that the node is consistent with itself.")]
    Export {
        #[command(flatten)]
        asked: Asked,
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
  mulu audit verify entry.bundle --genesis genesis.toml --html report.html
Nothing in the file and no node is believed: trust begins at the genesis digest you bring along.
Exit codes: 0 VERIFIED, 1 FAILED (the evidence is bad), 2 undecidable (not a bundle, no genesis).")]
    Verify {
        /// The bundle 证据包
        file: PathBuf,
        /// sha256:… of the genesis block, or the founding document 创世区块摘要或创世文件
        #[arg(long, value_name = "DIGEST|FILE")]
        genesis: Option<String>,
        /// Write a printable report as one HTML file 可打印的 HTML 报告
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
    /// Replay the whole chain from block 0: every signature, rule, root, certificate 全链重放审计
    #[command(after_help = "\
Examples 示例:
  mulu audit replay --genesis genesis.toml --resume audit.state
  mulu audit replay --archive /srv/mulu/archive --genesis genesis.toml --output json
Executes every block again by the rules and compares every root with the certified header. The
first difference is named by height, record and field. --resume makes the next run begin where this
one ended. Exit codes: 0 VERIFIED, 1 FAILED, 2 undecidable.")]
    Replay(replay::ReplayArgs),
    /// Compare two bundles or two nodes, and name who signed both of two stories 比对
    #[command(after_help = "\
Examples 示例:
  mulu audit compare monday.bundle friday.bundle --genesis sha256:5f…
  mulu audit compare http://127.0.0.1:26701 http://127.0.0.1:26702 --genesis genesis.toml
Exit codes: 0 CONSISTENT, 1 FORK (or one of them is bad evidence), 2 undecidable.")]
    Compare {
        /// A bundle, or a node's URL 证据包或节点地址
        one: String,
        /// Another 另一个
        other: String,
        /// sha256:… of the genesis block, or the founding document 创世区块摘要或创世文件
        #[arg(long, value_name = "DIGEST|FILE")]
        genesis: Option<String>,
    },
    /// Verify a bundle and write it as W3C PROV-JSON 导出 PROV-JSON
    #[command(after_help = "\
Examples 示例:
  mulu audit prov entry.bundle --genesis genesis.toml --out entry.prov.json
  mulu audit prov entry.bundle --genesis sha256:5f… --out -
Activities are transactions, entities are records after each of them, agents are members, offices
and keys. Nothing is written of a bundle that does not verify.
Exit codes: 0 written, 1 FAILED (the evidence is bad), 2 undecidable (not a bundle, no genesis).")]
    Prov {
        /// The bundle 证据包
        file: PathBuf,
        /// The file to write; - is standard output 输出文件
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// sha256:… of the genesis block, or the founding document 创世区块摘要或创世文件
        #[arg(long, value_name = "DIGEST|FILE")]
        genesis: Option<String>,
    },
    /// Name the first record in which a node that stopped differs from the others 定位分歧记录
    #[command(after_help = "\
Examples 示例:
  mulu audit diverged /var/lib/mulu/divergence.json --node http://127.0.0.1:26702
The report is what a node leaves in its home when a decided block gives another result there. The other
node's word is not taken: every record comes with its proof under the certified header.
Exit codes: 0 no record differs, 1 one does, 2 undecidable.")]
    Diverged {
        /// The report of the node that stopped 停止节点留下的报告
        report: PathBuf,
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
        AuditCommand::Export { asked, out, genesis } => {
            export::run(context, &asked, &out, genesis.as_deref())
        }
        AuditCommand::Verify { file, genesis, html } => {
            let trusted = trusted_genesis(context, genesis.as_deref())?.ok_or_else(no_genesis)?;
            verify::verify_file(context, &file, &trusted, html.as_deref())
        }
        AuditCommand::Replay(args) => replay::run(context, &args),
        AuditCommand::Compare { one, other, genesis } => {
            compare::run(context, &one, &other, genesis.as_deref())
        }
        AuditCommand::Prov { file, out, genesis } => {
            let trusted = trusted_genesis(context, genesis.as_deref())?.ok_or_else(no_genesis)?;
            prov::run(context, &file, &trusted, &out)
        }
        AuditCommand::Diverged { report } => diverged::run(context, &report),
        AuditCommand::Show { file } => show::run(context, &file),
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
    Ok(Some(founding_document(given)?.digest()))
}

/// Reads a founding document.
fn founding_document(given: &str) -> Outcome<mulu_genesis::Founding> {
    let limit = u64::try_from(DOCUMENT_BYTES_MAX).unwrap_or(u64::MAX);
    let bytes = files::read_bounded(Path::new(given), limit)?;
    let document = String::from_utf8(bytes).map_err(|e| {
        Failure::usage(text!("{given} is not UTF-8: {e}", "{given} 不是 UTF-8：{e}"))
    })?;
    mulu_genesis::parse(&document, given).map_err(|invalid| {
        Failure::usage(text!(
            "not a founding document:\n{invalid}",
            "不是有效的创世文件：\n{invalid}"
        ))
    })
}
