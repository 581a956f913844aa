//! Catalog entry 目录条目: what data exists, who answers for it, and on what terms it is shared.
//!
//! An entry is published once, in one step or by way of a submission, revised under an optimistic lock (`prev` = version hash of the
//! record as last read), suspended, withdrawn, returned, rejected or retired; its codes are its own for
//! life. An entry's id is the hash of
//! its first code, which a revision cannot change.

mod checks;
pub mod content;
mod form;
mod standing;
mod submission;
mod transfer;

use std::collections::BTreeSet;

use mulu_chain::digest::Digest;
use mulu_chain::types::Height;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::field;
use crate::key::KeyRole;
use crate::limits::REASON_CHARS_MAX;
use crate::member::MemberRole;
use crate::overlay::Overlay;
use crate::rejection::{Step, Stop, require, shown};
use crate::rule::Rule;
use crate::state::{self, duty_key, entry_id, entry_key, office_key, system_key, version_hash};
use checks::{Claim, check_content, claim};
pub use content::{
    Binding, EntryContent, Extension, Format, Item, Open, Registration, RegistrationType, Share,
    Source,
};
pub use standing::EntryStanding;
pub(crate) use standing::{freeze, lift, reject, resume, retire, return_, suspend};
pub use submission::{EntryDecision, EntrySubmit, Submission, SubmissionStatus};
pub(crate) use submission::{register, release, submit};
pub(crate) use transfer::transfer;
pub use transfer::{EntryTransfer, Transferred};

/// An entry as stored; its version hash is that of these bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Hash of its first code.
    pub entry_id: Digest,
    /// The member that provides it.
    pub provider: String,
    /// 1 for the first version, one more for each revision.
    pub version: u32,
    /// Version hash of the record before; none for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev: Option<Digest>,
    /// Whether it can be requested.
    pub status: EntryStatus,
    /// When the first version was published.
    pub published_at_height: Height,
    /// When this record was written.
    pub updated_at_height: Height,
    /// Why it was withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawal_reason: Option<String>,
    /// Why it stands where it stands, if it was not withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    /// The member that suspended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_by: Option<String>,
    /// The order that freezes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<Frozen>,
    /// When a revision last raised its level or shared it more strictly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stricter_since_height: Option<Height>,
    /// The last time that another member became its provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transferred: Option<Transferred>,
    /// What the provider says of it.
    pub content: EntryContent,
}

/// An order of an authority: the entry stays as it is, and nothing is delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// What is ordered, by which document.
    pub order: String,
    /// The member that submitted it.
    pub by: String,
    /// Since when.
    pub at_height: Height,
}

/// Where an entry stands. Grants go on unless they are ended themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryStatus {
    /// 已发布: the only status in which it can be requested.
    Published,
    /// 暂停, by its provider or an authority.
    Suspended,
    /// 下架, by its provider.
    Withdrawn,
    /// 退回, by an authority: a revision publishes it again.
    Returned,
    /// 驳回, by an authority; for ever.
    Rejected,
    /// 注销, by its provider; for ever.
    Retired,
}

impl Entry {
    /// Whether a new content raises its level or shares it more strictly.
    pub fn is_stricter(&self, content: &EntryContent) -> bool {
        self.content.level < content.level || self.content.share.kind < content.share.kind
    }
}

impl EntryStatus {
    /// Whether its name and its standard items are taken.
    pub const fn is_live(self) -> bool {
        matches!(self, EntryStatus::Published | EntryStatus::Suspended | EntryStatus::Returned)
    }
}

/// `entry.publish`: the submitter's member publishes an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryPublish {
    /// The entry.
    pub entry: EntryContent,
}

/// `entry.revise`: the provider publishes a new version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryRevise {
    /// Which entry.
    pub entry_id: Digest,
    /// Version hash of the record this revision is based on.
    pub prev: Digest,
    /// The new version, complete.
    pub entry: EntryContent,
}

/// `entry.withdraw`: the provider withdraws an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryWithdraw {
    /// Which entry.
    pub entry_id: Digest,
    /// Version hash of the record withdrawn.
    pub prev: Digest,
    /// Why.
    pub reason: String,
}

/// The entry of an id and its version hash (ENT-01).
pub(crate) fn current(overlay: &Overlay<'_>, id: &Digest) -> Step<(Entry, Digest)> {
    let key = entry_key(id);
    let value = overlay.value(&key)?;
    let value = value.ok_or_else(|| Stop::Rule(Rule::EntryUnknown, id.to_string()))?;
    Ok((state::decode(&key, &value)?, version_hash(&value)))
}

/// Who provides an entry, and its office (ENT-01); reads no more of it than that.
pub(crate) fn provider(overlay: &Overlay<'_>, id: &Digest) -> Step<(String, String)> {
    #[derive(Deserialize)]
    struct Office {
        office: String,
    }
    #[derive(Deserialize)]
    struct Provided {
        provider: String,
        content: Office,
    }
    let found: Option<Provided> = overlay.get(&entry_key(id))?;
    let found = found.ok_or_else(|| Stop::Rule(Rule::EntryUnknown, id.to_string()))?;
    Ok((found.provider, found.content.office))
}

/// An entry that is not frozen (ENT-26).
pub(crate) fn require_free(entry: &Entry) -> Step {
    let order = entry.frozen.as_ref().map_or("", |frozen| &frozen.order);
    require(entry.frozen.is_none(), Rule::EntryFrozen, || format!("{}: {order}", entry.entry_id))
}

/// An entry that can be requested (ENT-03, ENT-26).
pub(crate) fn require_published(entry: &Entry) -> Step {
    require_free(entry)?;
    let published = entry.status == EntryStatus::Published;
    require(published, Rule::EntryNotPublished, || {
        format!("{} is {}", entry.entry_id, shown(&entry.status))
    })
}

pub(crate) fn publish(call: &mut Call<'_, '_>, action: &EntryPublish) -> Step {
    let content = &action.entry;
    submission::require_one_step(call)?;
    call.signers.own(&[KeyRole::Officer], Some(&content.office))?;
    let provides = call.submitter.roles.contains(&MemberRole::Provider);
    require(provides, Rule::EntryProviderRole, || call.uscc().to_owned())?;
    let provider = call.uscc().to_owned();
    check_content(call, content, &provider)?;
    let id = entry_id(content.first_code());
    claim(call, &id, content, Claim::First, &provider)?;
    let entry = first_version(call, id, provider, content);
    write(call, &entry)
}

/// The first version of an entry.
fn first_version(
    call: &Call<'_, '_>,
    entry_id: Digest,
    provider: String,
    content: &EntryContent,
) -> Entry {
    Entry {
        entry_id,
        provider,
        version: 1,
        prev: None,
        status: EntryStatus::Published,
        published_at_height: call.height(),
        updated_at_height: call.height(),
        withdrawal_reason: None,
        status_reason: None,
        suspended_by: None,
        frozen: None,
        stricter_since_height: None,
        transferred: None,
        content: content.clone(),
    }
}

pub(crate) fn revise(call: &mut Call<'_, '_>, action: &EntryRevise) -> Step {
    let content = &action.entry;
    submission::require_one_step(call)?;
    let old = own_version(
        call,
        &action.entry_id,
        &action.prev,
        &[EntryStatus::Published, EntryStatus::Returned],
    )?;
    call.signers.own(&[KeyRole::Officer], Some(&content.office))?;
    require_primary(&old, content)?;
    let provider = old.provider.clone();
    check_content(call, content, &provider)?;
    claim(call, &action.entry_id, content, Claim::Again, &provider)?;
    replace(call, old, action.prev, content)
}

/// Publishes a new version in place of the one before.
fn replace(call: &mut Call<'_, '_>, old: Entry, prev: Digest, content: &EntryContent) -> Step {
    touch_bound(call, &old.content);
    let stricter = old.is_stricter(content).then_some(call.height());
    let entry = Entry {
        stricter_since_height: stricter.or(old.stricter_since_height),
        version: old.version.saturating_add(1),
        prev: Some(prev),
        status: EntryStatus::Published,
        status_reason: None,
        updated_at_height: call.height(),
        content: content.clone(),
        ..old
    };
    write(call, &entry)
}

pub(crate) fn withdraw(call: &mut Call<'_, '_>, action: &EntryWithdraw) -> Step {
    let published = &[EntryStatus::Published];
    let old = own_version(call, &action.entry_id, &action.prev, published)?;
    field::text("reason", &action.reason, REASON_CHARS_MAX)?;
    let entry = Entry {
        version: old.version.saturating_add(1),
        prev: Some(action.prev),
        status: EntryStatus::Withdrawn,
        updated_at_height: call.height(),
        withdrawal_reason: Some(action.reason.clone()),
        ..old
    };
    write(call, &entry)
}

/// The entry of the submitter at the version named and in a status allowed, with a key that may act
/// for its office (ENT-01 to ENT-04, ENT-26, KEY-04, KEY-05).
fn own_version(
    call: &mut Call<'_, '_>,
    id: &Digest,
    prev: &Digest,
    allowed: &[EntryStatus],
) -> Step<Entry> {
    let (entry, version) = current(call.overlay, id)?;
    require(entry.provider == call.uscc(), Rule::EntryForeign, || {
        format!("{id} is provided by {}", entry.provider)
    })?;
    call.signers.own(&[KeyRole::Officer], Some(&entry.content.office))?;
    require_free(&entry)?;
    require_status(&entry, allowed)?;
    require_version(&version, prev)?;
    Ok(entry)
}

/// The entry's status is one of those allowed (ENT-03).
fn require_status(entry: &Entry, allowed: &[EntryStatus]) -> Step {
    require(allowed.contains(&entry.status), Rule::EntryNotPublished, || {
        format!("{} is {}", entry.entry_id, shown(&entry.status))
    })
}

/// The primary code stays (ENT-08).
fn require_primary(old: &Entry, content: &EntryContent) -> Step {
    let (was, is) = (old.content.first_code(), content.first_code());
    require(was == is, Rule::EntryPrimaryCode, || format!("found {is}, expected {was}"))
}

/// The optimistic lock (ENT-04).
fn require_version(version: &Digest, prev: &Digest) -> Step {
    require(version == prev, Rule::EntryPrev, || {
        format!("prev is {prev}, the current version is {version}")
    })
}

fn write(call: &mut Call<'_, '_>, entry: &Entry) -> Step {
    call.touch(entry_key(&entry.entry_id));
    touch_bound(call, &entry.content);
    call.overlay.put(entry_key(&entry.entry_id), entry)
}

/// The office, duties and systems an entry is bound to; on a revision those before it, too.
fn touch_bound(call: &mut Call<'_, '_>, content: &EntryContent) {
    call.touch(office_key(&content.office));
    let duties = content.responsibilities.iter().map(|id| duty_key(id));
    let systems = content.systems.iter().map(|binding| system_key(&binding.system));
    let subjects: BTreeSet<String> = duties.chain(systems).collect();
    call.touched.extend(subjects);
}
