//! Objection 异议: a member contests a record; an authority decides. What follows from an objection
//! upheld, the usual actions do.

use mulu_chain::digest::Digest;
use mulu_chain::types::Height;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::field;
use crate::key::KeyRole;
use crate::limits::{PURPOSE_CHARS_MAX, REASON_CHARS_MAX, SOURCE_CHARS_MAX};
use crate::rejection::{Step, Stop, require, shown};
use crate::rule::Rule;
use crate::state::{member_key, objection_key};

/// The kinds of records that can be contested, as the first part of their keys.
pub const CONTESTABLE: [&str; 9] = [
    "member",
    "office",
    "duty",
    "system",
    "entry",
    "authorization",
    "receipt",
    "correction",
    "evidence",
];

/// An objection as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objection {
    /// Derived from the transaction that opened it.
    pub objection_id: Digest,
    /// State key of the record contested.
    pub subject: String,
    /// The member that objects.
    pub opened_by: String,
    /// Why.
    pub ground: String,
    /// Digest of what shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Digest>,
    /// Where it stands.
    pub status: ObjectionStatus,
    /// When it was opened.
    pub opened_at_height: Height,
    /// When it was decided or withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at_height: Option<Height>,
    /// The member that submitted the decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// The decision's reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// Block time since when an authority is to decide, if that has a deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_since_ms: Option<u64>,
}

/// Where an objection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ObjectionStatus {
    /// An authority is to decide.
    Open,
    /// The objection is right.
    Upheld,
    /// It is not.
    Dismissed,
    /// Taken back.
    Withdrawn,
}

/// `objection.open`: a member contests a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectionOpen {
    /// State key of the record, of a kind in [`CONTESTABLE`].
    pub subject: String,
    /// Why.
    pub ground: String,
    /// Digest of what shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Digest>,
}

/// `objection.decide`: an authority decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectionDecide {
    /// Which.
    pub objection_id: Digest,
    /// Whether it is right.
    pub uphold: bool,
    /// Why.
    pub reason: String,
}

/// `objection.withdraw`: who opened it takes it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectionWithdraw {
    /// Which.
    pub objection_id: Digest,
}

pub(crate) fn open(call: &mut Call<'_, '_>, action: &ObjectionOpen) -> Step {
    call.signers.own(&[KeyRole::Officer, KeyRole::Administrator], None)?;
    field::text("subject", &action.subject, SOURCE_CHARS_MAX)?;
    let kind = action.subject.split('/').next().unwrap_or_default();
    let known = CONTESTABLE.contains(&kind) && call.overlay.has(&action.subject)?;
    require(known, Rule::ObjectionSubject, || action.subject.clone())?;
    field::text("ground", &action.ground, PURPOSE_CHARS_MAX)?;
    let objection = Objection {
        objection_id: call.new_record_id(objection_key)?,
        subject: action.subject.clone(),
        opened_by: call.uscc().to_owned(),
        ground: action.ground.clone(),
        proof: action.proof,
        status: ObjectionStatus::Open,
        opened_at_height: call.height(),
        closed_at_height: None,
        decided_by: None,
        decision: None,
        due_since_ms: call.noted(call.params.deadlines.objection_days),
    };
    write(call, &objection)
}

pub(crate) fn decide(call: &mut Call<'_, '_>, action: &ObjectionDecide) -> Step {
    let objection = load(call, &action.objection_id)?;
    call.signers.authority(call.params.authority_threshold)?;
    field::text("reason", &action.reason, REASON_CHARS_MAX)?;
    let status = if action.uphold { ObjectionStatus::Upheld } else { ObjectionStatus::Dismissed };
    let decided = Objection {
        status,
        closed_at_height: Some(call.height()),
        decided_by: Some(call.uscc().to_owned()),
        decision: Some(action.reason.clone()),
        ..objection
    };
    write(call, &decided)
}

pub(crate) fn withdraw(call: &mut Call<'_, '_>, action: &ObjectionWithdraw) -> Step {
    let objection = load(call, &action.objection_id)?;
    call.signers.own(&[KeyRole::Officer, KeyRole::Administrator], None)?;
    require(objection.opened_by == call.uscc(), Rule::ObjectionParty, || {
        format!("{} opened it", objection.opened_by)
    })?;
    let withdrawn = Objection {
        status: ObjectionStatus::Withdrawn,
        closed_at_height: Some(call.height()),
        ..objection
    };
    write(call, &withdrawn)
}

/// The open objection of an id (OBJ-02, OBJ-03).
fn load(call: &Call<'_, '_>, id: &Digest) -> Step<Objection> {
    let objection: Option<Objection> = call.overlay.get(&objection_key(id))?;
    let objection = objection.ok_or_else(|| Stop::Rule(Rule::ObjectionUnknown, id.to_string()))?;
    require(objection.status == ObjectionStatus::Open, Rule::ObjectionClosed, || {
        format!("it is {}", shown(&objection.status))
    })?;
    Ok(objection)
}

fn write(call: &mut Call<'_, '_>, objection: &Objection) -> Step {
    let at = objection_key(&objection.objection_id);
    call.touch(at.clone());
    call.touch(objection.subject.clone());
    call.touch(member_key(&objection.opened_by));
    call.overlay.put(at, objection)
}
