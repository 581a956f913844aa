//! Equivocation: two things one validator signed for one step, with both signatures.
//!
//! Every verified statement of a set member is remembered for a while, also of heights that were
//! committed meanwhile. The second, other statement for the same step is an
//! equivocation; more say nothing new. What a Byzantine validator can make this remember is bounded per validator, so it
//! takes no room from the others.

use std::collections::BTreeMap;

use mulu_chain::certificate::VoteKind;
use mulu_chain::digest::Digest;
use mulu_chain::signature::PublicKey;
use mulu_chain::transaction::TransactionId;
use mulu_chain::types::{Height, TimeMs};
use mulu_contracts::evidence::{Equivocation, EvidenceStep, Statement};

use super::candidates::HEIGHTS_AHEAD_MAX;
use super::wire::{WireProposal, WireVote};

/// Committed heights for which statements still count.
pub const WATCH_HEIGHTS_BACK_MAX: u64 = 16;
/// Heights beyond the one under way for which they count already.
pub const WATCH_HEIGHTS_AHEAD_MAX: u64 = HEIGHTS_AHEAD_MAX;
/// Most statements remembered of one validator for one height: over it, its lowest round of a
/// height under way is forgotten, and nothing is added to a committed one.
pub const STATEMENTS_PER_HEIGHT_MAX: usize = 64;
/// Most equivocations of one validator that are kept until the chain knows them: the first ones
/// say all there is to say.
pub const EVIDENCE_PER_VALIDATOR_MAX: usize = 4;

/// Where a statement was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Height.
    pub height: Height,
    /// Who made it.
    pub validator: PublicKey,
    /// Round.
    pub round: u32,
    /// What it is.
    pub step: EvidenceStep,
}

/// What a statement is to those known before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The first for its step.
    New,
    /// The same again.
    Known,
    /// It contradicts the first one.
    Conflict,
    /// Its validator has said too much at this height to be remembered.
    Full,
}

/// Statements remembered and equivocations found.
#[derive(Debug, Default)]
pub struct Watch {
    statements: BTreeMap<(Height, PublicKey), BTreeMap<(u32, EvidenceStep), Statement>>,
    found: BTreeMap<(PublicKey, Place), Found>,
    total: u64,
}

/// An equivocation found.
#[derive(Debug, Clone)]
pub struct Found {
    /// It.
    pub equivocation: Equivocation,
    /// When it was found.
    pub since: TimeMs,
    /// The transaction that reports it and the height at which it was made, if one was.
    pub report: Option<(TransactionId, Height)>,
    /// The chain knows it. It is kept for a while, so that it is not found again.
    settled: bool,
}

/// What two statements for one step may differ in.
pub fn says(statement: &Statement) -> (Option<Digest>, Option<u32>) {
    (statement.block, statement.valid_round)
}

/// A vote's place and statement.
pub fn of_vote(vote: &WireVote) -> (Place, Statement) {
    let step = match vote.kind {
        VoteKind::Prevote => EvidenceStep::Prevote,
        VoteKind::Precommit => EvidenceStep::Precommit,
    };
    let WireVote { height, round, validator, block, signature, .. } = *vote;
    let statement = Statement { block, valid_round: None, signature };
    (Place { height, validator, round, step }, statement)
}

/// A proposal's place and statement.
pub fn of_proposal(proposal: &WireProposal) -> (Place, Statement) {
    let WireProposal { height, round, block, valid_round, proposer, signature } = *proposal;
    let statement = Statement { block: Some(block), valid_round, signature };
    (Place { height, validator: proposer, round, step: EvidenceStep::Proposal }, statement)
}

impl Watch {
    /// Remembers a verified statement of a validator of its height. `working` is the height under
    /// way.
    pub fn observe(
        &mut self,
        place: Place,
        statement: Statement,
        working: Height,
        now: TimeMs,
    ) -> Seen {
        let Place { height, validator, round, step } = place;
        let known = self.statements.entry((height, validator)).or_default();
        if let Some(first) = known.get(&(round, step)) {
            if says(first) == says(&statement) {
                return Seen::Known;
            }
            let first = first.clone();
            self.note(
                Equivocation { validator, height, round, step, first, second: statement },
                now,
            );
            return Seen::Conflict;
        }
        if known.len() >= STATEMENTS_PER_HEIGHT_MAX {
            if height < working {
                return Seen::Full;
            }
            known.pop_first();
        }
        known.insert((round, step), statement);
        Seen::New
    }

    fn note(&mut self, equivocation: Equivocation, now: TimeMs) {
        let Equivocation { validator, height, round, step, .. } = equivocation;
        let place = Place { height, validator, round, step };
        let of_validator = self.found.keys().filter(|(key, _)| *key == validator).count();
        if of_validator >= EVIDENCE_PER_VALIDATOR_MAX
            || self.found.contains_key(&(validator, place))
        {
            return;
        }
        self.total += 1;
        tracing::error!(
            %validator, %height, round, ?step, "a validator signed two things for one step"
        );
        let found = Found { equivocation, since: now, report: None, settled: false };
        self.found.insert((validator, place), found);
    }

    /// Equivocations that the chain does not know yet.
    pub fn pending(&self) -> Vec<Found> {
        self.found.values().filter(|found| !found.settled).cloned().collect()
    }

    /// Notes the transaction that reports an equivocation, and at which height it was made.
    pub fn reported(&mut self, equivocation: &Equivocation, report: TransactionId, at: Height) {
        if let Some(found) = self.get_mut(equivocation) {
            found.report = Some((report, at));
        }
    }

    /// The chain knows this equivocation, or takes it no more.
    pub fn settle(&mut self, equivocation: &Equivocation) {
        if let Some(found) = self.get_mut(equivocation) {
            found.settled = true;
        }
    }

    fn get_mut(&mut self, equivocation: &Equivocation) -> Option<&mut Found> {
        let Equivocation { validator, height, round, step, .. } = *equivocation;
        self.found.get_mut(&(validator, Place { height, validator, round, step }))
    }

    /// Forgets what is too old.
    pub fn begin_height(&mut self, working: Height) {
        let oldest = Height(working.0.saturating_sub(WATCH_HEIGHTS_BACK_MAX));
        self.statements.retain(|(height, _), _| *height >= oldest);
        self.found.retain(|(_, place), found| !found.settled || place.height >= oldest);
    }

    /// Equivocations found since the start.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Statements remembered.
    pub fn statements_len(&self) -> usize {
        self.statements.values().map(BTreeMap::len).sum()
    }
}
