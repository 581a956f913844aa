//! Blocks, the consistency of the log between two of them, and audit bundles.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use mulu_chain::block::BlockId;
use mulu_chain::digest::Digest;
use mulu_chain::types::Height;
use serde::{Deserialize, Serialize};

use super::catalog::{busy, invalid_parameter, not_found};
use super::extract::{Params, Segment};
use super::language::{Language, Text};
use super::problem::Problem;
use super::records::beyond_tip;
use super::views::{CertifiedView, CommittedView};
use super::{Api, work};
use crate::storage::Ledger;

/// Media type of audit bundles.
const BUNDLE_MEDIA_TYPE: &str = "application/vnd.mulu.bundle";
/// Longest name part of a downloaded file, in characters.
const FILE_NAME_CHARS_MAX: usize = 96;

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

/// Everything an auditor needs about a subject, in one file.
///
/// # Errors
/// `not_found` for an unknown subject; `busy` while others make bundles.
pub async fn bundle(
    State(api): State<Arc<Api>>,
    Segment(subject): Segment,
) -> Result<Response, Problem> {
    if api.bundles.available_permits() == 0 {
        return Err(busy());
    }
    let name = format!("attachment; filename=\"{}.mulubundle\"", file_name(&subject));
    let ledger = api.state.ledger.clone();
    let bytes = work::run(&api.bundles, move || {
        let bundle = ledger.bundle(&subject)?.ok_or_else(|| unknown_subject(&subject))?;
        Ok(bundle.to_bytes())
    })
    .await?;
    let headers = [(CONTENT_TYPE, BUNDLE_MEDIA_TYPE.to_owned()), (CONTENT_DISPOSITION, name)];
    Ok((headers, bytes).into_response())
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
