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
use super::wire::{WirePolka, WireProposal, WireVote};
use mulu_chain::signature::PublicKey;

/// A frame of the vote log.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum LogRecord {
    /// The log was lost or damaged; nothing may be signed until [`LogRecord::Resumed`].
    Doubt(String),
    /// Doubt ended: heights above this one are safe to vote on.
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
}

/// Longest reason for doubt, in bytes.
const DOUBT_BYTES_MAX: usize = 512;

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
        let reason: String = reason.chars().take(DOUBT_BYTES_MAX / 4).collect();
        LogRecord::Doubt(reason).to_frame()
    }
}

/// Whether we may vote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The log is whole.
    Sure,
    /// The log is in doubt.
    Doubt {
        /// Why.
        reason: String,
        /// Highest certified height any validator's node reported since the start.
        highest: Height,
        /// Whether enough validators reported to believe `highest`.
        heard_quorum: bool,
    },
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
        self.votes.get(&(vote.round.as_u32()?, vote.kind))
    }

    /// The proposal we made in this round, if any.
    pub fn earlier_proposal(
        &self,
        proposal: &CoreProposal,
    ) -> Option<&SignedProposal<MuluContext>> {
        self.proposals.get(&proposal.round.as_u32()?)
    }

    /// Why we must not vote at `height`, if so.
    pub fn abstains(&self, height: Height) -> Option<&str> {
        match &self.standing {
            Standing::Sure => None,
            Standing::Doubt { reason, highest, heard_quorum } => {
                // Having voted at a height means that a quorum precommitted the one before; an
                // honest node of that quorum may still report the height before that.
                let safe = *heard_quorum && height > highest.next().next();
                (!safe).then_some(reason.as_str())
            }
        }
    }
}

impl LogRecord {
    /// The height a record belongs to; a doubt belongs to none.
    pub fn height(&self) -> Height {
        match self {
            LogRecord::Doubt(_) => Height::GENESIS,
            LogRecord::Resumed(height) | LogRecord::Mark(height) => *height,
            LogRecord::Vote(vote) => vote.height,
            LogRecord::Proposal(proposal) => proposal.height,
            LogRecord::Polka(polka) => polka.height,
            LogRecord::Timeout { height, .. }
            | LogRecord::Value { height, .. }
            | LogRecord::Body { height, .. } => *height,
        }
    }
}
