//! `mulu receipt`: recording what was delivered, received, used or denied.

use std::path::PathBuf;

use mulu_chain::digest::Digest;
use mulu_contracts::action::Action;
use mulu_contracts::authorization::{Authorization, Counts, Purpose, Window};
use mulu_contracts::receipt::{
    Dataset, Job, Lineage, OPERATOR_HASH_PREFIX, ReceiptChain, ReceiptKind, ReceiptRecord,
};
use mulu_contracts::state::receipt_chain_key;
use serde_json::Value;

use super::authorization;
use super::call_lines::{self, LinesCommand};
use super::moment::{self, Moment};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::submit::{self, ChainView, SubmitArgs};
use crate::{files, records, text};

/// How far back the window begins unless told otherwise, in milliseconds.
const WINDOW_MS_DEFAULT: u64 = 3_600_000;
/// Largest file hashed for `--digest-file`, in bytes.
const DIGEST_FILE_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// Receipts.
#[derive(Debug, clap::Subcommand)]
pub enum ReceiptCommand {
    /// Record a receipt under an authorization 记录使用回执
    #[command(after_help = "\
Examples 示例:
  mulu receipt record AUTH --kind delivered --calls 12 --records 340 --digest-file batch.csv --profile provider
  mulu receipt record AUTH --kind received --calls 12 --records 340 --digest sha256:… --answers RECEIPT
  mulu receipt record AUTH --kind used --calls 12 --records 340 --profile app
  mulu receipt record AUTH --kind denied --reason-scenario 超出范围的调用
Kinds: delivered and denied are the provider's to say; received, used, denied and deleted the consumer's.
The number in the chain of receipts and the receipt before come from the node. The window is the
last hour of block time within the grant unless --from and --to say otherwise; items and purpose are
those granted. `delivered` and `received` need a digest: of the batch, or the Merkle root over the
call lines you keep.")]
    Record(Box<RecordArgs>),
    /// Call lines: their root, and the proof of one of them 调用明细
    #[command(subcommand)]
    Lines(LinesCommand),
}

/// Options of `mulu receipt record`.
#[derive(Debug, clap::Args)]
pub struct RecordArgs {
    /// The authorization: id or its first digits 授权编号
    authorization: String,
    /// delivered, received, used, denied or deleted 类型
    #[arg(long, value_parser = parse_kind)]
    kind: ReceiptKind,
    /// Calls 调用次数
    #[arg(long, default_value_t = 0, value_name = "N")]
    calls: u64,
    /// Records 记录条数
    #[arg(long, default_value_t = 0, value_name = "N")]
    records: u64,
    /// Bytes 字节数
    #[arg(long, default_value_t = 0, value_name = "N")]
    bytes: u64,
    /// Id of an item (repeatable) [default: all granted] 信息项（可重复）
    #[arg(long, value_name = "ITEM")]
    item: Vec<String>,
    /// First moment of the window 时间窗起
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    from: Option<Moment>,
    /// Last moment of the window 时间窗止
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    to: Option<Moment>,
    /// Digest of the batch, or Merkle root 摘要
    #[arg(long, value_name = "sha256:…", conflicts_with = "digest_file")]
    digest: Option<Digest>,
    /// File whose SHA-256 is the digest 计算摘要的文件
    #[arg(long, value_name = "FILE")]
    digest_file: Option<PathBuf>,
    /// The delivery this answers 对应的交付回执
    #[arg(long, value_name = "RECEIPT")]
    answers: Option<Digest>,
    /// The digest is the root over this many call lines (see `receipt lines`) 调用明细行数
    #[arg(long, value_name = "N")]
    lines: Option<u64>,
    /// The own receipt whose counts this one replaces 更正的回执
    #[arg(long, value_name = "RECEIPT")]
    corrects: Option<Digest>,
    /// The run of OpenLineage that did it, a UUID OpenLineage 运行编号
    #[arg(long, value_name = "UUID", requires = "job")]
    run: Option<String>,
    /// Its job 作业
    #[arg(long, value_name = "NAMESPACE:NAME", value_parser = parse_named, requires = "run")]
    job: Option<(String, String)>,
    /// What it wrote (repeatable) 输出数据集（可重复）
    #[arg(long, value_name = "NAMESPACE:NAME", value_parser = parse_named, requires = "run")]
    output_dataset: Vec<(String, String)>,
    /// The own information system that did it 信息系统
    #[arg(long, value_name = "ID")]
    system: Option<String>,
    /// Who did it; only a keyed hash of it is sent 经办人（只提交带密钥的哈希）
    #[arg(long, value_name = "TEXT", requires = "operator_key")]
    operator: Option<String>,
    /// File with the secret of that hash, kept by the department 哈希密钥文件（由本单位保管）
    #[arg(long, value_name = "FILE", requires = "operator")]
    operator_key: Option<PathBuf>,
    /// What a denied attempt was for [default: the granted scenario] 被拒调用的场景
    #[arg(long, value_name = "TEXT")]
    reason_scenario: Option<String>,
    /// Submitting.
    #[command(flatten)]
    submit: SubmitArgs,
}

fn parse_kind(text: &str) -> Result<ReceiptKind, String> {
    serde_json::from_value(Value::String(text.to_owned()))
        .map_err(|_| "one of delivered, received, used, denied, deleted".to_owned())
}

/// The last colon parts them: namespaces hold colons.
fn parse_named(text: &str) -> Result<(String, String), String> {
    let (namespace, name) =
        text.rsplit_once(':').ok_or("NAMESPACE:NAME, as OpenLineage has them")?;
    Ok((namespace.to_owned(), name.to_owned()))
}

/// Runs the command.
///
/// # Errors
/// Exit 2 to 6.
pub fn run(context: &Context, command: ReceiptCommand) -> Outcome<()> {
    let args = match command {
        ReceiptCommand::Record(args) => args,
        ReceiptCommand::Lines(command) => return call_lines::run(context, command),
    };
    let authorization = authorization::current(context, &args.authorization)?.value;
    let node = context.node()?;
    let member = submit::submitter(context)?.member;
    let chain_key = receipt_chain_key(&authorization.authorization_id, &member);
    let last = records::find::<ReceiptChain>(&node, &chain_key)?.map(|stored| stored.value);
    let digest = match &args.digest_file {
        Some(file) => Some(Digest::sha256(&files::read_bounded(file, DIGEST_FILE_BYTES_MAX)?)),
        None => args.digest,
    };
    if digest.is_none() && matches!(args.kind, ReceiptKind::Delivered | ReceiptKind::Received) {
        return Err(Failure::usage(text!(
            "RCP-12: a delivery and a reception carry a digest",
            "RCP-12：交付与接收回执须带摘要"
        ))
        .help(text!(
            "pass --digest sha256:… or --digest-file FILE",
            "请用 --digest 或 --digest-file 指定"
        )));
    }
    let now_ms = ChainView::ask(&node)?.time_ms;
    let operator_hash = operator_hash(&args)?;
    let action = record(&authorization, &args, last, digest, now_ms);
    let action = ReceiptRecord { operator_hash, ..action };
    submit::actions(context, &args.submit, vec![Action::ReceiptRecord(action)])
}

fn record(
    authorization: &Authorization,
    args: &RecordArgs,
    last: Option<ReceiptChain>,
    digest: Option<Digest>,
    now_ms: u64,
) -> ReceiptRecord {
    let granted = authorization.extent();
    let scenario = args.reason_scenario.clone();
    ReceiptRecord {
        authorization_id: authorization.authorization_id,
        terms_hash: authorization.terms_hash,
        kind: args.kind,
        items: if args.item.is_empty() { granted.items.clone() } else { args.item.clone() },
        purpose: Purpose {
            basis: authorization.purpose.basis.clone(),
            scenario: scenario.unwrap_or_else(|| authorization.purpose.scenario.clone()),
            code: authorization.purpose.code.clone(),
        },
        window: window(args, &granted.window, now_ms),
        counts: Counts { calls: args.calls, records: args.records, bytes: args.bytes },
        digest,
        seq: last.as_ref().map_or(0, |last| last.seq).saturating_add(1),
        prev_receipt: last.map(|last| last.receipt_id),
        peer_receipt: args.answers,
        lines: args.lines,
        corrects: args.corrects,
        lineage: lineage(args),
        system: args.system.clone(),
        operator_hash: None,
    }
}

fn lineage(args: &RecordArgs) -> Option<Lineage> {
    let (run_id, (namespace, name)) = (args.run.clone()?, args.job.clone()?);
    let outputs = args.output_dataset.iter().cloned();
    let outputs = outputs.map(|(namespace, name)| Dataset { namespace, name }).collect();
    Some(Lineage { run_id, job: Job { namespace, name }, outputs })
}

/// Most bytes of the secret of keyed hashes.
const OPERATOR_KEY_BYTES_MAX: u64 = 4_096;
/// Fewest: a short secret is found by trying, and the operator with it.
const OPERATOR_KEY_BYTES_MIN: usize = 16;

/// The keyed hash of who did it.
fn operator_hash(args: &RecordArgs) -> Outcome<Option<String>> {
    let (Some(operator), Some(file)) = (&args.operator, &args.operator_key) else {
        return Ok(None);
    };
    let secret = files::read_bounded(file, OPERATOR_KEY_BYTES_MAX)?;
    if secret.len() < OPERATOR_KEY_BYTES_MIN {
        let (file, least) = (file.display(), OPERATOR_KEY_BYTES_MIN);
        return Err(Failure::usage(text!(
            "{file} holds fewer than {least} bytes; who did it could be found by trying",
            "{file} 不足 {least} 字节，经办人可能被穷举得出"
        ))
        .help(text!(
            "make one: openssl rand -out FILE 32",
            "生成密钥：openssl rand -out 文件 32"
        )));
    }
    Ok(Some(format!("{OPERATOR_HASH_PREFIX}{}", hmac_sha256(&secret, operator.as_bytes()))))
}

/// HMAC-SHA-256 (RFC 2104), in hexadecimal.
fn hmac_sha256(secret: &[u8], message: &[u8]) -> String {
    const BLOCK_BYTES: usize = 64;
    let mut block = match secret.len() {
        0..=BLOCK_BYTES => secret.to_vec(),
        _ => Digest::sha256(secret).as_bytes().to_vec(),
    };
    block.resize(BLOCK_BYTES, 0);
    let padded = |pad: u8| block.iter().map(|byte| byte ^ pad).collect::<Vec<u8>>();
    let inner = Digest::sha256(&[padded(0x36).as_slice(), message].concat());
    Digest::sha256(&[padded(0x5c).as_slice(), inner.as_bytes().as_slice()].concat()).to_hex()
}

/// The last hour of block time within the grant, unless the options say otherwise.
fn window(args: &RecordArgs, granted: &Window, now_ms: u64) -> Window {
    let to_ms = args.to.map_or_else(|| now_ms.min(granted.to_ms), Moment::last_ms);
    let back = to_ms.saturating_sub(WINDOW_MS_DEFAULT);
    let from_ms = args.from.map_or_else(|| back.max(granted.from_ms), Moment::first_ms);
    Window { from_ms, to_ms }
}

#[cfg(test)]
mod tests;
