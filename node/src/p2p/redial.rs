//! When to dial which configured peer.
//!
//! A peer that is allowed and not connected is dialled; after each failure the wait doubles from
//! [`REDIAL_FIRST`] to [`REDIAL_LONGEST`]. The wait is stretched by up to a quarter that depends on
//! both identities, so that a restarted consortium does not dial in step; no randomness is needed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use super::{PeerAddress, REDIAL_FIRST, REDIAL_LONGEST};

/// The configured peers.
#[derive(Debug)]
pub(super) struct Redial {
    local: PeerId,
    peers: BTreeMap<PeerId, Dialled>,
}

#[derive(Debug)]
struct Dialled {
    addresses: Vec<Multiaddr>,
    state: State,
    failures: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not on the allow list.
    Forbidden,
    /// To be dialled then.
    Due(Instant),
    /// A dial is under way.
    Dialling,
    /// Nothing to do.
    Connected,
}

impl Redial {
    /// Nobody is dialled before [`Redial::set_allowed`]; the node's own address is ignored.
    pub(super) fn new(local: PeerId, peers: Vec<PeerAddress>) -> Self {
        let mut known: BTreeMap<PeerId, Dialled> = BTreeMap::new();
        for PeerAddress { peer, address } in peers.into_iter().filter(|p| p.peer != local) {
            let new = || Dialled { addresses: vec![], state: State::Forbidden, failures: 0 };
            known.entry(peer).or_insert_with(new).addresses.push(address);
        }
        Redial { local, peers: known }
    }

    /// Follows the allow list: newly allowed peers are due at once.
    pub(super) fn set_allowed(&mut self, allowed: &BTreeSet<PeerId>, now: Instant) {
        for (peer, dialled) in &mut self.peers {
            match (allowed.contains(peer), dialled.state) {
                (false, _) => dialled.state = State::Forbidden,
                (true, State::Forbidden) => {
                    dialled.state = State::Due(now);
                    dialled.failures = 0;
                }
                (true, _) => {}
            }
        }
    }

    /// The next moment somebody is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.peers.values().filter_map(|dialled| dialled.due()).min()
    }

    /// Takes a peer that is due; its dial is under way until one of the calls below.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<(PeerId, Vec<Multiaddr>)> {
        let due = |dialled: &Dialled| dialled.due().is_some_and(|at| at <= now);
        let (peer, dialled) = self.peers.iter_mut().find(|(_, dialled)| due(dialled))?;
        dialled.state = State::Dialling;
        Some((*peer, dialled.addresses.clone()))
    }

    /// A connection exists, whoever dialled.
    pub(super) fn connected(&mut self, peer: &PeerId) {
        if let Some(dialled) = self.peers.get_mut(peer) {
            dialled.state = State::Connected;
            dialled.failures = 0;
        }
    }

    /// The dial failed, or the last connection ended.
    pub(super) fn lost(&mut self, peer: &PeerId, now: Instant) {
        let Some(dialled) = self.peers.get_mut(peer) else { return };
        if dialled.state != State::Forbidden {
            dialled.state = State::Due(now + backoff(&self.local, peer, dialled.failures));
            dialled.failures = dialled.failures.saturating_add(1);
        }
    }
}

impl Dialled {
    fn due(&self) -> Option<Instant> {
        match self.state {
            State::Due(at) => Some(at),
            _ => None,
        }
    }
}

/// The wait after the given number of earlier failures.
fn backoff(local: &PeerId, peer: &PeerId, failures: u32) -> Duration {
    let doubled = REDIAL_FIRST.saturating_mul(2u32.saturating_pow(failures)).min(REDIAL_LONGEST);
    let longest = REDIAL_LONGEST.saturating_sub(doubled).min(doubled / 4);
    longest * jitter(local, peer, failures) / 256 + doubled
}

/// 0 to 255 out of both identities (FNV-1a); evenly spread, not secret.
fn jitter(local: &PeerId, peer: &PeerId, failures: u32) -> u32 {
    let bytes = [&local.to_bytes()[..], &peer.to_bytes(), &failures.to_le_bytes()].concat();
    let hash = bytes
        .iter()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    hash >> 24
}

#[cfg(test)]
mod tests;
