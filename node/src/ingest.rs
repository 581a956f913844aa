//! Between the network and the replica: frames are decoded and signatures verified here, off the
//! replica's thread and on as many cores as there are. A transaction is verified once per node:
//! one that came alone is recognised when it comes again in a block.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use crossbeam_channel::{Sender, TrySendError};
use libp2p::PeerId;
use mulu_chain::block::{Block, BlockInvalid, CertifiedBlock};
use mulu_chain::digest::Digest;
use mulu_chain::signature::PublicKey;
use mulu_chain::transaction::Envelope;
use mulu_chain::types::{ChainId, Height};
use mulu_contracts::transaction::Transaction;
use tokio::sync::Semaphore;

use crate::byte_budget::{ByteBudget, Taken};
use crate::lobby::{LobbyHandle, Request, Role};
use crate::metrics::Metrics;
use crate::p2p::P2pEvent;
use crate::replica::intake::PUSH_BYTES_MAX;
use crate::replica::io::{Input, PeerInput, Verified, VerifiedBlock};
use crate::replica::signing::Verifier;
use crate::replica::snapshot_wire::SnapshotRequest;
use crate::replica::wire::PeerMessage;

/// Most verified transactions remembered.
pub const VERIFIED_MAX: usize = 50_000;
/// Most bytes of them.
pub const VERIFIED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most frames being decoded at once.
pub const DECODING_MAX: usize = 64;
/// Most pushes of one peer that wait for their turn: what one peer pushes is taken in its order, or a
/// transaction would come before the one that it builds on. Over it, a push is dropped; the peer
/// proposes what it holds itself.
pub const PUSHES_WAITING_MAX: usize = 16;
/// Largest frame of a push, in bytes: what a node pushes at once, and room for its encoding.
pub const PUSH_FRAME_BYTES_MAX: usize = 2 * PUSH_BYTES_MAX;
/// Most bytes of frames waiting for the replica, small ones not counted.
pub const INPUT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Largest frame that counts by number only, in bytes.
pub const SMALL_FRAME_BYTES_MAX: usize = 4 * 1024;

/// Why the transactions of a block or a push are refused as a whole.
#[derive(Debug, thiserror::Error)]
#[error("a transaction is invalid: {0}")]
pub struct TransactionsInvalid(String);

/// Verified transactions by the digest of their envelope, oldest forgotten first.
#[derive(Debug, Default)]
pub struct VerifiedCache(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    by_envelope: BTreeMap<Digest, Transaction>,
    order: VecDeque<Digest>,
    bytes: usize,
}

impl VerifiedCache {
    /// Remembers a verified transaction.
    pub fn insert(&self, transaction: &Transaction) {
        let digest = transaction.envelope().digest();
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.by_envelope.insert(digest, transaction.clone()).is_some() {
            return;
        }
        remembered.bytes += transaction.envelope().encoded_len();
        remembered.order.push_back(digest);
        while remembered.order.len() > VERIFIED_MAX || remembered.bytes > VERIFIED_BYTES_MAX {
            let oldest = remembered.order.pop_front();
            let Some(forgotten) = oldest.and_then(|d| remembered.by_envelope.remove(&d)) else {
                break;
            };
            remembered.bytes -= forgotten.envelope().encoded_len();
        }
    }

    fn get(&self, digest: &Digest) -> Option<Transaction> {
        let remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.by_envelope.get(digest).cloned()
    }

    /// Verifies and parses an envelope, or recognises it.
    ///
    /// # Errors
    /// The broken rule.
    pub fn verify(
        &self,
        envelope: &Envelope,
        chain_id: &ChainId,
    ) -> Result<Transaction, TransactionsInvalid> {
        if let Some(known) = self.get(&envelope.digest()) {
            return Ok(known);
        }
        let transaction = verify(envelope, chain_id)?;
        self.insert(&transaction);
        Ok(transaction)
    }
}

fn verify(envelope: &Envelope, chain_id: &ChainId) -> Result<Transaction, TransactionsInvalid> {
    let verified = envelope.clone().verify().map_err(|e| TransactionsInvalid(e.to_string()))?;
    Transaction::parse(verified, chain_id).map_err(|e| TransactionsInvalid(e.to_string()))
}

/// Verifies and parses every envelope of a list, in order.
///
/// # Errors
/// The first broken rule.
pub fn verify_transactions(
    envelopes: &[Envelope],
    chain_id: &ChainId,
) -> Result<Vec<Transaction>, TransactionsInvalid> {
    envelopes.iter().map(|envelope| verify(envelope, chain_id)).collect()
}

/// Why a peer's message goes no further.
#[derive(Debug, thiserror::Error)]
pub enum NotAdmitted {
    /// The signature is not that of the key the message names.
    #[error("the {what} at height {height} is not signed by the key it names, {signer}")]
    Signature {
        /// A vote or a proposal.
        what: &'static str,
        /// Its height.
        height: Height,
        /// The key.
        signer: PublicKey,
    },
    /// It is the lobby's business.
    #[error("the message is not for the replica")]
    NotForReplica,
    /// A block breaks a rule of form.
    #[error(transparent)]
    Block(#[from] BlockInvalid),
    /// A block holds an invalid transaction.
    #[error(transparent)]
    Transactions(#[from] TransactionsInvalid),
}

/// Verifies what a peer's message carries: every signature of it that needs no knowledge of the
/// chain's state. `cache` spares transactions that were verified before.
///
/// # Errors
/// [`NotAdmitted`].
pub fn admit(
    message: PeerMessage,
    chain_id: &ChainId,
    verifier: &dyn Verifier,
    cache: &VerifiedCache,
) -> Result<PeerInput, NotAdmitted> {
    Ok(match message {
        PeerMessage::Vote(vote) => {
            let (height, signer) = (vote.height, vote.validator);
            let vote = Verified::check(vote, chain_id, verifier);
            PeerInput::Vote(vote.ok_or(NotAdmitted::Signature { what: "vote", height, signer })?)
        }
        PeerMessage::Proposal(proposal) => {
            let (height, signer) = (proposal.height, proposal.proposer);
            let proposal = Verified::check(proposal, chain_id, verifier);
            let refusal = NotAdmitted::Signature { what: "proposal", height, signer };
            PeerInput::Proposal(proposal.ok_or(refusal)?)
        }
        PeerMessage::Identity(identity) => {
            let (height, signer) = (Height::GENESIS, identity.validator);
            let identity = Verified::check(identity, chain_id, verifier);
            let refusal = NotAdmitted::Signature { what: "identity", height, signer };
            PeerInput::Identity(identity.ok_or(refusal)?)
        }
        PeerMessage::Petition(_)
        | PeerMessage::Pass(_)
        | PeerMessage::SnapshotRequest(_)
        | PeerMessage::SnapshotAnswer(_) => return Err(NotAdmitted::NotForReplica),
        PeerMessage::Checkpoint(line) => {
            let (height, signer) = (Height::GENESIS, line.validator);
            let line = Verified::check(line, chain_id, verifier);
            let refusal = NotAdmitted::Signature { what: "checkpoint", height, signer };
            PeerInput::Checkpoint(line.ok_or(refusal)?)
        }
        PeerMessage::Polka(polka) => PeerInput::Polka(polka),
        PeerMessage::RoundCertificate(certificate) => PeerInput::RoundCertificate(certificate),
        PeerMessage::Status(height) => PeerInput::Status(height),
        PeerMessage::BlocksRequest { from, count } => PeerInput::BlocksRequest { from, count },
        PeerMessage::Block(block) => {
            PeerInput::Block(Box::new(verify_block(block, chain_id, cache)?))
        }
        PeerMessage::Transactions(envelopes) => {
            // One bad transaction does not spoil the others of a push.
            let verify = |e: &Envelope| cache.verify(e, chain_id).ok();
            PeerInput::Transactions(envelopes.iter().filter_map(verify).collect())
        }
        PeerMessage::Blocks(blocks) => {
            // What comes before the first bad block is good.
            let verify = |certified: CertifiedBlock| {
                let block = verify_block(certified.block, chain_id, cache).ok()?;
                Some((block, certified.certificate))
            };
            PeerInput::Blocks(blocks.into_iter().map_while(verify).collect())
        }
    })
}

fn verify_block(
    block: Block,
    chain_id: &ChainId,
    cache: &VerifiedCache,
) -> Result<VerifiedBlock, NotAdmitted> {
    block.check_form()?;
    let verify = |envelope| cache.verify(envelope, chain_id);
    let transactions = block.transactions.iter().map(verify).collect::<Result<_, _>>()?;
    Ok(VerifiedBlock { block, transactions })
}

/// An input on its way to the replica, and the room it takes in the queue.
pub struct Queued {
    input: Input,
    _room: Option<Taken>,
}

impl Queued {
    /// An input that takes no room worth counting.
    pub fn small(input: Input) -> Self {
        Queued { input, _room: None }
    }

    /// The input; its room is free again.
    pub fn into_input(self) -> Input {
        self.input
    }
}

/// Turns network events into replica inputs.
pub struct Ingest {
    /// The chain.
    pub chain_id: ChainId,
    /// Checks votes and proposals.
    pub verifier: Arc<dyn Verifier>,
    /// Where inputs go.
    pub inputs: Sender<Queued>,
    /// Bounds the bytes in them.
    pub room: ByteBudget,
    /// Shared with the API.
    pub verified: Arc<VerifiedCache>,
    /// Counts what is dropped.
    pub metrics: Arc<Metrics>,
    /// Says what a peer may say, and takes what is its own business.
    pub lobby: LobbyHandle,
    /// Takes questions about snapshots.
    pub snapshots: tokio::sync::mpsc::Sender<(PeerId, SnapshotRequest)>,
}

impl Ingest {
    /// Runs until the network ends.
    pub async fn run(self, mut events: tokio::sync::mpsc::Receiver<P2pEvent>) {
        let ingest = Arc::new(self);
        let permits = Arc::new(Semaphore::new(DECODING_MAX));
        // One for each connected peer that has pushed.
        let mut lanes: BTreeMap<PeerId, tokio::sync::mpsc::Sender<Bytes>> = BTreeMap::new();
        while let Some(event) = events.recv().await {
            match event {
                P2pEvent::Connected(peer) => {
                    let role = ingest.lobby.role(&peer);
                    if role == Role::Member {
                        ingest.lobby.give(Request::Connected(peer));
                    }
                    if matches!(role, Role::Member | Role::Guest) {
                        ingest.must_give(Input::Connected(peer)).await;
                    }
                }
                P2pEvent::Disconnected(peer) => {
                    lanes.remove(&peer);
                    ingest.must_give(Input::Disconnected(peer)).await;
                }
                P2pEvent::Listening(address) => tracing::info!(%address, "listening for peers"),
                P2pEvent::Frame { from, bytes } if PeerMessage::is_push(&bytes) => {
                    if ingest.lobby.role(&from) != Role::Member {
                        continue;
                    }
                    if bytes.len() > PUSH_FRAME_BYTES_MAX {
                        tracing::warn!(peer = %from, bytes = bytes.len(), "dropping a push too large");
                        ingest.metrics.inputs_dropped.inc();
                        continue;
                    }
                    let lane = lanes.entry(from).or_insert_with(|| ingest.clone().lane(from));
                    if lane.try_send(bytes).is_err() {
                        ingest.metrics.inputs_dropped.inc();
                    }
                }
                P2pEvent::Frame { from, bytes } => {
                    let Ok(permit) = permits.clone().acquire_owned().await else { return };
                    let ingest = ingest.clone();
                    tokio::task::spawn_blocking(move || {
                        ingest.frame(from, &bytes);
                        drop(permit);
                    });
                }
            }
        }
    }

    /// Takes the pushes of one peer, one after the other, until its sender is dropped.
    fn lane(self: Arc<Self>, from: PeerId) -> tokio::sync::mpsc::Sender<Bytes> {
        let (sender, mut pushes) = tokio::sync::mpsc::channel::<Bytes>(PUSHES_WAITING_MAX);
        tokio::spawn(async move {
            while let Some(bytes) = pushes.recv().await {
                let ingest = self.clone();
                let taken = tokio::task::spawn_blocking(move || ingest.frame(from, &bytes));
                // It panics on no bytes; if it did, the next push is still to be taken.
                drop(taken.await);
            }
        });
        sender
    }

    fn frame(&self, from: PeerId, bytes: &Bytes) {
        let message = match PeerMessage::from_frame(bytes) {
            Ok(message) => message,
            Err(error) => {
                tracing::warn!(peer = %from, %error, "dropping a frame that does not decode");
                return;
            }
        };
        let message = match (message, self.lobby.role(&from)) {
            (_, Role::Stranger) => return,
            (PeerMessage::Petition(petition), _) => {
                return self.lobby.give(Request::Petition(from, petition));
            }
            (PeerMessage::Pass(pass), Role::Member) => {
                return self.lobby.give(Request::Pass(from, pass));
            }
            (PeerMessage::SnapshotRequest(request), Role::Member | Role::Guest) => {
                // When too much waits it is dropped; whoever asks asks another node.
                drop(self.snapshots.try_send((from, request)));
                return;
            }
            // Of a node that was being made, and is made now.
            (PeerMessage::SnapshotAnswer(_), _) => return,
            (message, Role::Member) => message,
            (message @ PeerMessage::BlocksRequest { .. }, Role::Guest) => message,
            (_, Role::Guest | Role::Pass(_)) => return,
        };
        match admit(message, &self.chain_id, &*self.verifier, &self.verified) {
            Ok(message) => self.give(Input::Peer { from, message }, bytes.len()),
            Err(error) => tracing::warn!(peer = %from, %error, "dropping a message"),
        }
    }

    /// A full queue drops the message: the layers above say everything again.
    fn give(&self, input: Input, bytes: usize) {
        // Votes and the like are bounded by their number, so that bodies cannot crowd them out.
        let room = if bytes > SMALL_FRAME_BYTES_MAX { self.room.take(bytes) } else { None };
        if bytes > SMALL_FRAME_BYTES_MAX && room.is_none() {
            self.metrics.inputs_dropped.inc();
        } else if let Err(TrySendError::Full(_)) =
            self.inputs.try_send(Queued { input, _room: room })
        {
            self.metrics.inputs_dropped.inc();
        }
    }

    /// Connections change rarely, must not be missed, and keep their order.
    async fn must_give(&self, input: Input) {
        let inputs = self.inputs.clone();
        // A replica that has stopped needs to know nothing.
        let _ =
            tokio::task::spawn_blocking(move || inputs.send(Queued::small(input)).is_ok()).await;
    }
}
