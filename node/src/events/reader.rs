//! From the ledger to events: a bounded number of transactions at a time.

use std::collections::{BTreeMap, BTreeSet};

use mulu_chain::log::LogEntry;
use mulu_chain::types::Height;
use mulu_contracts::state::{entry_id, record_id};
use serde_json::Value;

use super::{Event, EventAction, EventId, EventSubmitter, Filter, Place};
use crate::storage::{Ledger, StorageError};

/// Most transactions examined at a time, whatever the filter.
pub const EXAMINED_MAX: usize = 500;
/// Most heights passed at a time: idle chains have many blocks without transactions.
pub const HEIGHTS_PASSED_MAX: usize = 2_000;

/// What one reading brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The events that matched, in order.
    pub events: Vec<Event>,
    /// Where to read on.
    pub next: Place,
    /// Whether there was more to examine: false at the tip.
    pub more: bool,
}

/// Reads at most `limit` matching events from `from` on.
///
/// # Errors
/// Read errors and damage.
pub fn read(
    ledger: &Ledger,
    filter: &Filter,
    from: Place,
    limit: usize,
) -> Result<Batch, StorageError> {
    let tip = ledger.height()?;
    let mut records = Records { ledger, known: BTreeMap::new() };
    let mut events = Vec::new();
    let (mut next, mut examined, mut passed) = (from, 0, 0);
    while next.height <= tip {
        if events.len() == limit || examined == EXAMINED_MAX || passed == HEIGHTS_PASSED_MAX {
            return Ok(Batch { events, next, more: true });
        }
        let room = limit.saturating_sub(events.len()).min(EXAMINED_MAX.saturating_sub(examined));
        let (first, entries) = ledger.log_entries_of(next.height, next.index, room)?;
        if entries.is_empty() {
            next = Place::at(next.height.next());
            passed += 1;
            continue;
        }
        for (entry, log_index) in entries.iter().zip(first..) {
            examined += 1;
            next = Place { height: entry.height, index: entry.index.saturating_add(1) };
            events.extend(event(&mut records, filter, entry, log_index)?);
        }
    }
    Ok(Batch { events, next, more: false })
}

/// The event of a log entry, if it is wanted.
fn event(
    records: &mut Records<'_>,
    filter: &Filter,
    entry: &LogEntry,
    log_index: u64,
) -> Result<Option<Event>, StorageError> {
    let envelope = records.ledger.envelope(entry.height, entry.index)?;
    let payload: Value = envelope
        .and_then(|envelope| serde_json::from_slice(envelope.payload()).ok())
        .unwrap_or_default();
    let none = Vec::new();
    let actions = payload.get("actions").and_then(Value::as_array).unwrap_or(&none);
    if !filter.wants_types(actions.iter().filter_map(|action| text(action, "type"))) {
        return Ok(None);
    }
    let mut event = Event {
        id: EventId { height: entry.height, index: entry.index },
        height: entry.height,
        index: entry.index,
        time_ms: entry.time_ms,
        log_index,
        transaction: entry.transaction,
        outcome: (&entry.outcome).into(),
        submitter: submitter(&payload),
        actions: Vec::with_capacity(actions.len()),
        entries: BTreeSet::new(),
        authorizations: BTreeSet::new(),
        members: BTreeSet::new(),
        offices: BTreeSet::new(),
    };
    if let Some(submitter) = &event.submitter {
        event.members.insert(submitter.member.clone());
        event.members.extend(submitter.on_behalf_of.clone());
        event.offices.extend(submitter.office.clone());
    }
    for (action, number) in actions.iter().zip(0u32..) {
        let kind = text(action, "type").unwrap_or_default();
        let created = record_id(&entry.transaction, number).to_string();
        concern(&mut event, records, kind, action, &created)?;
        let subject = subject(kind, action, &created);
        event.actions.push(EventAction { r#type: kind.to_owned(), subject });
    }
    Ok(filter.wants(&event).then_some(event))
}

/// Adds the entries, authorizations and parties an action concerns.
fn concern(
    event: &mut Event,
    records: &mut Records<'_>,
    kind: &str,
    action: &Value,
    created: &str,
) -> Result<(), StorageError> {
    let height = event.height;
    let mut authorizations: Vec<String> =
        text(action, "authorization_id").map(str::to_owned).into_iter().collect();
    if kind == "authorization.request" {
        authorizations.push(created.to_owned());
    }
    let mut entries: Vec<String> = entry_of(action).into_iter().collect();
    let named = text(action, "subject").and_then(|subject| subject.split_once('/'));
    match named {
        Some(("entry", id)) => entries.push(id.to_owned()),
        Some(("authorization", id)) => authorizations.push(id.to_owned()),
        _ => {}
    }
    if let Some(correction) = text(action, "correction_id") {
        let record = records.at(format!("correction/{correction}"), height)?;
        entries.extend(text(record, "entry_id").map(str::to_owned));
    }
    for id in authorizations {
        let record = records.at(format!("authorization/{id}"), height)?;
        entries.extend(text(record, "entry_id").map(str::to_owned));
        for party in ["provider", "consumer"] {
            event.members.extend(text(record, party).map(str::to_owned));
        }
        for office in ["provider_office", "consumer_office"] {
            event.offices.extend(text(record, office).map(str::to_owned));
        }
        event.authorizations.insert(id);
    }
    for id in entries {
        let record = records.at(format!("entry/{id}"), height)?;
        event.members.extend(text(record, "provider").map(str::to_owned));
        let office = record.pointer("/content/office").and_then(Value::as_str);
        event.offices.extend(office.map(str::to_owned));
        event.entries.insert(id);
    }
    Ok(())
}

/// The entry an action names: by its id, or by the first code of its content.
fn entry_of(action: &Value) -> Option<String> {
    let by_code = || {
        let code = action.pointer("/entry/codes/0").and_then(Value::as_str)?;
        Some(entry_id(code).to_string())
    };
    text(action, "entry_id").map(str::to_owned).or_else(by_code)
}

/// The key of the record an action makes or changes.
fn subject(kind: &str, action: &Value, created: &str) -> Option<String> {
    let (noun, verb) = kind.split_once('.')?;
    match (noun, verb) {
        ("entry", _) => entry_of(action).map(|id| format!("entry/{id}")),
        ("authorization", "request")
        | ("receipt", "record")
        | ("correction" | "objection", "open")
        | ("operation", "plan") => Some(format!("{noun}/{created}")),
        _ => text(action, &format!("{noun}_id")).map(|id| format!("{noun}/{id}")),
    }
}

fn submitter(payload: &Value) -> Option<EventSubmitter> {
    let submitter = payload.get("submitter")?;
    Some(EventSubmitter {
        member: text(submitter, "member")?.to_owned(),
        office: text(submitter, "office").map(str::to_owned),
        on_behalf_of: text(payload, "on_behalf_of").map(str::to_owned),
    })
}

fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field).and_then(Value::as_str)
}

/// Records read for this batch; each once per height.
struct Records<'a> {
    ledger: &'a Ledger,
    known: BTreeMap<(String, Height), Value>,
}

impl Records<'_> {
    /// The record after a block; null if there is none.
    fn at(&mut self, key: String, height: Height) -> Result<&Value, StorageError> {
        let place = (key, height);
        if !self.known.contains_key(&place) {
            let value = match self.ledger.record_at(&place.0, height) {
                // The record as it is now names the same parties.
                Err(StorageError::StatePruned { .. }) => self.ledger.record(&place.0)?,
                found => found?,
            };
            let value = value.and_then(|bytes| serde_json::from_slice(&bytes).ok());
            self.known.insert(place.clone(), value.unwrap_or_default());
        }
        Ok(&self.known[&place])
    }
}
