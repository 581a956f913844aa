//! What changed between two JSON documents: a flat list, readable by people and programs.
//!
//! Members of objects are compared by name. Lists whose items all carry a text `item_id` are
//! compared by it, so that an inserted 信息项 is one addition and not a change of all that follow;
//! other lists are compared as wholes, because their order is content.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// The member by which items of a list are known.
const ITEM_ID: &str = "item_id";

/// One difference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Where: member names joined by `/`; an item of a list appears under its `item_id`.
    pub path: String,
    /// What was there; none if nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// What is there; none if nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
}

/// The differences, in the order of the paths.
pub fn changes(from: &Value, to: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    compare("", from, to, &mut found);
    found
}

// Records are parsed under the chain's depth limit, so this ends soon.
fn compare(path: &str, from: &Value, to: &Value, found: &mut Vec<Change>) {
    if from == to {
        return;
    }
    let (Some(old), Some(new)) = (members(from), members(to)) else {
        let (from, to) = (Some(from.clone()), Some(to.clone()));
        found.push(Change { path: path.to_owned(), from, to });
        return;
    };
    let names: std::collections::BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    for name in names {
        let path = format!("{path}/{name}");
        match (old.get(name), new.get(name)) {
            (Some(from), Some(to)) => compare(&path, from, to, found),
            (from, to) => found.push(Change {
                path,
                from: from.map(|value| (*value).clone()),
                to: to.map(|value| (*value).clone()),
            }),
        }
    }
}

/// The parts of an object, or of a list of items; none for anything else.
fn members(value: &Value) -> Option<BTreeMap<&str, &Value>> {
    match value {
        Value::Object(fields) => Some(fields.iter().map(|(k, v)| (k.as_str(), v)).collect()),
        Value::Array(items) => {
            let mut by_id = BTreeMap::new();
            for item in items {
                by_id.insert(item.get(ITEM_ID)?.as_str()?, item);
            }
            (by_id.len() == items.len()).then_some(by_id)
        }
        _ => None,
    }
}
