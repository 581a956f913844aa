//! What has to be sent: nothing for records that have not changed since the last import.

use std::collections::{BTreeMap, BTreeSet};

use mulu_chain::digest::Digest;
use mulu_contracts::action::Action;
use mulu_contracts::entry::content::Binding as SystemBinding;
use mulu_contracts::entry::{
    Entry, EntryPublish, EntryRevise, EntryStatus, EntrySubmit, EntryWithdraw, Submission,
    SubmissionStatus,
};
use mulu_contracts::limits::REASON_CHARS_MAX;
use serde_json::Value;

use super::convert::{Prepared, Rejected};
use super::names;
use crate::client::Node;
use crate::failure::Outcome;
use crate::lang::Text;
use crate::{records, text};

/// Most names tried for one record.
const RENAMES_MAX: usize = 20;

/// An entry of the chain that came from the source, as far as a plan needs it.
#[derive(Debug, Clone)]
pub struct Existing {
    /// Its id.
    pub entry_id: Digest,
    /// Version hash.
    pub version: Digest,
    /// Hash of the record it was made of.
    pub content_hash: Digest,
    /// Whether it can be revised.
    pub published: bool,
    /// Its codes.
    pub codes: Vec<String>,
    related: Vec<String>,
    name: String,
    published_at: String,
    office: String,
    region: String,
    duties: Vec<String>,
    systems: Vec<SystemBinding>,
    no_system: Option<String>,
}

/// What the operator said expressly, so that existing entries follow it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Explicit {
    /// `--office`.
    pub office: bool,
    /// `--region`.
    pub region: bool,
    /// `--duty`.
    pub duty: bool,
    /// `--system` or `--no-system`.
    pub system: bool,
}

/// An action to be sent for a record.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The record.
    pub prepared: Prepared,
    /// What to do.
    pub action: Action,
}

impl Planned {
    /// Gives the entry its next name (agency appended, then numbers), because another entry of the
    /// member has this one; whether there was one to try.
    pub fn rename(&mut self) -> bool {
        let current = self.prepared.content.name.clone();
        let mut names =
            names::told_apart(&self.prepared.source_name, &self.prepared.agency).take(RENAMES_MAX);
        let next = if current == self.prepared.source_name {
            names.next()
        } else {
            names.by_ref().find(|name| *name == current);
            names.next()
        };
        let Some(next) = next else { return false };
        self.prepared.content.name.clone_from(&next);
        match &mut self.action {
            Action::EntryPublish(publish) => publish.entry.name = next,
            Action::EntryRevise(revise) => revise.entry.name = next,
            Action::EntrySubmit(submit) => submit.entry.name = next,
            _ => return false,
        }
        true
    }

    /// Whether it makes a new entry.
    pub fn is_new(&self) -> bool {
        match &self.action {
            Action::EntryPublish(_) => true,
            Action::EntrySubmit(submit) => submit.prev.is_none(),
            _ => false,
        }
    }
}

/// A plan.
#[derive(Debug, Default)]
pub struct Plan {
    /// What to send.
    pub planned: Vec<Planned>,
    /// Records that have not changed.
    pub unchanged: u64,
    /// Records submitted before, which an authority has still to decide on.
    pub awaiting: u64,
    /// Records whose entry takes no revision.
    pub rejected: Vec<Rejected>,
}

impl Existing {
    /// What a plan needs of an entry; none if it was not imported.
    pub fn of(entry: Entry, version: Digest) -> Option<(String, Existing)> {
        let content = entry.content;
        let source = content.source?;
        let existing = Existing {
            entry_id: entry.entry_id,
            version,
            content_hash: source.content_hash,
            published: entry.status == EntryStatus::Published,
            codes: content.codes,
            related: content.related,
            name: content.name,
            published_at: content.published_at,
            office: content.office,
            region: content.region,
            duties: content.responsibilities,
            systems: content.systems,
            no_system: content.no_system,
        };
        Some((source.identifier, existing))
    }
}

/// The entries of a member that came from a source system, by identifier there.
///
/// # Errors
/// Exit 4.
pub fn existing(
    node: &Node,
    member: &str,
    source_system: &str,
) -> Outcome<BTreeMap<String, Existing>> {
    let mut found = BTreeMap::new();
    let filters = [("source_system", source_system), ("provider", member)];
    node.list("/v1/entries", &filters, |item: Value| {
        let key = item.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
        let stored = records::parse::<Entry>(&key, &item)?;
        let ours = stored.value.provider == member
            && stored.value.content.source.as_ref().is_some_and(|s| s.system == source_system);
        if ours && let Some((identifier, existing)) = Existing::of(stored.value, stored.version) {
            found.insert(identifier, existing);
        }
        Ok(true)
    })?;
    Ok(found)
}

/// What was last submitted of the entries of a source.
#[derive(Debug, Clone)]
pub struct Submitted {
    content_hash: Digest,
    status: SubmissionStatus,
    reason: Option<String>,
}

/// How versions come into the catalog.
#[derive(Debug, Clone, Default)]
pub enum Way {
    /// They are published at once.
    #[default]
    Publish,
    /// They are submitted; an authority registers and releases them. What was submitted, by identifier.
    Submit(BTreeMap<String, Submitted>),
}

/// What a member submitted of the records of a source system, by identifier there.
///
/// # Errors
/// Exit 4.
pub fn submitted(
    node: &Node,
    member: &str,
    source_system: &str,
) -> Outcome<BTreeMap<String, Submitted>> {
    let mut found = BTreeMap::new();
    node.list("/v1/submissions", &[("provider", member)], |item: Value| {
        let key = item.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
        let submission = records::parse::<Submission>(&key, &item)?.value;
        let Submission { status, reason, content, .. } = submission;
        if let Some(source) = content.source.filter(|source| source.system == source_system) {
            let content_hash = source.content_hash;
            found.insert(source.identifier, Submitted { content_hash, status, reason });
        }
        Ok(true)
    })?;
    Ok(found)
}

/// What is to be done about a record whose content was submitted before, if anything.
fn settled(plan: &mut Plan, record: &Prepared, way: &Way) -> bool {
    let Way::Submit(submitted) = way else { return false };
    let Some(before) = submitted.get(&record.identifier) else { return false };
    let hash = record.content.source.as_ref().map(|source| source.content_hash);
    if hash != Some(before.content_hash) {
        return false;
    }
    match before.status {
        SubmissionStatus::Submitted | SubmissionStatus::Registered => {
            plan.awaiting = plan.awaiting.saturating_add(1);
            true
        }
        SubmissionStatus::Returned | SubmissionStatus::Rejected => {
            let why = before.reason.as_deref().unwrap_or_default();
            let reason = text!(
                "an authority returned it, and the record has not changed since: {why}",
                "已被主管部门退回，且记录此后未变：{why}"
            );
            plan.rejected.push(refused(record, "ENT-31", reason));
            true
        }
        SubmissionStatus::Released => false,
    }
}

/// Compares records with the chain: new ones are published, changed ones revised, others left; or the
/// like is submitted.
pub fn plan(
    prepared: Vec<Prepared>,
    existing: &BTreeMap<String, Existing>,
    explicit: Explicit,
    way: &Way,
) -> Plan {
    let mut plan = Plan::default();
    for record in prepared {
        let Some(known) = existing.get(&record.identifier) else {
            if settled(&mut plan, &record, way) {
                continue;
            }
            let entry = record.content.clone();
            let action = match way {
                Way::Publish => Action::EntryPublish(Box::new(EntryPublish { entry })),
                Way::Submit(_) => Action::EntrySubmit(Box::new(EntrySubmit { prev: None, entry })),
            };
            plan.planned.push(Planned { prepared: record, action });
            continue;
        };
        let hash = record.content.source.as_ref().map(|source| source.content_hash);
        let mut record = record;
        let rebound = bind(&mut record, known, explicit);
        if hash == Some(known.content_hash) && !rebound {
            plan.unchanged = plan.unchanged.saturating_add(1);
        } else if settled(&mut plan, &record, way) {
        } else if !known.published {
            plan.rejected.push(withdrawn(&record));
        } else {
            let (entry_id, prev, entry) = (known.entry_id, known.version, record.content.clone());
            let action = match way {
                Way::Publish => {
                    Action::EntryRevise(Box::new(EntryRevise { entry_id, prev, entry }))
                }
                Way::Submit(_) => {
                    Action::EntrySubmit(Box::new(EntrySubmit { prev: Some(prev), entry }))
                }
            };
            plan.planned.push(Planned { prepared: record, action });
        }
    }
    plan
}

/// Withdraws the published entries of a source whose records are not present in it any more.
pub fn missing(
    existing: &BTreeMap<String, Existing>,
    present: &BTreeSet<&String>,
    source_system: &str,
) -> Vec<Action> {
    let gone = existing.iter().filter(|(id, entry)| entry.published && !present.contains(id));
    let withdraw = |(identifier, entry): (&String, &Existing)| {
        let reason = format!("{source_system}: {identifier}");
        Action::EntryWithdraw(EntryWithdraw {
            entry_id: entry.entry_id,
            prev: entry.version,
            reason: reason.chars().take(REASON_CHARS_MAX).collect(),
        })
    };
    gone.map(withdraw).collect()
}

/// Keeps of an existing entry what neither source nor operator says; whether an express binding
/// differs from the entry's.
fn bind(record: &mut Prepared, known: &Existing, explicit: Explicit) -> bool {
    let content = &mut record.content;
    // A code is for life: another --class does not rename what exists.
    content.codes.clone_from(&known.codes);
    // Nor do other records of the same name.
    if names::is_of(&known.name, &record.source_name) {
        content.name.clone_from(&known.name);
    }
    if record.dateless {
        content.published_at.clone_from(&known.published_at);
    }
    // Relations that the source does not speak of are the operator's.
    let mut differs = false;
    if record.relates {
        differs |= content.related != known.related;
    } else {
        content.related.clone_from(&known.related);
    }
    if explicit.office {
        differs |= content.office != known.office;
    } else {
        content.office.clone_from(&known.office);
    }
    if explicit.region {
        differs |= content.region != known.region;
    } else {
        content.region.clone_from(&known.region);
    }
    if explicit.duty {
        differs |= content.responsibilities != known.duties;
    } else {
        content.responsibilities.clone_from(&known.duties);
    }
    if explicit.system {
        differs |= content.systems != known.systems || content.no_system != known.no_system;
    } else {
        content.systems.clone_from(&known.systems);
        content.no_system.clone_from(&known.no_system);
    }
    differs
}

fn withdrawn(record: &Prepared) -> Rejected {
    let reason = text!(
        "the record changed, but its entry was withdrawn and takes no revision",
        "记录有变化，但其条目已下架，不能修订"
    );
    refused(record, "ENT-03", reason)
}

fn refused(record: &Prepared, code: &str, reason: Text) -> Rejected {
    Rejected {
        line: record.line,
        identifier: record.identifier.clone(),
        name: record.content.name.clone(),
        code: code.to_owned(),
        field: None,
        reason,
    }
}

#[cfg(test)]
mod tests;
