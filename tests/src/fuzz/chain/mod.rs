//! Targets that need no node: what an auditor's or a client's program decodes, too.

mod block;
mod bundle;
mod certificate;
mod envelope;
mod genesis;
mod log_proof;
mod payload;
pub mod sample;
mod state_proof;
mod strict_json;
mod texts;
mod transaction;

use mulu_chain::codec::{self, Decode, Encode};

use super::outcome::Outcome;
use super::target::Target;

/// The targets, by name.
pub const TARGETS: [Target; 11] = [
    Target::text("strict_json", strict_json::run, strict_json::seeds, 320),
    Target::text("envelope_json", envelope::run, envelope::seeds, 70),
    Target::text("payload", payload::run, payload::seeds, 90),
    Target::text("transaction", transaction::run, payload::seeds, 8),
    Target::binary("block", block::run, block::seeds, 70),
    Target::binary("certificate", certificate::run, certificate::seeds, 20),
    Target::binary("state_proof", state_proof::run, state_proof::seeds, 90),
    Target::binary("log_proof", log_proof::run, log_proof::seeds, 80),
    Target::binary("bundle", bundle::run, bundle::seeds, 10),
    Target::text("genesis", genesis::run, genesis::seeds, 5),
    Target::text("texts", texts::run, texts::seeds, 100),
];

/// Decodes and holds the codec to its word: what it takes, it writes again byte for byte.
fn canonical<T: Encode + Decode<()>, const LIMIT: usize>(bytes: &[u8]) -> Result<T, Outcome> {
    let value = codec::decode::<T, LIMIT>(bytes).map_err(|error| Outcome::refused(&error))?;
    assert!(bytes.len() <= LIMIT, "longer than the bound, and taken");
    assert!(codec::encode(&value) == bytes, "another encoding of the value was taken");
    Ok(value)
}
