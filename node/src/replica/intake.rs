//! How transactions come in, from this node's API and from peers, and go out to the validators.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use mulu_chain::types::TimeMs;
use mulu_contracts::execution::{BlockContext, check_standing, try_alone};
use mulu_contracts::params::Params;
use mulu_contracts::rejection::Rejection;
use mulu_contracts::transaction::Transaction;

use super::executor::ExecutionError;
use super::handle::{Submission, SubmitVerdict};
use super::io::{Effect, Timer};
use super::mempool::MempoolRefusal;
use super::rules;
use super::wire::{PUSH_TRANSACTIONS_MAX, PeerMessage};

use super::core::{Inner, ReplicaError};

/// How long new transactions are gathered before they are pushed.
pub const PUSH_DELAY: Duration = Duration::from_millis(4);
/// Most waiting transactions of peers executed for one that may build on them.
pub const EXECUTE_MAX: usize = 256;
/// Most bytes of transactions pushed in one frame, unless a single one is larger.
pub const PUSH_BYTES_MAX: usize = 1024 * 1024;
/// Most transactions sent again to a peer that just connected.
pub const RESEND_TRANSACTIONS_MAX: usize = 2_000;

/// Records by key.
type Changes = BTreeMap<String, Vec<u8>>;

impl Inner {
    pub(super) fn context(&self) -> BlockContext {
        BlockContext {
            chain_id: self.chain_id.clone(),
            height: self.tip.header.height.next(),
            time_ms: self.now.max(TimeMs(self.tip.header.time_ms.0 + 1)),
            rules: self.rules.rules,
        }
    }

    pub(super) fn submit(&mut self, submission: Submission) -> Result<(), ReplicaError> {
        let Submission { transaction, acknowledged, reply } = submission;
        let id = transaction.id();
        let verdict = if self.ledger.is_committed(&id)? {
            SubmitVerdict::AlreadyCommitted
        } else if self.mempool.contains(&id) {
            SubmitVerdict::AlreadyQueued
        } else if acknowledged {
            // A client holds our word for it: whatever the rules say by now, it goes into a block.
            self.insert(transaction, true)?
        } else if let Err(refused) = rules::refuse_unknown(self.config.rules, &transaction) {
            SubmitVerdict::Rejected(refused)
        } else {
            self.queue(transaction)?
        };
        self.effects.push(Effect::Reply(reply, verdict));
        Ok(())
    }

    /// Checks a transaction against the rules, on what is committed and what waits, and queues it.
    pub(super) fn queue(
        &mut self,
        transaction: Transaction,
    ) -> Result<SubmitVerdict, ReplicaError> {
        // An overload costs no execution.
        if !self.mempool.has_room(&transaction) {
            return Ok(SubmitVerdict::Full);
        }
        let mut tried = self.try_now(&transaction)?;
        if tried.is_err() {
            // It may build on what a peer sent and nobody executed here yet.
            self.execute_unexecuted()?;
            tried = self.try_now(&transaction)?;
        }
        let (built_on, changes) = match tried {
            Ok(tried) => tried,
            Err(rejection) => return Ok(SubmitVerdict::Rejected(rejection)),
        };
        let id = transaction.id();
        let verdict = self.insert(transaction, true)?;
        if verdict == SubmitVerdict::Queued {
            self.mempool.note_changes(&id, built_on, changes);
        }
        Ok(verdict)
    }

    /// What a transaction would write after those that wait, and the last of them it builds on.
    fn try_now(
        &self,
        transaction: &Transaction,
    ) -> Result<Result<(Option<u64>, Changes), Rejection>, ReplicaError> {
        let context = self.context();
        let params = self.params()?;
        let built_on = Cell::new(None);
        let committed = self.known.over(&self.ledger);
        let ahead = self.mempool.ahead(&committed, &built_on);
        let tried = try_alone(&context, &params, transaction, &ahead);
        let tried = tried.map_err(ExecutionError::State)?;
        Ok(tried.map(|changes| (built_on.get(), changes)))
    }

    /// Executes waiting transactions of peers, so that others can build on them.
    fn execute_unexecuted(&mut self) -> Result<(), ReplicaError> {
        for transaction in self.mempool.take_unexecuted(EXECUTE_MAX) {
            if let Ok((built_on, changes)) = self.try_now(&transaction)? {
                self.mempool.note_changes(&transaction.id(), built_on, changes);
            }
        }
        Ok(())
    }

    /// Queues a transaction and, if it came through this node's API, pushes it.
    fn insert(
        &mut self,
        transaction: Transaction,
        own: bool,
    ) -> Result<SubmitVerdict, ReplicaError> {
        let was_empty = self.mempool.is_empty();
        match self.mempool.insert(transaction.clone(), own) {
            Ok(()) => {}
            Err(MempoolRefusal::Known) => return Ok(SubmitVerdict::AlreadyQueued),
            Err(MempoolRefusal::Full) => return Ok(SubmitVerdict::Full),
        }
        if own {
            if self.to_push.is_empty() {
                self.schedule(Timer::PushTransactions, PUSH_DELAY);
            }
            self.to_push.push(transaction);
            if self.to_push.len() >= PUSH_TRANSACTIONS_MAX {
                self.push_transactions();
            }
        }
        if was_empty {
            self.plan_next_height()?;
        }
        Ok(SubmitVerdict::Queued)
    }

    /// The parameters that the next block is executed under.
    pub(super) fn params(&self) -> Result<Params, ReplicaError> {
        let height = self.tip.header.height.next();
        let known = self.known.over(&self.ledger);
        Ok(mulu_contracts::state::params(&known, height).map_err(ExecutionError::State)?)
    }

    pub(super) fn on_transactions(&mut self, list: Vec<Transaction>) -> Result<(), ReplicaError> {
        for transaction in list {
            let id = transaction.id();
            if !self.mempool.contains(&id) && !self.ledger.is_committed(&id)? {
                // The submitting node has executed it and answers for it; here it is asked only who
                // speaks, so that nobody's share of the queue is filled by others.
                if !self.mempool.has_room(&transaction) {
                    continue;
                }
                let context = self.context();
                let params = self.params()?;
                let known = self.known.over(&self.ledger);
                let standing = check_standing(&context, &params, &transaction, &known);
                drop(known);
                if standing.map_err(ExecutionError::State)?.is_ok() {
                    self.insert(transaction, false)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn push_transactions(&mut self) {
        let list = std::mem::take(&mut self.to_push);
        for message in push_messages(&list) {
            self.broadcast(message);
        }
    }
}

/// Packs transactions into push messages within the frame's bounds.
pub(super) fn push_messages(list: &[Transaction]) -> Vec<PeerMessage> {
    let mut messages = Vec::new();
    let mut envelopes = Vec::new();
    let mut bytes = 0;
    for transaction in list {
        let size = transaction.envelope().encoded_len();
        let full = envelopes.len() >= PUSH_TRANSACTIONS_MAX || bytes + size > PUSH_BYTES_MAX;
        if full && !envelopes.is_empty() {
            messages.push(PeerMessage::Transactions(std::mem::take(&mut envelopes)));
            bytes = 0;
        }
        bytes += size;
        envelopes.push(transaction.envelope().clone());
    }
    if !envelopes.is_empty() {
        messages.push(PeerMessage::Transactions(envelopes));
    }
    messages
}
