//! A transaction the rules can judge: a verified envelope whose payload parsed.

use std::fmt;
use std::sync::Arc;

use mulu_chain::json;
use mulu_chain::signature::PublicKey;
use mulu_chain::transaction::{Envelope, TransactionId, VerifiedEnvelope};
use mulu_chain::types::ChainId;
use serde::Deserialize;

use crate::limits::{ACTIONS_MAX, NONCE_CHARS_MAX};
use crate::payload::{Payload, SCHEMA_VERSION};
use crate::rule::Rule;

/// A signed, parsed transaction of this chain. There is no way to make one but
/// [`Transaction::parse`].
///
/// Cloning shares: the mempool, the cache of verified transactions and a block hold one copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction(Arc<Parsed>);

#[derive(Debug, PartialEq, Eq)]
struct Parsed {
    envelope: VerifiedEnvelope,
    payload: Payload,
}

/// Why a verified envelope is not a transaction of this chain. Such an envelope is never in a
/// block: unlike a rejected transaction it leaves no evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionInvalid {
    rule: Rule,
    detail: String,
}

impl TransactionInvalid {
    fn new(rule: Rule, detail: impl Into<String>) -> Self {
        TransactionInvalid { rule, detail: detail.into() }
    }

    /// The broken rule.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// Concrete values, found and expected.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl fmt::Display for TransactionInvalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.rule.id(), self.rule.title_en(), self.detail)
    }
}

impl std::error::Error for TransactionInvalid {}

/// The part of a payload that every schema version has; read first, so that a payload of a later
/// version is told to be one instead of being blamed for its new fields.
#[derive(Deserialize)]
struct Head {
    schema_version: u32,
    chain_id: String,
}

impl Transaction {
    /// Parses the payload of a verified envelope: strict JSON (JSN), schema version (TX-08), chain
    /// (TX-07), shape (TX-06), number of actions (TX-09), texts of the frame (TX-12); in that order.
    ///
    /// # Errors
    /// [`TransactionInvalid`] naming the first broken rule.
    pub fn parse(
        envelope: VerifiedEnvelope,
        chain_id: &ChainId,
    ) -> Result<Transaction, TransactionInvalid> {
        let text = json::check(envelope.envelope().payload()).map_err(|invalid| {
            let rule = Rule::from_id(invalid.rule.id()).unwrap_or(Rule::JsonGrammar);
            TransactionInvalid::new(rule, invalid.to_string())
        })?;
        let payload = match read_at_once(text, chain_id) {
            Some(payload) => payload,
            None => read_step_by_step(text, chain_id)?,
        };
        check_frame(&payload)?;
        Ok(Transaction(Arc::new(Parsed { envelope, payload })))
    }

    /// The transaction id.
    pub fn id(&self) -> TransactionId {
        self.0.envelope.id()
    }

    /// The signed envelope.
    pub fn envelope(&self) -> &Envelope {
        self.0.envelope.envelope()
    }

    /// The parsed payload.
    pub fn payload(&self) -> &Payload {
        &self.0.payload
    }

    /// The keys that signed, sorted.
    pub fn signers(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.envelope.signers()
    }
}

/// Reads a payload that is written just as this program writes it: then it is of this version, chain and
/// shape, and three more readings of it are spared. Any other goes through the rules one by one.
fn read_at_once(text: &str, chain_id: &ChainId) -> Option<Payload> {
    let payload: Payload = serde_json::from_str(text).ok()?;
    let same = payload.schema_version == SCHEMA_VERSION
        && payload.chain_id == *chain_id
        && serde_json::to_vec(&payload).is_ok_and(|bytes| bytes == text.as_bytes());
    same.then_some(payload)
}

/// Schema version, chain, shape, in this order.
fn read_step_by_step(text: &str, chain_id: &ChainId) -> Result<Payload, TransactionInvalid> {
    let shape =
        |error: serde_json::Error| TransactionInvalid::new(Rule::PayloadShape, error.to_string());
    let head: Head = serde_json::from_str(text).map_err(shape)?;
    if head.schema_version != SCHEMA_VERSION {
        let detail = format!("found {}, expected {SCHEMA_VERSION}", head.schema_version);
        return Err(TransactionInvalid::new(Rule::PayloadSchemaVersion, detail));
    }
    if head.chain_id != chain_id.as_str() {
        let detail = format!("found {}, this chain is {chain_id}", head.chain_id);
        return Err(TransactionInvalid::new(Rule::PayloadChain, detail));
    }
    let payload: Payload = serde_json::from_str(text).map_err(shape)?;
    let sent: serde_json::Value = serde_json::from_str(text).map_err(shape)?;
    let read = serde_json::to_value(&payload).map_err(shape)?;
    if let Some(path) = crate::shape::difference(&sent, &read) {
        let detail = format!("payload{path} is written as another kind of JSON value");
        return Err(TransactionInvalid::new(Rule::PayloadShape, detail));
    }
    Ok(payload)
}

fn check_frame(payload: &Payload) -> Result<(), TransactionInvalid> {
    let count = payload.actions.len();
    if count == 0 || count > ACTIONS_MAX {
        let detail = format!("found {count}, allowed are 1 to {ACTIONS_MAX}");
        return Err(TransactionInvalid::new(Rule::PayloadActions, detail));
    }
    for (name, text) in [("nonce", &payload.nonce), ("created_at", &payload.created_at)] {
        let length = text.as_ref().map_or(1, |text| text.chars().count());
        if length == 0 || length > NONCE_CHARS_MAX {
            let detail = format!("{name} has {length} characters");
            return Err(TransactionInvalid::new(Rule::PayloadTexts, detail));
        }
    }
    Ok(())
}
