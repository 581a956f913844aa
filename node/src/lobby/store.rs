//! The lobby's file: what waits, as JSON. It is replaced whole; one that is damaged is begun anew,
//! because its authors can say all of it again.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use libp2p::PeerId;
use mulu_chain::pass::Pass;
use mulu_chain::transaction::Envelope;
use mulu_chain::types::ChainId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::disk::{self, OsDisk};

use super::{Held, PASSES_MAX, PETITIONS_MAX, Petition, State};

/// Largest file read, in bytes.
pub const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

#[derive(Serialize, Deserialize)]
struct Stored {
    passes: Vec<StoredPass>,
    petitions: Vec<StoredPetition>,
}

#[derive(Serialize, Deserialize)]
struct StoredPass {
    pass: Pass,
    used_by: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredPetition {
    envelope: Value,
    from: Option<String>,
}

/// Reads the file.
pub(super) fn load(path: &Path, chain_id: &ChainId) -> State {
    match read(path) {
        Ok(stored) => revive(stored, chain_id),
        Err(error) if error.kind() == io::ErrorKind::NotFound => State::default(),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error,
                "the lobby's file cannot be read and is begun anew; passes and petitions will be told again");
            State::default()
        }
    }
}

fn read(path: &Path) -> io::Result<Stored> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    serde_json::from_slice(&bytes).map_err(io::Error::other)
}

fn revive(stored: Stored, chain_id: &ChainId) -> State {
    let mut state = State::default();
    for StoredPass { pass, used_by } in stored.passes.into_iter().take(PASSES_MAX) {
        let guest = pass.guest.parse::<PeerId>();
        if let (Ok(()), Ok(guest)) = (pass.check(chain_id), guest) {
            let used_by = used_by.and_then(|text| text.parse().ok());
            state.passes.insert(pass.id(), Held { pass, guest, used_by });
        }
    }
    for StoredPetition { envelope, from } in stored.petitions.into_iter().take(PETITIONS_MAX) {
        let envelope = Envelope::from_json(envelope.to_string().as_bytes());
        if let Some(verified) = envelope.ok().and_then(|envelope| envelope.verify().ok()) {
            let from = from.and_then(|text| text.parse().ok());
            let envelope = verified.envelope().clone();
            state.petitions.insert(verified.id(), Petition { envelope, from });
        }
    }
    state
}

/// Writes the file; a failure is said, not fatal: nothing here is the chain's.
pub(super) fn save(path: &Path, state: &State) {
    let passes = state.passes.values().map(|held| StoredPass {
        pass: held.pass.clone(),
        used_by: held.used_by.map(|peer| peer.to_string()),
    });
    let petitions = state.petitions.values().map(|petition| StoredPetition {
        envelope: petition.envelope.to_json(),
        from: petition.from.map(|peer| peer.to_string()),
    });
    let stored = Stored { passes: passes.collect(), petitions: petitions.collect() };
    if let Err(error) = replace(path, &stored) {
        tracing::warn!(path = %path.display(), %error, "the lobby's file cannot be written");
    }
}

fn replace(path: &Path, stored: &Stored) -> io::Result<()> {
    let text = serde_json::to_vec(stored).map_err(io::Error::other)?;
    disk::replace(&OsDisk, path, &text).map(drop)
}
