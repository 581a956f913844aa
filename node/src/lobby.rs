//! The lobby: who waits for what. Passes let newcomers' nodes in; petitions 联签 are transactions that
//! still need signatures of other members, so that each member signs on its own machine.
//!
//! Nodes tell each other of both; nothing here is consensus, and nothing is lost that its author
//! cannot say again. A petition whose signatures suffice goes to the replica like any transaction.
//! What others can make grow is bounded: [`PASSES_MAX`], [`PASSES_PER_MEMBER_MAX`],
//! [`PETITIONS_MAX`], [`PETITIONS_PER_PEER_MAX`]. A signature that the rules would find superfluous
//! (KEY-06) is not taken, so that nobody can spoil what others signed.
//!
//! | peer | may say |
//! |---|---|
//! | of a member, or named by the invitation that this node joined with | everything |
//! | guest: the node of a newcomer whose pass holds | asks for blocks and snapshots; its own petition |
//! | pass: the one-time identity that a pass names | its own petition |
//! | anybody else | is refused at the handshake |
//!
//! A pass serves the first node that uses it and no other; it ends when it expires or its member is
//! admitted. Kept in `data/lobby.json`, so that a restart of all nodes forgets nothing.

mod petition;
mod store;
mod task;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use libp2p::PeerId;
use mulu_chain::digest::Digest;
use mulu_chain::pass::{Pass, PassInvalid};
use mulu_chain::transaction::{Envelope, TransactionId};
use mulu_chain::types::{ChainId, TimeMs};
use mulu_contracts::key::{Key, KeyRole, KeyStatus};
use mulu_contracts::state::{key_key, member_key};

use crate::membership::admitted_peers;
use crate::p2p::P2pHandle;
use crate::storage::{Ledger, StorageError};

pub use petition::{Missing, PetitionRefused, PetitionView, SignerView};
pub use task::{LobbyHandle, LobbyTask, REQUESTS_MAX, Request};

/// Most passes kept.
pub const PASSES_MAX: usize = 64;
/// Most passes for one newcomer.
pub const PASSES_PER_MEMBER_MAX: usize = 4;
/// Longest time a pass may be good for, in milliseconds.
pub const PASS_MS_MAX: u64 = 90 * 24 * 60 * 60 * 1_000;
/// Most petitions kept.
pub const PETITIONS_MAX: usize = 64;
/// Most petitions that one peer may bring.
pub const PETITIONS_PER_PEER_MAX: usize = 16;

/// What a peer is to this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It belongs to a member.
    Member,
    /// It belongs to a newcomer.
    Guest,
    /// It only brings a newcomer's petition.
    Pass(Digest),
    /// It may say nothing.
    Stranger,
}

/// A pass and the node it serves.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    pass: Pass,
    guest: PeerId,
    used_by: Option<PeerId>,
}

/// A petition and who brought it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Petition {
    envelope: Envelope,
    from: Option<PeerId>,
}

#[derive(Debug, Default)]
struct State {
    members: BTreeSet<PeerId>,
    passes: BTreeMap<Digest, Held>,
    petitions: BTreeMap<TransactionId, Petition>,
}

/// The lobby.
#[derive(Debug)]
pub struct Lobby {
    chain_id: ChainId,
    path: PathBuf,
    /// Peers that the invitation named; this node's ledger may not know them yet.
    trusted: BTreeSet<PeerId>,
    state: Mutex<State>,
}

/// Why a pass is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PassRefused {
    /// Its form or signature.
    #[error(transparent)]
    Invalid(#[from] PassInvalid),
    /// The key may not sign passes.
    #[error("{0} is no key of an administrator or authority of a member in good standing")]
    Key(String),
    /// The newcomer is a member already.
    #[error("{0} is a member already")]
    Member(String),
    /// It ended, or ends too late.
    #[error("the pass must end within 90 days, and in the future")]
    Time,
    /// The one-time identity is not a peer id, or belongs to a member.
    #[error("{0} cannot be the identity of a newcomer")]
    Guest(String),
    /// Too many.
    #[error("too many passes are out; wait until some have expired")]
    Full,
}

impl Lobby {
    /// Reads the lobby of a data folder; one that is damaged is begun anew, and said so.
    pub fn open(chain_id: ChainId, path: PathBuf, trusted: BTreeSet<PeerId>) -> Self {
        let state = store::load(&path, &chain_id);
        Lobby { chain_id, path, trusted, state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a peer is.
    pub fn role(&self, peer: &PeerId) -> Role {
        let state = self.lock();
        if state.members.contains(peer) || self.trusted.contains(peer) {
            return Role::Member;
        }
        for (id, held) in &state.passes {
            if held.used_by == Some(*peer) {
                return Role::Guest;
            }
            if held.guest == *peer {
                return Role::Pass(*id);
            }
        }
        Role::Stranger
    }

    /// Forgets what is over, and tells the transport whom to let in.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn refresh(
        &self,
        ledger: &Ledger,
        p2p: &P2pHandle,
        now: TimeMs,
    ) -> Result<(), StorageError> {
        let admitted = admitted_peers(ledger)?.into_iter().map(|(peer, _)| peer).collect();
        let tip = ledger.tip()?.header.height;
        // Held until the list is handed over, so that an older one never replaces a newer one.
        let mut state = self.lock();
        state.members = admitted;
        let before = (state.passes.len(), state.petitions.len());
        let passes = std::mem::take(&mut state.passes);
        for (id, held) in passes {
            if check_pass(&held.pass, ledger, now)?.is_ok() {
                state.passes.insert(id, held);
            }
        }
        let petitions = std::mem::take(&mut state.petitions);
        for (id, petition) in petitions {
            let over = ledger.transaction(&id)?.is_some()
                || petition::valid_until(&petition.envelope).is_none_or(|last| last <= tip);
            if !over {
                state.petitions.insert(id, petition);
            }
        }
        if before != (state.passes.len(), state.petitions.len()) {
            store::save(&self.path, &state);
        }
        let guests = state.passes.values().flat_map(|held| {
            let one_time = [held.guest].into_iter();
            one_time.chain(held.used_by)
        });
        let allowed =
            guests.chain(state.members.iter().copied()).chain(self.trusted.iter().copied());
        p2p.set_allowed(allowed.collect());
        Ok(())
    }

    /// Whether anything waits that a commit may end.
    pub fn is_empty(&self) -> bool {
        let state = self.lock();
        state.passes.is_empty() && state.petitions.is_empty()
    }

    /// Takes a pass; answers whether it is new.
    fn take_pass(
        &self,
        pass: &Pass,
        ledger: &Ledger,
        now: TimeMs,
    ) -> Result<Result<bool, PassRefused>, StorageError> {
        if let Err(invalid) = pass.check(&self.chain_id) {
            return Ok(Err(invalid.into()));
        }
        if let Err(refused) = check_pass(pass, ledger, now)? {
            return Ok(Err(refused));
        }
        let Ok(guest) = pass.guest.parse::<PeerId>() else {
            return Ok(Err(PassRefused::Guest(pass.guest.clone())));
        };
        let mut state = self.lock();
        if state.members.contains(&guest) || self.trusted.contains(&guest) {
            return Ok(Err(PassRefused::Guest(pass.guest.clone())));
        }
        if state.passes.contains_key(&pass.id()) {
            return Ok(Ok(false));
        }
        let same = state.passes.values().filter(|held| held.pass.member == pass.member).count();
        if state.passes.len() >= PASSES_MAX || same >= PASSES_PER_MEMBER_MAX {
            return Ok(Err(PassRefused::Full));
        }
        let held = Held { pass: pass.clone(), guest, used_by: None };
        state.passes.insert(pass.id(), held);
        store::save(&self.path, &state);
        Ok(Ok(true))
    }

    /// Lets a pass serve a node; `false` if it serves another one already.
    fn bind(&self, member: &str, node: PeerId, only: Option<Digest>) -> bool {
        let mut state = self.lock();
        let mut bound = false;
        for (id, held) in &mut state.passes {
            let fits = held.pass.member == member && only.is_none_or(|only| only == *id);
            if fits && held.used_by.is_none_or(|used| used == node) {
                held.used_by = Some(node);
                bound = true;
                break;
            }
        }
        if bound {
            store::save(&self.path, &state);
        }
        bound
    }

    /// Everything kept, to be told to a peer that connected.
    fn everything(&self) -> (Vec<Pass>, Vec<Envelope>) {
        let state = self.lock();
        let passes = state.passes.values().map(|held| held.pass.clone()).collect();
        (passes, state.petitions.values().map(|petition| petition.envelope.clone()).collect())
    }
}

/// What the chain and the clock say of a pass.
fn check_pass(
    pass: &Pass,
    ledger: &Ledger,
    now: TimeMs,
) -> Result<Result<(), PassRefused>, StorageError> {
    let latest = now.0.saturating_add(PASS_MS_MAX);
    if pass.expires_ms < now.0 || pass.expires_ms > latest {
        return Ok(Err(PassRefused::Time));
    }
    if ledger.record(&member_key(&pass.member))?.is_some() {
        return Ok(Err(PassRefused::Member(pass.member.clone())));
    }
    let key = registered(ledger, &pass.key)?;
    let leads = key.is_some_and(|key| {
        key.office.is_none()
            && key.status == KeyStatus::Active
            && key.roles.iter().any(|r| matches!(r, KeyRole::Administrator | KeyRole::Authority))
    });
    Ok(if leads { Ok(()) } else { Err(PassRefused::Key(pass.key.to_string())) })
}

/// A registered key.
fn registered(
    ledger: &Ledger,
    key: &mulu_chain::signature::PublicKey,
) -> Result<Option<Key>, StorageError> {
    let value = ledger.record(&key_key(key))?;
    Ok(value.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

#[cfg(test)]
mod tests;
