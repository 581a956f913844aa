//! What the rest of the node sees of the replica: submit a transaction, watch its status.

use std::sync::Arc;

use crossbeam_channel::{Sender, TrySendError};
use mulu_chain::digest::Digest;
use mulu_chain::types::Height;
use mulu_contracts::rejection::Rejection;
use mulu_contracts::transaction::Transaction;
use serde::Serialize;
use tokio::sync::{oneshot, watch};

use crate::ingest::VerifiedCache;

/// The replica's answer to a submitted transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmitVerdict {
    /// In the mempool; it will be committed or expire after `valid_until`.
    Queued,
    /// It was in the mempool before; nothing changed.
    AlreadyQueued,
    /// It was committed before; the first result stands for ever.
    AlreadyCommitted,
    /// The rules refuse it now; it was not queued.
    Rejected(Rejection),
    /// The mempool is full; try again later.
    Full,
    /// The node is read-only or still starting.
    NotReady(String),
}

/// A request to the replica from this node's API.
pub struct Submission {
    /// Parsed, with verified signatures.
    pub transaction: Transaction,
    /// Whether this node acknowledged it before: then the rules do not keep it out of a block.
    pub acknowledged: bool,
    /// Where the verdict goes.
    pub reply: oneshot::Sender<SubmitVerdict>,
}

/// What the replica publishes after each step that changed it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Height of the last committed block.
    pub height: Height,
    /// Its id.
    pub block: Digest,
    /// Its time in milliseconds.
    pub time_ms: u64,
    /// Height consensus works on.
    pub working_height: Height,
    /// Round consensus works in, if a height is under way.
    pub round: Option<u32>,
    /// Whether the node is behind its peers and fetching blocks.
    pub syncing: bool,
    /// Highest height any peer reported.
    pub best_peer_height: Height,
    /// Transactions waiting.
    pub mempool_transactions: usize,
    /// Their bytes.
    pub mempool_bytes: usize,
    /// Whether this node is in the current validator set.
    pub is_validator: bool,
    /// Why the node abstains from voting, if it does.
    pub abstaining: Option<String>,
    /// Whether it abstains because its key was seen where it did not use it.
    pub alarm: bool,
    /// Why the node is read-only, if it is: it takes no part until there is room on its disk.
    pub read_only: Option<String>,
    /// Equivocations seen since the start: validators that signed two things for one step.
    pub equivocations: u64,
    /// The newest checkpoint of the log that a quorum of validators signed.
    #[serde(skip)]
    pub checkpoint: Option<Arc<str>>,
    /// Peers connected right now, with the height each last reported.
    pub peers: Vec<PeerStatus>,
}

/// One connected peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PeerStatus {
    /// libp2p PeerId.
    pub peer_id: String,
    /// The member it belongs to.
    pub member: Option<String>,
    /// Height it last reported.
    pub height: Height,
}

/// A cloneable handle to the replica thread.
#[derive(Clone)]
pub struct ReplicaHandle {
    submissions: Sender<Submission>,
    status: watch::Receiver<Status>,
    verified: Arc<VerifiedCache>,
}

impl ReplicaHandle {
    /// Joins the two channels; `verified` remembers what the API verified, so that the block that
    /// brings it need not be verified again.
    pub fn new(
        submissions: Sender<Submission>,
        status: watch::Receiver<Status>,
        verified: Arc<VerifiedCache>,
    ) -> Self {
        ReplicaHandle { submissions, status, verified }
    }

    /// Hands transactions to the replica in order and waits for its verdicts.
    pub async fn submit_all(&self, transactions: Vec<Transaction>) -> Vec<SubmitVerdict> {
        let sent: Vec<_> = transactions.into_iter().map(|t| self.send(t, false)).collect();
        let mut verdicts = Vec::with_capacity(sent.len());
        for sent in sent {
            verdicts.push(verdict(sent).await);
        }
        verdicts
    }

    /// Hands a transaction to the replica and waits for its verdict.
    pub async fn submit(&self, transaction: Transaction) -> SubmitVerdict {
        verdict(self.send(transaction, false)).await
    }

    /// Hands over a transaction that this node acknowledged before it was started again.
    pub async fn submit_acknowledged(&self, transaction: Transaction) -> SubmitVerdict {
        verdict(self.send(transaction, true)).await
    }

    fn send(
        &self,
        transaction: Transaction,
        acknowledged: bool,
    ) -> Result<oneshot::Receiver<SubmitVerdict>, SubmitVerdict> {
        self.verified.insert(&transaction);
        let (reply, verdict) = oneshot::channel();
        match self.submissions.try_send(Submission { transaction, acknowledged, reply }) {
            Ok(()) => Ok(verdict),
            Err(TrySendError::Full(_)) => Err(SubmitVerdict::Full),
            Err(TrySendError::Disconnected(_)) => Err(stopped()),
        }
    }

    /// Transactions waiting, as last told.
    pub fn mempool_transactions(&self) -> usize {
        self.status.borrow().mempool_transactions
    }

    /// The latest status.
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// A receiver that wakes on every change of status, commits included.
    pub fn watch(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }
}

async fn verdict(sent: Result<oneshot::Receiver<SubmitVerdict>, SubmitVerdict>) -> SubmitVerdict {
    match sent {
        Ok(verdict) => verdict.await.unwrap_or_else(|_| stopped()),
        Err(verdict) => verdict,
    }
}

fn stopped() -> SubmitVerdict {
    SubmitVerdict::NotReady("the replica stopped".to_owned())
}
