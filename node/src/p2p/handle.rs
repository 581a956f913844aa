//! The callers' side of the swarm task: hand over and go on.
//!
//! Frames go through a bounded queue and are dropped, and counted, when it is full. The allow list
//! and the wish to stop are states, not messages: the latest wins and none is ever lost.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use libp2p::PeerId;
use tokio::sync::{mpsc, watch};

use super::{COMMAND_BYTES_MAX, COMMANDS_MAX, FRAME_BYTES_MAX};

/// A cloneable handle to the swarm task.
#[derive(Debug, Clone)]
pub struct P2pHandle {
    commands: mpsc::Sender<Command>,
    control: watch::Sender<Control>,
    shared: Arc<Shared>,
}

/// What the transport has done since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct P2pCounters {
    /// Peers connected now.
    pub peers_connected: u64,
    /// Frames that a peer acknowledged.
    pub frames_sent: u64,
    /// Their bytes.
    pub bytes_sent: u64,
    /// Frames handed to the layer above.
    pub frames_received: u64,
    /// Their bytes.
    pub bytes_received: u64,
    /// Frames dropped because a queue was full.
    pub frames_dropped: u64,
    /// Frames to peers that were not connected, or whose connection ended or failed on the way.
    pub frames_undelivered: u64,
    /// Frames refused because they were malformed or too long.
    pub frames_refused: u64,
    /// Connections refused because the peer is not admitted or a limit was reached.
    pub connections_refused: u64,
}

/// A frame to send; `to` is `None` for everybody connected.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) to: Option<PeerId>,
    pub(super) frame: Bytes,
}

/// What the task obeys; the latest counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Control {
    pub(super) allowed: BTreeSet<PeerId>,
    pub(super) stop: bool,
}

/// The task's ends of the queues.
pub(super) struct Inbox {
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) control: watch::Receiver<Control>,
    pub(super) shared: Arc<Shared>,
}

/// Counters of both sides.
#[derive(Debug, Default)]
pub(super) struct Shared {
    command_bytes: AtomicUsize,
    peers_connected: AtomicU64,
    frames_sent: AtomicU64,
    bytes_sent: AtomicU64,
    frames_received: AtomicU64,
    bytes_received: AtomicU64,
    frames_dropped: AtomicU64,
    frames_undelivered: AtomicU64,
    frames_refused: AtomicU64,
    connections_refused: AtomicU64,
}

/// Makes both sides.
pub(super) fn new(allowed: BTreeSet<PeerId>) -> (P2pHandle, Inbox) {
    let (commands, commands_out) = mpsc::channel(COMMANDS_MAX);
    let (control, control_out) = watch::channel(Control { allowed, stop: false });
    let shared = Arc::new(Shared::default());
    let inbox = Inbox { commands: commands_out, control: control_out, shared: Arc::clone(&shared) };
    (P2pHandle { commands, control, shared }, inbox)
}

impl P2pHandle {
    /// Sends a frame to one peer, if it is connected.
    pub fn send(&self, to: PeerId, frame: Bytes) {
        self.hand_over(Command { to: Some(to), frame });
    }

    /// Sends a frame to every connected peer.
    pub fn broadcast(&self, frame: Bytes) {
        self.hand_over(Command { to: None, frame });
    }

    /// Replaces the list of admitted peers: who is no longer on it is disconnected, who is new on
    /// it and configured is dialled.
    pub fn set_allowed(&self, allowed: BTreeSet<PeerId>) {
        self.control.send_if_modified(|control| {
            let changed = control.allowed != allowed;
            control.allowed = allowed;
            changed
        });
    }

    /// Closes all connections and ends the task.
    pub fn shutdown(&self) {
        self.control.send_modify(|control| control.stop = true);
    }

    /// What was done so far.
    pub fn counters(&self) -> P2pCounters {
        self.shared.counters()
    }

    fn hand_over(&self, command: Command) {
        let bytes = command.frame.len();
        if bytes > FRAME_BYTES_MAX {
            tracing::error!(bytes, limit = FRAME_BYTES_MAX, "a frame to send is too long");
            return self.shared.count_dropped(1);
        }
        let before = self.shared.command_bytes.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > COMMAND_BYTES_MAX || self.commands.try_send(command).is_err() {
            self.shared.command_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.shared.count_dropped(1);
        }
    }
}

impl Shared {
    pub(super) fn taken(&self, command: &Command) {
        self.command_bytes.fetch_sub(command.frame.len(), Ordering::Relaxed);
    }

    pub(super) fn set_connected(&self, peers: usize) {
        self.peers_connected.store(peers as u64, Ordering::Relaxed);
    }

    pub(super) fn count_sent(&self, bytes: usize) {
        self.frames_sent.fetch_add(1, Ordering::Relaxed);
        self.bytes_sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn count_received(&self, bytes: usize) {
        self.frames_received.fetch_add(1, Ordering::Relaxed);
        self.bytes_received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn count_dropped(&self, frames: usize) {
        self.frames_dropped.fetch_add(frames as u64, Ordering::Relaxed);
    }

    pub(super) fn count_undelivered(&self, frames: usize) {
        self.frames_undelivered.fetch_add(frames as u64, Ordering::Relaxed);
    }

    pub(super) fn count_refused(&self) {
        self.frames_refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_connection_refused(&self) {
        self.connections_refused.fetch_add(1, Ordering::Relaxed);
    }

    fn counters(&self) -> P2pCounters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        P2pCounters {
            peers_connected: read(&self.peers_connected),
            frames_sent: read(&self.frames_sent),
            bytes_sent: read(&self.bytes_sent),
            frames_received: read(&self.frames_received),
            bytes_received: read(&self.bytes_received),
            frames_dropped: read(&self.frames_dropped),
            frames_undelivered: read(&self.frames_undelivered),
            frames_refused: read(&self.frames_refused),
            connections_refused: read(&self.connections_refused),
        }
    }
}
