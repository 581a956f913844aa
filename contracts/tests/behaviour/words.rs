//! What a refusal says: the rule, its words, and the values found and expected.

use mulu_contracts::rule::Rule;
use mulu_contracts::state::{entry_id, member_of_id};
use serde_json::{Value, json};

use crate::bounds::case;
use crate::world::*;

#[test]
fn rules_have_their_own_words() {
    let (first, second) = (Rule::DutyUnknown, Rule::EntryPrev);
    assert_eq!(first.title_en(), "The duty does not exist");
    assert_eq!(first.title_zh(), "职责不存在");
    assert_eq!(first.help_en(), "Name it as <credit code>:<code>; register it first.");
    assert_eq!(first.help_zh(), "请写成 <信用代码>:<代码>；先登记该职责。");
    assert_eq!(second.title_en(), "The entry changed since you read it");
    assert_eq!(second.subject(), "ENT");
}

/// Every rule points to the section of the specification that has it.
#[test]
fn rules_point_to_their_section() {
    for (rule, anchor) in [
        (Rule::EncodingMalformed, "#2-encoding"),
        (Rule::from_id("SIG-01").unwrap(), "#4-keys-and-signatures"),
        (Rule::JsonUtf8, "#5-transactions"),
        (Rule::from_id("BLK-01").unwrap(), "#6-blocks"),
        (Rule::from_id("LOG-01").unwrap(), "#7-the-log"),
        (Rule::StateProofRoot, "#82-proofs"),
        (Rule::from_id("CRT-01").unwrap(), "#9-certificates-and-validator-sets"),
        (Rule::BundleMagic, "#10-bundles"),
        (Rule::EntryPrev, "#11-records-and-rules"),
    ] {
        assert_eq!(rule.spec_anchor(), anchor, "{}", rule.id());
    }
}

#[test]
fn a_refusal_says_what_was_found() {
    let world = World::published();
    let prev = entry_id(CODE);
    let mut withdraw = case("entry.withdraw");
    withdraw.action["prev"] = json!(prev);
    let transaction = withdraw.transaction();
    let rejection = world.verdict(&transaction).unwrap_err();
    let expected = format!(
        "ENT-04: The entry changed since you read it (action 0): prev is {prev}, the current \
         version is {}",
        world.entry_version()
    );
    assert_eq!(rejection.to_string(), expected);

    // Values are shown as they are written in JSON, names without quotation marks.
    let mut agree = World::finalized();
    let transaction = agree.by_provider(agree.about("agree"));
    let detail = agree.verdict(&transaction).unwrap_err().detail;
    assert_eq!(detail, "it is finalized, must be one of [\"requested\",\"compliant\",\"offered\"]");
    let transaction = agree.by(PROVIDER, &[PROVIDER_APP], publish(content()));
    let detail = agree.verdict(&transaction).unwrap_err().detail;
    assert_eq!(detail, format!("needed is a key of {PROVIDER} with role officer"));
    let payload = World::new().payload(PROVIDER, None, vec![]);
    let invalid = parse(payload.to_string().as_bytes(), &[PROVIDER_OFFICER]).unwrap_err();
    assert_eq!(invalid.detail(), "found 0, allowed are 1 to 500");
    let words =
        format!("{}: {}: {}", invalid.rule().id(), invalid.rule().title_en(), invalid.detail());
    assert_eq!(invalid.to_string(), words);
}

/// The JSON library would read an object from an array, and a name from an object.
#[test]
fn a_payload_is_written_the_way_it_is_specified() {
    let good = World::published();
    let request = good.request_action();
    let mut world = good.clone();
    for (path, new, said) in [
        ("/window", json!([START_MS, START_MS + 1]), ".actions[0].window"),
        ("/method", json!({"mail": null}), ".actions[0].method"),
        ("/purpose", json!(["依据", "场景"]), ".actions[0].purpose"),
    ] {
        let payload =
            world.payload(CONSUMER, Some(use_office()), vec![with(request.clone(), path, new)]);
        let invalid = parse(payload.to_string().as_bytes(), &[CONSUMER_OFFICER]).unwrap_err();
        assert_eq!(invalid.rule(), Rule::PayloadShape);
        assert_eq!(
            invalid.detail(),
            format!("payload{said} is written as another kind of JSON value")
        );
    }
    // What may be left out may be null.
    let null = with(request, "/obligations", Value::Null);
    let transaction = world.by_consumer(null);
    world.accept(transaction);
}

#[test]
fn frames_to_their_last_element() {
    let mut world = World::new();
    let establish = json!({"type": "office.establish", "office": {"code": "a", "name": "a"}});
    let most = world.payload(PROVIDER, None, vec![establish; 500]);
    assert!(parse(most.to_string().as_bytes(), &[PROVIDER_ADMIN]).is_ok());
    let payload = world.payload(PROVIDER, None, vec![publish(content())]);
    for field in ["/nonce", "/created_at"] {
        let longest = with(payload.clone(), field, json!("字".repeat(64)));
        assert!(parse(longest.to_string().as_bytes(), &[PROVIDER_OFFICER]).is_ok(), "{field}");
    }
}

#[test]
fn an_offices_id_names_its_member() {
    assert_eq!(member_of_id(&data_office()), PROVIDER);
    assert_eq!(member_of_id(PROVIDER), PROVIDER);
}
