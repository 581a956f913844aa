//! P1: no two honest nodes commit different blocks at a height.

use std::collections::BTreeMap;

use mulu_chain::block::BlockId;
use mulu_chain::types::Height;

use super::{Commit, Verdict, violated};

/// The block of each height, as the first honest node committed it.
#[derive(Debug, Default)]
pub struct Agreement {
    blocks: BTreeMap<Height, (usize, BlockId)>,
}

impl Agreement {
    /// An honest node committed a block.
    pub fn on_commit(&mut self, commit: &Commit<'_>) -> Verdict {
        let header = commit.header();
        let id = header.id();
        let (first, known) = *self.blocks.entry(header.height).or_insert((commit.node, id));
        if known == id {
            return Ok(());
        }
        violated(
            "agreement",
            format!(
                "nodes {first} and {} committed {known} and {id} at height {}",
                commit.node, header.height
            ),
        )
    }

    /// The highest height any honest node committed.
    pub fn height(&self) -> Height {
        self.blocks.keys().next_back().copied().unwrap_or_default()
    }

    /// Heights committed.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether nothing was committed.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }
}
