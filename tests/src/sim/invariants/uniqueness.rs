//! No transaction is in the chain twice.

use std::collections::BTreeMap;

use mulu_chain::transaction::TransactionId;
use mulu_chain::types::Height;

use super::{Commit, Verdict, violated};

/// Where each transaction is.
#[derive(Debug, Default)]
pub struct Uniqueness {
    places: BTreeMap<TransactionId, (Height, usize)>,
}

impl Uniqueness {
    /// A node committed a block.
    pub fn on_commit(&mut self, commit: &Commit<'_>) -> Verdict {
        let height = commit.header().height;
        for (index, envelope) in commit.decided.block.block.transactions.iter().enumerate() {
            let place = (height, index);
            let known = *self.places.entry(envelope.id()).or_insert(place);
            if known != place {
                let what = format!("{} is at {known:?} and at {place:?}", envelope.id());
                return violated("no transaction twice", what);
            }
        }
        Ok(())
    }
}
