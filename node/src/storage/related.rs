//! What belongs into a subject's bundle beside its own record and history.
//!
//! | subject | also |
//! |---|---|
//! | any | the records its own record names (members, offices, duties, systems, entry) |
//! | `entry/…` | every authorization its history created, each as below |
//! | `authorization/…` | its complete history, its receipts, the records it names |
//! | `receipt/…` | its authorization, as above |
//! | `grants-of/office/…` | every authorization its history created, each as above |
//! | `transaction/…` | the records it names; the authorizations among them as above |
//!
//! Created ids are computed from the events, and named ids are recognized by their form, so this
//! follows the records of every version of the rules without knowing their fields.

use mulu_chain::bundle::Question;
use mulu_chain::digest::Digest;
use mulu_chain::state::HistoryEvent;
use mulu_chain::transaction::TransactionId;
use mulu_contracts::state::{
    authorization_key, duty_key, entry_key, member_key, office_key, receipt_key, record_id,
    system_key,
};
use serde_json::Value;

use super::bundle::Gathered;
use super::error::StorageError;

/// Characters of a 统一社会信用代码.
const USCC_CHARS: usize = 18;

/// Most authorizations whose stories come with one transaction.
const AUTHORIZATIONS_MAX: usize = 16;

/// Gathers what answers a question; false if there is nothing that could.
pub(super) fn gather(
    gathered: &mut Gathered<'_>,
    question: &Question,
) -> Result<bool, StorageError> {
    match question {
        Question::Record(key) | Question::ReceiptsOf(key) => subject(gathered, key)?,
        Question::GrantsOf(office) => grants(gathered, office)?,
        Question::NoGrant { party, entry } => {
            let kind = if party.contains(':') { office_key(party) } else { member_key(party) };
            gathered.record(&kind)?;
            subject(gathered, &entry_key(entry))?;
        }
        Question::Transaction(id) => return transaction(gathered, id),
        Question::Heights(from, to) => return gathered.heights(*from, *to),
        Question::Times(from, to) => return gathered.times(*from, *to),
    }
    Ok(true)
}

/// An office with every authorization it was ever a party of.
fn grants(gathered: &mut Gathered<'_>, office: &str) -> Result<(), StorageError> {
    let events = gathered.subject(office)?;
    named_records(gathered, office)?;
    for event in &events {
        let key = authorization_key(&created(event));
        if gathered.record_if_present(&key)? {
            authorization(gathered, &key)?;
        }
    }
    Ok(())
}

/// A transaction, and the authorizations that its payload names or made.
fn transaction(gathered: &mut Gathered<'_>, id: &TransactionId) -> Result<bool, StorageError> {
    let Some(envelope) = gathered.transaction_of(id)? else { return Ok(false) };
    let mut named = Vec::new();
    if let Ok(payload) = serde_json::from_slice::<Value>(envelope.payload()) {
        candidate_keys(&payload, &mut named);
        let actions = payload.get("actions").and_then(Value::as_array).map_or(0, Vec::len);
        let actions = u32::try_from(actions).unwrap_or(0);
        named.extend((0..actions).map(|action| authorization_key(&record_id(id, action))));
    }
    named.sort();
    named.dedup();
    let mut told = 0usize;
    for key in named {
        if !gathered.record_if_present(&key)? {
            continue;
        }
        if key.starts_with("authorization/") && told < AUTHORIZATIONS_MAX {
            authorization(gathered, &key)?;
            told += 1;
        }
    }
    Ok(true)
}

/// A subject with everything that belongs to it.
fn subject(gathered: &mut Gathered<'_>, subject: &str) -> Result<(), StorageError> {
    let kind = subject.split('/').next().unwrap_or_default();
    match kind {
        "entry" => {
            let events = gathered.subject(subject)?;
            named_records(gathered, subject)?;
            for event in &events {
                let key = authorization_key(&created(event));
                if gathered.record_if_present(&key)? {
                    authorization(gathered, &key)?;
                }
            }
        }
        "authorization" => authorization(gathered, subject)?,
        "receipt" => {
            gathered.subject(subject)?;
            for key in named_records(gathered, subject)? {
                if key.starts_with("authorization/") {
                    authorization(gathered, &key)?;
                }
            }
        }
        _ => {
            gathered.subject(subject)?;
            named_records(gathered, subject)?;
        }
    }
    Ok(())
}

/// An authorization with its history and its receipts.
fn authorization(gathered: &mut Gathered<'_>, key: &str) -> Result<(), StorageError> {
    for event in gathered.subject(key)? {
        gathered.record_if_present(&receipt_key(&created(&event)))?;
    }
    named_records(gathered, key)?;
    Ok(())
}

/// The id of what an event's action created, if it created anything.
fn created(event: &HistoryEvent) -> Digest {
    record_id(&event.transaction, event.action)
}

/// Adds the records that a record's value names, and returns their keys.
fn named_records(gathered: &mut Gathered<'_>, key: &str) -> Result<Vec<String>, StorageError> {
    let Some(value) = gathered.value(key)? else { return Ok(Vec::new()) };
    // Every record is JSON; one that is not names nothing.
    let Ok(value) = serde_json::from_slice::<Value>(&value) else { return Ok(Vec::new()) };
    let mut candidates = Vec::new();
    candidate_keys(&value, &mut candidates);
    candidates.sort();
    candidates.dedup();
    let mut present = Vec::new();
    for candidate in candidates {
        if gathered.record_if_present(&candidate)? {
            present.push(candidate);
        }
    }
    Ok(present)
}

/// State keys that the texts in a value could stand for, by their form: `<uscc>`,
/// `<uscc>:<code>`, `sha256:<hex>`.
fn candidate_keys(value: &Value, keys: &mut Vec<String>) {
    match value {
        Value::String(text) => keys_of_text(text, keys),
        Value::Array(values) => values.iter().for_each(|value| candidate_keys(value, keys)),
        Value::Object(fields) => fields.values().for_each(|value| candidate_keys(value, keys)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn keys_of_text(text: &str, keys: &mut Vec<String>) {
    if let Ok(id) = text.parse::<Digest>() {
        keys.extend([entry_key(&id), authorization_key(&id)]);
        return;
    }
    let (member, code) = match text.split_once(':') {
        Some((member, code)) => (member, Some(code)),
        None => (text, None),
    };
    if member.len() != USCC_CHARS || !member.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return;
    }
    match code {
        None => keys.push(member_key(member)),
        Some(_) => keys.extend([office_key(text), duty_key(text), system_key(text)]),
    }
}
