//! How transactions come in, from this node's API and from peers, and go out to the validators.

use std::time::Duration;

use mulu_chain::types::TimeMs;
use mulu_contracts::execution::BlockContext;
use mulu_contracts::transaction::Transaction;

use super::executor::ExecutionError;
use super::handle::{Submission, SubmitVerdict};
use super::io::{Effect, Timer};
use super::mempool::MempoolRefusal;
use super::wire::{PUSH_TRANSACTIONS_MAX, PeerMessage};

use super::core::{Inner, ReplicaError};

/// How long new transactions are gathered before they are pushed.
pub const PUSH_DELAY: Duration = Duration::from_millis(4);
/// Most bytes of transactions pushed in one frame, unless a single one is larger.
pub const PUSH_BYTES_MAX: usize = 1024 * 1024;
/// Most transactions sent again to a peer that just connected.
pub const RESEND_TRANSACTIONS_MAX: usize = 2_000;

impl Inner {
    pub(super) fn context(&self) -> BlockContext {
        BlockContext {
            chain_id: self.chain_id.clone(),
            height: self.tip.header.height.next(),
            time_ms: self.now.max(TimeMs(self.tip.header.time_ms.0 + 1)),
        }
    }

    pub(super) fn submit(&mut self, submission: Submission) -> Result<(), ReplicaError> {
        let Submission { transaction, reply } = submission;
        let id = transaction.id();
        let verdict = if self.ledger.transaction(&id)?.is_some() {
            SubmitVerdict::AlreadyCommitted
        } else if self.mempool.contains(&id) {
            SubmitVerdict::AlreadyQueued
        } else {
            self.queue(transaction, true)?
        };
        self.effects.push(Effect::Reply(reply, verdict));
        Ok(())
    }

    /// Checks a transaction against the rules and queues it.
    pub(super) fn queue(
        &mut self,
        transaction: Transaction,
        own: bool,
    ) -> Result<SubmitVerdict, ReplicaError> {
        let context = self.context();
        let checked = mulu_contracts::execution::check(&context, &transaction, &self.ledger)
            .map_err(ExecutionError::State)?;
        if let Err(rejection) = checked {
            return Ok(SubmitVerdict::Rejected(rejection));
        }
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

    pub(super) fn on_transactions(&mut self, list: Vec<Transaction>) -> Result<(), ReplicaError> {
        for transaction in list {
            let id = transaction.id();
            if !self.mempool.contains(&id) && self.ledger.transaction(&id)?.is_none() {
                // Refusals are the submitting node's to report.
                self.queue(transaction, false)?;
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
