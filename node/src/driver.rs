//! The replica's thread: feeds inputs, performs effects in order. What comes next is `agenda.rs`' business.
//!
//! Disk effects are performed here, in line: when `Persist` returns, what follows may be sent; when
//! `Commit` returns, the block is in the ledger. A disk that refuses ends the thread, and with it
//! the process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use crossbeam_channel::Receiver;
use mulu_chain::types::TimeMs;
use tokio::sync::watch;

use crate::agenda::{Agenda, Next, Timers};
use crate::house::House;
use crate::ingest::Queued;
use crate::lobby::Lobby;
use crate::metrics::Metrics;
use crate::p2p::P2pHandle;
use crate::replica::core::{Replica, ReplicaError};
use crate::replica::handle::{Status, Submission, SubmitVerdict};
use crate::replica::io::{Effect, Input};
use crate::search::Touched;
use crate::storage::{Decided, Ledger, StorageError};
use crate::vote_log::{VoteLog, VoteLogError};

/// Why the replica's thread ended.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// The replica cannot go on.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// The vote log cannot be written.
    #[error(transparent)]
    VoteLog(#[from] VoteLogError),
    /// The ledger cannot be written.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Everything the thread owns.
pub struct Driver {
    /// The replica.
    pub replica: Replica,
    /// Written here only.
    pub ledger: Ledger,
    /// Absent on an observer, which signs nothing.
    pub vote_log: Option<VoteLog>,
    /// The network.
    pub p2p: P2pHandle,
    /// From the network.
    pub inputs: Receiver<Queued>,
    /// From the API.
    pub submissions: Receiver<Submission>,
    /// What the node shows of itself.
    pub status: watch::Sender<Status>,
    /// What the node counts.
    pub metrics: Arc<Metrics>,
    /// Who is let in besides members.
    pub lobby: Arc<Lobby>,
    /// Told which records each block changed.
    pub touched: Touched,
    /// Says when nothing may be written.
    pub house: Arc<House>,
    /// Closed when the node must stop.
    pub stop: Receiver<()>,
}

/// How often a read-only node looks whether it may go on.
pub const READ_ONLY_WAIT: Duration = Duration::from_millis(200);

fn wall_clock() -> TimeMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    TimeMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

impl Driver {
    /// Runs until asked to stop.
    ///
    /// # Errors
    /// [`DriverError`]: the process must end.
    pub fn run(mut self) -> Result<(), DriverError> {
        let mut agenda =
            Agenda::new(self.inputs.clone(), self.submissions.clone(), self.stop.clone());
        if !self.pause(&mut agenda)? {
            return Ok(());
        }
        self.feed(Input::Start, &mut agenda.timers)?;
        loop {
            if self.house.is_read_only() && !self.pause(&mut agenda)? {
                return Ok(());
            }
            match agenda.next(Instant::now()) {
                Next::Do(input) => self.feed(input, &mut agenda.timers)?,
                Next::Wait(at_most) => agenda.wait(at_most),
                Next::Stop => return Ok(()),
            }
        }
    }

    /// Waits while nothing may be written: answers clients, lets messages go, and remembers only which
    /// peers are there. To the replica it is a long moment in which nothing came. False if the node
    /// must stop.
    fn pause(&mut self, agenda: &mut Agenda) -> Result<bool, DriverError> {
        let mut peers = BTreeMap::new();
        while self.house.is_read_only() {
            let why = self.house.report().why_read_only();
            match agenda.next_untimed() {
                Next::Stop => return Ok(false),
                Next::Wait(_) => agenda.wait(READ_ONLY_WAIT),
                Next::Do(Input::Submit(Submission { reply, .. })) => {
                    drop(reply.send(SubmitVerdict::NotReady(why.clone())));
                }
                Next::Do(Input::Connected(peer)) => drop(peers.insert(peer, true)),
                Next::Do(Input::Disconnected(peer)) => drop(peers.insert(peer, false)),
                Next::Do(_) => {}
            }
            self.show(Status { read_only: Some(why), ..self.replica.status() });
        }
        for (peer, connected) in peers {
            self.feed(Input::Disconnected(peer), &mut agenda.timers)?;
            if connected {
                self.feed(Input::Connected(peer), &mut agenda.timers)?;
            }
        }
        Ok(true)
    }

    fn show(&self, status: Status) {
        self.status.send_if_modified(|shown| {
            let changed = *shown != status;
            *shown = status;
            changed
        });
    }

    fn feed(&mut self, input: Input, timers: &mut Timers) -> Result<(), DriverError> {
        let mut next = Some(input);
        while let Some(input) = next.take() {
            for effect in self.replica.step(wall_clock(), input)? {
                if let Effect::Commit(decided) = effect {
                    self.commit(&decided)?;
                    next = Some(Input::Committed);
                } else {
                    self.perform(effect, timers)?;
                }
            }
        }
        let dropped = self.p2p.counters().frames_dropped;
        let counted = self.metrics.p2p_frames_dropped.get();
        self.metrics.p2p_frames_dropped.inc_by(dropped.saturating_sub(counted));
        let status = self.replica.status();
        let seen = self.metrics.consensus_equivocations.get();
        self.metrics.consensus_equivocations.inc_by(status.equivocations.saturating_sub(seen));
        self.show(status);
        Ok(())
    }

    fn perform(&mut self, effect: Effect, timers: &mut Timers) -> Result<(), DriverError> {
        match effect {
            Effect::Persist(frames) => {
                if let Some(log) = &mut self.vote_log {
                    log.append(&frames)?;
                }
            }
            Effect::RotateLog(live) => {
                if let Some(log) = &mut self.vote_log {
                    log.rotate(&live)?;
                }
            }
            Effect::Commit(decided) => self.commit(&decided)?,
            Effect::Send(peer, message) => {
                self.p2p.send(peer, Bytes::from(message.to_frame()));
            }
            Effect::Broadcast(message) => self.p2p.broadcast(Bytes::from(message.to_frame())),
            // The caller may have gone away; its transaction stays.
            Effect::Reply(reply, verdict) => drop(reply.send(verdict)),
            Effect::Schedule(timer, after) => timers.schedule(timer, Instant::now() + after),
            Effect::Cancel(timer) => timers.cancel(timer),
            Effect::CancelConsensusTimers => timers.cancel_consensus(),
        }
        Ok(())
    }

    fn commit(&mut self, decided: &Decided) -> Result<(), DriverError> {
        self.ledger.commit(decided)?;
        let header = &decided.block.block.header;
        let rejected = decided.entries.iter().filter(|e| !e.outcome.is_accepted()).count();
        let failed_rounds = u64::from(decided.block.certificate.round);
        self.metrics.commits.inc();
        self.metrics.committed_transactions.inc_by(u64::from(header.transactions));
        self.metrics.rejected_transactions.inc_by(rejected as u64);
        self.metrics.consensus_rounds.inc_by(failed_rounds.saturating_add(1));
        self.metrics.consensus_rounds_failed.inc_by(failed_rounds);
        tracing::info!(
            height = header.height.0,
            transactions = header.transactions,
            block = %header.id(),
            round = decided.block.certificate.round,
            "committed"
        );
        self.touched.tell(header.height, decided.changes.keys());
        let members_change = decided.changes.keys().any(|key| key.starts_with("member/"));
        if members_change || !self.lobby.is_empty() {
            self.lobby.refresh(&self.ledger, &self.p2p, wall_clock())?;
        }
        Ok(())
    }
}
