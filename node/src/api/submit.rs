//! Submitting a transaction: `POST /v1/transactions`.
//!
//! The transaction id is for ever idempotent: the same payload sent twice, to one node or to
//! several, before or after a restart, has one outcome, and every answer leads to it. "Queued" is said
//! only of what is in the journal (`journal`), and with the node's signature: it is committed or expires.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use mulu_chain::limits::ACKNOWLEDGED_MAX;
use mulu_chain::transaction::{Envelope, EnvelopeInvalid, TransactionId};
use mulu_chain::types::{ChainId, Height};
use mulu_contracts::rejection::Rejection;
use mulu_contracts::rule::Rule;
use mulu_contracts::transaction::{Transaction, TransactionInvalid};
use serde::Serialize;
use serde_json::Value;

use super::extract::Params;
use super::language::{Language, Text};
use super::layers::MANY_PATH;
use super::problem::Problem;
use super::recent::Queued;
use super::transactions::{WaitQuery, committed, wait_committed};
use super::views::{CommittedView, QueuedView};
use super::{Api, catalog, rules, work};
use crate::journal::Taken;
use crate::metrics::VerdictLabel;
use crate::replica::handle::SubmitVerdict;
use crate::replica::mempool::MEMPOOL_TRANSACTIONS_MAX;

/// Verifies a signed envelope, hands it to the replica, and says what became of it: committed, or
/// queued with this node's signed receipt.
///
/// # Errors
/// 400 malformed, 413 too large, 422 refused by a rule, 429 full, 503 not ready.
pub async fn submit(
    State(api): State<Arc<Api>>,
    Params(query): Params<WaitQuery>,
    language: Language,
    body: Bytes,
) -> Result<Response, Problem> {
    let timeout = query.timeout()?;
    require_room(&api)?;
    if api.state.house.is_read_only() {
        count(&api, "not_ready");
        let report = api.state.house.report();
        let why = Text::with(report.why_read_only(), report.why_read_only_zh());
        return Err(catalog::not_ready(vec![why]));
    }
    let chain_id = api.state.founding.chain_id.clone();
    let verified = work::run(&api.work, move || verify(&body, &chain_id)).await;
    let transaction = verified.inspect_err(|_| count(&api, "malformed"))?;
    let id = transaction.id();
    let mut taken = take(&api, vec![transaction]).await;
    let queued = match taken.pop().ok_or_else(catalog::internal)?? {
        Took::Committed => {
            let found = committed(&api, id).await?.ok_or_else(catalog::internal)?;
            let view = CommittedView::of(&found.entry, found.log_index, language);
            return Ok(answer(StatusCode::OK, &id, Json(view)));
        }
        Took::Queued(queued) => queued,
    };
    if let Some(timeout) = timeout
        && let Some(found) = wait_committed(&api, id, timeout, Some(queued.valid_until)).await?
    {
        let view = CommittedView::of(&found.entry, found.log_index, language);
        return Ok(answer(StatusCode::OK, &id, Json(view)));
    }
    let now = api.state.replica.status().height;
    let receipt = api.state.receipts.sign(&api.state.founding.chain_id, &[(id, queued)]);
    let view = QueuedView::of(id, queued, now).with_receipt(receipt);
    Ok(answer(StatusCode::ACCEPTED, &id, Json(view)))
}

/// What became of one of several envelopes: as alone, with the status it would have had.
#[derive(Serialize)]
struct OneOfMany {
    http_status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<TransactionId>,
    #[serde(flatten)]
    view: Value,
}

#[derive(Serialize)]
struct ManyView {
    results: Vec<OneOfMany>,
    /// One receipt for all that were queued.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<super::receipts::ReceiptView>,
}

/// Several envelopes, one a line; each has its own fate. Taken in order.
///
/// # Errors
/// 400 for none or too many, 413 too large.
pub async fn submit_many(
    State(api): State<Arc<Api>>,
    language: Language,
    body: Bytes,
) -> Result<Response, Problem> {
    require_room(&api)?;
    let chain_id = api.state.founding.chain_id.clone();
    let verified = work::run(&api.work, move || {
        let lines: Vec<&[u8]> = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect();
        let lines: Vec<&[u8]> = lines.into_iter().filter(|line| !line.is_empty()).collect();
        if lines.is_empty() || lines.len() > ACKNOWLEDGED_MAX {
            return Err(catalog::invalid_parameter(
                "body",
                Text::with(
                    format!("1 to {ACKNOWLEDGED_MAX} envelopes, one a line; found {}", lines.len()),
                    format!("每行一个信封，共 1 至 {ACKNOWLEDGED_MAX} 个；现有 {}", lines.len()),
                ),
            ));
        }
        Ok(lines.iter().map(|line| verify(line, &chain_id)).collect::<Vec<_>>())
    })
    .await?;
    let good: Vec<Transaction> = verified.iter().filter_map(|v| v.as_ref().ok().cloned()).collect();
    let mut taken = take(&api, good).await.into_iter();
    let mut queued_now = Vec::new();
    let mut results = Vec::with_capacity(verified.len());
    for verified in verified {
        let one = match verified {
            Err(problem) => {
                count(&api, "malformed");
                failed(None, &problem, language)
            }
            Ok(transaction) => {
                let id = transaction.id();
                match taken.next().ok_or_else(catalog::internal)? {
                    Err(problem) => failed(Some(id), &problem, language),
                    Ok(Took::Committed) => {
                        let found = committed(&api, id).await?.ok_or_else(catalog::internal)?;
                        let view = CommittedView::of(&found.entry, found.log_index, language);
                        done(StatusCode::OK, &view)
                    }
                    Ok(Took::Queued(queued)) => {
                        queued_now.push((id, queued));
                        let now = api.state.replica.status().height;
                        done(StatusCode::ACCEPTED, &QueuedView::of(id, queued, now))
                    }
                }
            }
        };
        results.push(one);
    }
    let chain_id = &api.state.founding.chain_id;
    let receipt = (!queued_now.is_empty()).then(|| api.state.receipts.sign(chain_id, &queued_now));
    Ok(Json(ManyView { results, receipt }).into_response())
}

fn failed(id: Option<TransactionId>, problem: &Problem, language: Language) -> OneOfMany {
    let view = problem.to_json(language, MANY_PATH);
    OneOfMany { http_status: problem.status.as_u16(), id, view }
}

fn done(status: StatusCode, view: &impl Serialize) -> OneOfMany {
    let view = serde_json::to_value(view).expect("strings and numbers always serialize");
    OneOfMany { http_status: status.as_u16(), id: None, view }
}

/// A full queue is told before any signature is verified: an overload must not eat the node.
fn require_room(api: &Api) -> Result<(), Problem> {
    if api.state.replica.mempool_transactions() >= MEMPOOL_TRANSACTIONS_MAX {
        count(api, "full");
        return Err(catalog::mempool_full());
    }
    Ok(())
}

/// What the replica and the journal made of a transaction.
enum Took {
    Committed,
    Queued(Queued),
}

/// Hands transactions to the replica in order and writes down those that it queued, before anyone is
/// told so.
async fn take(api: &Api, transactions: Vec<Transaction>) -> Vec<Result<Took, Problem>> {
    let received_height = api.state.replica.status().height;
    let verdicts = api.state.replica.submit_all(transactions.clone()).await;
    let mut fresh = Vec::new();
    let mut results = Vec::with_capacity(verdicts.len());
    for (transaction, verdict) in transactions.iter().zip(verdicts) {
        count(api, label(&verdict));
        let id = transaction.id();
        results.push(match verdict {
            SubmitVerdict::Queued | SubmitVerdict::AlreadyQueued => {
                let valid_until = Height(transaction.payload().valid_until);
                // Written down before: nothing is written twice.
                let known = api.recent.get(&id);
                let queued = known.unwrap_or(Queued { valid_until, received_height });
                if known.is_none() {
                    let envelope = transaction.envelope().clone();
                    fresh.push((id, queued, Taken { received_height, valid_until, envelope }));
                }
                Ok(Took::Queued(queued))
            }
            SubmitVerdict::AlreadyCommitted => Ok(Took::Committed),
            SubmitVerdict::Rejected(rejection) => Err(refused(&rejection)),
            SubmitVerdict::Full => Err(catalog::mempool_full()),
            SubmitVerdict::NotReady(why) => Err(catalog::not_ready(vec![Text::untranslated(why)])),
        });
    }
    let taken: Vec<Taken> = fresh.iter().map(|(_, _, taken)| taken.clone()).collect();
    if taken.is_empty() || api.state.receipts.journal.write(&taken).await {
        for (id, queued, _) in fresh {
            api.recent.remember(id, queued);
        }
        return results;
    }
    let not_written = |result| match result {
        Ok(Took::Queued(_)) => Err(catalog::not_ready(vec![Text::new(
            "the submission journal cannot be written; send the same envelope to another node",
            "提交日志无法写入；请将同一信封提交到其他节点",
        )])),
        other => other,
    };
    results.into_iter().map(not_written).collect()
}

fn answer(status: StatusCode, id: &TransactionId, body: impl IntoResponse) -> Response {
    let location =
        HeaderValue::from_str(&format!("/v1/transactions/{id}")).expect("an id is visible ASCII");
    (status, [(LOCATION, location)], body).into_response()
}

/// From bytes to a transaction all of whose signatures verified.
fn verify(body: &[u8], chain_id: &ChainId) -> Result<Transaction, Problem> {
    let envelope = Envelope::from_json(body).map_err(|invalid| bad_envelope(&invalid))?;
    let verified = envelope.verify().map_err(|invalid| bad_envelope(&invalid))?;
    Transaction::parse(verified, chain_id).map_err(|invalid| bad_transaction(&invalid))
}

pub(super) fn bad_envelope(invalid: &EnvelopeInvalid) -> Problem {
    let status = match invalid {
        EnvelopeInvalid::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    };
    let words = rules::words_of_id(invalid.id());
    let detail = Text::untranslated(invalid.to_string());
    Problem::new(status, invalid.id(), words.title, detail, words.help)
}

pub(super) fn bad_transaction(invalid: &TransactionInvalid) -> Problem {
    broken(StatusCode::BAD_REQUEST, invalid.rule(), invalid.detail())
}

pub(super) fn refused(rejection: &Rejection) -> Problem {
    let mut problem = broken(StatusCode::UNPROCESSABLE_ENTITY, rejection.rule, &rejection.detail);
    problem.action = Some(rejection.action);
    problem
}

fn broken(status: StatusCode, rule: Rule, detail: &str) -> Problem {
    let words = rules::words(rule);
    let detail = Text::untranslated(detail.to_owned());
    Problem::new(status, rule.id(), words.title, detail, words.help)
}

fn label(verdict: &SubmitVerdict) -> &'static str {
    match verdict {
        SubmitVerdict::Queued => "queued",
        SubmitVerdict::AlreadyQueued => "already_queued",
        SubmitVerdict::AlreadyCommitted => "already_committed",
        SubmitVerdict::Rejected(_) => "rejected",
        SubmitVerdict::Full => "full",
        SubmitVerdict::NotReady(_) => "not_ready",
    }
}

fn count(api: &Api, verdict: &'static str) {
    api.state.metrics.transactions_submitted.get_or_create(&VerdictLabel { verdict }).inc();
}
