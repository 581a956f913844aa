//! What a record was: its versions, and what changed between two of them.
//!
//! The state keeps every version of every record, so the list is complete and any two versions
//! compare; `/v1/records/{key}?height=…&proof=true` proves each of them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use mulu_chain::digest::Digest;
use mulu_chain::transaction::TransactionId;
use mulu_chain::types::{Height, TimeMs};
use mulu_contracts::state::version_hash;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::catalog::{invalid_cursor, invalid_parameter, not_found};
use super::cursor::Cursor;
use super::diff::{Change, changes};
use super::extract::{Params, Segment, page_limit};
use super::language::Text;
use super::problem::Problem;
use super::{Api, work};
use crate::storage::Ledger;

/// Prefix of the keys whose values are no JSON.
const HISTORY_PREFIX: &str = "history/";
/// Most versions looked through for the one a diff names by its hash.
const VERSIONS_SEARCHED_MAX: usize = 10_000;
/// Versions read from the ledger at a time.
const VERSIONS_PER_READ: usize = 200;

/// Which page.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionsQuery {
    limit: Option<usize>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct VersionsView {
    key: String,
    height: Height,
    items: Vec<VersionView>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct VersionView {
    version: Digest,
    height: Height,
    time_ms: TimeMs,
    transactions: Vec<TransactionId>,
    /// Where it differs from the version before; none of the first of a page that has one before.
    changed: Vec<String>,
}

/// The versions of a record, oldest first.
///
/// # Errors
/// `not_found` for a key that never had a value, `invalid_cursor`, `invalid_parameter`.
pub async fn list(
    State(api): State<Arc<Api>>,
    Segment(key): Segment,
    Params(query): Params<VersionsQuery>,
) -> Result<Response, Problem> {
    let limit = page_limit(query.limit)?;
    let view = work::read(&api, move |ledger| page(ledger, key, limit, query.cursor)).await?;
    Ok(Json(view).into_response())
}

fn page(
    ledger: &Ledger,
    key: String,
    limit: usize,
    cursor: Option<String>,
) -> Result<VersionsView, Problem> {
    let tip = ledger.tip()?.header.height;
    let (height, after) = match cursor {
        None => (tip, None),
        Some(text) => {
            let cursor = Cursor::decode(&text, &key, tip)?;
            let after = cursor.after.parse().map_err(|_| invalid_cursor())?;
            (cursor.height, Some(Height(after)))
        }
    };
    let mut found = versions(ledger, &key, after, limit.saturating_add(1))?;
    found.retain(|(at, _)| *at <= height);
    if found.is_empty() && after.is_none() {
        return Err(no_versions(&key));
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let mut before = match after {
        Some(after) => ledger.record_at(&key, after)?,
        None => None,
    };
    let mut items = Vec::with_capacity(found.len());
    for (at, value) in found {
        let changed = match &before {
            Some(before) => changes(&json(before), &json(&value)),
            None => Vec::new(),
        };
        items.push(VersionView {
            version: version_hash(&value),
            height: at,
            time_ms: ledger.header(at)?.map(|header| header.time_ms).unwrap_or_default(),
            transactions: ledger.transactions_on(&key, at)?,
            changed: changed.into_iter().map(|change| change.path).collect(),
        });
        before = Some(value);
    }
    let next_cursor = items.last().filter(|_| more).map(|last| {
        Cursor { prefix: key.clone(), after: last.height.0.to_string(), height }.encode()
    });
    Ok(VersionsView { key, height, items, next_cursor })
}

/// Which two versions: each a height, a version hash, or nothing (the one before last; the last).
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiffQuery {
    from: Option<String>,
    to: Option<String>,
}

#[derive(Serialize)]
struct DiffView {
    key: String,
    from: Side,
    to: Side,
    changes: Vec<Change>,
}

#[derive(Serialize)]
struct Side {
    version: Digest,
    height: Height,
}

/// What changed in a record between two of its versions.
///
/// # Errors
/// `not_found` for a key or version that never was, `invalid_parameter`.
pub async fn diff(
    State(api): State<Arc<Api>>,
    Segment(key): Segment,
    Params(query): Params<DiffQuery>,
) -> Result<Response, Problem> {
    let view = work::read(&api, move |ledger| {
        let all = all_versions(ledger, &key)?;
        let last = all.len().checked_sub(1).ok_or_else(|| no_versions(&key))?;
        let to = chosen(&all, query.to.as_deref(), last, "to")?;
        let from = chosen(&all, query.from.as_deref(), to.saturating_sub(1), "from")?;
        let side = |at: usize| -> Result<(Side, Value), Problem> {
            let height = all[at].0;
            let value = ledger.record_at(&key, height)?.ok_or_else(|| no_versions(&key))?;
            Ok((Side { version: version_hash(&value), height }, json(&value)))
        };
        let ((from, old), (to, new)) = (side(from)?, side(to)?);
        Ok(DiffView { key, from, to, changes: changes(&old, &new) })
    })
    .await?;
    Ok(Json(view).into_response())
}

/// Heights and version hashes, oldest first.
fn all_versions(ledger: &Ledger, key: &str) -> Result<Vec<(Height, Digest)>, Problem> {
    let mut all: Vec<(Height, Digest)> = Vec::new();
    loop {
        let after = all.last().map(|(height, _)| *height);
        let some = versions(ledger, key, after, VERSIONS_PER_READ)?;
        if some.is_empty() || all.len() >= VERSIONS_SEARCHED_MAX {
            return Ok(all);
        }
        all.extend(some.iter().map(|(height, value)| (*height, version_hash(value))));
    }
}

/// The position a client names.
fn chosen(
    all: &[(Height, Digest)],
    named: Option<&str>,
    otherwise: usize,
    parameter: &str,
) -> Result<usize, Problem> {
    let Some(named) = named else { return Ok(otherwise) };
    let found = if let Ok(height) = named.parse::<u64>() {
        all.partition_point(|(at, _)| at.0 <= height).checked_sub(1)
    } else {
        all.iter().position(|(_, version)| version.to_string() == named)
    };
    found.ok_or_else(|| {
        invalid_parameter(
            parameter,
            Text::with(
                format!("the record has no version {named}; name a height or a version hash"),
                format!("该记录没有版本 {named}；请用高度或版本哈希指明"),
            ),
        )
    })
}

fn versions(
    ledger: &Ledger,
    key: &str,
    after: Option<Height>,
    limit: usize,
) -> Result<Vec<(Height, Vec<u8>)>, Problem> {
    if key.starts_with(HISTORY_PREFIX) {
        return Err(no_versions(key));
    }
    Ok(ledger.versions(key, after, limit)?)
}

fn json(value: &[u8]) -> Value {
    serde_json::from_slice(value).unwrap_or_default()
}

fn no_versions(key: &str) -> Problem {
    not_found(
        Text::with(format!("the key {key} never had a value"), format!("键 {key} 从未有过值")),
        Text::new(
            "a key is that of a record, such as entry/sha256:… (SPEC 11.1)",
            "键即记录的键，如 entry/sha256:…（见 SPEC 11.1）",
        ),
    )
}
