//! When a height begins and how it ends.

use std::time::Duration;

use arc_malachitebft_core_consensus as consensus;
use arc_malachitebft_core_types::{Round, VoteExtensionPolicy};
use mulu_chain::signature::PublicKey;
use mulu_chain::types::Height;
use mulu_chain::validator::ValidatorSet;
use mulu_contracts::state::PARAMS_KEY;

use super::context::{CoreHeight, CoreValidatorSet};
use super::core::{Inner, Phase, Replica, ReplicaError};
use super::executor::ExecutionError;
use super::guard::LogRecord;
use super::io::{Effect, Timer};
use super::rules;
use super::standing::Standing;
use super::wire::PeerMessage;
use crate::storage::Ledger;

impl Replica {
    /// Begins the next height if it has not begun.
    pub(super) fn begin_height(&mut self) -> Result<(), ReplicaError> {
        if self.inner.phase != Phase::Waiting || self.inner.listening {
            return Ok(());
        }
        if !self.inner.candidates.replay.is_empty() {
            return self.resume_height();
        }
        self.inner.effects.push(Effect::Cancel(Timer::BeginHeight));
        self.start_core_height(false)?;
        self.consider_all()
    }

    /// Begins the next height for a block that is certified already. While listening, the core
    /// follows without a vote.
    pub(super) fn begin_certified_height(&mut self) -> Result<(), ReplicaError> {
        if self.inner.phase == Phase::Waiting && self.inner.listening {
            return self.start_core_height(false);
        }
        self.begin_height()
    }

    /// `replay`: what the core has buffered is dropped, so that the vote log is told first.
    pub(super) fn start_core_height(&mut self, replay: bool) -> Result<(), ReplicaError> {
        let height = self.inner.tip.header.height.next();
        self.inner.phase = Phase::Working;
        let doubtful = matches!(self.inner.guard.standing, Standing::Doubt { .. });
        if doubtful && self.inner.guard.standing.abstains(height).is_none() {
            tracing::info!(%height, "the vote log is beyond doubt again; voting resumes");
            self.inner.guard.standing = Standing::Sure;
            self.inner.log(&LogRecord::Resumed(height));
        }
        let may_vote =
            self.inner.guard.standing.abstains(height).is_none() && !self.inner.listening;
        self.core.params.enabled = self.inner.signer.is_some() && may_vote;
        self.run_core(consensus::Input::StartHeight(
            CoreHeight(height),
            self.inner.validators.clone(),
            replay,
            None,
            VoteExtensionPolicy::Disabled,
        ))
    }

    /// The commit is on disk.
    pub(super) fn on_committed(&mut self) -> Result<(), ReplicaError> {
        self.inner.on_committed()?;
        self.inner.phase = Phase::Waiting;
        // What the log told of a height that is committed now is of no use any more.
        self.inner.candidates.replay.clear();
        self.inner.replayed.clear();
        self.inner.request_blocks();
        self.feed_sync()?;
        if self.inner.phase == Phase::Waiting {
            if self.inner.listening {
                return self.may_speak();
            }
            // A proposal for the next height may have come while the block was on its way to disk.
            if self.inner.candidates.has_proposal(self.inner.tip.header.height.next()) {
                self.begin_height()?;
            } else {
                self.inner.plan_next_height()?;
            }
        }
        Ok(())
    }

    /// The round the core is in; round 0 before the height begins.
    pub(super) fn core_round(&self) -> Round {
        let begun = self.inner.phase == Phase::Working;
        if begun { self.core.round().or(Round::ZERO) } else { Round::ZERO }
    }
}

impl Inner {
    /// Decides when the next height begins: at once when transactions wait, after the heartbeat
    /// when none do. Without a quorum in reach there is nothing to begin.
    pub(super) fn plan_next_height(&mut self) -> Result<(), ReplicaError> {
        let ready = self.phase == Phase::Waiting && !self.listening;
        if !ready || !self.is_validator() || !self.quorum_in_reach() {
            return Ok(());
        }
        let since_commit = self.elapsed.0.saturating_sub(self.committed_at.0);
        let wait = if self.mempool.is_empty() {
            let next = self.tip.header.height.next();
            let heartbeat = mulu_contracts::state::params(&self.ledger, next)
                .map_err(ExecutionError::State)?
                .heartbeat_ms;
            heartbeat.saturating_sub(self.now.0.saturating_sub(self.tip.header.time_ms.0))
        } else {
            let interval = self.config.block_interval_min.as_millis();
            u64::try_from(interval).unwrap_or(u64::MAX).saturating_sub(since_commit)
        };
        self.schedule(Timer::BeginHeight, Duration::from_millis(wait));
        Ok(())
    }

    /// Whether this node and the connected validators' nodes together hold a quorum.
    fn quorum_in_reach(&self) -> bool {
        let connected = |key: &PublicKey| self.peers.values().any(|p| p.validator == Some(*key));
        self.validators.chain_set().is_quorum(self.power_of(connected))
    }

    fn on_committed(&mut self) -> Result<(), ReplicaError> {
        let parent_time = self.tip.header.time_ms;
        self.tip = self.ledger.tip()?;
        self.known.forget();
        self.committed_at = self.elapsed;
        let height = self.tip.header.height;
        let set = self
            .ledger
            .validator_set(height.next())?
            .ok_or(ExecutionError::NoValidators(height.next()))?;
        let old_set = mulu_chain::planted!("planted-set-never-changes");
        if set != *self.validators.chain_set() && !old_set {
            self.validators = CoreValidatorSet::new(set);
        }
        self.upcoming = upcoming(&self.ledger)?;
        self.rules = rules::in_force(&self.ledger, self.config.rules, height.next())?;
        if std::mem::take(&mut self.params_changed) {
            rules::warn(&self.ledger, self.config.rules)?;
        }
        if !mulu_chain::planted!("planted-guard-keeps-last-height") {
            self.guard.begin_height();
        }
        self.watch.begin_height(height.next());
        self.undelivered = None;
        self.keep.clear();
        self.candidates.begin_height(height.next());
        self.sync.drop_up_to(height);
        if std::mem::take(&mut self.members_changed) {
            self.look_up_members()?;
        }
        self.mempool.remove_expired(height);
        self.broadcast(PeerMessage::Status(height));
        self.checkpoint_committed(parent_time);
        if self.log_bytes > crate::vote_log::ROTATE_BYTES {
            let mut live = vec![LogRecord::Mark(height).to_frame()];
            match &self.guard.standing {
                Standing::Sure => {}
                Standing::Doubt { reason, .. } => live.push(LogRecord::doubt_frame(reason)),
                Standing::Alarm(reason) => live.push(LogRecord::alarm(reason).to_frame()),
            }
            self.log_bytes = live.iter().map(|f| f.len() as u64).sum();
            self.effects.push(Effect::RotateLog(live));
        }
        Ok(())
    }

    /// Hands the decided block to the disk; what the log holds of its height goes first.
    pub(super) fn commit_decided(&mut self) {
        let Some(decided) = self.decided.take() else { return };
        let (executed, certificate) = *decided;
        for envelope in &executed.block.transactions {
            if !mulu_chain::planted!("planted-transactions-again") {
                self.mempool.remove(&envelope.id());
            }
        }
        self.params_changed = executed.changes(PARAMS_KEY);
        self.members_changed = executed.changes("member/");
        // A record of this height must be durable: an older log is then known to be old.
        self.log(&LogRecord::Mark(executed.block.header.height));
        self.persist();
        self.phase = Phase::Committing;
        self.effects.push(Effect::CancelConsensusTimers);
        self.effects.push(Effect::Commit(Box::new(executed.decided_by(certificate))));
    }
}

/// The state's list decides the height after the one under way.
pub(super) fn upcoming(ledger: &Ledger) -> Result<ValidatorSet, ReplicaError> {
    let set = ledger.next_validators().map_err(ExecutionError::State)?;
    Ok(set.ok_or(ExecutionError::NoValidators(Height::GENESIS))?)
}
