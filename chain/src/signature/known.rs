//! Keys that were checked before, with their points.
//!
//! Checking a key and verifying under it both begin with its decompression, a square root that costs
//! a fifth of a verification, and a chain names the same few keys in every vote, certificate and
//! record. What is remembered follows from the bytes alone: with or without it, the answers are the
//! same. A slot holds the key that came last, so that a flood of keys costs time and no memory.

use std::sync::Mutex;

use ed25519_dalek::VerifyingKey;

use super::SignatureInvalid;

/// Keys remembered in a process.
const KNOWN_KEYS_MAX: usize = 4096;

static KNOWN: [Mutex<Option<VerifyingKey>>; KNOWN_KEYS_MAX] =
    [const { Mutex::new(None) }; KNOWN_KEYS_MAX];

fn slot(bytes: &[u8; 32]) -> Option<&'static Mutex<Option<VerifyingKey>>> {
    let [low, high, ..] = *bytes;
    KNOWN.get(usize::from(u16::from_le_bytes([low, high])) % KNOWN_KEYS_MAX)
}

/// The key's point, from memory or by `check`, which decides whether it is good.
pub(super) fn checked(
    bytes: &[u8; 32],
    check: impl FnOnce(&[u8; 32]) -> Result<VerifyingKey, SignatureInvalid>,
) -> Result<VerifyingKey, SignatureInvalid> {
    // A slot that another thread holds just now is not waited for.
    let known = slot(bytes).and_then(|slot| slot.try_lock().ok());
    if let Some(key) = known.as_deref().and_then(Option::as_ref)
        && key.as_bytes() == bytes
    {
        return Ok(*key);
    }
    drop(known);
    let key = check(bytes)?;
    if let Some(mut known) = slot(bytes).and_then(|slot| slot.try_lock().ok()) {
        *known = Some(key);
    }
    Ok(key)
}
