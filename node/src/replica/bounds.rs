//! How much the replica holds right now, so that a test can hold it against what it may hold.

use super::core::Replica;

/// Sizes of everything in the replica that others can make grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Transactions waiting.
    pub mempool_transactions: usize,
    /// Their bytes.
    pub mempool_bytes: usize,
    /// Undecided block bodies kept.
    pub candidates_bodies: usize,
    /// Proposals kept.
    pub candidates_proposals: usize,
    /// Proposals kept for rounds that the core does not take yet.
    pub candidates_proposals_far: usize,
    /// Fetched blocks kept ahead of the tip.
    pub sync_blocks: usize,
    /// Their bytes.
    pub sync_bytes: usize,
    /// Bytes in the vote log since it was last rewritten.
    pub log_bytes: u64,
    /// Frames noted for the vote log and not yet asked to be durable.
    pub log_frames_unpersisted: usize,
    /// Own transactions waiting to be pushed.
    pub transactions_to_push: usize,
    /// Signed statements remembered in order to notice a second one.
    pub evidence_statements: usize,
    /// Equivocations found and not yet on the chain.
    pub evidence_pending: usize,
    /// Lines under checkpoints kept.
    pub checkpoint_lines: usize,
    /// Connected peers.
    pub peers: usize,
}

impl Replica {
    /// What is held right now.
    pub fn bounds(&self) -> Bounds {
        let inner = &self.inner;
        Bounds {
            mempool_transactions: inner.mempool.len(),
            mempool_bytes: inner.mempool.bytes(),
            candidates_bodies: inner.candidates.bodies_len(),
            candidates_proposals: inner.candidates.proposals_len(),
            candidates_proposals_far: inner.candidates.far_len(),
            sync_blocks: inner.sync.blocks_len(),
            sync_bytes: inner.sync.bytes(),
            log_bytes: inner.log_bytes,
            log_frames_unpersisted: inner.unpersisted.len(),
            transactions_to_push: inner.to_push.len(),
            evidence_statements: inner.watch.statements_len(),
            evidence_pending: inner.watch.pending().len(),
            checkpoint_lines: inner.checkpoints.lines_len(),
            peers: inner.peers.len(),
        }
    }
}
