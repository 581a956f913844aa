//! Authorised operation 授权运营: a member lets an operator work with entries, in six steps, each with the
//! digest of the document that proves it.
//!
//! planned 方案编制 → approved 方案审定 → selected 机构遴选 → signed 协议签订 → operating 运营实施 →
//! ended 评估退出. The record says what was decided; access is granted by authorizations as everywhere.

use mulu_chain::digest::Digest;
use mulu_chain::types::Height;
use serde::{Deserialize, Serialize};

use crate::authorization::Window;
use crate::call::Call;
use crate::catalog::Level;
use crate::entry;
use crate::field;
use crate::key::KeyRole;
use crate::limits::{NAME_CHARS_MAX, OPERATION_ENTRIES_MAX};
use crate::member;
use crate::rejection::{Step, Stop, require, shown};
use crate::rule::Rule;
use crate::state::{entry_key, member_key, operation_key};

/// An operation as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Derived from the transaction that planned it.
    pub operation_id: Digest,
    /// 实施机构: the member that has the data operated.
    pub implementer: String,
    /// 运营机构: the member that operates; known from `selected` on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// 授权运营模式.
    pub mode: OperationMode,
    /// 名称.
    pub title: String,
    /// The entries.
    pub entries: Vec<Digest>,
    /// From when to when.
    pub window: Window,
    /// The last step taken.
    pub step: OperationStep,
    /// Every step taken, in order.
    pub taken: Vec<StepTaken>,
}

/// How much is operated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OperationMode {
    /// 整体授权.
    Whole,
    /// 分领域授权.
    Domain,
    /// 依场景授权.
    Scenario,
}

/// The steps, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OperationStep {
    /// 方案编制, by the implementer.
    Planned,
    /// 方案审定, by an authority.
    Approved,
    /// 机构遴选, by the implementer.
    Selected,
    /// 协议签订, by implementer and operator over one payload.
    Signed,
    /// 运营实施, by the implementer.
    Operating,
    /// 评估退出, by the implementer or an authority.
    Ended,
}

/// One step taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepTaken {
    /// Which.
    pub step: OperationStep,
    /// Digest of the document that proves it.
    pub document: Digest,
    /// The member that submitted it.
    pub by: String,
    /// When.
    pub at_height: Height,
}

/// `operation.plan`: the first step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationPlan {
    /// 授权运营模式.
    pub mode: OperationMode,
    /// 名称.
    pub title: String,
    /// The entries, published and not core data.
    pub entries: Vec<Digest>,
    /// From when to when.
    pub window: Window,
    /// Digest of the plan.
    pub document: Digest,
}

/// `operation.advance`: the next step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationAdvance {
    /// Which.
    pub operation_id: Digest,
    /// The step taken.
    pub step: OperationStep,
    /// Digest of the document that proves it.
    pub document: Digest,
    /// The member selected; named in the step `selected` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
}

pub(crate) fn plan(call: &mut Call<'_, '_>, action: &OperationPlan) -> Step {
    call.signers.own(&[KeyRole::Officer], None)?;
    field::text("title", &action.title, NAME_CHARS_MAX)?;
    field::count("entries", action.entries.len(), 1, OPERATION_ENTRIES_MAX)?;
    field::distinct("entries", Rule::FieldDuplicate, &action.entries)?;
    for id in &action.entries {
        let (entry, _) = entry::current(call.overlay, id)?;
        entry::require_published(&entry)?;
        let core = entry.content.level == Level::Core;
        require(!core, Rule::OperationCore, || id.to_string())?;
    }
    let Window { from_ms, to_ms } = action.window;
    let length = to_ms.checked_sub(from_ms).filter(|length| *length > 0);
    let most = call.params.grant_window_ms_max;
    require(length.is_some_and(|length| length <= most), Rule::OperationWindow, || {
        format!("{from_ms} to {to_ms}, longest {most} ms")
    })?;
    let operation = Operation {
        operation_id: call.new_record_id(operation_key)?,
        implementer: call.uscc().to_owned(),
        operator: None,
        mode: action.mode,
        title: action.title.clone(),
        entries: action.entries.clone(),
        window: action.window,
        step: OperationStep::Planned,
        taken: Vec::new(),
    };
    take(call, operation, OperationStep::Planned, action.document)
}

pub(crate) fn advance(call: &mut Call<'_, '_>, action: &OperationAdvance) -> Step {
    let at = operation_key(&action.operation_id);
    let operation: Option<Operation> = call.overlay.get(&at)?;
    let mut operation = operation.ok_or(Stop::Rule(Rule::OperationUnknown, at))?;
    let ends = action.step == OperationStep::Ended && operation.step != OperationStep::Ended;
    let next = ends || Some(action.step) == following(operation.step);
    require(next, Rule::OperationOrder, || {
        format!("{} after {}", shown(&action.step), shown(&operation.step))
    })?;
    sign(call, &operation, action.step)?;
    let selects = action.step == OperationStep::Selected;
    require(selects == action.operator.is_some(), Rule::OperationOperator, || {
        format!("step {}, operator {}", shown(&action.step), shown(&action.operator))
    })?;
    if let Some(operator) = &action.operator {
        member::in_force(call.overlay, operator)?;
        let other = *operator != operation.implementer;
        require(other, Rule::OperationOperator, || format!("{operator} is the implementer"))?;
        operation.operator = Some(operator.clone());
    }
    take(call, operation, action.step, action.document)
}

/// The step after one; an operation may end after any.
const fn following(step: OperationStep) -> Option<OperationStep> {
    match step {
        OperationStep::Planned => Some(OperationStep::Approved),
        OperationStep::Approved => Some(OperationStep::Selected),
        OperationStep::Selected => Some(OperationStep::Signed),
        OperationStep::Signed => Some(OperationStep::Operating),
        OperationStep::Operating | OperationStep::Ended => None,
    }
}

/// Those sign whose step it is (OPR-03, OPR-06, KEY-04, KEY-07).
fn sign(call: &mut Call<'_, '_>, operation: &Operation, step: OperationStep) -> Step {
    let own = operation.implementer == call.uscc();
    let authority = step == OperationStep::Approved
        || (step == OperationStep::Ended && !own && call.signers.own_has(KeyRole::Authority));
    if authority {
        return call.signers.authority(call.params.authority_threshold);
    }
    if step == OperationStep::Signed {
        for party in [Some(&operation.implementer), operation.operator.as_ref()] {
            let party = party.map_or("", String::as_str);
            let signed = call.signers.party(party, KeyRole::Officer, "");
            require(signed, Rule::OperationBoth, || format!("no free officer of {party} signed"))?;
        }
        return Ok(());
    }
    require(own, Rule::OperationParty, || format!("{} has it operated", operation.implementer))?;
    call.signers.own(&[KeyRole::Officer], None)
}

fn take(
    call: &mut Call<'_, '_>,
    mut operation: Operation,
    step: OperationStep,
    document: Digest,
) -> Step {
    let (by, at_height) = (call.uscc().to_owned(), call.height());
    operation.step = step;
    operation.taken.push(StepTaken { step, document, by, at_height });
    let at = operation_key(&operation.operation_id);
    call.touch(at.clone());
    call.touch(member_key(&operation.implementer));
    if let Some(operator) = &operation.operator {
        call.touch(member_key(operator));
    }
    for id in &operation.entries {
        call.touch(entry_key(id));
    }
    call.overlay.put(at, &operation)
}
