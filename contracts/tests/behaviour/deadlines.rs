//! Deadlines in working days: noted only where one runs, and derived from what was noted.

use mulu_chain::log::Outcome;
use mulu_chain::types::{Height, TimeMs};
use mulu_contracts::deadline::{self, Step};
use mulu_contracts::entry::Entry;
use mulu_contracts::execution::execute_block;
use mulu_contracts::params::Params;
use mulu_contracts::rebind::due;
use mulu_contracts::rule::Rule;
use mulu_contracts::state::{self, entry_id, entry_key};
use serde_json::{Value, json};

use crate::Case;
use crate::bounds::{case, changed};
use crate::cases_sharing::all;
use crate::world::*;

const NAMES: [&str; 7] = [
    "answer_unconditional_days",
    "answer_conditional_days",
    "provision_days",
    "dispute_days",
    "objection_days",
    "correction_days",
    "rebind_days",
];

/// The case in a world with one deadline.
fn under(mut case: Case, name: &str, days: u32) -> Case {
    case.world.patch("params", "/deadlines", json!({name: days}));
    case
}

fn params(world: &World) -> Params {
    state::params(world, Height(world.height)).unwrap()
}

/// The last millisecond in Beijing of a date, as days after Friday 2025-11-21.
fn ends(days: u64) -> u64 {
    START_MS - 8 * 3_600_000 + (days + 1) * DAY_MS - 1
}

/// Which action notes its block time, in which record and field, under which deadline alone.
#[test]
fn block_times_are_noted_where_a_deadline_runs() {
    let noted = [
        ("authorization.request", "answer_conditional_days", "/requested_at_ms"),
        ("authorization.counter", "answer_conditional_days", "/requested_at_ms"),
        ("authorization.finalize", "provision_days", "/finalized_at_ms"),
        ("authorization.reject", "dispute_days", "/ended/at_ms"),
        ("correction.open", "correction_days", "/due_since_ms"),
        ("correction.answer", "correction_days", "/due_since_ms"),
        ("objection.open", "objection_days", "/due_since_ms"),
        ("duty.transfer", "rebind_days", "/ended_at_ms"),
        ("duty.abolish", "rebind_days", "/ended_at_ms"),
        ("office.dissolve", "rebind_days", "/dissolved_at_ms"),
        ("system.revise", "rebind_days", "/revised_at_ms"),
    ];
    for name in NAMES {
        for case in all() {
            if case.name().starts_with("params.") {
                continue;
            }
            let (action, time_ms) = (case.name().to_owned(), case.world.time_ms);
            let mut case = under(case, name, 10);
            let transaction = case.transaction();
            let context = case.world.context();
            let execution = execute_block(&context, &[transaction], &case.world).unwrap();
            assert_eq!(execution.outcomes, [Outcome::Accepted], "{action}");
            let mut found = Vec::new();
            for (key, value) in &execution.changes {
                let Ok(value) = serde_json::from_slice::<Value>(value) else { continue };
                for (_, _, path) in noted {
                    if value.pointer(path) == Some(&json!(time_ms)) {
                        found.push((key.clone(), path));
                    }
                }
            }
            found.dedup_by_key(|(key, _)| key.clone());
            let expected = noted.iter().filter(|row| row.0 == action && row.1 == name).count();
            assert_eq!(found.len(), expected, "{action} {name}: {found:?}");
        }
    }
}

#[test]
fn requests_and_grants() {
    let request = case("authorization.request");
    let (world, _) = under(request.clone(), "answer_conditional_days", 1).run();
    let requested = world.only_authorization();
    assert!(!requested.unconditional);
    let due = deadline::of_authorization(&requested, &params(&world)).unwrap();
    // From Friday: Monday.
    assert_eq!((due.step, due.due_ms), (Step::Answer, ends(3)));
    assert_eq!(due.member.as_deref(), Some(PROVIDER));
    let (without, _) = request.run();
    assert_eq!(deadline::of_authorization(&without.only_authorization(), &params(&world)), None);

    let (world, _) = under(case("authorization.finalize"), "provision_days", 2).run();
    let mut granted = world.only_authorization();
    let due = deadline::of_authorization(&granted, &params(&world)).unwrap();
    assert_eq!((due.step, due.due_ms), (Step::Provide, ends(4)));
    granted.totals.delivered.calls = 1;
    assert_eq!(deadline::of_authorization(&granted, &params(&world)), None);
}

/// What everybody may have is answered by its own deadline.
#[test]
fn unconditional_requests() {
    let mut world = World::new();
    let share = json!({"type": "unconditional", "methods": ["platform-api"]});
    let transaction = world.by_provider(publish(with(content(), "/share", share)));
    world.accept(transaction);
    for (name, noted) in [("answer_unconditional_days", true), ("answer_conditional_days", false)] {
        let action = world.request_action();
        let request = Case::new(&world, CONSUMER, &[CONSUMER_OFFICER], action);
        let (world, _) = under(request.office(use_office()), name, 1).run();
        let requested = world.only_authorization();
        assert_eq!((requested.unconditional, requested.requested_at_ms.is_some()), (noted, noted));
        let due = deadline::of_authorization(&requested, &params(&world));
        assert_eq!(due.map(|due| due.due_ms), noted.then(|| ends(3)));
    }
}

#[test]
fn disputes_until_the_deadline() {
    let (world, _) = under(case("authorization.reject"), "dispute_days", 1).run();
    let mut dispute = case("authorization.dispute");
    dispute.world = world;
    for (time_ms, fits) in [(ends(3), true), (ends(3) + 1, false)] {
        dispute.world.time_ms = time_ms;
        let expected = if fits { Ok(()) } else { Err(Rule::AuthorizationDisputeLate.id()) };
        assert_eq!(dispute.verdict(), expected, "{time_ms}");
    }
    // No deadline ran when it was rejected: none runs now.
    let mut old = case("authorization.dispute");
    old.world.patch("params", "/deadlines", json!({"dispute_days": 1}));
    old.world.time_ms = ends(99);
    assert_eq!(old.verdict(), Ok(()));
}

#[test]
fn complaints() {
    use mulu_contracts::correction::{Correction, CorrectionStatus};
    use mulu_contracts::objection::{Objection, ObjectionStatus};
    let stored = |world: &World, kind: &str| {
        world.state.iter().find(|(key, _)| key.starts_with(kind)).unwrap().1.clone()
    };
    let (world, _) = under(case("correction.open"), "correction_days", 1).run();
    let mut correction: Correction = state::decode("", &stored(&world, "correction/")).unwrap();
    for (status, step) in [
        (CorrectionStatus::Open, Some(Step::Answer)),
        (CorrectionStatus::Accepted, Some(Step::Mend)),
        (CorrectionStatus::Declined, None),
        (CorrectionStatus::Fixed, None),
        (CorrectionStatus::Withdrawn, None),
    ] {
        correction.status = status;
        let due = deadline::of_correction(&correction, &params(&world));
        assert_eq!(due.as_ref().map(|due| due.step), step);
        if let Some(due) = due {
            assert_eq!((due.member.as_deref(), due.due_ms), (Some(PROVIDER), ends(3)));
        }
    }
    let (world, _) = under(case("objection.open"), "objection_days", 1).run();
    let mut objection: Objection = state::decode("", &stored(&world, "objection/")).unwrap();
    for (status, step) in [
        (ObjectionStatus::Open, Some(Step::Decide)),
        (ObjectionStatus::Upheld, None),
        (ObjectionStatus::Dismissed, None),
        (ObjectionStatus::Withdrawn, None),
    ] {
        objection.status = status;
        let due = deadline::of_objection(&objection, &params(&world));
        assert_eq!(due.map(|due| (due.step, due.member)), step.map(|step| (step, None)));
    }
}

#[test]
fn bindings() {
    let (mut world, _) = {
        let mut case = case("office.dissolve");
        case.world = World::published();
        under(case, "rebind_days", 1).run()
    };
    let revise = json!({"type": "system.revise", "system": {"code": "main", "name": "系统",
        "office": format!("{PROVIDER}:gov"), "status": "running", "tables": [{"name": "t1",
            "columns_hash": format!("sha256:{:064}", 3)}]},
        "prev": world.version(&format!("system/{PROVIDER}:main"))});
    let transaction = world.by(PROVIDER, &[PROVIDER_ADMIN], revise);
    world.accept(transaction);
    let abolish = json!({"type": "duty.abolish", "duty": format!("{PROVIDER}:register"),
        "basis": "法律废止"});
    let transaction = world.by(PROVIDER, &[PROVIDER_ADMIN, AUTHORITY_KEY], abolish);
    world.accept(transaction);
    let key = entry_key(&entry_id(CODE));
    let entry: Entry = state::decode(&key, &world.state[&key]).unwrap();
    let found = due(&world, &entry, TimeMs(world.time_ms)).unwrap();
    assert_eq!(found.len(), 3);
    for rebind in found {
        let due = deadline::of_rebind(&rebind, PROVIDER, &params(&world)).unwrap();
        assert_eq!((due.step, due.due_ms), (Step::Rebind, ends(3)), "{:?}", rebind.cause);
        assert_eq!(due.member.as_deref(), Some(PROVIDER));
    }
}

#[test]
fn calendars_and_deadlines_as_parameters() {
    let change = case("params.change");
    for name in NAMES {
        for (days, fits) in [(366, true), (367, false)] {
            let found = changed(&change, "/params/deadlines", json!({name: days}));
            let expected = if fits { Ok(()) } else { Err(Rule::ParamsForm.id()) };
            assert_eq!(found, expected, "{name} {days}");
        }
    }
    for list in ["holidays", "workdays"] {
        let calendar = |dates: Value| changed(&change, "/params/calendar", json!({list: dates}));
        for (dates, expected) in [
            (json!(["2025-10-01", "2025-10-02"]), Ok(())),
            (json!(["2025-10-01", "2025-10-01"]), Err(Rule::ParamsCalendar.id())),
            (json!(["2025-10-02", "2025-10-01"]), Err(Rule::ParamsCalendar.id())),
            (json!(["2025-10-1"]), Err(Rule::FieldDate.id())),
            (json!(vec!["2025-10-01"; 367]), Err(Rule::FieldCount.id())),
        ] {
            assert_eq!(calendar(dates.clone()), expected, "{list} {dates}");
        }
    }
    // Only what is not zero is stored.
    let mut stored = change.clone();
    stored.action["params"]["deadlines"] = json!({"objection_days": 1});
    let (world, _) = stored.run();
    let record: Value = serde_json::from_slice(&world.state["params"]).unwrap();
    assert_eq!(record["deadlines"], json!({"objection_days": 1}));
    let mut stored = change;
    stored.action["params"]["calendar"] = json!({"holidays": ["2025-11-24"]});
    let (world, _) = stored.run();
    let holidays = params(&world).calendar;
    let due = mulu_contracts::calendar::working_days_after(TimeMs(START_MS), 1, &holidays);
    assert_eq!(due, Some(ends(4)), "the Monday is free");
}

/// A change holds from the height it names, at the earliest the next.
#[test]
fn changes_that_hold_later() {
    let change = case("params.change");
    let now = change.world.height;
    for (from, fits) in
        [(now, false), (now + 1, true), (now + 10_000_000, true), (now + 10_000_001, false)]
    {
        let found = changed(&change, "/in_force_from", json!(from));
        let expected = if fits { Ok(()) } else { Err(Rule::ParamsFrom.id()) };
        assert_eq!(found, expected, "{from}");
    }
    let mut later = change;
    later.action["in_force_from"] = json!(now + 5);
    let (world, _) = later.run();
    for (height, heartbeat_ms) in [(now + 4, 60_000), (now + 5, 5_000), (now + 6, 5_000)] {
        let found = state::params(&world, Height(height)).unwrap();
        assert_eq!(found.heartbeat_ms, heartbeat_ms, "{height}");
    }
    // One more change, named while the first waits, keeps what is in force now.
    let again = json!({"type": "params.change", "prev": world.version("params"),
        "params": Params { heartbeat_ms: 7_000, ..Params::default() }, "in_force_from": now + 9});
    for (height, heartbeat_ms) in [(now + 3, 60_000), (now + 6, 5_000)] {
        let mut world = world.clone();
        world.height = height;
        let transaction = world.by(AUTHORITY, &[AUTHORITY_KEY, PROVIDER_ADMIN], again.clone());
        world.accept(transaction);
        assert_eq!(params(&world).heartbeat_ms, heartbeat_ms, "{height}");
        assert_eq!(state::params(&world, Height(now + 9)).unwrap().heartbeat_ms, 7_000);
    }
}
