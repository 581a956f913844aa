//! Keys for the tests, made of small seeds.

use mulu_chain::signature::{PublicKey, SigningKey};
use mulu_genesis::devnet::{DEPARTMENTS, DepartmentKeys, DevnetKeys, founding_text};

/// The public key of a seed of equal bytes.
pub fn key(seed: u8) -> PublicKey {
    SigningKey::from_seed(&[seed; 32]).public_key()
}

/// A development consortium's founding document with fixed keys.
#[allow(dead_code)]
pub fn devnet_text() -> String {
    let mut seed = 0;
    let mut next = || {
        seed += 1;
        key(seed)
    };
    let departments = DEPARTMENTS.map(|_| DepartmentKeys {
        node: next(),
        validator: next(),
        administrator: next(),
        officer: next(),
        application: next(),
    });
    let keys = DevnetKeys { departments, authority: next(), auditor: next() };
    founding_text("mulu-devnet", "2026-01-01T00:00:00Z", &keys)
}
