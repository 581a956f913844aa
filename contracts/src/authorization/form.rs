//! What holds of every extent, requested, offered or requested otherwise; and that its record never
//! outgrows what the state holds.

use std::collections::BTreeSet;

use mulu_chain::types::Height;

use super::{
    Authorization, AuthorizationStatus as Status, Counts, Ended, Extent, Limits, Obligations,
    Party, Rate, RatedTo, Totals, Window,
};
use crate::call::Call;
use crate::field;
use crate::limits::{CODE_BYTES_MAX, COUNTER_MAX, ITEMS_MAX, REASON_CHARS_MAX, RECIPIENTS_MAX};
use crate::rejection::{Step, require};
use crate::rule::Rule;
use crate::state::{authorization_key, local_id, member_key};

/// What an extent says is sound by itself (AUT-09, AUT-25, FLD, AUT-21, AUT-26, MEM-01).
pub(super) fn check_extent(call: &Call<'_, '_>, extent: &Extent, onward: bool) -> Step {
    check_window(call, &extent.window)?;
    check_rate(&extent.limits)?;
    check_obligations(extent.obligations.as_ref(), &extent.items)?;
    check_recipients(call, &extent.recipients, onward)
}

pub(super) fn check_items(items: &[String]) -> Step {
    field::count("items", items.len(), 0, ITEMS_MAX)?;
    field::distinct("items", Rule::FieldDuplicate, items)
}

/// Items to be masked are among those granted; a span is not nothing (AUT-21).
fn check_obligations(obligations: Option<&Obligations>, items: &[String]) -> Step {
    let Some(Obligations { report_every_ms, mask_items, .. }) = obligations else { return Ok(()) };
    check_items(mask_items)?;
    let granted: BTreeSet<&String> = items.iter().collect();
    let other = mask_items.iter().find(|item| !granted.contains(item));
    require(other.is_none(), Rule::AuthorizationObligations, || format!("item {other:?}"))?;
    require(*report_every_ms != Some(0), Rule::AuthorizationObligations, || {
        "report_every_ms is 0".to_owned()
    })
}

/// A rate has a period (AUT-25).
fn check_rate(limits: &Limits) -> Step {
    let period = limits.rate.is_none_or(|rate| rate.per_ms > 0);
    require(period, Rule::AuthorizationRate, || "rate.per_ms is 0".to_owned())
}

/// Members are named to hand a grant on to only if it is to be handed on (AUT-26), and are members
/// (MEM-01).
fn check_recipients(call: &Call<'_, '_>, recipients: &[String], onward: bool) -> Step {
    field::count("recipients", recipients.len(), 0, RECIPIENTS_MAX)?;
    field::distinct("recipients", Rule::FieldDuplicate, recipients)?;
    require(onward || recipients.is_empty(), Rule::AuthorizationRecipients, || {
        format!("{} recipients", recipients.len())
    })?;
    for uscc in recipients {
        let there = call.overlay.has(&member_key(uscc))?;
        require(there, Rule::MemberUnknown, || format!("recipient {uscc:?}"))?;
    }
    Ok(())
}

/// A window in order, not over, and not too long (AUT-09).
fn check_window(call: &Call<'_, '_>, window: &Window) -> Step {
    let (now, most) = (call.block.time_ms, call.params.grant_window_ms_max);
    let length = window.to_ms.checked_sub(window.from_ms).filter(|length| *length > 0);
    let fits = length.is_some_and(|length| length <= most) && window.to_ms >= now.0;
    require(fits, Rule::AuthorizationWindow, || {
        format!("{} to {}, now {now}, longest {most} ms", window.from_ms, window.to_ms)
    })
}

/// A request is refused now (TX-15) if its record could outgrow what the state holds later: neither
/// agreement nor revocation may ever fail for that reason.
pub(super) fn check_size(call: &mut Call<'_, '_>, authorization: &Authorization) -> Step {
    let key = authorization_key(&authorization.authorization_id);
    call.overlay.put(key, &largest(authorization))
}

/// The largest record an authorization can become.
fn largest(authorization: &Authorization) -> Authorization {
    let all = Counts { calls: COUNTER_MAX, records: COUNTER_MAX, bytes: COUNTER_MAX };
    let widest = char::MAX.to_string().repeat(REASON_CHARS_MAX);
    let ended = Ended {
        by: authorization.provider.clone(),
        at_height: Height(u64::MAX),
        reason: Some(widest.clone()),
        at_ms: Some(u64::MAX),
    };
    let obligations = Obligations {
        delete_by_ms: Some(COUNTER_MAX),
        report_every_ms: Some(COUNTER_MAX),
        mask_items: authorization.requested.items.clone(),
    };
    // What was not limited may be when it is offered.
    let most = Some(COUNTER_MAX);
    let rate = Some(Rate { calls: COUNTER_MAX, per_ms: COUNTER_MAX });
    let limits = Limits { calls: most, records: most, bytes: most, rate };
    let obligations = Some(obligations);
    // And only what is to be handed on has recipients.
    let named = if authorization.onward { RECIPIENTS_MAX } else { 0 };
    let granted = Extent {
        items: authorization.requested.items.clone(),
        window: authorization.requested.window,
        limits,
        obligations,
        recipients: vec![authorization.provider.clone(); named],
        policy_hash: Some(authorization.entry_version),
        legal_text_hash: Some(authorization.entry_version),
    };
    let office = local_id(&authorization.provider, &"-".repeat(CODE_BYTES_MAX));
    let provider = authorization.provider.clone();
    Authorization {
        agreed_with: Some(Party { member: provider, office: office.clone() }),
        provider_office: office,
        // The longest of their names.
        status: Status::Relinquished,
        granted: Some(granted),
        superseded_by: Some(authorization.entry_version),
        suspended_by: Some(authorization.provider.clone()),
        status_reason: Some(widest),
        confirmed_at_height: Some(Height(u64::MAX)),
        terms_hash: Some(authorization.entry_version),
        finalized_at_height: Some(Height(u64::MAX)),
        finalized_at_ms: Some(u64::MAX),
        ended: Some(ended),
        totals: Totals { delivered: all, received: all, used: all },
        handed_on: Totals { delivered: all, received: all, used: all },
        rounds: u32::MAX,
        rated_to_ms: Some(RatedTo { delivered: most, received: most, used: most }),
        ..authorization.clone()
    }
}
