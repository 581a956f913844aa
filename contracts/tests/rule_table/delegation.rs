//! Delegations, regions, and the standing of members, offices and keys.

use mulu_contracts::rule::Rule;
use serde_json::{Value, json};

use crate::Table;
use crate::world::*;

pub fn standing(table: &mut Table) {
    let world = World::new();
    let suspend = |uscc: &str| json!({"type": "member.suspend", "uscc": uscc, "reason": "整改"});
    let mut by = |rule, action: Value| table.by(rule, &world, AUTHORITY, &[AUTHORITY_KEY], action);
    by(Rule::MemberSigned, suspend(AUTHORITY));
    by(Rule::MemberVotes, suspend(PROVIDER));
    by(Rule::MemberUnknown, suspend(NEWCOMER));
    by(Rule::MemberStanding, with(suspend(CONSUMER), "/type", json!("member.resume")));
    by(Rule::FieldText, with(suspend(CONSUMER), "/reason", json!("")));
    let mut suspended = World::published();
    let request = suspended.request_action();
    let transaction = suspended.by(AUTHORITY, &[AUTHORITY_KEY], suspend(CONSUMER));
    suspended.accept(transaction);
    table.consumer(Rule::MemberInactive, &suspended, request.clone());
    let resume = with(suspend(CONSUMER), "/type", json!("member.resume"));
    let transaction = suspended.by(AUTHORITY, &[AUTHORITY_KEY], resume);
    suspended.accept(transaction);
    let transaction = suspended.by_consumer(request);
    suspended.accept(transaction);

    let leave = json!({"type": "member.leave", "reason": "机构撤并"});
    let mut by = |rule, member, key, action: Value| table.by(rule, &world, member, &[key], action);
    by(Rule::MemberVotes, PROVIDER, PROVIDER_ADMIN, leave.clone());
    by(Rule::FieldText, CONSUMER, CONSUMER_ADMIN, with(leave.clone(), "/reason", json!("")));
    let mut led = world.clone();
    let at = format!("key/{}", key_text(AUTHORITY_KEY));
    led.patch(&at, "/roles", json!(["authority", "administrator"]));
    let authority = &[AUTHORITY_KEY];
    table.by(Rule::MemberAuthorityLeaves, &led, AUTHORITY, authority, leave.clone());
    let mut by = |rule, member, key, action: Value| table.by(rule, &world, member, &[key], action);
    let nodes = json!({"type": "member.nodes", "nodes": [{"peer_id": "12D3"}]});
    by(Rule::MemberPeerId, PROVIDER, PROVIDER_ADMIN, nodes);

    let dissolve = json!({"type": "office.dissolve", "office": data_office(),
        "successor": format!("{PROVIDER}:gov"), "reason": "机构改革"});
    let admin = &[PROVIDER_ADMIN];
    let itself = with(dissolve.clone(), "/successor", json!(data_office()));
    table.by(Rule::OfficeSuccessor, &world, PROVIDER, admin, itself);
    let mut dissolved = world.clone();
    let transaction = dissolved.by(PROVIDER, admin, dissolve.clone());
    dissolved.accept(transaction);
    table.by(Rule::OfficeInactive, &dissolved, PROVIDER, admin, dissolve);
    table.provider(Rule::OfficeInactive, &dissolved, publish(content()));

    let rotate = |old: u8| {
        json!({"type": "key.rotate", "public_key": key_text(old), "new_key": key_text(50),
            "reason": "到期更换"})
    };
    let both = &[PROVIDER_OFFICER, 50];
    table.by(Rule::KeyVotes, &world, PROVIDER, &[PROVIDER_ADMIN, 50], rotate(VALIDATOR));
    table.by(Rule::KeyRevokeUnknown, &world, PROVIDER, both, rotate(STRANGER));
    table.by(Rule::KeyRole, &world, PROVIDER, both, rotate(PROVIDER_APP));
    table.by(Rule::KeyRole, &world, PROVIDER, &[PROVIDER_ADMIN, 50], rotate(CONSUMER_APP));
    table.by(Rule::KeyPossession, &world, PROVIDER, &[PROVIDER_OFFICER], rotate(PROVIDER_OFFICER));
    let mut rotated = world;
    let transaction = rotated.by(PROVIDER, both, rotate(PROVIDER_OFFICER));
    rotated.accept(transaction);
    table.provider(Rule::KeyNotInForce, &rotated, publish(content()));
    let transaction = rotated.by(PROVIDER, &[50], publish(content()));
    rotated.accept(transaction);
}

pub fn delegations(table: &mut Table) {
    let mut world = World::new();
    let grant = json!({"type": "delegation.grant", "delegate": CONSUMER,
        "scope": ["entry.publish"], "window": {"from_ms": START_MS, "to_ms": START_MS + DAY_MS}});
    let mut change = |rule, path: &str, new: Value| {
        table.by(rule, &world, PROVIDER, &[PROVIDER_ADMIN], with(grant.clone(), path, new));
    };
    change(Rule::DelegationSelf, "/delegate", json!(PROVIDER));
    change(Rule::MemberUnknown, "/delegate", json!(NEWCOMER));
    change(Rule::FieldCount, "/scope", json!([]));
    change(Rule::FieldDuplicate, "/scope", json!(["entry.publish", "entry.publish"]));
    change(Rule::DelegationUndelegable, "/scope", json!(["key.register"]));
    change(Rule::DelegationWindow, "/window/to_ms", json!(START_MS - 1));
    change(Rule::DelegationWindow, "/window/to_ms", json!(START_MS + 1097 * DAY_MS));
    table.by(Rule::KeyRole, &world, PROVIDER, &[PROVIDER_OFFICER], grant.clone());
    let end = json!({"type": "delegation.end", "principal": PROVIDER, "delegate": CONSUMER,
        "reason": "提前终止"});
    table.by(Rule::DelegationUnknown, &world, CONSUMER, &[CONSUMER_ADMIN], end.clone());
    let transaction = world.by(PROVIDER, &[PROVIDER_ADMIN], grant.clone());
    world.accept(transaction);
    table.by(Rule::DelegationExists, &world, PROVIDER, &[PROVIDER_ADMIN], grant);

    let on_behalf = |world: &mut World, action: Value| {
        let payload = world.payload(CONSUMER, None, vec![action]);
        sign(&with(payload, "/on_behalf_of", json!(PROVIDER)), &[CONSUMER_OFFICER])
    };
    let establish = json!({"type": "office.establish", "office": {"code": "a", "name": "a"}});
    let transaction = on_behalf(&mut world, establish);
    table.refused(Rule::DelegationScope, &mut world, &transaction);
    let mut late = world.clone();
    late.time_ms += 2 * DAY_MS;
    let transaction = on_behalf(&mut late, publish(content()));
    table.refused(Rule::OnBehalfRefused, &mut late, &transaction);
    let transaction = on_behalf(&mut world, publish(content()));
    world.accept(transaction);
    let at = format!("delegation/{PROVIDER}/{CONSUMER}");
    assert_eq!(world.histories[&at].len(), 2, "granted and used");
    let transaction = world.by(CONSUMER, &[CONSUMER_ADMIN], end);
    world.accept(transaction);
    let transaction = on_behalf(&mut world, publish(content()));
    table.refused(Rule::OnBehalfRefused, &mut world, &transaction);
}

/// A consumer that may answer for the provider still cannot answer its own request.
#[test]
fn a_party_is_not_its_own_counterpart() {
    let mut world = World::requested();
    let grant = json!({"type": "delegation.grant", "delegate": CONSUMER,
        "scope": ["authorization.agree", "receipt.record"],
        "window": {"from_ms": START_MS, "to_ms": START_MS + DAY_MS}});
    let transaction = world.by(PROVIDER, &[PROVIDER_ADMIN], grant);
    world.accept(transaction);
    let action = world.about("agree");
    let payload = world.payload(CONSUMER, None, vec![action]);
    let payload = with(payload, "/on_behalf_of", json!(PROVIDER));
    let transaction = sign(&payload, &[CONSUMER_OFFICER]);
    assert_eq!(world.refuse(&transaction), Rule::AuthorizationParty);
}

pub fn regions(table: &mut Table) {
    let mut world = World::new();
    let set = json!({"type": "region.set",
        "regions": [{"code": "110000", "name": "北京市", "from": "2020-01-01", "to": "2030-01-01"}]});
    let mut change = |rule, path: &str, new: Value| {
        table.by(rule, &world, AUTHORITY, &[AUTHORITY_KEY], with(set.clone(), path, new));
    };
    change(Rule::FieldDates, "/regions/0/to", json!("2019-01-01"));
    change(Rule::FieldDate, "/regions/0/from", json!("2019-13-01"));
    change(Rule::FieldRegion, "/regions/0/code", json!("11"));
    change(Rule::FieldCount, "/regions", json!([]));
    let transaction = world.by(AUTHORITY, &[AUTHORITY_KEY], set.clone());
    world.accept(transaction);
    let elsewhere = publish(with(content(), "/region", json!("110101")));
    table.provider(Rule::FieldRegionInForce, &world, elsewhere);
    let transaction = world.by_provider(publish(content()));
    world.accept(transaction);
    let over = with(set, "/regions/0/to", json!("2021-01-01"));
    let transaction = world.by(AUTHORITY, &[AUTHORITY_KEY], over);
    world.accept(transaction);
    let other = with(with(content(), "/codes/0", json!("306001/2")), "/name", json!("二"));
    table.provider(Rule::FieldRegionInForce, &world, publish(other));
}
