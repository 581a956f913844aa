//! Correction 校核纠错: somebody who uses an entry says what is wrong with it; its provider answers, and
//! shows the version that mends it.
//!
//! open → accepted → fixed, or declined, or withdrawn.

use mulu_chain::digest::Digest;
use mulu_chain::types::Height;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::entry::{self, EntryStatus};
use crate::field;
use crate::key::KeyRole;
use crate::limits::{ITEM_ID_CHARS_MAX, PURPOSE_CHARS_MAX, REASON_CHARS_MAX};
use crate::rejection::{Step, Stop, require, shown};
use crate::rule::Rule;
use crate::state::{correction_key, entry_key, member_key};

/// A correction as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// Derived from the transaction that opened it.
    pub correction_id: Digest,
    /// The entry.
    pub entry_id: Digest,
    /// The item, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// The member that found the fault.
    pub opened_by: String,
    /// The member that provided the entry then.
    pub provider: String,
    /// What is wrong.
    pub finding: String,
    /// Digest of what shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Digest>,
    /// Where it stands.
    pub status: CorrectionStatus,
    /// When it was opened.
    pub opened_at_height: Height,
    /// When the provider answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at_height: Option<Height>,
    /// What it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Version hash of the entry that mends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_by: Option<Digest>,
    /// When it was declined, fixed or withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at_height: Option<Height>,
    /// Block time since when the provider is to answer, or to mend it, if that has a deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_since_ms: Option<u64>,
}

/// Where a correction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CorrectionStatus {
    /// The provider is to answer.
    Open,
    /// The provider is to publish a version that mends it.
    Accepted,
    /// The provider sees no fault.
    Declined,
    /// A version mends it.
    Fixed,
    /// Taken back.
    Withdrawn,
}

/// `correction.open`: a member says what is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorrectionOpen {
    /// The entry.
    pub entry_id: Digest,
    /// The item, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// What is wrong; no data, no names of people.
    pub finding: String,
    /// Digest of what shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Digest>,
}

/// `correction.answer`: the provider accepts or declines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorrectionAnswer {
    /// Which.
    pub correction_id: Digest,
    /// Whether there is a fault.
    pub accept: bool,
    /// What the provider says to it.
    pub answer: String,
}

/// `correction.fix`: the provider shows the version that mends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorrectionFix {
    /// Which.
    pub correction_id: Digest,
    /// The entry's current version hash.
    pub entry_version: Digest,
}

/// `correction.withdraw`: who opened it takes it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorrectionWithdraw {
    /// Which.
    pub correction_id: Digest,
}

pub(crate) fn open(call: &mut Call<'_, '_>, action: &CorrectionOpen) -> Step {
    call.signers.own(&[KeyRole::Officer, KeyRole::Application], None)?;
    let (entry, _) = entry::current(call.overlay, &action.entry_id)?;
    let own = entry.provider == call.uscc();
    require(!own, Rule::CorrectionSelf, || entry.provider.clone())?;
    let ended = matches!(entry.status, EntryStatus::Retired | EntryStatus::Rejected);
    require(!ended, Rule::EntryStatusMove, || format!("it is {}", shown(&entry.status)))?;
    field::optional("item", action.item.as_ref(), ITEM_ID_CHARS_MAX)?;
    if let Some(item) = &action.item {
        let known = entry.content.items.iter().any(|known| known.item_id == *item);
        require(known, Rule::CorrectionItem, || item.clone())?;
    }
    field::text("finding", &action.finding, PURPOSE_CHARS_MAX)?;
    let correction = Correction {
        correction_id: call.new_record_id(correction_key)?,
        entry_id: action.entry_id,
        item: action.item.clone(),
        opened_by: call.uscc().to_owned(),
        provider: entry.provider,
        finding: action.finding.clone(),
        proof: action.proof,
        status: CorrectionStatus::Open,
        opened_at_height: call.height(),
        answered_at_height: None,
        answer: None,
        fixed_by: None,
        closed_at_height: None,
        due_since_ms: call.noted(call.params.deadlines.correction_days),
    };
    write(call, &correction)
}

pub(crate) fn answer(call: &mut Call<'_, '_>, action: &CorrectionAnswer) -> Step {
    let correction = load(call, &action.correction_id, CorrectionStatus::Open)?;
    provider_acts(call, &correction)?;
    field::text("answer", &action.answer, REASON_CHARS_MAX)?;
    let (status, closed_at_height) = match action.accept {
        true => (CorrectionStatus::Accepted, None),
        false => (CorrectionStatus::Declined, Some(call.height())),
    };
    let answered = Correction {
        status,
        answered_at_height: Some(call.height()),
        answer: Some(action.answer.clone()),
        closed_at_height,
        due_since_ms: call.noted(call.params.deadlines.correction_days),
        ..correction
    };
    write(call, &answered)
}

pub(crate) fn fix(call: &mut Call<'_, '_>, action: &CorrectionFix) -> Step {
    let correction = load(call, &action.correction_id, CorrectionStatus::Accepted)?;
    provider_acts(call, &correction)?;
    let (entry, version) = entry::current(call.overlay, &correction.entry_id)?;
    let later = correction.answered_at_height.is_some_and(|at| at <= entry.updated_at_height);
    let current = version == action.entry_version;
    require(later && current, Rule::CorrectionVersion, || {
        format!("the current version is {version}, of height {}", entry.updated_at_height)
    })?;
    let fixed = Correction {
        status: CorrectionStatus::Fixed,
        fixed_by: Some(version),
        closed_at_height: Some(call.height()),
        ..correction
    };
    write(call, &fixed)
}

pub(crate) fn withdraw(call: &mut Call<'_, '_>, action: &CorrectionWithdraw) -> Step {
    let correction = load(call, &action.correction_id, CorrectionStatus::Open)?;
    call.signers.own(&[KeyRole::Officer, KeyRole::Application], None)?;
    require(correction.opened_by == call.uscc(), Rule::CorrectionParty, || {
        format!("{} opened it", correction.opened_by)
    })?;
    let withdrawn = Correction {
        status: CorrectionStatus::Withdrawn,
        closed_at_height: Some(call.height()),
        ..correction
    };
    write(call, &withdrawn)
}

/// The correction of an id, in the status wanted (COR-03, COR-05).
fn load(call: &Call<'_, '_>, id: &Digest, status: CorrectionStatus) -> Step<Correction> {
    let correction: Option<Correction> = call.overlay.get(&correction_key(id))?;
    let correction =
        correction.ok_or_else(|| Stop::Rule(Rule::CorrectionUnknown, id.to_string()))?;
    require(correction.status == status, Rule::CorrectionStatus, || {
        format!("it is {}, must be {}", shown(&correction.status), shown(&status))
    })?;
    Ok(correction)
}

fn provider_acts(call: &Call<'_, '_>, correction: &Correction) -> Step {
    let (entry, _) = entry::current(call.overlay, &correction.entry_id)?;
    require(entry.provider == call.uscc(), Rule::CorrectionParty, || {
        format!("the provider is {}", entry.provider)
    })?;
    call.signers.own(&[KeyRole::Officer], Some(&entry.content.office))
}

fn write(call: &mut Call<'_, '_>, correction: &Correction) -> Step {
    let at = correction_key(&correction.correction_id);
    call.touch(at.clone());
    call.touch(entry_key(&correction.entry_id));
    call.touch(member_key(&correction.opened_by));
    call.touch(member_key(&correction.provider));
    call.overlay.put(at, correction)
}
