//! An entry passes to another member, and its grants with it.

use mulu_contracts::entry::Entry;
use mulu_contracts::member::MemberRole;
use mulu_contracts::rule::Rule;
use mulu_contracts::state::{self, entry_id, entry_key, member_key};
use serde_json::{Value, json};

use crate::Table;
use crate::world::*;

/// The officer of the authority's office `audit`.
const AUDIT: u8 = 30;
const ALL: &[u8] = &[AUTHORITY_KEY, PROVIDER_OFFICER, AUDIT];

/// A finalized grant in a world whose authority is a provider, too, with an officer and a duty.
fn world() -> World {
    let mut founding = founding();
    founding.members[0].roles.push(MemberRole::Provider);
    let office = json!({"code": "audit", "name": "稽核处"});
    founding.offices.push((AUTHORITY.to_owned(), serde_json::from_value(office).unwrap()));
    let officer = json!({"public_key": key_text(AUDIT), "roles": ["officer"]});
    founding.keys.push((AUTHORITY.to_owned(), serde_json::from_value(officer).unwrap()));
    let duty = new_duty("own", &format!("{AUTHORITY}:audit"), None);
    founding.duties.push((AUTHORITY.to_owned(), serde_json::from_value(duty).unwrap()));
    let mut world = World::new();
    world.state = mulu_contracts::genesis_state::genesis_state(&founding).unwrap();
    let transaction = world.by_provider(publish(content()));
    world.accept(transaction);
    for (keys, verb) in [(&[CONSUMER_OFFICER][..], "request"), (&[PROVIDER_OFFICER], "agree")] {
        let transaction = match verb {
            "request" => {
                let action = world.request_action();
                world.by_consumer(action)
            }
            _ => {
                let action = world.about(verb);
                world.by(PROVIDER, keys, action)
            }
        };
        world.accept(transaction);
    }
    world
}

fn theirs() -> Value {
    let content = with(content(), "/office", json!(format!("{AUTHORITY}:audit")));
    let content = with(content, "/responsibilities", json!([format!("{AUTHORITY}:own")]));
    with(with(content, "/systems", json!([])), "/no_system", json!("移交中"))
}

fn transfer(world: &World) -> Value {
    json!({"type": "entry.transfer", "entry_id": entry_id(CODE), "prev": world.entry_version(),
        "to": AUTHORITY, "entry": theirs(), "basis": "机构改革方案"})
}

pub fn transfers(table: &mut Table) {
    let mut world = world();
    let action = transfer(&world);
    let mut change = |rule, keys: &[u8], path: &str, new: Value| {
        table.by(rule, &world, AUTHORITY, keys, with(action.clone(), path, new));
    };
    change(Rule::EntryUnknown, ALL, "/entry_id", json!(entry_id("306001/7")));
    change(Rule::EntryPrev, ALL, "/prev", json!(entry_id(CODE)));
    change(Rule::EntryTransferSelf, ALL, "/to", json!(PROVIDER));
    change(Rule::KeyThreshold, &[AUDIT, PROVIDER_OFFICER], "/basis", json!("x"));
    change(Rule::MemberUnknown, ALL, "/to", json!(NEWCOMER));
    change(Rule::EntryProviderRole, ALL, "/to", json!(CONSUMER));
    change(Rule::EntryParties, &[AUTHORITY_KEY, AUDIT], "/basis", json!("x"));
    change(Rule::EntryParties, &[AUTHORITY_KEY, PROVIDER_OFFICER], "/basis", json!("x"));
    change(Rule::EntryPrimaryCode, ALL, "/entry/codes/0", json!("306001/2"));
    change(Rule::OfficeForeign, ALL, "/entry/office", json!(data_office()));
    change(
        Rule::DutyForeign,
        ALL,
        "/entry/responsibilities",
        json!([format!("{PROVIDER}:register")]),
    );
    change(Rule::FieldText, ALL, "/basis", json!(""));
    let mut retired = world.clone();
    let retire = json!({"type": "entry.retire", "entry_id": entry_id(CODE),
        "prev": retired.entry_version(), "reason": "合并"});
    let transaction = retired.by_provider(retire);
    retired.accept(transaction);
    table.by(Rule::EntryStatusMove, &retired, AUTHORITY, ALL, transfer(&retired));

    let hash = world.only_authorization().terms_hash;
    let transaction = world.by(AUTHORITY, ALL, action);
    world.accept(transaction);
    let key = entry_key(&entry_id(CODE));
    let entry: Entry = state::decode(&key, &world.state[&key]).unwrap();
    assert_eq!((entry.provider.as_str(), entry.version), (AUTHORITY, 2));
    assert_eq!(entry.transferred.map(|t| t.from).as_deref(), Some(PROVIDER));
    for subject in [&key, &member_key(PROVIDER), &member_key(AUTHORITY)] {
        assert_eq!(world.histories[subject].last().map(|e| e.height.0), Some(world.height - 1));
    }
    // The grant follows: the new provider signs what the old one agreed to.
    let both = &[CONSUMER_OFFICER, PROVIDER_OFFICER];
    table.by(Rule::AuthorizationBoth, &world, CONSUMER, both, world.finalize_action());
    let finalize = world.finalize_action();
    let transaction = world.by(CONSUMER, &[CONSUMER_OFFICER, AUDIT], finalize);
    world.accept(transaction);
    let grant = world.only_authorization();
    assert_eq!((grant.provider.as_str(), grant.terms_hash), (AUTHORITY, hash));
    assert_eq!(Some(grant.terms().hash()), hash, "the terms name who agreed");
    table.provider(Rule::ReceiptSigner, &world, world.receipt_action("delivered"));
    let delivered = world.receipt_action("delivered");
    let transaction = world.by(AUTHORITY, &[AUDIT], delivered);
    world.accept(transaction);
    // The name is free again at the one, and taken at the other.
    let again = with(content(), "/codes/0", json!("306001/2"));
    let transaction = world.by_provider(publish(again));
    world.accept(transaction);
    let taken = publish(with(theirs(), "/codes/0", json!("306001/3")));
    table.by(Rule::EntryNameTaken, &world, AUTHORITY, &[AUDIT], taken);
}
