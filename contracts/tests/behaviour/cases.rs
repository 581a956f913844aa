//! One accepted case of every action on members, offices, keys, duties, systems, entries and the
//! consortium.

use mulu_chain::certificate::{VoteKind, VoteStatement};
use mulu_chain::digest::Digest;
use mulu_chain::types::Height;
use mulu_contracts::params::Params;
use mulu_contracts::rule::Rule;
use mulu_contracts::state::{entry_id, entry_key, submission_key};
use serde_json::{Value, json};

use crate::world::*;
use crate::{ADMINISTRATOR, ANY, AUTHORITY_ROLE, Case, key_at};

pub fn member(uscc: &str) -> String {
    format!("member/{uscc}")
}

/// The subjects an entry as first published is bound to, the entry itself first.
pub fn bound() -> Vec<String> {
    vec![
        entry_key(&entry_id(CODE)),
        format!("office/{}", data_office()),
        format!("duty/{PROVIDER}:register"),
        format!("system/{PROVIDER}:main"),
    ]
}

pub fn strs(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

/// The world after an action of the authority, or of the provider's officer.
pub fn after(world: &World, authority: bool, action: Value) -> World {
    let mut world = world.clone();
    let transaction = match authority {
        true => world.by(AUTHORITY, &[AUTHORITY_KEY], action),
        false => world.by_provider(action),
    };
    world.accept(transaction);
    world
}

fn authority(world: &World, keys: &[u8], action: Value) -> Case {
    Case::new(world, AUTHORITY, keys, action).roles(AUTHORITY_ROLE).any_office()
}

fn administrator(world: &World, keys: &[u8], action: Value) -> Case {
    Case::new(world, PROVIDER, keys, action).roles(ADMINISTRATOR)
}

pub fn identity() -> Vec<Case> {
    let world = World::new();
    let (own, new) = (member(PROVIDER), key_at(50));
    let mut cases = Vec::new();
    let admit = json!({"type": "member.admit",
        "member": {"uscc": NEWCOMER, "name": "新部门", "name_en": "New", "region": "110101",
            "roles": ["provider"], "nodes": [{"peer_id": PEER, "name": "node-1"}]},
        "keys": [{"public_key": key_text(50), "roles": ["administrator"], "label": "first"}]});
    let admit = authority(&world, &[AUTHORITY_KEY, 50], admit);
    cases.push(admit.touches(&[&member(NEWCOMER), &new]));
    let suspend = json!({"type": "member.suspend", "uscc": CONSUMER, "reason": "整改"});
    let resume = json!({"type": "member.resume", "uscc": CONSUMER, "reason": "整改完成"});
    let suspended = after(&world, true, suspend.clone());
    cases.push(authority(&world, &[AUTHORITY_KEY], suspend).touches(&[&member(CONSUMER)]));
    cases.push(authority(&suspended, &[AUTHORITY_KEY], resume).touches(&[&member(CONSUMER)]));

    let leave = json!({"type": "member.leave", "reason": "机构撤并"});
    let leave = Case::new(&world, CONSUMER, &[CONSUMER_ADMIN], leave).roles(ADMINISTRATOR);
    cases.push(leave.any_office().touches(&[&member(CONSUMER)]));
    let nodes = json!({"type": "member.nodes", "nodes": [{"peer_id": PEER, "name": "node-2"}]});
    let nodes = administrator(&world, &[PROVIDER_ADMIN], nodes).any_office();
    cases.push(nodes.touches(&[&own]));

    let establish = json!({"type": "office.establish",
        "office": {"code": "new-1", "name": "新处", "name_en": "New"}});
    let establish = administrator(&world, &[PROVIDER_ADMIN], establish).any_office();
    cases.push(establish.touches(&[&own, &format!("office/{PROVIDER}:new-1")]));
    let (data, gov) = (data_office(), format!("{PROVIDER}:gov"));
    let dissolve = json!({"type": "office.dissolve", "office": data, "successor": gov,
        "reason": "机构改革"});
    let dissolve = administrator(&world, &[PROVIDER_ADMIN], dissolve).any_office();
    cases.push(dissolve.touches(&[&own, &format!("office/{data}"), &format!("office/{gov}")]));

    let register = json!({"type": "key.register",
        "key": {"public_key": key_text(50), "roles": ["officer"], "label": "laptop"}});
    let register = administrator(&world, &[PROVIDER_ADMIN, 50], register).any_office();
    cases.push(register.touches(&[&own, &new]));
    let first = json!({"type": "key.register", "member": PROVIDER,
        "key": {"public_key": key_text(50), "roles": ["administrator"]}});
    cases.push(authority(&world, &[AUTHORITY_KEY, 50], first).touches(&[&own, &new]));
    let revoke = json!({"type": "key.revoke", "public_key": key_text(PROVIDER_APP),
        "reason": "遗失"});
    let touched = [own.as_str(), &key_at(PROVIDER_APP)];
    let own_revoke = administrator(&world, &[PROVIDER_ADMIN], revoke.clone()).any_office();
    cases.push(own_revoke.touches(&touched));
    cases.push(authority(&world, &[AUTHORITY_KEY], revoke).touches(&touched));
    let rotate = json!({"type": "key.rotate", "public_key": key_text(PROVIDER_APP),
        "new_key": key_text(50), "reason": "到期更换"});
    let touched = [own.as_str(), &key_at(PROVIDER_APP), &new];
    let by_itself = Case::new(&world, PROVIDER, &[PROVIDER_APP, 50], rotate.clone()).roles(ANY);
    cases.push(by_itself.any_office().touches(&touched));
    let rotate = administrator(&world, &[PROVIDER_ADMIN, 50], rotate).any_office();
    cases.push(rotate.touches(&touched));

    let grant = json!({"type": "delegation.grant", "delegate": CONSUMER,
        "scope": ["entry.publish"], "window": {"from_ms": START_MS, "to_ms": START_MS + DAY_MS}});
    let touched = [own.as_str(), &member(CONSUMER), &format!("delegation/{PROVIDER}/{CONSUMER}")];
    let grant = administrator(&world, &[PROVIDER_ADMIN], grant).any_office().touches(&touched);
    let end = json!({"type": "delegation.end", "principal": PROVIDER, "delegate": CONSUMER,
        "reason": "提前终止"});
    let mut granted = world.clone();
    let transaction = granted.by(PROVIDER, &[PROVIDER_ADMIN], grant.action.clone());
    granted.accept(transaction);
    cases.push(grant);
    let by_principal = administrator(&granted, &[PROVIDER_ADMIN], end.clone());
    cases.push(by_principal.any_office().touches(&touched));
    let by_delegate = Case::new(&granted, CONSUMER, &[CONSUMER_ADMIN], end.clone());
    cases.push(by_delegate.roles(ADMINISTRATOR).any_office().touches(&touched));
    cases.push(authority(&granted, &[AUTHORITY_KEY], end).touches(&touched));
    let set = json!({"type": "region.set",
        "regions": [{"code": "110000", "name": "北京市", "from": "2020-01-01"}]});
    cases.push(authority(&world, &[AUTHORITY_KEY], set).touches(&["regions"]));
    let set = json!({"type": "class.set", "classes": [{"code": "3", "name": "部门"}]});
    cases.push(authority(&world, &[AUTHORITY_KEY], set).touches(&["classes"]));
    cases
}

pub fn duties_and_systems() -> Vec<Case> {
    let world = World::new();
    let (own, other) = (member(PROVIDER), member(CONSUMER));
    let mut cases = Vec::new();
    let duty = format!("duty/{PROVIDER}:register");
    let register = json!({"type": "duty.register", "duty": new_duty("d", &data_office(), None)});
    let register = administrator(&world, &[PROVIDER_ADMIN], register);
    cases.push(register.touches(&[&own, &format!("duty/{PROVIDER}:d")]));
    let transfer = json!({"type": "duty.transfer", "duty": format!("{PROVIDER}:register"),
        "to": CONSUMER, "successor": new_duty("taken", &use_office(), None),
        "basis": "机构改革方案"});
    let keys = [PROVIDER_ADMIN, CONSUMER_ADMIN, AUTHORITY_KEY];
    let transfer = administrator(&world, &keys, transfer).otherwise(Rule::DutyParties);
    cases.push(transfer.touches(&[&own, &other, &duty, &format!("duty/{CONSUMER}:taken")]));
    let abolish = json!({"type": "duty.abolish", "duty": format!("{PROVIDER}:register"),
        "basis": "法律废止"});
    let abolish = administrator(&world, &[PROVIDER_ADMIN, AUTHORITY_KEY], abolish);
    cases.push(abolish.otherwise(Rule::DutyParties).touches(&[&own, &duty]));

    let system = json!({"type": "system.register", "system": {"code": "s", "name": "系统",
        "office": data_office(), "status": "running", "tables": [{"name": "t", "comment": "表"}],
        "duties": [format!("{PROVIDER}:register")],
        "profile": {"crypto_review": {"result": "符合", "date": "2025-06-01"}}}});
    let at = format!("system/{PROVIDER}:s");
    let system = administrator(&world, &[PROVIDER_ADMIN], system).touches(&[&own, &duty, &at]);
    let mut registered = world.clone();
    let transaction = registered.by(PROVIDER, &[PROVIDER_ADMIN], system.action.clone());
    registered.accept(transaction);
    // The duty given up and the one taken up: both histories tell of it.
    let mut revise = system.action.clone();
    revise["type"] = json!("system.revise");
    revise["prev"] = json!(registered.version(&at));
    revise["system"]["duties"] = json!([format!("{PROVIDER}:past")]);
    let revise = administrator(&registered, &[PROVIDER_ADMIN], revise);
    cases.push(system);
    cases.push(revise.touches(&[&own, &duty, &format!("duty/{PROVIDER}:past"), &at]));
    cases
}

pub fn entries() -> Vec<Case> {
    let (new, world) = (World::new(), World::published());
    let touched = bound();
    let touched = strs(&touched);
    let standing = |world: &World, verb: &str| {
        json!({"type": format!("entry.{verb}"), "entry_id": entry_id(CODE),
            "prev": world.entry_version(), "reason": format!("整改：{verb}")})
    };
    let by_provider = |world: &World, verb: &str| {
        Case::new(world, PROVIDER, &[PROVIDER_OFFICER], standing(world, verb)).touches(&touched)
    };
    let by_authority = |world: &World, verb: &str| {
        authority(world, &[AUTHORITY_KEY], standing(world, verb)).touches(&touched)
    };
    let mut cases = Vec::new();
    let published = Case::new(&new, PROVIDER, &[PROVIDER_OFFICER], publish(content()));
    cases.push(published.touches(&touched));
    // Bound to another office and to no system: the ones left behind hear of it, too.
    let mut moved = with(content(), "/office", json!(format!("{PROVIDER}:gov")));
    moved["systems"] = json!([]);
    moved["no_system"] = json!("手工台账");
    let revise = json!({"type": "entry.revise", "entry_id": entry_id(CODE),
        "prev": world.entry_version(), "entry": moved});
    let gov = format!("office/{PROVIDER}:gov");
    let both: Vec<&str> = touched.iter().copied().chain([gov.as_str()]).collect();
    cases.push(Case::new(&world, PROVIDER, &[PROVIDER_OFFICER], revise).touches(&both));
    for verb in ["withdraw", "suspend", "retire"] {
        cases.push(by_provider(&world, verb));
    }
    // Without an authority's key, the submitter acts as a provider that it is not.
    cases.push(by_authority(&world, "suspend").otherwise(Rule::EntryForeign));
    for verb in ["return", "reject", "freeze"] {
        cases.push(by_authority(&world, verb));
    }
    cases.push(by_authority(&after(&world, true, standing(&world, "freeze")), "lift"));
    let suspended = after(&world, false, standing(&world, "suspend"));
    cases.push(by_provider(&suspended, "resume"));
    cases.push(by_authority(&suspended, "resume").otherwise(Rule::EntryForeign));
    cases.push(by_provider(&after(&world, false, standing(&world, "withdraw")), "resume"));
    // The way through registration: the first version, and one that takes the place of another.
    for (world, prev) in [(&new, None), (&world, Some(world.entry_version()))] {
        let submit = json!({"type": "entry.submit", "prev": prev, "entry": content()});
        cases.push(
            Case::new(world, PROVIDER, &[PROVIDER_OFFICER], submit.clone()).touches(&touched),
        );
        let submitted = after(world, false, submit);
        let mut registered = after(&submitted, true, decide(&submitted, "register"));
        // As if another authority had registered it.
        registered.patch(&submission_key(&entry_id(CODE)), "/decided_by", json!(CONSUMER));
        for (world, verb) in [
            (&submitted, "register"),
            (&registered, "release"),
            (&submitted, "return"),
            (&registered, "reject"),
        ] {
            let decide = authority(world, &[AUTHORITY_KEY], decide(world, verb));
            cases.push(decide.touches(&touched));
        }
    }
    cases.push(transfer(&world));
    cases
}

/// The entry passes to the consumer, which provides, too.
fn transfer(world: &World) -> Case {
    let mut world = world.clone();
    world.patch(&member(CONSUMER), "/roles", json!(["provider", "consumer"]));
    let mut there = with(content(), "/office", json!(use_office()));
    there["responsibilities"] = json!([format!("{CONSUMER}:check")]);
    there["systems"] = json!([{"system": format!("{CONSUMER}:desk")}]);
    let transfer = json!({"type": "entry.transfer", "entry_id": entry_id(CODE), "to": CONSUMER,
        "prev": world.entry_version(), "entry": there, "basis": "机构改革方案"});
    let keys = [PROVIDER_OFFICER, CONSUMER_OFFICER, AUTHORITY_KEY];
    let mut touched = bound();
    touched.extend([member(PROVIDER), member(CONSUMER), format!("office/{}", use_office())]);
    touched.extend([format!("duty/{CONSUMER}:check"), format!("system/{CONSUMER}:desk")]);
    let case = Case::new(&world, PROVIDER, &keys, transfer).otherwise(Rule::EntryParties);
    case.touches(&strs(&touched))
}

/// An authority's decision on the entry's submission as it stands.
fn decide(world: &World, verb: &str) -> Value {
    let version = world.version(&submission_key(&entry_id(CODE)));
    let (id, kind) = (entry_id(CODE), format!("entry.{verb}"));
    match verb {
        "register" | "release" => json!({"type": kind, "entry_id": id, "submission": version}),
        _ => json!({"type": kind, "entry_id": id, "prev": version, "reason": "不合规范"}),
    }
}

pub fn consortium() -> Vec<Case> {
    let world = World::validators();
    let both = [AUTHORITY_KEY, PROVIDER_ADMIN];
    let mut cases = Vec::new();
    let params = Params { heartbeat_ms: 5_000, ..Params::default() };
    let change = json!({"type": "params.change", "params": params,
        "prev": world.version("params")});
    let change = authority(&world, &both, change).otherwise(Rule::KeyThreshold);
    cases.push(change.touches(&["params"]));
    let admit = json!({"type": "validator.admit",
        "validator": {"public_key": key_text(20), "power": 4, "member": PROVIDER}});
    let touched = ["validators", &key_at(20), &member(PROVIDER)];
    let admit = authority(&world, &both, admit).otherwise(Rule::KeyThreshold).touches(&touched);
    let mut admitted = world.clone();
    let transaction = admitted.by(AUTHORITY, &both, admit.action.clone());
    admitted.accept(transaction);
    let retire = json!({"type": "validator.retire", "public_key": key_text(20),
        "reason": "设备更换"});
    let retire = authority(&admitted, &both, retire).otherwise(Rule::KeyThreshold);
    cases.push(admit);
    cases.push(retire.touches(&touched));

    let mut world = World::new();
    world.height = 9;
    let statement = |block: Option<Digest>| {
        let (height, kind) = (Height(7), VoteKind::Precommit);
        let vote = VoteStatement { chain_id: chain_id(), height, round: 0, kind, block };
        json!({"block": block, "signature": key(VALIDATOR).sign(&vote.signed_bytes())})
    };
    let record = json!({"type": "evidence.record", "evidence": {"validator": key_text(VALIDATOR),
        "height": 7, "round": 0, "step": "precommit", "first": statement(None),
        "second": statement(Some(Digest::sha256(b"a block")))}});
    let record = Case::new(&world, CONSUMER, &[CONSUMER_ADMIN], record);
    let at = format!("evidence/{}/7/0/precommit", key_text(VALIDATOR));
    let touched = ["evidence", &at, &key_at(VALIDATOR), &member(PROVIDER)];
    cases.push(record.roles(ADMINISTRATOR).any_office().touches(&touched));
    cases
}
