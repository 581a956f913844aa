//! The way through: publish, revise, request, agree, finalize, record; and what holds on the way.
#![allow(clippy::unwrap_used)]

mod world;

use std::collections::BTreeSet;

use mulu_chain::digest::Digest;
use mulu_chain::log::Outcome;
use mulu_chain::types::{Height, TimeMs};
use mulu_contracts::authorization::{AuthorizationStatus, Standing};
use mulu_contracts::entry::{Entry, EntryStatus};
use mulu_contracts::execution::execute_block;
use mulu_contracts::key::{Key, KeyStatus};
use mulu_contracts::member::Member;
use mulu_contracts::params::Params;
use mulu_contracts::rule::Rule;
use mulu_contracts::state::{
    self, StateRead, StateReadError, entry_id, entry_key, key_key, member_key,
};
use serde_json::{Value, json};
use world::{
    AUTHORITY, AUTHORITY_KEY, CODE, CONSUMER, CONSUMER_OFFICER, DAY_MS, NEWCOMER, PEER, PROVIDER,
    PROVIDER_ADMIN, PROVIDER_APP, PROVIDER_OFFICER, START_MS, World, content, key, key_text,
    publish, sign, with,
};

#[test]
fn genesis_is_readable_and_without_history() {
    let world = World::new();
    assert_eq!(state::params(&world, mulu_chain::types::Height(1)).unwrap(), Params::default());
    assert_eq!(state::validator_set(&world).unwrap().unwrap().validators().len(), 1);
    assert!(world.state.keys().all(|key| !key.starts_with("history/")));
    let member: Member = state::get(&world, &member_key(PROVIDER)).unwrap().unwrap();
    assert_eq!(member.admitted_at_height, Height::GENESIS);
}

#[test]
fn from_publication_to_receipts() {
    let mut world = World::published();
    let first = world.entry_version();
    let revised = with(content(), "/summary", json!("法人单位的登记信息，第二版。"));
    let revise = json!({"type": "entry.revise", "entry_id": entry_id(CODE), "prev": first,
        "entry": revised});
    let transaction = world.by_provider(revise.clone());
    world.accept(transaction);
    let entry: Entry = state::get(&world, &entry_key(&entry_id(CODE))).unwrap().unwrap();
    assert_eq!((entry.version, entry.prev.unwrap().to_string()), (2, first));

    // The same revision again is based on a version that is no longer current.
    let transaction = world.by_provider(revise);
    assert_eq!(world.refuse(&transaction), Rule::EntryPrev);

    let action = world.request_action();
    let transaction = world.by_consumer(action);
    world.accept(transaction);
    let action = world.about("offer");
    let granted = json!({"items": ["name"], "limits": {"calls": 50, "bytes": 1000},
        "window": {"from_ms": START_MS, "to_ms": START_MS + 10 * DAY_MS}});
    let transaction = world.by_provider(with(action, "/granted", granted));
    world.accept(transaction);
    let action = world.about("agree");
    let transaction = world.by_consumer(action);
    world.accept(transaction);
    let agreed = world.only_authorization();
    assert_eq!(agreed.terms_hash, Some(agreed.terms().hash()));
    assert_eq!(agreed.terms().items, ["name"]);

    let action = world.finalize_action();
    let transaction = world.by(PROVIDER, &[CONSUMER_OFFICER, PROVIDER_OFFICER], action);
    world.accept(transaction);
    let authorization = world.only_authorization();
    assert_eq!(authorization.status, AuthorizationStatus::Finalized);
    assert_eq!(authorization.standing(TimeMs(START_MS)), Standing::Active);
    assert_eq!(authorization.standing(TimeMs(START_MS - 1)), Standing::Pending);
    assert_eq!(authorization.standing(TimeMs(START_MS + 11 * DAY_MS)), Standing::Expired);

    let action = world.receipt_action("delivered");
    let delivery = world.by(PROVIDER, &[PROVIDER_APP], action);
    let delivery_id = state::record_id(&delivery.id(), 0);
    world.accept(delivery);
    let action = with(world.receipt_action("received"), "/peer_receipt", json!(delivery_id));
    let other = with(action, "/digest", json!(Digest::sha256(b"other")));
    let reception = world.by_consumer(other);
    let receipt_key = state::receipt_key(&state::record_id(&reception.id(), 0));
    world.accept(reception);
    let receipt: Value = state::get(&world, &receipt_key).unwrap().unwrap();
    assert_eq!(receipt["mismatch"], true);
    let totals = world.only_authorization().totals;
    assert_eq!((totals.delivered.calls, totals.received.calls, totals.used.calls), (40, 40, 0));

    // 40 calls of 50 are used; the next 10 exhaust the grant.
    let more = with(world.receipt_action("delivered"), "/counts/calls", json!(10));
    let more = with(with(more, "/seq", json!(2)), "/prev_receipt", json!(delivery_id));
    let transaction = world.by(PROVIDER, &[PROVIDER_APP], more);
    world.accept(transaction);
    let authorization = world.only_authorization();
    assert_eq!(authorization.standing(TimeMs(START_MS)), Standing::Exhausted);

    // All that happened around the entry is in its history: two versions, four steps of the
    // authorization, three receipts.
    let entry_events = &world.histories[&entry_key(&entry_id(CODE))];
    assert_eq!(entry_events.len(), 9);
    let office_events = &world.histories[&format!("office/{PROVIDER}:data")];
    assert_eq!(office_events.len(), 8);
    assert_eq!(world.histories[&format!("office/{CONSUMER}:use")].len(), 5);
    assert_eq!(world.histories[&format!("duty/{PROVIDER}:register")].len(), 2);
    assert_eq!(world.histories[&format!("system/{PROVIDER}:main")].len(), 2);
    let id = authorization.authorization_id;
    assert_eq!(world.histories[&format!("authorization/{id}")].len(), 7);

    let action = with(world.about("revoke"), "/reason", json!("数据安全事件"));
    let transaction = world.by(AUTHORITY, &[AUTHORITY_KEY], action);
    world.accept(transaction);
    let ended = world.only_authorization();
    assert_eq!(ended.status, AuthorizationStatus::Revoked);
    assert_eq!(ended.ended.unwrap().by, AUTHORITY);
}

#[test]
fn denied_attempts_are_recorded_without_a_grant() {
    let mut world = World::requested();
    let action = with(world.receipt_action("denied"), "/terms_hash", Value::Null);
    let transaction = world.by_provider(with(action, "/items", json!(["anything"])));
    world.accept(transaction);
    assert_eq!(world.only_authorization().totals, Default::default());
}

#[test]
fn other_ends_of_a_request() {
    for (action, by_consumer, status) in [
        ("reject", false, AuthorizationStatus::Rejected),
        ("withdraw", true, AuthorizationStatus::Withdrawn),
    ] {
        let mut world = World::requested();
        let mut content = world.about(action);
        if !by_consumer {
            content["reason"] = json!("不符合条件");
        }
        let transaction =
            if by_consumer { world.by_consumer(content) } else { world.by_provider(content) };
        world.accept(transaction);
        assert_eq!(world.only_authorization().status, status);
    }
    let mut world = World::finalized();
    let action = world.about("relinquish");
    let transaction = world.by_consumer(action);
    world.accept(transaction);
    assert_eq!(world.only_authorization().status, AuthorizationStatus::Relinquished);
}

#[test]
fn withdrawn_entries_free_their_name_but_not_their_code() {
    let mut world = World::published();
    let prev = world.entry_version();
    let withdraw = json!({"type": "entry.withdraw", "entry_id": entry_id(CODE), "prev": prev,
        "reason": "职责调整"});
    let transaction = world.by_provider(withdraw);
    world.accept(transaction);
    let entry: Entry = state::get(&world, &entry_key(&entry_id(CODE))).unwrap().unwrap();
    assert_eq!(entry.status, EntryStatus::Withdrawn);
    let transaction = world.by_provider(publish(content()));
    assert_eq!(world.refuse(&transaction), Rule::EntryCodeTaken);
    let transaction = world.by_provider(publish(with(content(), "/codes/0", json!("306001/2"))));
    world.accept(transaction);
}

#[test]
fn a_transaction_takes_effect_as_a_whole_or_not_at_all() {
    let mut world = World::new();
    let numbered = |n: u32| {
        let content = with(content(), "/codes/0", json!(format!("306001/{n}")));
        publish(with(content, "/name", json!(format!("条目 {n}"))))
    };
    let bad = with(numbered(3), "/entry/secret", json!(true));
    let payload = world.payload(PROVIDER, None, vec![numbered(1), numbered(2), bad]);
    let broken = sign(&payload, &[PROVIDER_OFFICER]);
    let payload = world.payload(PROVIDER, None, vec![numbered(1), numbered(2)]);
    let whole = sign(&payload, &[PROVIDER_OFFICER]);
    let again = world.by_provider(numbered(2));
    let outcomes = world.run(&[broken, whole, again]);
    let rejected = |rule: Rule, action| Outcome::Rejected { rule: rule.id().to_owned(), action };
    assert_eq!(
        outcomes,
        vec![rejected(Rule::EntrySecret, 2), Outcome::Accepted, rejected(Rule::EntryCodeTaken, 0)]
    );
    let entries = world.state.keys().filter(|key| key.starts_with("entry/")).count();
    assert_eq!(entries, 2);
    assert_eq!(world.histories[&format!("office/{PROVIDER}:data")].len(), 2);
}

#[test]
fn a_member_joins_with_its_own_key_and_sets_itself_up() {
    let mut world = World::new();
    let admit = json!({"type": "member.admit",
        "member": {"uscc": NEWCOMER, "name": "新部门", "name_en": "New", "region": "110101",
            "roles": ["provider"], "nodes": [{"peer_id": PEER, "name": "node-1"}]},
        "keys": [{"public_key": key_text(50), "roles": ["administrator"]}]});
    let transaction = world.by(AUTHORITY, &[AUTHORITY_KEY, 50], admit);
    world.accept(transaction);

    // One transaction: an office, a key of that office, a duty and a system.
    let office = format!("{NEWCOMER}:one");
    let actions = vec![
        json!({"type": "office.establish", "office": {"code": "one", "name": "一处"}}),
        json!({"type": "key.register", "key": {"public_key": key_text(51), "roles": ["officer"],
            "office": office, "label": "laptop", "valid_from": 1, "valid_to": 1000}}),
        json!({"type": "duty.register", "duty": world::new_duty("d", &office, None)}),
        json!({"type": "system.register", "system": {"code": "s", "name": "系统",
            "office": office, "status": "running", "tables": [{"name": "t"}],
            "duties": [format!("{NEWCOMER}:d")]}}),
    ];
    let payload = world.payload(NEWCOMER, None, actions);
    world.accept(sign(&payload, &[50, 51]));
    assert_eq!(world.histories[&member_key(NEWCOMER)].len(), 5);

    let mut entry = with(content(), "/office", json!(office));
    entry["responsibilities"] = json!([format!("{NEWCOMER}:d")]);
    entry["systems"] = json!([{"system": format!("{NEWCOMER}:s"), "table": "t"}]);
    let payload = world.payload(NEWCOMER, Some(office), vec![publish(entry)]);
    world.accept(sign(&payload, &[51]));
}

#[test]
fn revocation_acts_by_block_order_within_a_block() {
    let mut world = World::new();
    let before = world.by_provider(publish(content()));
    let revoke = json!({"type": "key.revoke", "public_key": key_text(PROVIDER_OFFICER),
        "reason": "遗失"});
    let revoke = world.by(PROVIDER, &[PROVIDER_ADMIN], revoke);
    let after = world.by_provider(publish(with(content(), "/codes/0", json!("306001/9"))));
    let outcomes = world.run(&[before, revoke, after]);
    let rejected = Outcome::Rejected { rule: "KEY-02".to_owned(), action: 0 };
    assert_eq!(outcomes, vec![Outcome::Accepted, Outcome::Accepted, rejected]);
    let at = key_key(&key(PROVIDER_OFFICER).public_key());
    let stored: Key = state::get(&world, &at).unwrap().unwrap();
    assert_eq!((stored.status, stored.revoked_at_height), (KeyStatus::Revoked, Some(Height(1))));
}

#[test]
fn an_authority_may_revoke_and_replace_a_members_keys() {
    let mut world = World::new();
    let revoke = json!({"type": "key.revoke", "public_key": key_text(PROVIDER_ADMIN),
        "reason": "泄露"});
    let transaction = world.by(AUTHORITY, &[AUTHORITY_KEY], revoke);
    world.accept(transaction);
    let register = json!({"type": "key.register", "member": PROVIDER,
        "key": {"public_key": key_text(60), "roles": ["administrator"]}});
    let transaction = world.by(AUTHORITY, &[AUTHORITY_KEY, 60], register);
    world.accept(transaction);
}

#[test]
fn core_data_is_shared_with_the_authoritys_signature() {
    let mut world = World::new();
    let core = publish(with(content(), "/level", json!("core")));
    let transaction = world.by(PROVIDER, &[PROVIDER_OFFICER, AUTHORITY_KEY], core);
    world.accept(transaction);
}

#[test]
fn values_are_compact_json_or_leaves() {
    let mut world = World::finalized();
    let action = world.receipt_action("delivered");
    let transaction = world.by_provider(action);
    world.accept(transaction);
    let mut kinds = BTreeSet::new();
    for (key, value) in &world.state {
        kinds.insert(key.split('/').next().unwrap());
        if key.starts_with("history/") {
            continue;
        }
        let text = mulu_chain::json::check(value).unwrap();
        assert!(!text.contains(": ") || key.starts_with("entry/"), "{text}");
        assert!(!text.contains("null"), "{text}");
    }
    let expected = [
        "authorization",
        "code",
        "duty",
        "entry",
        "entry-name",
        "history",
        "key",
        "member",
        "office",
        "params",
        "receipt",
        "receipt-chain",
        "system",
        "validators",
    ];
    assert_eq!(kinds, BTreeSet::from(expected));
}

/// A state whose reads fail, or whose records are damaged, is not the transaction's fault.
#[test]
fn a_failing_state_is_an_error_and_no_rejection() {
    struct Broken;
    impl StateRead for Broken {
        fn read(&self, _: &str) -> Result<Option<Vec<u8>>, StateReadError> {
            Err(StateReadError::new("disk on fire"))
        }
    }
    let mut world = World::new();
    let transaction = world.by_provider(publish(content()));
    assert!(execute_block(&world.context(), &[], &Broken).is_err());
    world.state.insert(format!("office/{PROVIDER}:data"), b"{}".to_vec());
    let error = execute_block(&world.context(), &[transaction], &world).unwrap_err();
    assert!(error.to_string().contains("office/"), "{error}");
}
