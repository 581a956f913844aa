//! The complete history of a subject, page by page.
//!
//! Every page states `{count, head}` at the height of the first page, also when blocks are
//! committed in between: a client that fetched all `count` items recomputes `head` from them and
//! knows that nothing was left out; with `proof=true` the page proves that leaf.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use mulu_chain::digest::Digest;
use mulu_chain::state::{HistoryEvent, HistoryLeaf, history_key};
use mulu_chain::transaction::TransactionId;
use mulu_chain::types::{Height, TimeMs};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::catalog::{invalid_cursor, not_found};
use super::cursor::Cursor;
use super::extract::{Params, Segment, page_limit};
use super::language::Text;
use super::problem::Problem;
use super::records::ProofView;
use super::{Api, records, work};
use crate::storage::{Ledger, StorageError};

/// Which page.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryQuery {
    limit: Option<usize>,
    cursor: Option<String>,
    #[serde(default)]
    proof: bool,
}

#[derive(Serialize)]
struct HistoryView {
    subject: String,
    height: Height,
    count: u64,
    head: Digest,
    items: Vec<ItemView>,
    next_cursor: Option<String>,
    /// That `{count, head}` is what the state holds at this height.
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<ProofView>,
}

#[derive(Serialize)]
struct ItemView {
    number: u64,
    height: Height,
    index: u32,
    action: u32,
    transaction: TransactionId,
    time_ms: TimeMs,
    r#type: Option<String>,
    submitter: Option<Box<RawValue>>,
}

/// What a history shows of a payload; everything else is skipped.
#[derive(Deserialize)]
struct PayloadGlance {
    submitter: Box<RawValue>,
    actions: Vec<ActionGlance>,
}

#[derive(Deserialize)]
struct ActionGlance {
    r#type: String,
}

/// Reads a page of a subject's history, oldest first.
///
/// # Errors
/// `not_found` for a subject without history, `invalid_cursor`, `invalid_parameter`.
pub async fn read(
    State(api): State<Arc<Api>>,
    Segment(subject): Segment,
    Params(query): Params<HistoryQuery>,
) -> Result<Response, Problem> {
    let limit = page_limit(query.limit)?;
    let HistoryQuery { cursor, proof, .. } = query;
    let view = work::read(&api, move |ledger| {
        let mut view = page(ledger, subject, limit, cursor)?;
        if proof {
            view.proof = Some(ProofView::of(ledger, &history_key(&view.subject), view.height)?);
        }
        Ok(view)
    })
    .await?;
    Ok(Json(view).into_response())
}

fn page(
    ledger: &Ledger,
    subject: String,
    limit: usize,
    cursor: Option<String>,
) -> Result<HistoryView, Problem> {
    let key = history_key(&subject);
    let tip = ledger.tip()?.header.height;
    let (height, from) = match cursor {
        None => (tip, 0),
        Some(text) => {
            let cursor = Cursor::decode(&text, &key, tip)?;
            let last: u64 = cursor.after.parse().map_err(|_| invalid_cursor())?;
            (cursor.height, last.saturating_add(1))
        }
    };
    let value = ledger.record_at(&key, height)?.ok_or_else(|| no_history(&subject))?;
    let HistoryLeaf { count, head } = records::history_leaf(&value)?;
    let left = usize::try_from(count.saturating_sub(from)).unwrap_or(usize::MAX);
    let events = ledger.history(&subject, from, limit.min(left))?;
    let items = items(ledger, from, &events)?;
    let next_cursor = match items.last() {
        Some(last) if last.number + 1 < count => {
            Some(Cursor { prefix: key, after: last.number.to_string(), height }.encode())
        }
        _ => None,
    };
    Ok(HistoryView { subject, height, count, head, items, next_cursor, proof: None })
}

/// Events with the words of their transactions. Neighbours often share a transaction (an import),
/// so the last one read is kept.
fn items(ledger: &Ledger, from: u64, events: &[HistoryEvent]) -> Result<Vec<ItemView>, Problem> {
    let mut items = Vec::with_capacity(events.len());
    let mut last: Option<((Height, u32), TimeMs, Option<PayloadGlance>)> = None;
    for (number, event) in (from..).zip(events) {
        let place = (event.height, event.index);
        if last.as_ref().is_none_or(|(known, ..)| *known != place) {
            let time_ms = ledger.header(event.height)?.map(|header| header.time_ms);
            let envelope = match ledger.envelope(event.height, event.index) {
                // The event is here, only its words are not.
                Err(StorageError::BodyMoved { .. }) => None,
                found => found?,
            };
            let glance =
                envelope.and_then(|envelope| serde_json::from_slice(envelope.payload()).ok());
            last = Some((place, time_ms.unwrap_or_default(), glance));
        }
        let (time_ms, glance) =
            last.as_ref().map_or((TimeMs(0), None), |(_, time, glance)| (*time, glance.as_ref()));
        let action = usize::try_from(event.action).unwrap_or(usize::MAX);
        items.push(ItemView {
            number,
            height: event.height,
            index: event.index,
            action: event.action,
            transaction: event.transaction,
            time_ms,
            r#type: glance.and_then(|g| g.actions.get(action)).map(|a| a.r#type.clone()),
            submitter: glance.map(|g| g.submitter.clone()),
        });
    }
    Ok(items)
}

fn no_history(subject: &str) -> Problem {
    not_found(
        Text::with(
            format!("nothing was ever recorded about {subject}"),
            format!("没有关于 {subject} 的任何记录"),
        ),
        Text::new(
            "a subject is a record's key, such as entry/sha256:… or member/<uscc>; add proof=true to /v1/records/history/{subject} for a proof of absence",
            "主体即记录的键，如 entry/sha256:… 或 member/<统一社会信用代码>；在 /v1/records/history/{subject} 加 proof=true 可获取其不存在的证明",
        ),
    )
}
