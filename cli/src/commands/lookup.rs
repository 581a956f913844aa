//! Finding what a person means: a key, an id, a code, a name of a member, or the beginning of a hash.

use mulu_contracts::state::{code_key, entry_id, entry_key};
use mulu_contracts::uscc;
use serde_json::Value;

use crate::client::Node;
use crate::failure::{Exit, Failure, Outcome};
use crate::text;

/// Fewest hexadecimal digits taken as the beginning of a hash.
const PREFIX_DIGITS_MIN: usize = 6;
/// Most matches named when the beginning of a hash is not unique.
const PREFIX_MATCHES_MAX: &str = "10";

/// The kinds of records, as the first part of their keys, with their list routes.
pub const KINDS: [(&str, &str); 15] = [
    ("member", "members"),
    ("office", "offices"),
    ("key", "keys"),
    ("duty", "duties"),
    ("system", "systems"),
    ("entry", "entries"),
    ("authorization", "authorizations"),
    ("receipt", "receipts"),
    ("correction", "corrections"),
    ("objection", "objections"),
    ("operation", "operations"),
    ("delegation", "delegations"),
    ("evidence", "evidence"),
    ("region", "regions"),
    ("class", "classes"),
];

/// The kinds whose keys are hashes.
const HASHED: [&str; 6] =
    ["entry", "authorization", "receipt", "correction", "objection", "operation"];

/// Keys of single records, and beginnings of those that point at a record.
const OTHERS: [&str; 9] = [
    "params",
    "validators",
    "regions",
    "classes",
    "code/",
    "entry-name/",
    "authoritative/",
    "source/",
    "receipt-chain/",
];

/// What a text was found to be.
#[derive(Debug, Clone)]
pub enum Found {
    /// A record: the answer of `/v1/records/{key}`.
    Record {
        /// Its state key, which is also its history's subject.
        key: String,
        /// The node's answer.
        answer: Value,
    },
    /// A transaction: the answer of `/v1/transactions/{id}`.
    Transaction(Value),
    /// A block: the answer of `/v1/blocks/{height}`.
    Block(Value),
}

/// Finds what a text means.
///
/// # Errors
/// Exit 3 when nothing is meant by it, exit 2 when several things are.
pub fn find(node: &Node, text: &str) -> Outcome<Found> {
    for key in candidates(text) {
        if let Some(found) = record(node, &key)? {
            return Ok(found);
        }
    }
    if let Some(found) = by_code(node, text)? {
        return Ok(found);
    }
    if (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) || text == "latest")
        && let Some(block) = node.find(&format!("/v1/blocks/{text}"), &[])?
    {
        return Ok(Found::Block(block));
    }
    let kind = text.split_once('/').filter(|(kind, _)| HASHED.contains(kind));
    let digits = hash_digits(kind.map_or(text, |(_, rest)| rest));
    if let Some(hex) = digits.filter(|hex| hex.len() == 64)
        && let Some(found) = node.find(&format!("/v1/transactions/sha256:{hex}"), &[])?
    {
        return Ok(Found::Transaction(found));
    }
    if let Some(hex) = digits.filter(|hex| hex.len() >= PREFIX_DIGITS_MIN && hex.len() < 64) {
        return by_prefix(node, text, kind.map(|(kind, _)| kind), hex);
    }
    Err(nothing(text))
}

/// Finds a record, as the key of a history.
///
/// # Errors
/// Those of [`find`]; exit 2 when it is no record.
pub fn subject(node: &Node, text: &str) -> Outcome<String> {
    match find(node, text)? {
        Found::Record { key, .. } => Ok(key),
        _ => Err(Failure::usage(text!(
            "`{text}` is not a record, so it has no history",
            "`{text}` 不是记录，没有历史"
        ))),
    }
}

/// State keys a text may stand for, likely ones first.
fn candidates(text: &str) -> Vec<String> {
    let known = |kind: &str| KINDS.iter().any(|(name, _)| *name == kind);
    let whole = |kind: &str, rest: &str| {
        !HASHED.contains(&kind) || hash_digits(rest).is_none_or(|digits| digits.len() == 64)
    };
    match text.split_once('/') {
        Some((kind, rest)) if known(kind) && whole(kind, rest) => {
            let full = hash_digits(rest).filter(|h| h.len() == 64);
            let rest = full.map_or_else(|| rest.to_owned(), |hex| format!("sha256:{hex}"));
            return vec![format!("{kind}/{rest}")];
        }
        _ => {}
    }
    if OTHERS.iter().any(|key| text == *key || (key.ends_with('/') && text.starts_with(key))) {
        return vec![text.to_owned()];
    }
    if text.starts_with("ed25519:") {
        return vec![format!("key/{text}")];
    }
    if let Some(hex) = hash_digits(text).filter(|hex| hex.len() == 64) {
        return HASHED.iter().map(|kind| format!("{kind}/sha256:{hex}")).collect();
    }
    if uscc::has_form(text) {
        return vec![format!("member/{text}")];
    }
    match text.split_once(':') {
        Some((member, _)) if uscc::has_form(member) => {
            ["office", "duty", "system"].iter().map(|kind| format!("{kind}/{text}")).collect()
        }
        _ => Vec::new(),
    }
}

/// The hexadecimal digits of a whole or abbreviated SHA-256 digest.
fn hash_digits(text: &str) -> Option<&str> {
    let text = text.trim_end_matches('…');
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    (!digits.is_empty() && digits.len() <= 64 && digits.bytes().all(hex)).then_some(digits)
}

fn record(node: &Node, key: &str) -> Outcome<Option<Found>> {
    let answer = node.find(&format!("/v1/records/{key}"), &[])?;
    let answer = answer.filter(|a| a.get("value").is_some_and(|value| !value.is_null()));
    Ok(answer.map(|answer| Found::Record { key: key.to_owned(), answer }))
}

/// An entry by one of its resource codes; its id is a hash of the first.
fn by_code(node: &Node, text: &str) -> Outcome<Option<Found>> {
    let looks_like_one = text.split_once('/').is_some_and(|(class, rest)| {
        class.starts_with(|c: char| c.is_ascii_digit()) && !rest.is_empty()
    });
    if !looks_like_one {
        return Ok(None);
    }
    if let Some(found) = record(node, &entry_key(&entry_id(text)))? {
        return Ok(Some(found));
    }
    let Some(owner) = node.find(&format!("/v1/records/{}", code_key(text)), &[])? else {
        return Ok(None);
    };
    match owner.get("value").and_then(Value::as_str) {
        Some(id) => record(node, &format!("entry/{id}")),
        None => Ok(None),
    }
}

fn by_prefix(node: &Node, text: &str, kind: Option<&str>, hex: &str) -> Outcome<Found> {
    let mut matches = Vec::new();
    let wanted = |name: &str| kind.map_or(HASHED.contains(&name), |kind| kind == name);
    for (kind, list) in KINDS.iter().filter(|(kind, _)| wanted(kind)) {
        let beginning = format!("{kind}/sha256:{hex}");
        let query = [("key_prefix", beginning.as_str()), ("limit", PREFIX_MATCHES_MAX)];
        let page = node.get(&format!("/v1/{list}"), &query)?;
        let items = page.get("items").and_then(Value::as_array);
        let keys = items.into_iter().flatten().filter_map(|item| item.get("key")?.as_str());
        matches.extend(keys.map(str::to_owned));
    }
    match matches.as_slice() {
        [] => Err(nothing(text).help(text!(
            "the beginnings of transaction ids are not looked up; give the whole id",
            "交易号不支持前缀查询，请给出完整编号"
        ))),
        [only] => record(node, only)?.ok_or_else(|| nothing(text)),
        several => {
            let list = several.join(", ");
            Err(Failure::usage(text!(
                "`{text}` is the beginning of several: {list}",
                "`{text}` 是多个记录的前缀：{list}"
            )))
        }
    }
}

fn nothing(text: &str) -> Failure {
    Failure::new(Exit::NotFound, text!("nothing is known of `{text}`", "未找到 `{text}`")).help(text!(
        "give a key such as entry/sha256:…, an id or its first digits, a resource code, a member's code, or a height",
        "请给出键（如 entry/sha256:…）、编号或其前几位、信息资源代码、统一社会信用代码或高度"
    ))
}

#[cfg(test)]
mod tests;
