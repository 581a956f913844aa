//! Blocks that might be decided: bodies, proposals that name them, and our verdicts.

use std::collections::BTreeMap;

use arc_malachitebft_core_consensus as consensus;
use mulu_chain::block::BlockId;
use mulu_chain::types::Height;

use super::context::MuluContext;
use super::executor::Executed;
use super::io::VerifiedBlock;
use super::wire::WireProposal;

/// Most block bodies kept undecided, over all heights ahead.
const BODIES_MAX: usize = 24;
/// Most proposals kept, over all heights ahead.
const PROPOSALS_MAX: usize = 256;
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
}

/// All candidates.
#[derive(Debug, Default)]
pub struct Candidates {
    bodies: BTreeMap<BlockId, Candidate>,
    proposals: Vec<WireProposal>,
    /// Inputs recovered from the vote log, until they are fed to the core.
    pub replay: Vec<consensus::Input<MuluContext>>,
}

impl Candidates {
    /// Keeps a body, unless too many are kept; returns whether it is kept now.
    pub fn add_body(&mut self, verified: VerifiedBlock) -> Option<BlockId> {
        let id = verified.block.id();
        if !self.bodies.contains_key(&id) {
            if self.bodies.len() >= BODIES_MAX {
                return None;
            }
            let candidate = Candidate { verified, executed: None, judged: None, logged: false };
            self.bodies.insert(id, candidate);
        }
        Some(id)
    }

    /// Drops undecided bodies of a height whose block is now certified, so that it always fits.
    pub fn make_room(&mut self, height: Height) {
        if self.bodies.len() >= BODIES_MAX {
            self.bodies.retain(|_, c| c.verified.block.header.height > height);
        }
        if self.bodies.len() >= BODIES_MAX {
            self.bodies.clear();
        }
    }

    /// Keeps a proposal, unless it is known or too many are kept.
    pub fn add_proposal(&mut self, proposal: WireProposal) {
        if self.proposals.len() < PROPOSALS_MAX && !self.proposals.contains(&proposal) {
            self.proposals.push(proposal);
        }
    }

    /// Proposals for a height that name a block.
    pub fn proposals_for(&self, height: Height, block: &BlockId) -> Vec<WireProposal> {
        let names = |p: &&WireProposal| p.height == height && p.block == *block;
        self.proposals.iter().filter(names).cloned().collect()
    }

    /// Blocks that some proposal for this height names.
    pub fn proposed(&self, height: Height) -> Vec<BlockId> {
        self.proposals.iter().filter(|p| p.height == height).map(|p| p.block).collect()
    }

    /// A body.
    pub fn body(&self, id: &BlockId) -> Option<&Candidate> {
        self.bodies.get(id)
    }

    /// A body, to note a verdict.
    pub fn body_mut(&mut self, id: &BlockId) -> Option<&mut Candidate> {
        self.bodies.get_mut(id)
    }

    /// Whether anything is known of a height.
    pub fn has_height(&self, height: Height) -> bool {
        self.proposals.iter().any(|p| p.height == height)
            || self.bodies.values().any(|c| c.verified.block.header.height == height)
    }

    /// Forgets what is below the height that begins.
    pub fn begin_height(&mut self, height: Height) {
        self.bodies.retain(|_, c| c.verified.block.header.height >= height);
        self.proposals.retain(|p| p.height >= height);
    }
}
