//! Every node commits each height once and in order, and a restart never takes back what was
//! committed, unless its disk did.

use std::collections::BTreeMap;

use mulu_chain::types::Height;

use super::{Commit, Verdict, violated};

/// The last height of each node.
#[derive(Debug, Default)]
pub struct Order {
    last: BTreeMap<usize, Height>,
}

impl Order {
    /// A node committed a block.
    pub fn on_commit(&mut self, commit: &Commit<'_>) -> Verdict {
        let height = commit.header().height;
        let last = self.last.insert(commit.node, height).unwrap_or_default();
        if height == last.next() {
            return Ok(());
        }
        violated("order", format!("node {} committed {height} after {last}", commit.node))
    }

    /// A node opened its ledger; `forgot` says whether its disk lost or went back on its own.
    pub fn on_open(&mut self, node: usize, height: Height, forgot: bool) -> Verdict {
        let last = self.last.insert(node, height).unwrap_or_default();
        if forgot || height == last {
            return Ok(());
        }
        violated("order", format!("node {node} had committed {last} and opens at {height}"))
    }
}
