//! Serving certified blocks to peers that are behind, within what one peer may ask.

use libp2p::PeerId;
use mulu_chain::codec;
use mulu_chain::types::{Height, TimeMs};

use super::core::{Inner, ReplicaError};
use super::io::Effect;
use super::wire::{FRAME_BYTES_MAX, PeerMessage, SYNC_BLOCKS_MAX};

/// Time in which a peer's requests are counted, in milliseconds.
pub const SERVE_INTERVAL_MS: u64 = 1_000;
/// Most requests answered to one peer in that time; a further one waits, and replaces the one that
/// waited: an honest peer has one under way.
pub const SERVE_REQUESTS_MAX: u32 = 32;
/// Bytes of answers to one peer in that time beyond which its next request waits.
pub const SERVE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Largest answer, in bytes, unless a single block is larger.
pub const SERVE_ANSWER_BYTES_MAX: usize = FRAME_BYTES_MAX / 2;

/// What one peer was served lately.
#[derive(Debug, Clone, Default)]
pub struct Served {
    since: TimeMs,
    requests: u32,
    bytes: usize,
    waiting: Option<(Height, u32)>,
}

impl Served {
    /// Whether another answer is in order.
    fn admits(&mut self, now: TimeMs) -> bool {
        if now.0.saturating_sub(self.since.0) >= SERVE_INTERVAL_MS {
            *self = Served { since: now, waiting: self.waiting, ..Served::default() };
        }
        self.requests < SERVE_REQUESTS_MAX && self.bytes < SERVE_BYTES_MAX
    }
}

impl Inner {
    /// Answers a peer that is behind, now or when its turn comes.
    pub(super) fn serve_blocks(
        &mut self,
        peer: PeerId,
        from: Height,
        count: u32,
    ) -> Result<(), ReplicaError> {
        let now = self.elapsed;
        let Some(known) = self.peers.get_mut(&peer) else { return Ok(()) };
        if !known.served.admits(now) {
            known.served.waiting = Some((from, count));
            return Ok(());
        }
        let mut blocks = Vec::new();
        let mut bytes = 0usize;
        let mut height = from;
        let wanted = usize::try_from(count).unwrap_or(usize::MAX).min(SYNC_BLOCKS_MAX);
        while blocks.len() < wanted && height <= self.tip.header.height && height.0 > 0 {
            let Some(block) = self.ledger.certified_block(height)? else { break };
            if mulu_chain::planted!("planted-nothing-served") {
                break;
            }
            bytes += codec::encode(&block).len();
            if !blocks.is_empty() && bytes > SERVE_ANSWER_BYTES_MAX {
                break;
            }
            blocks.push(block);
            height = height.next();
        }
        known.served.requests += 1;
        known.served.bytes += bytes;
        self.effects.push(Effect::Send(peer, Box::new(PeerMessage::Blocks(blocks))));
        Ok(())
    }

    /// Answers requests that had to wait.
    pub(super) fn serve_waiting(&mut self) -> Result<(), ReplicaError> {
        let waiting: Vec<_> = self
            .peers
            .iter_mut()
            .filter_map(|(id, peer)| Some((*id, peer.served.waiting.take()?)))
            .collect();
        for (peer, (from, count)) in waiting {
            self.serve_blocks(peer, from, count)?;
        }
        Ok(())
    }
}
