//! Entries, derived again from their publications, revisions and withdrawals.

use std::collections::BTreeMap;

use mulu_chain::digest::Digest;
use mulu_contracts::action::Action;
use mulu_contracts::entry::{
    Entry, EntryContent, EntryStanding, EntryStatus, Frozen, Submission, SubmissionStatus,
    Transferred,
};
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
pub fn versions(story: &Story) -> Result<Versions, String> {
    let mut all = Versions::default();
    for history in story.histories("entry/") {
        let subject = &history.subject;
        let mut versions: Vec<Version> = Vec::new();
        let mut submission: Option<Submission> = None;
        for act in story.acts(history)? {
            submission = submitted(&act, submission);
            let made = next(&act, versions.last(), submission.as_ref());
            let made = made.map_err(|why| format!("{subject}: {why}"))?;
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
fn next(
    act: &Act<'_>,
    before: Option<&Version>,
    submission: Option<&Submission>,
) -> Result<Option<Entry>, String> {
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
            Ok(Some(replaced(act, old, revise.prev, &revise.entry)))
        }
        Action::EntryRelease(_) => {
            let submission = submission.ok_or_else(|| format!("{id} releases nothing"))?;
            match (submission.prev, before) {
                (None, None) => {
                    let provider = submission.provider.clone();
                    Ok(Some(Entry { provider, ..published(act, &submission.content) }))
                }
                (Some(prev), Some(old)) if old.hash == prev && old.entry.frozen.is_none() => {
                    from(&id, &old.entry, &[EntryStatus::Published, EntryStatus::Returned])?;
                    Ok(Some(replaced(act, old.entry.clone(), prev, &submission.content)))
                }
                _ => Err(format!("{id} releases a version of something else")),
            }
        }
        Action::EntryTransfer(transfer) => {
            let old = before.ok_or_else(|| format!("{id} transfers what was not published"))?;
            if old.hash != transfer.prev || old.entry.frozen.is_some() {
                return Err(format!("{id} transfers another version, or a frozen one"));
            }
            let (old, status) = (&old.entry, old.entry.status);
            let own = old.suspended_by.as_ref() == Some(&old.provider);
            let (from, basis) = (old.provider.clone(), transfer.basis.clone());
            let transferred = Transferred { from, at_height: act.event.height, basis };
            Ok(Some(Entry {
                provider: transfer.to.clone(),
                status,
                status_reason: old.status_reason.clone(),
                suspended_by: old
                    .suspended_by
                    .clone()
                    .map(|by| if own { transfer.to.clone() } else { by }),
                transferred: Some(transferred),
                ..replaced(act, old.clone(), transfer.prev, &transfer.entry)
            }))
        }
        // About what was submitted.
        Action::EntryReturn(a) | Action::EntryReject(a)
            if submission.is_some_and(|s| {
                s.status == SubmissionStatus::Returned || s.status == SubmissionStatus::Rejected
            }) && before.is_none_or(|version| version.hash != a.prev) =>
        {
            Ok(None)
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

/// What was last submitted, after one more action.
fn submitted(act: &Act<'_>, before: Option<Submission>) -> Option<Submission> {
    let is = |submission: &Submission, hash: &Digest| version_hash(&encode(submission)) == *hash;
    let by = || Some(act.member().to_owned());
    match (act.action, before) {
        (Action::EntrySubmit(submit), before) => Some(Submission {
            entry_id: entry_id(submit.entry.first_code()),
            provider: act.member().to_owned(),
            number: before.map_or(0, |before| before.number).saturating_add(1),
            prev: submit.prev,
            status: SubmissionStatus::Submitted,
            submitted_at_height: act.event.height,
            registered_at_height: None,
            decided_by: None,
            reason: None,
            content: submit.entry.clone(),
        }),
        (Action::EntryRegister(a), Some(s)) if is(&s, &a.submission) => Some(Submission {
            status: SubmissionStatus::Registered,
            registered_at_height: Some(act.event.height),
            decided_by: by(),
            ..s
        }),
        (Action::EntryRelease(a), Some(s)) if is(&s, &a.submission) => {
            Some(Submission { status: SubmissionStatus::Released, decided_by: by(), ..s })
        }
        (Action::EntryReturn(a), Some(s)) if is(&s, &a.prev) => {
            let (status, reason) = (SubmissionStatus::Returned, Some(a.reason.clone()));
            Some(Submission { status, reason, decided_by: by(), ..s })
        }
        (Action::EntryReject(a), Some(s)) if is(&s, &a.prev) => {
            let (status, reason) = (SubmissionStatus::Rejected, Some(a.reason.clone()));
            Some(Submission { status, reason, decided_by: by(), ..s })
        }
        (Action::EntryRegister(_) | Action::EntryRelease(_), Some(_)) => None,
        (_, before) => before,
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

/// The record after a new version took its place.
fn replaced(act: &Act<'_>, old: Entry, prev: Digest, content: &EntryContent) -> Entry {
    let stricter = old.is_stricter(content).then_some(act.event.height);
    Entry {
        status: EntryStatus::Published,
        status_reason: None,
        stricter_since_height: stricter.or(old.stricter_since_height),
        version: old.version.saturating_add(1),
        prev: Some(prev),
        updated_at_height: act.event.height,
        content: content.clone(),
        ..old
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
        status_reason: None,
        suspended_by: None,
        frozen: None,
        stricter_since_height: None,
        transferred: None,
        content: content.clone(),
    }
}
