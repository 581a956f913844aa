//! Blocks that might be decided: bodies, proposals that name them, and our verdicts.

use std::collections::{BTreeMap, BTreeSet};

use arc_malachitebft_core_consensus as consensus;
use libp2p::PeerId;
use mulu_chain::block::BlockId;
use mulu_chain::types::Height;

use super::context::MuluContext;
use super::executor::Executed;
use super::io::{Verified, VerifiedBlock};
use super::wire::WireProposal;

/// Most undecided bodies kept of one sender; over it, the sender's oldest is forgotten unless another
/// sent it too. Bodies this node built or recovered count as one sender's.
pub const BODIES_PER_SENDER_MAX: usize = 4;
/// Most proposals kept of one proposer for one round: two are equivocation, more say nothing new.
pub const PROPOSALS_PER_ROUND_MAX: usize = 2;
/// Most proposals kept of one proposer for one height; over it, its lowest round is forgotten.
pub const PROPOSALS_PER_PROPOSER_MAX: usize = 16;
/// Most proposals kept of one proposer for rounds that the core does not take yet; over it, its
/// oldest is forgotten.
pub const PROPOSALS_FAR_PER_PROPOSER_MAX: usize = 4;
/// Heights beyond the one under way for which bodies and proposals are kept; further ones come by
/// sync.
pub const HEIGHTS_AHEAD_MAX: u64 = 3;

/// A block body and what we think of it.
#[derive(Debug)]
pub struct Candidate {
    /// The block with its verified transactions.
    pub verified: VerifiedBlock,
    /// Its execution on the tip, once judged valid.
    pub executed: Option<Executed>,
    /// Whether the core was told a verdict.
    pub judged: Option<bool>,
    /// Whether the body is in the vote log.
    pub logged: bool,
    /// Who sent it, and when in the order of arrival.
    senders: BTreeMap<Option<PeerId>, u64>,
}

/// All candidates.
#[derive(Debug, Default)]
pub struct Candidates {
    bodies: BTreeMap<BlockId, Candidate>,
    next_number: u64,
    proposals: Vec<Verified<WireProposal>>,
    far: Vec<Verified<WireProposal>>,
    /// Inputs recovered from the vote log, until they are fed to the core.
    pub replay: Vec<consensus::Input<MuluContext>>,
}

impl Candidates {
    /// Keeps a body whose header commits to it, in place of its sender's oldest if that has many. A
    /// block in `keep` is never forgotten for another, nor one that somebody else sent as well: a
    /// flood costs nobody but its author.
    pub fn add_body(
        &mut self,
        verified: VerifiedBlock,
        from: Option<PeerId>,
        keep: &BTreeSet<BlockId>,
    ) -> BlockId {
        let id = verified.block.id();
        if self.bodies.get(&id).is_some_and(|known| known.senders.contains_key(&from)) {
            return id;
        }
        let of_sender = self.bodies.iter().filter(|(_, c)| c.senders.contains_key(&from));
        if of_sender.clone().count() >= BODIES_PER_SENDER_MAX
            && !mulu_chain::planted!("planted-bodies-unbounded")
        {
            let oldest = of_sender
                .filter(|(id, _)| !keep.contains(id))
                .min_by_key(|(_, c)| c.senders.get(&from))
                .map(|(id, _)| *id);
            if let Some(oldest) = oldest {
                self.forget_sender(&oldest, from);
            }
        }
        let number = self.next_number;
        self.next_number += 1;
        let candidate = self.bodies.entry(id).or_insert_with(|| Candidate {
            verified,
            executed: None,
            judged: None,
            logged: false,
            senders: BTreeMap::new(),
        });
        candidate.senders.insert(from, number);
        id
    }

    /// The body no longer counts as this sender's; nobody's is forgotten.
    fn forget_sender(&mut self, id: &BlockId, from: Option<PeerId>) {
        if let Some(candidate) = self.bodies.get_mut(id) {
            candidate.senders.remove(&from);
            if candidate.senders.is_empty() {
                self.bodies.remove(id);
            }
        }
    }

    /// Keeps a proposal.
    pub fn add_proposal(&mut self, proposal: Verified<WireProposal>) {
        if self.proposals.contains(&proposal) {
            return;
        }
        let of_proposer = |p: &&Verified<WireProposal>| {
            p.height == proposal.height && p.proposer == proposal.proposer
        };
        let in_round =
            self.proposals.iter().filter(of_proposer).filter(|p| p.round == proposal.round);
        if in_round.count() >= PROPOSALS_PER_ROUND_MAX {
            return;
        }
        if self.proposals.iter().filter(of_proposer).count() >= PROPOSALS_PER_PROPOSER_MAX {
            let lowest = self.proposals.iter().filter(of_proposer).map(|p| p.round).min();
            self.proposals.retain(|p| !(of_proposer(&p) && Some(p.round) == lowest));
        }
        self.proposals.push(proposal);
    }

    /// Keeps a proposal for a round that the core does not take yet.
    pub fn add_far(&mut self, proposal: Verified<WireProposal>) {
        if self.far.contains(&proposal) {
            return;
        }
        let of_proposer = |p: &Verified<WireProposal>| p.proposer == proposal.proposer;
        if self.far.iter().filter(|p| of_proposer(p)).count() >= PROPOSALS_FAR_PER_PROPOSER_MAX
            && let Some(oldest) = self.far.iter().position(of_proposer)
        {
            self.far.remove(oldest);
        }
        self.far.push(proposal);
    }

    /// Takes those of them that are in reach now.
    pub fn take_near(&mut self, height: Height, round_max: i64) -> Vec<Verified<WireProposal>> {
        let near =
            |p: &mut Verified<WireProposal>| p.height == height && i64::from(p.round) <= round_max;
        self.far.extract_if(.., near).collect()
    }

    /// Proposals for a height that name a block.
    pub fn proposals_for(&self, height: Height, block: &BlockId) -> Vec<Verified<WireProposal>> {
        let names = |p: &&Verified<WireProposal>| p.height == height && p.block == *block;
        self.proposals.iter().filter(names).cloned().collect()
    }

    /// Proposals for a height.
    pub fn proposals(&self, height: Height) -> Vec<Verified<WireProposal>> {
        self.proposals.iter().filter(|p| p.height == height).cloned().collect()
    }

    /// A body.
    pub fn body(&self, id: &BlockId) -> Option<&Candidate> {
        self.bodies.get(id)
    }

    /// A body, to note a verdict.
    pub fn body_mut(&mut self, id: &BlockId) -> Option<&mut Candidate> {
        self.bodies.get_mut(id)
    }

    /// The core was told nothing of any body.
    pub fn forget_verdicts(&mut self) {
        self.bodies.values_mut().for_each(|candidate| candidate.judged = None);
    }

    /// The ids of all bodies kept.
    pub fn ids(&self) -> impl Iterator<Item = BlockId> {
        self.bodies.keys().copied()
    }

    /// Whether a proposal for this height is known.
    pub fn has_proposal(&self, height: Height) -> bool {
        self.proposals.iter().any(|p| p.height == height)
    }

    /// How many bodies are kept.
    pub fn bodies_len(&self) -> usize {
        self.bodies.len()
    }

    /// How many proposals are kept.
    pub fn proposals_len(&self) -> usize {
        self.proposals.len()
    }

    /// How many proposals wait for their round to come near.
    pub fn far_len(&self) -> usize {
        self.far.len()
    }

    /// Forgets what is below the height that begins.
    pub fn begin_height(&mut self, height: Height) {
        self.bodies.retain(|_, c| c.verified.block.header.height >= height);
        self.proposals.retain(|p| p.height >= height);
        self.far.retain(|p| p.height >= height);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
