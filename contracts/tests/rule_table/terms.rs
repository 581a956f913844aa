//! What terms name besides items, window and limits: recipients, a coded purpose.

use mulu_contracts::rule::Rule;
use serde_json::{Value, json};

use crate::Table;
use crate::world::*;

pub fn recipients(table: &mut Table) {
    let world = World::published();
    let asked = |to: Value| with(world.request_action(), "/recipients", to);
    table.consumer(Rule::AuthorizationRecipients, &world, asked(json!([AUTHORITY])));
    let onward = |to: Value| with(asked(to), "/onward", json!(true));
    table.consumer(Rule::MemberUnknown, &world, onward(json!([AUTHORITY, NEWCOMER])));
    table.consumer(Rule::FieldDuplicate, &world, onward(json!([AUTHORITY, AUTHORITY])));
    // What cannot be is refused before who is named in it.
    let closed = asked(json!([NEWCOMER]));
    table.consumer(Rule::AuthorizationRecipients, &world, closed);
    let never = with(onward(json!([NEWCOMER])), "/obligations", json!({"report_every_ms": 0}));
    table.consumer(Rule::AuthorizationObligations, &world, never);

    let mut world = world.clone();
    let transaction = world.by_consumer(onward(json!([AUTHORITY, PROVIDER])));
    world.accept(transaction);
    let requested = serde_json::to_value(world.only_authorization().requested).unwrap();
    let offer = |to: Value| {
        let granted = with(requested.clone(), "/recipients", to);
        with(world.about("offer"), "/granted", granted)
    };
    for wider in [json!([]), json!([CONSUMER]), json!([AUTHORITY, CONSUMER])] {
        table.provider(Rule::AuthorizationWider, &world, offer(wider));
    }
    table.provider(Rule::MemberUnknown, &world, offer(json!([NEWCOMER])));
    let mut offered = world.clone();
    let transaction = offered.by_provider(offer(json!([AUTHORITY])));
    offered.accept(transaction);
    let counter = |to: Value| {
        let wanted = with(requested.clone(), "/recipients", to);
        with(offered.about("counter"), "/requested", wanted)
    };
    table.consumer(Rule::MemberUnknown, &offered, counter(json!([NEWCOMER])));
    let mut countered = offered.clone();
    let transaction = countered.by_consumer(counter(json!([])));
    countered.accept(transaction);
    // Of a grant that stays with its consumer nobody can be a recipient, whoever says so.
    let world = World::requested();
    let requested = serde_json::to_value(world.only_authorization().requested).unwrap();
    let named = with(requested, "/recipients", json!([AUTHORITY]));
    let offer = with(world.about("offer"), "/granted", named);
    table.provider(Rule::AuthorizationRecipients, &world, offer);
}

/// A coded purpose is of the purpose: receipts repeat it.
pub fn purposes(table: &mut Table) {
    let mut world = World::published();
    let coded = with(purpose(), "/code", json!("dpv:LegalCompliance"));
    let request = with(world.request_action(), "/purpose", coded.clone());
    let long = with(request.clone(), "/purpose/code", json!("x".repeat(65)));
    table.consumer(Rule::FieldText, &world, long);
    let transaction = world.by_consumer(request);
    world.accept(transaction);
    let transaction = world.by_provider(world.about("agree"));
    world.accept(transaction);
    let finalize = world.finalize_action();
    let transaction = world.by(CONSUMER, &[CONSUMER_OFFICER, PROVIDER_OFFICER], finalize);
    world.accept(transaction);
    table.provider(Rule::ReceiptPurpose, &world, world.receipt_action("delivered"));
    let good = with(world.receipt_action("delivered"), "/purpose", coded);
    let empty = with(good.clone(), "/purpose/code", json!(""));
    table.provider(Rule::FieldText, &world, empty);
    let transaction = world.by_provider(good);
    world.accept(transaction);
}
