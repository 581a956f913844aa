//! Entries that are submitted, registered and released.

use mulu_contracts::entry::{Entry, EntryStatus, Submission, SubmissionStatus as Status};
use mulu_contracts::member::MemberRole;
use mulu_contracts::rule::Rule;
use mulu_contracts::state::{self, entry_id, entry_key, submission_key};
use serde_json::{Value, json};

use crate::Table;
use crate::world::*;

fn submit(content: Value) -> Value {
    json!({"type": "entry.submit", "entry": content})
}

fn registering() -> World {
    let mut world = World::new();
    world.patch("params", "/entry_registration", json!(true));
    world
}

fn submission(world: &World) -> Submission {
    let key = submission_key(&entry_id(CODE));
    state::decode(&key, &world.state[&key]).unwrap()
}

fn entry(world: &World) -> Entry {
    let key = entry_key(&entry_id(CODE));
    state::decode(&key, &world.state[&key]).unwrap()
}

/// An authority's decision on the submission as it stands.
fn decide(world: &World, verb: &str) -> Value {
    let version = world.version(&submission_key(&entry_id(CODE)));
    let (id, kind) = (entry_id(CODE), format!("entry.{verb}"));
    match verb {
        "register" | "release" => json!({"type": kind, "entry_id": id, "submission": version}),
        _ => json!({"type": kind, "entry_id": id, "prev": version, "reason": "不合规范"}),
    }
}

fn decided(world: &World, verb: &str) -> World {
    let mut world = world.clone();
    let action = decide(&world, verb);
    let transaction = world.by(AUTHORITY, &[AUTHORITY_KEY], action);
    world.accept(transaction);
    world
}

fn submitted(world: &World, action: Value) -> World {
    let mut world = world.clone();
    let transaction = world.by_provider(action);
    world.accept(transaction);
    world
}

pub fn submissions(table: &mut Table) {
    let authority = &[AUTHORITY_KEY];
    let world = registering();
    // Before everything else of a publication.
    table.consumer(
        Rule::EntryRegistration,
        &world,
        publish(with(content(), "/secret", json!(true))),
    );
    table.consumer(Rule::EntryProviderRole, &world, submit(content()));
    let mut change = |rule, path: &str, new: Value| {
        table.provider(rule, &world, submit(with(content(), path, new)));
    };
    change(Rule::EntrySecret, "/secret", json!(true));
    change(Rule::DutyUnknown, "/responsibilities/0", json!(format!("{PROVIDER}:none")));
    table.by(
        Rule::SubmissionUnknown,
        &world,
        AUTHORITY,
        authority,
        json!({"type": "entry.register", "entry_id": entry_id(CODE), "submission": entry_id(CODE)}),
    );

    let first = submitted(&world, submit(content()));
    assert!(!first.state.contains_key(&entry_key(&entry_id(CODE))), "no entry yet");
    assert_eq!(first.histories[&entry_key(&entry_id(CODE))].len(), 1, "but a history");
    table.provider(Rule::KeyRole, &first, decide(&first, "register"));
    table.by(Rule::SubmissionStatus, &first, AUTHORITY, authority, decide(&first, "release"));
    let stale = with(decide(&first, "register"), "/submission", json!(entry_id(CODE)));
    table.by(Rule::EntryPrev, &first, AUTHORITY, authority, stale);
    let silent = with(decide(&first, "return"), "/reason", json!(""));
    table.by(Rule::FieldText, &first, AUTHORITY, authority, silent);

    // Returned and submitted again; what was decided on is never taken for what came after.
    let registered = decided(&first, "register");
    let returned = decided(&registered, "return");
    assert_eq!(submission(&returned).status, Status::Returned);
    table.by(Rule::SubmissionStatus, &returned, AUTHORITY, authority, decide(&returned, "reject"));
    let again = submitted(&returned, submit(with(content(), "/summary", json!("补充"))));
    assert_eq!((submission(&again).number, submission(&again).status), (2, Status::Submitted));
    table.by(Rule::EntryPrev, &again, AUTHORITY, authority, decide(&first, "register"));
    let rejected = decided(&again, "reject");
    assert_eq!(submission(&rejected).status, Status::Rejected);

    let mut released = decided(&registered, "release");
    assert_eq!((entry(&released).version, entry(&released).status), (1, EntryStatus::Published));
    assert_eq!(submission(&released).status, Status::Released);
    assert_eq!(released.histories[&entry_key(&entry_id(CODE))].len(), 3);
    released.version(&format!("code/{CODE}"));
    table.provider(Rule::EntryCodeTaken, &released, submit(content()));

    // A new version is examined while the old one stays in force.
    let revise = json!({"type": "entry.revise", "entry_id": entry_id(CODE),
        "prev": released.entry_version(), "entry": content()});
    table.consumer(Rule::EntryRegistration, &released, revise);
    let next = with(
        submit(with(content(), "/level", json!("general-3"))),
        "/prev",
        json!(released.entry_version()),
    );
    table.consumer(
        Rule::EntryForeign,
        &released,
        with(next.clone(), "/entry/office", json!(use_office())),
    );
    table.provider(Rule::EntryPrev, &released, with(next.clone(), "/prev", json!(entry_id(CODE))));
    let pending = decided(&submitted(&released, next), "register");
    assert_eq!(entry(&pending).version, 1);
    let transaction = released.by_consumer(pending.request_action());
    pending.clone().accept(transaction);
    let second = decided(&pending, "release");
    assert_eq!(entry(&second).version, 2);
    assert_eq!(entry(&second).stricter_since_height.map(|h| h.0), Some(second.height - 1));
    // What happened to the entry in the meantime counts.
    let mut withdrawn = pending.clone();
    let withdraw = json!({"type": "entry.withdraw", "entry_id": entry_id(CODE),
        "prev": withdrawn.entry_version(), "reason": "合并"});
    let transaction = withdrawn.by_provider(withdraw);
    withdrawn.accept(transaction);
    table.by(
        Rule::EntryNotPublished,
        &withdrawn,
        AUTHORITY,
        authority,
        decide(&withdrawn, "release"),
    );
    // The entry itself is returned by its own version.
    let mut returned = pending.clone();
    let action = json!({"type": "entry.return", "entry_id": entry_id(CODE),
        "prev": returned.entry_version(), "reason": "整改"});
    let transaction = returned.by(AUTHORITY, authority, action);
    returned.accept(transaction);
    assert_eq!(entry(&returned).status, EntryStatus::Returned);
    table.by(Rule::EntryPrev, &returned, AUTHORITY, authority, decide(&returned, "release"));
}

/// A code that two members submit is the one's whose version is released first; while one is
/// examined, the other waits.
pub fn rivals(table: &mut Table) {
    let mut founding = founding();
    founding.params.entry_registration = true;
    founding.members[2].roles.push(MemberRole::Provider);
    let duty = serde_json::from_value(new_duty("own", &use_office(), None)).unwrap();
    founding.duties.push((CONSUMER.to_owned(), duty));
    let mut world = World::new();
    world.state = mulu_contracts::genesis_state::genesis_state(&founding).unwrap();
    let mine = with(content(), "/codes", json!([CODE, "306001/2"]));
    let theirs = with(
        with(content(), "/office", json!(use_office())),
        "/systems",
        json!([{"system": format!("{CONSUMER}:desk")}]),
    );
    let theirs = with(theirs, "/responsibilities", json!([format!("{CONSUMER}:own")]));
    let world = submitted(&world, submit(mine));
    table.consumer(Rule::EntryCodeTaken, &world, submit(theirs.clone()));
    let mut other = world.clone();
    let transaction = other.by_consumer(submit(with(theirs, "/codes/0", json!("306001/2"))));
    other.accept(transaction);
    let mine = decided(&decided(&other, "register"), "release");
    let at = submission_key(&entry_id("306001/2"));
    let decision = |verb: &str, world: &World| {
        json!({"type": format!("entry.{verb}"), "entry_id": entry_id("306001/2"),
            "submission": world.version(&at)})
    };
    let mut late = mine.clone();
    let transaction = late.by(AUTHORITY, &[AUTHORITY_KEY], decision("register", &mine));
    late.accept(transaction);
    table.by(Rule::EntryCodeTaken, &late, AUTHORITY, &[AUTHORITY_KEY], decision("release", &late));
    let mut suspended = late.clone();
    suspended.patch(&state::member_key(CONSUMER), "/status", json!("suspended"));
    let release = decision("release", &suspended);
    table.by(Rule::MemberInactive, &suspended, AUTHORITY, &[AUTHORITY_KEY], release);
}
