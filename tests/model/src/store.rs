//! The state as a map, in three layers: before the block, the block so far, this transaction.

use std::collections::BTreeMap;

use mulu_chain::codec;
use mulu_chain::digest::{Digest, Domain};
use mulu_chain::state::{HistoryEvent, HistoryLeaf};
use serde_json::Value;

use crate::spec::SPEC;
use crate::{Verdict, need};

/// Most bytes of a key, and of a value (11.1).
const KEY_BYTES_MAX: usize = 512;
const VALUE_BYTES_MAX: usize = 65_536;

/// A record and its bytes, or the end of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// A record or an id.
    Json(Value, Vec<u8>),
    /// A history (8.3).
    History(HistoryLeaf),
}

impl Stored {
    /// The bytes in the state.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Stored::Json(_, bytes) => bytes.clone(),
            Stored::History(leaf) => codec::encode(leaf),
        }
    }
}

type Layer = BTreeMap<String, Stored>;

/// The state.
#[derive(Debug, Default)]
pub struct Store {
    /// Before the block.
    pub before: Layer,
    /// What the accepted transactions of the block wrote.
    pub block: Layer,
    /// What this transaction wrote so far.
    pub transaction: Layer,
}

static NULL: Value = Value::Null;

fn json_of<'l>(layers: &[&'l Layer], key: &str) -> &'l Value {
    match layers.iter().find_map(|layer| layer.get(key)) {
        Some(Stored::Json(value, _)) if key.len() <= KEY_BYTES_MAX => value,
        _ => &NULL,
    }
}

impl Store {
    /// The record, as the current action sees it; `null` if there is none.
    pub fn get(&self, key: &str) -> &Value {
        json_of(&[&self.transaction, &self.block, &self.before], key)
    }

    /// The record before the transaction.
    pub fn before_transaction(&self, key: &str) -> &Value {
        json_of(&[&self.block, &self.before], key)
    }

    /// The record before the block.
    pub fn before_block(&self, key: &str) -> &Value {
        json_of(&[&self.before], key)
    }

    /// The parameters in force at a height.
    pub fn params(&self, height: u64) -> &Value {
        let record = self.before_block("params");
        let pending = &record["pending"];
        let due = pending["in_force_from"].as_u64().is_some_and(|from| from <= height);
        if due { &pending["params"] } else { record }
    }

    /// The version hash of a record.
    pub fn version(&self, key: &str) -> String {
        let layers = [&self.transaction, &self.block, &self.before];
        match layers.iter().find_map(|layer| layer.get(key)) {
            Some(stored) => Digest::of(Domain::RecordVersion, &stored.bytes()).to_string(),
            None => String::new(),
        }
    }

    /// Writes a record made of parts; a later part replaces fields of an earlier one.
    pub fn put(&mut self, key: &str, parts: &[&Value]) -> Verdict {
        let mut value = parts.first().copied().unwrap_or(&NULL).clone();
        for part in parts.iter().skip(1).filter_map(|part| part.as_object()) {
            let object = value.as_object_mut().expect("the first part is an object, too");
            object.extend(part.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        let kind = key.split('/').next().unwrap_or("");
        tidy(kind, &mut value);
        let bytes = encode(kind, &value);
        need(bytes.len() <= VALUE_BYTES_MAX, "TX-15")?;
        self.transaction.insert(key.to_owned(), Stored::Json(value, bytes));
        Ok(())
    }

    /// Replaces fields of a record; `null` takes one away.
    pub fn change(&mut self, key: &str, fields: &Value) -> Verdict {
        let record = self.get(key).clone();
        self.put(key, &[&record, fields])
    }

    /// Adds an event to a history; its number.
    pub fn happen(&mut self, subject: &str, event: &HistoryEvent) -> u64 {
        let key = format!("history/{subject}");
        let layers = [&self.transaction, &self.block, &self.before];
        let leaf = match layers.iter().find_map(|layer| layer.get(&key)) {
            Some(Stored::History(leaf)) => leaf.clone(),
            _ => HistoryLeaf::default(),
        };
        self.transaction.insert(key, Stored::History(leaf.append(event)));
        leaf.count
    }
}

/// A field that a layout lets be left out, and that says nothing.
fn is_absent(value: &Value, optional: bool) -> bool {
    let empty = match value {
        Value::Array(list) => list.is_empty(),
        Value::Bool(said) => !said,
        Value::Object(object) => object.is_empty(),
        _ => false,
    };
    value.is_null() || (optional && empty)
}

/// Takes away what is left out when absent, empty or false.
pub fn tidy(kind: &str, value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|each| tidy(kind, each)),
        Value::Object(object) => {
            let layout = &SPEC.layouts.get(kind).unwrap_or_else(|| panic!("no layout of {kind}"));
            let optional = |name: &str| {
                let field = layout.iter().find(|(field, _)| field == name);
                field.unwrap_or_else(|| panic!("{kind} has no field {name}")).1
            };
            object.iter_mut().for_each(|(name, value)| tidy(name, value));
            object.retain(|name, value| !is_absent(value, optional(name)));
        }
        _ => {}
    }
}

/// Compact JSON with the fields in the order of 11.4.
pub fn encode(kind: &str, value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(kind, value, &mut out);
    out
}

fn write(kind: &str, value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Array(list) => {
            out.push(b'[');
            for (index, each) in list.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(kind, each, out);
            }
            out.push(b']');
        }
        Value::Object(object) => {
            out.push(b'{');
            let layout = SPEC.layouts.get(kind).unwrap_or_else(|| panic!("no layout of {kind}"));
            let fields = layout.iter().filter_map(|(name, _)| Some((name, object.get(name)?)));
            for (index, (name, value)) in fields.enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(format!("\"{name}\":").as_bytes());
                write(name, value, out);
            }
            out.push(b'}');
        }
        other => out.extend_from_slice(other.to_string().as_bytes()),
    }
}
