//! The connected peers: who they are, which validator they speak for, and what heights they tell.

use libp2p::PeerId;
use mulu_chain::signature::{PublicKey, Signature};
use mulu_chain::types::{ChainId, Height};

use super::core::{Inner, Peer, Replica, ReplicaError};
use super::intake::{RESEND_TRANSACTIONS_MAX, push_messages};
use super::io::{Effect, Verified};
use super::signing::Signer;
use super::standing::Standing;
use super::wire::{PeerMessage, Signed as _, WireIdentity};

/// How often a node repeats which validator it speaks for, in milliseconds.
pub const IDENTITY_INTERVAL_MS: u64 = 10_000;

/// Which validator a node speaks for, signed.
pub(super) fn identity(chain_id: &ChainId, node: PeerId, signer: &dyn Signer) -> WireIdentity {
    let (peer, validator) = (node.to_bytes(), signer.public_key());
    let unsigned = WireIdentity { peer, validator, signature: Signature::from_bytes([0; 64]) };
    let signature = signer.sign(&unsigned.signed_bytes(chain_id));
    WireIdentity { signature, ..unsigned }
}

impl Replica {
    /// A peer proves which validator it speaks for.
    pub(super) fn on_identity(
        &mut self,
        from: PeerId,
        identity: &Verified<WireIdentity>,
    ) -> Result<(), ReplicaError> {
        let inner = &mut self.inner;
        let Some(peer) = inner.peers.get_mut(&from) else { return Ok(()) };
        if identity.peer != from.to_bytes() || peer.validator == Some(identity.validator) {
            return Ok(());
        }
        peer.validator = Some(identity.validator);
        inner.hear_heights();
        if inner.listening { self.may_speak() } else { inner.plan_next_height() }
    }
}

impl Inner {
    pub(super) fn on_connected(&mut self, id: PeerId) -> Result<(), ReplicaError> {
        self.peers.insert(id, Peer::default());
        self.look_up_members()?;
        let height = self.tip.header.height;
        self.effects.push(Effect::Send(id, Box::new(PeerMessage::Status(height))));
        if let Some(identity) = self.identity.clone() {
            self.effects.push(Effect::Send(id, Box::new(PeerMessage::Identity(identity))));
        }
        self.tell_checkpoint(id);
        for message in push_messages(&self.mempool.own(RESEND_TRANSACTIONS_MAX)) {
            self.effects.push(Effect::Send(id, Box::new(message)));
        }
        Ok(())
    }

    /// Says which member each peer belongs to now.
    pub(super) fn look_up_members(&mut self) -> Result<(), ReplicaError> {
        let admitted = crate::membership::admitted_peers(&self.ledger)?;
        for (id, peer) in &mut self.peers {
            let found = admitted.iter().find(|(admitted, _)| admitted == id);
            peer.member = found.map(|(_, member)| member.clone());
        }
        Ok(())
    }

    /// Messages may be lost, so this is said again and again.
    pub(super) fn repeat_identity(&mut self) {
        if self.elapsed.0.saturating_sub(self.identity_said.0) >= IDENTITY_INTERVAL_MS
            && let Some(identity) = self.identity.clone()
        {
            self.identity_said = self.elapsed;
            self.broadcast(PeerMessage::Identity(identity));
        }
    }

    /// The highest height that a validator's own node told since it connected.
    pub(super) fn reported(&self, validator: &PublicKey) -> Option<Height> {
        let nodes = self.peers.values().filter(|peer| peer.validator == Some(*validator));
        nodes.filter(|peer| peer.reported).map(|peer| peer.height).max()
    }

    /// Power of the validators of whom something holds; of this one it does.
    pub(super) fn power_of(&self, holds: impl Fn(&PublicKey) -> bool) -> u64 {
        let own = self.own_key();
        let counts = |key: &PublicKey| Some(*key) == own || holds(key);
        let validators = self.validators.chain_set().validators().iter();
        validators.filter(|v| counts(&v.public_key)).map(|v| v.power).sum()
    }

    /// A validator in doubt listens for a height beyond which it cannot have signed.
    ///
    /// Let F be the power that may be faulty, less than a third, this validator included as long as
    /// it does not know what it signed. *Believed* is the highest of: our tip; what the log knew;
    /// and the height that validators of more than F power told or exceeded, so that one that is
    /// not faulty did. A validator that told more is not believed yet, and not counted: it may lie,
    /// or the others and we have still to catch up with it. When those that are counted, and we,
    /// hold a quorum, the doubt has a bound.
    ///
    /// Why it is one: say this validator voted at height h. Then a quorum had precommitted h - 1.
    /// That quorum and the counted one share more than a third of the power, so a validator that is
    /// not faulty: it had committed h - 2 before it precommitted h - 1, told at least that, and was
    /// counted, so h - 2 is at most what is believed. [`Standing::abstains`] adds the two. No clock
    /// is needed, and what liars tell, however high, neither moves the bound nor is waited for.
    pub(super) fn hear_heights(&mut self) {
        let Standing::Doubt { highest, heard_quorum: false, .. } = &self.guard.standing else {
            return;
        };
        let set = self.validators.chain_set();
        let tip = self.tip.header.height;
        let own = self.own_key();
        let mut told: Vec<(Height, u64)> = Vec::new();
        for validator in set.validators() {
            let key = validator.public_key;
            let height = if Some(key) == own { Some(tip) } else { self.reported(&key) };
            told.extend(height.map(|height| (height, validator.power)));
        }
        told.sort_unstable_by(|a, b| b.cmp(a));
        let faulty_max = set.total_power().saturating_sub(1) / 3;
        let mut power = 0u64;
        let vouched = told.iter().find(|(_, own)| {
            power = power.saturating_add(*own);
            power > faulty_max
        });
        let vouched = vouched.map_or(Height::GENESIS, |(height, _)| *height);
        let believed = vouched.max(tip).max(*highest);
        let counted = told.iter().filter(|(height, _)| *height <= believed);
        let quorum = set.is_quorum(counted.map(|(_, power)| power).sum());
        if quorum && let Standing::Doubt { highest, heard_quorum, .. } = &mut self.guard.standing {
            *highest = believed;
            *heard_quorum = true;
        }
    }
}
