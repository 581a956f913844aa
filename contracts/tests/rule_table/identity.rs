//! Members, offices and keys.

use mulu_contracts::rule::Rule;
use mulu_contracts::state::{member_key, office_key};
use serde_json::{Value, json};

use crate::Table;
use crate::world::*;

pub fn members_and_offices(table: &mut Table) {
    let world = World::new();
    let member = json!({"uscc": NEWCOMER, "name": "新部门", "region": "110101",
        "roles": ["provider"], "nodes": [{"peer_id": PEER}]});
    let admit = json!({"type": "member.admit", "member": member});
    let mut change = |rule, path: &str, new: Value| {
        let action = with(admit.clone(), path, new);
        table.by(rule, &world, AUTHORITY, &[AUTHORITY_KEY], action);
    };
    change(Rule::MemberUsccForm, "/member/uscc", json!("91512081ma62k0260e"));
    change(Rule::MemberUsccCheck, "/member/uscc", json!("91350211M0000XUF46"));
    change(Rule::MemberExists, "/member/uscc", json!(PROVIDER));
    change(Rule::MemberRoles, "/member/roles", json!([]));
    change(Rule::MemberRoles, "/member/roles", json!(["provider", "provider"]));
    change(Rule::MemberPeerId, "/member/nodes/0/peer_id", json!("12D3KooW0"));
    change(Rule::FieldDuplicate, "/member/nodes", json!([{"peer_id": PEER}, {"peer_id": PEER}]));
    change(Rule::FieldText, "/member/name", json!(""));
    change(Rule::FieldText, "/member/name_en", json!("n".repeat(257)));
    change(Rule::FieldRegion, "/member/region", json!("11010"));
    let officer = json!([{"public_key": key_text(50), "roles": ["officer"]}]);
    change(Rule::MemberNoAdministrator, "/keys", officer);
    let waived = with(admit.clone(), "/member/uscc", json!("91350211M0000XUF46"));
    let mut waiving = world.clone();
    let transaction = waiving.by(
        AUTHORITY,
        &[AUTHORITY_KEY],
        with(waived, "/member/uscc_check_waived", json!(true)),
    );
    waiving.accept(transaction);
    table.by(Rule::KeyRole, &world, PROVIDER, &[PROVIDER_ADMIN], admit);

    let establish =
        |code: &str| json!({"type": "office.establish", "office": {"code": code, "name": "处"}});
    let admin = &[PROVIDER_ADMIN];
    table.by(Rule::OfficeExists, &world, PROVIDER, admin, establish("data"));
    for code in ["", "Data", "a b", &"a".repeat(33)] {
        table.by(Rule::FieldCode, &world, PROVIDER, admin, establish(code));
    }
    let mut world = World::new();
    world.patch(&office_key(&data_office()), "/status", json!("dissolved"));
    table.provider(Rule::OfficeInactive, &world, publish(content()));
    let mut world = World::new();
    world.patch(&member_key(PROVIDER), "/status", json!("suspended"));
    table.provider(Rule::MemberInactive, &world, publish(content()));
}

pub fn keys(table: &mut Table) {
    let world = World::new();
    let action = publish(content());
    table.by(Rule::KeyUnknown, &world, PROVIDER, &[STRANGER], action.clone());
    table.by(Rule::KeySubmitterUnsigned, &world, PROVIDER, &[CONSUMER_OFFICER], action.clone());
    table.by(Rule::KeyRole, &world, PROVIDER, &[PROVIDER_ADMIN], action.clone());
    table.by(Rule::KeyOffice, &world, PROVIDER, &[PROVIDER_BOUND], action.clone());
    let gov = Some(format!("{PROVIDER}:gov"));
    let mut bound = world.clone();
    let payload = bound.payload(PROVIDER, gov, vec![action.clone()]);
    table.refused(Rule::KeyOffice, &mut bound, &sign(&payload, &[PROVIDER_BOUND]));
    let two = &[PROVIDER_OFFICER, CONSUMER_OFFICER];
    table.by(Rule::KeyForeign, &world, PROVIDER, two, action.clone());
    let at = format!("key/{}", key_text(PROVIDER_OFFICER));
    for (path, new) in
        [("/status", json!("revoked")), ("/valid_from", json!(2)), ("/valid_to", json!(0))]
    {
        let mut world = World::new();
        world.patch(&at, path, new);
        table.provider(Rule::KeyNotInForce, &world, action.clone());
    }
    let mut world = World::new();
    world.patch("params", "/authority_threshold", json!(2));
    let revoke =
        |seed: u8| json!({"type": "key.revoke", "public_key": key_text(seed), "reason": "遗失"});
    let authority = &[AUTHORITY_KEY];
    table.by(Rule::KeyThreshold, &world, AUTHORITY, authority, revoke(PROVIDER_APP));

    let world = World::new();
    let (admin, both) = (&[PROVIDER_ADMIN], &[PROVIDER_ADMIN, 50]);
    let register = json!({"type": "key.register",
        "key": {"public_key": key_text(50), "roles": ["officer"]}});
    table.by(Rule::KeyPossession, &world, PROVIDER, admin, register.clone());
    let mut change = |rule, path: &str, new: Value| {
        table.by(rule, &world, PROVIDER, both, with(register.clone(), path, new));
    };
    change(Rule::KeyAuthorityRole, "/key/roles", json!(["authority"]));
    change(Rule::KeyRoles, "/key/roles", json!([]));
    change(Rule::KeyHeights, "/key/valid_to", json!(0));
    change(Rule::OfficeForeign, "/key/office", json!(use_office()));
    let known = with(register.clone(), "/key/public_key", json!(key_text(PROVIDER_APP)));
    table.by(Rule::KeyExists, &world, PROVIDER, &[PROVIDER_ADMIN, PROVIDER_APP], known);
    let other = with(register, "/member", json!(PROVIDER));
    table.by(Rule::KeyFirstRole, &world, AUTHORITY, &[AUTHORITY_KEY, 50], other);

    table.by(Rule::KeyRevokeUnknown, &world, PROVIDER, admin, revoke(STRANGER));
    table.by(Rule::KeyVotes, &world, PROVIDER, admin, revoke(VALIDATOR));
    table.by(Rule::KeyRole, &world, CONSUMER, &[CONSUMER_ADMIN], revoke(PROVIDER_APP));
    let mut world = world;
    let transaction = world.by(PROVIDER, admin, revoke(PROVIDER_APP));
    world.accept(transaction);
    table.by(Rule::KeyAlreadyRevoked, &world, PROVIDER, admin, revoke(PROVIDER_APP));
}
