//! From actions to a committed transaction: payload, local check, delivery.

use std::time::{Duration, Instant};

use mulu_chain::transaction::Envelope;
use mulu_chain::types::ChainId;
use mulu_contracts::action::Action;
use mulu_contracts::payload::{Payload, SCHEMA_VERSION, Submitter};
use mulu_contracts::transaction::Transaction;
use serde_json::Value;

use crate::failure::{Exit, Failure, Outcome};
use crate::lang::Text;
use crate::node::Node;
use crate::{text, time_text};

/// How many heights ahead a transaction stays valid unless told otherwise.
const VALID_HEIGHTS_DEFAULT: u64 = 10_000;
/// Longest pause before another attempt when the node is busy.
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(5);

/// What a node says of itself that building a transaction needs.
#[derive(Debug, Clone)]
pub struct ChainView {
    /// The chain.
    pub chain_id: ChainId,
    /// Its height.
    pub height: u64,
    /// Time of the last block.
    pub time_ms: u64,
    /// How far `valid_until` may lie ahead.
    pub valid_heights_max: u64,
}

impl ChainView {
    /// Asks a node.
    ///
    /// # Errors
    /// Exit 4 when it cannot be reached or speaks another language.
    pub fn ask(node: &Node) -> Outcome<ChainView> {
        let status = node.get("/v1/status", &[])?;
        let params = node.get("/v1/params", &[])?;
        let number = |value: &Value, pointers: &[&str]| {
            pointers.iter().find_map(|pointer| value.pointer(pointer).and_then(Value::as_u64))
        };
        let url = node.url();
        let foreign = || {
            Failure::new(
                Exit::Unreachable,
                text!("{url} does not answer like a Mulu node", "{url} 的响应不像目录链节点"),
            )
        };
        let chain_id = status.get("chain_id").and_then(Value::as_str).ok_or_else(foreign)?;
        Ok(ChainView {
            chain_id: chain_id.parse().map_err(|_| foreign())?,
            height: number(&status, &["/height"]).ok_or_else(foreign)?,
            time_ms: number(&status, &["/time_ms"]).unwrap_or_default(),
            valid_heights_max: number(&params, &["/valid_heights_max", "/value/valid_heights_max"])
                .unwrap_or(VALID_HEIGHTS_DEFAULT),
        })
    }
}

/// The payload of actions, valid from now on.
pub fn payload(
    view: &ChainView,
    submitter: Submitter,
    valid_for: Option<u64>,
    actions: Vec<Action>,
) -> Payload {
    let ahead = valid_for.unwrap_or(VALID_HEIGHTS_DEFAULT).min(view.valid_heights_max);
    Payload {
        schema_version: SCHEMA_VERSION,
        chain_id: view.chain_id.clone(),
        submitter,
        on_behalf_of: None,
        created_at: Some(now()),
        valid_until: view.height.saturating_add(ahead),
        nonce: None,
        actions,
    }
}

/// The time of this machine's clock, RFC 3339 at +08:00: a claim that no rule judges.
pub fn now() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    time_text::time_ms(since.ok().and_then(|d| u64::try_from(d.as_millis()).ok()).unwrap_or(0))
}

/// Applies the rules that need no state, so that a misspelled field is refused before it is sent.
///
/// # Errors
/// Exit 5 naming the rule.
pub fn check_locally(envelope: &Envelope, chain_id: &ChainId) -> Outcome<()> {
    let verified = envelope.clone().verify().map_err(|e| refused(e.id(), text!("{e}", "{e}")))?;
    Transaction::parse(verified, chain_id).map(|_| ()).map_err(|invalid| {
        let rule = invalid.rule();
        let (id, detail) = (rule.id(), invalid.detail());
        let (en, zh) = (rule.title_en(), rule.title_zh());
        refused(id, text!("{id} {en}: {detail}", "{id} {zh}：{detail}"))
            .help(Text { en: rule.help_en().to_owned(), zh: rule.help_zh().to_owned() })
    })
}

fn refused(rule: &str, text: Text) -> Failure {
    Failure { rule: Some(rule.to_owned()), ..Failure::new(Exit::Rejected, text) }
}

/// Submits an envelope, again if the node is busy, and waits for its commit up to the timeout.
///
/// # Errors
/// Those of [`Node::submit`] that another attempt does not mend.
pub fn deliver(node: &Node, envelope: &Envelope, wait: bool) -> Outcome<Value> {
    let until = Instant::now().checked_add(node.timeout());
    let left = || until.map_or(Duration::ZERO, |u| u.saturating_duration_since(Instant::now()));
    let json = envelope.to_json();
    let mut result = loop {
        match node.submit(&json, wait.then(&left)) {
            Ok(result) => break result,
            Err(failure) => {
                let pause = failure.retry_after.map(Duration::from_secs);
                let pause = pause.map(|p| p.min(RETRY_PAUSE_MAX)).filter(|p| *p < left());
                match pause {
                    Some(pause) => std::thread::sleep(pause),
                    None => return Err(failure),
                }
            }
        }
    };
    let id = envelope.id().to_string();
    while wait && !is_committed(&result) && !left().is_zero() {
        result = node.transaction(&id, Some(left()))?;
        if result.get("status").and_then(Value::as_str) == Some("expired") {
            break;
        }
    }
    Ok(result)
}

/// Whether an answer is about a committed transaction.
pub fn is_committed(result: &Value) -> bool {
    result.get("status").and_then(Value::as_str) == Some("committed")
}
