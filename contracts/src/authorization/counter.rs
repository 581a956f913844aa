//! What may happen to a request before it is answered for good: an authority examines it, and the
//! consumer requests otherwise.

use std::collections::BTreeSet;

use mulu_chain::digest::Digest;
use serde::{Deserialize, Serialize};

use super::form::{check_extent, check_items, check_size};
use super::negotiation::{consumer_acts, load, require_status, write};
use super::{Authorization, AuthorizationStatus as Status, Extent, onward};
use crate::call::Call;
use crate::field;
use crate::limits::REASON_CHARS_MAX;
use crate::rejection::{Step, require};
use crate::rule::Rule;

/// `authorization.counter`: the consumer answers an offer, or a return, with another request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationCounter {
    /// Which.
    pub authorization_id: Digest,
    /// What is requested now, of the items requested before.
    pub requested: Extent,
}

/// `authorization.examine`: an authority examines a request before its provider answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationExamine {
    /// Which.
    pub authorization_id: Digest,
    /// Whether it complies; else it is returned.
    pub compliant: bool,
    /// Why.
    pub reason: String,
}

pub(crate) fn counter(call: &mut Call<'_, '_>, action: &AuthorizationCounter) -> Step {
    let authorization = load(call.overlay, &action.authorization_id)?;
    consumer_acts(call, &authorization)?;
    require_status(&authorization, &[Status::Offered, Status::Returned])?;
    let (rounds, most) = (authorization.rounds, call.params.counter_rounds_max);
    require(rounds < most, Rule::AuthorizationRounds, || format!("{rounds} of {most}"))?;
    let (wanted, before) = (&action.requested, &authorization.requested);
    check_items(&wanted.items)?;
    check_extent(call, wanted, authorization.onward)?;
    let asked: BTreeSet<&String> = before.items.iter().collect();
    let more = wanted.items.iter().find(|item| !asked.contains(item));
    let named = more.is_none() && wanted.items.is_empty() == before.items.is_empty();
    require(named, Rule::AuthorizationItems, || format!("items {:?}", wanted.items))?;
    if let Some(parent) = &authorization.parent {
        onward::holds(call, parent, wanted)?;
    }
    let days = call.params.deadlines.answer_days(authorization.unconditional);
    let countered = Authorization {
        requested: wanted.clone(),
        granted: None,
        status: Status::Requested,
        rounds: rounds.saturating_add(1),
        requested_at_ms: call.noted(days),
        ..authorization
    };
    check_size(call, &countered)?;
    write(call, &countered)
}

pub(crate) fn examine(call: &mut Call<'_, '_>, action: &AuthorizationExamine) -> Step {
    let authorization = load(call.overlay, &action.authorization_id)?;
    call.signers.authority(call.params.authority_threshold)?;
    require_status(&authorization, &[Status::Requested])?;
    field::text("reason", &action.reason, REASON_CHARS_MAX)?;
    let examined = Authorization {
        status: if action.compliant { Status::Compliant } else { Status::Returned },
        status_reason: Some(action.reason.clone()),
        ..authorization
    };
    write(call, &examined)
}
