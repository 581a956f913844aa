//! Lists of records by kind, filtered, page by page.
//!
//! All pages of a list show the records as they were at the height of the first page. A page
//! examines at most `ROWS_EXAMINED_MAX` records whatever the filter: it may be short, or empty, and
//! still have a `next_cursor`. The end of the list is the page without one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use mulu_chain::digest::Digest;
use mulu_chain::limits::STATE_KEY_BYTES_MAX;
use mulu_chain::types::Height;
use mulu_contracts::state::version_hash;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::catalog::invalid_parameter;
use super::cursor::Cursor;
use super::extract::{Params, page_limit};
use super::language::Text;
use super::problem::Problem;
use super::records::readable;
use super::{Api, work};
use crate::storage::Ledger;

/// Most records examined for one page.
const ROWS_EXAMINED_MAX: usize = 10_000;
/// Records fetched from the ledger at a time.
const ROWS_PER_READ: usize = 500;
/// A page ends when its values have reached this many bytes.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A kind of record that can be listed.
pub struct Kind {
    /// The path under `/v1/`.
    pub name: &'static str,
    /// Prefix of its keys.
    prefix: &'static str,
    /// The filters it takes.
    filters: &'static [Filter],
}

/// Parameters that every list takes.
const COMMON: [&str; 3] = ["limit", "cursor", "key_prefix"];

impl Kind {
    /// Whether the list takes a parameter.
    pub fn takes(&self, parameter: &str) -> bool {
        COMMON.contains(&parameter) || self.filters.iter().any(|f| f.parameter == parameter)
    }
}

#[cfg(test)]
impl Kind {
    /// Its row in `docs/api.md`.
    pub fn documented(&self) -> String {
        let filters = self.filters.iter().map(|filter| match filter.pointer {
            "/step" => format!("`{}` (the last step)", filter.parameter),
            _ => format!("`{}`", filter.parameter),
        });
        let filters = filters.collect::<Vec<_>>().join(" ");
        let row = format!("| `{}` | `{}` | {filters} |", self.name, self.prefix);
        row.replace("|  |", "| |")
    }
}

/// A query parameter that must equal a text of the record.
struct Filter {
    parameter: &'static str,
    /// Where the text stands (RFC 6901).
    pointer: &'static str,
}

const STATUS: Filter = Filter { parameter: "status", pointer: "/status" };
const MEMBER: Filter = Filter { parameter: "member", pointer: "/member" };
const PROVIDER: Filter = Filter { parameter: "provider", pointer: "/provider" };
const CONSUMER: Filter = Filter { parameter: "consumer", pointer: "/consumer" };
const SIGNER: Filter = Filter { parameter: "signer", pointer: "/signer" };
const SOURCE_SYSTEM: Filter =
    Filter { parameter: "source_system", pointer: "/content/source/system" };
const ENTRY: Filter = Filter { parameter: "entry_id", pointer: "/entry_id" };
const AUTHORIZATION: Filter =
    Filter { parameter: "authorization_id", pointer: "/authorization_id" };
const PRINCIPAL: Filter = Filter { parameter: "principal", pointer: "/principal" };
const DELEGATE: Filter = Filter { parameter: "delegate", pointer: "/delegate" };
const OPENED_BY: Filter = Filter { parameter: "opened_by", pointer: "/opened_by" };
const SUBJECT: Filter = Filter { parameter: "subject", pointer: "/subject" };
const IMPLEMENTER: Filter = Filter { parameter: "implementer", pointer: "/implementer" };
const OPERATOR: Filter = Filter { parameter: "operator", pointer: "/operator" };
/// What an operation has instead of a status.
const LAST_STEP: Filter = Filter { parameter: "status", pointer: "/step" };

/// Every kind.
pub const KINDS: [Kind; 16] = [
    Kind { name: "members", prefix: "member/", filters: &[STATUS] },
    Kind { name: "offices", prefix: "office/", filters: &[STATUS, MEMBER] },
    Kind { name: "keys", prefix: "key/", filters: &[STATUS, MEMBER] },
    Kind { name: "duties", prefix: "duty/", filters: &[STATUS, MEMBER] },
    Kind { name: "systems", prefix: "system/", filters: &[STATUS, MEMBER] },
    Kind { name: "entries", prefix: "entry/", filters: &[STATUS, PROVIDER, SOURCE_SYSTEM] },
    Kind {
        name: "authorizations",
        prefix: "authorization/",
        filters: &[STATUS, PROVIDER, CONSUMER, ENTRY],
    },
    Kind { name: "receipts", prefix: "receipt/", filters: &[SIGNER, ENTRY, AUTHORIZATION] },
    Kind { name: "delegations", prefix: "delegation/", filters: &[STATUS, PRINCIPAL, DELEGATE] },
    Kind {
        name: "corrections",
        prefix: "correction/",
        filters: &[STATUS, PROVIDER, OPENED_BY, ENTRY],
    },
    Kind { name: "objections", prefix: "objection/", filters: &[STATUS, OPENED_BY, SUBJECT] },
    Kind { name: "operations", prefix: "operation/", filters: &[LAST_STEP, IMPLEMENTER, OPERATOR] },
    Kind { name: "evidence", prefix: "evidence/", filters: &[MEMBER] },
    Kind { name: "regions", prefix: "region/", filters: &[] },
    Kind { name: "classes", prefix: "class/", filters: &[] },
    Kind { name: "submissions", prefix: "submission/", filters: &[STATUS, PROVIDER] },
];

/// Which page, and which records.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    limit: Option<usize>,
    cursor: Option<String>,
    /// Beginning of the keys wanted, from the kind's prefix on.
    key_prefix: Option<String>,
    status: Option<String>,
    member: Option<String>,
    provider: Option<String>,
    consumer: Option<String>,
    signer: Option<String>,
    source_system: Option<String>,
    entry_id: Option<String>,
    authorization_id: Option<String>,
    principal: Option<String>,
    delegate: Option<String>,
    opened_by: Option<String>,
    subject: Option<String>,
    implementer: Option<String>,
    operator: Option<String>,
}

#[derive(Serialize)]
struct ListView {
    height: Height,
    items: Vec<ItemView>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct ItemView {
    key: String,
    version: Digest,
    value: Box<RawValue>,
}

/// A filter with the text a client asked for.
struct Wanted {
    filter: &'static Filter,
    text: String,
}

/// Reads a page of a list, in key order.
///
/// # Errors
/// `invalid_parameter`, `invalid_cursor`.
pub async fn read(
    kind: &'static Kind,
    State(api): State<Arc<Api>>,
    Params(mut query): Params<ListQuery>,
) -> Result<Response, Problem> {
    let limit = page_limit(query.limit)?;
    let cursor = query.cursor.take();
    let prefix = query.key_prefix.take().unwrap_or_else(|| kind.prefix.to_owned());
    if !prefix.starts_with(kind.prefix) || prefix.len() > STATE_KEY_BYTES_MAX {
        return Err(foreign_prefix(kind));
    }
    let wanted = query.wanted(kind)?;
    let view =
        work::read(&api, move |ledger| page(ledger, &prefix, &wanted, limit, cursor)).await?;
    Ok(Json(view).into_response())
}

impl ListQuery {
    fn wanted(self, kind: &'static Kind) -> Result<Vec<Wanted>, Problem> {
        let given = [
            ("status", self.status),
            ("member", self.member),
            ("provider", self.provider),
            ("consumer", self.consumer),
            ("signer", self.signer),
            ("source_system", self.source_system),
            ("entry_id", self.entry_id),
            ("authorization_id", self.authorization_id),
            ("principal", self.principal),
            ("delegate", self.delegate),
            ("opened_by", self.opened_by),
            ("subject", self.subject),
            ("implementer", self.implementer),
            ("operator", self.operator),
        ];
        let mut wanted = Vec::new();
        for (parameter, text) in given {
            let Some(text) = text else { continue };
            let filter = kind.filters.iter().find(|filter| filter.parameter == parameter);
            let filter = filter.ok_or_else(|| foreign_filter(kind, parameter))?;
            wanted.push(Wanted { filter, text });
        }
        Ok(wanted)
    }
}

fn foreign_filter(kind: &Kind, parameter: &str) -> Problem {
    let known: Vec<_> = kind.filters.iter().map(|filter| filter.parameter).collect();
    let known = if known.is_empty() { "key_prefix".to_owned() } else { known.join(", ") };
    let name = kind.name;
    invalid_parameter(
        parameter,
        Text::with(
            format!("{name} can be filtered by: {known}"),
            format!("{name} 支持的过滤条件：{known}"),
        ),
    )
}

fn foreign_prefix(kind: &Kind) -> Problem {
    let prefix = kind.prefix;
    invalid_parameter(
        "key_prefix",
        Text::with(
            format!("it begins with {prefix} and is at most {STATE_KEY_BYTES_MAX} bytes"),
            format!("须以 {prefix} 开头，且不超过 {STATE_KEY_BYTES_MAX} 字节"),
        ),
    )
}

fn page(
    ledger: &Ledger,
    prefix: &str,
    wanted: &[Wanted],
    limit: usize,
    cursor: Option<String>,
) -> Result<ListView, Problem> {
    let tip = ledger.tip()?.header.height;
    let (height, mut after) = match cursor {
        None => (tip, None),
        Some(text) => {
            let cursor = Cursor::decode(&text, prefix, tip)?;
            (cursor.height, Some(cursor.after))
        }
    };
    let mut items = Vec::new();
    let mut bytes = 0;
    let mut examined = 0;
    let rows_per_read = if wanted.is_empty() { limit + 1 } else { ROWS_PER_READ };
    let more = 'page: loop {
        let rows = ledger.records(prefix, after.as_deref(), rows_per_read)?;
        if rows.is_empty() {
            break false;
        }
        for (key, _) in rows {
            if items.len() == limit || examined == ROWS_EXAMINED_MAX || bytes >= PAGE_BYTES_MAX {
                break 'page true;
            }
            examined += 1;
            // As it was at the list's height: later changes and later records are not shown.
            if let Some(value) = ledger.record_at(&key, height)?
                && matches(wanted, &value)
            {
                bytes += value.len();
                let version = version_hash(&value);
                let value = readable(&key, &value)?;
                items.push(ItemView { key: key.clone(), version, value });
            }
            after = Some(key);
        }
    };
    let next_cursor = after
        .filter(|_| more)
        .map(|after| Cursor { prefix: prefix.to_owned(), after, height }.encode());
    Ok(ListView { height, items, next_cursor })
}

fn matches(wanted: &[Wanted], value: &[u8]) -> bool {
    if wanted.is_empty() {
        return true;
    }
    let Ok(record) = serde_json::from_slice::<Value>(value) else { return false };
    wanted.iter().all(|wanted| {
        let found = record.pointer(wanted.filter.pointer).and_then(Value::as_str);
        found == Some(&wanted.text)
    })
}
