//! The HTTP API: submit transactions; read records, lists, histories, blocks, and their proofs.
//!
//! Invariants: a request costs bounded memory and time whoever sends it (`serve`, `connections`,
//! `layers`); every failure is a problem with a stable code (`problem`, `catalog`); the runtime's
//! threads never verify a signature or read a disk (`work`). Nothing here is trusted by a client
//! that asks for proofs: a lying node is found out by `mulu_chain`'s verifiers alone.

mod access;
mod archive;
mod blocks;
mod catalog;
mod connections;
mod cursor;
mod diff;
mod events;
mod extract;
mod health;
mod history;
mod hosts;
mod language;
mod layers;
mod lists;
mod network;
mod openapi;
mod problem;
mod receipts;
mod recent;
mod records;
mod rules;
mod search;
mod serve;
mod submit;
mod tlog;
mod tls;
mod transactions;
mod versions;
mod views;
mod work;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use mulu_chain::block::BlockId;
use mulu_chain::signature::PublicKey;
use mulu_chain::types::ChainId;
use serde::Serialize;
use tokio::sync::{Semaphore, watch};
use tower_http::catch_panic::CatchPanicLayer;

pub use self::access::Access;
pub use self::connections::CONNECTIONS_MAX;
pub use self::extract::{LIMIT_MAX, WAIT_MS_MAX};
pub use self::hosts::HostPolicy;
pub use self::layers::{BODY_S_MAX, REQUEST_S_MAX};
pub use self::problem::PROBLEM_MEDIA_TYPE;
pub use self::receipts::Receipts;
pub use self::serve::{HEADER_BYTES_MAX, HEADER_S_MAX, HEADERS_MAX, serve, serve_tls};
pub use self::tls::{TlsError, TlsFiles, acceptor};
use crate::house::House;
use crate::lobby::LobbyHandle;
use crate::metrics::Metrics;
use crate::replica::handle::ReplicaHandle;
use crate::search::Search;
use crate::storage::Ledger;

/// Most requests handled at once, health checks apart.
pub const REQUESTS_MAX: usize = 384;
/// Most requests that wait for a commit at once; fewer than requests, so waiting starves nobody.
pub const WAITERS_MAX: usize = 256;
/// Most ledger reads and signature checks at once.
pub const WORK_MAX: usize = 32;
/// Most event streams open at once; fewer than connections, so streaming starves nobody.
pub const SUBSCRIBERS_MAX: usize = 128;
/// Most submissions of several transactions at once: each body takes up to
/// [`SUBMISSION_BYTES_MAX`](mulu_chain::limits::SUBMISSION_BYTES_MAX) of memory.
pub const BATCHES_MAX: usize = 32;
/// Most audit bundles made at once: each holds a thread while it is sent.
pub const BUNDLES_MAX: usize = 2;

const _: () = assert!(WAITERS_MAX < REQUESTS_MAX && REQUESTS_MAX < CONNECTIONS_MAX);
const _: () = assert!(SUBSCRIBERS_MAX + REQUESTS_MAX <= CONNECTIONS_MAX);

/// What the API serves.
#[derive(Clone)]
pub struct ApiState {
    /// The ledger to read.
    pub ledger: Ledger,
    /// The replica to submit to.
    pub replica: ReplicaHandle,
    /// The founding document.
    pub founding: Arc<FoundingInfo>,
    /// This node.
    pub node: NodeInfo,
    /// What the node counts.
    pub metrics: Arc<Metrics>,
    /// What makes receipts of submissions.
    pub receipts: Receipts,
    /// The node's disk.
    pub house: Arc<House>,
    /// The host names the API answers to.
    pub hosts: HostPolicy,
    /// Who may read.
    pub access: Access,
    /// Full-text search.
    pub search: Search,
    /// Turns true, or loses its sender, when the node stops: streams then end.
    pub stopping: watch::Receiver<bool>,
    /// Who waits for what; none where there is no network.
    pub network: Option<NetworkState>,
}

/// What the API knows of the network.
#[derive(Clone)]
pub struct NetworkState {
    /// Passes and petitions.
    pub lobby: LobbyHandle,
    /// Addresses a newcomer can be given, each with its PeerId.
    pub addresses: Vec<String>,
}

/// The founding document as this node holds it.
#[derive(Debug, Clone)]
pub struct FoundingInfo {
    /// Its text, verbatim.
    pub text: String,
    /// The genesis digest: the id of block 0.
    pub digest: BlockId,
    /// The chain.
    pub chain_id: ChainId,
}

/// Who this node is.
#[derive(Debug, Clone, Serialize)]
pub struct NodeInfo {
    /// The operator's name for it.
    pub moniker: String,
    /// The member (统一社会信用代码) it belongs to.
    pub member: String,
    /// Its libp2p PeerId.
    pub peer_id: String,
    /// The key it votes with; none for an observer.
    pub validator_key: Option<PublicKey>,
    /// The program's version.
    pub version: String,
}

/// The served state and the bounds shared by all requests.
struct Api {
    state: ApiState,
    recent: recent::Recent,
    requests: Semaphore,
    waiters: Semaphore,
    work: Arc<Semaphore>,
    bundles: Arc<Semaphore>,
    subscribers: Arc<Semaphore>,
    batches: Semaphore,
}

/// All routes, with every layer but the socket's.
pub fn router(state: ApiState) -> Router {
    let api = Arc::new(Api {
        state,
        recent: recent::Recent::default(),
        requests: Semaphore::new(REQUESTS_MAX),
        waiters: Semaphore::new(WAITERS_MAX),
        work: Arc::new(Semaphore::new(WORK_MAX)),
        bundles: Arc::new(Semaphore::new(BUNDLES_MAX)),
        subscribers: Arc::new(Semaphore::new(SUBSCRIBERS_MAX)),
        batches: Semaphore::new(BATCHES_MAX),
    });
    for taken in api.state.receipts.recovered.iter() {
        let (valid_until, received_height) = (taken.valid_until, taken.received_height);
        let queued = recent::Queued { valid_until, received_height };
        api.recent.remember(taken.envelope.id(), queued);
    }
    let mut router = Router::new()
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .route("/docs", get(openapi::page))
        .route("/docs/app.js", get(openapi::script))
        .route("/v1/openapi.json", get(openapi::json_document))
        .route("/v1/status", get(health::status))
        .route("/v1/genesis", get(health::genesis))
        .route("/v1/rules", get(rules::list))
        .route("/v1/params", get(records::params))
        .route("/v1/transactions", post(submit::submit))
        .route("/v1/transactions/batch", post(submit::submit_many))
        .route("/v1/transactions/{id}", get(transactions::read))
        .route("/v1/transactions/{id}/proof", get(transactions::proof))
        .route("/v1/network", get(network::read))
        .route("/v1/petitions", get(network::petitions).post(network::petition))
        .route("/v1/passes", post(network::pass))
        .route("/v1/transactions/{id}/tlog-proof", get(tlog::proof))
        .route("/checkpoint", get(tlog::checkpoint))
        .route("/tile/{*path}", get(tlog::tile))
        .route("/v1/records/{*key}", get(records::read))
        .route("/v1/history/{*subject}", get(history::read))
        .route("/v1/versions/{*key}", get(versions::list))
        .route("/v1/diff/{*key}", get(versions::diff))
        .route("/v1/search", get(search::read))
        .route("/v1/events", get(events::read))
        .route("/v1/blocks/{height}", get(blocks::read))
        .route("/v1/archive/{first}", get(archive::read))
        .route("/v1/consistency", get(blocks::consistency))
        .route("/v1/bundles/{*question}", get(blocks::bundle));
    for kind in &lists::KINDS {
        let handler = move |state, params| lists::read(kind, state, params);
        router = router.route(&format!("/v1/{}", kind.name), get(handler));
    }
    router
        .fallback(async || catalog::no_such_route())
        .method_not_allowed_fallback(async || catalog::method_not_allowed())
        .layer(from_fn(layers::deadline))
        .layer(from_fn_with_state(api.clone(), layers::receive))
        .layer(from_fn_with_state(api.clone(), layers::admit))
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(from_fn_with_state(api.clone(), layers::present))
        .with_state(api)
}
