//! `mulu evidence`: validators that contradicted themselves, with both signatures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mulu_contracts::action::Action;
use mulu_contracts::evidence::{Equivocation, EvidenceRecord};
use mulu_contracts::payload::Payload;
use mulu_contracts::state::EVIDENCE_SUBJECT;
use serde_json::{Value, json};

use super::registry;
use crate::client::Node;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::submit::{self, SubmitArgs};
use crate::{render, text};

/// Most events of evidence listed.
const EVENTS_MAX: usize = 10_000;

/// Evidence.
#[derive(Debug, clap::Subcommand)]
pub enum EvidenceCommand {
    /// List all evidence on the chain 列出链上全部证据
    #[command(after_help = "\
The list is the history of the subject `evidence`: the chain proves that none is left out.
A record is shown by `mulu show evidence/<key>/<height>/<round>/<step>`.")]
    List,
    /// Report an equivocation from a file (administrator or validator key) 提交双签证据
    #[command(after_help = "\
FILE:
  {\"validator\": \"ed25519:…\", \"height\": 7, \"round\": 0, \"step\": \"prevote\",
   \"first\": {\"block\": null, \"signature\": \"<base64>\"},
   \"second\": {\"block\": \"sha256:…\", \"signature\": \"<base64>\"}}
step: proposal prevote precommit. A node reports what it sees by itself.")]
    Record {
        /// JSON file, `-` for standard input JSON 文件
        file: std::path::PathBuf,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
}

/// Runs `mulu evidence`.
///
/// # Errors
/// Exit 2 to 6.
pub fn run(context: &Context, command: EvidenceCommand) -> Outcome<()> {
    match command {
        EvidenceCommand::List => list(context),
        EvidenceCommand::Record { file, submit } => {
            let EvidenceRecord { evidence } = registry::read(&file, "evidence")?;
            let chain_id = submit::ChainView::ask(&context.node()?)?.chain_id;
            let evidence = evidence.ordered(&chain_id);
            submit::actions(
                context,
                &submit,
                vec![Action::EvidenceRecord(EvidenceRecord { evidence })],
            )
        }
    }
}

fn list(context: &Context) -> Outcome<()> {
    let node = context.node()?;
    let mut events: Vec<Value> = Vec::new();
    let listed = node.list(&format!("/v1/history/{EVIDENCE_SUBJECT}"), &[], |event| {
        events.push(event);
        Ok(events.len() < EVENTS_MAX)
    });
    match listed {
        Err(failure) if failure.exit == Exit::NotFound => {}
        other => other?,
    }
    let mut found = Vec::new();
    for event in &events {
        found.push((event, reported(&node, event)?));
    }
    if context.is_json() {
        let items: Vec<Value> = found
            .iter()
            .map(|(event, evidence)| json!({ "key": evidence.key(), "evidence": evidence, "event": event }))
            .collect();
        context.print_json(&json!({ "items": items }));
        return Ok(());
    }
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|(event, evidence)| {
            vec![
                evidence.validator.to_string(),
                evidence.height.to_string(),
                evidence.round.to_string(),
                evidence.step.name().to_owned(),
                render::text_at(event, "/submitter/member"),
                render::text_at(event, "/height"),
            ]
        })
        .collect();
    let header = [
        context.word("VALIDATOR", "验证者"),
        context.word("HEIGHT", "高度"),
        context.word("ROUND", "轮次"),
        context.word("STEP", "步骤"),
        context.word("REPORTER", "提交方"),
        context.word("RECORDED AT", "记录高度"),
    ];
    context.print(&render::table(&header, &rows));
    let count = rows.len();
    context.say(&text!("{count} equivocation(s)", "共 {count} 条双签证据"));
    Ok(())
}

/// The equivocation that an event's action reported.
fn reported(node: &Node, event: &Value) -> Outcome<Equivocation> {
    let id = render::text_at(event, "/transaction");
    let foreign = || {
        Failure::new(
            Exit::Unreachable,
            text!("transaction {id} reports no evidence", "交易 {id} 中没有证据"),
        )
    };
    let answer = node.transaction(&id, None)?;
    let payload = STANDARD.decode(render::text_at(&answer, "/envelope/payload"));
    let payload = payload.map_err(|_| foreign())?;
    let payload: Payload = serde_json::from_slice(&payload).map_err(|_| foreign())?;
    let at = event.get("action").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    match at.and_then(|at| payload.actions.into_iter().nth(at)) {
        Some(Action::EvidenceRecord(record)) => Ok(record.evidence),
        _ => Err(foreign()),
    }
}
