//! A request is refused if its record could outgrow what the state holds, whatever becomes of it
//! (TX-15): no later step may fail for its size.

use mulu_chain::limits::{JSON_INTEGER_MAX, STATE_VALUE_BYTES_MAX};
use mulu_chain::types::Height;
use mulu_contracts::authorization::{
    Authorization, AuthorizationStatus, Counts, Ended, Extent, Limits, Obligations, Party, Rate,
    RatedTo, Totals,
};
use mulu_contracts::rule::Rule;
use mulu_contracts::state;
use serde_json::{Value, json};

use crate::Case;
use crate::cases::after;
use crate::world::*;

/// The longest record that this one can become: every field there is, at its longest.
fn longest(requested: &Authorization) -> Authorization {
    let most = Some(JSON_INTEGER_MAX);
    let counts =
        Counts { calls: JSON_INTEGER_MAX, records: JSON_INTEGER_MAX, bytes: JSON_INTEGER_MAX };
    let totals = Totals { delivered: counts, received: counts, used: counts };
    let office = format!("{PROVIDER}:{}", "x".repeat(32));
    let (late, digest) = (Some(Height(u64::MAX)), Some(requested.entry_version));
    let reason = Some("\u{10FFFF}".repeat(500));
    let obligations = Some(Obligations {
        delete_by_ms: most,
        report_every_ms: most,
        mask_items: requested.requested.items.clone(),
    });
    let rate = Some(Rate { calls: JSON_INTEGER_MAX, per_ms: JSON_INTEGER_MAX });
    let limits = Limits { calls: most, records: most, bytes: most, rate };
    let ended = Ended {
        by: PROVIDER.to_owned(),
        at_height: Height(u64::MAX),
        reason: reason.clone(),
        at_ms: Some(u64::MAX),
    };
    Authorization {
        status: AuthorizationStatus::Relinquished,
        agreed_with: Some(Party { member: PROVIDER.to_owned(), office: office.clone() }),
        provider_office: office,
        granted: Some(Extent {
            obligations,
            limits,
            recipients: vec![PROVIDER.to_owned(); if requested.onward { 64 } else { 0 }],
            policy_hash: digest,
            legal_text_hash: digest,
            ..requested.requested.clone()
        }),
        superseded_by: digest,
        suspended_by: Some(PROVIDER.to_owned()),
        status_reason: reason,
        confirmed_at_height: late,
        terms_hash: digest,
        finalized_at_height: late,
        finalized_at_ms: Some(u64::MAX),
        ended: Some(ended),
        totals,
        handed_on: totals,
        rounds: u32::MAX,
        rated_to_ms: Some(RatedTo { delivered: most, received: most, used: most }),
        ..requested.clone()
    }
}

#[test]
fn a_request_leaves_room_for_all_that_may_follow() {
    let ids: Vec<String> = (0..400).map(|n| format!("{n:064}")).collect();
    let item = |id: &String| json!({"item_id": id, "name": "n", "type": "C"});
    let items: Vec<Value> = ids.iter().map(item).collect();
    let world = after(&World::new(), false, publish(with(content(), "/items", json!(items))));
    for onward in [false, true] {
        let request = |items: usize, scope: usize| {
            let action = with(world.request_action(), "/scope", json!("x".repeat(scope)));
            let action = with(with(action, "/items", json!(ids[..items])), "/limits", json!({}));
            let action = with(action, "/onward", json!(onward));
            Case::new(&world, CONSUMER, &[CONSUMER_OFFICER], action).office(use_office())
        };
        exactly(request);
    }
}

/// The largest request that is accepted becomes a record of exactly the size that fits.
fn exactly(request: impl Fn(usize, usize) -> Case) {
    // The first number of items with which the longest scope is too long, and the longest that is not.
    let fits = |items: usize, scope: usize| request(items, scope).verdict().is_ok();
    let items = first(1, 400, |items| !fits(items, 1000));
    let scope = first(1, 1000, |scope| !fits(items, scope));
    assert_eq!(request(items, scope).verdict(), Err(Rule::RecordTooLarge.id()));
    let (accepted, _) = request(items, scope - 1).run();
    let longest = state::encode(&longest(&accepted.only_authorization()));
    assert_eq!(longest.len(), STATE_VALUE_BYTES_MAX);
}

/// The first number of a range from which on something holds.
fn first(mut low: usize, mut high: usize, holds: impl Fn(usize) -> bool) -> usize {
    while low < high {
        let middle = low.midpoint(high);
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    low
}
