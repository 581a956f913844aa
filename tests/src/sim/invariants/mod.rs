//! What must hold, one invariant a file. They look at what nodes do, never into the replica.

pub mod acknowledged;
pub mod agreement;
pub mod auditor;
pub mod bounds;
pub mod certificates;
pub mod evidence;
pub mod locking;
pub mod order;
pub mod revoked;
pub mod roots;
pub mod signing;
pub mod time;
pub mod uniqueness;

use mulu_chain::block::Header;
use mulu_node::storage::Decided;

/// A broken invariant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: &'static str,
    /// What was seen.
    pub detail: String,
}

/// Whether an invariant holds.
pub type Verdict = Result<(), Violation>;

/// A block that an honest node committed.
#[derive(Debug, Clone, Copy)]
pub struct Commit<'a> {
    /// The node.
    pub node: usize,
    /// What it committed.
    pub decided: &'a Decided,
}

impl Commit<'_> {
    /// The block's header.
    pub fn header(&self) -> &Header {
        &self.decided.block.block.header
    }
}

pub(super) fn violated(invariant: &'static str, detail: String) -> Verdict {
    Err(Violation { invariant, detail })
}
