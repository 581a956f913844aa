//! From where each action may be taken: every status of a record with every action on it.

use mulu_contracts::rule::Rule;
use mulu_contracts::state::{entry_id, entry_key, record_id, submission_key};
use serde_json::{Value, json};

use crate::Case;
use crate::cases::after;
use crate::cases_sharing::{STEPS, all, plan, step};
use crate::world::*;

/// The case with a field of the record set.
fn set(mut case: Case, key: &str, path: &str, new: Value) -> Case {
    case.world.patch(key, path, new);
    if case.action.get("prev").is_some() && key.starts_with("entry/") {
        case.action["prev"] = json!(case.world.entry_version());
    }
    // A submission that is to take the place of this version.
    let submission = submission_key(&entry_id(CODE));
    let submitted = case.world.state.get(&submission).cloned().unwrap_or_default();
    if submitted.windows(7).any(|part| part == b"\"prev\":") {
        case.world.patch(&submission, "/prev", json!(case.world.entry_version()));
    }
    if case.action.get("submission").is_some() {
        case.action["submission"] = json!(case.world.version(&submission));
    }
    if case.name() == "authorization.request" {
        case.action["entry_version"] = json!(case.world.entry_version());
    }
    if case.name() == "correction.fix" {
        case.action["entry_version"] = json!(case.world.entry_version());
    }
    case
}

fn subject(case: &Case, kind: &str) -> String {
    format!("{kind}/{}", case.action[format!("{kind}_id")].as_str().unwrap())
}

#[test]
fn authorizations() {
    const STATUSES: [&str; 14] = [
        "requested",
        "compliant",
        "returned",
        "offered",
        "agreed",
        "finalized",
        "rejected",
        "withdrawn",
        "revoked",
        "relinquished",
        "suspended",
        "superseded",
        "disputed",
        "refused",
    ];
    let mut judged = 0;
    for case in all() {
        let by_provider = case.member == PROVIDER;
        let (allowed, other): (&[&str], &[&str]) = match case.name() {
            "authorization.examine" => (&["requested"], &[]),
            "authorization.counter" => (&["offered", "returned"], &[]),
            "authorization.offer" => (&["requested", "compliant"], &[]),
            "authorization.agree" if by_provider => (&["requested", "compliant"], &["offered"]),
            "authorization.agree" => (&["offered"], &["requested", "compliant"]),
            "authorization.finalize" => (&["agreed"], &[]),
            "authorization.reject" => {
                (&["requested", "compliant", "returned", "offered", "agreed"], &[])
            }
            "authorization.withdraw" => (&["requested", "compliant", "returned", "offered"], &[]),
            "authorization.revoke" | "authorization.relinquish" | "authorization.confirm" => {
                (&["finalized", "suspended"], &[])
            }
            "authorization.suspend" => (&["finalized"], &[]),
            "authorization.resume" => (&["suspended"], &[]),
            "authorization.dispute" => (&["rejected"], &[]),
            "authorization.decide" => (&["disputed"], &[]),
            _ => continue,
        };
        for status in STATUSES {
            let key = subject(&case, "authorization");
            let found = set(case.clone(), &key, "/status", json!(status)).verdict();
            let expected = match status {
                // The other party's turn.
                _ if other.contains(&status) => Err(Rule::AuthorizationParty.id()),
                _ if allowed.contains(&status) => Ok(()),
                _ => Err(Rule::AuthorizationStatus.id()),
            };
            assert_eq!(found, expected, "{} by {} {status}", case.name(), case.member);
            judged += 1;
        }
    }
    assert!(judged >= 14 * 21, "{judged}");
}

#[test]
fn entries() {
    let key = entry_key(&entry_id(CODE));
    let mut judged = 0;
    for case in all() {
        // What is decided of a submission is another matter.
        if !case.world.state.contains_key(&key) || decides(&case) && case.name() != "entry.release"
        {
            continue;
        }
        let (allowed, rule): (&[&str], Rule) = match case.name() {
            "entry.submit" | "entry.release" => {
                (&["published", "returned"], Rule::EntryNotPublished)
            }
            "entry.revise" => (&["published", "returned"], Rule::EntryNotPublished),
            "entry.withdraw" | "authorization.request" | "operation.plan" => {
                (&["published"], Rule::EntryNotPublished)
            }
            "entry.suspend" => (&["published"], Rule::EntryStatusMove),
            "entry.return" => (&["published", "suspended"], Rule::EntryStatusMove),
            "entry.retire" | "entry.reject" => {
                let any = &["published", "suspended", "withdrawn", "returned"];
                (any, Rule::EntryStatusMove)
            }
            "entry.freeze" | "entry.lift" => {
                let any =
                    &["published", "suspended", "withdrawn", "returned", "rejected", "retired"];
                (any, Rule::EntryStatusMove)
            }
            "correction.open" | "entry.transfer" => {
                (&["published", "suspended", "withdrawn", "returned"], Rule::EntryStatusMove)
            }
            "entry.resume" => (&["suspended", "withdrawn"], Rule::EntryStatusMove),
            _ => continue,
        };
        for status in ["published", "suspended", "withdrawn", "returned", "rejected", "retired"] {
            let found = set(case.clone(), &key, "/status", json!(status)).verdict();
            // Who suspended resumes, or an authority; who withdrew publishes again.
            let resumes = case.name() == "entry.resume";
            let suspended = case.world.state[&key].windows(12).any(|part| part == b"suspended_by");
            let expected = match status {
                "withdrawn" if resumes && case.member == AUTHORITY => Err(Rule::EntryForeign.id()),
                "suspended" if resumes && !suspended => Err(Rule::EntrySuspender.id()),
                _ if allowed.contains(&status) => Ok(()),
                _ => Err(rule.id()),
            };
            assert_eq!(found, expected, "{} by {} {status}", case.name(), case.member);
            judged += 1;
        }
    }
    assert!(judged >= 6 * 18, "{judged}");
}

/// A freeze stops what changes, shares or uses the entry, and nothing else.
#[test]
fn frozen_entries() {
    let key = entry_key(&entry_id(CODE));
    let frozen = json!({"order": "监察令", "by": AUTHORITY, "at_height": 1});
    let mut stopped = Vec::new();
    for case in all() {
        if !case.world.state.contains_key(&key) || decides(&case) && case.name() != "entry.release"
        {
            continue;
        }
        let name = case.name().to_owned();
        let kind = case.action["kind"].as_str().map(|kind| format!(" {kind}")).unwrap_or_default();
        match set(case, &key, "/frozen", frozen.clone()).verdict() {
            Err(rule) => {
                assert_eq!(rule, Rule::EntryFrozen.id(), "{name}");
                stopped.push(format!("{name}{kind}"));
            }
            Ok(()) => assert!(name != "authorization.request", "{name}"),
        }
    }
    stopped.sort();
    stopped.dedup();
    let expected = [
        "authorization.finalize",
        "authorization.request",
        "entry.freeze",
        "entry.reject",
        "entry.release",
        "entry.resume",
        "entry.retire",
        "entry.return",
        "entry.revise",
        "entry.submit",
        "entry.suspend",
        "entry.transfer",
        "entry.withdraw",
        "operation.plan",
        "receipt.record delivered",
        "receipt.record received",
        "receipt.record used",
    ];
    assert_eq!(stopped, expected);
}

#[test]
fn corrections_and_objections() {
    for case in all() {
        let (kind, allowed, rule, statuses): (_, _, _, &[&str]) = match case.name() {
            "correction.answer" | "correction.withdraw" => {
                let statuses = &["open", "accepted", "declined", "fixed", "withdrawn"];
                ("correction", "open", Rule::CorrectionStatus, statuses)
            }
            "correction.fix" => {
                let statuses = &["open", "accepted", "declined", "fixed", "withdrawn"];
                ("correction", "accepted", Rule::CorrectionStatus, statuses)
            }
            "objection.decide" | "objection.withdraw" => {
                let statuses = &["open", "upheld", "dismissed", "withdrawn"];
                ("objection", "open", Rule::ObjectionClosed, statuses)
            }
            _ => continue,
        };
        for status in statuses {
            let key = subject(&case, kind);
            let found = set(case.clone(), &key, "/status", json!(status)).verdict();
            let expected = if *status == allowed { Ok(()) } else { Err(rule.id()) };
            assert_eq!(found, expected, "{} {status}", case.name());
        }
    }
}

/// A step follows the one before it; the end may follow any.
#[test]
fn operation_steps() {
    let mut world = World::published();
    let transaction = world.by_provider(plan());
    let id = record_id(&transaction.id(), 0).to_string();
    world.accept(transaction);
    let key = format!("operation/{id}");
    world.patch(&key, "/operator", json!(CONSUMER));
    for (from, was) in STEPS.iter().enumerate() {
        for (to, becomes) in STEPS.iter().enumerate() {
            world.patch(&key, "/step", json!(was));
            let (member, keys, action) = step(&id, becomes);
            let found = Case::new(&world, member, keys, action).verdict();
            let next = to == from + 1 || (*becomes == "ended" && *was != "ended");
            let expected = if next { Ok(()) } else { Err(Rule::OperationOrder.id()) };
            assert_eq!(found, expected, "{was} {becomes}");
        }
    }
}

/// An authority ends what it did not begin; another member does not.
#[test]
fn an_authority_may_end_an_operation() {
    let world = World::published();
    let mut planned = world.clone();
    let transaction = planned.by_provider(plan());
    let id = record_id(&transaction.id(), 0).to_string();
    planned.accept(transaction);
    let (_, _, end) = step(&id, "ended");
    let consumer = Case::new(&planned, CONSUMER, &[CONSUMER_OFFICER], end.clone()).verdict();
    assert_eq!(consumer, Err(Rule::OperationParty.id()));
    after(&planned, true, end);
}

/// Whether the case is an authority's word on a submission.
fn decides(case: &Case) -> bool {
    let key = submission_key(&entry_id(CODE));
    case.member == AUTHORITY && case.world.state.contains_key(&key)
}

#[test]
fn submissions() {
    let key = submission_key(&entry_id(CODE));
    let mut judged = 0;
    for case in all().into_iter().filter(decides) {
        let allowed: &[&str] = match case.name() {
            "entry.register" => &["submitted"],
            "entry.release" => &["registered"],
            _ => &["submitted", "registered"],
        };
        for status in ["submitted", "registered", "returned", "rejected", "released"] {
            let mut case = case.clone();
            case.world.patch(&key, "/status", json!(status));
            let version = json!(case.world.version(&key));
            let about = if case.action.get("prev").is_some() { "prev" } else { "submission" };
            case.action[about] = version;
            let allowed = allowed.contains(&status);
            let expected = if allowed { Ok(()) } else { Err(Rule::SubmissionStatus.id()) };
            assert_eq!(case.verdict(), expected, "{} {status}", case.name());
            judged += 1;
        }
    }
    assert_eq!(judged, 8 * 5);
}
