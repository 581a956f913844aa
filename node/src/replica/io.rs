//! Everything that enters the replica and everything it asks of the world: one closed enum each.

use std::ops::Deref;
use std::time::Duration;

use arc_malachitebft_core_types::Timeout;
use libp2p::PeerId;
use mulu_chain::block::Block;
use mulu_chain::certificate::CommitCertificate;
use mulu_chain::types::{ChainId, Height};
use mulu_contracts::transaction::Transaction;
use tokio::sync::oneshot;

use super::handle::{Submission, SubmitVerdict};
use super::signing::Verifier;
use super::wire::{
    PeerMessage, Signed, WireCheckpoint, WireIdentity, WirePolka, WireProposal,
    WireRoundCertificate, WireVote,
};
use crate::storage::Decided;

/// A block whose envelopes are all parsed and whose signatures are all verified.
#[derive(Debug, Clone)]
pub struct VerifiedBlock {
    /// The block.
    pub block: Block,
    /// Its transactions, in order.
    pub transactions: Vec<Transaction>,
}

/// A message whose signature is that of the key it names. Whether that key may say it is another
/// question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T: Signed> Verified<T> {
    /// Checks the signature; none if it is not the named key's.
    pub fn check(message: T, chain_id: &ChainId, verifier: &dyn Verifier) -> Option<Self> {
        if mulu_chain::planted!("planted-vote-signatures") {
            return Some(Verified(message));
        }
        let bytes = message.signed_bytes(chain_id);
        verifier.verify(message.signer(), &bytes, message.signature()).then_some(Verified(message))
    }
}

impl<T> Verified<T> {
    /// Takes what our own vote log holds: it was checked, or signed by us, before it was written.
    pub(super) fn logged(message: T) -> Self {
        Verified(message)
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// A peer's message after decoding and after verifying the signatures of its votes, proposals and
/// transactions.
#[derive(Debug, Clone)]
pub enum PeerInput {
    /// A vote.
    Vote(Verified<WireVote>),
    /// A proposal.
    Proposal(Verified<WireProposal>),
    /// A quorum of prevotes, verified when the core asks: it knows which set and threshold apply.
    Polka(WirePolka),
    /// Votes that justify a round, verified when the core asks.
    RoundCertificate(WireRoundCertificate),
    /// A proposed block's body.
    Block(Box<VerifiedBlock>),
    /// New transactions.
    Transactions(Vec<Transaction>),
    /// The peer's last committed height.
    Status(Height),
    /// A request for certified blocks.
    BlocksRequest {
        /// First height wanted.
        from: Height,
        /// How many.
        count: u32,
    },
    /// Certified blocks; certificates are verified by the core.
    Blocks(Vec<(VerifiedBlock, CommitCertificate)>),
    /// Which validator the peer speaks for.
    Identity(Verified<WireIdentity>),
    /// A validator's line under a checkpoint.
    Checkpoint(Verified<WireCheckpoint>),
}

/// What enters the replica.
pub enum Input {
    /// The first input after opening.
    Start,
    /// A transaction from this node's API.
    Submit(Submission),
    /// A message from an admitted peer.
    Peer {
        /// Who sent it.
        from: PeerId,
        /// What it says.
        message: PeerInput,
    },
    /// An admitted peer connected.
    Connected(PeerId),
    /// A peer went away.
    Disconnected(PeerId),
    /// A timer that was scheduled fired.
    Fired(Timer),
    /// The commit asked for is on disk.
    Committed,
}

/// A timer of the replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Timer {
    /// A timeout of the consensus core, for the height it was set at.
    Consensus(Height, Timeout),
    /// Begin the next height (transactions are waiting, or the heartbeat is due).
    BeginHeight,
    /// Push new transactions to the validators.
    PushTransactions,
    /// Tell peers our height, and look whether we are behind.
    Status,
}

/// What the replica asks of the world. Effects are performed in order, never reordered.
#[derive(Debug)]
pub enum Effect {
    /// Append frames to the vote log and make them durable before anything after this.
    Persist(Vec<Vec<u8>>),
    /// Rewrite the vote log with only these frames.
    RotateLog(Vec<Vec<u8>>),
    /// Commit a decided block: one synced batch. [`Input::Committed`] follows.
    Commit(Box<Decided>),
    /// Send to one peer.
    Send(PeerId, Box<PeerMessage>),
    /// Send to every connected peer.
    Broadcast(Box<PeerMessage>),
    /// Answer a submission.
    Reply(oneshot::Sender<SubmitVerdict>, SubmitVerdict),
    /// Fire a timer after a while; a timer scheduled again is moved.
    Schedule(Timer, Duration),
    /// Forget a timer.
    Cancel(Timer),
    /// Forget all consensus timers.
    CancelConsensusTimers,
}
