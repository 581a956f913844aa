//! The signer guard: never two votes for one step, whatever was forgotten.
//!
//! The guard remembers every vote and proposal of the height under way, from the vote log. Asked
//! to sign something else for a step it has signed, it gives the old vote again: refusing would
//! stall the others, signing would be equivocation. When the log is in doubt the validator
//! abstains (promise P7): it may have signed what it no longer knows.

use std::collections::BTreeMap;

use arc_malachitebft_core_types::{SignedProposal, SignedVote, VoteType};
use bincode::{Decode, Encode};
use mulu_chain::codec;
use mulu_chain::types::Height;

use super::context::{CoreProposal, CoreVote, MuluContext};
use super::convert;
use super::evidence::{self, Place, says};
use super::standing::Standing;
use super::wire::{WirePolka, WireProposal, WireVote};
use mulu_chain::signature::PublicKey;
use mulu_contracts::evidence::{EvidenceStep, Statement};

/// A frame of the vote log.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum LogRecord {
    /// The log was lost or damaged; nothing may be signed until [`LogRecord::Resumed`].
    Doubt(String),
    /// Doubt ended: this height and those above are safe to vote on.
    Resumed(Height),
    /// A vote, ours or another's.
    Vote(WireVote),
    /// A proposal, ours or another's.
    Proposal(WireProposal),
    /// A quorum of prevotes.
    Polka(WirePolka),
    /// A timeout that elapsed: kind 0 propose, 1 prevote, 2 precommit.
    Timeout {
        /// Height under way.
        height: Height,
        /// Which step.
        kind: u8,
        /// Which round.
        round: u32,
    },
    /// A block we judged, with the verdict.
    Value {
        /// Height under way.
        height: Height,
        /// Round it was proposed in.
        round: u32,
        /// Its proposer in that round.
        proposer: PublicKey,
        /// The block.
        block: mulu_chain::block::BlockId,
        /// Our verdict.
        valid: bool,
    },
    /// The body of an undecided block, to serve it again after a restart.
    Body {
        /// Height under way.
        height: Height,
        /// The block's encoding.
        bytes: Vec<u8>,
    },
    /// This height was decided; a log that ends below the ledger's tip is an old copy.
    Mark(Height),
    /// Our key was seen where we did not use it; nothing may be signed until
    /// [`LogRecord::Cleared`].
    Alarm(String),
    /// An operator ended doubt or alarm.
    Cleared {
        /// Last height that was known then.
        height: Height,
        /// Why, in the operator's words.
        reason: String,
    },
}

/// Longest reason for doubt or alarm, in characters.
pub const REASON_CHARS_MAX: usize = 256;

impl LogRecord {
    /// The frame's bytes.
    pub fn to_frame(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads a frame whose checksum held.
    pub fn from_frame(frame: &[u8]) -> Result<Self, codec::CodecInvalid> {
        codec::decode::<_, { crate::vote_log::FRAME_BYTES_MAX }>(frame)
    }

    /// The frame that writes down a reason for doubt.
    pub fn doubt_frame(reason: &str) -> Vec<u8> {
        LogRecord::Doubt(reason.chars().take(REASON_CHARS_MAX).collect()).to_frame()
    }

    /// The record that writes down a reason for alarm.
    pub fn alarm(reason: &str) -> Self {
        LogRecord::Alarm(reason.chars().take(REASON_CHARS_MAX).collect())
    }

    /// The record by which an operator ends doubt or alarm.
    pub fn cleared(height: Height, reason: &str) -> Self {
        LogRecord::Cleared { height, reason: reason.chars().take(REASON_CHARS_MAX).collect() }
    }
}

/// The guard of one height.
#[derive(Debug)]
pub struct SignerGuard {
    votes: BTreeMap<(u32, VoteType), SignedVote<MuluContext>>,
    proposals: BTreeMap<u32, SignedProposal<MuluContext>>,
    /// Whether we may vote.
    pub standing: Standing,
}

impl SignerGuard {
    /// A guard that has signed nothing at this height.
    pub fn new(standing: Standing) -> Self {
        SignerGuard { votes: BTreeMap::new(), proposals: BTreeMap::new(), standing }
    }

    /// Forgets the last height's votes.
    pub fn begin_height(&mut self) {
        self.votes.clear();
        self.proposals.clear();
    }

    /// Remembers what the log says we signed.
    pub fn remember_vote(&mut self, vote: SignedVote<MuluContext>) {
        if let Some(round) = vote.message.round.as_u32() {
            self.votes.entry((round, vote.message.kind)).or_insert(vote);
        }
    }

    /// Remembers what the log says we proposed.
    pub fn remember_proposal(&mut self, proposal: SignedProposal<MuluContext>) {
        if let Some(round) = proposal.message.round.as_u32() {
            self.proposals.entry(round).or_insert(proposal);
        }
    }

    /// The vote we gave for this step, if any: it is given again, whatever is asked for now.
    pub fn earlier_vote(&self, vote: &CoreVote) -> Option<&SignedVote<MuluContext>> {
        if mulu_chain::planted!("planted-no-guard-no-replay") {
            return None;
        }
        self.votes.get(&(vote.round.as_u32()?, vote.kind))
    }

    /// The proposal we made in this round, if any.
    pub fn earlier_proposal(
        &self,
        proposal: &CoreProposal,
    ) -> Option<&SignedProposal<MuluContext>> {
        if mulu_chain::planted!("planted-no-guard-no-replay") {
            return None;
        }
        self.proposals.get(&proposal.round.as_u32()?)
    }

    /// Whether we signed this. `working` is the only height whose signatures are remembered.
    pub fn signed(&self, place: &Place, statement: &Statement, working: Height) -> bool {
        let vote = |kind| self.votes.get(&(place.round, kind));
        let ours = match place.step {
            EvidenceStep::Prevote => vote(VoteType::Prevote).and_then(convert::vote_to_wire),
            EvidenceStep::Precommit => vote(VoteType::Precommit).and_then(convert::vote_to_wire),
            EvidenceStep::Proposal => {
                let ours = self.proposals.get(&place.round).and_then(convert::proposal_to_wire);
                return place.height == working
                    && ours.is_some_and(|p| says(&evidence::of_proposal(&p).1) == says(statement));
            }
        };
        place.height == working
            && ours.is_some_and(|v| says(&evidence::of_vote(&v).1) == says(statement))
    }
}

impl LogRecord {
    /// The height a record belongs to; a doubt and an alarm belong to none.
    pub fn height(&self) -> Height {
        match self {
            LogRecord::Doubt(_) | LogRecord::Alarm(_) => Height::GENESIS,
            LogRecord::Resumed(height) | LogRecord::Mark(height) => *height,
            LogRecord::Vote(vote) => vote.height,
            LogRecord::Proposal(proposal) => proposal.height,
            LogRecord::Polka(polka) => polka.height,
            LogRecord::Timeout { height, .. }
            | LogRecord::Value { height, .. }
            | LogRecord::Cleared { height, .. }
            | LogRecord::Body { height, .. } => *height,
        }
    }
}
