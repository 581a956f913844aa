//! The log as transparency-log tools read it: checkpoint, tiles, and a transaction's proof as a
//! file (C2SP tlog-checkpoint, tlog-tiles, tlog-proof; SPEC section 7).

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use mulu_chain::checkpoint::{Checkpoint, TlogProof};
use mulu_chain::tiles::Tile;

use super::catalog::not_found;
use super::extract::Segment;
use super::language::Text;
use super::problem::Problem;
use super::transactions::{parse_id, unknown};
use super::{Api, work};

const TEXT: (axum::http::HeaderName, &str) = (CONTENT_TYPE, "text/plain; charset=utf-8");

/// The newest checkpoint with the lines of a quorum.
///
/// # Errors
/// `not_found` before a quorum has signed one.
pub async fn checkpoint(State(api): State<Arc<Api>>) -> Result<Response, Problem> {
    let note = api.state.replica.status().checkpoint.ok_or_else(no_checkpoint)?;
    Ok(([TEXT, (CACHE_CONTROL, "no-cache")], note.to_string()).into_response())
}

/// A tile of hashes or of entries.
///
/// # Errors
/// `not_found` for what is no tile's path, and for a tile the log has not filled so far.
pub async fn tile(
    State(api): State<Arc<Api>>,
    Segment(path): Segment,
) -> Result<Response, Problem> {
    let tile: Tile = format!("tile/{path}").parse().map_err(|_| no_tile())?;
    let bytes = work::read(&api, move |ledger| ledger.tile(&tile)?.ok_or_else(no_tile)).await?;
    let headers = [
        (CONTENT_TYPE, "application/octet-stream"),
        // A tile never changes.
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, bytes).into_response())
}

/// That a transaction is in the log of the newest checkpoint, as a file.
///
/// # Errors
/// `invalid_parameter`; `not_found` for an unknown transaction, or before a quorum has signed a
/// checkpoint of a log with it.
pub async fn proof(State(api): State<Arc<Api>>, Segment(id): Segment) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let note = api.state.replica.status().checkpoint.ok_or_else(no_checkpoint)?;
    let text = work::read(&api, move |ledger| {
        let (checkpoint, note) = Checkpoint::from_note(&note).map_err(|_| no_checkpoint())?;
        let found = ledger.transaction(&id)?.ok_or_else(|| unknown(&id))?;
        if found.log_index >= checkpoint.size {
            return Err(no_checkpoint());
        }
        let inclusion = ledger.inclusion_proof(found.log_index, checkpoint.size)?;
        Ok(TlogProof { leaf: found.entry.leaf_bytes(), inclusion, note }.to_text())
    })
    .await?;
    Ok(([TEXT], text).into_response())
}

fn no_checkpoint() -> Problem {
    not_found(
        Text::new(
            "no quorum of validators has signed a checkpoint of that log yet",
            "尚无法定多数的验证者签署该日志的检查点",
        ),
        Text::new(
            "validators sign within a second or two of a block: ask again, or ask another node",
            "验证者在出块后一两秒内签署：请稍后再查，或查询其他节点",
        ),
    )
}

fn no_tile() -> Problem {
    not_found(
        Text::new("the log has no such tile", "日志中没有该分块"),
        Text::new(
            "paths are tile/<level>/<number>[.p/<width>] or tile/entries/<number>[.p/<width>]; the checkpoint's size says which tiles are full",
            "路径为 tile/<层>/<编号>[.p/<宽度>] 或 tile/entries/<编号>[.p/<宽度>]；检查点中的大小决定哪些分块已满",
        ),
    )
}
