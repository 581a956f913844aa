//! P10: a transaction that any node said was committed is, at the end, committed in the same place
//! with the same outcome on every honest node.

use std::collections::BTreeMap;

use mulu_chain::log::LogEntry;
use mulu_chain::transaction::TransactionId;
use mulu_node::storage::Ledger;

use super::{Commit, Verdict, violated};

/// What clients were told.
#[derive(Debug, Default)]
pub struct Acknowledged {
    entries: BTreeMap<TransactionId, LogEntry>,
}

impl Acknowledged {
    /// An honest node committed a block, and answers for it from now on.
    pub fn on_commit(&mut self, commit: &Commit<'_>) {
        for entry in &commit.decided.entries {
            self.entries.entry(entry.transaction).or_insert_with(|| entry.clone());
        }
    }

    /// Whether a client was told that this is committed.
    pub fn contains(&self, id: &TransactionId) -> bool {
        self.entries.contains_key(id)
    }

    /// Transactions acknowledged.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The run is over and every honest node has caught up.
    pub fn at_end(&self, node: usize, ledger: &Ledger) -> Verdict {
        for (id, entry) in &self.entries {
            let found = ledger.transaction(id);
            let same = found.as_ref().is_ok_and(|f| f.as_ref().is_some_and(|f| f.entry == *entry));
            if !same {
                let what = format!("node {node}: {id} was {entry:?}, now {found:?}");
                return violated("acknowledged stays", what);
            }
        }
        Ok(())
    }
}
