//! Submitting a transaction: `POST /v1/transactions`.
//!
//! The transaction id is for ever idempotent: the same payload sent twice, to one node or to
//! several, before or after a restart, has one outcome, and every answer leads to it.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use mulu_chain::transaction::{Envelope, EnvelopeInvalid, TransactionId};
use mulu_chain::types::{ChainId, Height};
use mulu_contracts::rejection::Rejection;
use mulu_contracts::rule::Rule;
use mulu_contracts::transaction::{Transaction, TransactionInvalid};

use super::extract::Params;
use super::language::{Language, Text};
use super::problem::Problem;
use super::recent::Queued;
use super::transactions::{WaitQuery, committed, wait_committed};
use super::views::{CommittedView, QueuedView};
use super::{Api, catalog, rules, work};
use crate::metrics::VerdictLabel;
use crate::replica::handle::SubmitVerdict;

/// Verifies a signed envelope, hands it to the replica, and says what became of it.
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
    let chain_id = api.state.founding.chain_id.clone();
    let verified = work::run(&api.work, move || verify(&body, &chain_id)).await;
    let transaction = verified.inspect_err(|_| count(&api, "malformed"))?;
    let id = transaction.id();
    let valid_until = Height(transaction.payload().valid_until);
    let received_height = api.state.replica.status().height;
    let verdict = api.state.replica.submit(transaction).await;
    count(&api, label(&verdict));
    match verdict {
        SubmitVerdict::Queued | SubmitVerdict::AlreadyQueued => {}
        SubmitVerdict::AlreadyCommitted => {
            let found = committed(&api, id).await?.ok_or_else(catalog::internal)?;
            let view = CommittedView::of(&found.entry, found.log_index, language);
            return Ok(answer(StatusCode::OK, &id, Json(view)));
        }
        SubmitVerdict::Rejected(rejection) => return Err(refused(&rejection)),
        SubmitVerdict::Full => return Err(catalog::mempool_full()),
        SubmitVerdict::NotReady(why) => {
            return Err(catalog::not_ready(vec![Text::untranslated(why)]));
        }
    }
    let queued = api.recent.remember(id, Queued { valid_until, received_height });
    if let Some(timeout) = timeout
        && let Some(found) = wait_committed(&api, id, timeout, Some(valid_until)).await?
    {
        let view = CommittedView::of(&found.entry, found.log_index, language);
        return Ok(answer(StatusCode::OK, &id, Json(view)));
    }
    let now = api.state.replica.status().height;
    Ok(answer(StatusCode::ACCEPTED, &id, Json(QueuedView::of(id, queued, now))))
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
