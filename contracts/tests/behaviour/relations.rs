//! Records that hang on other records: what they may hang on, and what keeps them apart.

use mulu_contracts::rule::Rule;
use mulu_contracts::state::{entry_id, record_id};
use serde_json::{Value, json};

use crate::bounds::{case, changed};
use crate::cases::after;
use crate::world::*;
use crate::{Case, key_at};

/// A second entry, apart from the first in code and name.
pub fn second() -> Value {
    with(with(content(), "/codes/0", json!("306001/2")), "/name", json!("二"))
}

/// Executes the provider's transaction and gives the id of the record that it created.
fn created(world: &mut World, action: Value) -> String {
    let transaction = world.by_provider(action);
    let id = record_id(&transaction.id(), 0).to_string();
    world.accept(transaction);
    id
}

/// Two finalized grants of the same entry to the same consumer, by their ids.
fn two_grants() -> (World, String, String) {
    let mut world = World::finalized();
    let first = world.only_authorization().authorization_id.to_string();
    let transaction = world.by_consumer(world.request_action());
    let second = record_id(&transaction.id(), 0).to_string();
    world.accept(transaction);
    let about =
        |verb: &str| json!({"type": format!("authorization.{verb}"), "authorization_id": second});
    let transaction = world.by_provider(about("agree"));
    world.accept(transaction);
    let terms = stored(&world, &format!("authorization/{second}"))["terms_hash"].clone();
    let finalize = with(about("finalize"), "/terms_hash", terms);
    let transaction = world.by(CONSUMER, &[CONSUMER_OFFICER, PROVIDER_OFFICER], finalize);
    world.accept(transaction);
    (world, first, second)
}

fn stored(world: &World, key: &str) -> Value {
    serde_json::from_slice(&world.state[key]).unwrap()
}

fn receipt(world: &World, grant: &str, kind: &str) -> Value {
    let terms = stored(world, &format!("authorization/{grant}"))["terms_hash"].clone();
    json!({"type": "receipt.record", "authorization_id": grant, "terms_hash": terms,
        "kind": kind, "items": ["name"], "purpose": purpose(), "seq": 1,
        "window": {"from_ms": START_MS, "to_ms": START_MS + 1000},
        "counts": {"calls": 4}, "digest": format!("sha256:{:064}", 7)})
}

#[test]
fn a_receipt_answers_one_of_its_own_grant_and_kind() {
    let (mut world, first, second) = two_grants();
    let delivery = receipt(&world, &first, "delivered");
    let delivered = created(&mut world, delivery);
    let answering = |kind: &str, grant: &str, to: &str| {
        with(receipt(&world, grant, kind), "/peer_receipt", json!(to))
    };
    for (kind, grant, expected) in [
        ("received", &first, Ok(())),
        ("used", &first, Ok(())),
        ("received", &second, Err(Rule::ReceiptPeer.id())),
        ("used", &second, Err(Rule::ReceiptPeer.id())),
        ("deleted", &first, Err(Rule::ReceiptPeer.id())),
    ] {
        let action = answering(kind, grant, &delivered);
        let found = Case::new(&world, CONSUMER, &[CONSUMER_OFFICER], action).verdict();
        assert_eq!(found, expected, "{kind}");
    }
    let action = answering("delivered", &second, &delivered);
    let found = Case::new(&world, PROVIDER, &[PROVIDER_OFFICER], action).verdict();
    assert_eq!(found, Err(Rule::ReceiptPeer.id()));

    // Only a reception can differ from its delivery.
    let other = json!(format!("sha256:{:064}", 8));
    for (kind, digest, mismatch) in
        [("received", None, false), ("received", Some(&other), true), ("used", Some(&other), false)]
    {
        let mut world = world.clone();
        let mut action = answering(kind, &first, &delivered);
        if let Some(digest) = digest {
            action["digest"] = digest.clone();
        }
        let transaction = world.by_consumer(action);
        let key = format!("receipt/{}", record_id(&transaction.id(), 0));
        world.accept(transaction);
        assert_eq!(stored(&world, &key).get("mismatch").is_some(), mismatch, "{kind}");
    }
}

/// What is corrected is the signer's own, of the same grant and kind, counted, and not yet corrected.
#[test]
fn a_correction_replaces_one_receipt_of_its_own_grant_and_kind() {
    let (mut world, first, second) = two_grants();
    let action = receipt(&world, &first, "delivered");
    let delivered = created(&mut world, action);
    let correcting = |grant: &str, kind: &str, corrects: &str| {
        with(receipt(&world, grant, kind), "/corrects", json!(corrects))
    };
    let next = |action: Value, last: &str| {
        with(with(action, "/seq", json!(2)), "/prev_receipt", json!(last))
    };
    let right = next(correcting(&first, "delivered", &delivered), &delivered);
    let verdict =
        |world: &World, member, key, action| Case::new(world, member, &[key], action).verdict();
    assert_eq!(verdict(&world, PROVIDER, PROVIDER_OFFICER, right.clone()), Ok(()));
    let wrong = Err(Rule::ReceiptCorrects.id());
    let elsewhere = correcting(&second, "delivered", &delivered);
    assert_eq!(verdict(&world, PROVIDER, PROVIDER_OFFICER, elsewhere), wrong);
    for (member, key, kind) in [
        (PROVIDER, PROVIDER_OFFICER, "denied"),
        (CONSUMER, CONSUMER_OFFICER, "received"),
        (CONSUMER, CONSUMER_OFFICER, "used"),
    ] {
        let action = correcting(&first, kind, &delivered);
        assert_eq!(verdict(&world, member, key, action), wrong, "{kind}");
    }
    // Neither a refusal nor a deletion counts anything that could be corrected.
    for (kind, member, key) in
        [("denied", PROVIDER, PROVIDER_OFFICER), ("deleted", CONSUMER, CONSUMER_OFFICER)]
    {
        let mut world = World::finalized();
        let grant = world.only_authorization().authorization_id.to_string();
        let transaction = world.by(member, &[key], receipt(&world, &grant, kind));
        let id = record_id(&transaction.id(), 0).to_string();
        world.accept(transaction);
        let again = with(receipt(&world, &grant, kind), "/corrects", json!(id));
        assert_eq!(verdict(&world, member, key, next(again, &id)), wrong, "{kind}");
    }
    // After the grant has ended, a correction still keeps to what was granted.
    let revoke = json!({"type": "authorization.revoke", "authorization_id": first,
        "reason": "到期"});
    let ended = after(&world, false, revoke);
    assert_eq!(verdict(&ended, PROVIDER, PROVIDER_OFFICER, right.clone()), Ok(()));
    for (path, new, rule) in [
        ("/terms_hash", json!(entry_id(CODE)), Rule::ReceiptTerms),
        ("/items", json!(["phone"]), Rule::ReceiptItems),
        ("/purpose/scenario", json!("其他用途"), Rule::ReceiptPurpose),
        ("/window/from_ms", json!(START_MS - 1), Rule::ReceiptWindow),
    ] {
        let action = with(right.clone(), path, new);
        let found = verdict(&ended, PROVIDER, PROVIDER_OFFICER, action);
        assert_eq!(found, Err(rule.id()), "{path}");
    }
}

/// Only of a grant that was once in force can it be said what was deleted.
#[test]
fn nothing_is_deleted_that_was_never_granted() {
    let world = World::agreed();
    let grant = world.only_authorization().authorization_id.to_string();
    let deleted = receipt(&world, &grant, "deleted");
    let found = Case::new(&world, CONSUMER, &[CONSUMER_OFFICER], deleted).verdict();
    assert_eq!(found, Err(Rule::ReceiptGrant.id()));
    let world = World::finalized();
    for (path, new, rule) in [
        ("/terms_hash", json!(entry_id(CODE)), Rule::ReceiptTerms),
        ("/items", json!(["phone"]), Rule::ReceiptItems),
        ("/purpose/basis", json!("其他依据"), Rule::ReceiptPurpose),
    ] {
        let action = with(receipt(&world, &grant, "deleted"), path, new);
        let found = Case::new(&world, CONSUMER, &[CONSUMER_OFFICER], action).verdict();
        assert_eq!(found, Err(rule.id()), "{path}");
    }
}

/// Neither party records in the other's name, whatever was delegated to it.
#[test]
fn no_party_records_for_the_other() {
    for (principal, delegate, key, kinds) in [
        (PROVIDER, CONSUMER, CONSUMER_OFFICER, &["delivered", "denied"][..]),
        (CONSUMER, PROVIDER, PROVIDER_OFFICER, &["received", "used", "deleted", "denied"]),
    ] {
        let mut world = World::finalized();
        let at = format!("delegation/{principal}/{delegate}");
        let delegation = json!({"principal": principal, "delegate": delegate,
            "scope": ["receipt.record", "authorization.reject", "authorization.relinquish"],
            "window": {"from_ms": START_MS, "to_ms": START_MS + DAY_MS},
            "status": "active", "granted_at_height": 1});
        world.state.insert(at, delegation.to_string().into_bytes());
        for kind in kinds {
            let action = world.receipt_action(kind);
            let payload = world.payload(delegate, None, vec![action]);
            let payload = with(payload, "/on_behalf_of", json!(principal));
            assert_eq!(world.refuse(&sign(&payload, &[key])), Rule::ReceiptSigner, "{kind}");
        }
        let relinquish = world.about("relinquish");
        let payload = world.payload(delegate, None, vec![relinquish]);
        let payload = with(payload, "/on_behalf_of", json!(principal));
        assert_eq!(world.refuse(&sign(&payload, &[key])), Rule::AuthorizationParty);
    }
}

/// What was taken by one entry is free for another that takes something else.
#[test]
fn entries_with_different_sources_and_standard_items_live_together() {
    let sourced = |content: Value, identifier: &str, item: &str| {
        let source = json!({"system": "ckan", "identifier": identifier,
            "content_hash": format!("sha256:{:064}", 1)});
        with(with(content, "/source", source), "/authoritative_for", json!([item]))
    };
    let mut world = World::new();
    let transaction = world.by_provider(publish(sourced(content(), "42", "法人名称")));
    world.accept(transaction);
    let transaction = world.by_provider(publish(sourced(second(), "43", "注册资本")));
    world.accept(transaction);
    let third = with(with(content(), "/codes/0", json!("306001/3")), "/name", json!("三"));
    for (identifier, item, rule) in [
        ("42", "住所", Rule::EntrySourceTaken),
        ("43", "住所", Rule::EntrySourceTaken),
        ("44", "法人名称", Rule::EntryAuthoritative),
        ("44", "注册资本", Rule::EntryAuthoritative),
    ] {
        let transaction = world.by_provider(publish(sourced(third.clone(), identifier, item)));
        assert_eq!(world.refuse(&transaction), rule);
    }
}

/// A system belongs to an office of its member, before and after a revision.
#[test]
fn systems_keep_to_their_members_offices() {
    for name in ["system.register", "system.revise"] {
        let found = changed(&case(name), "/system/office", json!(use_office()));
        assert_eq!(found, Err(Rule::OfficeForeign.id()), "{name}");
        let none = changed(&case(name), "/system/office", json!(format!("{PROVIDER}:none")));
        assert_eq!(none, Err(Rule::OfficeUnknown.id()), "{name}");
    }
    // Whoever moves a system to another office is entitled to both.
    for (bound, expected) in [("data", Rule::KeyOffice), ("gov", Rule::KeyOffice)] {
        let mut case = case("system.revise");
        let office = format!("{PROVIDER}:{bound}");
        case.world.patch(&key_at(PROVIDER_ADMIN), "/office", json!(office));
        case.office = Some(office);
        case.action["system"]["office"] = json!(format!("{PROVIDER}:gov"));
        assert_eq!(case.verdict(), Err(expected.id()), "{bound}");
    }
}

/// Each table remembers when its own columns last changed.
#[test]
fn tables_remember_when_their_columns_changed() {
    let mut world = World::new();
    let at = format!("system/{PROVIDER}:s");
    let hash = |n: u8| json!(format!("sha256:{n:064}"));
    let system = |a: u8, b: u8| {
        json!({"code": "s", "name": "系统", "office": data_office(), "status": "running",
            "tables": [{"name": "a", "columns_hash": hash(a)},
                {"name": "b", "columns_hash": hash(b)}]})
    };
    let register = json!({"type": "system.register", "system": system(1, 1)});
    let transaction = world.by(PROVIDER, &[PROVIDER_ADMIN], register);
    world.accept(transaction);
    for (a, b, expected) in [
        (1, 1, json!(null)),
        (1, 2, json!([{"table": "b", "at_height": 3}])),
        (2, 2, json!([{"table": "a", "at_height": 4}, {"table": "b", "at_height": 3}])),
        (2, 3, json!([{"table": "a", "at_height": 4}, {"table": "b", "at_height": 5}])),
    ] {
        let revise = json!({"type": "system.revise", "prev": world.version(&at),
            "system": system(a, b)});
        let transaction = world.by(PROVIDER, &[PROVIDER_ADMIN], revise);
        world.accept(transaction);
        assert_eq!(stored(&world, &at)["columns_changed"], expected);
    }
}

/// The list of divisions counts each code once.
#[test]
fn divisions_are_counted_once() {
    let mut world = World::new();
    let set = |codes: &[&str]| {
        let regions: Vec<Value> = codes
            .iter()
            .map(|code| json!({"code": code, "name": "区", "from": "2020-01-01"}))
            .collect();
        json!({"type": "region.set", "regions": regions})
    };
    for (codes, count) in
        [(&["110000", "110101"][..], 2), (&["110000"], 2), (&["110000", "110102"], 3)]
    {
        let transaction = world.by(AUTHORITY, &[AUTHORITY_KEY], set(codes));
        world.accept(transaction);
        assert_eq!(stored(&world, "regions")["count"], count);
    }
}

/// The office that takes over is the member's own and in force.
#[test]
fn an_office_is_succeeded_by_one_that_stands() {
    let dissolve = case("office.dissolve");
    for (office, rule) in [
        (format!("{PROVIDER}:none"), Rule::OfficeUnknown),
        (use_office(), Rule::OfficeForeign),
        (data_office(), Rule::OfficeSuccessor),
    ] {
        let found = changed(&dissolve, "/successor", json!(office));
        assert_eq!(found, Err(rule.id()), "{office}");
    }
    assert_eq!(changed(&dissolve, "/successor", Value::Null), Ok(()));
}

/// Once there is a list of divisions, members are admitted to what is on it.
#[test]
fn members_are_admitted_in_divisions_that_stand() {
    let mut admit = case("member.admit");
    let (listed, _) = case("region.set").run();
    admit.world = listed;
    assert_eq!(admit.verdict(), Err(Rule::FieldRegionInForce.id()));
    admit.action["member"]["region"] = json!("110000");
    assert_eq!(admit.verdict(), Ok(()));
}

/// A duty that was handed over names the one it came from, and that one names it.
#[test]
fn a_duty_names_the_one_before_it() {
    let (world, _) = case("duty.transfer").run();
    let new = stored(&world, &format!("duty/{CONSUMER}:taken"));
    assert_eq!(new["supersedes"], format!("{PROVIDER}:register"));
    let old = stored(&world, &format!("duty/{PROVIDER}:register"));
    assert_eq!(old["successor"], format!("{CONSUMER}:taken"));
}
