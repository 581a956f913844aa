//! Records of the chain as typed values, through a node.

use mulu_chain::digest::Digest;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::failure::{Exit, Failure, Outcome};
use crate::node::Node;
use crate::text;

/// A record as a node gave it.
#[derive(Debug, Clone)]
pub struct Stored<T> {
    /// Version hash: what `prev` and `entry_version` name.
    pub version: Digest,
    /// The record.
    pub value: T,
}

/// Reads the record under a key.
///
/// # Errors
/// Exit 3 when there is none, exit 4 when the node answers something else.
pub fn read<T: DeserializeOwned>(node: &Node, key: &str) -> Outcome<Stored<T>> {
    find(node, key)?.ok_or_else(|| {
        Failure::new(Exit::NotFound, text!("there is no {key} on the chain", "链上没有 {key}"))
    })
}

/// Reads the record under a key, if there is one.
///
/// # Errors
/// Exit 4 when the node answers something else.
pub fn find<T: DeserializeOwned>(node: &Node, key: &str) -> Outcome<Option<Stored<T>>> {
    let Some(answer) = node.find(&format!("/v1/records/{key}"), &[])? else { return Ok(None) };
    if answer.get("value").is_none_or(Value::is_null) {
        return Ok(None);
    }
    parse(key, &answer).map(Some)
}

/// Reads an item of a list or the answer of `/v1/records`.
///
/// # Errors
/// Exit 4 when it is not such a record.
pub fn parse<T: DeserializeOwned>(key: &str, answer: &Value) -> Outcome<Stored<T>> {
    let foreign = |why: &dyn std::fmt::Display| {
        Failure::new(
            Exit::Unreachable,
            text!(
                "the node's record {key} is not of the form this program knows: {why}",
                "节点返回的记录 {key} 不符合本程序所知的形式：{why}"
            ),
        )
    };
    let version = answer.get("version").and_then(Value::as_str).unwrap_or_default();
    let version = version.parse().map_err(|e| foreign(&e))?;
    let value = answer.get("value").cloned().unwrap_or_default();
    let value = serde_json::from_value(value).map_err(|e| foreign(&e))?;
    Ok(Stored { version, value })
}
