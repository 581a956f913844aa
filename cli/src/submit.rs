//! From actions to a committed transaction: build, sign, submit, wait, report.

use std::path::PathBuf;

use mulu_chain::transaction::Envelope;
use mulu_contracts::action::Action;
use mulu_contracts::payload::{Payload, Submitter};
use mulu_contracts::state::local_id;
use serde_json::Value;

use crate::client::Node;
use crate::commands::membership;
use crate::context::Context;
use crate::draft::Draft;
use crate::failure::{Exit, Failure, Outcome};
use crate::{render, text};

pub use mulu_client::transaction::{ChainView, check_locally, deliver, is_committed, now, payload};

/// Options of every command that submits.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Submitting 提交")]
pub struct SubmitArgs {
    /// Sign with another key as well (repeatable) 追加签名密钥（可重复）
    #[arg(long, value_name = "FILE")]
    pub cosign_key: Vec<PathBuf>,
    /// Write the signed envelope to a file instead of submitting it 只写出已签名信封，不提交
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Let the node ask the other members for their signatures (`mulu member approve`) 交由节点征集其他成员签名
    #[arg(long, conflicts_with = "out")]
    pub petition: bool,
    /// Do not wait for the commit 不等待上链
    #[arg(long)]
    pub no_wait: bool,
    /// Heights for which the transaction stays valid 交易有效的区块数
    #[arg(long, value_name = "N")]
    pub valid_for: Option<u64>,
    /// Act for another member that delegated this; --office is then its office 受托代其他成员提交
    #[arg(long, value_name = "USCC")]
    pub on_behalf_of: Option<String>,
}

/// Who submits: the member and its office as an id.
///
/// # Errors
/// Exit 2 when nothing says who.
pub fn submitter(context: &Context) -> Outcome<Submitter> {
    let member = context.member()?.to_owned();
    let office = context.profile.office.as_ref().map(|office| {
        if office.contains(':') { office.clone() } else { local_id(&member, office) }
    });
    Ok(Submitter { member, office })
}

/// Serializes a payload into a draft.
///
/// # Errors
/// Exit 2 when it is too large.
pub fn draft(payload: &Payload) -> Outcome<Draft> {
    let bytes = serde_json::to_vec(payload).map_err(|e| {
        Failure::usage(text!("the payload cannot be written: {e}", "无法生成载荷：{e}"))
    })?;
    Draft::new(bytes)
}

/// Builds, signs and submits actions as the options say, and reports what became of them.
///
/// # Errors
/// Exit 2 to 6.
pub fn actions(context: &Context, args: &SubmitArgs, actions: Vec<Action>) -> Outcome<()> {
    let node = context.node()?;
    let view = ChainView::ask(&node)?;
    let mut submitter = submitter(context)?;
    if let (Some(principal), Some(office)) = (&args.on_behalf_of, &context.profile.office)
        && !office.contains(':')
    {
        submitter.office = Some(local_id(principal, office));
    }
    let mut payload = payload(&view, submitter, args.valid_for, actions);
    payload.on_behalf_of.clone_from(&args.on_behalf_of);
    let mut draft = draft(&payload)?;
    sign(context, args, &mut draft)?;
    check_locally(&draft.envelope()?, &view.chain_id)?;
    if let Some(out) = &args.out {
        draft.write(out)?;
        let (shown, id) = (out.display(), draft.id());
        context.say(&text!(
            "wrote transaction {id} to {shown}; add signatures with `mulu tx sign {shown}`, then `mulu tx submit {shown}`",
            "交易 {id} 已写入 {shown}；用 `mulu tx sign {shown}` 追加签名，再用 `mulu tx submit {shown}` 提交"
        ));
        return Ok(());
    }
    if args.petition {
        return membership::hand_in(context, &node, &draft, !args.no_wait);
    }
    envelope(context, &node, &draft.envelope()?, !args.no_wait)
}

/// Signs with the profile's key and the co-signing keys.
fn sign(context: &Context, args: &SubmitArgs, draft: &mut Draft) -> Outcome<()> {
    draft.sign(&context.key()?);
    for path in &args.cosign_key {
        draft.sign(&context.open_key(path)?.key);
    }
    Ok(())
}

/// Submits an envelope and reports what became of it.
///
/// # Errors
/// Exit 4 when it is not committed in time, exit 5 when it is refused or rejected.
pub fn envelope(context: &Context, node: &Node, envelope: &Envelope, wait: bool) -> Outcome<()> {
    let id = envelope.id();
    if wait {
        context.say(&text!("submitting {id} …", "正在提交 {id} …"));
    }
    let result = deliver(node, envelope, wait)?;
    report(context, &result)?;
    if wait && !is_committed(&result) {
        return Err(Failure::new(
            Exit::Unreachable,
            text!(
                "{id} is queued but was not committed in time",
                "{id} 已排队，但未在规定时间内上链"
            ),
        )
        .help(text!(
            "`mulu tx status {id} --wait` goes on waiting",
            "可用 `mulu tx status {id} --wait` 继续等待"
        )));
    }
    Ok(())
}

/// Prints a transaction's status.
///
/// # Errors
/// Exit 5 (already reported) when it was committed as rejected.
pub fn report(context: &Context, result: &Value) -> Outcome<()> {
    if context.is_json() {
        context.print_json(result);
    } else {
        context.print(&render::fields(&status_fields(context, result)));
    }
    if render::text_at(result, "/outcome/result") == "rejected" {
        return Err(Failure::reported(Exit::Rejected));
    }
    Ok(())
}

fn status_fields(context: &Context, result: &Value) -> Vec<(String, String)> {
    let status = render::text_at(result, "/status");
    let status = match status.as_str() {
        "committed" => context.word("committed", "已上链").to_owned(),
        "queued" => context.word("queued", "排队中").to_owned(),
        "expired" => context.word("expired", "已过期").to_owned(),
        _ => status,
    };
    let outcome = match render::text_at(result, "/outcome/result").as_str() {
        "accepted" => format!("{} {}", context.mark(true), context.word("accepted", "已接受")),
        "rejected" => format!("{} {}", context.mark(false), context.word("rejected", "已拒绝")),
        other => other.to_owned(),
    };
    let time = result.get("time_ms").and_then(Value::as_u64).map(render::time_ms);
    let rule = format!(
        "{} {}",
        render::text_at(result, "/outcome/rule"),
        render::text_at(result, "/outcome/title")
    );
    [
        (context.word("transaction", "交易"), render::text_at(result, "/id")),
        (context.word("status", "状态"), status),
        (context.word("height", "高度"), render::text_at(result, "/height")),
        (context.word("block time", "出块时间"), time.unwrap_or_default()),
        (context.word("valid until", "有效至高度"), render::text_at(result, "/valid_until")),
        (context.word("outcome", "结果"), outcome),
        (context.word("rule", "规则"), rule.trim().to_owned()),
        (context.word("action", "第几项操作"), render::text_at(result, "/outcome/action")),
        (context.word("help", "帮助"), render::text_at(result, "/outcome/help")),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

#[cfg(test)]
mod tests;
