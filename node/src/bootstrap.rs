//! Snapshot sync: a new node takes state, log and histories at a certified height from its peers, and
//! goes on with blocks from there.
//!
//! This runs before the replica exists, with a swarm of its own, and writes into `data/ledger.new`. Only a
//! ledger that opened and fits its head takes the place of `data/ledger`, which holds nothing but
//! block 0 until then. Whatever fails (nobody serves, all lie, the disk is slow), the node starts as
//! it would have: with block sync from where it is. A crash leaves `ledger.new`, which the next start
//! removes and begins again.
//!
//! One peer is asked at a time. Each part is verified as it comes; a peer that lies, or does not
//! answer in [`ANSWER_MAX`], is passed over for good and the snapshot is begun with another.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use libp2p::PeerId;
use libp2p::identity::Keypair;
use mulu_chain::digest::Digest;
use mulu_chain::head::CertifiedHead;
use mulu_chain::transaction::Envelope;
use mulu_chain::types::Height;
use mulu_genesis::Founding;
use mulu_genesis::invitation::Checked;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::config::Config;
use crate::join;
use crate::p2p::{self, P2pConfig, P2pError, P2pEvent, P2pHandle, PeerAddress};
use crate::replica::snapshot_wire::{SnapshotAnswer, SnapshotRequest};
use crate::replica::wire::PeerMessage;
use crate::run;
use crate::storage::{Heads, Restore, RocksKv, SnapshotInvalid, StorageError};

/// Longest wait for an answer.
pub const ANSWER_MAX: Duration = Duration::from_secs(20);
/// Longest wait for a first peer.
pub const CONNECT_MAX: Duration = Duration::from_secs(30);
/// Fewest heights for which a snapshot is worth its trouble unless one is asked for.
pub const HEIGHTS_MIN: u64 = 1_000;
/// Between two lines of progress.
pub const TOLD_EVERY: Duration = Duration::from_secs(2);

/// Why there is no snapshot; the node goes on with blocks.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// Nobody connected.
    #[error("no peer could be reached in time")]
    Nobody,
    /// Nobody gave one that holds.
    #[error("no peer gave a snapshot that holds")]
    NoSnapshot,
    /// This node's disk.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The network cannot be used.
    #[error(transparent)]
    P2p(#[from] P2pError),
    /// This node's disk.
    #[error("cannot move the new ledger into its place: {0}")]
    Disk(#[from] std::io::Error),
}

/// Why one peer's snapshot ended.
enum Ended {
    /// It lied, stalled, or went away.
    Peer(&'static str),
    Fatal(BootstrapError),
}

impl From<SnapshotInvalid> for Ended {
    fn from(invalid: SnapshotInvalid) -> Self {
        match invalid {
            SnapshotInvalid::Lie(why) => Ended::Peer(why),
            SnapshotInvalid::Storage(error) => Ended::Fatal(error.into()),
        }
    }
}

/// What the newcomer trusts to begin with: a height and the hash of the set that decides it.
#[derive(Debug, Clone, Copy)]
pub struct Trusted {
    /// The height.
    pub height: Height,
    /// The set's hash.
    pub validators: Digest,
}

impl Trusted {
    /// The invitation's head, or block 0.
    pub fn of(founding: &Founding, checkpoint: Option<&CertifiedHead>) -> Self {
        match checkpoint {
            Some(head) => {
                Trusted { height: head.header.height, validators: head.header.validator_set_hash }
            }
            None => Trusted {
                height: Height::GENESIS,
                validators: founding.block().header.validator_set_hash,
            },
        }
    }
}

/// Takes a snapshot before the node starts, with a runtime and a swarm that end with it.
///
/// # Errors
/// [`BootstrapError`].
pub fn before_start(
    home: &Path,
    config: &Config,
    founding: &Founding,
    identity: &Keypair,
    invited: Option<(Checked, Envelope)>,
) -> Result<Height, BootstrapError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let addresses = invited.as_ref().and_then(|(checked, _)| join::addresses(checked).ok());
        let peers = run::dialled(&config.p2p.peers, addresses.unwrap_or_default());
        let allowed = peers.iter().filter_map(|p| PeerAddress::try_from(p).ok()).map(|p| p.peer);
        let (events, mut seen) = mpsc::channel(run::EVENTS_MAX);
        let swarm = P2pConfig {
            identity: identity.clone(),
            listen: config.p2p.listen.clone(),
            peers: peers.clone(),
        };
        let (p2p, task) = p2p::spawn(swarm, allowed.collect(), events).await?;
        let checkpoint = invited.as_ref().and_then(|(checked, _)| checked.checkpoint.clone());
        let knocking = invited
            .map(|(checked, request)| tokio::spawn(join::knock(checked, request, p2p.clone())));
        let trusted = Trusted::of(founding, checkpoint.as_ref());
        let taken = take(&home.join("data"), founding, trusted, &p2p, &mut seen).await;
        if let Some(knocking) = knocking {
            knocking.abort();
        }
        p2p.shutdown();
        drop(seen);
        drop(tokio::time::timeout(run::STOP_GRACE, task).await);
        taken
    })
}

/// Takes a snapshot and puts it in the place of the empty ledger in `data`.
///
/// # Errors
/// [`BootstrapError`]: nothing has changed but `ledger.new`, which is of no further use.
pub async fn take(
    data: &Path,
    founding: &Founding,
    trusted: Trusted,
    p2p: &P2pHandle,
    events: &mut mpsc::Receiver<P2pEvent>,
) -> Result<Height, BootstrapError> {
    let mut client = Client { p2p, events, connected: BTreeSet::new(), asked: BTreeSet::new() };
    loop {
        let peer = client.next_peer().await?;
        let started = Instant::now();
        match client.take(data, founding, trusted, peer).await {
            Ok(height) => {
                put_in_place(data)?;
                tracing::info!(
                    height = height.0, %peer, seconds = started.elapsed().as_secs(),
                    "the snapshot holds; going on with blocks"
                );
                return Ok(height);
            }
            Err(Ended::Peer(why)) => {
                tracing::warn!(%peer, why, "the snapshot of this peer is of no use; asking another");
            }
            Err(Ended::Fatal(error)) => return Err(error),
        }
    }
}

/// The new ledger takes the place of the one that holds only block 0.
fn put_in_place(data: &Path) -> Result<(), BootstrapError> {
    let (ledger, new, old) =
        (data.join("ledger"), data.join("ledger.new"), data.join("ledger.empty"));
    // Left by a crash below: it holds block 0 and nothing else.
    if old.exists() {
        fs::remove_dir_all(&old)?;
    }
    if ledger.exists() {
        fs::rename(&ledger, &old)?;
    }
    fs::rename(&new, &ledger)?;
    if old.exists() {
        fs::remove_dir_all(&old)?;
    }
    fs::File::open(data)?.sync_all()?;
    Ok(())
}

struct Client<'a> {
    p2p: &'a P2pHandle,
    events: &'a mut mpsc::Receiver<P2pEvent>,
    connected: BTreeSet<PeerId>,
    /// Peers that had their turn.
    asked: BTreeSet<PeerId>,
}

impl Client<'_> {
    /// A connected peer that has not been asked yet.
    async fn next_peer(&mut self) -> Result<PeerId, BootstrapError> {
        let until = Instant::now() + CONNECT_MAX;
        loop {
            if let Some(peer) = self.connected.iter().find(|peer| !self.asked.contains(peer)) {
                let peer = *peer;
                self.asked.insert(peer);
                return Ok(peer);
            }
            match timeout_at(until, self.events.recv()).await {
                Ok(Some(event)) => self.note(&event),
                _ if self.asked.is_empty() => return Err(BootstrapError::Nobody),
                _ => return Err(BootstrapError::NoSnapshot),
            }
        }
    }

    fn note(&mut self, event: &P2pEvent) {
        match event {
            P2pEvent::Connected(peer) => drop(self.connected.insert(*peer)),
            P2pEvent::Disconnected(peer) => drop(self.connected.remove(peer)),
            P2pEvent::Frame { .. } | P2pEvent::Listening(_) => {}
        }
    }

    async fn ask(
        &mut self,
        peer: PeerId,
        request: SnapshotRequest,
    ) -> Result<SnapshotAnswer, Ended> {
        let frame = PeerMessage::SnapshotRequest(request).to_frame();
        self.p2p.send(peer, Bytes::from(frame));
        let until = Instant::now() + ANSWER_MAX;
        while let Ok(Some(event)) = timeout_at(until, self.events.recv()).await {
            self.note(&event);
            if !self.connected.contains(&peer) {
                return Err(Ended::Peer("it went away"));
            }
            let P2pEvent::Frame { from, bytes } = event else { continue };
            if from == peer
                && let Ok(PeerMessage::SnapshotAnswer(answer)) = PeerMessage::from_frame(&bytes)
            {
                return Ok(*answer);
            }
        }
        Err(Ended::Peer("it does not answer in time"))
    }

    async fn take(
        &mut self,
        data: &Path,
        founding: &Founding,
        trusted: Trusted,
        peer: PeerId,
    ) -> Result<Height, Ended> {
        let heads = self.heads(founding, trusted, peer).await?;
        let height = heads.head.header.height;
        let entries = heads.head.header.log_size;
        tracing::info!(%peer, height = height.0, entries, "taking a snapshot of the chain");
        let path = data.join("ledger.new");
        if path.exists() {
            fs::remove_dir_all(&path).map_err(|e| Ended::Fatal(e.into()))?;
        }
        let kv = RocksKv::open(&path).map_err(|e| Ended::Fatal(e.into()))?;
        let restore = Restore::begin(Arc::new(kv), founding.block(), heads);
        let mut restore = restore.map_err(|e| Ended::Fatal(e.into()))?;
        let mut told = Told::new(entries);

        let mut after = None;
        loop {
            let answer = self.ask(peer, SnapshotRequest::State { height, after }).await?;
            let SnapshotAnswer::State(records, next) = answer else {
                return Err(Ended::Peer("it has no state at that height"));
            };
            told.records += records.len();
            restore.state(records)?;
            told.tell();
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        while !restore.log_is_complete() {
            let request = SnapshotRequest::Log { from: restore.log_size(), size: entries };
            let SnapshotAnswer::Log(part, proof) = self.ask(peer, request).await? else {
                return Err(Ended::Peer("it has no log at that height"));
            };
            restore.log(&part, &proof)?;
            told.entries = restore.log_size();
            told.tell();
        }
        let mut after = None;
        loop {
            let answer = self.ask(peer, SnapshotRequest::History { after }).await?;
            let SnapshotAnswer::History(events, next) = answer else {
                return Err(Ended::Peer("it has no histories"));
            };
            told.events += events.len();
            restore.history(events)?;
            told.tell();
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        restore.finish()?;
        Ok(height)
    }

    async fn heads(
        &mut self,
        founding: &Founding,
        trusted: Trusted,
        peer: PeerId,
    ) -> Result<Heads, Ended> {
        match self.ask(peer, SnapshotRequest::Heads(trusted.height)).await? {
            SnapshotAnswer::Heads(heads) => {
                heads.check(founding.chain_id(), trusted.validators, trusted.height)?;
                Ok(heads)
            }
            _ => Err(Ended::Peer("it serves no snapshot")),
        }
    }
}

/// Progress, told now and then.
struct Told {
    records: usize,
    entries: u64,
    of: u64,
    events: usize,
    started: Instant,
    last: Instant,
}

impl Told {
    fn new(of: u64) -> Self {
        let now = Instant::now();
        Told { records: 0, entries: 0, of, events: 0, started: now, last: now }
    }

    fn tell(&mut self) {
        if self.last.elapsed() < TOLD_EVERY {
            return;
        }
        self.last = Instant::now();
        tracing::info!(
            records = self.records,
            log_entries = self.entries,
            log_entries_in_all = self.of,
            events = self.events,
            seconds = self.started.elapsed().as_secs(),
            "snapshot under way"
        );
    }
}

#[cfg(test)]
mod tests;
