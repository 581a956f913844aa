//! Transactions waiting to be proposed: first come, first served, bounded in every direction.

use std::collections::{BTreeMap, BTreeSet};

use mulu_chain::transaction::TransactionId;
use mulu_chain::types::Height;
use mulu_contracts::transaction::Transaction;

/// Most transactions waiting on one node.
pub const MEMPOOL_TRANSACTIONS_MAX: usize = 20_000;
/// Most bytes of them.
pub const MEMPOOL_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most transactions one member may have waiting: one flooding department leaves room for others.
pub const MEMPOOL_MEMBER_TRANSACTIONS_MAX: usize = 8_000;

/// The queue.
#[derive(Debug, Default)]
pub struct Mempool {
    // Arrival number → transaction: iteration is arrival order.
    queue: BTreeMap<u64, Transaction>,
    numbers: BTreeMap<TransactionId, u64>,
    by_member: BTreeMap<String, usize>,
    own: BTreeSet<TransactionId>,
    bytes: usize,
    next_number: u64,
}

/// Why a transaction was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MempoolRefusal {
    /// It is queued already.
    Known,
    /// The queue, or the member's share of it, is full.
    Full,
}

impl Mempool {
    /// Queues a transaction; `own` if it came through this node's API.
    pub fn insert(&mut self, transaction: Transaction, own: bool) -> Result<(), MempoolRefusal> {
        let id = transaction.id();
        if self.numbers.contains_key(&id) {
            return Err(MempoolRefusal::Known);
        }
        let size = transaction.envelope().encoded_len();
        let member = transaction.payload().submitter.member.clone();
        let held = self.by_member.get(&member).copied().unwrap_or(0);
        if self.queue.len() >= MEMPOOL_TRANSACTIONS_MAX
            || self.bytes + size > MEMPOOL_BYTES_MAX
            || held >= MEMPOOL_MEMBER_TRANSACTIONS_MAX
        {
            return Err(MempoolRefusal::Full);
        }
        self.by_member.insert(member, held + 1);
        self.numbers.insert(id, self.next_number);
        self.queue.insert(self.next_number, transaction);
        self.next_number += 1;
        self.bytes += size;
        if own {
            self.own.insert(id);
        }
        Ok(())
    }

    /// Forgets a transaction, committed or expired.
    pub fn remove(&mut self, id: &TransactionId) {
        let Some(transaction) = self.numbers.remove(id).and_then(|n| self.queue.remove(&n)) else {
            return;
        };
        self.own.remove(id);
        self.bytes -= transaction.envelope().encoded_len();
        let member = &transaction.payload().submitter.member;
        if let Some(held) = self.by_member.get_mut(member) {
            *held -= 1;
            if *held == 0 {
                self.by_member.remove(member);
            }
        }
    }

    /// Forgets what can no longer be committed after `height`.
    pub fn remove_expired(&mut self, height: Height) {
        let expired: Vec<TransactionId> = self
            .queue
            .values()
            .filter(|t| t.payload().valid_until <= height.0)
            .map(|t| t.id())
            .collect();
        for id in &expired {
            self.remove(id);
        }
    }

    /// Whether a transaction waits here.
    pub fn contains(&self, id: &TransactionId) -> bool {
        self.numbers.contains_key(id)
    }

    /// A waiting transaction.
    pub fn get(&self, id: &TransactionId) -> Option<&Transaction> {
        self.queue.get(self.numbers.get(id)?)
    }

    /// The next transactions in order, within a count and a size.
    pub fn select(&self, count_max: usize, bytes_max: usize) -> Vec<Transaction> {
        let mut bytes = 0;
        if mulu_chain::planted!("planted-order-by-address") {
            let random: std::collections::HashSet<u64> = self.queue.keys().copied().collect();
            let chosen = random.iter().filter_map(|number| self.queue.get(number));
            return chosen.take(count_max.min(1)).cloned().collect();
        }
        self.queue
            .values()
            .take(count_max)
            .take_while(|t| {
                bytes += t.envelope().encoded_len();
                bytes <= bytes_max
            })
            .cloned()
            .collect()
    }

    /// Waiting transactions that came through this node's API, for a peer that just connected.
    pub fn own(&self, count_max: usize) -> Vec<Transaction> {
        self.own.iter().take(count_max).filter_map(|id| self.get(id).cloned()).collect()
    }

    /// Transactions waiting.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Bytes waiting.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
