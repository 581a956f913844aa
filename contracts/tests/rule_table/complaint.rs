//! Corrections and objections.

use mulu_contracts::rule::Rule;
use mulu_contracts::state::{entry_id, entry_key, record_id};
use serde_json::{Value, json};

use crate::Table;
use crate::world::*;

/// Executes an action and gives the id of the record it created.
fn opened(world: &mut World, action: Value) -> String {
    let transaction = world.by_consumer(action);
    let id = record_id(&transaction.id(), 0).to_string();
    world.accept(transaction);
    id
}

pub fn corrections(table: &mut Table) {
    let mut world = World::published();
    let open = json!({"type": "correction.open", "entry_id": entry_id(CODE), "item": "name",
        "finding": "名称与登记不符"});
    table.provider(Rule::CorrectionSelf, &world, open.clone());
    let mut change = |rule, path: &str, new: Value| {
        table.consumer(rule, &world, with(open.clone(), path, new));
    };
    change(Rule::EntryUnknown, "/entry_id", json!(entry_id("306001/7")));
    change(Rule::CorrectionItem, "/item", json!("none"));
    change(Rule::FieldText, "/finding", json!(""));
    let taken_back = opened(&mut world, open.clone());
    let withdraw = json!({"type": "correction.withdraw", "correction_id": taken_back});
    table.provider(Rule::CorrectionParty, &world, withdraw.clone());
    let transaction = world.by_consumer(withdraw.clone());
    world.accept(transaction);
    table.consumer(Rule::CorrectionStatus, &world, withdraw);

    let id = opened(&mut world, open.clone());
    let answer = json!({"type": "correction.answer", "correction_id": id, "accept": true,
        "answer": "将于下一版本修正"});
    let fix = |world: &World| json!({"type": "correction.fix", "correction_id": id, "entry_version": world.entry_version()});
    table.consumer(Rule::CorrectionParty, &world, answer.clone());
    let unknown = with(answer.clone(), "/correction_id", json!(entry_id(CODE)));
    table.provider(Rule::CorrectionUnknown, &world, unknown);
    table.provider(Rule::CorrectionStatus, &world, fix(&world));
    let transaction = world.by_provider(answer);
    world.accept(transaction);
    table.provider(Rule::CorrectionVersion, &world, fix(&world));
    let revise = json!({"type": "entry.revise", "entry_id": entry_id(CODE),
        "prev": world.entry_version(), "entry": with(content(), "/summary", json!("已修正"))});
    let transaction = world.by_provider(revise);
    world.accept(transaction);
    let stale = with(fix(&world), "/entry_version", json!(entry_id(CODE)));
    table.provider(Rule::CorrectionVersion, &world, stale);
    let transaction = world.by_provider(fix(&world));
    world.accept(transaction);
    let retire = json!({"type": "entry.retire", "entry_id": entry_id(CODE),
        "prev": world.entry_version(), "reason": "合并"});
    let transaction = world.by_provider(retire);
    world.accept(transaction);
    table.consumer(Rule::EntryStatusMove, &world, open);
}

pub fn objections(table: &mut Table) {
    let mut world = World::published();
    let subject = entry_key(&entry_id(CODE));
    let open = json!({"type": "objection.open", "subject": subject, "ground": "职责依据不足"});
    let mut change = |rule, path: &str, new: Value| {
        table.consumer(rule, &world, with(open.clone(), path, new));
    };
    change(Rule::ObjectionSubject, "/subject", json!("params"));
    change(Rule::ObjectionSubject, "/subject", json!("entry/none"));
    change(Rule::FieldText, "/ground", json!(""));
    let events = world.histories[&subject].len();
    let id = opened(&mut world, open.clone());
    assert_eq!(world.histories[&subject].len(), events + 1);
    let decide = json!({"type": "objection.decide", "objection_id": id, "uphold": true,
        "reason": "理由成立"});
    table.consumer(Rule::KeyRole, &world, decide.clone());
    let authority = &[AUTHORITY_KEY];
    let unknown = with(decide.clone(), "/objection_id", json!(entry_id(CODE)));
    table.by(Rule::ObjectionUnknown, &world, AUTHORITY, authority, unknown);
    let withdraw = json!({"type": "objection.withdraw", "objection_id": id});
    table.provider(Rule::ObjectionParty, &world, withdraw.clone());
    let transaction = world.by(AUTHORITY, authority, decide);
    world.accept(transaction);
    table.consumer(Rule::ObjectionClosed, &world, withdraw);
    let id = opened(&mut world, open);
    let transaction = world.by_consumer(json!({"type": "objection.withdraw", "objection_id": id}));
    world.accept(transaction);
}
