//! Catching up: asking peers for certified blocks and feeding them to the core in order.
//!
//! A certificate is verified by the core before a block is executed, so a lying peer costs time,
//! never safety: it is passed over for a while and another one is asked.

use std::collections::BTreeMap;

use arc_malachitebft_core_consensus as consensus;
use arc_malachitebft_core_types::{Round, Validity, ValueOrigin, ValueResponse};
use libp2p::PeerId;
use mulu_chain::block::BlockId;
use mulu_chain::certificate::CommitCertificate;
use mulu_chain::codec;
use mulu_chain::types::{Height, TimeMs};

use super::context::{Address, BlockRef, CoreHeight, MuluContext};
use super::convert;
use super::core::{Inner, Phase, Replica, ReplicaError};
use super::io::{Effect, VerifiedBlock};
use super::wire::{PeerMessage, SYNC_BLOCKS_MAX};

/// How long an asked peer may take, in milliseconds.
pub const REQUEST_MS_MAX: u64 = 5_000;
/// How long a peer that lied or stalled is passed over, in milliseconds.
pub const PASS_OVER_MS: u64 = 30_000;
/// How far behind by one block we must have been before asking, in milliseconds: the block is
/// usually about to be decided here too.
pub const ONE_BEHIND_MS: u64 = 700;
/// Most blocks kept ahead of the tip.
pub const BLOCKS_AHEAD_MAX: usize = 256;
/// Bytes of them beyond which no more are taken; the next answer may exceed it by a frame.
pub const BYTES_AHEAD_MAX: usize = 64 * 1024 * 1024;

/// A block on its way into the chain.
#[derive(Debug)]
struct Fetched {
    from: PeerId,
    verified: VerifiedBlock,
    certificate: CommitCertificate,
    bytes: usize,
}

/// What is asked for and what has come.
#[derive(Debug, Default)]
pub struct SyncState {
    blocks: BTreeMap<Height, Fetched>,
    asked: Option<(PeerId, TimeMs, Height)>,
    passed_over: BTreeMap<PeerId, TimeMs>,
    behind_since: Option<(Height, TimeMs)>,
    fed: Option<Height>,
}

impl SyncState {
    /// Forgets a peer that went away.
    pub fn forget(&mut self, peer: &PeerId) {
        if self.asked.is_some_and(|(asked, ..)| asked == *peer) {
            self.asked = None;
        }
    }

    /// Blocks kept ahead of the tip.
    pub fn blocks_len(&self) -> usize {
        self.blocks.len()
    }

    /// Their bytes.
    pub fn bytes(&self) -> usize {
        self.blocks.values().map(|fetched| fetched.bytes).sum()
    }

    fn is_full(&self) -> bool {
        self.blocks_len() >= BLOCKS_AHEAD_MAX || self.bytes() >= BYTES_AHEAD_MAX
    }

    /// Whether a peer lied or stalled lately.
    pub fn is_passed_over(&self, peer: &PeerId) -> bool {
        self.passed_over.contains_key(peer)
    }

    /// The core forgot what it was given.
    pub fn feed_again(&mut self) {
        self.fed = None;
    }

    /// Forgets what was committed.
    pub fn drop_up_to(&mut self, height: Height) {
        self.blocks.retain(|h, _| *h > height);
        self.fed = None;
    }

    /// A block's certificate or content was refused: pass over its sender.
    pub fn refuse(&mut self, height: Height) {
        if let Some(fetched) = self.blocks.remove(&height) {
            let liar = fetched.from;
            self.blocks.retain(|_, f| f.from != liar);
            if !mulu_chain::planted!("planted-liar-asked-again") {
                self.passed_over.insert(liar, TimeMs(0));
            }
        }
        self.fed = None;
    }
}

impl Replica {
    /// A peer told its height.
    pub(super) fn on_status(&mut self, from: PeerId, height: Height) -> Result<(), ReplicaError> {
        let inner = &mut self.inner;
        let Some(peer) = inner.peers.get_mut(&from) else { return Ok(()) };
        peer.height = height;
        peer.reported = true;
        inner.hear_heights();
        inner.request_blocks();
        if inner.listening { self.may_speak() } else { Ok(()) }
    }

    /// Blocks came.
    pub(super) fn on_sync_blocks(
        &mut self,
        from: PeerId,
        blocks: Vec<(VerifiedBlock, CommitCertificate)>,
    ) -> Result<(), ReplicaError> {
        let inner = &mut self.inner;
        let Some((_, _, first)) = inner.sync.asked.take_if(|(asked, ..)| *asked == from) else {
            return Ok(());
        };
        let mut expected = first;
        for (verified, certificate) in blocks {
            let height = verified.block.header.height;
            let fits = certificate.height == height
                && certificate.block == verified.block.id()
                && expected == height;
            if !fits {
                inner.sync.passed_over.insert(from, inner.elapsed);
                break;
            }
            expected = height.next();
            let wanted = height > inner.tip.header.height
                && !inner.sync.is_full()
                && !inner.sync.blocks.contains_key(&height);
            if wanted {
                let bytes = verified.block.size_bound();
                inner.sync.blocks.insert(height, Fetched { from, verified, certificate, bytes });
            }
        }
        if expected == first && !mulu_chain::planted!("planted-liar-asked-again") {
            // It has none of what it said it had.
            inner.sync.passed_over.insert(from, inner.elapsed);
        }
        let wanted = inner.undelivered.as_ref().map(|c| (c.height, c.block));
        if let Some((height, id)) = wanted
            && inner.candidate_from_sync(height, &id)
        {
            inner.deliver(&id)?;
        }
        inner.request_blocks();
        self.feed_sync()
    }

    /// Feeds the next fetched block to the core, if the core is ready for it.
    pub(super) fn feed_sync(&mut self) -> Result<(), ReplicaError> {
        let height = self.inner.tip.header.height.next();
        let ready = self.inner.phase != Phase::Committing && self.inner.sync.fed != Some(height);
        if !ready || !self.inner.sync.blocks.contains_key(&height) {
            return Ok(());
        }
        self.begin_certified_height()?;
        let Some(fetched) = self.inner.sync.blocks.get(&height) else { return Ok(()) };
        self.inner.sync.fed = Some(height);
        let peer = consensus::PeerId::from_bytes(&fetched.from.to_bytes());
        let Ok(peer) = peer else { return Ok(()) };
        let certificate = convert::commit_to_core(&fetched.certificate);
        // The body waits here; the core needs only the certificate.
        let id = codec::encode(&fetched.certificate.block);
        let response = ValueResponse::new(peer, id.into(), certificate);
        self.run_core(consensus::Input::SyncValueResponse(response))
    }
}

impl Inner {
    /// The core accepted a certificate: execute its block and tell the core.
    pub(super) fn on_certified_value(
        &mut self,
        response: &ValueResponse<MuluContext>,
        proposer: Address,
    ) -> Result<(), ReplicaError> {
        let height = response.certificate.height.0;
        let id = response.certificate.value_id;
        if !self.candidate_from_sync(height, &id) {
            self.sync.refuse(height);
            return Ok(());
        }
        if !self.execute_certified(&id)? {
            // The header commits to its transactions, so this is not the sender's doing.
            let reason = "a certified block does not execute to its own header on this node; the \
                          ledger may be damaged or this binary differs from the others"
                .to_owned();
            return Err(ReplicaError::Core { height, reason });
        }
        let value = consensus::ProposedValue {
            height: CoreHeight(height),
            round: response.certificate.round,
            valid_round: Round::Nil,
            proposer,
            value: BlockRef(id),
            validity: Validity::Valid,
        };
        self.deferred.push_back(consensus::Input::ProposedValue(value, ValueOrigin::Sync));
        Ok(())
    }

    /// Takes a fetched body among the candidates; returns whether it is there now.
    pub(super) fn candidate_from_sync(&mut self, height: Height, id: &BlockId) -> bool {
        if self.candidate_known(id) {
            return true;
        }
        let fetched = self.sync.blocks.get(&height).filter(|f| f.verified.block.id() == *id);
        let Some(verified) = fetched.map(|f| f.verified.clone()) else { return false };
        let keep = self.keep.clone();
        self.candidates.add_body(verified, None, &keep);
        true
    }

    /// Asks a peer for the next blocks, if we are behind and nothing is asked.
    pub(super) fn request_blocks(&mut self) {
        let now = self.elapsed;
        if mulu_chain::planted!("planted-sync-never-asks") {
            return;
        }
        if let Some((peer, since, _)) = self.sync.asked {
            // While fetched blocks are being committed, the answer may wait behind them.
            let busy = self.sync.blocks.contains_key(&self.tip.header.height.next());
            if busy || now.0.saturating_sub(since.0) < REQUEST_MS_MAX {
                return;
            }
            if mulu_chain::planted!("planted-sync-waits-for-ever") {
                return;
            }
            self.sync.asked = None;
            self.sync.passed_over.insert(peer, now);
        }
        for (_, since) in self.sync.passed_over.iter_mut() {
            if since.0 == 0 {
                *since = now;
            }
        }
        self.sync.passed_over.retain(|_, since| now.0.saturating_sub(since.0) < PASS_OVER_MS);
        let tip = self.tip.header.height;
        if self.sync.is_full() {
            if self.sync.blocks.contains_key(&tip.next()) {
                return;
            }
            // The one block that is wanted first would find no room.
            self.sync.blocks.clear();
        }
        let mut from = tip.next();
        while self.sync.blocks.contains_key(&from) {
            from = from.next();
        }
        let passed_over = &self.sync.passed_over;
        let best = self
            .peers
            .iter()
            .filter(|(id, peer)| peer.height >= from && !passed_over.contains_key(id))
            .max_by_key(|(_, peer)| peer.height);
        let Some((peer, best)) = best.map(|(id, peer)| (*id, peer.height)) else {
            self.sync.behind_since = None;
            return;
        };
        if best == tip.next() && self.undelivered.is_none() {
            match self.sync.behind_since {
                Some((height, since)) if height == tip => {
                    if now.0.saturating_sub(since.0) < ONE_BEHIND_MS {
                        return;
                    }
                }
                _ => {
                    self.sync.behind_since = Some((tip, now));
                    return;
                }
            }
        }
        self.sync.asked = Some((peer, now, from));
        let count = u32::try_from(SYNC_BLOCKS_MAX).unwrap_or(u32::MAX);
        let message = PeerMessage::BlocksRequest { from, count };
        self.effects.push(Effect::Send(peer, Box::new(message)));
    }
}
