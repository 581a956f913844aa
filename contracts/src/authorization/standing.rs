//! What may become of an authorization besides the straight way: suspension, confirmation, dispute.

use mulu_chain::digest::Digest;
use serde::{Deserialize, Serialize};

use super::negotiation::{consumer_acts, end, load, provider_acts, require_status, write};
use super::{Authorization, AuthorizationStatus as Status};
use crate::call::Call;
use crate::deadline;
use crate::field;
use crate::key::KeyRole;
use crate::limits::REASON_CHARS_MAX;
use crate::rejection::{Step, require};
use crate::rule::Rule;

/// `authorization.suspend`, `authorization.resume` and `authorization.dispute`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationStanding {
    /// Which.
    pub authorization_id: Digest,
    /// Why.
    pub reason: String,
}

/// `authorization.decide`: an authority decides a dispute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationDecide {
    /// Which.
    pub authorization_id: Digest,
    /// Whether the consumer is to have what it requested.
    pub grant: bool,
    /// Why.
    pub reason: String,
}

/// `authorization.confirm`: the provider stands by a grant whose entry became stricter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationConfirm {
    /// Which.
    pub authorization_id: Digest,
}

pub(crate) fn suspend(call: &mut Call<'_, '_>, action: &AuthorizationStanding) -> Step {
    let authorization = load(call.overlay, &action.authorization_id)?;
    party_or_authority(call, &authorization)?;
    require_status(&authorization, &[Status::Finalized])?;
    field::text("reason", &action.reason, REASON_CHARS_MAX)?;
    let suspended = Authorization {
        status: Status::Suspended,
        suspended_by: Some(call.uscc().to_owned()),
        status_reason: Some(action.reason.clone()),
        ..authorization
    };
    write(call, &suspended)
}

pub(crate) fn resume(call: &mut Call<'_, '_>, action: &AuthorizationStanding) -> Step {
    let authorization = load(call.overlay, &action.authorization_id)?;
    let as_authority = party_or_authority(call, &authorization)?;
    require_status(&authorization, &[Status::Suspended])?;
    let by = authorization.suspended_by.as_deref().unwrap_or_default();
    let may = by == call.uscc() || as_authority;
    require(may, Rule::AuthorizationSuspender, || format!("{by} suspended it"))?;
    field::text("reason", &action.reason, REASON_CHARS_MAX)?;
    let resumed = Authorization {
        status: Status::Finalized,
        suspended_by: None,
        status_reason: Some(action.reason.clone()),
        ..authorization
    };
    write(call, &resumed)
}

pub(crate) fn confirm(call: &mut Call<'_, '_>, action: &AuthorizationConfirm) -> Step {
    let authorization = load(call.overlay, &action.authorization_id)?;
    provider_acts(call, &authorization)?;
    require_status(&authorization, &[Status::Finalized, Status::Suspended])?;
    write(call, &Authorization { confirmed_at_height: Some(call.height()), ..authorization })
}

pub(crate) fn dispute(call: &mut Call<'_, '_>, action: &AuthorizationStanding) -> Step {
    let authorization = load(call.overlay, &action.authorization_id)?;
    consumer_acts(call, &authorization)?;
    require_status(&authorization, &[Status::Rejected])?;
    let due = deadline::of_dispute(&authorization, call.params);
    require(
        due.is_none_or(|due| call.block.time_ms.0 <= due),
        Rule::AuthorizationDisputeLate,
        || format!("it could be disputed until {}", due.unwrap_or_default()),
    )?;
    field::text("reason", &action.reason, REASON_CHARS_MAX)?;
    let disputed = Authorization {
        status: Status::Disputed,
        status_reason: Some(action.reason.clone()),
        ..authorization
    };
    write(call, &disputed)
}

pub(crate) fn decide(call: &mut Call<'_, '_>, action: &AuthorizationDecide) -> Step {
    let authorization = load(call.overlay, &action.authorization_id)?;
    call.signers.authority(call.params.authority_threshold)?;
    require_status(&authorization, &[Status::Disputed])?;
    if !action.grant {
        return end(call, authorization, Status::Refused, Some(&action.reason));
    }
    field::text("reason", &action.reason, REASON_CHARS_MAX)?;
    let agreed = Authorization {
        granted: Some(authorization.requested.clone()),
        status_reason: Some(action.reason.clone()),
        ended: None,
        ..authorization
    };
    write(call, &agreed.agreed())
}

/// A party with an officer key, else an authority (AUT-02, KEY-04, KEY-05, KEY-07); whether it was
/// as authority.
fn party_or_authority(call: &mut Call<'_, '_>, authorization: &Authorization) -> Step<bool> {
    let officer = call.signers.own_has(KeyRole::Officer);
    let as_authority = !officer && call.signers.own_has(KeyRole::Authority);
    if as_authority {
        call.signers.authority(call.params.authority_threshold)?;
    } else if call.uscc() == authorization.consumer {
        consumer_acts(call, authorization)?;
    } else {
        provider_acts(call, authorization)?;
    }
    Ok(as_authority)
}
