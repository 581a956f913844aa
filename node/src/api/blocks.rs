//! Blocks, the consistency of the log between two of them, and audit bundles.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures::stream;
use mulu_chain::block::BlockId;
use mulu_chain::bundle::{BUNDLE_MAGIC, FrameWriter};
use mulu_chain::digest::Digest;
use mulu_chain::types::Height;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::catalog::{busy, invalid_parameter, not_found};
use super::extract::{Params, Segment};
use super::language::{Language, Text};
use super::problem::Problem;
use super::records::beyond_tip;
use super::views::{CertifiedView, CommittedView};
use super::{Api, work};
use crate::storage::{BundlePlan, Ledger, StorageError};

/// Media type of audit bundles.
const BUNDLE_MEDIA_TYPE: &str = "application/vnd.mulu.bundle";
/// Longest name part of a downloaded file, in characters.
const FILE_NAME_CHARS_MAX: usize = 96;
/// Bytes of a bundle handed to the socket at a time, and one frame.
const BUNDLE_CHUNK_BYTES: usize = 64 * 1024;
/// Most such chunks made before the client takes them.
const BUNDLE_CHUNKS_QUEUED_MAX: usize = 8;
/// Longest time a client may take for a chunk, in seconds.
const BUNDLE_CHUNK_S_MAX: u64 = 30;

#[derive(Serialize)]
struct BlockView {
    #[serde(flatten)]
    certified: CertifiedView,
    block: BlockId,
    transactions: Vec<CommittedView>,
}

/// A block by height, or the latest.
///
/// # Errors
/// `invalid_parameter`, or `not_found` above the tip.
pub async fn read(
    State(api): State<Arc<Api>>,
    Segment(height): Segment,
    language: Language,
) -> Result<Response, Problem> {
    let wanted = match height.as_str() {
        "latest" => None,
        digits => Some(Height(digits.parse().map_err(|_| {
            invalid_parameter("height", Text::new("a number or `latest`", "数字或 `latest`"))
        })?)),
    };
    let view = work::read(&api, move |ledger| block(ledger, wanted, language)).await?;
    Ok(Json(view).into_response())
}

fn block(
    ledger: &Ledger,
    wanted: Option<Height>,
    language: Language,
) -> Result<BlockView, Problem> {
    let tip = ledger.tip()?.header.height;
    let height = wanted.unwrap_or(tip);
    if height > tip {
        return Err(not_found(
            Text::with(
                format!("this node has committed up to height {tip}"),
                format!("本节点已提交到高度 {tip}"),
            ),
            Text::new(
                "wait for the block, or ask for an earlier one",
                "请等待该区块，或查询更早的区块",
            ),
        ));
    }
    if ledger.header(height)?.is_none() {
        return Err(not_found(
            Text::new(
                "this node began with a snapshot and has no blocks this old",
                "本节点从快照开始，没有这么早的区块",
            ),
            Text::new("ask another node of the consortium", "请查询联盟的其他节点"),
        ));
    }
    let certified = CertifiedView::read(ledger, height)?;
    let first = certified.header.log_size.saturating_sub(u64::from(certified.header.transactions));
    let entries = ledger.log_entries(height)?;
    let transactions = entries
        .iter()
        .zip(first..)
        .map(|(entry, log_index)| CommittedView::of(entry, log_index, language))
        .collect();
    let block = certified.header.id();
    Ok(BlockView { certified, block, transactions })
}

/// Two heights.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsistencyQuery {
    from: Height,
    to: Option<Height>,
}

#[derive(Serialize)]
struct ConsistencyView {
    from: CertifiedView,
    to: CertifiedView,
    hashes: Vec<Digest>,
}

/// The RFC 6962 proof that the log at height `from` is a prefix of the log at height `to` (the
/// tip, if not given), with both headers.
///
/// # Errors
/// `invalid_parameter` unless `from` ≤ `to` ≤ tip.
pub async fn consistency(
    State(api): State<Arc<Api>>,
    Params(query): Params<ConsistencyQuery>,
) -> Result<Response, Problem> {
    let view = work::read(&api, move |ledger| {
        let tip = ledger.tip()?.header.height;
        let to = query.to.unwrap_or(tip);
        if to > tip {
            return Err(beyond_tip("to", tip));
        }
        if query.from > to {
            let reason = Text::new("`from` must not exceed `to`", "`from` 不得大于 `to`");
            return Err(invalid_parameter("from", reason));
        }
        let from = CertifiedView::read(ledger, query.from)?;
        let to = CertifiedView::read(ledger, to)?;
        let proof = ledger.consistency_proof(from.header.log_size, to.header.log_size)?;
        Ok(ConsistencyView { from, to, hashes: proof.hashes })
    })
    .await?;
    Ok(Json(view).into_response())
}

/// At which height a bundle is proved.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleQuery {
    height: Option<Height>,
}

/// Everything an auditor needs to check one question, in one file. It is planned before the answer
/// begins and written while it is sent; a bundle that cannot be finished lacks its last frame.
///
/// # Errors
/// `not_found` for what is no question or has no answer; `busy` while others make bundles.
pub async fn bundle(
    State(api): State<Arc<Api>>,
    Segment(question): Segment,
    Params(query): Params<BundleQuery>,
) -> Result<Response, Problem> {
    let Ok(permit) = api.bundles.clone().try_acquire_owned() else { return Err(busy()) };
    let name = format!("attachment; filename=\"{}.mulubundle\"", file_name(&question));
    let plan = work::read(&api, move |ledger| {
        let parsed = question.parse().map_err(|_| unknown_subject(&question))?;
        ledger.plan_bundle(&parsed, query.height)?.ok_or_else(|| unknown_subject(&question))
    })
    .await?;
    let (sender, receiver) = mpsc::channel::<Bytes>(BUNDLE_CHUNKS_QUEUED_MAX);
    spawn_blocking(move || {
        let _permit = permit;
        if let Err(error) = send_bundle(plan, &sender) {
            tracing::warn!(%error, "a bundle was not sent to its end");
        }
    });
    let chunks = stream::unfold(receiver, async |mut receiver| {
        let chunk = receiver.recv().await?;
        Some((Ok::<_, Infallible>(chunk), receiver))
    });
    let headers = [(CONTENT_TYPE, BUNDLE_MEDIA_TYPE.to_owned()), (CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(chunks)).into_response())
}

/// Why a bundle was not sent to its end.
#[derive(Debug, thiserror::Error)]
enum Unsent {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("the client left, or took nothing for {BUNDLE_CHUNK_S_MAX} s")]
    Client,
}

fn send_bundle(plan: BundlePlan, sender: &mpsc::Sender<Bytes>) -> Result<(), Unsent> {
    let runtime = tokio::runtime::Handle::current();
    let send = |chunk: Vec<u8>| {
        let wait = Duration::from_secs(BUNDLE_CHUNK_S_MAX);
        let sent = runtime.block_on(timeout(wait, sender.send(chunk.into())));
        sent.map_err(|_| Unsent::Client)?.map_err(|_| Unsent::Client)
    };
    let mut writer = FrameWriter::default();
    let mut chunk = BUNDLE_MAGIC.to_vec();
    plan.write(&mut |frame| -> Result<(), Unsent> {
        writer.frame(&frame, &mut chunk);
        if chunk.len() >= BUNDLE_CHUNK_BYTES { send(std::mem::take(&mut chunk)) } else { Ok(()) }
    })?;
    writer.end(&mut chunk);
    send(chunk)
}

/// The subject with every character that a file system or a header may not like replaced.
fn file_name(subject: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    subject.chars().map(safe).take(FILE_NAME_CHARS_MAX).collect()
}

fn unknown_subject(subject: &str) -> Problem {
    not_found(
        Text::with(
            format!("nothing was ever recorded about {subject}"),
            format!("没有关于 {subject} 的任何记录"),
        ),
        Text::new(
            "a subject is a record's key, such as entry/sha256:… or authorization/sha256:…",
            "主体即记录的键，如 entry/sha256:… 或 authorization/sha256:…",
        ),
    )
}
