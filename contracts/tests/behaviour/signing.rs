//! Who may sign: the role of the submitter's own key, the office it is bound to, the number of
//! authorities, and no signature too many.

use mulu_contracts::rule::Rule;
use serde_json::json;

use crate::cases_sharing::all;
use crate::world::*;
use crate::{Case, key_at};

const ROLES: [&str; 5] = ["administrator", "officer", "application", "auditor", "authority"];

/// The same case with the submitter's own key in another role.
fn in_role(mut case: Case, role: &str) -> Case {
    let own = key_at(case.keys[0]);
    case.world.patch(&own, "/roles", json!([role]));
    case
}

#[test]
fn only_the_roles_named_may_sign() {
    let mut refused = 0;
    for case in all() {
        for role in ROLES {
            let (roles, otherwise, name) = (case.roles, case.otherwise, case.name());
            // A key of an authority may do what authorities may: other cases are about that.
            if role == "authority" && case.member != AUTHORITY {
                continue;
            }
            let verdict = in_role(case.clone(), role).verdict();
            match roles.contains(&role) {
                true => assert_eq!(verdict, Ok(()), "{name} {role}"),
                false => {
                    refused += 1;
                    assert_eq!(verdict, Err(otherwise.id()), "{name} {role}");
                }
            }
        }
    }
    assert!(refused > 200, "{refused}");
}

/// A key bound to an office acts for that office alone, and only when the office submits.
#[test]
fn a_bound_key_acts_for_its_office() {
    for mut case in all() {
        let name = case.name().to_owned();
        let office = format!("{}:elsewhere", case.member);
        let like = format!("office/{}", data_office());
        let record = String::from_utf8(case.world.state[&like].clone()).unwrap();
        let record = record.replace(&data_office(), &office);
        let record = record.replace(PROVIDER, case.member);
        case.world.state.insert(format!("office/{office}"), record.into_bytes());
        case.world.patch(&key_at(case.keys[0]), "/office", json!(office));
        let elsewhere = case.office.take();
        let expected = match case.otherwise {
            Rule::KeyRole => Rule::KeyOffice,
            other => other,
        };
        case.office = Some(office);
        match case.any_office {
            true => assert_eq!(case.verdict(), Ok(()), "{name} for its office"),
            false => assert_eq!(case.verdict(), Err(expected.id()), "{name} for its office"),
        }
        case.office = elsewhere;
        // Without the office as submitter; a key that replaces itself needs nobody's word, and
        // authorities are counted whatever they are bound to.
        let itself = case.roles.len() == ROLES.len() - 1;
        if case.any_office && case.office.is_none() && !itself && expected == Rule::KeyOffice {
            assert_eq!(case.verdict(), Err(expected.id()), "{name} without office");
        }
        if case.office.is_some() {
            assert_eq!(case.verdict(), Err(expected.id()), "{name} for another office");
        }
    }
}

/// What an authority does alone, it does with as many authorities as the parameters ask for.
#[test]
fn authorities_sign_in_the_number_asked_for() {
    let mut counted = 0;
    for mut case in all() {
        if !case.keys.contains(&AUTHORITY_KEY) {
            continue;
        }
        counted += 1;
        case.world.patch("params", "/authority_threshold", json!(2));
        if case.name() == "params.change" {
            case.action["prev"] = json!(case.world.version("params"));
        }
        assert_eq!(case.verdict(), Err(Rule::KeyThreshold.id()), "{}", case.name());
    }
    assert!(counted > 20, "{counted}");
}

/// No action is accepted with a signature that it has no use for.
#[test]
fn no_signature_is_superfluous() {
    for mut case in all() {
        let foreign = [CONSUMER_APP, PROVIDER_APP, CONSUMER_OFFICER];
        let member = |seed: u8| if seed == PROVIDER_APP { PROVIDER } else { CONSUMER };
        let extra = foreign
            .into_iter()
            .find(|seed| member(*seed) != case.member && !case.keys.contains(seed));
        case.keys.extend(extra);
        let found = case.verdict();
        let expected = match case.name() {
            "member.suspend" => Rule::MemberSigned,
            "member.resume" => Rule::MemberInactive,
            _ => Rule::KeyForeign,
        };
        assert_eq!(found, Err(expected.id()), "{}", case.name());
    }
}
