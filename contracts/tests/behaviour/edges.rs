//! The last moment, the last height and the last unit that is still accepted, and the one after it.

use mulu_chain::types::TimeMs;
use mulu_contracts::authorization::Standing;
use mulu_contracts::params::Params;
use mulu_contracts::rule::Rule;
use serde_json::{Value, json};

use crate::bounds::{case, changed};
use crate::cases_sharing::all;
use crate::world::*;
use crate::{Case, key_at};

/// The longest window of the default parameters.
const LONGEST_MS: u64 = 1_096 * DAY_MS;

fn window(from_ms: u64, to_ms: u64) -> Value {
    json!({"from_ms": from_ms, "to_ms": to_ms})
}

#[test]
fn windows_of_requests_offers_delegations_and_operations() {
    let mut request = case("authorization.request");
    let now = request.world.time_ms;
    // A grant may begin in the past, end in this moment and last the longest time.
    for (from, to, fits) in [
        (now - 1, now, true),
        (now - 1, now - 1, false),
        (now, now, false),
        (now - 2, now - 1, false),
        (now + 1, now, false),
        (now, now + LONGEST_MS, true),
        (now, now + LONGEST_MS + 1, false),
    ] {
        request.action["window"] = window(from, to);
        let expected = if fits { Ok(()) } else { Err(Rule::AuthorizationWindow.id()) };
        assert_eq!(request.verdict(), expected, "{from} {to}");
    }
    let mut grant = case("delegation.grant");
    let now = grant.world.time_ms;
    for (from, to, fits) in [
        (now, now, true),
        (now - 2, now - 1, false),
        (now, now + LONGEST_MS, true),
        (now, now + LONGEST_MS + 1, false),
        (now + 1, now, false),
    ] {
        grant.action["window"] = window(from, to);
        let expected = if fits { Ok(()) } else { Err(Rule::DelegationWindow.id()) };
        assert_eq!(grant.verdict(), expected, "{from} {to}");
    }
    let mut plan = case("operation.plan");
    for (from, to, fits) in [
        (1, 1, false),
        (2, 1, false),
        (1, 2, true),
        (1, 1 + LONGEST_MS, true),
        (1, 2 + LONGEST_MS, false),
    ] {
        plan.action["window"] = window(from, to);
        let expected = if fits { Ok(()) } else { Err(Rule::OperationWindow.id()) };
        assert_eq!(plan.verdict(), expected, "{from} {to}");
    }
    // An offer stays within the request, and ends no earlier than now.
    let offer = case("authorization.offer");
    let (from, to) = (START_MS, START_MS + 30 * DAY_MS);
    let offered = |from, to| changed(&offer, "/granted/window", window(from, to));
    assert_eq!(offered(from, to), Ok(()));
    assert_eq!(offered(from - 1, to), Err(Rule::AuthorizationWider.id()));
    assert_eq!(offered(from, to + 1), Err(Rule::AuthorizationWider.id()));
    assert_eq!(offered(from, from + 1), Err(Rule::AuthorizationWindow.id()));
}

#[test]
fn finalized_no_later_than_the_window_ends() {
    let mut finalize = case("authorization.finalize");
    finalize.world.time_ms = START_MS + 30 * DAY_MS;
    assert_eq!(finalize.verdict(), Ok(()));
    finalize.world.time_ms += 1;
    assert_eq!(finalize.verdict(), Err(Rule::AuthorizationOver.id()));
}

/// Offered is never more than was requested, limit by limit; what was not limited may be.
#[test]
fn limits_of_offers() {
    for limit in ["calls", "records", "bytes"] {
        let mut offer = case("authorization.offer");
        let key = format!("authorization/{}", offer.world.only_authorization().authorization_id);
        let limits = |most: u64| json!({limit: most});
        offer.world.patch(&key, "/requested/limits", limits(7));
        for (granted, within) in [(limits(7), true), (limits(8), false), (json!({}), false)] {
            let found = changed(&offer, "/granted/limits", granted);
            let expected = if within { Ok(()) } else { Err(Rule::AuthorizationWider.id()) };
            assert_eq!(found, expected, "{limit}");
        }
        offer.world.patch(&key, "/requested/limits", json!({}));
        assert_eq!(changed(&offer, "/granted/limits", limits(8)), Ok(()), "{limit}");
    }
}

fn receipts(kind: &str) -> Case {
    all().into_iter().find(|case| case.action["kind"] == kind).unwrap()
}

#[test]
fn receipts_reach_the_limits_and_no_further() {
    for kind in ["delivered", "received", "used"] {
        for limit in ["calls", "records", "bytes"] {
            let mut receipt = receipts(kind);
            let grant = receipt.world.only_authorization();
            let key = format!("authorization/{}", grant.authorization_id);
            receipt.world.patch(&key, "/granted/limits", json!({limit: 7}));
            receipt.world.patch(&key, &format!("/totals/{kind}/{limit}"), json!(3));
            for (count, fits) in [(4, true), (5, false)] {
                let found = changed(&receipt, "/counts", json!({limit: count}));
                let expected = if fits { Ok(()) } else { Err(Rule::ReceiptLimits.id()) };
                assert_eq!(found, expected, "{kind} {limit} {count}");
            }
        }
    }
}

#[test]
fn receipts_within_the_window_and_not_of_the_future() {
    let mut receipt = receipts("delivered");
    let grant = receipt.world.only_authorization().granted.unwrap().window;
    receipt.world.time_ms = grant.to_ms;
    for (from, to, expected) in [
        (grant.from_ms, grant.to_ms, Ok(())),
        (grant.to_ms, grant.to_ms, Ok(())),
        (grant.from_ms - 1, grant.to_ms, Err(Rule::ReceiptWindow.id())),
        (grant.from_ms, grant.to_ms + 1, Err(Rule::ReceiptWindow.id())),
        (grant.to_ms, grant.to_ms - 1, Err(Rule::ReceiptWindow.id())),
    ] {
        assert_eq!(changed(&receipt, "/window", window(from, to)), expected, "{from} {to}");
    }
    // The clocks of signer and block may differ by the parameter.
    let latest = START_MS + DAY_MS + Params::default().clock_skew_ms;
    receipt.world.time_ms = START_MS + DAY_MS;
    assert_eq!(changed(&receipt, "/window/to_ms", json!(latest)), Ok(()));
    let later = changed(&receipt, "/window/to_ms", json!(latest + 1));
    assert_eq!(later, Err(Rule::ReceiptFuture.id()));
}

/// Lines are one per call, at least one, and have a root.
#[test]
fn receipts_with_call_lines() {
    let used = receipts("used");
    let line = |lines: u64, calls: u64, digest: bool| {
        let mut case = used.clone();
        case.action["counts"] = json!({"calls": calls});
        case.action["lines"] = json!(lines);
        case.action["digest"] =
            if digest { json!(format!("sha256:{:064}", 7)) } else { Value::Null };
        case.verdict()
    };
    assert_eq!(line(1, 1, true), Ok(()));
    for (lines, calls, digest) in [(1, 1, false), (0, 0, true), (1, 2, true), (2, 1, true)] {
        assert_eq!(line(lines, calls, digest), Err(Rule::ReceiptLines.id()), "{lines} {calls}");
    }
    for (kind, needs) in [("delivered", true), ("received", true), ("used", false)] {
        let found = changed(&receipts(kind), "/digest", Value::Null);
        let expected = if needs { Err(Rule::ReceiptDigest.id()) } else { Ok(()) };
        assert_eq!(found, expected, "{kind}");
    }
}

#[test]
fn the_standing_of_a_grant() {
    let mut grant = World::finalized().only_authorization();
    let (from, to) = (START_MS, START_MS + 30 * DAY_MS);
    grant.granted.as_mut().unwrap().limits.bytes = Some(10);
    grant.granted.as_mut().unwrap().limits.records = Some(10);
    let at = |grant: &mulu_contracts::authorization::Authorization, ms| grant.standing(TimeMs(ms));
    for (ms, standing) in [
        (from - 1, Standing::Pending),
        (from, Standing::Active),
        (to, Standing::Active),
        (to + 1, Standing::Expired),
    ] {
        assert_eq!(at(&grant, ms), standing, "{ms}");
    }
    for (count, standing) in [(9, Standing::Active), (10, Standing::Exhausted)] {
        let mut delivered = grant.clone();
        delivered.totals.delivered.bytes = count;
        assert_eq!(at(&delivered, to), standing);
        let mut used = grant.clone();
        used.totals.used.records = count;
        assert_eq!(at(&used, to), standing);
        let mut received = grant.clone();
        received.totals.received.records = count;
        assert_eq!(at(&received, to), Standing::Active);
    }
    let suspended = mulu_contracts::authorization::AuthorizationStatus::Suspended;
    grant.status = suspended;
    assert_eq!(at(&grant, from), Standing::Inactive);
}

#[test]
fn delegations_hold_from_the_first_to_the_last_moment() {
    let (mut world, _) = case("delegation.grant").run();
    let verdict = |world: &mut World, ms: u64| {
        world.time_ms = ms;
        let payload = world.payload(CONSUMER, None, vec![publish(content())]);
        let payload = with(payload, "/on_behalf_of", json!(PROVIDER));
        let transaction = sign(&payload, &[CONSUMER_OFFICER]);
        world.verdict(&transaction).map_err(|rejection| rejection.rule)
    };
    for (ms, fits) in [
        (START_MS - 1, false),
        (START_MS, true),
        (START_MS + DAY_MS, true),
        (START_MS + DAY_MS + 1, false),
    ] {
        let expected = if fits { Ok(()) } else { Err(Rule::OnBehalfRefused) };
        assert_eq!(verdict(&mut world, ms), expected, "{ms}");
    }
    // Granted again once it is over, or ended.
    let mut again = case("delegation.grant");
    again.action["window"] = window(START_MS, START_MS + 9 * DAY_MS);
    again.world = world.clone();
    again.world.time_ms = START_MS + DAY_MS;
    assert_eq!(again.verdict(), Err(Rule::DelegationExists.id()));
    again.world.time_ms += 1;
    assert_eq!(again.verdict(), Ok(()));
    again.world.time_ms -= 1;
    let at = format!("delegation/{PROVIDER}/{CONSUMER}");
    again.world.patch(&at, "/status", json!("ended"));
    assert_eq!(again.verdict(), Ok(()));
}

/// A delegate is a member in its own right, and so is the principal.
#[test]
fn both_ends_of_a_delegation_are_in_force() {
    let (world, _) = case("delegation.grant").run();
    for suspended in [PROVIDER, CONSUMER] {
        let mut world = world.clone();
        world.patch(&format!("member/{suspended}"), "/status", json!("suspended"));
        let payload = world.payload(CONSUMER, None, vec![publish(content())]);
        let payload = with(payload, "/on_behalf_of", json!(PROVIDER));
        let transaction = sign(&payload, &[CONSUMER_OFFICER]);
        assert_eq!(world.refuse(&transaction), Rule::MemberInactive);
    }
}

#[test]
fn transactions_and_keys_hold_to_the_last_height() {
    let mut publish = case("entry.publish");
    let height = publish.world.height;
    let own = key_at(PROVIDER_OFFICER);
    for (from, to, fits) in [
        (Some(height), Some(height), true),
        (Some(height + 1), None, false),
        (None, Some(height - 1), false),
    ] {
        publish.world.patch(&own, "/valid_from", json!(from));
        publish.world.patch(&own, "/valid_to", json!(to));
        let expected = if fits { Ok(()) } else { Err(Rule::KeyNotInForce.id()) };
        assert_eq!(publish.verdict(), expected, "{from:?} {to:?}");
    }
    let mut register = case("key.register");
    for (from, to, fits) in [
        (None, Some(height), true),
        (Some(9), Some(9), true),
        (Some(9), Some(8), false),
        (None, Some(height - 1), false),
    ] {
        register.action["key"]["valid_from"] = json!(from);
        register.action["key"]["valid_to"] = json!(to);
        let expected = if fits { Ok(()) } else { Err(Rule::KeyHeights.id()) };
        assert_eq!(register.verdict(), expected, "{from:?} {to:?}");
    }
    let mut world = World::new();
    world.height = 5;
    let most = Params::default().valid_heights_max;
    for (until, expected) in [
        (4, Err(Rule::TransactionExpired)),
        (5, Ok(())),
        (5 + most, Ok(())),
        (6 + most, Err(Rule::TransactionTooLongValid)),
    ] {
        let payload = world.payload(PROVIDER, None, vec![crate::world::publish(content())]);
        let transaction = sign(&with(payload, "/valid_until", json!(until)), &[PROVIDER_OFFICER]);
        assert_eq!(world.verdict(&transaction).map_err(|no| no.rule), expected, "{until}");
    }
}

/// Dates hold on their first and on their last day.
#[test]
fn duties_and_regions_hold_on_their_last_day() {
    let (today, yesterday, tomorrow) = ("2025-11-21", "2025-11-20", "2025-11-22");
    let mut publish = case("entry.publish");
    let duty = format!("duty/{PROVIDER}:register");
    let region = json!({"code": "110000", "name": "北京市", "from": today, "to": today,
        "set_at_height": 1});
    publish.world.state.insert("regions".to_owned(), br#"{"count":1}"#.to_vec());
    let at = "region/110000";
    publish.world.state.insert(at.to_owned(), region.to_string().into_bytes());
    publish.world.patch(&duty, "/effective_from", json!(today));
    publish.world.patch(&duty, "/effective_to", json!(today));
    assert_eq!(publish.verdict(), Ok(()));
    for (key, from, to, rule) in [
        (duty.as_str(), "/effective_from", "/effective_to", Rule::DutyNotInForce),
        (at, "/from", "/to", Rule::FieldRegionInForce),
    ] {
        for (path, date) in [(from, tomorrow), (to, yesterday)] {
            let mut late = publish.clone();
            late.world.patch(key, path, json!(date));
            assert_eq!(late.verdict(), Err(rule.id()), "{key} {path}");
        }
    }
}

/// Every parameter's least and greatest value, and one beyond.
#[test]
fn parameters() {
    const DAY: u64 = 86_400_000;
    for (name, least, most) in [
        ("valid_heights_max", 1, 1_000_000_000),
        ("block_time_drift_ms", 1, DAY),
        ("heartbeat_ms", 100, DAY),
        ("grant_window_ms_max", 1, 36_600 * DAY),
        ("clock_skew_ms", 0, DAY),
        ("block_transactions_max", 1, mulu_chain::limits::BLOCK_TRANSACTIONS_MAX as u64),
        ("block_bytes_max", 128 * 1024, mulu_chain::limits::BLOCK_BYTES_MAX as u64),
    ] {
        let change = case("params.change");
        let path = format!("/params/{name}");
        for value in [least, most] {
            assert_eq!(changed(&change, &path, json!(value)), Ok(()), "{name} {value}");
        }
        for value in [least.checked_sub(1), Some(most + 1)].into_iter().flatten() {
            let found = changed(&change, &path, json!(value));
            assert_eq!(found, Err(Rule::ParamsForm.id()), "{name} {value}");
        }
    }
}

/// Every day of a leap year and the one after has its date, and no other.
#[test]
fn every_day_has_its_date() {
    use mulu_contracts::date::{date_of, is_date};
    const MONTHS: [u64; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    // 2024-01-01 in Beijing.
    let mut time_ms = 1_704_038_400_000;
    for year in [2024, 2025] {
        for (month, days) in (1..).zip(MONTHS) {
            let days = if month == 2 && year == 2025 { 28 } else { days };
            for day in 1..=days {
                let date = format!("{year}-{month:02}-{day:02}");
                assert_eq!(date_of(TimeMs(time_ms)), date);
                assert!(is_date(&date), "{date}");
                time_ms += DAY_MS;
            }
            assert!(!is_date(&format!("{year}-{month:02}-{:02}", days + 1)));
        }
    }
    // Centuries are no leap years, every fourth is: the first millisecond of a day in Beijing.
    for (time_ms, date) in [
        (4_107_427_200_000, "2100-02-28"),
        (4_107_513_600_000, "2100-03-01"),
        (4_133_865_600_000, "2100-12-31"),
        (7_263_100_800_000, "2200-02-28"),
        (7_263_187_200_000, "2200-03-01"),
        (10_418_774_400_000, "2300-02-28"),
        (10_418_860_800_000, "2300-03-01"),
        (13_574_534_400_000, "2400-02-29"),
        (13_574_620_800_000, "2400-03-01"),
    ] {
        assert_eq!(date_of(TimeMs(time_ms)), date);
        assert!(*date_of(TimeMs(time_ms - 1)) < *date, "{date}");
    }
    // On a Friday, no days from now is no deadline, although tomorrow is free.
    let none = mulu_contracts::calendar::working_days_after;
    assert_eq!(none(TimeMs(START_MS), 0, &Default::default()), None);
}

/// Obligations concern what is asked for, or offered, and leave some time between reports.
#[test]
fn obligations() {
    for (name, at) in [("authorization.request", ""), ("authorization.offer", "/granted")] {
        let case = case(name);
        for (obligations, fits) in [
            (json!({"mask_items": ["name"], "report_every_ms": 1}), true),
            (json!({"mask_items": ["phone"]}), false),
            (json!({"report_every_ms": 0}), false),
        ] {
            let found = changed(&case, &format!("{at}/obligations"), obligations.clone());
            let expected = if fits { Ok(()) } else { Err(Rule::AuthorizationObligations.id()) };
            assert_eq!(found, expected, "{name} {obligations}");
        }
    }
}
