//! What an action changes in the records that were there before, field by field: `records.txt`.

use std::fmt::Write;

use mulu_chain::digest::Digest;
use serde_json::{Map, Value, json};

use crate::Case;
use crate::cases_sharing::all;
use crate::world::{AUTHORITY, CONSUMER, PROVIDER, World, key_text};

/// The fields of records that the action changed: key, field, new value (null: gone).
fn changes(case: Case) -> Vec<(String, Map<String, Value>)> {
    let before = case.world.clone();
    let (after, _) = case.run();
    let object = |world: &World, key: &str| {
        let value = world.state.get(key).and_then(|value| serde_json::from_slice(value).ok());
        value.and_then(|value: Value| value.as_object().cloned())
    };
    let mut found = Vec::new();
    for key in after.state.keys().filter(|key| !key.starts_with("history/")) {
        let (Some(old), Some(new)) = (object(&before, key), object(&after, key)) else { continue };
        let mut fields = Map::new();
        for name in old.keys().chain(new.keys()) {
            if old.get(name) != new.get(name) {
                fields.insert(name.clone(), new.get(name).cloned().unwrap_or(Value::Null));
            }
        }
        if !fields.is_empty() {
            found.push((key.clone(), fields));
        }
    }
    found
}

/// What is long or hashed, in a word, where it is what it must be.
fn shortened(case: &Case, key: &str, fields: &mut Map<String, Value>) {
    if fields.get("prev").is_some_and(|prev| *prev == case.world.version(key)) {
        fields.insert("prev".to_owned(), json!("VERSION BEFORE"));
    }
    if fields.get("content").is_some_and(|content| *content == case.action["entry"]) {
        fields.insert("content".to_owned(), json!("AS SENT"));
    }
    let last =
        fields.get("taken").and_then(Value::as_array).and_then(|taken| taken.last().cloned());
    if let Some(mut last) = last {
        assert_eq!(last["document"], case.action["document"]);
        last["document"] = json!("AS SENT");
        fields.insert("taken".to_owned(), json!(["…", last]));
    }
    let mended = fields.get("fixed_by").is_some_and(|by| *by == case.action["entry_version"]);
    if mended {
        fields.insert("fixed_by".to_owned(), json!("AS SENT"));
    }
    // Which hash it is, the golden vectors say.
    if fields.get("terms_hash").is_some_and(|hash| *hash != json!(Digest::ZERO)) {
        fields.insert("terms_hash".to_owned(), json!("HASH"));
    }
}

#[test]
fn nothing_else_changes() {
    let mut found = String::new();
    for case in all() {
        for (key, mut fields) in changes(case.clone()) {
            shortened(&case, &key, &mut fields);
            let kind = key.split('/').next().unwrap();
            let by = match case.member {
                AUTHORITY => "authority",
                PROVIDER => "provider",
                _ => "consumer",
            };
            let text = json!(fields).to_string();
            let text = text.replace(AUTHORITY, "authority").replace(PROVIDER, "provider");
            let text = text.replace(CONSUMER, "consumer").replace(&key_text(50), "key 50");
            writeln!(found, "{} by {by}: {kind} {text}", case.name()).unwrap();
        }
    }
    let expected = include_str!("records.txt");
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.lines().count(), expected.lines().count());
}
