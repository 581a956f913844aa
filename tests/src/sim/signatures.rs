//! Signatures in the simulator.
//!
//! Most seeds use a keyed digest in place of Ed25519: it is as deterministic, nobody in the
//! simulation forges one (a Byzantine node signs with its own key only), and it is fifty times
//! cheaper. Application seeds use Ed25519 itself; there each signature is verified once in the
//! whole simulation, however many nodes ask.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use mulu_chain::signature::{PublicKey, Signature, SigningKey};
use mulu_node::replica::signing::{Ed25519, Signer, Verifier};
use sha2::{Digest as _, Sha512};

fn keyed_digest(key: &PublicKey, message: &[u8]) -> Signature {
    let mut hasher = Sha512::new_with_prefix(key.as_bytes());
    hasher.update(message);
    Signature::from_bytes(hasher.finalize().into())
}

/// Signs with a digest keyed by the public key.
#[derive(Debug, Clone, Copy)]
pub struct CheapSigner(pub PublicKey);

impl Signer for CheapSigner {
    fn public_key(&self) -> PublicKey {
        self.0
    }

    fn sign(&self, message: &[u8]) -> Signature {
        keyed_digest(&self.0, message)
    }
}

/// Checks what [`CheapSigner`] signed.
#[derive(Debug, Clone, Copy)]
pub struct CheapVerifier;

impl Verifier for CheapVerifier {
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
        keyed_digest(key, message) == *signature
    }
}

type Question = (PublicKey, Signature, Vec<u8>);

/// Ed25519 that remembers its verdicts.
#[derive(Debug, Default)]
pub struct RememberingVerifier(Mutex<BTreeMap<Question, bool>>);

impl Verifier for RememberingVerifier {
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
        let question = (*key, *signature, message.to_vec());
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *known.entry(question).or_insert_with(|| Ed25519.verify(key, message, signature))
    }
}

/// Which signatures a simulation uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// The keyed digest.
    Cheap,
    /// Ed25519.
    Real,
}

impl Scheme {
    /// A signer for the key of a seed.
    pub fn signer(self, seed: &[u8; 32]) -> Box<dyn Signer> {
        let key = SigningKey::from_seed(seed);
        match self {
            Scheme::Cheap => Box::new(CheapSigner(key.public_key())),
            Scheme::Real => Box::new(key),
        }
    }

    /// A verifier, shared by all nodes of a simulation.
    pub fn verifier(self) -> Arc<dyn Verifier> {
        match self {
            Scheme::Cheap => Arc::new(CheapVerifier),
            Scheme::Real => Arc::<RememberingVerifier>::default(),
        }
    }
}
