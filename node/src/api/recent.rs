//! What this node queued lately: enough to say "queued" or "expired" of a transaction that is not
//! committed. Memory only: after a restart the answer is "unknown here", which is the truth.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use mulu_chain::transaction::TransactionId;
use mulu_chain::types::Height;

/// Most transactions remembered; the oldest is forgotten first.
pub const RECENT_MAX: usize = 100_000;

/// A transaction this node queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queued {
    /// The last height it may be committed at.
    pub valid_until: Height,
    /// This node's height when it arrived.
    pub received_height: Height,
}

#[derive(Default)]
struct Table {
    by_id: BTreeMap<TransactionId, Queued>,
    oldest_first: VecDeque<TransactionId>,
}

/// The transactions this node queued lately.
#[derive(Default)]
pub struct Recent(Mutex<Table>);

impl Recent {
    /// Remembers a transaction; the first arrival counts.
    pub fn remember(&self, id: TransactionId, queued: Queued) -> Queued {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = table.by_id.get(&id) {
            return *first;
        }
        if table.oldest_first.len() == RECENT_MAX
            && let Some(oldest) = table.oldest_first.pop_front()
        {
            table.by_id.remove(&oldest);
        }
        table.by_id.insert(id, queued);
        table.oldest_first.push_back(id);
        queued
    }

    /// Looks a transaction up.
    pub fn get(&self, id: &TransactionId) -> Option<Queued> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).by_id.get(id).copied()
    }
}
