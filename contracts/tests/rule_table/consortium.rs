//! Parameters, validators and evidence.

use mulu_chain::certificate::{ProposalStatement, VoteKind, VoteStatement};
use mulu_chain::digest::Digest;
use mulu_chain::types::Height;
use mulu_contracts::params::Params;
use mulu_contracts::rule::Rule;
use serde_json::{Value, json};

use crate::Table;
use crate::world::*;

/// What the one member that votes and the authority need to change anything.
const CONSORTIUM: &[u8] = &[AUTHORITY_KEY, PROVIDER_ADMIN];

pub fn params(table: &mut Table) {
    let world = World::new();
    let change = json!({"type": "params.change", "params": Params::default(),
        "prev": world.version("params")});
    let mut by = |rule, keys: &[u8], action: &Value| {
        table.by(rule, &world, AUTHORITY, keys, action.clone());
    };
    by(Rule::KeyConsortium, &[AUTHORITY_KEY], &change);
    by(Rule::KeyConsortium, &[AUTHORITY_KEY, CONSUMER_ADMIN], &change);
    by(Rule::ParamsForm, CONSORTIUM, &with(change.clone(), "/params/heartbeat_ms", json!(0)));
    by(Rule::ParamsPrev, CONSORTIUM, &with(change.clone(), "/prev", json!(Digest::ZERO)));
    for (name, value) in [("authority_threshold", 2), ("consortium_threshold", 3)] {
        let beyond = with(change.clone(), &format!("/params/{name}"), json!(value));
        by(Rule::ParamsThreshold, CONSORTIUM, &with(beyond, "/in_force_from", json!(0)));
    }
    let unsorted = json!({"holidays": ["2026-01-02", "2026-01-01"]});
    by(Rule::ParamsCalendar, CONSORTIUM, &with(change.clone(), "/params/calendar", unsorted));
    let twice = json!({"workdays": ["2026-01-04", "2026-01-04"]});
    by(Rule::ParamsCalendar, CONSORTIUM, &with(change.clone(), "/params/calendar", twice));
    let no_date = json!({"holidays": ["2026-02-30"]});
    by(Rule::FieldDate, CONSORTIUM, &with(change.clone(), "/params/calendar", no_date));
    let many = json!({"holidays": vec!["2026-01-01"; 367]});
    by(Rule::FieldCount, CONSORTIUM, &with(change.clone(), "/params/calendar", many));
    let long = json!({"dispute_days": 367});
    by(Rule::ParamsForm, CONSORTIUM, &with(change.clone(), "/params/deadlines", long));
    for from in [0, 1, 10_000_002] {
        by(Rule::ParamsFrom, CONSORTIUM, &with(change.clone(), "/in_force_from", json!(from)));
    }
    for (version, from) in [(2, None), (2, Some(10)), (3, Some(11)), (3, None)] {
        let next = with(change.clone(), "/params/protocol_version", json!(version));
        by(Rule::ParamsProtocol, CONSORTIUM, &with(next, "/in_force_from", json!(from)));
    }
    let none = with(change.clone(), "/params/protocol_version", json!(0));
    by(Rule::ParamsForm, CONSORTIUM, &none);
    table.by(Rule::KeyThreshold, &world, PROVIDER, &[PROVIDER_ADMIN], change.clone());
    let mut world = world;
    world.patch("params", "/consortium_threshold", json!(3));
    let change = with(change, "/prev", json!(world.version("params")));
    table.by(Rule::KeyConsortium, &world, AUTHORITY, CONSORTIUM, change);
    table.founding(Rule::ParamsForm, |f| f.params.consortium_threshold = 4);
}

pub fn validators(table: &mut Table) {
    let world = World::validators();
    let admit = |seed: u8, member: &str, power: u64| {
        json!({"type": "validator.admit",
            "validator": {"public_key": key_text(seed), "power": power, "member": member}})
    };
    let retire = |seed: u8, reason: &str| json!({"type": "validator.retire", "public_key": key_text(seed), "reason": reason});
    let mut by = |rule, action| table.by(rule, &world, AUTHORITY, CONSORTIUM, action);
    by(Rule::ValidatorPower, admit(20, PROVIDER, 0));
    by(Rule::ValidatorPower, admit(20, PROVIDER, 1_000_001));
    by(Rule::MemberUnknown, admit(20, NEWCOMER, 1));
    by(Rule::ValidatorKey, admit(20, CONSUMER, 1));
    by(Rule::ValidatorKey, admit(PROVIDER_ADMIN, PROVIDER, 1));
    by(Rule::ValidatorKey, admit(STRANGER, PROVIDER, 1));
    by(Rule::ValidatorExists, admit(VALIDATOR, PROVIDER, 1));
    by(Rule::ValidatorQuorum, admit(20, PROVIDER, 5));
    by(Rule::ValidatorUnknown, retire(20, "更换"));
    by(Rule::FieldText, retire(VALIDATOR, ""));
    let only = World::new();
    let mut by = |rule, keys, action| table.by(rule, &only, AUTHORITY, keys, action);
    by(Rule::ValidatorSetForm, CONSORTIUM, retire(VALIDATOR, "更换"));
    by(Rule::KeyConsortium, &[AUTHORITY_KEY], retire(VALIDATOR, "更换"));
    table.founding(Rule::ValidatorPower, |f| f.validators[0].power = 1_000_001);
}

/// From a single validator to three and back, one a block.
pub fn small_sets(table: &mut Table) {
    let mut founding = founding();
    for seed in [20, 21] {
        let key = json!({"public_key": key_text(seed), "roles": ["validator"]});
        founding.keys.push((PROVIDER.to_owned(), serde_json::from_value(key).unwrap()));
    }
    let mut world = World::new();
    world.state = mulu_contracts::genesis_state::genesis_state(&founding).unwrap();
    let admit = |seed: u8, power: u64| {
        json!({"type": "validator.admit",
            "validator": {"public_key": key_text(seed), "power": power, "member": PROVIDER}})
    };
    let retire = |seed: u8| json!({"type": "validator.retire", "public_key": key_text(seed), "reason": "更换"});
    table.by(Rule::ValidatorQuorum, &world, AUTHORITY, CONSORTIUM, admit(20, 3));
    let payload = world.payload(AUTHORITY, None, vec![admit(20, 1), admit(21, 1)]);
    table.refused(Rule::ValidatorQuorum, &mut world, &sign(&payload, CONSORTIUM));
    let swap = world.payload(AUTHORITY, None, vec![admit(20, 1), retire(VALIDATOR)]);
    table.refused(Rule::ValidatorQuorum, &mut world, &sign(&swap, CONSORTIUM));
    for action in [admit(20, 1), admit(21, 1), retire(VALIDATOR), retire(20)] {
        let transaction = world.by(AUTHORITY, CONSORTIUM, action);
        world.accept(transaction);
    }
    let set = mulu_contracts::state::validator_set(&world).unwrap().unwrap();
    assert_eq!((set.total_power(), set.validators().len()), (1, 1));
}

pub fn evidence(table: &mut Table) {
    let mut world = World::new();
    world.height = 9;
    table.by(Rule::KeyVotesOnly, &world, PROVIDER, &[VALIDATOR], publish(content()));
    let action = json!({"type": "evidence.record", "evidence": prevotes(7, 2)});
    let by = &[VALIDATOR];
    let mut change = |rule, path: &str, new: Value| {
        table.by(rule, &world, PROVIDER, by, with(action.clone(), path, new));
    };
    change(Rule::EvidenceValidator, "/evidence/validator", json!(key_text(STRANGER)));
    change(Rule::EvidenceValidator, "/evidence/validator", json!(key_text(PROVIDER_ADMIN)));
    change(Rule::EvidenceHeight, "/evidence/height", json!(10));
    change(Rule::EvidenceSignature, "/evidence/height", json!(8));
    change(Rule::EvidenceSignature, "/evidence/step", json!("precommit"));
    change(Rule::EvidenceStatement, "/evidence/step", json!("proposal"));
    change(Rule::EvidenceStatement, "/evidence/first/valid_round", json!(1));
    let (first, second) = (&action["evidence"]["first"], &action["evidence"]["second"]);
    change(Rule::EvidenceSame, "/evidence/first", second.clone());
    let swapped = with(action.clone(), "/evidence/first", second.clone());
    let swapped = with(swapped, "/evidence/second", first.clone());
    table.by(Rule::EvidenceOrder, &world, PROVIDER, by, swapped);
    table.by(Rule::KeyRole, &world, PROVIDER, &[PROVIDER_OFFICER], action.clone());
    let mut late = world.clone();
    late.height = 1_000_008;
    table.by(Rule::EvidenceHeight, &late, PROVIDER, by, action.clone());
    let mut before = world.clone();
    before.patch(&format!("key/{}", key_text(VALIDATOR)), "/registered_at_height", json!(8));
    table.by(Rule::EvidenceValidator, &before, PROVIDER, by, action.clone());
    let transaction = world.by(PROVIDER, by, action.clone());
    world.accept(transaction);
    table.by(Rule::EvidenceExists, &world, CONSUMER, &[CONSUMER_ADMIN], action);
}

/// A prevote for nil and one for a block.
fn prevotes(height: u64, round: u32) -> Value {
    let statement = |block: Option<Digest>| {
        let (height, kind) = (Height(height), VoteKind::Prevote);
        let vote = VoteStatement { chain_id: chain_id(), height, round, kind, block };
        json!({"block": block, "signature": key(VALIDATOR).sign(&vote.signed_bytes())})
    };
    json!({"validator": key_text(VALIDATOR), "height": height, "round": round, "step": "prevote",
        "first": statement(None), "second": statement(Some(Digest::sha256(b"a block")))})
}

/// Two proposals that differ in their valid round alone contradict each other; whatever order they
/// are reported in, one payload comes out.
#[test]
fn proposals_are_evidence_in_one_form() {
    use mulu_contracts::evidence::{Equivocation, EvidenceStep, Statement, is_recorded};
    let mut world = World::new();
    world.height = 9;
    let statement = |valid_round| {
        let (height, block) = (Height(7), Digest::sha256(b"a block"));
        let said = ProposalStatement { chain_id: chain_id(), height, round: 3, block, valid_round };
        let signature = key(VALIDATOR).sign(&said.signed_bytes());
        Statement { block: Some(block), valid_round, signature }
    };
    let report = |first, second| {
        let (validator, step) = (key(VALIDATOR).public_key(), EvidenceStep::Proposal);
        let evidence = Equivocation { validator, height: Height(7), round: 3, step, first, second };
        let payload = mulu_contracts::evidence::transaction_payload(
            &chain_id(),
            CONSUMER,
            Height(20),
            evidence.clone(),
        );
        (evidence, payload)
    };
    let (evidence, payload) = report(statement(None), statement(Some(1)));
    assert_eq!(payload, report(statement(Some(1)), statement(None)).1);
    assert!(!is_recorded(&world, &evidence).unwrap());
    let transaction = parse(&payload, &[CONSUMER_ADMIN]).unwrap();
    world.accept(transaction);
    assert!(is_recorded(&world, &evidence).unwrap());
    let key = evidence.key();
    for subject in ["evidence", &key, &format!("member/{PROVIDER}")] {
        assert_eq!(world.histories[subject].len(), 1, "{subject}");
    }
    println!("{}", String::from_utf8_lossy(&world.state[&key]));
}

/// A change named for a later height waits for it, and the next change takes its place.
#[test]
fn parameters_wait_for_their_height() {
    let mut world = World::new();
    let heartbeat = |world: &World, height: u64| {
        mulu_contracts::state::params(world, Height(height)).unwrap().heartbeat_ms
    };
    let change = |world: &mut World, heartbeat_ms: u64, from: Option<u64>| {
        let params = Params { heartbeat_ms, ..Params::default() };
        let action = json!({"type": "params.change", "params": params,
            "prev": world.version("params"), "in_force_from": from});
        let transaction = world.by(AUTHORITY, CONSORTIUM, action);
        world.accept(transaction);
    };
    let before = world.state["params"].clone();
    change(&mut world, 5_000, Some(10));
    assert_eq!([9, 10, 11].map(|h| heartbeat(&world, h)), [60_000, 5_000, 5_000]);
    change(&mut world, 7_000, Some(20));
    assert_eq!([9, 10, 19, 20].map(|h| heartbeat(&world, h)), [60_000, 60_000, 60_000, 7_000]);
    // After its height, the one that waited is what the next change stands on.
    world.height = 20;
    change(&mut world, 8_000, Some(30));
    assert_eq!([21, 29, 30].map(|h| heartbeat(&world, h)), [7_000, 7_000, 8_000]);
    change(&mut world, 60_000, None);
    assert_eq!(world.state["params"], before, "nothing is left of what waited");
}

/// The rules go on by one version at a time, from a height that is seen coming, and never back.
#[test]
fn the_version_of_the_rules_follows_the_one_before() {
    let mut world = World::new();
    let founded = world.state["params"].clone();
    let change = |world: &mut World, protocol_version: u32, from: Option<u64>| {
        let params = Params { protocol_version, ..Params::default() };
        let action = json!({"type": "params.change", "params": params,
            "prev": world.version("params"), "in_force_from": from});
        let transaction = world.by(AUTHORITY, CONSORTIUM, action);
        world.verdict(&transaction).map_err(|rejection| rejection.rule)?;
        world.accept(transaction);
        Ok(())
    };
    let at = |world: &World, height| {
        mulu_contracts::state::params(world, Height(height)).unwrap().protocol_version
    };
    let refused = Err(Rule::ParamsProtocol);
    let from = world.height + 10;
    assert_eq!(change(&mut world, 2, Some(from)), Ok(()));
    assert_eq!([from - 1, from].map(|height| at(&world, height)), [1, 2]);
    // Before its height it can be taken back.
    assert_eq!(change(&mut world, 1, None), Ok(()));
    assert_eq!(world.state["params"], founded);
    let from = world.height + 10;
    assert_eq!(change(&mut world, 2, Some(from - 1)), refused);
    assert_eq!(change(&mut world, 2, Some(from)), Ok(()));
    world.height = from;
    assert_eq!(change(&mut world, 1, None), refused);
    assert_eq!(change(&mut world, 3, Some(from + 9)), refused);
    assert_eq!(change(&mut world, 4, Some(from + 20)), refused);
    assert_eq!(change(&mut world, 2, None), Ok(()));
    let next = world.height + 10;
    assert_eq!(change(&mut world, 3, Some(next)), Ok(()));
    assert_eq!([next - 1, next].map(|height| at(&world, height)), [2, 3]);
}

/// Three heights of a growing set: the change is in the state at once, for the height after next.
#[test]
fn the_consortium_changes_what_it_agreed_on() {
    let mut world = World::validators();
    let params = Params { heartbeat_ms: 5_000, ..Params::default() };
    let prev = world.version("params");
    let change = json!({"type": "params.change", "params": params, "prev": prev});
    let transaction = world.by(PROVIDER, CONSORTIUM, change);
    world.accept(transaction);
    assert_eq!(mulu_contracts::state::params(&world, Height(2)).unwrap(), params);
    let admit = json!({"type": "validator.admit",
        "validator": {"public_key": key_text(20), "power": 4, "member": PROVIDER}});
    let transaction = world.by(AUTHORITY, CONSORTIUM, admit);
    world.accept(transaction);
    let retire =
        json!({"type": "validator.retire", "public_key": key_text(20), "reason": "设备更换"});
    let revoke = json!({"type": "key.revoke", "public_key": key_text(20), "reason": "设备更换"});
    let payload = world.payload(AUTHORITY, None, vec![retire, revoke]);
    world.accept(sign(&payload, CONSORTIUM));
    let set = mulu_contracts::state::validator_set(&world).unwrap().unwrap();
    assert_eq!(set.total_power(), 10);
    assert_eq!(world.histories["validators"].len(), 2);
    assert_eq!(world.histories["params"].len(), 1);
}
