//! Grants handed on, replaced, and agreed without an answer.

use mulu_contracts::authorization::{Authorization, AuthorizationStatus as Status};
use mulu_contracts::genesis_state::genesis_state;
use mulu_contracts::member::MemberRole;
use mulu_contracts::rule::Rule;
use mulu_contracts::state::{self, entry_id, entry_key, record_id};
use mulu_contracts::transaction::Transaction;
use serde_json::{Value, json};

use crate::Case;
use crate::cases::after;
use crate::world::*;

/// The officer of the authority's office `audit`, to which the consumer hands on.
pub const AUDIT_OFFICER: u8 = 30;
pub const BOTH: &[u8] = &[CONSUMER_OFFICER, PROVIDER_OFFICER];

pub fn id_of(transaction: &Transaction) -> String {
    record_id(&transaction.id(), 0).to_string()
}

fn key_of(id: &str) -> String {
    format!("authorization/{id}")
}

pub fn stored(world: &World, id: &str) -> Authorization {
    state::decode("", &world.state[&key_of(id)]).unwrap()
}

pub fn about(id: &str, verb: &str) -> Value {
    json!({"type": format!("authorization.{verb}"), "authorization_id": id})
}

fn finalize(world: &World, id: &str) -> Value {
    with(about(id, "finalize"), "/terms_hash", json!(stored(world, id).terms_hash))
}

pub fn request(world: &World, member: &'static str, action: Value) -> Case {
    let (office, key) = match member {
        AUTHORITY => (format!("{AUTHORITY}:audit"), AUDIT_OFFICER),
        _ => (use_office(), CONSUMER_OFFICER),
    };
    Case::new(world, member, &[key], action).office(office)
}

/// A finalized grant of the consumer's that may be handed on, and a world whose authority consumes.
fn parent() -> (World, String) {
    parent_for(json!([]))
}

/// As [`parent`], to be handed on to these members.
pub fn parent_for(recipients: Value) -> (World, String) {
    let mut founding = founding();
    founding.members[0].roles.push(MemberRole::Consumer);
    let office = json!({"code": "audit", "name": "稽核处"});
    founding.offices.push((AUTHORITY.to_owned(), serde_json::from_value(office).unwrap()));
    let officer = json!({"public_key": key_text(AUDIT_OFFICER), "roles": ["officer"]});
    founding.keys.push((AUTHORITY.to_owned(), serde_json::from_value(officer).unwrap()));
    let mut world = World::new();
    world.state = genesis_state(&founding).unwrap();
    let world = after(&world, false, publish(content()));
    let asked = with(world.request_action(), "/onward", json!(true));
    granted(&world, CONSUMER, with(asked, "/recipients", recipients), BOTH)
}

/// Requested, agreed to and finalized; the keys are the consumer's and the provider's.
pub fn granted(world: &World, member: &'static str, asked: Value, keys: &[u8]) -> (World, String) {
    let mut world = world.clone();
    let mut case = request(&world, member, asked);
    let transaction = case.transaction();
    let id = id_of(&transaction);
    world.accept(transaction);
    let provider = if keys[1] == PROVIDER_OFFICER { PROVIDER } else { CONSUMER };
    let transaction = world.by(provider, &keys[1..], about(&id, "agree"));
    world.accept(transaction);
    let action = finalize(&world, &id);
    let transaction = world.by(member, keys, action);
    world.accept(transaction);
    (world, id)
}

pub fn handing_on(world: &World, parent: &str) -> Value {
    with(world.request_action(), "/parent", json!(parent))
}

/// A grant and the one handed on from it, both in force.
fn child() -> (World, String, String) {
    let (world, parent) = parent();
    let asked = handing_on(&world, &parent);
    let (world, child) = granted(&world, AUTHORITY, asked, &[AUDIT_OFFICER, CONSUMER_OFFICER]);
    (world, parent, child)
}

fn receipt(world: &World, id: &str, kind: &str, counts: Value) -> Value {
    json!({"type": "receipt.record", "authorization_id": id,
        "terms_hash": stored(world, id).terms_hash, "kind": kind, "items": ["name"],
        "purpose": purpose(), "digest": format!("sha256:{:064}", 7), "counts": counts,
        "window": {"from_ms": START_MS, "to_ms": START_MS + 1000}, "seq": 1})
}

/// A receipt of the grant handed on: its provider is the consumer of the other.
fn of_child(world: &World, id: &str, kind: &str, counts: Value) -> Case {
    let action = receipt(world, id, kind, counts);
    match kind {
        "delivered" => Case::new(world, CONSUMER, &[CONSUMER_OFFICER], action),
        _ => Case::new(world, AUTHORITY, &[AUDIT_OFFICER], action),
    }
}

#[test]
fn no_more_is_handed_on_than_was_granted() {
    let (world, parent) = parent();
    let good = handing_on(&world, &parent);
    assert_eq!(request(&world, AUTHORITY, good.clone()).verdict(), Ok(()));
    let (from, to) = (START_MS, START_MS + 30 * DAY_MS);
    for (path, new) in [
        ("/entry_version", json!(entry_id(CODE))),
        ("/items", json!(["name", "phone"])),
        ("/items", json!([])),
        ("/window/from_ms", json!(from - 1)),
        ("/window/to_ms", json!(to + 1)),
        ("/limits", json!({"calls": 101})),
        ("/limits", json!({})),
        ("/method", json!("mail")),
        ("/purpose/scenario", json!("其他用途")),
        ("/onward", json!(true)),
    ] {
        let found = request(&world, AUTHORITY, with(good.clone(), path, new)).verdict();
        assert_eq!(found, Err(Rule::AuthorizationOnward.id()), "{path}");
    }
    // Another published entry is not the one that was granted.
    let second = with(with(content(), "/codes/0", json!("306001/2")), "/name", json!("二"));
    let other = after(&world, false, publish(second));
    let version = other.version(&entry_key(&entry_id("306001/2")));
    let elsewhere = with(good.clone(), "/entry_id", json!(entry_id("306001/2")));
    let elsewhere = with(elsewhere, "/entry_version", json!(version));
    let found = request(&other, AUTHORITY, elsewhere).verdict();
    assert_eq!(found, Err(Rule::AuthorizationOnward.id()));
    // Nor does anybody hand on to itself, or without an answer.
    let found = request(&world, CONSUMER, good.clone()).verdict();
    assert_eq!(found, Err(Rule::AuthorizationSelf.id()));
    let found = request(&world, AUTHORITY, with(good.clone(), "/auto_agree", json!(true)));
    assert_eq!(found.clone().verdict(), Err(Rule::AuthorizationAutomatic.id()));
    // The grant is in force, open to be handed on, and itself not handed on.
    for (path, new) in [
        ("/status", json!("suspended")),
        ("/onward", json!(false)),
        ("/parent", json!(entry_id(CODE))),
        ("/totals/delivered/calls", json!(100)),
        ("/totals/used/calls", json!(100)),
        (
            "/handed_on",
            json!({"delivered": {"calls": 100, "records": 0, "bytes": 0},
            "received": {"calls": 0, "records": 0, "bytes": 0},
            "used": {"calls": 0, "records": 0, "bytes": 0}}),
        ),
    ] {
        let mut world = world.clone();
        world.patch(&key_of(&parent), path, new);
        let found = request(&world, AUTHORITY, good.clone()).verdict();
        assert_eq!(found, Err(Rule::AuthorizationOnward.id()), "{path}");
    }
}

/// What ends or uses up a grant stops what was handed on from it, before and after it is finalized.
#[test]
fn what_is_handed_on_stands_with_its_grant() {
    let (world, parent) = parent();
    let mut agreed = world.clone();
    let transaction = request(&world, AUTHORITY, handing_on(&world, &parent)).transaction();
    let id = id_of(&transaction);
    agreed.accept(transaction);
    let transaction = agreed.by_consumer(about(&id, "agree"));
    agreed.accept(transaction);
    let keys = [AUDIT_OFFICER, CONSUMER_OFFICER];
    let sign_it =
        |world: &World| Case::new(world, AUTHORITY, &keys, finalize(world, &id)).verdict();
    assert_eq!(sign_it(&agreed), Ok(()));
    for (path, new) in [
        ("/status", json!("revoked")),
        ("/onward", json!(false)),
        ("/totals/used/calls", json!(100)),
    ] {
        let mut world = agreed.clone();
        world.patch(&key_of(&parent), path, new);
        assert_eq!(sign_it(&world), Err(Rule::AuthorizationOnward.id()), "{path}");
    }
    let (world, parent, child) = self::child();
    for kind in ["delivered", "received", "used"] {
        let counts = json!({"calls": 1});
        assert_eq!(of_child(&world, &child, kind, counts.clone()).verdict(), Ok(()), "{kind}");
        let mut ended = world.clone();
        ended.patch(&key_of(&parent), "/status", json!("superseded"));
        let found = of_child(&ended, &child, kind, counts.clone()).verdict();
        assert_eq!(found, Err(Rule::AuthorizationOnward.id()), "{kind}");
        // The entry became stricter after the parent was signed, though before the child was.
        let mut stricter = world.clone();
        let since = stored(&world, &parent).finalized_at_height.unwrap().0 + 1;
        let at = entry_key(&entry_id(CODE));
        stricter.patch(&at, "/stricter_since_height", json!(since));
        let found = of_child(&stricter, &child, kind, counts).verdict();
        assert_eq!(found, Err(Rule::ReceiptStricter.id()), "{kind}");
    }
    // A refusal and a deletion are said whatever became of it.
    for kind in ["denied", "deleted"] {
        let mut ended = world.clone();
        ended.patch(&key_of(&parent), "/status", json!("revoked"));
        assert_eq!(of_child(&ended, &child, kind, json!({"calls": 1})).verdict(), Ok(()), "{kind}");
    }
}

#[test]
fn what_is_handed_on_counts_for_its_grant() {
    let (world, parent, child) = child();
    let before = String::from_utf8(world.state[&key_of(&parent)].clone()).unwrap();
    assert!(!before.contains("handed_on"), "nothing is not stored");
    let counts = json!({"calls": 3, "records": 5, "bytes": 7});
    for kind in ["delivered", "received", "used", "denied", "deleted"] {
        let (world, subjects) = of_child(&world, &child, kind, counts.clone()).run();
        let handed_on = stored(&world, &parent).handed_on;
        let totals = [
            ("delivered", handed_on.delivered),
            ("received", handed_on.received),
            ("used", handed_on.used),
        ];
        for (name, found) in totals {
            let expected = if name == kind { [3, 5, 7] } else { [0; 3] };
            assert_eq!([found.calls, found.records, found.bytes], expected, "{kind} {name}");
        }
        assert!(subjects.contains(&key_of(&parent)), "{kind}");
    }
    // With what its consumer used itself, it stays within the grant, limit by limit.
    for kind in ["delivered", "received", "used"] {
        for limit in ["calls", "records", "bytes"] {
            let mut world = world.clone();
            world.patch(&key_of(&parent), "/granted/limits", json!({limit: 10}));
            world.patch(&key_of(&parent), &format!("/totals/used/{limit}"), json!(4));
            for (count, fits) in [(6, true), (7, false)] {
                let found = of_child(&world, &child, kind, json!({limit: count})).verdict();
                let expected = if fits { Ok(()) } else { Err(Rule::ReceiptOnwardLimits.id()) };
                assert_eq!(found, expected, "{kind} {limit} {count}");
            }
            // And the consumer uses no more than is left.
            let mut handed = world.clone();
            let handed_on = json!({"delivered": {"calls": 0, "records": 0, "bytes": 0},
                "received": {"calls": 0, "records": 0, "bytes": 0},
                "used": {"calls": 0, "records": 0, "bytes": 0}});
            handed.patch(&key_of(&parent), "/handed_on", handed_on);
            handed.patch(&key_of(&parent), &format!("/handed_on/{kind}/{limit}"), json!(5));
            for (count, fits) in [(1, true), (2, kind == "received")] {
                let used = receipt(&handed, &parent, "used", json!({limit: count}));
                let found = Case::new(&handed, CONSUMER, &[CONSUMER_OFFICER], used).verdict();
                let expected = if fits { Ok(()) } else { Err(Rule::ReceiptLimits.id()) };
                assert_eq!(found, expected, "{kind} {limit} {count}");
            }
        }
    }
    // Not limited, it still stays within what every reader can represent.
    const MOST: u64 = mulu_chain::limits::JSON_INTEGER_MAX;
    for limit in ["calls", "records", "bytes"] {
        let mut world = world.clone();
        world.patch(&key_of(&parent), "/granted/limits", json!({}));
        world.patch(&key_of(&child), "/granted/limits", json!({}));
        world.patch(&key_of(&parent), &format!("/totals/used/{limit}"), json!(1));
        for (count, fits) in [(MOST - 1, true), (MOST, false)] {
            let found = of_child(&world, &child, "used", json!({limit: count})).verdict();
            let expected = if fits { Ok(()) } else { Err(Rule::ReceiptOnwardLimits.id()) };
            assert_eq!(found, expected, "{limit} {count}");
        }
    }
}

/// A correction takes back what it replaces, from the grant handed on and from its parent.
#[test]
fn corrections_are_counted_for_the_grant() {
    let (world, parent, child) = child();
    let (world, _) = of_child(&world, &child, "used", json!({"calls": 60, "bytes": 9})).run();
    let mut again = of_child(&world, &child, "used", json!({"calls": 90, "records": 1}));
    again.action["seq"] = json!(2);
    again.action["prev_receipt"] = json!(world_receipt(&world));
    again.action["corrects"] = json!(world_receipt(&world));
    let (world, subjects) = again.run();
    assert!(subjects.contains(&key_of(&parent)), "a correction is an event of the parent, too");
    let used = stored(&world, &parent).handed_on.used;
    assert_eq!([used.calls, used.records, used.bytes], [90, 1, 0]);
    assert_eq!(stored(&world, &child).totals.used, used);
}

/// The id of the only receipt.
fn world_receipt(world: &World) -> String {
    let key = world.state.keys().find(|key| key.starts_with("receipt/")).unwrap();
    key.trim_start_matches("receipt/").to_owned()
}

#[test]
fn a_grant_is_replaced_by_its_own_parties() {
    let (world, old) = parent();
    let asked = with(world.request_action(), "/replaces", json!(old));
    assert_eq!(request(&world, CONSUMER, asked.clone()).verdict(), Ok(()));
    // Its consumer, its provider, its entry.
    let found = request(&world, AUTHORITY, asked.clone()).verdict();
    assert_eq!(found, Err(Rule::AuthorizationReplaces.id()));
    // (What was handed on keeps its provider; other grants follow their entry.)
    for changes in [
        &[("/consumer", json!(NEWCOMER))][..],
        &[("/parent", json!(entry_id(CODE))), ("/provider", json!(NEWCOMER))],
    ] {
        let mut other = world.clone();
        for (path, new) in changes {
            other.patch(&key_of(&old), path, new.clone());
        }
        let found = request(&other, CONSUMER, asked.clone()).verdict();
        assert_eq!(found, Err(Rule::AuthorizationReplaces.id()), "{changes:?}");
    }
    let mut other = world.clone();
    let at = entry_key(&entry_id("306001/2"));
    other.state.insert(at, other.state[&entry_key(&entry_id(CODE))].clone());
    other.patch(&key_of(&old), "/entry_id", json!(entry_id("306001/2")));
    let found = request(&other, CONSUMER, asked.clone()).verdict();
    assert_eq!(found, Err(Rule::AuthorizationReplaces.id()));
    for (status, fits) in [("suspended", true), ("revoked", false), ("agreed", false)] {
        let mut other = world.clone();
        other.patch(&key_of(&old), "/status", json!(status));
        let found = request(&other, CONSUMER, asked.clone()).verdict();
        let expected = if fits { Ok(()) } else { Err(Rule::AuthorizationStatus.id()) };
        assert_eq!(found, expected, "{status}");
    }
    // The old one stands until the new one is signed, and must stand until then.
    let mut agreed = world.clone();
    let transaction = request(&world, CONSUMER, asked).transaction();
    let new = id_of(&transaction);
    agreed.accept(transaction);
    let transaction = agreed.by_provider(about(&new, "agree"));
    agreed.accept(transaction);
    let mut ended = agreed.clone();
    ended.patch(&key_of(&old), "/status", json!("revoked"));
    let found = Case::new(&ended, CONSUMER, BOTH, finalize(&ended, &new)).verdict();
    assert_eq!(found, Err(Rule::AuthorizationStatus.id()));
    let height = agreed.height;
    let (signed, subjects) = Case::new(&agreed, CONSUMER, BOTH, finalize(&agreed, &new)).run();
    assert!(subjects.contains(&key_of(&old)) && subjects.contains(&key_of(&new)));
    let old = stored(&signed, &old);
    assert_eq!(old.status, Status::Superseded);
    assert_eq!(old.superseded_by.map(|id| id.to_string()), Some(new));
    let ended = old.ended.unwrap();
    assert_eq!((ended.by.as_str(), ended.at_height.0, ended.reason), (CONSUMER, height, None));
}

/// Agreed at once is only what everybody may have.
#[test]
fn only_what_is_unconditional_needs_no_answer() {
    let open = json!({"type": "unconditional", "methods": ["platform-api"]});
    let open = with(content(), "/share", open);
    let important = with(open.clone(), "/level", json!("important"));
    let item = with(open.clone(), "/items/1/share", json!("conditional"));
    for (content, items, fits) in [
        (open.clone(), json!(["name", "capital"]), true),
        (content(), json!(["name"]), false),
        (important, json!(["name"]), false),
        (item.clone(), json!(["name", "capital"]), false),
        // The item that has a condition is not asked for.
        (item, json!(["name"]), true),
        (with(open.clone(), "/level", json!("general-4")), json!(["name"]), true),
    ] {
        let world = after(&World::new(), false, publish(content));
        let asked = with(world.request_action(), "/auto_agree", json!(true));
        let case = request(&world, CONSUMER, with(asked, "/items", items.clone()));
        let expected = if fits { Ok(()) } else { Err(Rule::AuthorizationAutomatic.id()) };
        assert_eq!(case.clone().verdict(), expected, "{items}");
        if fits {
            let (world, _) = case.run();
            let agreed = world.only_authorization();
            assert_eq!(agreed.status, Status::Agreed);
            assert_eq!(agreed.granted.as_ref(), Some(&agreed.requested));
            assert_eq!(agreed.terms_hash, Some(agreed.terms().hash()));
        }
    }
    // No entry of sensitive personal data is open to everybody (ENT-14); were one, this would hold.
    let mut world = after(&World::new(), false, publish(open));
    world.patch(&entry_key(&entry_id(CODE)), "/content/personal_info", json!("sensitive"));
    let asked = with(world.request_action(), "/auto_agree", json!(true));
    let found = request(&world, CONSUMER, asked).verdict();
    assert_eq!(found, Err(Rule::AuthorizationAutomatic.id()));
}

/// An authority that decides for the consumer grants what was requested, not what was offered before.
#[test]
fn a_dispute_decided_grants_what_was_requested() {
    let mut world = crate::cases_sharing::offered();
    let told = |world: &World, verb: &str| with(world.about(verb), "/reason", json!("核查"));
    world = after(&world, false, told(&world, "reject"));
    let transaction = world.by_consumer(told(&world, "dispute"));
    world.accept(transaction);
    world = after(&world, true, with(told(&world, "decide"), "/grant", json!(true)));
    let decided = world.only_authorization();
    assert_eq!(decided.granted.as_ref(), Some(&decided.requested));
}
