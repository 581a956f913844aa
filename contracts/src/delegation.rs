//! Delegation 委托: one member lets another submit for it, some actions, for some time.
//!
//! A transaction with `on_behalf_of` is judged as the principal's, signed by the delegate's keys.
//! Every action done under a delegation is an event of its history, so the principal can list, and
//! prove, all that was done in its name.

use mulu_chain::types::Height;
use serde::{Deserialize, Serialize};

use crate::authorization::Window;
use crate::call::Call;
use crate::execution::BlockContext;
use crate::field;
use crate::key::KeyRole;
use crate::limits::REASON_CHARS_MAX;
use crate::member;
use crate::overlay::Overlay;
use crate::payload::Payload;
use crate::rejection::{Step, Stop, refuse, require, shown};
use crate::rule::Rule;
use crate::state::{delegation_key, member_key};

/// What can be delegated. Not: keys, members, the consortium, and signing terms as a party.
pub const DELEGABLE: [&str; 15] = [
    "duty.register",
    "system.register",
    "system.revise",
    "entry.publish",
    "entry.revise",
    "entry.withdraw",
    "entry.submit",
    "authorization.request",
    "authorization.counter",
    "authorization.offer",
    "authorization.agree",
    "authorization.reject",
    "authorization.withdraw",
    "authorization.relinquish",
    "receipt.record",
];

/// A delegation as stored: the last one of this principal to this delegate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegation {
    /// The member acted for.
    pub principal: String,
    /// The member that may act.
    pub delegate: String,
    /// The types of the actions it may submit.
    pub scope: Vec<String>,
    /// From when to when, by block time.
    pub window: Window,
    /// Whether it stands.
    pub status: DelegationStatus,
    /// When it was granted.
    pub granted_at_height: Height,
    /// When it was ended before its window was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at_height: Option<Height>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_reason: Option<String>,
}

/// Whether a delegation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DelegationStatus {
    /// It does, within its window.
    Active,
    /// Ended by one of the two, or an authority.
    Ended,
}

/// `delegation.grant`: the submitter lets another member act for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DelegationGrant {
    /// The member that may act.
    pub delegate: String,
    /// Types of actions, each of [`DELEGABLE`].
    pub scope: Vec<String>,
    /// From when to when.
    pub window: Window,
}

/// `delegation.end`: the principal, the delegate or an authority ends a delegation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DelegationEnd {
    /// The member acted for.
    pub principal: String,
    /// The member that could act.
    pub delegate: String,
    /// Why.
    pub reason: String,
}

/// The delegation that lets a payload's submitter act on behalf of another member (TX-13), for all
/// of its actions (DEL-02).
pub(crate) fn check(
    block: &BlockContext,
    payload: &Payload,
    principal: &str,
    overlay: &Overlay<'_>,
) -> Step {
    let delegate = &payload.submitter.member;
    let found: Option<Delegation> = overlay.get(&delegation_key(principal, delegate))?;
    let now = block.time_ms.0;
    let stands = found.filter(|delegation| {
        let Window { from_ms, to_ms } = delegation.window;
        delegation.status == DelegationStatus::Active && (from_ms..=to_ms).contains(&now)
    });
    let Some(delegation) = stands else {
        return refuse(Rule::OnBehalfRefused, format!("{delegate} for {principal}, at {now}"));
    };
    let within = |name: &str| delegation.scope.iter().any(|allowed| allowed == name);
    let outside = payload.actions.iter().map(|action| action.name()).find(|name| !within(name));
    require(outside.is_none(), Rule::DelegationScope, || {
        format!("{}, delegated are {}", shown(&outside), shown(&delegation.scope))
    })
}

pub(crate) fn grant(call: &mut Call<'_, '_>, action: &DelegationGrant) -> Step {
    call.signers.own(&[KeyRole::Administrator], None)?;
    let (principal, delegate) = (call.uscc().to_owned(), &action.delegate);
    require(principal != *delegate, Rule::DelegationSelf, || principal.clone())?;
    member::in_force(call.overlay, delegate)?;
    field::count("scope", action.scope.len(), 1, DELEGABLE.len())?;
    field::distinct("scope", Rule::FieldDuplicate, &action.scope)?;
    let other = action.scope.iter().find(|name| !DELEGABLE.contains(&name.as_str()));
    require(other.is_none(), Rule::DelegationUndelegable, || shown(&other))?;
    let Window { from_ms, to_ms } = action.window;
    let (now, most) = (call.block.time_ms, call.params.grant_window_ms_max);
    let length = to_ms.checked_sub(from_ms);
    let fits = length.is_some_and(|length| length <= most) && to_ms >= now.0;
    require(fits, Rule::DelegationWindow, || {
        format!("{from_ms} to {to_ms}, now {now}, longest {most} ms")
    })?;
    let at = delegation_key(&principal, delegate);
    let last: Option<Delegation> = call.overlay.get(&at)?;
    let stands = last
        .is_some_and(|last| last.status == DelegationStatus::Active && last.window.to_ms >= now.0);
    require(!stands, Rule::DelegationExists, || at.clone())?;
    let delegation = Delegation {
        principal,
        delegate: delegate.clone(),
        scope: action.scope.clone(),
        window: action.window,
        status: DelegationStatus::Active,
        granted_at_height: call.height(),
        ended_at_height: None,
        end_reason: None,
    };
    write(call, &delegation)
}

pub(crate) fn end(call: &mut Call<'_, '_>, action: &DelegationEnd) -> Step {
    let DelegationEnd { principal, delegate, reason } = action;
    if [principal, delegate].iter().any(|member| *member == call.uscc()) {
        call.signers.own(&[KeyRole::Administrator], None)?;
    } else {
        call.signers.authority(call.params.authority_threshold)?;
    }
    field::text("reason", reason, REASON_CHARS_MAX)?;
    let at = delegation_key(principal, delegate);
    let delegation: Option<Delegation> = call.overlay.get(&at)?;
    let delegation = delegation.filter(|found| found.status == DelegationStatus::Active);
    let delegation = delegation.ok_or(Stop::Rule(Rule::DelegationUnknown, at))?;
    let ended = Delegation {
        status: DelegationStatus::Ended,
        ended_at_height: Some(call.height()),
        end_reason: Some(reason.clone()),
        ..delegation
    };
    write(call, &ended)
}

fn write(call: &mut Call<'_, '_>, delegation: &Delegation) -> Step {
    let at = delegation_key(&delegation.principal, &delegation.delegate);
    call.touch(at.clone());
    call.touch(member_key(&delegation.principal));
    call.touch(member_key(&delegation.delegate));
    call.overlay.put(at, delegation)
}
