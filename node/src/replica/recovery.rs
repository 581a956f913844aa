//! After a start: what the vote log tells, and when the validator may speak again.

use arc_malachitebft_core_consensus as consensus;
use arc_malachitebft_core_types as core;
use core::{Round, Validity, ValueOrigin};
use mulu_chain::block::Block;

use super::context::{Address, BlockRef, CoreHeight, MuluContext};
use super::convert;
use super::core::{Inner, Phase, Replica, ReplicaError};
use super::evidence;
use super::guard::LogRecord;
use super::io::{Verified, VerifiedBlock};
use super::standing::{Recollection, Standing};

type CoreInput = consensus::Input<MuluContext>;

impl Replica {
    /// Reads the vote log: what was signed, seen and judged at the height under way.
    pub(super) fn recover(&mut self, frames: &[Vec<u8>]) -> Result<(), ReplicaError> {
        let working = self.inner.tip.header.height.next();
        let mut recollection = Recollection::default();
        for frame in frames {
            self.inner.log_bytes += frame.len() as u64;
            let record = LogRecord::from_frame(frame)
                .map_err(|error| ReplicaError::LogRecord(error.to_string()))?;
            recollection.take(&record);
            if mulu_chain::planted!("planted-log-not-replayed") {
                continue;
            }
            if record.height() == working {
                self.inner.replayed.insert(frame.clone());
                self.inner.recover_record(record, frame)?;
            }
        }
        let standing = recollection.standing(self.inner.tip.header.height);
        if self.inner.signer.is_some() {
            match &standing {
                Standing::Sure => {}
                Standing::Doubt { reason, .. } => {
                    tracing::warn!(%reason, "the vote log is in doubt: abstaining");
                    self.inner.unpersisted.push(LogRecord::doubt_frame(reason));
                }
                Standing::Alarm(reason) => {
                    tracing::error!(%reason, "ALARM: this validator does not sign");
                }
            }
            self.inner.guard.standing = standing;
        }
        Ok(())
    }

    /// Resumes the height the vote log tells of, or plans the next one.
    pub(super) fn resume_height(&mut self) -> Result<(), ReplicaError> {
        let mut inputs = std::mem::take(&mut self.inner.candidates.replay);
        if mulu_chain::planted!("planted-no-guard-no-replay") {
            inputs.clear();
        }
        if inputs.is_empty() {
            return self.inner.plan_next_height();
        }
        tracing::info!(records = inputs.len(), "resuming the height under way from the vote log");
        self.inner.replaying = true;
        self.core.index_wal_entries(inputs.iter());
        self.start_core_height(true)?;
        for input in inputs {
            self.run_core(input)?;
        }
        self.core.reset_entries_index();
        self.inner.replaying = false;
        self.inner.replayed.clear();
        // A body may have been logged without its verdict.
        self.consider_all()
    }

    /// A validator listens before it speaks: its ledger and vote log may be an old copy that is at
    /// one with itself. Once a quorum's nodes have told their heights and none is ahead of ours,
    /// it resumes what its log tells of; those that are ahead are caught up with first.
    pub(super) fn may_speak(&mut self) -> Result<(), ReplicaError> {
        if self.inner.listening {
            let working = self.inner.tip.header.height.next();
            let peers = &self.inner.peers;
            let power = self.inner.power_of(|key| self.inner.reported(key).is_some());
            let ahead = peers
                .iter()
                .any(|(id, peer)| peer.height >= working && !self.inner.sync.is_passed_over(id));
            if ahead || !self.inner.validators.chain_set().is_quorum(power) {
                return Ok(());
            }
            self.inner.listening = false;
            let decided = self.inner.undelivered.is_some() || self.inner.decided.is_some();
            if self.inner.phase == Phase::Working && !decided {
                // Begun to follow a certified block that did not come after all: begun again, this
                // time to vote. The core forgets what it was told.
                self.inner.phase = Phase::Waiting;
                self.inner.sync.feed_again();
                self.inner.candidates.forget_verdicts();
            }
        }
        if self.inner.phase == Phase::Waiting { self.resume_height() } else { Ok(()) }
    }
}

impl Inner {
    /// Takes one record of the height under way back from the vote log.
    pub(super) fn recover_record(
        &mut self,
        record: LogRecord,
        frame: &[u8],
    ) -> Result<(), ReplicaError> {
        let own = self.own_key();
        let input = match record {
            LogRecord::Vote(vote) => {
                let vote = Verified::logged(vote);
                let signed = convert::vote_to_core(&vote);
                self.observe(evidence::of_vote(&vote));
                let is_own = Some(vote.validator) == own;
                if is_own && !mulu_chain::planted!("planted-guard-not-restored") {
                    self.guard.remember_vote(signed.clone());
                }
                if !is_own && mulu_chain::planted!("planted-votes-of-others-not-replayed") {
                    return Ok(());
                }
                Some(CoreInput::Vote(signed))
            }
            LogRecord::Proposal(proposal) => {
                let proposal = Verified::logged(proposal);
                let signed = convert::proposal_to_core(&proposal);
                self.observe(evidence::of_proposal(&proposal));
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
                if mulu_chain::planted!("planted-timeouts-not-replayed") {
                    return Ok(());
                }
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
                let keep = self.candidates.ids().collect();
                let verified = VerifiedBlock { block, transactions };
                let id = self.candidates.add_body(verified, None, &keep);
                if let Some(candidate) = self.candidates.body_mut(&id) {
                    candidate.logged = true;
                }
                None
            }
            LogRecord::Doubt(_)
            | LogRecord::Alarm(_)
            | LogRecord::Resumed(_)
            | LogRecord::Cleared { .. }
            | LogRecord::Mark(_) => None,
        };
        self.candidates.replay.extend(input);
        Ok(())
    }
}
