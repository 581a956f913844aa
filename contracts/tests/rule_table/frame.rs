//! Payloads, their frame, and founding documents.

use mulu_contracts::member::NewMember;
use mulu_contracts::rule::Rule;
use serde_json::{Value, json};

use crate::Table;
use crate::world::*;

pub fn payloads(table: &mut Table) {
    table.unparsed(Rule::JsonUtf8, b"{\"a\":\"\xff\"}");
    table.unparsed(Rule::JsonGrammar, b"{");
    table.unparsed(Rule::JsonDuplicateKey, br#"{"a":1,"a":2}"#);
    table.unparsed(Rule::JsonFloat, br#"{"a":1.5}"#);
    table.unparsed(Rule::JsonIntegerRange, br#"{"a":9007199254740992}"#);
    table.unparsed(Rule::JsonControlCharacter, br#"{"a":"\n"}"#);
    table.unparsed(Rule::JsonInvisible, r#"{"a":"x\u202ey"}"#.as_bytes());
    table.unparsed(Rule::JsonNotNormalized, "{\"a\":\"e\u{301}\"}".as_bytes());
    table.unparsed(Rule::JsonDepth, "[".repeat(17).as_bytes());
    table.unparsed(Rule::JsonStringLength, format!("\"{}\"", "a".repeat(16_385)).as_bytes());
    table.unparsed(Rule::JsonSurrogate, br#"{"a":"\ud800"}"#);
    table.unparsed(Rule::JsonBlank, br#"{"a":" b"}"#);
    let good = World::new().payload(PROVIDER, None, vec![publish(content())]);
    let mut change = |rule, path: &str, new: Value| {
        table.unparsed(rule, &serde_json::to_vec(&with(good.clone(), path, new)).unwrap());
    };
    change(Rule::PayloadChain, "/chain_id", json!("other"));
    change(Rule::PayloadSchemaVersion, "/schema_version", json!(2));
    change(Rule::PayloadActions, "/actions", json!([]));
    let establish = json!({"type": "office.establish", "office": {"code": "a", "name": "a"}});
    change(Rule::PayloadActions, "/actions", json!(vec![establish; 501]));
    change(Rule::PayloadTexts, "/nonce", json!("n".repeat(65)));
    change(Rule::PayloadTexts, "/created_at", json!(""));
    // Shapes: unknown fields at every depth, unknown names, wrong types, weak keys.
    let action = "/actions/0";
    let entry = "/actions/0/entry";
    change(Rule::PayloadShape, "/extra", json!(1));
    change(Rule::PayloadShape, "/valid_until", json!(-1));
    change(Rule::PayloadShape, "/submitter", json!({"member": PROVIDER, "key": "k"}));
    change(Rule::PayloadShape, &format!("{action}/extra"), json!(1));
    change(Rule::PayloadShape, &format!("{action}/type"), json!("entry.delete"));
    change(Rule::PayloadShape, &format!("{entry}/extra"), json!(1));
    change(Rule::PayloadShape, &format!("{entry}/share/type"), json!(1));
    change(Rule::PayloadShape, &format!("{entry}/level"), json!("secret"));
    change(Rule::PayloadShape, &format!("{entry}/update_cycle"), json!("hourly"));
    change(Rule::PayloadShape, &format!("{entry}/items/0/extra"), json!(1));
    let weak = format!("ed25519:{:064}", 0);
    let register = json!({"type": "key.register", "key": {"public_key": weak, "roles": []}});
    change(Rule::PayloadShape, action, register);
}

pub fn frames(table: &mut Table) {
    let mut world = World::new();
    let mut change = |rule, path: &str, new: Value| {
        let payload = world.payload(PROVIDER, None, vec![publish(content())]);
        let transaction = sign(&with(payload, path, new), &[PROVIDER_OFFICER]);
        table.refused(rule, &mut world, &transaction);
    };
    change(Rule::TransactionExpired, "/valid_until", json!(0));
    change(Rule::TransactionTooLongValid, "/valid_until", json!(100_002));
    change(Rule::OnBehalfRefused, "/on_behalf_of", json!(CONSUMER));
    change(Rule::MemberUnknown, "/submitter/member", json!(NEWCOMER));
    change(Rule::MemberUnknown, "/submitter/member", json!("x".repeat(10_000)));
    change(Rule::OfficeUnknown, "/submitter/office", json!(format!("{PROVIDER}:none")));
    change(Rule::OfficeForeign, "/submitter/office", json!(use_office()));

    // The same transaction twice: the node refuses it in a block, its record does here.
    let mut world = World::published();
    let action = world.request_action();
    let transaction = world.by_consumer(action);
    world.accept(transaction.clone());
    table.refused(Rule::RecordExists, &mut world, &transaction);

    // Five hundred long item names, once as requested and once as granted, are too much.
    let ids: Vec<String> = (0..500).map(|n| format!("{n:064}")).collect();
    let items: Vec<_> =
        ids.iter().map(|id| json!({"item_id": id, "name": "n", "type": "C"})).collect();
    let mut world = World::new();
    let transaction = world.by_provider(publish(with(content(), "/items", json!(items))));
    world.accept(transaction);
    let action = with(world.request_action(), "/items", json!(ids));
    table.consumer(Rule::RecordTooLarge, &world, action);
}

pub fn founding_documents(table: &mut Table) {
    table.founding(Rule::ParamsForm, |f| f.params.valid_heights_max = 0);
    table.founding(Rule::ParamsForm, |f| f.params.authority_threshold = 2);
    table.founding(Rule::ParamsForm, |f| f.params.block_bytes_max = u32::MAX);
    table.founding(Rule::ValidatorSetForm, |f| f.validators.clear());
    table.founding(Rule::ValidatorKey, |f| f.validators[0].member = CONSUMER.to_owned());
    table.founding(Rule::ValidatorKey, |f| {
        f.validators[0].public_key = key(PROVIDER_ADMIN).public_key();
    });
    table.founding(Rule::FieldCharacters, |f| f.members[0].name = " 部门".to_owned());
    table.founding(Rule::MemberExists, |f| {
        let again: NewMember = f.members[0].clone();
        f.members.push(again);
    });
    table.founding(Rule::MemberUnknown, |f| f.offices[0].0 = NEWCOMER.to_owned());
}
