//! `mulu tx`: transactions as files: build, sign, submit, ask for, explain.

use std::path::PathBuf;

use mulu_chain::limits::PAYLOAD_BYTES_MAX;
use mulu_chain::signature::PublicKey;
use mulu_chain::transaction::pae;
use mulu_contracts::action::Action;
use mulu_contracts::payload::Payload;
use serde_json::{Value, json};

use crate::context::Context;
use crate::draft::Draft;
use crate::failure::{Exit, Failure, Outcome};
use crate::submit::{self, ChainView};
use crate::{files, render, text};

/// Transactions as files.
#[derive(Debug, clap::Subcommand)]
pub enum TxCommand {
    /// Build an unsigned transaction from actions 由操作生成未签名交易
    #[command(after_help = "\
FILE holds one action, a list of actions, or a whole payload:
  {\"type\": \"office.establish\", \"office\": {\"code\": \"data\", \"name\": \"数据管理处\"}}
  [ {…}, {…} ]
  {\"schema_version\": 1, \"chain_id\": \"…\", \"submitter\": {\"member\": \"…\"}, \"valid_until\": 900, \"actions\": [ … ]}
A whole payload is kept byte for byte and needs no node; otherwise the node says chain and height.
Example 示例:
  mulu tx build actions.json --out tx.json && mulu tx sign tx.json && mulu tx submit tx.json")]
    Build {
        /// JSON file, `-` for standard input JSON 文件
        file: PathBuf,
        /// The envelope to write 输出的信封文件
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Heights for which the transaction stays valid 交易有效的区块数
        #[arg(long, value_name = "N")]
        valid_for: Option<u64>,
    },
    /// Add a signature to a transaction file 为交易文件追加签名
    #[command(after_help = "\
Example 示例:
  mulu authorization finalize ID --out grant.json --profile provider
  mulu tx explain grant.json                        what one is about to sign 签名前查看内容
  mulu tx sign grant.json --profile consumer
  mulu tx submit grant.json")]
    Sign {
        /// The envelope; it is replaced 信封文件（原地更新）
        file: PathBuf,
    },
    /// Submit a transaction file; repeating it is safe 提交交易文件（可安全重复）
    Submit {
        /// The envelope 信封文件
        file: PathBuf,
        /// Do not wait for the commit 不等待上链
        #[arg(long)]
        no_wait: bool,
    },
    /// What became of a transaction 查询交易
    Status {
        /// Its id, sha256:… 交易号
        id: String,
        /// Wait until it is committed 等待上链
        #[arg(long)]
        wait: bool,
    },
    /// Verify a node's receipt for what was submitted, offline 离线验证节点的提交回执
    #[command(after_help = "\
A node that takes a transaction signs for it: it is on its disk, and by the height named it is committed or
has expired. Keep the answer to a submission (--output json, --no-wait): it is evidence against a node that
withholds what it was given. --follow asks --node what became of it; exit 1 if it was withheld.
Example 示例:
  mulu --output json tx submit tx.json --no-wait > receipt.json
  mulu tx receipt receipt.json --follow")]
    Receipt {
        /// The answer to a submission, or its member `receipt` 提交的应答或其中的回执
        file: PathBuf,
        /// Ask a node what became of it 向节点查询其结果
        #[arg(long)]
        follow: bool,
    },
    /// Show what a transaction file says and who signed it, offline 离线解读交易文件
    Explain {
        /// The envelope, `-` for standard input 信封文件
        file: PathBuf,
    },
}

/// Runs the command.
///
/// # Errors
/// Exit 2 to 6.
pub fn run(context: &Context, command: TxCommand) -> Outcome<()> {
    match command {
        TxCommand::Build { file, out, valid_for } => {
            let draft = build(context, &file, valid_for)?;
            draft.write(&out)?;
            let (shown, id) = (out.display(), draft.id());
            context.say(&text!(
                "wrote unsigned transaction {id} to {shown}",
                "未签名交易 {id} 已写入 {shown}"
            ));
            Ok(())
        }
        TxCommand::Sign { file } => {
            let mut draft = Draft::read(&file)?;
            let key = context.key()?;
            draft.sign(&key);
            draft.write(&file)?;
            let (count, id, public) = (draft.signatures.len(), draft.id(), key.public_key());
            context.say(&text!(
                "{id} signed by {public}; it has {count} signature(s)",
                "{id} 已由 {public} 签名，共 {count} 个签名"
            ));
            Ok(())
        }
        TxCommand::Submit { file, no_wait } => {
            let envelope = Draft::read(&file)?.envelope()?;
            let node = context.node()?;
            submit::envelope(context, &node, &envelope, !no_wait)
        }
        TxCommand::Status { id, wait } => status(context, &id, wait),
        TxCommand::Receipt { file, follow } => super::tx_receipt::verify(context, &file, follow),
        TxCommand::Explain { file } => explain(context, &Draft::read(&file)?),
    }
}

fn build(context: &Context, file: &std::path::Path, valid_for: Option<u64>) -> Outcome<Draft> {
    let limit = u64::try_from(PAYLOAD_BYTES_MAX).unwrap_or(u64::MAX);
    let bytes = files::read_bounded(file, limit)?;
    let shown = file.display();
    let refused = |e: serde_json::Error| Failure::usage(text!("{shown}: {e}", "{shown}：{e}"));
    let value: Value = serde_json::from_slice(&bytes).map_err(refused)?;
    if value.get("schema_version").is_some() {
        serde_json::from_value::<Payload>(value).map_err(refused)?;
        return Draft::new(bytes);
    }
    let list = match value {
        Value::Array(list) => list,
        Value::Object(mut object) if object.contains_key("actions") => {
            match object.remove("actions") {
                Some(Value::Array(list)) => list,
                _ => Vec::new(),
            }
        }
        one => vec![one],
    };
    let actions = list
        .into_iter()
        .map(serde_json::from_value::<Action>)
        .collect::<Result<Vec<Action>, _>>()
        .map_err(refused)?;
    let view = ChainView::ask(&context.node()?)?;
    submit::draft(&submit::payload(&view, submit::submitter(context)?, valid_for, actions))
}

fn status(context: &Context, id: &str, wait: bool) -> Outcome<()> {
    let id = if id.starts_with("sha256:") { id.to_owned() } else { format!("sha256:{id}") };
    let node = context.node()?;
    let result = if wait {
        let until = std::time::Instant::now().checked_add(node.timeout());
        loop {
            let left = until
                .map(|u| u.saturating_duration_since(std::time::Instant::now()))
                .unwrap_or_default();
            let result = node.transaction(&id, Some(left))?;
            let queued = render::text_at(&result, "/status") == "queued";
            if !queued || left.is_zero() {
                break result;
            }
        }
    } else {
        node.transaction(&id, None)?
    };
    submit::report(context, &result)?;
    if wait && !submit::is_committed(&result) {
        return Err(Failure::new(
            Exit::Unreachable,
            text!("{id} was not committed in time", "{id} 未在规定时间内上链"),
        ));
    }
    Ok(())
}

/// One signer of a draft and whether its signature holds.
fn signers(draft: &Draft) -> Vec<(PublicKey, bool)> {
    let message = pae(&draft.payload);
    draft.signatures.iter().map(|s| (s.key, s.key.verify(&message, &s.signature).is_ok())).collect()
}

/// Explains a draft: its frame, its actions, its signatures, and whether the rules that need no
/// state hold.
fn explain(context: &Context, draft: &Draft) -> Outcome<()> {
    let payload: Option<Payload> = serde_json::from_slice(&draft.payload).ok();
    let raw: Value = serde_json::from_slice(&draft.payload).unwrap_or(Value::Null);
    let signers = signers(draft);
    let verdict = match (&payload, draft.envelope()) {
        (Some(payload), Ok(envelope)) => submit::check_locally(&envelope, &payload.chain_id),
        (Some(_), Err(_)) => Ok(()),
        (None, _) => Err(Failure::new(
            Exit::Rejected,
            text!(
                "TX-06: the payload is not of the shape the rules know",
                "TX-06：载荷不符合规则所知的形式"
            ),
        )),
    };
    if context.is_json() {
        context.print_json(&json!({
            "id": draft.id(),
            "payload": raw,
            "signatures": signers.iter().map(|(key, valid)| json!({ "key": key, "valid": valid }))
                .collect::<Vec<_>>(),
            "refused": verdict.as_ref().err().map(|f| f.to_json(context.lang)),
        }));
    } else {
        let mut rows = vec![
            (context.word("transaction", "交易").to_owned(), draft.id().to_string()),
            (context.word("chain", "链").to_owned(), render::text_at(&raw, "/chain_id")),
            (context.word("submitter", "提交方").to_owned(), submitter_text(&raw)),
            (
                context.word("valid until", "有效至高度").to_owned(),
                render::text_at(&raw, "/valid_until"),
            ),
            (context.word("made at", "生成时间").to_owned(), render::text_at(&raw, "/created_at")),
        ];
        for (key, valid) in &signers {
            let row = format!("{} {key}", context.mark(*valid));
            rows.push((context.word("signature", "签名").to_owned(), row));
        }
        let actions = raw.get("actions").and_then(Value::as_array).map(Vec::as_slice);
        for (action, number) in actions.unwrap_or_default().iter().zip(0u32..) {
            let name = format!("{} {number}", context.word("action", "操作"));
            rows.push((name, render::text_at(action, "/type")));
        }
        context.print(&render::fields(&rows));
        context.print(&render::safe(&format!("{raw:#}")));
    }
    if signers.iter().any(|(_, valid)| !valid) {
        return Err(Failure::new(
            Exit::VerificationFailed,
            text!("a signature does not verify", "有签名未通过验证"),
        ));
    }
    verdict
}

fn submitter_text(payload: &Value) -> String {
    let member = render::text_at(payload, "/submitter/member");
    let office = render::text_at(payload, "/submitter/office");
    if office.is_empty() { member } else { office }
}
