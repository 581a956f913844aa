//! The seam to signatures: who signs for this validator, and who checks what others signed.
//!
//! A node uses [`Ed25519`] and its key file; a simulator may use something cheaper.

use mulu_chain::signature::{PublicKey, Signature, SigningKey};

/// Signs with this validator's key.
pub trait Signer: Send {
    /// The key others check against.
    fn public_key(&self) -> PublicKey;
    /// Signs bytes; the same bytes give the same signature.
    fn sign(&self, message: &[u8]) -> Signature;
}

/// Checks a signature.
pub trait Verifier: Send + Sync {
    /// Whether `signature` over `message` is `key`'s.
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> bool;
}

/// The chain's own rule: strict Ed25519.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ed25519;

impl Signer for SigningKey {
    fn public_key(&self) -> PublicKey {
        SigningKey::public_key(self)
    }

    fn sign(&self, message: &[u8]) -> Signature {
        SigningKey::sign(self, message)
    }
}

impl Verifier for Ed25519 {
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
        key.verify(message, signature).is_ok()
    }
}
