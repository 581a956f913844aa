//! What the replica's thread does next: what came, or a timer that is due, or nothing.
//!
//! What came before a timeout counts before it: while the disk was busy, the very votes that the
//! timeout waits for may have queued up. So what waits is taken first, but only so much of it that
//! no flood of messages holds a timer up for ever.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Select, TryRecvError};

use crate::ingest::Queued;
use crate::replica::handle::Submission;
use crate::replica::io::{Input, Timer};

/// Most inputs taken before a timer that is due gets its turn.
pub const INPUTS_BEFORE_TIMER_MAX: usize = 256;
/// Of so many inputs, one is taken from this node's API first.
pub const SUBMISSION_TURN: usize = 4;
/// Longest sleep without a timer.
pub const IDLE_WAIT: Duration = Duration::from_secs(1);

/// Timers by when they are due.
#[derive(Debug, Default)]
pub struct Timers {
    due: BTreeMap<(Instant, u64), Timer>,
    slots: HashMap<Timer, (Instant, u64)>,
    number: u64,
}

impl Timers {
    /// Sets a timer, or moves it.
    pub fn schedule(&mut self, timer: Timer, at: Instant) {
        self.cancel(timer);
        self.number += 1;
        self.due.insert((at, self.number), timer);
        self.slots.insert(timer, (at, self.number));
    }

    /// Forgets a timer.
    pub fn cancel(&mut self, timer: Timer) {
        if let Some(slot) = self.slots.remove(&timer) {
            self.due.remove(&slot);
        }
    }

    /// Forgets the timers of consensus.
    pub fn cancel_consensus(&mut self) {
        self.slots.retain(|timer, _| !matches!(timer, Timer::Consensus(..)));
        self.due.retain(|_, timer| !matches!(timer, Timer::Consensus(..)));
    }

    fn wait(&self, now: Instant) -> Duration {
        let first = self.due.keys().next();
        first.map_or(IDLE_WAIT, |(at, _)| at.saturating_duration_since(now).min(IDLE_WAIT))
    }

    fn pop_due(&mut self, now: Instant) -> Option<Timer> {
        let (&(at, number), &timer) = self.due.iter().next()?;
        if at > now {
            return None;
        }
        self.due.remove(&(at, number));
        self.slots.remove(&timer);
        Some(timer)
    }
}

/// What comes next; made and taken apart at once, so its size costs nothing.
#[allow(clippy::large_enum_variant)]
pub enum Next {
    /// Feed this.
    Do(Input),
    /// Nothing until something comes, or this long.
    Wait(Duration),
    /// The node must stop.
    Stop,
}

/// The channels and timers that feed the replica.
pub struct Agenda {
    /// The timers.
    pub timers: Timers,
    inputs: Receiver<Queued>,
    submissions: Receiver<Submission>,
    stop: Receiver<()>,
    /// Inputs taken since the last timer.
    taken: usize,
}

impl Agenda {
    /// An agenda without timers.
    pub fn new(
        inputs: Receiver<Queued>,
        submissions: Receiver<Submission>,
        stop: Receiver<()>,
    ) -> Self {
        Agenda { timers: Timers::default(), inputs, submissions, stop, taken: 0 }
    }

    /// What comes next at `now`.
    pub fn next(&mut self, now: Instant) -> Next {
        if self.stop.try_recv() != Err(TryRecvError::Empty) {
            return Next::Stop;
        }
        if self.taken < INPUTS_BEFORE_TIMER_MAX {
            match self.waiting() {
                Ok(input) => {
                    self.taken += 1;
                    return Next::Do(input);
                }
                Err(TryRecvError::Disconnected) => return Next::Stop,
                Err(TryRecvError::Empty) => {}
            }
        }
        self.taken = 0;
        match self.timers.pop_due(now) {
            Some(timer) => Next::Do(Input::Fired(timer)),
            None => Next::Wait(self.timers.wait(now)),
        }
    }

    /// What came, whatever timers are due.
    pub fn next_untimed(&mut self) -> Next {
        if self.stop.try_recv() != Err(TryRecvError::Empty) {
            return Next::Stop;
        }
        self.taken = 0;
        match self.waiting() {
            Ok(input) => Next::Do(input),
            Err(TryRecvError::Disconnected) => Next::Stop,
            Err(TryRecvError::Empty) => Next::Wait(IDLE_WAIT),
        }
    }

    /// Sleeps until something comes.
    pub fn wait(&self, at_most: Duration) {
        let mut select = Select::new();
        select.recv(&self.inputs);
        select.recv(&self.submissions);
        select.recv(&self.stop);
        // Whatever it is, `next` finds it.
        let _ = select.ready_timeout(at_most);
    }

    fn waiting(&self) -> Result<Input, TryRecvError> {
        let input = || self.inputs.try_recv().map(Queued::into_input);
        let submission = || self.submissions.try_recv().map(Input::Submit);
        let submission_first = self.taken.is_multiple_of(SUBMISSION_TURN);
        match if submission_first { submission() } else { input() } {
            Err(TryRecvError::Empty) if submission_first => input(),
            Err(TryRecvError::Empty) => submission(),
            found => found,
        }
    }
}

#[cfg(test)]
mod tests;
