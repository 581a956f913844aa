//! What a vote or a proposal states, without its signature.

use mulu_chain::certificate::VoteKind;
use mulu_chain::digest::Digest;
use mulu_chain::signature::PublicKey;
use mulu_chain::types::Height;
use mulu_node::replica::wire::PeerMessage;

/// Which of the three things a validator signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A proposal.
    Proposal,
    /// A prevote.
    Prevote,
    /// A precommit.
    Precommit,
}

/// A signed statement's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// Who.
    pub validator: PublicKey,
    /// Height.
    pub height: Height,
    /// Round.
    pub round: u32,
    /// Step.
    pub step: Step,
    /// The block, or nil.
    pub block: Option<Digest>,
    /// A proposal's valid round.
    pub valid_round: Option<u32>,
}

impl Statement {
    /// What a message states, if it is a vote or a proposal.
    pub fn of(message: &PeerMessage) -> Option<Statement> {
        match message {
            PeerMessage::Vote(vote) => Some(Statement {
                validator: vote.validator,
                height: vote.height,
                round: vote.round,
                step: match vote.kind {
                    VoteKind::Prevote => Step::Prevote,
                    VoteKind::Precommit => Step::Precommit,
                },
                block: vote.block,
                valid_round: None,
            }),
            PeerMessage::Proposal(proposal) => Some(Statement {
                validator: proposal.proposer,
                height: proposal.height,
                round: proposal.round,
                step: Step::Proposal,
                block: Some(proposal.block),
                valid_round: proposal.valid_round,
            }),
            _ => None,
        }
    }
}
