//! Liars: what a Byzantine department's node says in place of what an honest one would.
//!
//! A twin needs nothing here: it is two honest nodes with one key. The others run the production
//! replica too, and lie on the way out, always with their own key (nobody can forge another's).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use mulu_chain::block::{Block, CertifiedBlock};
use mulu_chain::certificate::{CommitSignature, ProposalStatement, VoteKind, VoteStatement};
use mulu_chain::digest::Digest;
use mulu_chain::signature::PublicKey;
use mulu_chain::types::{ChainId, Height};
use mulu_node::replica::signing::Signer;
use mulu_node::replica::wire::{PeerMessage, Signed as _, WireCheckpoint, WireProposal, WireVote};

use super::consortium::Consortium;
use super::plan::Behaviour;
use super::random::Random;

/// Messages remembered, to be said again at the wrong time.
const REMEMBERED_MAX: usize = 64;
/// Messages of one burst of a flood.
const BURST: usize = 40;
/// Blocks sent after a proposed one, to crowd it out: more than are kept of one sender.
const CROWD: u64 = 6;

/// A liar.
pub struct Liar {
    behaviour: Behaviour,
    /// Whether a liar about blocks never tells the truth.
    stubborn: bool,
    signer: Box<dyn Signer>,
    chain_id: ChainId,
    random: Random,
    remembered: VecDeque<Arc<PeerMessage>>,
    blocks: Vec<Digest>,
    /// Blocks of its own that it forged, and what they became.
    forgeries: BTreeMap<Digest, Digest>,
    validators: Vec<PublicKey>,
}

impl Liar {
    /// A liar with a key.
    pub fn new(
        behaviour: Behaviour,
        signer: Box<dyn Signer>,
        consortium: &Consortium,
        mut random: Random,
    ) -> Self {
        let departments = consortium.departments.iter().take(consortium.validators);
        Liar {
            behaviour,
            stubborn: behaviour == Behaviour::SyncLiar && random.chance(1, 2),
            signer,
            chain_id: consortium.chain_id().clone(),
            random,
            remembered: VecDeque::new(),
            blocks: Vec::new(),
            forgeries: BTreeMap::new(),
            validators: departments.map(|department| department.validator).collect(),
        }
    }

    /// What one peer is told where an honest node would say `message`.
    pub fn says(&mut self, message: &Arc<PeerMessage>) -> Vec<Arc<PeerMessage>> {
        self.remember(message);
        match self.behaviour {
            Behaviour::Twin => vec![message.clone()],
            Behaviour::Silent => match **message {
                // It is there, and says nothing of weight.
                PeerMessage::Status(_) => vec![message.clone()],
                _ => Vec::new(),
            },
            Behaviour::Mutator => self.mutate(message),
            Behaviour::SyncLiar => vec![self.lie_about_blocks(message)],
            Behaviour::Forger => vec![self.stand_by_forgery(message)],
            Behaviour::Flooder => self.crowd_out(message),
        }
    }

    /// A block that the others may have accepted is followed by many like it, and given to nobody
    /// who asks for it afterwards.
    fn crowd_out(&mut self, message: &Arc<PeerMessage>) -> Vec<Arc<PeerMessage>> {
        let mut says = vec![message.clone()];
        let proposal = match &**message {
            PeerMessage::Proposal(proposal) => proposal,
            PeerMessage::Blocks(_) => return vec![Arc::new(PeerMessage::Blocks(Vec::new()))],
            _ => return says,
        };
        let proposed = self.remembered.iter().rev().find_map(|message| match &**message {
            PeerMessage::Block(block) if block.id() == proposal.block => Some(block),
            _ => None,
        });
        for later in 1..=CROWD {
            let Some(mut block) = proposed.cloned() else { break };
            block.header.time_ms.0 += later;
            says.push(Arc::new(PeerMessage::Block(block)));
        }
        says
    }

    fn remember(&mut self, message: &Arc<PeerMessage>) {
        if let PeerMessage::Block(block) = &**message {
            self.blocks.push(block.id());
        }
        if self.remembered.len() >= REMEMBERED_MAX {
            self.remembered.pop_front();
        }
        self.remembered.push_back(message.clone());
    }

    fn mutate(&mut self, message: &Arc<PeerMessage>) -> Vec<Arc<PeerMessage>> {
        match self.random.below(10) {
            0..=3 => return vec![message.clone()],
            4 => return Vec::new(),
            5 => {
                let old = self.random.pick(&Vec::from(self.remembered.clone())).cloned();
                return [Some(message.clone()), old].into_iter().flatten().collect();
            }
            _ => {}
        }
        let lie = match &**message {
            PeerMessage::Vote(vote) => PeerMessage::Vote(self.other_vote(vote)),
            PeerMessage::Proposal(proposal) => PeerMessage::Proposal(self.other_proposal(proposal)),
            PeerMessage::Block(block) => {
                let mut block = block.clone();
                match self.random.below(5) {
                    0 => block.header.time_ms.0 += 1 + self.random.below(3_000),
                    1 if self.random.chance(1, 2) => block.header.time_ms.0 += 3_600_000,
                    1 => block.header.state_root = Digest::from_bytes([7; 32]),
                    _ if block.transactions.len() > 1 => block.transactions.reverse(),
                    _ => self.put_another_transaction(&mut block),
                }
                // Proposed by this liar, so it may name the other block as well.
                self.blocks.push(block.id());
                let proposal = self.remembered.iter().rev().find_map(|m| match &**m {
                    PeerMessage::Proposal(p) if p.height == block.header.height => Some(p.clone()),
                    _ => None,
                });
                let other = proposal.map(|p| self.signed(WireProposal { block: block.id(), ..p }));
                let other = other.map(|p| Arc::new(PeerMessage::Proposal(p)));
                let block = Arc::new(PeerMessage::Block(block));
                return [Some(block), other].into_iter().flatten().collect();
            }
            PeerMessage::Polka(polka) => {
                let mut polka = polka.clone();
                match self.random.below(3) {
                    0 => polka.round += 1,
                    1 => drop(polka.signatures.pop()),
                    _ => polka.signatures.extend(polka.signatures.first().copied()),
                }
                PeerMessage::Polka(polka)
            }
            PeerMessage::RoundCertificate(certificate) => {
                let mut certificate = certificate.clone();
                match self.random.below(3) {
                    0 => certificate.round += 1,
                    1 => certificate.precommits = !certificate.precommits,
                    _ => drop(certificate.votes.pop()),
                }
                PeerMessage::RoundCertificate(certificate)
            }
            PeerMessage::Status(height) => PeerMessage::Status(self.other_height(*height)),
            PeerMessage::Transactions(list) => {
                let mut list = list.clone();
                list.reverse();
                list.pop();
                PeerMessage::Transactions(list)
            }
            PeerMessage::BlocksRequest { from, .. } => {
                PeerMessage::BlocksRequest { from: self.other_height(*from), count: u32::MAX }
            }
            // The lobby's business; no replica says or hears these.
            PeerMessage::Petition(_)
            | PeerMessage::Pass(_)
            | PeerMessage::SnapshotRequest(_)
            | PeerMessage::SnapshotAnswer(_) => return Vec::new(),
            PeerMessage::Blocks(_) => (*self.lie_about_blocks(message)).clone(),
            // Nobody else's can be made, and its own is true.
            PeerMessage::Identity(_) => return vec![message.clone()],
            PeerMessage::Checkpoint(line) => {
                let root = Digest::sha256(line.root.as_bytes());
                let lie =
                    WireCheckpoint { root, validator: self.signer.public_key(), ..line.clone() };
                let signature = self.signer.sign(&lie.signed_bytes(&self.chain_id));
                PeerMessage::Checkpoint(WireCheckpoint { signature, ..lie })
            }
        };
        vec![Arc::new(lie)]
    }

    /// An own block becomes one that breaks a rule; its id decides which, so that everybody is told
    /// the same. Its proposal and the votes for it name the forgery.
    fn stand_by_forgery(&mut self, message: &Arc<PeerMessage>) -> Arc<PeerMessage> {
        let own = self.signer.public_key();
        let lie = match &**message {
            PeerMessage::Block(block) if block.header.proposer == Some(own) => {
                let id = block.id();
                let mut block = block.clone();
                let header = &mut block.header;
                let choice = id.as_bytes().last().map_or(0, |byte| byte % 6);
                match choice {
                    // Log entries hold the time: only of an empty block is it the one lie.
                    0..=2 if block.transactions.is_empty() => header.time_ms.0 -= 25_000,
                    3 if block.transactions.is_empty() => header.time_ms.0 += 3_600_000,
                    0..=2 => header.state_root = Digest::from_bytes([7; 32]),
                    3 | 4 => header.log_root = Digest::from_bytes([8; 32]),
                    _ => header.body = Digest::from_bytes([6; 32]),
                }
                self.forgeries.insert(id, block.id());
                PeerMessage::Block(block)
            }
            PeerMessage::Proposal(proposal) => match self.forgeries.get(&proposal.block) {
                Some(forged) => {
                    PeerMessage::Proposal(self.signed(WireProposal { block: *forged, ..*proposal }))
                }
                None => return message.clone(),
            },
            PeerMessage::Vote(vote) => {
                let forged = vote.block.and_then(|block| self.forgeries.get(&block));
                match forged.filter(|_| vote.validator == own) {
                    Some(forged) => {
                        let vote = WireVote { block: Some(*forged), ..vote.clone() };
                        PeerMessage::Vote(self.signed_vote(vote))
                    }
                    None => return message.clone(),
                }
            }
            _ => return message.clone(),
        };
        Arc::new(lie)
    }

    fn lie_about_blocks(&mut self, message: &Arc<PeerMessage>) -> Arc<PeerMessage> {
        match &**message {
            PeerMessage::Status(height) if self.stubborn => {
                Arc::new(PeerMessage::Status(Height(height.0 + 1_000)))
            }
            PeerMessage::Blocks(blocks) if self.stubborn => {
                let mut blocks = blocks.clone();
                blocks.iter_mut().for_each(|block| self.forge(block));
                Arc::new(PeerMessage::Blocks(blocks))
            }
            PeerMessage::Status(height) if self.random.chance(1, 3) => {
                Arc::new(PeerMessage::Status(self.other_height(*height)))
            }
            PeerMessage::Blocks(blocks) if !blocks.is_empty() => {
                let mut blocks = blocks.clone();
                let index = self.random.index(blocks.len());
                match self.random.below(11) {
                    10 => self.put_another_transaction(&mut blocks[index].block),
                    7.. => self.forge(&mut blocks[index]),
                    0 => drop(blocks.remove(index)),
                    1 => blocks.reverse(),
                    2 => blocks[index].block.transactions.clear(),
                    3 => blocks[index].block.header.time_ms.0 += 1,
                    4 => drop(blocks[index].certificate.signatures.pop()),
                    5 => blocks[index].certificate.round += 1,
                    _ => blocks.clear(),
                }
                Arc::new(PeerMessage::Blocks(blocks))
            }
            _ => message.clone(),
        }
    }

    /// The block says who decided it, and holds another transaction than it did.
    fn put_another_transaction(&mut self, block: &mut Block) {
        let others = self.remembered.iter().filter_map(|message| match &**message {
            PeerMessage::Transactions(list) => list.first().cloned(),
            PeerMessage::Block(block) => block.transactions.first().cloned(),
            _ => None,
        });
        let own = block.transactions.first();
        let others: Vec<_> = others.filter(|other| Some(other) != own).collect();
        if let (Some(first), Some(other)) =
            (block.transactions.first_mut(), self.random.pick(&others))
        {
            *first = other.clone();
        }
    }

    /// Another block with a certificate that only its author believes in: his own signature alone,
    /// or again and again, or under others' names.
    fn forge(&mut self, block: &mut CertifiedBlock) {
        block.block.header.time_ms.0 += 1;
        let certificate = &mut block.certificate;
        certificate.block = block.block.header.id();
        let statement = VoteStatement {
            chain_id: self.chain_id.clone(),
            height: certificate.height,
            round: certificate.round,
            kind: VoteKind::Precommit,
            block: Some(certificate.block),
        };
        let signature = self.signer.sign(&statement.signed_bytes());
        let own = CommitSignature { validator: self.signer.public_key(), signature };
        certificate.signatures = match self.random.below(3) {
            0 => vec![own],
            1 => vec![own; self.validators.len()],
            _ => {
                let named = |validator: &PublicKey| CommitSignature {
                    validator: *validator,
                    signature: own.signature,
                };
                self.validators.iter().map(named).collect()
            }
        };
    }

    fn other_height(&mut self, height: Height) -> Height {
        Height(match self.random.below(4) {
            0 => height.0.saturating_sub(1 + self.random.below(5)),
            1 => height.0 + 1 + self.random.below(5),
            2 => u64::MAX - self.random.below(3),
            _ => height.0 + 1_000_000,
        })
    }

    fn round_offset(&mut self) -> u32 {
        u32::try_from(self.random.below(14)).unwrap_or(0)
    }

    fn other_vote(&mut self, vote: &WireVote) -> WireVote {
        let mut vote = vote.clone();
        if self.random.chance(1, 6)
            && let Some(other) = self.random.pick(&self.validators)
        {
            // Another's name under our own signature.
            vote.validator = *other;
            return vote;
        }
        match self.random.below(5) {
            0 | 1 => {
                vote.block = match vote.block {
                    Some(_) => None,
                    None => self.random.pick(&self.blocks).copied(),
                }
            }
            2 => vote.round = vote.round.wrapping_add(1 + self.round_offset()),
            3 => vote.height.0 += self.random.below(4),
            _ => {
                vote.kind = match vote.kind {
                    VoteKind::Prevote => VoteKind::Precommit,
                    VoteKind::Precommit => VoteKind::Prevote,
                }
            }
        }
        self.signed_vote(vote)
    }

    fn signed_vote(&self, mut vote: WireVote) -> WireVote {
        let statement = VoteStatement {
            chain_id: self.chain_id.clone(),
            height: vote.height,
            round: vote.round,
            kind: vote.kind,
            block: vote.block,
        };
        vote.signature = self.signer.sign(&statement.signed_bytes());
        vote
    }

    fn other_proposal(&mut self, proposal: &WireProposal) -> WireProposal {
        let mut proposal = proposal.clone();
        match self.random.below(4) {
            0 => proposal.block = Digest::from_bytes([9; 32]),
            1 => {
                if let Some(block) = self.random.pick(&self.blocks) {
                    proposal.block = *block;
                }
            }
            2 => proposal.valid_round = Some(proposal.round.saturating_sub(1)),
            _ => proposal.round = proposal.round.wrapping_add(self.round_offset()),
        }
        self.signed(proposal)
    }

    fn signed(&self, mut proposal: WireProposal) -> WireProposal {
        let statement = ProposalStatement {
            chain_id: self.chain_id.clone(),
            height: proposal.height,
            round: proposal.round,
            block: proposal.block,
            valid_round: proposal.valid_round,
        };
        proposal.signature = self.signer.sign(&statement.signed_bytes());
        proposal
    }

    /// A burst that nobody asked for.
    pub fn junk(&mut self) -> Vec<Arc<PeerMessage>> {
        // Not its own block: whoever was made to forget it would have it again.
        let mut known = Vec::from(self.remembered.clone());
        let last = known.iter().rev().find_map(|message| match &**message {
            PeerMessage::Block(block) => Some(block.clone()),
            _ => None,
        });
        known.retain(|message| !matches!(**message, PeerMessage::Block(_)));
        let mut junk = Vec::new();
        for _ in 0..BURST {
            let Some(message) = self.random.pick(&known).cloned() else { break };
            junk.extend(self.mutate(&message));
        }
        if let Some(mut block) = last {
            for _ in 0..2 * BURST {
                block.header.time_ms.0 += 1;
                junk.push(Arc::new(PeerMessage::Block(block.clone())));
            }
        }
        junk.push(Arc::new(PeerMessage::BlocksRequest { from: Height(1), count: u32::MAX }));
        junk
    }
}
