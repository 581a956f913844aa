//! Entries, derived again from their publications, revisions and withdrawals.

use std::collections::BTreeMap;

use mulu_chain::digest::Digest;
use mulu_contracts::action::Action;
use mulu_contracts::entry::{Entry, EntryContent, EntryStanding, EntryStatus, Frozen};
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
        Some(version) if version.entry.frozen.is_some() => {
            Err(format!("{id} changes an entry that was frozen"))
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
            from(&id, &old, &[EntryStatus::Published, EntryStatus::Returned])?;
            let (was, is) = (&old.content, &revise.entry);
            let stricter = was.level < is.level || was.share.kind < is.share.kind;
            let since = if stricter { Some(act.event.height) } else { old.stricter_since_height };
            Ok(Some(Entry {
                status: EntryStatus::Published,
                status_reason: None,
                stricter_since_height: since,
                version: old.version.saturating_add(1),
                prev: Some(revise.prev),
                updated_at_height: act.event.height,
                content: revise.entry.clone(),
                ..old
            }))
        }
        Action::EntryWithdraw(withdraw) => {
            let old = based_on(&withdraw.prev)?;
            from(&id, &old, &[EntryStatus::Published])?;
            Ok(Some(Entry {
                version: old.version.saturating_add(1),
                prev: Some(withdraw.prev),
                status: EntryStatus::Withdrawn,
                updated_at_height: act.event.height,
                withdrawal_reason: Some(withdraw.reason.clone()),
                ..old
            }))
        }
        Action::EntrySuspend(a) => stand(act, before, a, &|old| {
            from(&id, old, &[EntryStatus::Published])?;
            old.suspended_by = Some(act.member().to_owned());
            set(old, EntryStatus::Suspended)
        }),
        Action::EntryResume(a) => stand(act, before, a, &|old| {
            from(&id, old, &[EntryStatus::Suspended, EntryStatus::Withdrawn])?;
            old.suspended_by = None;
            old.withdrawal_reason = None;
            set(old, EntryStatus::Published)
        }),
        Action::EntryRetire(a) => stand(act, before, a, &|old| {
            from(&id, old, NOT_ENDED)?;
            set(old, EntryStatus::Retired)
        }),
        Action::EntryReturn(a) => stand(act, before, a, &|old| {
            from(&id, old, &[EntryStatus::Published, EntryStatus::Suspended])?;
            old.suspended_by = None;
            set(old, EntryStatus::Returned)
        }),
        Action::EntryReject(a) => stand(act, before, a, &|old| {
            from(&id, old, NOT_ENDED)?;
            old.suspended_by = None;
            set(old, EntryStatus::Rejected)
        }),
        Action::EntryFreeze(a) => stand(act, before, a, &|old| {
            old.frozen = Some(Frozen {
                order: a.reason.clone(),
                by: act.member().to_owned(),
                at_height: act.event.height,
            });
            Ok(())
        }),
        Action::EntryLift(a) => stand(act, before, a, &|old| {
            old.frozen = None;
            Ok(())
        }),
        _ => Ok(None),
    }
}

/// Statuses that may end.
const NOT_ENDED: &[EntryStatus] = &[
    EntryStatus::Published,
    EntryStatus::Suspended,
    EntryStatus::Withdrawn,
    EntryStatus::Returned,
];

fn from(id: &Digest, old: &Entry, allowed: &[EntryStatus]) -> Result<(), String> {
    if allowed.contains(&old.status) {
        return Ok(());
    }
    Err(format!("{id} is no move of an entry that was {:?}", old.status))
}

fn set(entry: &mut Entry, status: EntryStatus) -> Result<(), String> {
    entry.status = status;
    Ok(())
}

/// The record after an action that changes where an entry stands. Frozen entries but for a lift
/// stay as they are.
fn stand(
    act: &Act<'_>,
    before: Option<&Version>,
    action: &EntryStanding,
    change: &dyn Fn(&mut Entry) -> Result<(), String>,
) -> Result<Option<Entry>, String> {
    let id = act.event.transaction;
    let version = before.ok_or_else(|| format!("{id} changes an entry that was not published"))?;
    if version.hash != action.prev {
        return Err(format!("{id} is based on {}, before is {}", action.prev, version.hash));
    }
    let lifts = matches!(act.action, Action::EntryLift(_));
    if version.entry.frozen.is_some() != lifts {
        return Err(format!("{id} does not fit an entry that was frozen or not"));
    }
    let mut entry = version.entry.clone();
    change(&mut entry)?;
    Ok(Some(Entry {
        version: entry.version.saturating_add(1),
        prev: Some(action.prev),
        updated_at_height: act.event.height,
        status_reason: Some(action.reason.clone()),
        ..entry
    }))
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
        status_reason: None,
        suspended_by: None,
        frozen: None,
        stricter_since_height: None,
        content: content.clone(),
    }
}
