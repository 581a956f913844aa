//! Checkpoints of the log that validators sign, so that any node serves a note with the lines of a
//! quorum (SPEC section 7).
//!
//! Which sizes are signed is decided by the chain, so that all sign the same: the log after the
//! first block of each second of block time, and the last one when blocks stop coming. A validator
//! signs what its own committed headers say and nothing else; those are certified, so a line never
//! says more than a quorum has decided, whatever became of the vote log. Under the alarm it signs
//! nothing all the same: its key is in other hands, and nobody is to rely on it.
//!
//! A peer costs at most one line a validator ahead of our tip; lines of keys in no set, over
//! another root, or of sizes we do not keep, are dropped.

use std::collections::BTreeMap;
use std::sync::Arc;

use libp2p::PeerId;
use mulu_chain::checkpoint::{Checkpoint, log_key, origin};
use mulu_chain::digest::Digest;
use mulu_chain::note::Note;
use mulu_chain::signature::{PublicKey, Signature};
use mulu_chain::types::TimeMs;

use super::core::Inner;
use super::io::{Effect, Verified};
use super::standing::Standing;
use super::wire::{PeerMessage, Signed as _, WireCheckpoint};

/// Sizes of the log whose lines are kept.
pub const CHECKPOINTS_KEPT_MAX: usize = 8;
/// Block time between two sizes that are signed, and how long blocks must have stopped coming
/// before the last one is, in milliseconds.
pub const CHECKPOINT_INTERVAL_MS: u64 = 1_000;

/// The lines heard so far.
#[derive(Debug, Default)]
pub(super) struct Checkpoints {
    /// By the log's size: what this node committed to, and who signed it.
    known: BTreeMap<u64, Lines>,
    /// The newest line of each validator that is ahead of what is known.
    early: BTreeMap<PublicKey, WireCheckpoint>,
    own: Option<WireCheckpoint>,
    served: Option<(u64, Arc<str>)>,
    relayed: u64,
}

#[derive(Debug)]
struct Lines {
    root: Digest,
    signatures: BTreeMap<PublicKey, Signature>,
}

impl Checkpoints {
    /// The newest note that a quorum signed.
    pub(super) fn served(&self) -> Option<Arc<str>> {
        self.served.as_ref().map(|(_, note)| note.clone())
    }

    /// Lines kept.
    pub(super) fn lines_len(&self) -> usize {
        let known: usize = self.known.values().map(|lines| lines.signatures.len()).sum();
        known + self.early.len()
    }

    /// The lines of the note that is served, as messages.
    fn messages(&self) -> Vec<PeerMessage> {
        let Some((size, _)) = self.served else { return Vec::new() };
        let Some(Lines { root, signatures }) = self.known.get(&size) else { return Vec::new() };
        let message = |(validator, signature): (&PublicKey, &Signature)| {
            let (root, validator, signature) = (*root, *validator, *signature);
            PeerMessage::Checkpoint(WireCheckpoint { size, root, validator, signature })
        };
        signatures.iter().map(message).collect()
    }
}

impl Inner {
    /// A block was committed whose parent had that time.
    pub(super) fn checkpoint_committed(&mut self, parent: TimeMs) {
        let second = |time: TimeMs| time.0 / CHECKPOINT_INTERVAL_MS;
        if second(self.tip.header.time_ms) != second(parent) {
            self.know_tip();
        }
        // The set may be another one now.
        self.serve_newest();
    }

    /// Now and then: what the last blocks left unsigned, and what others may not have heard.
    pub(super) fn checkpoint_timer(&mut self) {
        let quiet = self.elapsed.0.saturating_sub(self.committed_at.0) >= CHECKPOINT_INTERVAL_MS;
        if quiet {
            self.know_tip();
        }
        self.sign_newest();
        let served = self.checkpoints.served.as_ref().map(|(size, _)| *size);
        if let Some(own) = &self.checkpoints.own
            && served.is_none_or(|served| served < own.size)
        {
            self.broadcast(PeerMessage::Checkpoint(own.clone()));
        }
        let Some(size) = served.filter(|size| *size != self.checkpoints.relayed) else { return };
        self.checkpoints.relayed = size;
        // Validators tell each other; those who follow may know only one of them.
        let follows =
            |(id, peer): (&PeerId, &super::core::Peer)| peer.validator.is_none().then_some(*id);
        let followers: Vec<PeerId> = self.peers.iter().filter_map(follows).collect();
        for id in followers {
            self.tell_checkpoint(id);
        }
    }

    /// Tells a peer the newest lines.
    pub(super) fn tell_checkpoint(&mut self, peer: PeerId) {
        let mut messages = self.checkpoints.messages();
        if let Some(own) = &self.checkpoints.own {
            messages.push(PeerMessage::Checkpoint(own.clone()));
        }
        let send = |message| Effect::Send(peer, Box::new(message));
        self.effects.extend(messages.into_iter().map(send));
    }

    /// A line came.
    pub(super) fn on_checkpoint(&mut self, line: &Verified<WireCheckpoint>) {
        let (key, size) = (line.validator, line.size);
        let counts =
            self.validators.chain_set().get(&key).is_some() || self.upcoming.get(&key).is_some();
        if !counts || Some(key) == self.own_key() {
            return;
        }
        match self.checkpoints.known.get_mut(&size) {
            Some(known) if known.root == line.root => {
                let new = known.signatures.insert(key, line.signature).is_none();
                if new {
                    self.serve_newest();
                }
            }
            Some(known) => tracing::warn!(
                validator = %key, size, said = %line.root, committed = %known.root,
                "a validator signed a checkpoint of another log"
            ),
            None if size >= self.tip.header.log_size => {
                let early = &mut self.checkpoints.early;
                if early.get(&key).is_none_or(|before| before.size < size) {
                    early.insert(key, (**line).clone());
                }
            }
            None => {}
        }
    }

    /// Keeps the lines of our tip's log from now on, and signs it.
    fn know_tip(&mut self) {
        let header = &self.tip.header;
        let (size, root) = (header.log_size, header.log_root);
        if header.height == mulu_chain::types::Height::GENESIS
            || self.checkpoints.known.contains_key(&size)
        {
            return;
        }
        let mut signatures = BTreeMap::new();
        self.checkpoints.early.retain(|key, line| {
            if line.size == size && line.root == root {
                signatures.insert(*key, line.signature);
            }
            line.size > size
        });
        self.checkpoints.known.insert(size, Lines { root, signatures });
        while self.checkpoints.known.len() > CHECKPOINTS_KEPT_MAX {
            self.checkpoints.known.pop_first();
        }
        self.sign_newest();
        self.serve_newest();
    }

    fn sign_newest(&mut self) {
        let Some((size, root)) =
            self.checkpoints.known.iter().next_back().map(|(s, l)| (*s, l.root))
        else {
            return;
        };
        let done = self.checkpoints.own.as_ref().is_some_and(|own| own.size == size);
        let behind = self.peers.values().any(|peer| peer.height > self.tip.header.height.next());
        let silent = self.listening
            || self.replaying
            || matches!(self.guard.standing, Standing::Alarm(_))
            || !self.is_validator();
        let Some(signer) = self.signer.as_ref().filter(|_| !done && !behind && !silent) else {
            return;
        };
        let validator = signer.public_key();
        let unsigned =
            WireCheckpoint { size, root, validator, signature: Signature::from_bytes([0; 64]) };
        let signature = signer.sign(&unsigned.signed_bytes(&self.chain_id));
        let own = WireCheckpoint { signature, ..unsigned };
        if let Some(known) = self.checkpoints.known.get_mut(&size) {
            known.signatures.insert(validator, signature);
        }
        self.checkpoints.own = Some(own.clone());
        self.broadcast(PeerMessage::Checkpoint(own));
        self.serve_newest();
    }

    /// Writes the note of the newest size that a quorum of the set in force signed.
    fn serve_newest(&mut self) {
        let set = self.validators.chain_set();
        let origin = origin(&self.chain_id);
        let vouched = self.checkpoints.known.iter().rev().find(|(_, lines)| {
            let validators = set.validators().iter();
            let signed = validators.filter(|v| lines.signatures.contains_key(&v.public_key));
            set.is_quorum(signed.map(|v| v.power).sum())
        });
        let Some((size, Lines { root, signatures })) = vouched else { return };
        let checkpoint = Checkpoint { origin: origin.clone(), size: *size, root: *root };
        let lines = set.validators().iter().filter_map(|v| {
            let signature = signatures.get(&v.public_key)?;
            Some(log_key(&origin, v.public_key).line(signature))
        });
        let note = Note { text: checkpoint.text(), signatures: lines.collect() };
        self.checkpoints.served = Some((*size, note.to_string().into()));
    }
}
