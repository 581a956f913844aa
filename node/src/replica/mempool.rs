//! Transactions waiting to be proposed, bounded in every direction.
//!
//! While all fit into a block, first come, first served. When they do not, members take turns, so that
//! one flooding application delays its own member's transactions and nobody else's; what is chosen
//! stands in the block in the order of its arrival.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mulu_chain::transaction::TransactionId;
use mulu_chain::types::Height;
use mulu_contracts::state::StateRead;
use mulu_contracts::transaction::Transaction;

use super::pending::Pending;

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
    // The waiting transaction that one builds on, by arrival numbers.
    built_on: BTreeMap<u64, u64>,
    // Those that came from peers and were not executed here.
    unexecuted: BTreeSet<u64>,
    pending: Pending,
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
        if !self.has_room(&transaction) {
            return Err(MempoolRefusal::Full);
        }
        let size = transaction.envelope().encoded_len();
        let member = transaction.payload().submitter.member.clone();
        let held = self.by_member.get(&member).copied().unwrap_or(0);
        self.by_member.insert(member, held + 1);
        self.numbers.insert(id, self.next_number);
        self.queue.insert(self.next_number, transaction);
        self.unexecuted.insert(self.next_number);
        self.next_number += 1;
        self.bytes += size;
        if own {
            self.own.insert(id);
        }
        Ok(())
    }

    /// Whether a transaction fits, by number, bytes and its member's share.
    pub fn has_room(&self, transaction: &Transaction) -> bool {
        let size = transaction.envelope().encoded_len();
        let held = self.by_member.get(&transaction.payload().submitter.member);
        self.queue.len() < MEMPOOL_TRANSACTIONS_MAX
            && self.bytes + size <= MEMPOOL_BYTES_MAX
            && held.is_none_or(|held| *held < MEMPOOL_MEMBER_TRANSACTIONS_MAX)
    }

    /// The committed state with what waiting transactions will write; `built_on` is told the last of
    /// them whose record was read.
    pub fn ahead<'a>(
        &'a self,
        state: &'a dyn StateRead,
        built_on: &'a Cell<Option<u64>>,
    ) -> impl StateRead + 'a {
        self.pending.over(state, built_on)
    }

    /// Notes what executing a waiting transaction on [`Mempool::ahead`] came to.
    pub fn note_changes(
        &mut self,
        id: &TransactionId,
        built_on: Option<u64>,
        changes: BTreeMap<String, Vec<u8>>,
    ) {
        let Some(&number) = self.numbers.get(id) else { return };
        self.unexecuted.remove(&number);
        if let Some(before) = built_on.filter(|before| *before != number) {
            self.built_on.insert(number, before);
        }
        self.pending.add(number, changes);
    }

    /// The oldest waiting transactions that were not executed here, to be executed now.
    pub fn take_unexecuted(&mut self, count_max: usize) -> Vec<Transaction> {
        let taken: Vec<u64> = self.unexecuted.iter().take(count_max).copied().collect();
        for number in &taken {
            self.unexecuted.remove(number);
        }
        taken.iter().filter_map(|number| self.queue.get(number).cloned()).collect()
    }

    /// Forgets a transaction, committed or expired.
    pub fn remove(&mut self, id: &TransactionId) {
        let Some(number) = self.numbers.remove(id) else { return };
        let Some(transaction) = self.queue.remove(&number) else { return };
        self.unexecuted.remove(&number);
        self.built_on.remove(&number);
        self.pending.remove(number);
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

    /// The next transactions, within a count and a size, in the order of their arrival.
    pub fn select(&self, count_max: usize, bytes_max: usize) -> Vec<Transaction> {
        let mut bytes = 0;
        if mulu_chain::planted!("planted-order-by-address") {
            let random: std::collections::HashSet<u64> = self.queue.keys().copied().collect();
            let chosen = random.iter().filter_map(|number| self.queue.get(number));
            return chosen.take(count_max.min(1)).cloned().collect();
        }
        if self.queue.len() > count_max || self.bytes > bytes_max {
            return self.select_in_turns(count_max, bytes_max);
        }
        self.queue
            .values()
            .take_while(|t| {
                bytes += t.envelope().encoded_len();
                bytes <= bytes_max
            })
            .cloned()
            .collect()
    }

    /// One of each member in turn. What builds on one that is not chosen waits, and so does what its
    /// member sent after it.
    fn select_in_turns(&self, count_max: usize, bytes_max: usize) -> Vec<Transaction> {
        let mut waiting: BTreeMap<&str, VecDeque<u64>> = BTreeMap::new();
        for (number, transaction) in &self.queue {
            let member = transaction.payload().submitter.member.as_str();
            waiting.entry(member).or_default().push_back(*number);
        }
        let mut chosen: BTreeSet<u64> = BTreeSet::new();
        let mut bytes = 0;
        loop {
            let before = chosen.len();
            for numbers in waiting.values_mut() {
                let Some(&number) = numbers.front() else { continue };
                let ready = self.built_on.get(&number).is_none_or(|earlier| {
                    chosen.contains(earlier) || !self.queue.contains_key(earlier)
                });
                let size = self.queue.get(&number).map_or(0, |t| t.envelope().encoded_len());
                if ready && chosen.len() < count_max && bytes + size <= bytes_max {
                    bytes += size;
                    chosen.insert(number);
                    numbers.pop_front();
                }
            }
            if chosen.len() == before {
                break;
            }
        }
        chosen.iter().filter_map(|number| self.queue.get(number).cloned()).collect()
    }

    /// Waiting transactions that came through this node's API, for a peer that just connected.
    pub fn own(&self, count_max: usize) -> Vec<Transaction> {
        self.own.iter().take(count_max).filter_map(|id| self.get(id).cloned()).collect()
    }

    /// Bytes of what the waiting transactions would write.
    pub fn pending_bytes(&self) -> usize {
        self.pending.bytes()
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
