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
    let location = HeaderValue::from_str(&format!("/v1/transactions/{id}"))
        .expect("an id is visible ASCII");
    (status, [(LOCATION, location)], body).into_response()
}

/// From bytes to a transaction all of whose signatures verified.
fn verify(body: &[u8], chain_id: &ChainId) -> Result<Transaction, Problem> {
    let envelope = Envelope::from_json(body).map_err(|invalid| bad_envelope(&invalid))?;
    let verified = envelope.verify().map_err(|invalid| bad_envelope(&invalid))?;
    Transaction::parse(verified, chain_id).map_err(|invalid| bad_transaction(&invalid))
}

fn bad_envelope(invalid: &EnvelopeInvalid) -> Problem {
    let status = match invalid {
        EnvelopeInvalid::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    };
    let (title, help) = match invalid {
        EnvelopeInvalid::Malformed(_) => (
            Text::new("Not a signed envelope", "不是签名信封"),
            Text::new(
                "send {\"payloadType\", \"payload\": base64, \"signatures\": [{\"keyid\": \"ed25519:<hex>\", \"sig\": base64}]}",
                "请发送 {\"payloadType\", \"payload\": base64, \"signatures\": [{\"keyid\": \"ed25519:<hex>\", \"sig\": base64}]}",
            ),
        ),
        EnvelopeInvalid::TooLarge { .. } => (
            Text::new("The transaction is too large", "交易过大"),
            Text::new(
                "split the actions over several transactions",
                "请将操作拆分到多个交易中提交",
            ),
        ),
        EnvelopeInvalid::PayloadType => (
            Text::new("Another payload type", "载荷类型不符"),
            Text::new(
                "sign the payload again as application/vnd.mulu.tx.v1+json: the type is part of the signed bytes",
                "请以 application/vnd.mulu.tx.v1+json 重新签名：类型是被签名内容的一部分",
            ),
        ),
        EnvelopeInvalid::Signatures => (
            Text::new("The signatures cannot be used", "签名列表不可用"),
            Text::new("sign once with each key that must sign", "每个应签名的密钥各签一次"),
        ),
        EnvelopeInvalid::Signature { .. } => (
            Text::new("A signature does not verify", "签名验证失败"),
            Text::new(
                "sign the exact payload bytes you send, over their DSSE pre-authentication encoding, with the key that keyid names",
                "请用 keyid 所指密钥，对所发送载荷的原始字节按 DSSE 预认证编码签名",
            ),
        ),
    };
    Problem::new(status, invalid.id(), title, Text::untranslated(invalid.to_string()), help)
}

fn bad_transaction(invalid: &TransactionInvalid) -> Problem {
    let words = rules::words(invalid.id());
    let detail = Text::untranslated(invalid.to_string());
    Problem::new(StatusCode::BAD_REQUEST, invalid.id(), words.title, detail, words.help)
}

fn refused(rejection: &Rejection) -> Problem {
    let words = rules::words(rejection.rule.id());
    let detail = Text::untranslated(rejection.detail.clone());
    let mut problem = Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        rejection.rule.id(),
        words.title,
        detail,
        words.help,
    );
    problem.action = Some(rejection.action);
    problem
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
