//! What makes a command wrong: fields at and over their bounds, others' ids and keys, late and early.

use serde_json::{Value, json};

use super::cast::{KEYRING, USCC};
use super::{Command, Generator};
use crate::spec::{Field, Kind, SPEC};
use crate::text;

/// Longest list that is made: longer ones exceed the payload or the patience.
const LIST_MAX: u64 = 1_001;
const BAD_TEXTS: [&str; 12] = [
    "",
    "x",
    "2025-02-29",
    "2025-13-01",
    "2024-02-29",
    "012345",
    "110000",
    "A B",
    "306001/1",
    "o_1",
    "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5S0",
    "11110000MB0000010W",
];

/// Spoils a command in one way.
pub fn spoil(of: &mut Generator, command: &mut Command) {
    let now = of.block.height;
    match of.random.below(18) {
        0 => {
            let until = [now.saturating_sub(1), now, now + 100, now + 101, 0];
            command.payload["valid_until"] = json!(of.of(&until));
        }
        1 if command.keys.len() > 1 || of.often(10) => {
            let first = command.keys.iter().next().cloned();
            command.keys.remove(&first.unwrap_or_default());
        }
        2 => {
            let keys: Vec<&String> = KEYRING.keys().collect();
            command.keys.insert((*of.of(&keys)).clone());
        }
        3 => {
            // A registered key of any standing, instead of those that should sign or besides.
            if of.often(50) {
                command.keys.clear();
            }
            if let Some((key, _)) = of.record("key", |_| true) {
                command.keys.insert(key);
            }
        }
        4 => command.payload["submitter"]["member"] = json!(of.of(&USCC)),
        5 => {
            let office = of.record("office", |_| true).map_or("x:y".to_owned(), |(id, _)| id);
            command.payload["submitter"]["office"] = json!(office);
        }
        6 => {
            command.payload["submitter"].as_object_mut().map(|object| object.remove("office"));
        }
        7 => {
            command.payload["on_behalf_of"] = json!(of.of(&USCC));
        }
        8 if of.often(20) => frame(of, command),
        11 => meaning(of, command),
        8..=10 => {
            let name = random_id_field(of, command);
            foreign(of, command, &name);
        }
        _ => {
            let actions = command.payload["actions"].as_array_mut();
            let Some(action) = actions.and_then(|actions| actions.last_mut()) else { return };
            let kind = text(&action["type"]).to_owned();
            if let Some(fields) = SPEC.actions.get(&kind) {
                at_bound(of, fields, action);
            }
        }
    }
}

/// The frame's own fields.
fn frame(of: &mut Generator, command: &mut Command) {
    let payload = &mut command.payload;
    if payload["actions"].get(0).is_none() {
        return;
    }
    match of.random.below(9) {
        0 => payload["schema_version"] = json!(2),
        1 => payload["chain_id"] = json!("mulu-other"),
        2 => payload["nonce"] = json!("n".repeat(65)),
        3 => payload["created_at"] = json!(""),
        4 => payload["actions"] = json!([]),
        5 => payload["actions"][0]["type"] = json!("entry.destroy"),
        6 => payload["actions"][0]["more"] = json!(1),
        7 => payload["created_at"] = json!("x".repeat(64)),
        _ => {
            let action = json!({"type": "member.suspend", "uscc": "x", "reason": "y"});
            let count = *of.of(&[500, 501]);
            payload["actions"] = Value::Array(vec![action; count]);
        }
    }
}

/// One thing that contradicts another.
fn meaning(of: &mut Generator, command: &mut Command) {
    let Some(action) = command.payload["actions"].get_mut(0) else { return };
    let kind = text(&action["type"]).to_owned();
    match kind.as_str() {
        "entry.publish" | "entry.revise" | "entry.submit" => content(of, &mut action["entry"]),
        "authorization.request" => {
            let entry = of.get(&format!("entry/{}", text(&action["entry_id"])));
            let items = crate::list(&entry["content"]["items"]).iter();
            action["items"] = items.map(|item| item["item_id"].clone()).collect();
        }
        "operation.plan" => {
            let entry = of.record("entry", |entry| entry["content"]["level"] == "core");
            action["entries"] = json!([entry.map_or(Value::Null, |(id, _)| json!(id))]);
        }
        "key.revoke" | "key.rotate" => action["public_key"] = json!(of.new_key()),
        "member.admit" if action["member"].is_object() => match of.random.below(4) {
            0 => action["member"]["uscc"] = json!("11110000MB0000010X"),
            1 => action["member"]["nodes"] = json!([{"peer_id": "12D3KooW"}]),
            2 => action["member"]["nodes"] = json!([{"peer_id": "Qm"}, {"peer_id": "Qm"}]),
            _ => action["keys"] = json!([{"public_key": of.new_key(), "roles": ["officer"]}]),
        },
        "params.change" if action["params"].is_object() => {
            let params = &mut action["params"];
            match of.random.below(5) {
                0 => params["calendar"] = json!({"holidays": ["2025-12-02", "2025-12-01"]}),
                1 => params["calendar"] = json!({"workdays": ["2025-12-01", "2025-12-01"]}),
                2 => params["deadlines"] = json!({"rebind_days": 367}),
                3 => {
                    action["in_force_from"] =
                        json!(of.block.height + 10_000_000 + of.random.below(2))
                }
                _ => action["in_force_from"] = json!(of.block.height + of.random.below(2)),
            }
        }
        "receipt.record" => match of.random.below(5) {
            0 => action["items"] = json!(["i7"]),
            1 => action["purpose"] = json!({"basis": "另", "scenario": "另"}),
            2 => action["prev_receipt"] = json!(format!("sha256:{:064}", 3)),
            3 => action["counts"] = json!({"calls": 61, "records": 61, "bytes": 61}),
            _ => action["counts"] = json!({"calls": SPEC.bound("COUNTER_MAX")}),
        },
        _ => {}
    }
}

fn content(of: &mut Generator, content: &mut Value) {
    let whole = content["share"].is_object() && content["open"].is_object();
    if !whole || !content["codes"][0].is_string() {
        return;
    }
    let words = of.words();
    let items = crate::list(&content["items"]).iter().filter(|item| item.is_object()).count();
    match of.random.below(16) {
        0 => content["codes"][0] = json!("x/"),
        1 => content["codes"][0] = json!(format!("306001/{}", of.random.below(1000))),
        2 => content["share"] = json!({"type": "conditional"}),
        3 => content["share"] = json!({"type": "none"}),
        4 => content["share"]["condition"] = words,
        5 => content["share"]["no_share_basis"] = words,
        6 => content["open"]["is_open"] = json!(true),
        7 => content["personal_info"] = json!("sensitive"),
        8 if items > 1 => content["items"][1]["item_id"] = content["items"][0]["item_id"].clone(),
        9 => content["items"] = json!([]),
        10 => content["related"] = content["codes"].clone(),
        11 if items > 0 => content["items"][0]["system"] = json!("another"),
        12 if items > 0 => content["items"][0]["personal_info"] = json!("sensitive"),
        13 => content["secret"] = json!(true),
        14 => {
            let owner = text(&content["office"]).split(':').next().unwrap_or("").to_owned();
            let fits = |system: &Value| system["status"] == "stopped" && system["member"] == *owner;
            let Some((id, _)) = of.record("system", fits) else { return };
            content["systems"] = json!([{"system": id}]);
            content["no_system"] = Value::Null;
            content["items"] = json!([]);
            content["formats"][0] = json!({"category": "efile", "type": "x"});
        }
        _ => content["name"] = json!(format!("条目{}", of.random.below(300))),
    }
}

/// The name of a field that holds an id.
fn random_id_field(of: &mut Generator, command: &Command) -> String {
    let action = command.payload["actions"][0].as_object();
    let is_id = |value: &Value| {
        let text = text(value);
        text.starts_with("sha256:") || text.contains(':') || text.len() == 18
    };
    let fields: Vec<&String> =
        action.into_iter().flatten().filter(|(_, v)| is_id(v)).map(|(k, _)| k).collect();
    if fields.is_empty() { String::new() } else { (*of.of(&fields)).clone() }
}

/// Another record's id, or an older version's hash.
fn foreign(of: &mut Generator, command: &mut Command, name: &str) {
    if name.is_empty() {
        return;
    }
    let field = &mut command.payload["actions"][0][name];
    let digest = text(field).starts_with("sha256:");
    let prefixes = match (name, digest) {
        ("entry_id", _) => vec!["entry"],
        (_, true) => {
            vec!["entry", "authorization", "receipt", "correction", "objection", "operation"]
        }
        ("office" | "successor", _) => vec!["office"],
        ("duty", _) => vec!["duty"],
        ("public_key" | "new_key", _) => vec!["key"],
        _ => vec!["member", "office", "duty", "system"],
    };
    let prefix = *of.of(&prefixes);
    let stale = name == "prev" || name.ends_with("version") || name == "terms_hash";
    let other = of.record(prefix, |_| true);
    *field = match other {
        Some((_, record)) if stale && record["prev"].is_string() && of.often(50) => {
            record["prev"].clone()
        }
        Some((id, _)) if !stale => json!(id),
        _ if digest => json!(format!("sha256:{:064}", 9)),
        _ => json!(USCC[11]),
    };
}

/// A field of the action at a bound of its shape, over it, or of no shape at all.
fn at_bound(of: &mut Generator, fields: &[Field], object: &mut Value) {
    if fields.is_empty() {
        return;
    }
    let field = of.of(fields).clone();
    if let Some(inner) = SPEC.object(&field.kind, &field.name)
        && object[&field.name].is_object()
        && of.often(90)
    {
        return at_bound(of, inner, &mut object[&field.name]);
    }
    let Some(object) = object.as_object_mut() else { return };
    match of.random.below(14) {
        0 => {
            object.remove(&field.name);
        }
        1 if of.often(30) => {
            object.insert(field.name, Value::Null);
        }
        2 if of.often(30) => {
            object.insert(field.name, json!({"x": 1}));
        }
        3 if of.often(20) => {
            object.insert("unknown".to_owned(), json!(1));
        }
        _ => {
            let old = object.get(&field.name).cloned().unwrap_or(Value::Null);
            let new = other_value(of, &field.kind, &field.name, old);
            object.insert(field.name, new);
        }
    }
}

fn other_value(of: &mut Generator, kind: &Kind, name: &str, old: Value) -> Value {
    match kind {
        Kind::Text(most) => {
            let length = *of.of(&[0, 1, *most, *most + 1]);
            json!("文".repeat(usize::try_from(length).unwrap_or(0)))
        }
        Kind::Int(most) => {
            let old = old.as_u64().unwrap_or(0);
            let near = [
                0,
                old + 1,
                old.saturating_sub(1),
                *most,
                most + 1,
                of.block.time_ms,
                of.block.height,
            ];
            let day = super::DAY_MS;
            let far = [old + day, old.saturating_sub(day), old + 60 * day, of.block.time_ms - day];
            let fits = |number: &u64| *number < (1 << 53);
            let all: Vec<u64> = near.into_iter().chain(far).filter(fits).collect();
            json!(of.of(&all))
        }
        Kind::List { of: element, bounds, .. } => list_value(of, element, *bounds, name, old),
        Kind::Named(named) if named == "bool" => json!(old != true),
        Kind::Named(named) if named == "digest" || named == "key" => {
            json!(of.of(&["sha256:", "ed25519:00", &format!("sha256:{:064}", 7)]))
        }
        Kind::Named(named) if SPEC.enumerations.contains_key(named) => {
            if of.often(85) {
                of.one_of(named)
            } else {
                json!("whatever")
            }
        }
        Kind::Named(named) if named == "1 to 4" => json!(of.random.below(6) * of.random.below(120)),
        Kind::Named(named) if named.contains("base64") => {
            json!(format!("{}==", "A".repeat(86)))
        }
        Kind::Named(_) => match of.random.below(4) {
            0 => json!(format!("{}{}", text(&old), "x")),
            1 => of.record("office", |_| true).map_or(Value::Null, |(id, _)| json!(id)),
            _ => json!(of.of(&BAD_TEXTS)),
        },
        Kind::Object(_) | Kind::AsIn(_) => json!([]),
    }
}

fn list_value(
    of: &mut Generator,
    element: &Kind,
    bounds: Option<(u64, u64)>,
    name: &str,
    old: Value,
) -> Value {
    let mut list = old.as_array().cloned().unwrap_or_default();
    match of.random.below(6) {
        0 => list.clear(),
        1 => list.truncate(1),
        2 if !list.is_empty() => {
            // The same twice.
            let again = of.of(&list).clone();
            list.push(again);
        }
        3 if !list.is_empty() => {
            let at = of.random.index(list.len());
            match SPEC.object(element, name) {
                Some(fields) => at_bound(of, fields, &mut list[at]),
                None => list[at] = other_value(of, element, name, list[at].clone()),
            }
        }
        _ => {
            let most = bounds.map_or(4, |(_, most)| most);
            let count = most + of.random.below(2);
            let Some(first) = list.first().cloned().filter(|_| count <= LIST_MAX) else {
                return Value::Array(list);
            };
            let fresh = |at: u64| match &first {
                Value::String(text) => json!(format!("{text}{at}")),
                Value::Object(_) => {
                    let mut copy = first.clone();
                    for name in ["item_id", "name", "code"] {
                        if let Some(Value::String(text)) = copy.get_mut(name) {
                            text.push_str(&at.to_string());
                        }
                    }
                    copy
                }
                other => other.clone(),
            };
            for at in 0..count.saturating_sub(list.len() as u64) {
                list.push(fresh(at));
            }
        }
    }
    Value::Array(list)
}
