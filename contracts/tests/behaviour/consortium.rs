//! Who votes, who decides together, and who is accused: the numbers at which it turns.

use mulu_chain::types::Height;
use mulu_contracts::genesis_state::genesis_state;
use mulu_contracts::rule::Rule;
use serde_json::{Value, json};

use crate::bounds::{case, changed};
use crate::cases_sharing::all;
use crate::world::*;
use crate::{Case, key_at};

const BOTH: &[u8] = &[AUTHORITY_KEY, PROVIDER_ADMIN];

/// Sets who votes: seed of the key, power and member.
fn set_validators(world: &mut World, validators: &[(u8, u64, &str)]) {
    let mut list: Vec<Value> = validators
        .iter()
        .map(|(seed, power, member)| {
            json!({"public_key": key_text(*seed), "power": power, "member": member})
        })
        .collect();
    list.sort_by_key(|validator| validator["public_key"].to_string());
    world.state.insert("validators".to_owned(), json!(list).to_string().into_bytes());
}

#[test]
fn a_validators_key_is_its_members_and_lasts() {
    let admit = case("validator.admit");
    let height = admit.world.height;
    let at = key_at(20);
    // The set decides two heights later: until then the key may begin, and it must not end.
    for (path, new, fits) in [
        ("/valid_from", json!(height + 2), true),
        ("/valid_from", json!(height + 3), false),
        ("/valid_to", json!(height + 99), false),
        ("/status", json!("revoked"), false),
        ("/roles", json!(["officer"]), false),
        ("/member", json!(CONSUMER), false),
    ] {
        let mut admit = admit.clone();
        admit.world.patch(&at, path, new);
        let expected = if fits { Ok(()) } else { Err(Rule::ValidatorKey.id()) };
        assert_eq!(admit.verdict(), expected, "{path}");
    }
    for (power, fits) in [(0, false), (1, true), (4, true), (1_000_001, false)] {
        let found = changed(&admit, "/validator/power", json!(power));
        let expected = if fits { Ok(()) } else { Err(Rule::ValidatorPower.id()) };
        assert_eq!(found, expected, "{power}");
    }
    let mut suspended = admit;
    suspended.world.state.insert(
        format!("member/{CONSUMER}"),
        String::from_utf8(suspended.world.state[&format!("member/{CONSUMER}")].clone())
            .unwrap()
            .replace("active", "suspended")
            .into_bytes(),
    );
    suspended.action["validator"]["member"] = json!(CONSUMER);
    assert_eq!(suspended.verdict(), Err(Rule::MemberInactive.id()));
}

/// What stays is a quorum of the set before the block and of the set after it.
#[test]
fn the_set_moves_by_less_than_a_third() {
    let retire = case("validator.retire");
    for (stays, goes, fits) in [(9, 4, true), (8, 4, false), (3, 1, true), (4, 2, false)] {
        let mut retire = retire.clone();
        let both = [(VALIDATOR, stays, PROVIDER), (20, goes, PROVIDER)];
        set_validators(&mut retire.world, &both);
        let expected = if fits { Ok(()) } else { Err(Rule::ValidatorQuorum.id()) };
        assert_eq!(retire.verdict(), expected, "{stays} {goes}");
    }
    let admit = case("validator.admit");
    for (was, comes, fits) in [(9, 4, true), (8, 4, false), (4, 1, true)] {
        let mut admit = admit.clone();
        set_validators(&mut admit.world, &[(VALIDATOR, was, PROVIDER)]);
        let found = changed(&admit, "/validator/power", json!(comes));
        let expected = if fits { Ok(()) } else { Err(Rule::ValidatorQuorum.id()) };
        assert_eq!(found, expected, "{was} {comes}");
    }
    // Measured from the set before the block: two small steps in one block are one big step.
    let mut world = admit.world;
    set_validators(&mut world, &[(VALIDATOR, 9, PROVIDER), (20, 3, PROVIDER)]);
    let retire = json!({"type": "validator.retire", "public_key": key_text(20), "reason": "更换"});
    for (power, fits) in [(3, true), (8, true), (9, false)] {
        let again = json!({"type": "validator.admit",
            "validator": {"public_key": key_text(20), "power": power, "member": PROVIDER}});
        let payload = world.payload(AUTHORITY, None, vec![retire.clone(), again]);
        let found = world.verdict(&sign(&payload, BOTH)).map_err(|no| (no.rule, no.action));
        // All 12 of before stay; after are 9 and the new power.
        let expected = if fits { Ok(()) } else { Err((Rule::ValidatorQuorum, 1)) };
        assert_eq!(found, expected, "{power}");
    }
}

/// Without a fixed number, more than two thirds of the members that vote; else that number.
#[test]
fn a_consortium_is_counted_by_members() {
    let all_three = [AUTHORITY_KEY, PROVIDER_ADMIN, CONSUMER_ADMIN];
    let validators =
        [(VALIDATOR, 1, PROVIDER), (20, 1, CONSUMER), (21, 1, AUTHORITY), (22, 1, PROVIDER)];
    for (voting, keys, fits) in [
        (1, &all_three[..2], true),
        (2, &all_three[..2], false),
        (2, &all_three, true),
        (3, &all_three[..2], false),
        (3, &all_three, true),
        (4, &all_three, true),
    ] {
        let mut change = case("params.change");
        set_validators(&mut change.world, &validators[..voting]);
        change.keys = keys.to_vec();
        let expected = if fits { Ok(()) } else { Err(Rule::KeyConsortium.id()) };
        assert_eq!(change.verdict(), expected, "{voting} {}", keys.len());
    }
    for (needed, keys, fits) in [
        (1, &all_three[..1], true),
        (2, &all_three[..1], false),
        (2, &all_three[..2], true),
        (3, &all_three[..2], false),
        (3, &all_three, true),
    ] {
        let mut change = case("params.change");
        change.world.patch("params", "/consortium_threshold", json!(needed));
        change.action["prev"] = json!(change.world.version("params"));
        change.keys = keys.to_vec();
        let expected = if fits { Ok(()) } else { Err(Rule::KeyConsortium.id()) };
        assert_eq!(change.verdict(), expected, "{needed} {}", keys.len());
    }
    // A key that is bound to an office does not speak for its member here.
    let mut change = case("params.change");
    change.world.patch(&key_at(PROVIDER_ADMIN), "/office", json!(data_office()));
    assert_eq!(change.verdict(), Err(Rule::KeyConsortium.id()));
}

/// No more signatures can be asked for than were given.
#[test]
fn thresholds_are_within_reach() {
    let change = case("params.change");
    for (name, most) in [("authority_threshold", 1), ("consortium_threshold", 2)] {
        let path = format!("/params/{name}");
        assert_eq!(changed(&change, &path, json!(most)), Ok(()), "{name}");
        let more = changed(&change, &path, json!(most + 1));
        assert_eq!(more, Err(Rule::ParamsThreshold.id()), "{name}");
    }
    let none = changed(&change, "/params/authority_threshold", json!(0));
    assert_eq!(none, Err(Rule::ParamsForm.id()));
    for name in ["authority_threshold", "consortium_threshold"] {
        let many = changed(&change, &format!("/params/{name}"), json!(1_000));
        assert_eq!(many, Err(Rule::ParamsForm.id()), "{name}");
    }
    // The founding document's keys must reach its thresholds: one authority, three leaders.
    for (authorities, leaders, fits) in
        [(1, 3, true), (2, 3, false), (1, 4, false), (1, 2, true), (1, 0, true)]
    {
        let mut founding = founding();
        founding.params.authority_threshold = authorities;
        founding.params.consortium_threshold = leaders;
        let found = genesis_state(&founding).map_err(|rejection| rejection.rule);
        let expected = if fits { Ok(()) } else { Err(Rule::ParamsForm) };
        assert_eq!(found.map(drop), expected, "{authorities} {leaders}");
    }
    // Neither a bound leader counts nor an authority's key of another role.
    let mut other = founding();
    other.keys[0].1.roles = other.keys[1].1.roles.clone();
    assert_eq!(genesis_state(&other).unwrap_err().rule, Rule::ParamsForm);
    let mut bound = founding();
    bound.params.consortium_threshold = 3;
    bound.keys[1].1.office = Some(data_office());
    assert_eq!(genesis_state(&bound).unwrap_err().rule, Rule::ParamsForm);
}

/// A threshold of zero is left out of the record, any other is in it.
#[test]
fn the_consortiums_threshold_is_stored_unless_zero() {
    let mut change = case("params.change");
    let stored = |world: &World| String::from_utf8(world.state["params"].clone()).unwrap();
    assert!(!stored(&change.world).contains("consortium_threshold"));
    change.action["params"]["consortium_threshold"] = json!(2);
    let (world, _) = change.run();
    assert!(stored(&world).contains("\"consortium_threshold\":2"));
}

#[test]
fn a_validator_answers_for_the_time_it_could_vote() {
    let record = case("evidence.record");
    let at = key_at(VALIDATOR);
    assert_eq!(record.clone().verdict(), Ok(()));
    for (path, height, fits) in [
        ("/registered_at_height", 7, true),
        ("/registered_at_height", 8, false),
        // Its votes count until two heights after its revocation.
        ("/revoked_at_height", 6, true),
        ("/revoked_at_height", 5, false),
    ] {
        let mut record = record.clone();
        record.world.patch(&at, path, json!(height));
        let expected = if fits { Ok(()) } else { Err(Rule::EvidenceValidator.id()) };
        assert_eq!(record.verdict(), expected, "{path} {height}");
    }
    for (now, fits) in [(7, true), (6, false), (1_000_007, true), (1_000_008, false)] {
        let mut record = record.clone();
        record.world.height = now;
        let expected = if fits { Ok(()) } else { Err(Rule::EvidenceHeight.id()) };
        assert_eq!(record.verdict(), expected, "{now}");
    }
    // Both signatures are the validator's.
    for name in ["first", "second"] {
        let other = key(PROVIDER_ADMIN).sign(b"anything");
        let found = changed(&record, &format!("/evidence/{name}/signature"), json!(other));
        assert_eq!(found, Err(Rule::EvidenceSignature.id()), "{name}");
    }
}

/// A validator's key signs reports and nothing else, and only a validator's or an administrator's
/// key reports.
#[test]
fn a_validators_key_reports_and_does_nothing_else() {
    let mut record = case("evidence.record");
    record.member = PROVIDER;
    record.keys = vec![VALIDATOR];
    assert_eq!(record.verdict(), Ok(()));
    for mut case in all() {
        if case.member == PROVIDER {
            case.keys.push(VALIDATOR);
            assert_eq!(case.verdict(), Err(Rule::KeyVotesOnly.id()), "{}", case.name());
        }
    }
    let mut mixed = case("evidence.record");
    let establish = json!({"type": "office.establish", "office": {"code": "a", "name": "a"}});
    let actions = vec![mixed.action.clone(), establish];
    let payload = mixed.world.payload(PROVIDER, None, actions);
    let transaction = sign(&payload, &[VALIDATOR, PROVIDER_ADMIN]);
    assert_eq!(mixed.world.refuse(&transaction), Rule::KeyVotesOnly);
}

/// A founding validator's key is in force from the first height that is voted on.
#[test]
fn founding_validators() {
    for (from, fits) in [(1, true), (2, false)] {
        let mut founding = founding();
        founding.keys[7].1.valid_from = Some(Height(from));
        let found = genesis_state(&founding).map(drop).map_err(|rejection| rejection.rule);
        let expected = if fits { Ok(()) } else { Err(Rule::ValidatorKey) };
        assert_eq!(found, expected, "{from}");
    }
    let broken = |change: fn(&mut mulu_contracts::genesis_state::Founding)| {
        let mut founding = founding();
        change(&mut founding);
        let rejection = genesis_state(&founding).unwrap_err();
        (rejection.rule, rejection.action, rejection.detail)
    };
    let (rule, index, detail) = broken(|f| f.offices[2].1.code = "A".to_owned());
    assert_eq!((rule, index), (Rule::FieldCode, 2));
    assert!(detail.starts_with("offices[2]: "), "{detail}");
    for (found, rule, index) in [
        (broken(|f| f.keys[3].1.roles.clear()), Rule::KeyRoles, 3),
        (broken(|f| f.duties[1].1.code = "A".to_owned()), Rule::FieldCode, 1),
        (broken(|f| f.systems[2].1.code = "A".to_owned()), Rule::FieldCode, 2),
        (broken(|f| f.keys[4].0 = NEWCOMER.to_owned()), Rule::MemberUnknown, 4),
        (broken(|f| f.duties[0].0 = NEWCOMER.to_owned()), Rule::MemberUnknown, 0),
        (broken(|f| f.systems[1].0 = NEWCOMER.to_owned()), Rule::MemberUnknown, 1),
    ] {
        assert_eq!((found.0, found.1), (rule, index), "{}", found.2);
    }
}

/// Three members, one of them suspended: its keys sign nothing, not even beside others.
#[test]
fn a_suspended_member_signs_nothing() {
    let mut finalize = case("authorization.finalize");
    finalize.world.patch(&format!("member/{CONSUMER}"), "/status", json!("suspended"));
    let case =
        Case { member: PROVIDER, keys: vec![PROVIDER_OFFICER, CONSUMER_OFFICER], ..finalize };
    assert_eq!(case.clone().verdict(), Err(Rule::MemberInactive.id()));
}

/// Of a total of at most three none may be faulty: one validator moves at a time.
#[test]
fn small_sets_move_by_one() {
    let admit = case("validator.admit");
    for (was, comes, fits) in
        [(1, 1, true), (1, 2, true), (1, 3, false), (2, 1, true), (2, 2, false)]
    {
        let mut admit = admit.clone();
        set_validators(&mut admit.world, &[(VALIDATOR, was, PROVIDER)]);
        let found = changed(&admit, "/validator/power", json!(comes));
        let expected = if fits { Ok(()) } else { Err(Rule::ValidatorQuorum.id()) };
        assert_eq!(found, expected, "{was} {comes}");
    }
    let retire = case("validator.retire");
    for (stays, goes, fits) in [(1, 1, true), (1, 2, true), (2, 1, true), (2, 2, false)] {
        let mut retire = retire.clone();
        let both = [(VALIDATOR, stays, PROVIDER), (20, goes, PROVIDER)];
        set_validators(&mut retire.world, &both);
        let expected = if fits { Ok(()) } else { Err(Rule::ValidatorQuorum.id()) };
        assert_eq!(retire.verdict(), expected, "{stays} {goes}");
    }
    // Neither one for another in one block, nor one with another power.
    let mut world = admit.world;
    let register = json!({"type": "key.register",
        "key": {"public_key": key_text(21), "roles": ["validator"]}});
    let transaction = world.by(PROVIDER, &[PROVIDER_ADMIN, 21], register);
    world.accept(transaction);
    set_validators(&mut world, &[(VALIDATOR, 1, PROVIDER), (20, 1, PROVIDER)]);
    let retire = json!({"type": "validator.retire", "public_key": key_text(20), "reason": "更换"});
    for (seed, power, fits) in [(21, 1, false), (20, 1, true), (20, 2, false)] {
        let comes = json!({"type": "validator.admit",
            "validator": {"public_key": key_text(seed), "power": power, "member": PROVIDER}});
        let payload = world.payload(AUTHORITY, None, vec![retire.clone(), comes]);
        let found = world.verdict(&sign(&payload, BOTH)).map_err(|no| no.rule);
        let expected = if fits { Ok(()) } else { Err(Rule::ValidatorQuorum) };
        assert_eq!(found, expected, "{seed} {power}");
    }
}
