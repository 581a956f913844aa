//! How proposals meet their blocks: judging, building, and delivering what was decided.

use arc_malachitebft_core_consensus as consensus;
use arc_malachitebft_core_types as core;
use core::{Round, Validity, ValueOrigin};
use libp2p::PeerId;
use mulu_chain::block::BlockId;
use mulu_chain::codec;
use mulu_chain::limits::HEADER_BYTES_MAX;
use mulu_contracts::transaction::Transaction;

use super::candidates::HEIGHTS_AHEAD_MAX;
use super::context::{Address, BlockRef, CoreHeight, CoreProposal, MuluContext};
use super::convert;
use super::core::{Inner, Phase, Replica, ReplicaError};
use super::evidence;
use super::executor::{self, BlockRejection, ExecutionError};
use super::guard::LogRecord;
use super::io::{Verified, VerifiedBlock};
use super::wire::{PeerMessage, WireProposal};

/// Oldest a freshly proposed block may be when it is judged. A block that a quorum prevoted before
/// (it comes with a valid round) is never too old, or a lock could stall the chain.
pub const BLOCK_AGE_MS_MAX: u64 = 30_000;
/// Rounds ahead of the core's for which it takes messages.
pub const ROUNDS_AHEAD_MAX: i64 = 10;

type CoreInput = consensus::Input<MuluContext>;

impl Replica {
    /// A proposal from a peer.
    pub(super) fn on_proposal(
        &mut self,
        proposal: &Verified<WireProposal>,
    ) -> Result<(), ReplicaError> {
        if !self.inner.observe(evidence::of_proposal(proposal)) {
            return Ok(());
        }
        let working = self.inner.tip.header.height.next();
        if proposal.height > working {
            // Whose turn it will be is not known yet. The core hears of it when its height begins.
            self.inner.candidates.add_proposal(proposal.clone());
            return Ok(());
        }
        if !self.inner.in_turn(proposal) {
            return Ok(());
        }
        if self.is_far(proposal) {
            self.inner.candidates.add_far(proposal.clone());
            return Ok(());
        }
        self.begin_height()?;
        self.inner.candidates.add_proposal(proposal.clone());
        if self.inner.phase != Phase::Working {
            // Still listening. Were the core told of a value before its height begins, replaying
            // the log could lead to another vote than it led to the first time.
            return Ok(());
        }
        self.tell_core(proposal)
    }

    fn is_far(&self, proposal: &WireProposal) -> bool {
        i64::from(proposal.round) > self.rounds_in_reach()
    }

    /// The last round for which the core takes messages.
    fn rounds_in_reach(&self) -> i64 {
        self.core_round().as_i64() + ROUNDS_AHEAD_MAX
    }

    fn tell_core(&mut self, proposal: &Verified<WireProposal>) -> Result<(), ReplicaError> {
        if self.is_far(proposal) {
            self.inner.candidates.add_far(proposal.clone());
            return Ok(());
        }
        if self.must_wait(proposal) {
            return Ok(());
        }
        self.run_core(CoreInput::Proposal(convert::proposal_to_core(proposal)))?;
        self.consider(&proposal.block)
    }

    /// Tells the core of proposals whose rounds came near; whether there were any.
    pub(super) fn tell_near(&mut self) -> Result<bool, ReplicaError> {
        if self.inner.phase != Phase::Working {
            return Ok(false);
        }
        let height = self.inner.tip.header.height.next();
        let near = self.inner.candidates.take_near(height, self.rounds_in_reach());
        for proposal in &near {
            self.inner.candidates.add_proposal(proposal.clone());
            self.tell_core(proposal)?;
        }
        Ok(!near.is_empty())
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
            if self.inner.in_turn(&proposal) {
                self.tell_core(&proposal)?;
            }
        }
        Ok(())
    }

    /// Tells the core of a block once both its body and a proposal for it are here.
    pub(super) fn consider(&mut self, id: &BlockId) -> Result<(), ReplicaError> {
        let height = self.inner.tip.header.height.next();
        for proposal in self.inner.candidates.proposals_for(height, id) {
            if !self.inner.candidate_known(id) || !self.inner.in_turn(&proposal) {
                continue;
            }
            if self.has_waited(&proposal) {
                self.run_core(CoreInput::Proposal(convert::proposal_to_core(&proposal)))?;
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
    /// Whether it was the proposer's turn.
    fn in_turn(&self, proposal: &WireProposal) -> bool {
        let turn = self.validators.chain_set().proposer(proposal.height, proposal.round);
        turn.is_some_and(|v| v.public_key == proposal.proposer)
    }

    /// Executes a candidate and notes the verdict; its body is logged before the core may vote.
    pub(super) fn judge(&mut self, id: &BlockId, fresh: bool) -> Result<bool, ReplicaError> {
        let Some(candidate) = self.candidates.body(id) else { return Ok(false) };
        let header = &candidate.verified.block.header;
        let (time, parent) = (header.time_ms, self.tip.header.time_ms);
        let next = self.tip.header.height.next();
        let drift = mulu_contracts::state::params(&self.ledger, next)
            .map_err(ExecutionError::State)?
            .block_time_drift_ms;
        let too_new = time.0 > self.now.0.saturating_add(drift)
            && !mulu_chain::planted!("planted-block-time-of-the-future");
        let too_old = fresh && time.0.saturating_add(BLOCK_AGE_MS_MAX) < self.now.0;
        let verdict = if too_new || too_old {
            Err(BlockRejection::Time { parent, found: time, now: self.now })
        } else if candidate.executed.is_some() {
            Ok(None)
        } else {
            let VerifiedBlock { block, transactions } = &candidate.verified;
            executor::judge(&self.ledger, &self.tip, self.rules, block, transactions)?.map(Some)
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
    pub(super) fn log_body(&mut self, id: &BlockId) {
        if mulu_chain::planted!("planted-body-not-logged") {
            return;
        }
        let Some(candidate) = self.candidates.body_mut(id).filter(|c| !c.logged) else { return };
        candidate.logged = true;
        let block = &candidate.verified.block;
        let record = LogRecord::Body { height: block.header.height, bytes: codec::encode(block) };
        self.log(&record);
    }

    /// Builds the block this node proposes in `round`, if it has not proposed one already.
    pub(super) fn propose(&mut self, round: Round) -> Result<Option<CoreInput>, ReplicaError> {
        let height = self.tip.header.height.next();
        let Some(key) = self.own_key() else { return Ok(None) };
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
        let params =
            mulu_contracts::state::params(&self.ledger, height).map_err(ExecutionError::State)?;
        let bytes_max = usize::try_from(params.block_bytes_max).unwrap_or(usize::MAX);
        let transactions = self.mempool.select(
            usize::try_from(params.block_transactions_max).unwrap_or(usize::MAX),
            bytes_max.saturating_sub(HEADER_BYTES_MAX),
        );
        let executed =
            executor::build(&self.ledger, &self.tip, self.rules, self.now, key, &transactions)?;
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
        if !mulu_chain::planted!("planted-proposal-without-body") {
            self.broadcast(PeerMessage::Block(block));
        }
        let value = consensus::LocallyProposedValue::new(CoreHeight(height), round, BlockRef(id));
        Ok(Some(CoreInput::Propose(value)))
    }

    /// The core decided: find the execution that will be committed. A body that is not here is
    /// asked for; the decision waits for it.
    pub(super) fn on_decide(
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
        match executor::judge(&self.ledger, &self.tip, self.rules, block, transactions)? {
            Ok(executed) => {
                if let Some(candidate) = self.candidates.body_mut(id) {
                    candidate.executed = Some(executed);
                    candidate.judged = Some(true);
                }
                Ok(true)
            }
            Err(BlockRejection::Header(divergence)) => Err(ReplicaError::Diverged(divergence)),
            Err(rejection) => {
                tracing::error!(block = %id, %rejection, "a certified block does not execute here");
                Ok(false)
            }
        }
    }
}
