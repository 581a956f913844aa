//! Puts a node together and runs it until it is asked to stop.
//!
//! Order of opening: founding document, keys, ledger, vote log, replica; then the network, the API
//! and last the replica's thread. RocksDB is opened before any runtime worker exists. Order of
//! stopping: API (no new transactions), replica (its current step ends, disk effects included),
//! network.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_malachitebft_core_types::LinearTimeouts;
use crossbeam_channel::bounded;
use libp2p::Multiaddr;
use mulu_chain::types::{ChainId, Height, TimeMs};
use mulu_contracts::protocol::RuleBook;
use mulu_contracts::transaction::Transaction;
use tokio::sync::{oneshot, watch};

use crate::api::{
    self, Access, ApiState, FoundingInfo, HostPolicy, NetworkState, NodeInfo, Receipts, TlsError,
};
use crate::bootstrap;
use crate::byte_budget::ByteBudget;
use crate::config::{Config, ConfigError};
use crate::disk::OsDisk;
use crate::driver::{Driver, DriverError};
use crate::house::House;
use crate::ingest::{INPUT_BYTES_MAX, Ingest, VerifiedCache};
use crate::join::{self, JoinError};
use crate::journal::{Journal, Taken};
use crate::keeper::Keeper;
use crate::keys::{self, KeyError};
use crate::lobby::{Lobby, LobbyHandle, LobbyTask};
use crate::membership::admitted_peers;
use crate::metrics::Metrics;
use crate::p2p::{self, P2pConfig, P2pError, PeerAddress};
use crate::replica::core::{Replica, ReplicaConfig, ReplicaError};
use crate::replica::guard::LogRecord;
use crate::replica::handle::{ReplicaHandle, Status, SubmitVerdict};
use crate::replica::signing::{Ed25519, Signer, Verifier};
use crate::search::{Search, Touched};
use crate::snapshot_server;
use crate::storage::{Ledger, StorageError};
use crate::vote_log::{self, Opened, VoteLog, VoteLogError};
use crate::webhooks;

/// Most inputs from the network waiting for the replica.
pub const INPUTS_MAX: usize = 8_192;
/// Most submissions waiting for the replica.
pub const SUBMISSIONS_MAX: usize = 1_024;
/// Most network events waiting to be decoded.
pub const EVENTS_MAX: usize = 1_024;
/// Pause before what was acknowledged is offered to a full queue again.
pub const AGAIN_PAUSE: Duration = Duration::from_millis(50);
/// How long open requests may take to end when the node stops.
pub const STOP_GRACE: Duration = Duration::from_secs(5);

/// Why a node did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// TLS cannot be spoken.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A key is missing or unusable.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The founding document is missing or unreadable.
    #[error(
        "the founding document {path} cannot be read: {source}; copy the consortium's genesis.toml there"
    )]
    GenesisRead {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The founding document has faults.
    #[error("{0}")]
    Genesis(#[from] mulu_genesis::FoundingInvalid),
    /// The invitation cannot be used.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// The ledger is foreign, damaged, locked or unreadable.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The submission journal cannot be used.
    #[error(
        "the submission journal {path} cannot be used: {source}; it holds acknowledged transactions that no block holds yet: keep it, and mend the disk or move the file away and let the clients send again"
    )]
    Journal {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The vote log cannot be used.
    #[error(transparent)]
    VoteLog(#[from] VoteLogError),
    /// The replica cannot be built.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// The network cannot be used.
    #[error(transparent)]
    P2p(#[from] P2pError),
    /// The API's port cannot be used.
    #[error(
        "the API cannot listen on {address}: {source}; is another mulud running, or is the port taken? Change [api] listen in config.toml"
    )]
    ApiListen {
        /// The address.
        address: String,
        /// The cause.
        source: std::io::Error,
    },
    /// The runtime cannot be started, or a thread cannot.
    #[error("the operating system refused: {0}")]
    System(#[from] std::io::Error),
    /// The replica stopped on its own.
    #[error(transparent)]
    Stopped(#[from] DriverError),
}

/// How a new node begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With a snapshot if an invitation says that the chain is long, else with block 1.
    Usual,
    /// With a snapshot if its peers give one.
    Snapshot,
}

/// What a node leaves in its home when a decided block gave another result there.
pub const DIVERGENCE_FILE: &str = "divergence.json";

/// Runs the node of a home folder until SIGTERM or SIGINT.
///
/// # Errors
/// [`NodeError`].
pub fn run(home: &Path, config: Config, start: Start) -> Result<(), NodeError> {
    config.api.check_exposure()?;
    let tls = config.api.tls.as_ref().map(api::acceptor).transpose()?;
    let genesis_path = home.join("genesis.toml");
    let text = std::fs::read_to_string(&genesis_path)
        .map_err(|source| NodeError::GenesisRead { path: genesis_path.clone(), source })?;
    let founding = mulu_genesis::parse(&text, &genesis_path.to_string_lossy())?;
    let identity = keys::load_identity(home)?;
    let validator_key = keys::load_validator(home)?;
    let invitation = join::of_home(home)?;

    let ledger_path = home.join("data").join("ledger");
    let mut ledger = Ledger::open(&ledger_path)?;
    ledger.initialize(founding.block())?;
    // Who is a member already needs no invitation any more.
    let member = ledger.record(&mulu_contracts::state::member_key(&config.member))?;
    let invitation = invitation.filter(|_| member.is_none());
    let request = match &invitation {
        None => None,
        Some(checked) => {
            match join::check_time(checked, wall_clock()) {
                // Who was let in before may be a member by now, and learn of it from its peers.
                Err(error) if ledger.height()? > Height::GENESIS => {
                    tracing::warn!(%error, "going on with the membership asked for before");
                }
                checked => checked?,
            }
            Some(join::request(home, checked)?)
        }
    };
    let long = invitation.as_ref().and_then(|checked| checked.checkpoint.as_ref());
    let long = long.is_some_and(|head| head.header.height.0 >= bootstrap::HEIGHTS_MIN);
    if ledger.height()? == Height::GENESIS && (long || start == Start::Snapshot) {
        // RocksDB is opened once at a time.
        drop(ledger);
        let invited = invitation.clone().zip(request.clone());
        if let Err(error) = bootstrap::before_start(home, &config, &founding, &identity, invited) {
            tracing::warn!(%error, "no snapshot; going on with blocks from the beginning");
        }
        ledger = Ledger::open(&ledger_path)?;
        ledger.initialize(founding.block())?;
    }
    config.storage.connect_archive(home, &ledger);
    let house = Arc::new(House::default());
    house.measure(home, config.storage.free_mib_min);
    let (vote_log, frames) = match &validator_key {
        None => (None, Vec::new()),
        Some(key) => {
            let owner = vote_log::owner(founding.chain_id().as_str(), key.public_key().as_bytes());
            let folder = home.join("data").join("votes");
            match VoteLog::open(Arc::new(OsDisk), &folder, owner, LogRecord::doubt_frame)? {
                (log, Opened::Intact(frames)) => (Some(log), frames),
                (log, Opened::InDoubt(reason)) => {
                    tracing::warn!(%reason, "the vote log is in doubt; this validator abstains for now");
                    (Some(log), vec![LogRecord::doubt_frame(&reason)])
                }
            }
        }
    };

    let journal_path = home.join("data").join("submissions.log");
    let (journal, recovered) = Journal::open(Arc::new(OsDisk), &journal_path, &ledger)
        .map_err(|source| NodeError::Journal { path: journal_path, source })?;
    let receipts = Receipts {
        key: Arc::new(keys::load(&keys::KeyFile::Node.path(home))?),
        journal,
        recovered: Arc::new(recovered),
    };
    let node = NodeInfo {
        moniker: config.moniker.clone(),
        member: config.member.clone(),
        peer_id: identity.public().to_peer_id().to_string(),
        validator_key: validator_key.as_ref().map(|key| key.public_key()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let signer = validator_key.map(|key| Box::new(key) as Box<dyn Signer>);
    let verifier: Arc<dyn Verifier> = Arc::new(Ed25519);
    let replica = Replica::new(
        ledger.clone(),
        signer,
        verifier.clone(),
        replica_config(&config, identity.public().to_peer_id()),
        &frames,
        TimeMs(0),
    )?;
    drop(frames);

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION")));
        let invited = invitation.as_ref().map(join::addresses).transpose()?.unwrap_or_default();
        let trusted: BTreeSet<_> = invited
            .iter()
            .filter_map(|address| PeerAddress::try_from(address).ok())
            .map(|address| address.peer)
            .collect();
        let members = admitted_peers(&ledger)?.into_iter().map(|(peer, _)| peer);
        let allowed: BTreeSet<_> = members.chain(trusted.iter().copied()).collect();
        let lobby_path = home.join("data").join("lobby.json");
        let lobby = Arc::new(Lobby::open(founding.chain_id().clone(), lobby_path, trusted));
        let (events, events_seen) = tokio::sync::mpsc::channel(EVENTS_MAX);
        let webhook_identity = identity.clone();
        let p2p_config = P2pConfig {
            identity,
            listen: config.p2p.listen.clone(),
            peers: dialled(&config.p2p.peers, invited),
        };
        let (network, network_task) = p2p::spawn(p2p_config, allowed, events).await?;
        lobby.refresh(&ledger, &network, wall_clock())?;

        let address = config.api.listen.to_string();
        let listener = tokio::net::TcpListener::bind(&address)
            .await
            .map_err(|source| NodeError::ApiListen { address, source })?;
        let api_address = listener.local_addr()?;

        let (inputs, inputs_seen) = bounded(INPUTS_MAX);
        let (submissions, submissions_seen) = bounded(SUBMISSIONS_MAX);
        let (status, status_seen) = watch::channel(Status::default());
        let (stop, stop_seen) = bounded::<()>(0);
        let verified = Arc::new(VerifiedCache::default());
        let touched = Touched::default();
        let driver = Driver {
            replica,
            ledger: ledger.clone(),
            vote_log,
            p2p: network.clone(),
            inputs: inputs_seen,
            submissions: submissions_seen,
            status,
            metrics: metrics.clone(),
            lobby: lobby.clone(),
            touched: touched.clone(),
            house: house.clone(),
            stop: stop_seen.clone(),
        };
        let keeper = Keeper {
            ledger: ledger.clone(),
            storage: config.storage.clone(),
            home: home.to_owned(),
            house: house.clone(),
            stop: stop_seen,
        };
        let (keeper_ended, keeper_end) = oneshot::channel();
        let keeper_thread =
            std::thread::Builder::new().name("keeper".to_owned()).spawn(move || {
                let result = keeper.run();
                // Nobody waits any more when the stop was asked for.
                let _ = keeper_ended.send(());
                result
            })?;
        let (ended, driver_end) = oneshot::channel();
        let thread = std::thread::Builder::new().name("replica".to_owned()).spawn(move || {
            let result = driver.run();
            // Nobody waits any more when the stop was asked for.
            let _ = ended.send(());
            result
        })?;
        let replica = ReplicaHandle::new(submissions, status_seen.clone(), verified.clone());
        let (lobby_handle, lobby_requests) = LobbyHandle::new(lobby.clone());
        let lobby_task = LobbyTask::new(
            lobby,
            ledger.clone(),
            network.clone(),
            replica.clone(),
            lobby_requests,
        );
        let lobby_task = tokio::spawn(lobby_task.run());
        let joining = match (invitation, request) {
            (Some(checked), Some(request)) => {
                tracing::info!(
                    member = %config.member, request = %request.id(),
                    "not a member yet: asking for membership, and copying the chain meanwhile"
                );
                let (lobby, knocking) = (lobby_handle.clone(), network.clone());
                Some(tokio::spawn(async move {
                    // Kept here too, so that members that connect later are told of it.
                    if let Some(Err(refused)) = lobby.petition(request.clone()).await {
                        tracing::debug!(%refused, "this node's own chain does not take the request yet");
                    }
                    join::knock(checked, request, knocking).await;
                }))
            }
            _ => None,
        };
        let (snapshots, snapshots_asked) =
            tokio::sync::mpsc::channel(snapshot_server::QUESTIONS_MAX);
        let snapshot_task = tokio::spawn(snapshot_server::run(
            ledger.clone(),
            network.clone(),
            snapshots_asked,
        ));
        let ingest = Ingest {
            chain_id: founding.chain_id().clone(),
            verifier,
            inputs,
            room: ByteBudget::new(INPUT_BYTES_MAX),
            verified,
            metrics: metrics.clone(),
            lobby: lobby_handle.clone(),
            snapshots,
        };
        let ingest_task = tokio::spawn(ingest.run(events_seen));

        let search = Search::open(home, &founding.digest().to_string());
        let (stopping, stopping_seen) = watch::channel(false);
        let webhook_sender = webhooks::Sender {
            ledger: ledger.clone(),
            status: status_seen.clone(),
            stopping: stopping_seen.clone(),
            identity: webhook_identity,
            chain_id: founding.chain_id().clone(),
            folder: home.join("data").join("webhooks"),
            metrics: metrics.clone(),
        };
        tokio::spawn(submit_again(
            replica.clone(),
            receipts.recovered.clone(),
            founding.chain_id().clone(),
        ));
        let state = ApiState {
            ledger,
            replica,
            receipts,
            founding: Arc::new(FoundingInfo {
                text,
                digest: founding.digest(),
                chain_id: founding.chain_id().clone(),
            }),
            node: node.clone(),
            metrics,
            house,
            hosts: HostPolicy::for_listener(api_address, &config.api.hosts),
            access: Access::new(
                config.api.tokens.clone(),
                config.api.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some()),
            ),
            search: search.clone(),
            stopping: stopping_seen,
            network: Some(NetworkState {
                lobby: lobby_handle,
                addresses: own_addresses(&config, &node.peer_id),
            }),
        };
        let search_task = tokio::spawn(search.follow(
            webhook_sender.ledger.clone(),
            touched,
            webhook_sender.status.clone(),
            webhook_sender.stopping.clone(),
        ));
        let webhook_tasks = webhooks::spawn(config.webhooks.clone(), &webhook_sender);
        let (api_stop, api_stopped) = oneshot::channel::<()>();
        let api_task =
            tokio::spawn(api::serve_tls(listener, tls, api::router(state), async move {
                drop(api_stopped.await);
            }));
        tracing::info!(
            member = %node.member, peer = %node.peer_id, api = %config.api.listen,
            genesis = %founding.digest(), "the node is up"
        );

        stop_requested(driver_end, keeper_end).await;
        tracing::info!("stopping");
        // Streams and webhooks end first: they would hold the API open.
        stopping.send_replace(true);
        for task in webhook_tasks.into_iter().chain([search_task]) {
            drop(tokio::time::timeout(STOP_GRACE, task).await);
        }
        drop(api_stop);
        drop(tokio::time::timeout(STOP_GRACE, api_task).await);
        drop(stop);
        let kept = tokio::task::spawn_blocking(move || keeper_thread.join()).await;
        let result = tokio::task::spawn_blocking(move || thread.join()).await;
        network.shutdown();
        drop(tokio::time::timeout(STOP_GRACE, network_task).await);
        ingest_task.abort();
        lobby_task.abort();
        snapshot_task.abort();
        if let Some(joining) = joining {
            joining.abort();
        }
        match result {
            Ok(Ok(outcome)) => {
                if let Ok(Ok(Err(error))) = kept {
                    return Err(NodeError::Storage(error));
                }
                if let Err(DriverError::Replica(ReplicaError::Diverged(divergence))) = &outcome {
                    divergence.report(&home.join(DIVERGENCE_FILE));
                }
                outcome.map_err(NodeError::from)
            }
            // The panic hook aborts the process; this is not reached with it installed.
            _ => Err(NodeError::System(std::io::Error::other("the replica thread panicked"))),
        }
    })
}

/// Whom to dial: the configured peers, and those of the invitation that are not among them.
pub(crate) fn dialled(configured: &[Multiaddr], invited: Vec<Multiaddr>) -> Vec<Multiaddr> {
    let mut peers = configured.to_vec();
    for address in invited {
        if !peers.contains(&address) {
            peers.push(address);
        }
    }
    peers
}

/// The addresses a newcomer can be given: this node's, if it listens on one of its own, and those
/// it dials itself.
fn own_addresses(config: &Config, peer_id: &str) -> Vec<String> {
    let listen = config.p2p.listen.to_string();
    let everywhere = listen.contains("/0.0.0.0/") || listen.contains("/ip6/::/");
    let own = (!everywhere).then(|| format!("{listen}/p2p/{peer_id}"));
    let dialled = config.p2p.peers.iter().map(ToString::to_string);
    own.into_iter().chain(dialled).collect()
}

fn wall_clock() -> TimeMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    TimeMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// What was acknowledged before the node stopped goes to the mempool again. A full queue is waited
/// for; what has expired meanwhile the replica drops.
async fn submit_again(replica: ReplicaHandle, recovered: Arc<Vec<Taken>>, chain_id: ChainId) {
    if !recovered.is_empty() {
        let count = recovered.len();
        tracing::info!(count, "submitting again what was acknowledged and is not committed");
    }
    for taken in recovered.iter() {
        let envelope = taken.envelope.clone();
        let parsed = tokio::task::spawn_blocking({
            let chain_id = chain_id.clone();
            move || Transaction::parse(envelope.verify().ok()?, &chain_id).ok()
        });
        // It was verified before it was written; the journal's checksum held.
        let Some(transaction) = parsed.await.ok().flatten() else { continue };
        while replica.submit_acknowledged(transaction.clone()).await == SubmitVerdict::Full {
            tokio::time::sleep(AGAIN_PAUSE).await;
        }
    }
}

/// Waits for a signal, or for the replica to end on its own.
async fn stop_requested(driver_end: oneshot::Receiver<()>, keeper_end: oneshot::Receiver<()>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        drop(driver_end.await);
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = driver_end => {}
        _ = keeper_end => {}
    }
}

fn replica_config(config: &Config, node: libp2p::PeerId) -> ReplicaConfig {
    let consensus = &config.consensus;
    let delta = Duration::from_millis(consensus.timeout_delta_ms);
    let vote = Duration::from_millis(consensus.vote_timeout_ms);
    ReplicaConfig {
        timeouts: LinearTimeouts {
            propose: Duration::from_millis(consensus.propose_timeout_ms),
            propose_delta: delta,
            prevote: vote,
            prevote_delta: delta,
            precommit: vote,
            precommit_delta: delta,
            rebroadcast: Duration::from_millis(consensus.rebroadcast_ms),
            // Rounds stay short however long a partition lasts, so that healing is fast.
            max_timeout: Duration::from_millis(consensus.timeout_ms_max),
        },
        block_interval_min: Duration::from_millis(consensus.block_interval_ms_min),
        node,
        rules: RuleBook::THIS,
    }
}
