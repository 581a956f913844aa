//! Requests that are examined, and those that go to and fro.

use mulu_contracts::authorization::AuthorizationStatus as Status;
use mulu_contracts::rule::Rule;
use serde_json::{Value, json};

use crate::Table;
use crate::world::*;

fn examine(world: &World, compliant: bool) -> Value {
    let action = with(world.about("examine"), "/compliant", json!(compliant));
    with(action, "/reason", json!("合规审查"))
}

fn extent(items: Value) -> Value {
    json!({"items": items, "limits": {"calls": 80},
        "window": {"from_ms": START_MS, "to_ms": START_MS + 20 * DAY_MS}})
}

fn counter(world: &World) -> Value {
    with(world.about("counter"), "/requested", extent(json!(["name", "capital"])))
}

fn offer(world: &World) -> Value {
    with(world.about("offer"), "/granted", extent(json!(["name"])))
}

/// An action made of the world as it is, then executed.
fn authority(world: &mut World, action: impl FnOnce(&World) -> Value) {
    let action = action(world);
    let transaction = world.by(AUTHORITY, &[AUTHORITY_KEY], action);
    world.accept(transaction);
}

fn consumer(world: &mut World, action: impl FnOnce(&World) -> Value) {
    let action = action(world);
    let transaction = world.by_consumer(action);
    world.accept(transaction);
}

fn provider(world: &mut World, action: impl FnOnce(&World) -> Value) {
    let action = action(world);
    let transaction = world.by_provider(action);
    world.accept(transaction);
}

pub fn compliance(table: &mut Table) {
    let mut world = World::requested();
    // An authority may examine where it need not; then the provider answers as before.
    let mut free = world.clone();
    authority(&mut free, |w| examine(w, true));
    assert_eq!(free.only_authorization().status, Status::Compliant);
    let mut offered = free.clone();
    provider(&mut offered, offer);
    provider(&mut free, |w| w.about("agree"));
    assert_eq!(free.only_authorization().status, Status::Agreed);

    world.patch("params", "/request_compliance", json!(true));
    table.provider(Rule::AuthorizationExamined, &world, world.about("agree"));
    table.provider(Rule::AuthorizationExamined, &world, offer(&world));
    table.provider(Rule::KeyRole, &world, examine(&world, true));
    let silent = with(examine(&world, true), "/reason", json!(""));
    table.by(Rule::FieldText, &world, AUTHORITY, &[AUTHORITY_KEY], silent);
    let mut returned = world.clone();
    authority(&mut returned, |w| examine(w, false));
    assert_eq!(returned.only_authorization().status, Status::Returned);
    assert_eq!(returned.only_authorization().status_reason.as_deref(), Some("合规审查"));
    table.provider(Rule::AuthorizationStatus, &returned, world.about("agree"));
    let keys = &[AUTHORITY_KEY];
    table.by(Rule::AuthorizationStatus, &returned, AUTHORITY, keys, examine(&world, true));
    consumer(&mut returned, counter);
    table.provider(Rule::AuthorizationExamined, &returned, world.about("agree"));
    for status in ["compliant", "returned"] {
        let key = world.only_authorization().authorization_id;
        let mut there = world.clone();
        there.patch(&format!("authorization/{key}"), "/status", json!(status));
        consumer(&mut there.clone(), |w| w.about("withdraw"));
        provider(&mut there, |w| with(w.about("reject"), "/reason", json!("不符")));
    }
    authority(&mut world, |w| examine(w, true));
    provider(&mut world, offer);
    // What is offered was examined before.
    consumer(&mut world, |w| w.about("agree"));

    // What the rules agree to in the provider's place, no authority examined.
    let mut open = World::new();
    open.patch("params", "/request_compliance", json!(true));
    let unconditional = with(content(), "/share", json!({"type": "unconditional"}));
    provider(&mut open, |_| publish(with(unconditional, "/items/2/share", json!("none"))));
    let request = with(open.request_action(), "/auto_agree", json!(true));
    table.consumer(Rule::AuthorizationExamined, &open, request.clone());
    open.patch("params", "/request_compliance", json!(false));
    consumer(&mut open, |_| request);
}

pub fn rounds(table: &mut Table) {
    let mut world = World::requested();
    table.consumer(Rule::AuthorizationStatus, &world, counter(&world));
    provider(&mut world, offer);
    table.provider(Rule::AuthorizationParty, &world, counter(&world));
    let mut change = |rule, path: &str, new: Value| {
        let action = with(counter(&world), &format!("/requested/{path}"), new);
        table.consumer(rule, &world, action);
    };
    change(Rule::AuthorizationItems, "items", json!(["name", "phone"]));
    change(Rule::AuthorizationItems, "items", json!([]));
    change(Rule::FieldDuplicate, "items", json!(["name", "name"]));
    change(Rule::AuthorizationWindow, "window/to_ms", json!(START_MS - 1));
    change(Rule::AuthorizationRate, "limits/rate", json!({"calls": 1, "per_ms": 0}));
    let foreign = json!({"mask_items": ["phone"]});
    change(Rule::AuthorizationObligations, "obligations", foreign);

    let three = with(world.about("counter"), "/requested", extent(json!(["name"])));
    let days = json!({"answer_conditional_days": 10});
    world.patch("params", "/deadlines", days);
    for round in 1..=3 {
        let now = world.time_ms;
        consumer(&mut world, |_| three.clone());
        let asked = world.only_authorization();
        assert_eq!((asked.rounds, asked.status), (round, Status::Requested));
        assert!(asked.granted.is_none() && asked.requested.items == ["name"]);
        assert_eq!(asked.requested_at_ms, Some(now), "the time to answer begins anew");
        provider(&mut world, offer);
    }
    table.consumer(Rule::AuthorizationRounds, &world, three.clone());
    world.patch("params", "/counter_rounds_max", json!(4));
    consumer(&mut world, |_| three);
    // What was left out once is not asked for again.
    provider(&mut world, offer);
    world.patch("params", "/counter_rounds_max", json!(5));
    table.consumer(Rule::AuthorizationItems, &world, counter(&world));
    consumer(&mut world, |w| w.about("agree"));

    table.founding(Rule::ParamsForm, |founding| founding.params.counter_rounds_max = 101);
    let mut founding = founding();
    founding.params.counter_rounds_max = 100;
    assert!(mulu_contracts::genesis_state::genesis_state(&founding).is_ok());
}

pub fn rates(table: &mut Table) {
    let world = World::published();
    let rated = |calls: u64, per_ms: u64| {
        let limits = json!({"rate": {"calls": calls, "per_ms": per_ms}});
        with(world.request_action(), "/limits", limits)
    };
    table.consumer(Rule::AuthorizationRate, &world, rated(1, 0));
    let mut asked = world.clone();
    consumer(&mut asked, |_| rated(5, 1000));
    let base = offer(&asked);
    let offered = |limits: Value| with(base.clone(), "/granted/limits", limits);
    for limits in [
        json!({}),
        json!({"rate": {"calls": 6, "per_ms": 1000}}),
        json!({"rate": {"calls": 5, "per_ms": 999}}),
        json!({"rate": {"calls": 5, "per_ms": 2000}}),
    ] {
        table.provider(Rule::AuthorizationWider, &asked, offered(limits));
    }
    let zero = json!({"rate": {"calls": 5, "per_ms": 0}});
    table.provider(Rule::AuthorizationRate, &asked, offered(zero));
    provider(&mut asked.clone(), |_| offered(json!({"rate": {"calls": 5, "per_ms": 1000}})));
    // A rate where none was asked for is less, too.
    provider(&mut asked, |_| offered(json!({"calls": 1, "rate": {"calls": 0, "per_ms": 1000}})));
}
