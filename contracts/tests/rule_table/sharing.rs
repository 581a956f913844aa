//! Authorizations and receipts.

use mulu_contracts::rule::Rule;
use mulu_contracts::state::{entry_id, member_key};
use serde_json::{Value, json};

use crate::Table;
use crate::world::*;

pub fn requests(table: &mut Table) {
    let world = World::published();
    let request = world.request_action();
    let (officer, provider) = (&[CONSUMER_OFFICER], &[PROVIDER_OFFICER]);
    table.by(Rule::AuthorizationOffice, &world, CONSUMER, officer, request.clone());
    let mut own = world.clone();
    let payload = own.payload(PROVIDER, Some(data_office()), vec![request.clone()]);
    table.refused(Rule::AuthorizationSelf, &mut own, &sign(&payload, provider));
    let mut other = world.clone();
    other.patch(&member_key(CONSUMER), "/roles", json!(["auditor"]));
    table.consumer(Rule::AuthorizationConsumerRole, &other, request.clone());

    let mut change = |rule, path: &str, new: Value| {
        table.consumer(rule, &world, with(request.clone(), path, new));
    };
    change(Rule::EntryUnknown, "/entry_id", json!(entry_id("306001/7")));
    change(Rule::AuthorizationVersion, "/entry_version", json!(entry_id(CODE)));
    change(Rule::AuthorizationItems, "/items", json!([]));
    change(Rule::AuthorizationItems, "/items", json!(["none"]));
    change(Rule::AuthorizationItemNotShared, "/items", json!(["phone"]));
    change(Rule::FieldDuplicate, "/items", json!(["name", "name"]));
    change(Rule::AuthorizationMethod, "/method", json!("mail"));
    change(Rule::AuthorizationWindow, "/window/to_ms", json!(START_MS));
    change(Rule::AuthorizationWindow, "/window/to_ms", json!(START_MS + 1097 * DAY_MS));
    change(Rule::AuthorizationWindow, "/window", json!({"from_ms": 0, "to_ms": 1}));
    change(Rule::FieldText, "/purpose/basis", json!(""));

    let none = json!({"type": "none", "no_share_basis": "保密法"});
    let mut world = World::new();
    let transaction = world.by_provider(publish(with(content(), "/share", none)));
    world.accept(transaction);
    table.consumer(Rule::AuthorizationNotShared, &world, world.request_action());
}

pub fn agreements(table: &mut Table) {
    let world = World::requested();
    let unknown = with(world.about("agree"), "/authorization_id", json!(entry_id(CODE)));
    table.provider(Rule::AuthorizationUnknown, &world, unknown);
    table.consumer(Rule::AuthorizationParty, &world, world.about("agree"));
    let reason = with(world.about("revoke"), "/reason", json!("到期"));
    table.provider(Rule::AuthorizationStatus, &world, reason.clone());
    table.consumer(Rule::AuthorizationParty, &world, reason);
    let offer = with(
        world.about("offer"),
        "/granted",
        json!({"items": ["name"],
        "window": {"from_ms": START_MS, "to_ms": START_MS + DAY_MS}, "limits": {"calls": 9}}),
    );
    let mut change = |rule, path: &str, new: Value| {
        table.provider(rule, &world, with(offer.clone(), path, new));
    };
    change(Rule::AuthorizationWider, "/granted/items", json!(["phone"]));
    change(Rule::AuthorizationWider, "/granted/window/to_ms", json!(START_MS + 31 * DAY_MS));
    change(Rule::AuthorizationWider, "/granted/limits", json!({"calls": 101}));
    change(Rule::AuthorizationWider, "/granted/limits", json!({}));
    change(Rule::AuthorizationItems, "/granted/items", json!([]));
    let empty = with(world.about("reject"), "/reason", json!(""));
    table.provider(Rule::FieldText, &world, empty);

    let world = World::agreed();
    let finalize = world.finalize_action();
    let both = &[CONSUMER_OFFICER, PROVIDER_OFFICER];
    for one in [
        &[CONSUMER_OFFICER][..],
        &[CONSUMER_OFFICER, PROVIDER_APP],
        &[CONSUMER_OFFICER, PROVIDER_BOUND],
    ] {
        table.by(Rule::AuthorizationBoth, &world, CONSUMER, one, finalize.clone());
    }
    let other = with(finalize.clone(), "/terms_hash", json!(entry_id(CODE)));
    table.by(Rule::AuthorizationTerms, &world, CONSUMER, both, other);
    let authority = &[AUTHORITY_KEY];
    table.by(Rule::AuthorizationParty, &world, AUTHORITY, authority, finalize.clone());
    let mut late = world.clone();
    late.time_ms = START_MS + 31 * DAY_MS;
    table.by(Rule::AuthorizationOver, &late, CONSUMER, both, finalize.clone());
    let done = World::finalized();
    table.by(Rule::AuthorizationStatus, &done, CONSUMER, both, finalize);
}

pub fn receipts(table: &mut Table) {
    let world = World::agreed();
    table.provider(Rule::ReceiptGrant, &world, world.receipt_action("delivered"));
    let world = World::finalized();
    let delivered = world.receipt_action("delivered");
    table.consumer(Rule::ReceiptSigner, &world, delivered.clone());
    table.provider(Rule::ReceiptSigner, &world, world.receipt_action("used"));
    let id = entry_id(CODE);
    let mut change = |rule, path: &str, new: Value| {
        table.provider(rule, &world, with(delivered.clone(), path, new));
    };
    change(Rule::ReceiptTerms, "/terms_hash", json!(id));
    change(Rule::ReceiptTerms, "/terms_hash", Value::Null);
    change(Rule::ReceiptItems, "/items", json!(["phone"]));
    change(Rule::ReceiptPurpose, "/purpose/scenario", json!("其他用途"));
    change(Rule::ReceiptWindow, "/window/from_ms", json!(START_MS - 1));
    change(Rule::ReceiptWindow, "/window/from_ms", json!(START_MS + 1001));
    change(Rule::ReceiptFuture, "/window/to_ms", json!(START_MS + 3 * 3_600_000));
    change(Rule::ReceiptLimits, "/counts/calls", json!(101));
    change(Rule::ReceiptSequence, "/seq", json!(2));
    change(Rule::ReceiptPrevious, "/prev_receipt", json!(id));
    change(Rule::ReceiptPeer, "/peer_receipt", json!(id));
    change(Rule::ReceiptDigest, "/digest", Value::Null);
    change(Rule::AuthorizationUnknown, "/authorization_id", json!(id));
    change(Rule::ReceiptLines, "/lines", json!(39));
    change(Rule::ReceiptLines, "/lines", json!(0));
    change(Rule::ReceiptCorrects, "/corrects", json!(id));
    table.provider(Rule::ReceiptSigner, &world, world.receipt_action("deleted"));
    table.consumer(
        Rule::ReceiptPeer,
        &world,
        with(world.receipt_action("deleted"), "/peer_receipt", json!(id)),
    );
    later_words(table, world.clone());

    // Counters that are not limited still stay within what every reader can represent.
    let mut world = world;
    let most = with(delivered, "/counts/bytes", json!(9_007_199_254_740_991u64));
    let first = world.by_provider(with(most.clone(), "/counts/calls", json!(0)));
    let id = mulu_contracts::state::record_id(&first.id(), 0);
    world.accept(first);
    let next = with(with(most, "/seq", json!(2)), "/prev_receipt", json!(id));
    table.provider(Rule::ReceiptLimits, &world, with(next, "/counts/calls", json!(0)));
}

/// What was counted is corrected, once, and deleted, even after the grant has ended.
fn later_words(table: &mut Table, mut world: World) {
    let id = |transaction: &mulu_contracts::transaction::Transaction| {
        mulu_contracts::state::record_id(&transaction.id(), 0).to_string()
    };
    let delivered = with(world.receipt_action("delivered"), "/lines", json!(40));
    let transaction = world.by_provider(delivered.clone());
    let first = id(&transaction);
    world.accept(transaction);
    let received = with(world.receipt_action("received"), "/peer_receipt", json!(first));
    let transaction = world.by_consumer(received);
    let reception = id(&transaction);
    world.accept(transaction);
    let correction = |seq: u64, prev: &str, corrects: &str, calls: u64| {
        let action = with(world.receipt_action("delivered"), "/seq", json!(seq));
        let action = with(with(action, "/prev_receipt", json!(prev)), "/corrects", json!(corrects));
        with(action, "/counts", json!({"calls": calls}))
    };
    let (too_many, fewer) = (correction(2, &first, &first, 101), correction(2, &first, &first, 30));
    let foreign = correction(2, &first, &reception, 30);
    let revoke = with(world.about("revoke"), "/reason", json!("到期"));
    let transaction = world.by_provider(revoke);
    world.accept(transaction);
    table.provider(Rule::ReceiptLimits, &world, too_many);
    table.provider(Rule::ReceiptCorrects, &world, foreign);
    let plain = with(with(delivered, "/seq", json!(2)), "/prev_receipt", json!(first));
    table.provider(Rule::ReceiptGrant, &world, plain);
    let transaction = world.by_provider(fewer);
    let second = id(&transaction);
    world.accept(transaction);
    assert_eq!(world.only_authorization().totals.delivered.calls, 30);
    let again = with(world.receipt_action("delivered"), "/seq", json!(3));
    let again = with(with(again, "/prev_receipt", json!(second)), "/corrects", json!(first));
    table.provider(Rule::ReceiptCorrects, &world, again);
    let deleted = with(world.receipt_action("deleted"), "/seq", json!(2));
    let deleted = with(deleted, "/prev_receipt", json!(reception));
    let deleted = with(with(deleted, "/peer_receipt", json!(reception)), "/digest", Value::Null);
    let transaction = world.by_consumer(deleted);
    world.accept(transaction);
    assert_eq!(world.only_authorization().totals.received.calls, 40);
}
