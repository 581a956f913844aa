//! The seam to Malachite's core: every effect it may ask for, and how proposals meet their blocks.

use arc_malachitebft_core_consensus as consensus;
use arc_malachitebft_core_types as core;
use consensus::{Effect as CoreEffect, Resumable as _, Resume};
use core::{Round, RoundCertificateType, SignedProposal, SignedVote, TimeoutKind, Validity};
use core::{ValueOrigin, Vote as _};
use libp2p::PeerId;
use mulu_chain::block::{Block, BlockId};
use mulu_chain::codec;
use mulu_chain::limits::HEADER_BYTES_MAX;
use mulu_chain::types::Height;
use mulu_contracts::transaction::Transaction;

use super::candidates::HEIGHTS_AHEAD_MAX;
use super::context::{Address, BlockRef, CoreHeight, CoreProposal, CoreVote, MuluContext};
use super::convert;
use super::core::{Inner, Phase, Replica, ReplicaError};
use super::executor::{self, BlockRejection, ExecutionError};
use super::guard::LogRecord;
use super::io::{Effect, Timer, VerifiedBlock};
use super::wire::{PeerMessage, WireProposal};

/// Oldest a freshly proposed block may be when it is judged. A block that a quorum prevoted before
/// (it comes with a valid round) is never too old, or a lock could stall the chain.
const BLOCK_AGE_MS_MAX: u64 = 30_000;

/// Rounds ahead of the core's for which it takes messages.
const ROUNDS_AHEAD_MAX: i64 = 10;

type CoreInput = consensus::Input<MuluContext>;

impl Replica {
    /// A proposal from a peer.
    pub(super) fn on_proposal(&mut self, proposal: &WireProposal) -> Result<(), ReplicaError> {
        let working = self.inner.tip.header.height.next();
        if proposal.height < working || proposal.height.0 > working.0 + HEIGHTS_AHEAD_MAX {
            return Ok(());
        }
        let signed = convert::proposal_to_core(proposal);
        if proposal.height > working {
            // Whose turn it will be is not known yet; that a validator signed it is.
            if self.inner.signed_by_validator(&signed) {
                self.inner.candidates.add_proposal(proposal.clone());
                return self.run_core(CoreInput::Proposal(signed));
            }
            return Ok(());
        }
        if i64::from(proposal.round) > self.core_round().as_i64() + ROUNDS_AHEAD_MAX {
            return Ok(());
        }
        if !self.inner.proposal_verifies(&signed) {
            return Ok(());
        }
        self.begin_height()?;
        self.inner.candidates.add_proposal(proposal.clone());
        self.run_core(CoreInput::Proposal(signed))?;
        self.consider(&proposal.block)
    }

    /// A block body from a peer.
    pub(super) fn on_block(
        &mut self,
        from: PeerId,
        verified: VerifiedBlock,
    ) -> Result<(), ReplicaError> {
        let working = self.inner.tip.header.height.next();
        let height = verified.block.header.height;
        if height < working || height.0 > working.0 + HEIGHTS_AHEAD_MAX {
            return Ok(());
        }
        let keep = self.inner.keep.clone();
        let id = self.inner.candidates.add_body(verified, Some(from), &keep);
        self.inner.deliver(&id)?;
        // A body alone begins nothing: anyone can send one. Its proposal does.
        if height > working || self.inner.phase != Phase::Working {
            return Ok(());
        }
        self.consider(&id)
    }

    /// Feeds the core what is known of the height that just began, and judges it.
    pub(super) fn consider_all(&mut self) -> Result<(), ReplicaError> {
        let height = self.inner.tip.header.height.next();
        for proposal in self.inner.candidates.proposals(height) {
            let signed = convert::proposal_to_core(&proposal);
            if self.inner.proposal_verifies(&signed) {
                self.run_core(CoreInput::Proposal(signed))?;
                self.consider(&proposal.block)?;
            }
        }
        Ok(())
    }

    /// Tells the core of a block once both its body and a proposal for it are here.
    fn consider(&mut self, id: &BlockId) -> Result<(), ReplicaError> {
        let height = self.inner.tip.header.height.next();
        for proposal in self.inner.candidates.proposals_for(height, id) {
            let signed = convert::proposal_to_core(&proposal);
            if !self.inner.candidate_known(id) || !self.inner.proposal_verifies(&signed) {
                continue;
            }
            let fresh = proposal.valid_round.is_none();
            let already = self.inner.candidates.body(id).and_then(|c| c.judged);
            // A verdict stands, except that a block once too old may come back with a quorum.
            let valid = match already {
                Some(true) => continue,
                Some(false) if fresh => continue,
                _ => self.inner.judge(id, fresh)?,
            };
            let value = consensus::ProposedValue {
                height: CoreHeight(height),
                round: Round::new(proposal.round),
                valid_round: Round::from(proposal.valid_round),
                proposer: Address(proposal.proposer),
                value: BlockRef(*id),
                validity: Validity::from_bool(valid),
            };
            self.run_core(CoreInput::ProposedValue(value, ValueOrigin::Consensus))?;
        }
        Ok(())
    }
}

impl Inner {
    fn signed_by_validator(&self, signed: &SignedProposal<MuluContext>) -> bool {
        let proposal = &signed.message;
        let key = proposal.proposer.0;
        self.validators.chain_set().get(&key).is_some()
            && convert::proposal_verifies(&self.chain_id, proposal, &key, &signed.signature)
    }

    fn proposal_verifies(&self, signed: &SignedProposal<MuluContext>) -> bool {
        let proposal = &signed.message;
        let round = proposal.round.as_u32().unwrap_or(0);
        let set = self.validators.chain_set();
        let turn = set.proposer(proposal.height, round).map(|v| v.public_key);
        turn == Some(proposal.proposer.0)
            && convert::proposal_verifies(
                &self.chain_id,
                proposal,
                &proposal.proposer.0,
                &signed.signature,
            )
    }

    /// Executes a candidate and notes the verdict; its body is logged before the core may vote.
    fn judge(&mut self, id: &BlockId, fresh: bool) -> Result<bool, ReplicaError> {
        let Some(candidate) = self.candidates.body(id) else { return Ok(false) };
        let header = &candidate.verified.block.header;
        let (time, parent) = (header.time_ms, self.tip.header.time_ms);
        let drift = mulu_contracts::state::params(&self.ledger)
            .map_err(ExecutionError::State)?
            .block_time_drift_ms;
        let too_new = time.0 > self.now.0.saturating_add(drift);
        let too_old = fresh && time.0.saturating_add(BLOCK_AGE_MS_MAX) < self.now.0;
        let verdict = if too_new || too_old {
            Err(BlockRejection::Time { parent, found: time, now: self.now })
        } else if candidate.executed.is_some() {
            Ok(None)
        } else {
            let VerifiedBlock { block, transactions } = &candidate.verified;
            executor::judge(&self.ledger, &self.tip, block, transactions)?.map(Some)
        };
        let valid = verdict.is_ok();
        match verdict {
            Ok(Some(executed)) => {
                if let Some(candidate) = self.candidates.body_mut(id) {
                    candidate.executed = Some(executed);
                }
            }
            Ok(None) => {}
            Err(rejection) => tracing::warn!(block = %id, %rejection, "refusing a proposed block"),
        }
        if let Some(candidate) = self.candidates.body_mut(id) {
            candidate.judged = Some(valid);
        }
        if valid {
            self.log_body(id);
        }
        Ok(valid)
    }

    /// Writes a body into the vote log once, so that it can be served again after a restart.
    fn log_body(&mut self, id: &BlockId) {
        let Some(candidate) = self.candidates.body_mut(id).filter(|c| !c.logged) else { return };
        candidate.logged = true;
        let block = &candidate.verified.block;
        let record = LogRecord::Body { height: block.header.height, bytes: codec::encode(block) };
        self.log(&record);
    }

    /// Builds the block this node proposes in `round`, if it has not proposed one already.
    pub(super) fn propose(&mut self, round: Round) -> Result<Option<CoreInput>, ReplicaError> {
        let height = self.tip.header.height.next();
        let Some(key) = self.key.as_ref().map(|k| k.public_key()) else { return Ok(None) };
        let placeholder = CoreProposal {
            height,
            round,
            block: BlockRef(BlockId::ZERO),
            valid_round: Round::Nil,
            proposer: Address(key),
        };
        if self.guard.earlier_proposal(&placeholder).is_some() {
            return Ok(None);
        }
        let params = mulu_contracts::state::params(&self.ledger).map_err(ExecutionError::State)?;
        let bytes_max = usize::try_from(params.block_bytes_max).unwrap_or(usize::MAX);
        let transactions = self.mempool.select(
            usize::try_from(params.block_transactions_max).unwrap_or(usize::MAX),
            bytes_max.saturating_sub(HEADER_BYTES_MAX),
        );
        let executed = executor::build(&self.ledger, &self.tip, self.now, key, &transactions)?;
        let block = executed.block.clone();
        let kept: Vec<Transaction> = block
            .transactions
            .iter()
            .filter_map(|envelope| self.mempool.get(&envelope.id()).cloned())
            .collect();
        let verified = VerifiedBlock { block: block.clone(), transactions: kept };
        let keep = self.keep.clone();
        let id = self.candidates.add_body(verified, None, &keep);
        if let Some(candidate) = self.candidates.body_mut(&id) {
            candidate.executed = Some(executed);
            candidate.judged = Some(true);
        }
        self.log_body(&id);
        self.persist();
        self.broadcast(PeerMessage::Block(block));
        let value = consensus::LocallyProposedValue::new(CoreHeight(height), round, BlockRef(id));
        Ok(Some(CoreInput::Propose(value)))
    }

    /// Performs or notes one effect of the core.
    pub(super) fn on_effect(
        &mut self,
        effect: CoreEffect<MuluContext>,
    ) -> Result<Resume<MuluContext>, ReplicaError> {
        // The core goes on after a failed effect as if nothing had been asked; we must not.
        let result = self.try_effect(effect);
        if let Err(error) = &result {
            let height = self.tip.header.height.next();
            self.fatal = Some(ReplicaError::Core { height, reason: error.to_string() });
        }
        result
    }

    fn try_effect(
        &mut self,
        effect: CoreEffect<MuluContext>,
    ) -> Result<Resume<MuluContext>, ReplicaError> {
        Ok(match effect {
            CoreEffect::CancelAllTimeouts(resume) => {
                self.effects.push(Effect::CancelConsensusTimers);
                resume.resume_with(())
            }
            CoreEffect::CancelTimeout(timeout, resume) => {
                let height = self.tip.header.height.next();
                self.effects.push(Effect::Cancel(Timer::Consensus(height, timeout)));
                resume.resume_with(())
            }
            CoreEffect::ScheduleTimeout(timeout, resume) => {
                let after = self.config.timeouts.duration_for(timeout);
                self.schedule(Timer::Consensus(self.tip.header.height.next(), timeout), after);
                resume.resume_with(())
            }
            CoreEffect::StartRound(_, round, _, _, resume) => {
                self.round = round.as_u32();
                resume.resume_with(())
            }
            CoreEffect::PublishConsensusMsg(message, resume) => {
                let message = match &message {
                    consensus::SignedConsensusMsg::Vote(vote) => {
                        convert::vote_to_wire(vote).map(PeerMessage::Vote)
                    }
                    consensus::SignedConsensusMsg::Proposal(proposal) => {
                        convert::proposal_to_wire(proposal).map(PeerMessage::Proposal)
                    }
                };
                self.publish(message);
                resume.resume_with(())
            }
            CoreEffect::PublishLivenessMsg(message, resume) => {
                let message = match &message {
                    consensus::LivenessMsg::Vote(vote) => {
                        convert::vote_to_wire(vote).map(PeerMessage::Vote)
                    }
                    consensus::LivenessMsg::PolkaCertificate(polka) => {
                        convert::polka_to_wire(polka).map(PeerMessage::Polka)
                    }
                    consensus::LivenessMsg::SkipRoundCertificate(certificate) => {
                        convert::round_to_wire(certificate).map(PeerMessage::RoundCertificate)
                    }
                };
                self.publish(message);
                resume.resume_with(())
            }
            CoreEffect::RepublishVote(vote, resume) => {
                self.publish(convert::vote_to_wire(&vote).map(PeerMessage::Vote));
                resume.resume_with(())
            }
            CoreEffect::RepublishRoundCertificate(certificate, resume) => {
                let message = convert::round_to_wire(&certificate);
                self.publish(message.map(PeerMessage::RoundCertificate));
                resume.resume_with(())
            }
            CoreEffect::GetValue(_, round, _, resume) => {
                self.value_wanted = Some(round);
                resume.resume_with(())
            }
            CoreEffect::RestreamProposal(_, _, _, _, id, resume) => {
                let body = self.candidates.body(&id).map(|c| c.verified.block.clone());
                self.publish(body.map(PeerMessage::Block));
                resume.resume_with(())
            }
            CoreEffect::SignVote(vote, resume) => resume.resume_with(self.sign_vote(vote)?),
            CoreEffect::SignProposal(proposal, resume) => {
                resume.resume_with(self.sign_proposal(proposal)?)
            }
            CoreEffect::VerifySignature(message, key, resume) => {
                let valid = match &message.message {
                    consensus::ConsensusMsg::Vote(vote) => {
                        convert::vote_verifies(&self.chain_id, vote, &key, &message.signature)
                    }
                    consensus::ConsensusMsg::Proposal(proposal) => {
                        let signature = &message.signature;
                        convert::proposal_verifies(&self.chain_id, proposal, &key, signature)
                    }
                };
                resume.resume_with(valid)
            }
            CoreEffect::VerifyCommitCertificate(certificate, set, params, resume) => {
                let votes = certificate.commit_signatures.iter().map(|s| {
                    let block = core::NilOrVal::Val(certificate.value_id);
                    let (height, round) = (certificate.height.0, certificate.round);
                    (precommit(height, round, block, s.address), s.signature)
                });
                resume.resume_with(convert::verify_votes(
                    &self.chain_id,
                    &set,
                    params.quorum,
                    votes,
                ))
            }
            CoreEffect::VerifyExtendedCommitCertificate(certificate, set, params, _, resume) => {
                let votes = certificate.commit_signatures.iter().map(|s| {
                    let block = core::NilOrVal::Val(certificate.value_id);
                    let (height, round) = (certificate.height.0, certificate.round);
                    (precommit(height, round, block, s.address), s.signature)
                });
                resume.resume_with(convert::verify_votes(
                    &self.chain_id,
                    &set,
                    params.quorum,
                    votes,
                ))
            }
            CoreEffect::VerifyPolkaCertificate(certificate, set, params, resume) => {
                let votes = certificate.polka_signatures.iter().map(|s| {
                    let block = core::NilOrVal::Val(certificate.value_id);
                    let kind = core::VoteType::Prevote;
                    let (height, round) = (certificate.height.0, certificate.round);
                    let vote = CoreVote { height, round, kind, block, validator: s.address };
                    (vote, s.signature)
                });
                resume.resume_with(convert::verify_votes(
                    &self.chain_id,
                    &set,
                    params.quorum,
                    votes,
                ))
            }
            CoreEffect::VerifyRoundCertificate(certificate, set, params, resume) => {
                let precommits = certificate.cert_type == RoundCertificateType::Precommit;
                let mixed = certificate
                    .round_signatures
                    .iter()
                    .find(|s| precommits && s.vote_type == core::VoteType::Prevote);
                let verdict = match mixed {
                    Some(s) => Err(core::CertificateError::InvalidVoteType(s.address)),
                    None => {
                        let threshold = if precommits { params.quorum } else { params.honest };
                        let votes = certificate.round_signatures.iter().map(|s| {
                            let (height, round) = (certificate.height.0, certificate.round);
                            let (kind, block) = (s.vote_type, s.value_id);
                            let validator = s.address;
                            (CoreVote { height, round, kind, block, validator }, s.signature)
                        });
                        convert::verify_votes(&self.chain_id, &set, threshold, votes)
                    }
                };
                resume.resume_with(verdict)
            }
            CoreEffect::WalAppend(height, input, resume) => {
                self.log_input(height.0, &input);
                resume.resume_with(())
            }
            CoreEffect::CertVerifiedSyncValue(response, proposer, resume) => {
                self.on_certified_value(&response, proposer)?;
                resume.resume_with(())
            }
            CoreEffect::CertRejectedSyncValue(_, height, error, resume) => {
                tracing::warn!(%height, %error, "a peer sent a block with an invalid certificate");
                self.sync.refuse(height.0);
                resume.resume_with(())
            }
            CoreEffect::Decide(certificate, _, resume) => {
                self.on_decide(&certificate)?;
                resume.resume_with(())
            }
            CoreEffect::Finalize(_, _, evidence, resume) => {
                if !evidence.is_empty() {
                    let votes: usize = evidence.votes.iter().map(|(_, pairs)| pairs.len()).sum();
                    let proposals: usize =
                        evidence.proposals.iter().map(|(_, pairs)| pairs.len()).sum();
                    self.equivocations += (votes + proposals) as u64;
                    tracing::error!(?evidence, "equivocation was observed at this height");
                }
                resume.resume_with(())
            }
            CoreEffect::ExtendVote(_, _, _, _, resume) => resume.resume_with(None),
            CoreEffect::VerifyVoteExtension(_, _, _, _, _, _, resume) => {
                resume.resume_with(Err(consensus::VoteExtensionError::InvalidVoteExtension))
            }
        })
    }

    /// Whatever is said rests on the log: that goes to disk first.
    fn publish(&mut self, message: Option<PeerMessage>) {
        if let Some(message) = message {
            self.persist();
            self.broadcast(message);
        }
    }

    fn sign_vote(&mut self, vote: CoreVote) -> Result<SignedVote<MuluContext>, ReplicaError> {
        if let Some(earlier) = self.guard.earlier_vote(&vote) {
            if earlier.message != vote {
                tracing::warn!(height = %vote.height, round = %vote.round, "giving the earlier vote again");
            }
            return Ok(earlier.clone());
        }
        let statement = vote.statement(&self.chain_id);
        let (Some(key), Some(statement)) = (&self.key, statement) else {
            return Err(self.cannot_sign(vote.height()));
        };
        let signed = SignedVote::new(vote, key.sign(&statement.signed_bytes()));
        self.guard.remember_vote(signed.clone());
        Ok(signed)
    }

    fn sign_proposal(
        &mut self,
        proposal: CoreProposal,
    ) -> Result<SignedProposal<MuluContext>, ReplicaError> {
        if let Some(earlier) = self.guard.earlier_proposal(&proposal) {
            return Ok(earlier.clone());
        }
        let statement = proposal.statement(&self.chain_id);
        let (Some(key), Some(statement)) = (&self.key, statement) else {
            return Err(self.cannot_sign(CoreHeight(proposal.height)));
        };
        let signed = SignedProposal::new(proposal, key.sign(&statement.signed_bytes()));
        self.guard.remember_proposal(signed.clone());
        Ok(signed)
    }

    fn cannot_sign(&self, height: CoreHeight) -> ReplicaError {
        let reason = "the core asked an observer to sign".to_owned();
        ReplicaError::Core { height: height.0, reason }
    }

    fn log_input(&mut self, height: Height, input: &CoreInput) {
        let record = match input {
            CoreInput::Vote(vote) => convert::vote_to_wire(vote).map(LogRecord::Vote),
            CoreInput::Proposal(proposal) => {
                convert::proposal_to_wire(proposal).map(LogRecord::Proposal)
            }
            CoreInput::PolkaCertificate(polka) => {
                convert::polka_to_wire(polka).map(LogRecord::Polka)
            }
            CoreInput::TimeoutElapsed(timeout) => {
                let kind = match timeout.kind {
                    TimeoutKind::Propose => Some(0),
                    TimeoutKind::Prevote => Some(1),
                    TimeoutKind::Precommit => Some(2),
                    TimeoutKind::Rebroadcast | TimeoutKind::FinalizeHeight(_) => None,
                };
                kind.zip(timeout.round.as_u32()).map(|(kind, round)| LogRecord::Timeout {
                    height,
                    kind,
                    round,
                })
            }
            CoreInput::ProposedValue(value, _) => {
                value.round.as_u32().map(|round| LogRecord::Value {
                    height,
                    round,
                    proposer: value.proposer.0,
                    block: value.value.0,
                    valid: value.validity.is_valid(),
                })
            }
            // Never logged: rebuilt on restart, or recorded vote by vote.
            CoreInput::StartHeight(..)
            | CoreInput::RoundCertificate(_)
            | CoreInput::Propose(_)
            | CoreInput::SyncValueResponse(_) => None,
        };
        if let Some(record) = record {
            self.log(&record);
        }
    }

    /// Takes one record of the height under way back from the vote log.
    pub(super) fn recover_record(
        &mut self,
        record: LogRecord,
        frame: &[u8],
    ) -> Result<(), ReplicaError> {
        let own = self.key.as_ref().map(|k| k.public_key());
        let input = match record {
            LogRecord::Vote(vote) => {
                let signed = convert::vote_to_core(&vote);
                if Some(vote.validator) == own {
                    self.guard.remember_vote(signed.clone());
                }
                Some(CoreInput::Vote(signed))
            }
            LogRecord::Proposal(proposal) => {
                let signed = convert::proposal_to_core(&proposal);
                if Some(proposal.proposer) == own {
                    self.guard.remember_proposal(signed.clone());
                }
                self.candidates.add_proposal(proposal);
                Some(CoreInput::Proposal(signed))
            }
            LogRecord::Polka(polka) => {
                Some(CoreInput::PolkaCertificate(convert::polka_to_core(&polka)))
            }
            LogRecord::Timeout { kind, round, .. } => {
                let round = Round::new(round);
                let timeout = match kind {
                    0 => core::Timeout::propose(round),
                    1 => core::Timeout::prevote(round),
                    _ => core::Timeout::precommit(round),
                };
                Some(CoreInput::TimeoutElapsed(timeout))
            }
            LogRecord::Value { height, round, proposer, block, valid } => {
                match self.candidates.body_mut(&block) {
                    Some(candidate) => candidate.judged = Some(valid),
                    // A fetched block: it was certified, so no vote of ours rests on it, and it
                    // comes again by sync.
                    None if valid => return Ok(()),
                    None => {}
                }
                let value = consensus::ProposedValue {
                    height: CoreHeight(height),
                    round: Round::new(round),
                    valid_round: Round::Nil,
                    proposer: Address(proposer),
                    value: BlockRef(block),
                    validity: Validity::from_bool(valid),
                };
                Some(CoreInput::ProposedValue(value, ValueOrigin::Consensus))
            }
            LogRecord::Body { bytes, .. } => {
                let unreadable =
                    || ReplicaError::LogRecord(format!("a body of {} bytes", frame.len()));
                let block = Block::from_bytes(&bytes).map_err(|_| unreadable())?;
                let transactions =
                    crate::ingest::verify_transactions(&block.transactions, &self.chain_id)
                        .map_err(|_| unreadable())?;
                // What is in the log was bounded when it was written.
                let keep = self.candidates.ids();
                let verified = VerifiedBlock { block, transactions };
                let id = self.candidates.add_body(verified, None, &keep);
                if let Some(candidate) = self.candidates.body_mut(&id) {
                    candidate.logged = true;
                }
                None
            }
            LogRecord::Doubt(_) | LogRecord::Resumed(_) | LogRecord::Mark(_) => None,
        };
        self.candidates.replay.extend(input);
        Ok(())
    }

    /// The core decided: find the execution that will be committed. A body that is not here is
    /// asked for; the decision waits for it.
    fn on_decide(
        &mut self,
        certificate: &core::CommitCertificate<MuluContext>,
    ) -> Result<(), ReplicaError> {
        let height = certificate.height.0;
        let certificate = convert::commit_to_chain(certificate).ok_or(ReplicaError::Core {
            height,
            reason: "a decision in an undefined round".to_owned(),
        })?;
        let id = certificate.block;
        self.undelivered = Some(certificate);
        if !self.candidate_known(&id) {
            self.candidate_from_sync(height, &id);
        }
        if self.candidate_known(&id) {
            self.deliver(&id)
        } else {
            tracing::warn!(%height, block = %id, "a block was decided whose body is not here; fetching it");
            Ok(())
        }
    }

    /// Executes the body that a decision waits for, if this is it. A block whose verdict came from
    /// the log, or that others decided against our clock, is executed now: its certificate vouches
    /// for its time.
    pub(super) fn deliver(&mut self, id: &BlockId) -> Result<(), ReplicaError> {
        let Some(certificate) = self.undelivered.take_if(|c| c.block == *id) else { return Ok(()) };
        let height = certificate.height;
        self.execute_certified(id)?;
        let executed = self.candidates.body_mut(id).and_then(|candidate| candidate.executed.take());
        let executed = executed.ok_or(ReplicaError::Core {
            height,
            reason: "a quorum decided a block that does not execute to its own header on this \
                     node; the ledger may be damaged or this binary differs from the others"
                .to_owned(),
        })?;
        self.decided = Some(Box::new((executed, certificate)));
        Ok(())
    }

    /// Executes a block that a certificate vouches for: no clock is asked. Returns whether it is
    /// valid on our tip.
    pub(super) fn execute_certified(&mut self, id: &BlockId) -> Result<bool, ReplicaError> {
        let Some(candidate) = self.candidates.body(id) else { return Ok(false) };
        if candidate.executed.is_some() {
            return Ok(true);
        }
        let VerifiedBlock { block, transactions } = &candidate.verified;
        match executor::judge(&self.ledger, &self.tip, block, transactions)? {
            Ok(executed) => {
                if let Some(candidate) = self.candidates.body_mut(id) {
                    candidate.executed = Some(executed);
                    candidate.judged = Some(true);
                }
                Ok(true)
            }
            Err(rejection) => {
                tracing::error!(block = %id, %rejection, "a certified block does not execute here");
                Ok(false)
            }
        }
    }
}

fn precommit(
    height: Height,
    round: Round,
    block: core::NilOrVal<BlockId>,
    validator: Address,
) -> CoreVote {
    CoreVote { height, round, kind: core::VoteType::Precommit, block, validator }
}
