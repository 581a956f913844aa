//! A bundle as W3C PROV, in its JSON form: who did what to which record, for tools of others.
//!
//! | PROV | is |
//! |---|---|
//! | activity `mulu:transaction/<id>` | a transaction, accepted or rejected, at its block time |
//! | entity `mulu:<subject>@<n>` | a subject after the first n events of its history |
//! | entity `mulu:<subject>` | the subject, of which those are specializations |
//! | entity `mulu:receipt/<id>` | a receipt |
//! | agent `mulu:member/…`, `office/…`, `key/…` | who submitted and who signed |
//!
//! A transaction generates the subject after its last event there, derived from the subject before.
//! A rejected transaction generates nothing. The document is a function of the bundle.
//! Source: W3C PROV-DM; the PROV-JSON submission of 2013.

use std::collections::BTreeSet;

use mulu_chain::log::Outcome;
use mulu_contracts::action::Action;
use mulu_contracts::key::Key;
use mulu_contracts::state::{
    authorization_key, key_key, member_key, office_key, receipt_key, record_id, version_hash,
};
use serde_json::{Map, Value, json};

use super::story::{History, Story, Told};
use crate::render;

/// The namespace of everything a bundle tells.
const NAMESPACE: &str = "urn:mulu:";

/// The document under way, by kind of statement.
#[derive(Default)]
struct Document {
    kinds: Map<String, Value>,
    delegations: BTreeSet<(String, String)>,
    relations: usize,
}

impl Document {
    fn declare(&mut self, kind: &str, id: &str, attributes: Value) {
        let all = self.kinds.entry(kind).or_insert_with(|| json!({}));
        if let Value::Object(all) = all {
            all.insert(id.to_owned(), attributes);
        }
    }

    fn relate(&mut self, kind: &str, attributes: Value) {
        self.relations = self.relations.saturating_add(1);
        let id = format!("_:r{}", self.relations);
        self.declare(kind, &id, attributes);
    }

    /// An agent acts for another, said once.
    fn delegate(&mut self, delegate: &str, responsible: &str) {
        if self.delegations.insert((delegate.to_owned(), responsible.to_owned())) {
            let pair = json!({ "prov:delegate": delegate, "prov:responsible": responsible });
            self.relate("actedOnBehalfOf", pair);
        }
    }
}

/// The document.
pub fn document(story: &Story) -> Value {
    let mut document = Document::default();
    document.declare("prefix", "mulu", json!(NAMESPACE));
    for told in story.transactions() {
        activity(&mut document, story, told);
        receipts(&mut document, told);
    }
    for history in &story.histories {
        versions(&mut document, story, history);
    }
    Value::Object(document.kinds)
}

fn name(key: &str) -> String {
    format!("mulu:{key}")
}

fn activity_of(told: &Told) -> String {
    name(&format!("transaction/{}", told.transaction.id()))
}

fn typed(kind: &str) -> Value {
    json!({ "$": kind, "type": "prov:QUALIFIED_NAME" })
}

/// A transaction and who answers for it.
fn activity(document: &mut Document, story: &Story, told: &Told) {
    let payload = told.transaction.payload();
    let time = render::time_ms(told.entry.time_ms.0);
    let actions: Vec<&str> = payload.actions.iter().map(Action::name).collect();
    let mut about = json!({
        "prov:startTime": time,
        "prov:endTime": time,
        "mulu:height": told.entry.height.0,
        "mulu:actions": actions.join(" "),
        "mulu:outcome": "accepted",
    });
    if let (Outcome::Rejected { rule, .. }, Value::Object(about)) =
        (&told.entry.outcome, &mut about)
    {
        about.insert("mulu:outcome".to_owned(), json!("rejected"));
        about.insert("mulu:rule".to_owned(), json!(rule));
    }
    let activity = activity_of(told);
    document.declare("activity", &activity, about);

    let organisation = || json!({ "prov:type": typed("prov:Organization") });
    let member = name(&member_key(&payload.submitter.member));
    document.declare("agent", &member, organisation());
    let mut submitter = member.clone();
    if let Some(office) = &payload.submitter.office {
        submitter = name(&office_key(office));
        document.declare("agent", &submitter, organisation());
        document.delegate(&submitter, &member);
    }
    let associate = |agent: &str, role: &str| json!({ "prov:activity": activity, "prov:agent": agent, "prov:role": role });
    document.relate("wasAssociatedWith", associate(&submitter, "submitter"));
    if let Some(principal) = &payload.on_behalf_of {
        let principal = name(&member_key(principal));
        document.declare("agent", &principal, organisation());
        document.relate(
            "actedOnBehalfOf",
            json!({ "prov:delegate": member, "prov:responsible": principal, "prov:activity": activity }),
        );
    }
    for signer in told.transaction.signers() {
        let key = key_key(signer);
        let agent = name(&key);
        document.declare("agent", &agent, json!({ "prov:type": typed("mulu:Key") }));
        document.relate("wasAssociatedWith", associate(&agent, "signer"));
        // A key that never was registered is nobody's.
        if let Ok(Some(record)) = story.record::<Key>(&key) {
            let holder = name(&member_key(&record.member));
            document.declare("agent", &holder, organisation());
            document.delegate(&agent, &holder);
        }
    }
}

/// The receipts a transaction recorded.
fn receipts(document: &mut Document, told: &Told) {
    if told.entry.outcome != Outcome::Accepted {
        return;
    }
    let activity = activity_of(told);
    for (action, number) in told.transaction.payload().actions.iter().zip(0u32..) {
        let Action::ReceiptRecord(receipt) = action else { continue };
        let entity = name(&receipt_key(&record_id(&told.transaction.id(), number)));
        let kind = format!("{:?}", receipt.kind).to_lowercase();
        let about = json!({
            "prov:type": typed("mulu:Receipt"),
            "mulu:kind": kind,
            "mulu:authorization": authorization_key(&receipt.authorization_id),
        });
        document.declare("entity", &entity, about);
        generated(document, &entity, &activity, told);
    }
}

fn generated(document: &mut Document, entity: &str, activity: &str, told: &Told) {
    let time = render::time_ms(told.entry.time_ms.0);
    let by = json!({ "prov:entity": entity, "prov:activity": activity, "prov:time": time });
    document.relate("wasGeneratedBy", by);
}

/// A subject, and what it was after each transaction of its history.
fn versions(document: &mut Document, story: &Story, history: &History) {
    let subject = &history.subject;
    let kind = subject.split_once('/').map_or(subject.as_str(), |(kind, _)| kind);
    // Who acts is an agent under that name; what is recorded of it is an entity of its own.
    let general = match kind {
        "member" | "office" | "key" => name(&format!("record/{subject}")),
        _ => name(subject),
    };
    document.declare("entity", &general, json!({ "mulu:kind": kind }));
    let mut before: Option<String> = None;
    for (at, event) in history.events.iter().enumerate() {
        let number = at.saturating_add(1);
        let next = history.events.get(number);
        if next.is_some_and(|next| next.transaction == event.transaction) {
            continue;
        }
        let Some(told) = story.transaction(&event.transaction) else { continue };
        let (entity, activity) = (format!("{general}@{number}"), activity_of(told));
        let mut about = json!({ "mulu:kind": kind, "mulu:events": number });
        let value = story.records.get(subject).and_then(Option::as_ref).filter(|_| next.is_none());
        if let (Some(value), Value::Object(about)) = (value, &mut about) {
            about.insert("mulu:version_hash".to_owned(), json!(version_hash(value).to_string()));
        }
        document.declare("entity", &entity, about);
        document.relate(
            "specializationOf",
            json!({ "prov:specificEntity": entity, "prov:generalEntity": general }),
        );
        generated(document, &entity, &activity, told);
        if let Some(before) = &before {
            let used = json!({ "prov:activity": activity, "prov:entity": before });
            document.relate("used", used);
            let derived = json!({
                "prov:generatedEntity": entity,
                "prov:usedEntity": before,
                "prov:activity": activity,
            });
            document.relate("wasDerivedFrom", derived);
        }
        before = Some(entity);
    }
}

#[cfg(test)]
mod tests;
