//! What became of a transaction, and the proof of it.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use mulu_chain::log::{InclusionProof, LogEntry};
use mulu_chain::transaction::TransactionId;
use mulu_chain::types::Height;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};

use super::catalog::{invalid_parameter, not_found};
use super::extract::{Params, Segment, wait_for};
use super::language::{Language, Text};
use super::problem::Problem;
use super::views::{CertifiedView, CommittedView, QueuedView};
use super::{Api, work};
use crate::storage::{CommittedTransaction, StorageError};

/// Whether and how long to wait for the commit.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitQuery {
    wait: Option<String>,
    timeout_ms: Option<u64>,
}

impl WaitQuery {
    /// How long to wait; none means not at all.
    ///
    /// # Errors
    /// `invalid_parameter`.
    pub fn timeout(&self) -> Result<Option<Duration>, Problem> {
        wait_for(self.wait.as_deref(), self.timeout_ms)
    }
}

/// Where a transaction stands, with its envelope once committed.
///
/// # Errors
/// `not_found` if this node neither committed nor queued it.
pub async fn read(
    State(api): State<Arc<Api>>,
    Segment(id): Segment,
    Params(query): Params<WaitQuery>,
    language: Language,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let queued = api.recent.get(&id);
    let found = match query.timeout()? {
        Some(timeout) => {
            wait_committed(&api, id, timeout, queued.map(|queued| queued.valid_until)).await?
        }
        None => committed(&api, id).await?,
    };
    if let Some(found) = found {
        let (height, index) = (found.entry.height, found.entry.index);
        // Place and outcome are here even where the body is not any more.
        let envelope = work::read(&api, move |ledger| match ledger.envelope(height, index) {
            Err(StorageError::BodyMoved { .. }) => Ok(None),
            found => Ok(found?),
        })
        .await?;
        let view = CommittedView::of(&found.entry, found.log_index, language);
        return Ok(Json(view.with_envelope(envelope.as_ref())).into_response());
    }
    match queued {
        Some(queued) => {
            let now = api.state.replica.status().height;
            let receipt = api.state.receipts.sign(&api.state.founding.chain_id, &[(id, queued)]);
            Ok(Json(QueuedView::of(id, queued, now).with_receipt(receipt)).into_response())
        }
        None => Err(unknown(&id)),
    }
}

#[derive(Serialize)]
struct ProofView {
    #[serde(flatten)]
    certified: CertifiedView,
    entry: LogEntry,
    inclusion: InclusionProof,
}

/// The proof that a transaction stands in the log, with its outcome, under the tip's header.
///
/// # Errors
/// `not_found` unless it is committed.
pub async fn proof(State(api): State<Arc<Api>>, Segment(id): Segment) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let view = work::read(&api, move |ledger| {
        let Some(found) = ledger.transaction(&id)? else { return Err(unknown(&id)) };
        // The tip after the transaction was found: its log holds the transaction.
        let certified = CertifiedView::read(ledger, ledger.tip()?.header.height)?;
        let inclusion = ledger.inclusion_proof(found.log_index, certified.header.log_size)?;
        Ok(ProofView { certified, entry: found.entry, inclusion })
    })
    .await?;
    Ok(Json(view).into_response())
}

/// Looks a committed transaction up.
///
/// # Errors
/// `internal_error` if the ledger cannot be read.
pub async fn committed(
    api: &Api,
    id: TransactionId,
) -> Result<Option<CommittedTransaction>, Problem> {
    work::read(api, move |ledger| Ok(ledger.transaction(&id)?)).await
}

/// Waits until the transaction is committed, can no longer be, or the time is up. When too many
/// clients wait already, it does not wait at all: the client polls.
///
/// # Errors
/// `internal_error` if the ledger cannot be read.
pub async fn wait_committed(
    api: &Api,
    id: TransactionId,
    timeout: Duration,
    valid_until: Option<Height>,
) -> Result<Option<CommittedTransaction>, Problem> {
    let end = Instant::now() + timeout;
    let Ok(_waiter) = api.waiters.try_acquire() else { return committed(api, id).await };
    let mut status = api.state.replica.watch();
    loop {
        // Height first, ledger second: a block committed in between wakes us again.
        let height = status.borrow_and_update().height;
        let found = committed(api, id).await?;
        if found.is_some() || valid_until.is_some_and(|last| height > last) {
            return Ok(found);
        }
        let risen = timeout_at(end, async {
            status.wait_for(|status| status.height != height).await.map(drop)
        });
        match risen.await {
            Ok(Ok(())) => {}
            // Time is up, or the replica stopped: what the ledger says now is all there is to say.
            Ok(Err(_)) | Err(_) => return committed(api, id).await,
        }
    }
}

pub(super) fn parse_id(text: &str) -> Result<TransactionId, Problem> {
    text.parse().map_err(|_| {
        invalid_parameter(
            "id",
            Text::new(
                "a transaction id is `sha256:` and 64 lower-case hexadecimal digits",
                "交易号由 `sha256:` 和 64 位小写十六进制数字组成",
            ),
        )
    })
}

pub(super) fn unknown(id: &TransactionId) -> Problem {
    not_found(
        Text::with(
            format!("no block of this node holds the transaction {id}"),
            format!("本节点的区块中没有交易 {id}"),
        ),
        Text::new(
            "it may be queued on another node, or this node may have restarted: wait, or send the same envelope again, which is always safe",
            "它可能正在其他节点排队，或本节点曾重启：请等待，或重发同一信封（重复提交始终安全）",
        ),
    )
}
