//! What waits for one peer and what is on the wire to it.
//!
//! At most [`IN_FLIGHT_MAX`] frames are on the wire; the rest waits in order. Waiting and flying
//! frames together stay within [`OUTBOUND_FRAMES_MAX`] and [`OUTBOUND_BYTES_MAX`]; to make room the
//! oldest waiting frame goes first, because a peer that was slow needs today's votes, not yesterday's.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::{IN_FLIGHT_MAX, OUTBOUND_BYTES_MAX, OUTBOUND_FRAMES_MAX};

/// Frames to one connected peer; `Id` names a frame on the wire.
#[derive(Debug)]
pub(super) struct Outbound<Id> {
    waiting: VecDeque<Bytes>,
    in_flight: BTreeMap<Id, usize>,
    bytes: usize,
}

impl<Id: Ord> Outbound<Id> {
    pub(super) fn new() -> Self {
        Outbound { waiting: VecDeque::new(), in_flight: BTreeMap::new(), bytes: 0 }
    }

    /// Adds a frame and answers how many frames were dropped to keep the bounds.
    pub(super) fn push(&mut self, frame: Bytes) -> usize {
        let mut dropped = 0;
        while self.len() >= OUTBOUND_FRAMES_MAX || self.bytes + frame.len() > OUTBOUND_BYTES_MAX {
            dropped += 1;
            match self.waiting.pop_front() {
                Some(oldest) => self.bytes -= oldest.len(),
                None => return dropped,
            }
        }
        self.bytes += frame.len();
        self.waiting.push_back(frame);
        dropped
    }

    /// Puts the next frame on the wire with `send`, if there is one and room for it.
    pub(super) fn send_next(&mut self, send: impl FnOnce(Bytes) -> Id) -> bool {
        if self.in_flight.len() >= IN_FLIGHT_MAX {
            return false;
        }
        let Some(frame) = self.waiting.pop_front() else { return false };
        let bytes = frame.len();
        self.in_flight.insert(send(frame), bytes);
        true
    }

    /// Forgets a frame on the wire and answers its size, if it was known.
    pub(super) fn landed(&mut self, id: &Id) -> Option<usize> {
        let bytes = self.in_flight.remove(id)?;
        self.bytes -= bytes;
        Some(bytes)
    }

    /// Frames waiting and on the wire.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.in_flight.len()
    }
}

#[cfg(test)]
mod tests;
