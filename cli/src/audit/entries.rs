//! Entries, derived again from their publications, revisions and withdrawals.

use std::collections::BTreeMap;

use mulu_chain::digest::Digest;
use mulu_contracts::action::Action;
use mulu_contracts::entry::{Entry, EntryContent, EntryStatus};
use mulu_contracts::state::{encode, entry_id, entry_key, version_hash};

use super::story::{Act, Story};

/// One version of an entry.
#[derive(Debug)]
pub struct Version {
    /// Where the action that made it stands in the chain.
    pub place: (u64, u32, u32),
    /// Its version hash.
    pub hash: Digest,
    /// The record.
    pub entry: Entry,
}

/// The versions of every entry whose history the bundle has.
#[derive(Debug, Default)]
pub struct Versions(BTreeMap<Digest, Vec<Version>>);

impl Versions {
    /// How many versions in all.
    pub fn len(&self) -> usize {
        self.0.values().fold(0, |sum, versions| sum.saturating_add(versions.len()))
    }

    /// The version of an entry that stood before a place; none if the bundle does not tell.
    pub fn before(&self, entry: &Digest, place: (u64, u32, u32)) -> Option<&Version> {
        self.0.get(entry)?.iter().rev().find(|version| version.place < place)
    }

    /// Whether the bundle has the history of an entry.
    pub fn tells(&self, entry: &Digest) -> bool {
        self.0.contains_key(entry)
    }
}

/// Derives every version of every entry and compares the last one with the proved record: its
/// version number is the number of publications, revisions and withdrawals, each based on the one
/// before.
pub fn versions(story: &Story<'_>) -> Result<Versions, String> {
    let mut all = Versions::default();
    for history in story.histories("entry/") {
        let subject = &history.subject;
        let mut versions: Vec<Version> = Vec::new();
        for act in story.acts(history)? {
            let made = next(&act, versions.last()).map_err(|why| format!("{subject}: {why}"))?;
            let Some(entry) = made else { continue };
            if entry_key(&entry.entry_id) != *subject {
                return Err(format!("{subject}: {} is of another entry", act.event.transaction));
            }
            let hash = version_hash(&encode(&entry));
            versions.push(Version { place: act.place(), hash, entry });
        }
        if let Some(last) = versions.last() {
            story.expect(subject, &last.entry)?;
            all.0.insert(last.entry.entry_id, versions);
        } else if story.record::<Entry>(subject)?.is_some() {
            return Err(format!("{subject}: a record that no transaction made"));
        }
    }
    Ok(all)
}

/// The record an action makes of the version before it; none if the action is not about it.
fn next(act: &Act<'_>, before: Option<&Version>) -> Result<Option<Entry>, String> {
    let id = act.event.transaction;
    let based_on = |prev: &Digest| match before {
        Some(version) if version.hash != *prev => {
            Err(format!("{id} is based on {prev}, the version before is {}", version.hash))
        }
        Some(version) if version.entry.status != EntryStatus::Published => {
            Err(format!("{id} changes an entry that was withdrawn"))
        }
        Some(version) if version.entry.provider != act.member() => {
            Err(format!("{id} changes an entry of {}", version.entry.provider))
        }
        Some(version) => Ok(version.entry.clone()),
        None => Err(format!("{id} changes an entry that was not published")),
    };
    match act.action {
        Action::EntryPublish(publish) => match before {
            Some(_) => Err(format!("{id} publishes an entry again")),
            None => Ok(Some(published(act, &publish.entry))),
        },
        Action::EntryRevise(revise) => {
            let old = based_on(&revise.prev)?;
            Ok(Some(Entry {
                version: old.version.saturating_add(1),
                prev: Some(revise.prev),
                updated_at_height: act.event.height,
                content: revise.entry.clone(),
                ..old
            }))
        }
        Action::EntryWithdraw(withdraw) => {
            let old = based_on(&withdraw.prev)?;
            Ok(Some(Entry {
                version: old.version.saturating_add(1),
                prev: Some(withdraw.prev),
                status: EntryStatus::Withdrawn,
                updated_at_height: act.event.height,
                withdrawal_reason: Some(withdraw.reason.clone()),
                ..old
            }))
        }
        _ => Ok(None),
    }
}

fn published(act: &Act<'_>, content: &EntryContent) -> Entry {
    Entry {
        entry_id: entry_id(content.first_code()),
        provider: act.member().to_owned(),
        version: 1,
        prev: None,
        status: EntryStatus::Published,
        published_at_height: act.event.height,
        updated_at_height: act.event.height,
        withdrawal_reason: None,
        content: content.clone(),
    }
}
