//! Health, metrics, status, and the founding document.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use mulu_chain::block::BlockId;
use mulu_chain::digest::Digest;
use mulu_chain::types::{ChainId, Height, TimeMs};
use mulu_chain::validator::Validator;
use mulu_contracts::params::{Params, ParamsRecord};
use mulu_contracts::protocol::RuleBook;
use mulu_contracts::state::PARAMS_KEY;
use serde::Serialize;

use super::language::Text;
use super::problem::Problem;
use super::work::read;
use super::{Api, NodeInfo, catalog};
use crate::house::HouseReport;
use crate::metrics::{ColumnLabel, METRICS_MEDIA_TYPE};
use crate::replica::handle::{PeerStatus, Status};

/// The process lives: it answers.
pub async fn livez() -> &'static str {
    "ok\n"
}

/// The node serves current answers and takes transactions.
///
/// # Errors
/// `not_ready` with every reason.
pub async fn readyz(State(api): State<Arc<Api>>) -> Result<&'static str, Problem> {
    let mut reasons = unready(&api.state.replica.status());
    reasons.extend(house_reasons(&api.state.house.report()));
    if reasons.is_empty() { Ok("ready\n") } else { Err(catalog::not_ready(reasons)) }
}

fn unready(status: &Status) -> Vec<Text> {
    let mut reasons = Vec::new();
    if status.block == Digest::ZERO {
        reasons.push(Text::new("the replica has not started", "副本尚未启动"));
    }
    if status.syncing {
        let (height, best) = (status.height, status.best_peer_height);
        reasons.push(Text::with(
            format!("fetching blocks: at height {height} of {best}"),
            format!("正在同步区块：当前高度 {height}，目标高度 {best}"),
        ));
    }
    if let Some(why) = status.abstaining.as_ref().filter(|_| status.alarm) {
        reasons.push(Text::with(
            format!("alarm, it does not sign until an operator runs `mulud votes resume`: {why}"),
            format!("警报：在管理员执行 `mulud votes resume` 之前不再签名：{why}"),
        ));
    } else if let Some(why) = &status.abstaining {
        reasons.push(Text::with(
            format!("abstaining from voting: {why}"),
            format!("暂不参与投票：{why}"),
        ));
    }
    reasons
}

/// What the node's disk keeps it from.
fn house_reasons(report: &HouseReport) -> Vec<Text> {
    let mut reasons = Vec::new();
    if report.read_only {
        reasons.push(Text::with(report.why_read_only(), report.why_read_only_zh()));
    }
    if let Some(damage) = report.damages.first() {
        reasons.push(Text::with(
            format!("the ledger is damaged: {damage}; restore a backup or sync again"),
            format!("账本已损坏：{damage}；请从备份恢复或重新同步"),
        ));
    }
    reasons
}

/// The metrics page.
///
/// # Errors
/// `internal_error` if the page cannot be written.
pub async fn metrics(State(api): State<Arc<Api>>) -> Result<Response, Problem> {
    let metrics = &api.state.metrics;
    metrics.observe(&api.state.replica.status());
    for (column, bytes) in api.state.ledger.column_bytes() {
        metrics.storage_column_bytes.get_or_create(&ColumnLabel { column }).set(bytes);
    }
    metrics.observe_house(&api.state.house.report());
    let page = metrics.page().map_err(|_| catalog::internal())?;
    Ok(([(CONTENT_TYPE, METRICS_MEDIA_TYPE)], page).into_response())
}

/// The founding document, verbatim.
pub async fn genesis(State(api): State<Arc<Api>>) -> Response {
    let text = api.state.founding.text.clone();
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// What a reader wants to know first.
#[derive(Serialize)]
pub struct StatusView {
    chain_id: ChainId,
    genesis: BlockId,
    node: NodeInfo,
    height: Height,
    block: BlockId,
    time_ms: TimeMs,
    state_root: Digest,
    log_root: Digest,
    log_size: u64,
    validators: Vec<Validator>,
    working_height: Height,
    round: Option<u32>,
    syncing: bool,
    best_peer_height: Height,
    is_validator: bool,
    abstaining: Option<String>,
    alarm: bool,
    equivocations: u64,
    mempool: MempoolView,
    storage: HouseReport,
    peers: Vec<PeerStatus>,
    protocol: ProtocolView,
    version: String,
}

/// Versions of the rules: in force at the next height, known here, and voted for a later height.
#[derive(Serialize)]
struct ProtocolView {
    in_force: u32,
    known: Vec<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<PendingProtocol>,
}

#[derive(Serialize)]
struct PendingProtocol {
    version: u32,
    from_height: Height,
}

impl ProtocolView {
    fn of(params: ParamsRecord, next: Height) -> Self {
        let pending = params.pending.as_ref().map(|pending| PendingProtocol {
            version: pending.params.protocol_version,
            from_height: pending.in_force_from,
        });
        let in_force = params.at(next).protocol_version;
        let pending = pending.filter(|p| p.version != in_force && p.from_height > next);
        ProtocolView { in_force, known: RuleBook::THIS.versions().collect(), pending }
    }
}

#[derive(Serialize)]
struct MempoolView {
    transactions: usize,
    bytes: usize,
}

/// The status: ledger facts from the ledger, the rest from the replica.
///
/// # Errors
/// `internal_error` if the ledger cannot be read.
pub async fn status(State(api): State<Arc<Api>>) -> Result<Json<StatusView>, Problem> {
    let (header, validators, protocol) = read(&api, |ledger| {
        let header = ledger.tip()?.header;
        let set = ledger.validator_set(header.height.next())?;
        let params =
            ledger.record(PARAMS_KEY)?.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let params = params.unwrap_or(ParamsRecord { params: Params::default(), pending: None });
        let protocol = ProtocolView::of(params, header.height.next());
        Ok((header, set.map_or_else(Vec::new, |set| set.validators().to_vec()), protocol))
    })
    .await?;
    let status = api.state.replica.status();
    Ok(Json(StatusView {
        chain_id: api.state.founding.chain_id.clone(),
        genesis: api.state.founding.digest,
        node: api.state.node.clone(),
        height: header.height,
        block: header.id(),
        time_ms: header.time_ms,
        state_root: header.state_root,
        log_root: header.log_root,
        log_size: header.log_size,
        validators,
        working_height: status.working_height,
        round: status.round,
        syncing: status.syncing,
        best_peer_height: status.best_peer_height,
        is_validator: status.is_validator,
        abstaining: status.abstaining,
        alarm: status.alarm,
        equivocations: status.equivocations,
        mempool: MempoolView {
            transactions: status.mempool_transactions,
            bytes: status.mempool_bytes,
        },
        storage: api.state.house.report(),
        peers: status.peers,
        protocol,
        version: api.state.node.version.clone(),
    }))
}
