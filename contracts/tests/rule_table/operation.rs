//! Authorised operations: six steps in order, each by those whose step it is.

use mulu_contracts::rule::Rule;
use mulu_contracts::state::{entry_id, record_id};
use serde_json::{Value, json};

use crate::Table;
use crate::world::*;

pub fn operations(table: &mut Table) {
    let mut world = World::published();
    let document = format!("sha256:{:064}", 9);
    let plan = json!({"type": "operation.plan", "mode": "scenario", "title": "企业征信",
        "entries": [entry_id(CODE)], "document": document,
        "window": {"from_ms": START_MS, "to_ms": START_MS + DAY_MS}});
    let mut change = |rule, path: &str, new: Value| {
        table.provider(rule, &world, with(plan.clone(), path, new));
    };
    change(Rule::FieldText, "/title", json!(""));
    change(Rule::FieldCount, "/entries", json!([]));
    change(Rule::EntryUnknown, "/entries/0", json!(entry_id("306001/7")));
    change(Rule::OperationWindow, "/window/to_ms", json!(START_MS));
    let mut core = World::new();
    let none = json!({"type": "none", "no_share_basis": "保密法"});
    let levelled = with(with(content(), "/level", json!("core")), "/share", none);
    let transaction = core.by_provider(publish(levelled));
    core.accept(transaction);
    table.provider(Rule::OperationCore, &core, plan.clone());
    let transaction = world.by_provider(plan);
    let id = record_id(&transaction.id(), 0).to_string();
    world.accept(transaction);
    let step = |step: &str| json!({"type": "operation.advance", "operation_id": id, "step": step, "document": document});
    let unknown = with(step("approved"), "/operation_id", json!(entry_id(CODE)));
    table.provider(Rule::OperationUnknown, &world, unknown);
    table.provider(Rule::OperationOrder, &world, step("selected"));
    table.provider(Rule::KeyRole, &world, step("approved"));
    table.consumer(Rule::OperationParty, &world, step("ended"));
    let transaction = world.by(AUTHORITY, &[AUTHORITY_KEY], step("approved"));
    world.accept(transaction);
    table.provider(Rule::OperationOperator, &world, step("selected"));
    let select = |member: &str| with(step("selected"), "/operator", json!(member));
    table.provider(Rule::OperationOperator, &world, select(PROVIDER));
    table.provider(Rule::MemberUnknown, &world, select(NEWCOMER));
    let transaction = world.by_provider(select(CONSUMER));
    world.accept(transaction);
    table.provider(Rule::OperationBoth, &world, step("signed"));
    let both = &[PROVIDER_OFFICER, CONSUMER_OFFICER];
    let transaction = world.by(PROVIDER, both, step("signed"));
    world.accept(transaction);
    for last in ["operating", "ended"] {
        let transaction = world.by_provider(step(last));
        world.accept(transaction);
    }
    table.provider(Rule::OperationOrder, &world, step("ended"));
    assert_eq!(world.histories[&format!("operation/{id}")].len(), 6);
}
