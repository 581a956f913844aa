//! Registration of entries 报送与登记: a department submits a version, an authority examines and
//! registers it, and publishes it.
//!
//! ```text
//! submitted -> registered -> released      released: it is the entry's published version
//!     |            |
//!     +------------+--> returned | rejected --> submitted again
//! ```
//!
//! The version under examination is a record of its own: the entry, if there is one already, stays
//! in force as it is until the new version is released, and whatever looks at entries never meets one
//! that was not published. Its events are in the entry's history from the first submission on. With
//! the parameter `entry_registration` this is the only way to publish (ENT-29).

use mulu_chain::digest::Digest;
use mulu_chain::types::Height;
use serde::{Deserialize, Serialize};

use super::checks::{Claim, check_claims, check_content, check_references, claim};
use super::{EntryContent, EntryStanding, EntryStatus, form};
use super::{current, first_version, own_version, replace, require_free, require_status};
use super::{require_version, touch_bound, write};
use crate::call::Call;
use crate::date::date_of;
use crate::field;
use crate::key::KeyRole;
use crate::limits::REASON_CHARS_MAX;
use crate::member::{self, MemberRole};
use crate::rejection::{Step, Stop, require, shown};
use crate::rule::Rule;
use crate::state::{self, entry_id, entry_key, submission_key, version_hash};

/// The last version submitted of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// Hash of its first code.
    pub entry_id: Digest,
    /// The member that submitted it.
    pub provider: String,
    /// 1 for the first, one more each time it is submitted again.
    pub number: u32,
    /// Version hash of the entry it is to replace; none for the first version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev: Option<Digest>,
    /// Where it stands.
    pub status: SubmissionStatus,
    /// When it was submitted.
    pub submitted_at_height: Height,
    /// When it was registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_at_height: Option<Height>,
    /// The authority that last decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// Why it was returned or rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the provider says of it.
    pub content: EntryContent,
}

/// Where a submission stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubmissionStatus {
    /// 已报送.
    Submitted,
    /// 已登记: its form was examined.
    Registered,
    /// 退回: to be mended.
    Returned,
    /// 驳回.
    Rejected,
    /// 已发布.
    Released,
}

impl SubmissionStatus {
    /// Whether an authority is to do something with it.
    pub const fn is_open(self) -> bool {
        matches!(self, SubmissionStatus::Submitted | SubmissionStatus::Registered)
    }
}

/// `entry.submit`: a provider submits a version of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntrySubmit {
    /// Version hash of the entry it is to replace; none for a new entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev: Option<Digest>,
    /// The version, complete.
    pub entry: EntryContent,
}

/// `entry.register` and `entry.release`: an authority registers a submitted version, or publishes a
/// registered one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryDecision {
    /// Which entry.
    pub entry_id: Digest,
    /// Version hash of the submission.
    pub submission: Digest,
}

/// What a new version can take the place of.
const REPLACEABLE: [EntryStatus; 2] = [EntryStatus::Published, EntryStatus::Returned];

/// Publication in one step is not what the consortium does (ENT-29).
pub(super) fn require_one_step(call: &Call<'_, '_>) -> Step {
    require(!call.params.entry_registration, Rule::EntryRegistration, || {
        "entry_registration is true".to_owned()
    })
}

pub(crate) fn submit(call: &mut Call<'_, '_>, action: &EntrySubmit) -> Step {
    let content = &action.entry;
    let id = entry_id(content.first_code());
    let provider = call.submitter;
    call.signers.own(&[KeyRole::Officer], Some(&content.office))?;
    let claims = match &action.prev {
        None => {
            let provides = provider.roles.contains(&MemberRole::Provider);
            require(provides, Rule::EntryProviderRole, || provider.uscc.clone())?;
            Claim::First
        }
        Some(prev) => {
            own_version(call, &id, prev, &REPLACEABLE)?;
            Claim::Again
        }
    };
    let before: Option<Submission> = call.overlay.get(&submission_key(&id))?;
    let foreign = before.as_ref().filter(|s| s.status.is_open() && s.provider != provider.uscc);
    require(foreign.is_none(), Rule::EntryCodeTaken, || {
        format!("{} is submitted by another member", content.first_code())
    })?;
    form::check(content, &date_of(call.block.time_ms))?;
    check_references(call, content, &provider.uscc)?;
    // Codes and names are taken when it is released: what nobody examined takes nothing away.
    check_claims(call, &id, content, claims, &provider.uscc)?;
    let submission = Submission {
        entry_id: id,
        provider: provider.uscc.clone(),
        number: before.map_or(0, |before| before.number).saturating_add(1),
        prev: action.prev,
        status: SubmissionStatus::Submitted,
        submitted_at_height: call.height(),
        registered_at_height: None,
        decided_by: None,
        reason: None,
        content: content.clone(),
    };
    put(call, &submission)
}

pub(crate) fn register(call: &mut Call<'_, '_>, action: &EntryDecision) -> Step {
    let submission = load(call, action, SubmissionStatus::Submitted)?;
    let registered = Submission {
        status: SubmissionStatus::Registered,
        registered_at_height: Some(call.height()),
        decided_by: Some(call.uscc().to_owned()),
        ..submission
    };
    put(call, &registered)
}

/// The registered version becomes the entry's; everything is checked as it stands now.
pub(crate) fn release(call: &mut Call<'_, '_>, action: &EntryDecision) -> Step {
    let submission = load(call, action, SubmissionStatus::Registered)?;
    let Submission { entry_id: id, provider, content, .. } = &submission;
    member::in_force(call.overlay, provider)?;
    match &submission.prev {
        None => {
            check_content(call, content, provider)?;
            claim(call, id, content, Claim::First, provider)?;
            let entry = first_version(call, *id, provider.clone(), content);
            write(call, &entry)?;
        }
        Some(prev) => {
            let (old, version) = current(call.overlay, id)?;
            require_free(&old)?;
            require_status(&old, &REPLACEABLE)?;
            require_version(&version, prev)?;
            check_content(call, content, provider)?;
            claim(call, id, content, Claim::Again, provider)?;
            replace(call, old, *prev, content)?;
        }
    }
    let released = Submission {
        status: SubmissionStatus::Released,
        decided_by: Some(call.uscc().to_owned()),
        ..submission
    };
    put(call, &released)
}

/// If `prev` names the submission and not the entry, it is what an authority returns or rejects:
/// whether it was.
pub(super) fn refuse(
    call: &mut Call<'_, '_>,
    action: &EntryStanding,
    status: SubmissionStatus,
) -> Step<bool> {
    let key = submission_key(&action.entry_id);
    let Some(value) = call.overlay.value(&key)? else { return Ok(false) };
    if version_hash(&value) != action.prev {
        return Ok(false);
    }
    let submission: Submission = state::decode(&key, &value)?;
    call.signers.authority(call.params.authority_threshold)?;
    field::text("reason", &action.reason, REASON_CHARS_MAX)?;
    let open = submission.status.is_open();
    require(open, Rule::SubmissionStatus, || format!("it is {}", shown(&submission.status)))?;
    let refused = Submission {
        status,
        decided_by: Some(call.uscc().to_owned()),
        reason: Some(action.reason.clone()),
        ..submission
    };
    put(call, &refused)?;
    Ok(true)
}

/// The submission an authority decides on, in the status wanted (ENT-30, signers, ENT-04, ENT-31).
fn load(
    call: &mut Call<'_, '_>,
    action: &EntryDecision,
    wanted: SubmissionStatus,
) -> Step<Submission> {
    let key = submission_key(&action.entry_id);
    let value = call.overlay.value(&key)?;
    let value =
        value.ok_or_else(|| Stop::Rule(Rule::SubmissionUnknown, action.entry_id.to_string()))?;
    call.signers.authority(call.params.authority_threshold)?;
    require_version(&version_hash(&value), &action.submission)?;
    let submission: Submission = state::decode(&key, &value)?;
    require(submission.status == wanted, Rule::SubmissionStatus, || {
        format!("it is {}, must be {}", shown(&submission.status), shown(&wanted))
    })?;
    Ok(submission)
}

fn put(call: &mut Call<'_, '_>, submission: &Submission) -> Step {
    call.touch(entry_key(&submission.entry_id));
    touch_bound(call, &submission.content);
    call.overlay.put(submission_key(&submission.entry_id), submission)
}
