//! A validly signed envelope around any payload, through the only door to a `Transaction`.

use std::sync::LazyLock;

use mulu_chain::signature::SigningKey;
use mulu_chain::transaction::Envelope;
use mulu_contracts::limits::ACTIONS_MAX;
use mulu_contracts::transaction::Transaction;
use serde_json::Value;

use super::Outcome;
use super::sample;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| sample::key(1));

/// Without members that are null or empty: those may be left out.
fn stripped(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().map(|(key, value)| (key, stripped(value)));
            let says = |(_, value): &(String, Value)| {
                !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty())
            };
            Value::Object(members.filter(says).collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(stripped).collect()),
        other => other,
    }
}

/// A transaction is of this chain, within its bounds, and its own payload parses again.
pub fn run(data: &[u8]) -> Outcome {
    let envelope = match Envelope::sign(data.to_vec(), &[&KEY]) {
        Ok(envelope) => envelope,
        Err(invalid) => return Outcome::refused(&invalid),
    };
    let verified = envelope.clone().verify().expect("we signed it");
    let id = verified.id();
    match Transaction::parse(verified, &sample::chain_id()) {
        Err(invalid) => Outcome::refused(&invalid.rule().id()),
        Ok(transaction) => {
            assert!(transaction.id() == id && transaction.envelope() == &envelope);
            let payload = transaction.payload();
            assert!(payload.chain_id == sample::chain_id());
            assert!((1..=ACTIONS_MAX).contains(&payload.actions.len()));
            // What is shown to a reader is what was signed: the same JSON value.
            let sent: Value = serde_json::from_slice(data).expect("it parsed");
            let read = serde_json::to_value(payload).expect("a payload is written");
            assert!(stripped(read) == stripped(sent), "what is read is not what was signed");
            Outcome::accepted("transaction")
        }
    }
}
