//! Blocks in play: whose bodies must stay, because the core may yet lock or decide them.
//!
//! The core is told of a block once, that it is valid, and remembers it for the whole height: a
//! proposal that names the block again in a later round needs no second verdict. If the body were
//! gone by then, a quorum could lock and decide what no honest node can give to another. So a body
//! stays as long as the core has a proposal for it in the round under way or in a later one, and
//! no proposal for a known block whose body is gone reaches the core until the body is here again.
//! What is decided in an earlier round was locked by honest nodes, and what is locked stays.

use arc_malachitebft_core_types as core;
use core::Round;
use mulu_chain::block::BlockId;
use mulu_chain::types::Height;

use super::context::CoreHeight;
use super::core::Replica;
use super::proposals::ROUNDS_AHEAD_MAX;
use super::wire::WireProposal;

impl Replica {
    /// Notes which bodies must stay; the core has just taken an input.
    pub(super) fn note_in_play(&mut self) {
        let state = self.core.driver.round_state();
        let held = [state.locked.as_ref(), state.valid.as_ref()];
        let held = held.into_iter().flatten().map(|held| held.value.0);
        let height = self.inner.tip.header.height.next();
        let in_play = self.inner.candidates.ids().filter(|id| self.may_lock(height, id));
        self.inner.keep = held.chain(in_play).collect();
    }

    /// Whether the core may lock a block: it has a verdict and a proposal for a round in reach.
    fn may_lock(&self, height: Height, id: &BlockId) -> bool {
        let round = self.core_round().as_i64().max(0);
        (round..=round.saturating_add(ROUNDS_AHEAD_MAX)).any(|round| {
            let round = u32::try_from(round).map_or(Round::Nil, Round::new);
            self.is_full(height, round, id)
        })
    }

    fn is_full(&self, height: Height, round: Round, id: &BlockId) -> bool {
        let keeper = &self.core.full_proposal_keeper;
        let full = keeper.full_proposal_at_round_and_value(&CoreHeight(height), round, id);
        full.is_some_and(|full| full.validity.is_valid())
    }

    /// Whether the core was told that a block is valid, whatever became of its body.
    fn is_told(&self, height: Height, id: &BlockId) -> bool {
        let told = self.core.full_proposal_keeper.get_value_by_id(&CoreHeight(height), id);
        told.is_some_and(|(_, validity)| validity.is_valid())
    }

    /// Whether a proposal must wait for its body: the core would take the block for one that is
    /// here.
    pub(super) fn must_wait(&self, proposal: &WireProposal) -> bool {
        !self.inner.candidate_known(&proposal.block)
            && self.is_told(proposal.height, &proposal.block)
    }

    /// Whether a proposal may have waited so: the core knows the block, but not from this proposal.
    pub(super) fn has_waited(&self, proposal: &WireProposal) -> bool {
        self.is_told(proposal.height, &proposal.block)
            && !self.is_full(proposal.height, Round::new(proposal.round), &proposal.block)
    }
}
