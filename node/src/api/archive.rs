//! Whole blocks with their certificates, as an archive file: what an auditor replays.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use mulu_chain::archive::{ArchiveBuilder, ArchiveInvalid};
use mulu_chain::types::Height;
use serde::Deserialize;

use super::catalog::{body_moved, internal, invalid_parameter};
use super::extract::{Params, Segment};
use super::language::Text;
use super::problem::Problem;
use super::records::beyond_tip;
use super::{Api, work};
use crate::storage::Ledger;

/// Media type of archive files.
const ARCHIVE_MEDIA_TYPE: &str = "application/vnd.mulu.archive";
/// Most blocks in one answer.
const BLOCKS_MAX: u64 = 1024;
/// Bytes after which no further block is added to an answer.
const ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// How many blocks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveQuery {
    count: Option<u64>,
}

/// The blocks from a height on, as many as fit one answer.
///
/// # Errors
/// `invalid_parameter` for block 0, which the founding document makes, and above the tip.
pub async fn read(
    State(api): State<Arc<Api>>,
    Segment(first): Segment,
    Params(query): Params<ArchiveQuery>,
) -> Result<Response, Problem> {
    let count = query.count.unwrap_or(BLOCKS_MAX).clamp(1, BLOCKS_MAX);
    let first = first.parse().ok().filter(|first| *first > 0).ok_or_else(|| {
        invalid_parameter("first", Text::new("a height from 1 on", "大于等于 1 的高度"))
    })?;
    let bytes = work::read(&api, move |ledger| archive(ledger, Height(first), count)).await?;
    Ok(([(CONTENT_TYPE, ARCHIVE_MEDIA_TYPE)], bytes).into_response())
}

fn archive(ledger: &Ledger, first: Height, count: u64) -> Result<Vec<u8>, Problem> {
    let tip = ledger.height()?;
    if first > tip {
        return Err(beyond_tip("first", tip));
    }
    let genesis = ledger.header(Height::GENESIS)?.ok_or_else(internal)?;
    let mut builder = ArchiveBuilder::new(genesis.chain_id.clone(), genesis.id(), first);
    for height in (first.0..=tip.0).take(usize::try_from(count).unwrap_or(usize::MAX)) {
        let Some(block) = ledger.certified_block(Height(height))? else {
            // Dropped, moved out of reach, or before the snapshot that this node began with.
            if height == first.0 {
                return Err(body_moved(first, None));
            }
            break;
        };
        match builder.push(&block) {
            Ok(()) => {}
            Err(ArchiveInvalid::TooLarge) if height > first.0 => break,
            Err(error) => {
                tracing::error!(%error, height, "a block does not go into an archive");
                return Err(internal());
            }
        }
        if builder.bytes() >= ANSWER_BYTES {
            break;
        }
    }
    builder.finish().map(|(_, bytes)| bytes).ok_or_else(internal)
}
