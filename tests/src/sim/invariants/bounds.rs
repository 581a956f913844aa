//! Nothing a peer or client sends makes a node hold more than the named bounds allow.

use mulu_node::replica::bounds::Bounds;
use mulu_node::replica::mempool::{MEMPOOL_BYTES_MAX, MEMPOOL_TRANSACTIONS_MAX};
use mulu_node::vote_log::ROTATE_BYTES;

use super::{Verdict, violated};

/// Undecided bodies of eight senders, at most four of each, our own, and valid ones in play: two for
/// each of eleven rounds.
const BODIES_MAX: usize = 9 * 4 + 2 * 11;
/// Sixteen of each of at most seven proposers, for four heights.
const PROPOSALS_MAX: usize = 7 * 16 * 4;
/// Fetched blocks: the bound and one answer.
const SYNC_BLOCKS_MAX: usize = 256 + 64;

/// Whether a node holds no more than it may.
pub fn check(node: usize, held: &Bounds) -> Verdict {
    let within = held.mempool_transactions <= MEMPOOL_TRANSACTIONS_MAX
        && held.mempool_bytes <= MEMPOOL_BYTES_MAX
        && held.candidates_bodies <= BODIES_MAX
        && held.candidates_proposals <= PROPOSALS_MAX
        && held.sync_blocks <= SYNC_BLOCKS_MAX
        && held.log_bytes <= 2 * ROTATE_BYTES
        && held.log_frames_unpersisted <= 10_000
        && held.peers <= 16;
    if within { Ok(()) } else { violated("bounds", format!("node {node} holds {held:?}")) }
}
