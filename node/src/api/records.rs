//! One record of the state, with its proof of presence or absence.
//!
//! `value` is the stored JSON byte for byte: a client that keeps the text (or `value_base64` of a
//! proof) can hash it and follow the proof to the state root of a certified header.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mulu_chain::block::BlockId;
use mulu_chain::codec;
use mulu_chain::digest::Digest;
use mulu_chain::state::{HistoryLeaf, StateProof};
use mulu_chain::types::Height;
use mulu_contracts::state::{PARAMS_KEY, version_hash};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::catalog::{internal, invalid_parameter, not_found};
use super::extract::{Params, Segment};
use super::language::Text;
use super::problem::Problem;
use super::views::CertifiedView;
use super::{Api, work};
use crate::storage::Ledger;

/// Prefix of the keys whose values are not JSON but the bincode of a [`HistoryLeaf`].
const HISTORY_PREFIX: &str = "history/";
/// Bytes of an encoded history leaf, and room for the decoder's count of them.
const HISTORY_LEAF_BYTES_MAX: usize = 64;

/// Which record, how.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordQuery {
    #[serde(default)]
    proof: bool,
    height: Option<Height>,
}

#[derive(Serialize)]
struct RecordView {
    key: String,
    height: Height,
    block: BlockId,
    version: Option<Digest>,
    value: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<ProofView>,
}

/// That a key has a value, or none, under a certified header.
#[derive(Serialize)]
pub struct ProofView {
    #[serde(flatten)]
    certified: CertifiedView,
    #[serde(flatten)]
    path: StateProof,
    value_base64: Option<String>,
}

impl ProofView {
    /// The proof of a key after block `height`.
    ///
    /// # Errors
    /// `internal_error` if the ledger cannot be read.
    pub fn of(ledger: &Ledger, key: &str, height: Height) -> Result<Self, Problem> {
        let certified = CertifiedView::read(ledger, height)?;
        let (value, path) = ledger.state_proof(key, height)?;
        let value_base64 = value.as_ref().map(|bytes| STANDARD.encode(bytes));
        Ok(ProofView { certified, path, value_base64 })
    }
}

/// Reads a record at the tip, or at an earlier height.
///
/// # Errors
/// `not_found` when the key is absent and no proof of that was asked for.
pub async fn read(
    State(api): State<Arc<Api>>,
    Segment(key): Segment,
    Params(query): Params<RecordQuery>,
) -> Result<Response, Problem> {
    let view = work::read(&api, move |ledger| record(ledger, key, &query)).await?;
    Ok(Json(view).into_response())
}

/// The consortium's parameters: the record `params`.
///
/// # Errors
/// As [`read`].
pub async fn params(
    State(api): State<Arc<Api>>,
    Params(query): Params<RecordQuery>,
) -> Result<Response, Problem> {
    read(State(api), Segment(PARAMS_KEY.to_owned()), Params(query)).await
}

fn record(ledger: &Ledger, key: String, query: &RecordQuery) -> Result<RecordView, Problem> {
    let tip = ledger.tip()?.header;
    let height = query.height.unwrap_or(tip.height);
    if height > tip.height {
        return Err(beyond_tip("height", tip.height));
    }
    let certified = CertifiedView::read(ledger, height)?;
    let block = certified.header.id();
    let (value, proof) = if query.proof {
        let (value, path) = ledger.state_proof(&key, height)?;
        let value_base64 = value.as_ref().map(|bytes| STANDARD.encode(bytes));
        (value, Some(ProofView { certified, path, value_base64 }))
    } else {
        let value = ledger.record_at(&key, height)?;
        (Some(value.ok_or_else(|| absent(&key))?), None)
    };
    let version = value.as_deref().map(version_hash);
    let value = value.map(|bytes| readable(&key, &bytes)).transpose()?;
    Ok(RecordView { key, height, block, version, value, proof })
}

/// A stored value as JSON: its own bytes, or `{count, head}` of a history leaf.
///
/// # Errors
/// `internal_error` for a value the rules could not have written.
pub fn readable(key: &str, value: &[u8]) -> Result<Box<RawValue>, Problem> {
    let json = if key.starts_with(HISTORY_PREFIX) {
        serde_json::value::to_raw_value(&history_leaf(value)?)
    } else {
        serde_json::from_slice(value)
    };
    json.map_err(|error| {
        tracing::error!(?key, %error, "a stored value is not JSON");
        internal()
    })
}

/// Reads the value of a `history/…` key.
///
/// # Errors
/// `internal_error` for a value the rules could not have written.
pub fn history_leaf(value: &[u8]) -> Result<HistoryLeaf, Problem> {
    codec::decode::<HistoryLeaf, HISTORY_LEAF_BYTES_MAX>(value).map_err(|error| {
        tracing::error!(%error, "a stored history leaf cannot be decoded");
        internal()
    })
}

/// A height this node has not reached.
pub fn beyond_tip(name: &str, tip: Height) -> Problem {
    invalid_parameter(
        name,
        Text::with(
            format!("this node has committed up to height {tip}"),
            format!("本节点已提交到高度 {tip}"),
        ),
    )
}

fn absent(key: &str) -> Problem {
    not_found(
        Text::with(
            format!("there is no record under the key {key}"),
            format!("键 {key} 下没有记录"),
        ),
        Text::new(
            "check the key, or add proof=true for a proof that it is absent",
            "请检查该键，或加上 proof=true 获取其不存在的证明",
        ),
    )
}
