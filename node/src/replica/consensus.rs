//! The seam to Malachite's core: every effect it may ask for, signing, and what is logged of it.

use arc_malachitebft_core_consensus as consensus;
use arc_malachitebft_core_types as core;
use consensus::{Effect as CoreEffect, Resumable as _, Resume};
use core::{
    CommitCertificate, ExtendedCommitCertificate, Round, RoundCertificateType, SignedProposal,
    SignedVote, TimeoutKind, Vote as _,
};
use mulu_chain::block::BlockId;
use mulu_chain::signature::Signature;
use mulu_chain::types::Height;

use super::context::{Address, CoreHeight, CoreProposal, CoreValidatorSet, CoreVote, MuluContext};
use super::convert;
use super::core::{Inner, ReplicaError};
use super::evidence;
use super::guard::LogRecord;
use super::io::{Effect, Timer};
use super::wire::PeerMessage;

type CoreInput = consensus::Input<MuluContext>;

impl Inner {
    /// Performs or notes one effect of the core.
    pub(super) fn on_effect(
        &mut self,
        effect: CoreEffect<MuluContext>,
    ) -> Result<Resume<MuluContext>, ReplicaError> {
        // The core goes on after a failed effect as if nothing had been asked; we must not.
        let result = self.try_effect(effect);
        if let Err(error) = &result {
            let height = self.tip.header.height.next();
            self.fatal = Some(match error {
                ReplicaError::Diverged(divergence) => ReplicaError::Diverged(divergence.clone()),
                other => ReplicaError::Core { height, reason: other.to_string() },
            });
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
                let lost = match timeout.kind {
                    TimeoutKind::Propose => mulu_chain::planted!("planted-no-propose-timeout"),
                    TimeoutKind::Prevote => mulu_chain::planted!("planted-no-prevote-timeout"),
                    TimeoutKind::Precommit => mulu_chain::planted!("planted-no-precommit-timeout"),
                    _ => mulu_chain::planted!("planted-no-rebroadcast-timeout"),
                };
                if lost {
                    return Ok(resume.resume_with(()));
                }
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
                let body = body.filter(|_| !mulu_chain::planted!("planted-no-body-sent-again"));
                self.publish(body.map(PeerMessage::Block));
                resume.resume_with(())
            }
            CoreEffect::SignVote(vote, resume) => resume.resume_with(self.sign_vote(vote)?),
            CoreEffect::SignProposal(proposal, resume) => {
                resume.resume_with(self.sign_proposal(proposal)?)
            }
            CoreEffect::VerifySignature(message, key, resume) => {
                let signature = message.signature;
                let valid = match message.message {
                    consensus::ConsensusMsg::Vote(vote) => {
                        vote.validator.0 == key && self.vote_verifies(vote, signature)
                    }
                    consensus::ConsensusMsg::Proposal(proposal) => {
                        // A certificate may make it our turn; what we then propose is ours.
                        let own = self.guard.earlier_proposal(&proposal);
                        let own = own.is_some_and(|own| own.message == proposal);
                        proposal.proposer.0 == key && (own || !self.unverified_input)
                    }
                };
                resume.resume_with(valid)
            }
            CoreEffect::VerifyCommitCertificate(certificate, set, params, resume) => {
                let signatures = certificate.commit_signatures.iter();
                let votes = signatures.map(|s| (s.address, s.signature));
                let CommitCertificate { height, round, value_id, .. } = certificate;
                let votes = precommits(height.0, round, value_id, votes);
                resume.resume_with(self.verify_votes(&set, params.quorum, votes))
            }
            CoreEffect::VerifyExtendedCommitCertificate(certificate, set, params, _, resume) => {
                let signatures = certificate.commit_signatures.iter();
                let votes = signatures.map(|s| (s.address, s.signature));
                let ExtendedCommitCertificate { height, round, value_id, .. } = certificate;
                let votes = precommits(height.0, round, value_id, votes);
                resume.resume_with(self.verify_votes(&set, params.quorum, votes))
            }
            CoreEffect::VerifyPolkaCertificate(certificate, set, params, resume) => {
                let votes = certificate.polka_signatures.iter().map(|s| {
                    let block = core::NilOrVal::Val(certificate.value_id);
                    let kind = core::VoteType::Prevote;
                    let (height, round) = (certificate.height.0, certificate.round);
                    let vote = CoreVote { height, round, kind, block, validator: s.address };
                    (vote, s.signature)
                });
                resume.resume_with(self.verify_votes(&set, params.quorum, votes))
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
                        self.verify_votes(&set, threshold, votes)
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
            // Equivocations were noticed when they came.
            CoreEffect::Finalize(_, _, _, resume) => resume.resume_with(()),
            CoreEffect::ExtendVote(_, _, _, _, resume) => resume.resume_with(None),
            CoreEffect::VerifyVoteExtension(_, _, _, _, _, _, resume) => {
                resume.resume_with(Err(consensus::VoteExtensionError::InvalidVoteExtension))
            }
        })
    }

    /// Votes and proposals enter the core verified or signed by us. Only the votes that it takes out
    /// of a certificate it has not asked us to verify are checked here.
    fn vote_verifies(&mut self, vote: CoreVote, signature: Signature) -> bool {
        if !self.unverified_input {
            return true;
        }
        let valid = convert::vote_verifies(&*self.verifier, &self.chain_id, &vote, &signature);
        if valid && let Some(vote) = convert::vote_to_wire(&SignedVote::new(vote, signature)) {
            self.observe(evidence::of_vote(&vote));
        }
        valid
    }

    /// Verifies the votes of a certificate; those of a good one are looked at, too.
    #[allow(clippy::result_large_err)] // The core's own error type.
    fn verify_votes(
        &mut self,
        set: &CoreValidatorSet,
        threshold: core::ThresholdParam,
        votes: impl Iterator<Item = (CoreVote, Signature)> + Clone,
    ) -> Result<(), core::CertificateError<MuluContext>> {
        convert::verify_votes(&*self.verifier, &self.chain_id, set, threshold, votes.clone())?;
        let signed = votes.map(|(vote, signature)| SignedVote::new(vote, signature));
        for vote in signed.filter_map(|vote| convert::vote_to_wire(&vote)) {
            self.observe(evidence::of_vote(&vote));
        }
        Ok(())
    }

    /// Whatever is said rests on the log: that goes to disk first.
    fn publish(&mut self, message: Option<PeerMessage>) {
        if let Some(message) = message {
            if mulu_chain::planted!("planted-said-before-durable") {
                self.broadcast(message);
                return self.persist();
            }
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
        let (Some(signer), Some(statement)) = (&self.signer, statement) else {
            return Err(self.cannot_sign(vote.height()));
        };
        let signed = SignedVote::new(vote, signer.sign(&statement.signed_bytes()));
        self.guard.remember_vote(signed.clone());
        // The core asks for no record of a vote of ours that came in another's certificate before
        // it was given: an old disk's validator hears of itself so.
        let record = convert::vote_to_wire(&signed).map(LogRecord::Vote);
        let lost = mulu_chain::planted!("planted-own-votes-not-logged");
        if let Some(record) = record.filter(|_| !lost) {
            self.log(&record);
        }
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
        let (Some(signer), Some(statement)) = (&self.signer, statement) else {
            return Err(self.cannot_sign(CoreHeight(proposal.height)));
        };
        let signed = SignedProposal::new(proposal, signer.sign(&statement.signed_bytes()));
        self.guard.remember_proposal(signed.clone());
        // The core asks for a record of what it proposes anew, but not of what it proposes again.
        if let Some(proposal) = convert::proposal_to_wire(&signed) {
            self.log(&LogRecord::Proposal(proposal));
        }
        Ok(signed)
    }

    fn cannot_sign(&self, height: CoreHeight) -> ReplicaError {
        let reason = "the core asked an observer to sign".to_owned();
        ReplicaError::Core { height: height.0, reason }
    }

    fn log_input(&mut self, height: Height, input: &CoreInput) {
        let record = match input {
            // Our own were logged when they were signed.
            CoreInput::Vote(vote) if self.guard.earlier_vote(&vote.message) == Some(vote) => None,
            CoreInput::Vote(vote) => convert::vote_to_wire(vote).map(LogRecord::Vote),
            CoreInput::Proposal(proposal)
                if self.guard.earlier_proposal(&proposal.message) == Some(proposal) =>
            {
                None
            }
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
        let lost = matches!(record, Some(LogRecord::Proposal(_)))
            && mulu_chain::planted!("planted-proposals-not-logged");
        if let Some(record) = record.filter(|_| !lost) {
            self.log(&record);
        }
    }
}

/// The precommits of a commit certificate, rebuilt from its signatures.
fn precommits(
    height: Height,
    round: Round,
    block: BlockId,
    signatures: impl Iterator<Item = (Address, Signature)> + Clone,
) -> impl Iterator<Item = (CoreVote, Signature)> + Clone {
    signatures.map(move |(validator, signature)| {
        let (kind, block) = (core::VoteType::Precommit, core::NilOrVal::Val(block));
        (CoreVote { height, round, kind, block, validator }, signature)
    })
}
