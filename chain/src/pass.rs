//! A pass 通行证: an administrator lets one newcomer's node in before it is a member, to ask for
//! membership and to copy the chain.
//!
//! The pass names a one-time transport identity, whose seed only the invitation file holds, and the
//! member that may use it. Nodes learn of it from each other, so no node needs to be asked twice.
//! Signed bytes: `Domain::Pass` over `chain_id ‖ 0 ‖ member ‖ 0 ‖ guest ‖ 0 ‖ u64 BE expires_ms`;
//! none of the texts can hold a zero byte. Whoever finds a pass can read the chain until it expires
//! and ask for membership; it admits nobody.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::digest::{Digest, Domain};
use crate::signature::{PublicKey, Signature, SigningKey};
use crate::types::ChainId;

/// Longest text of a pass, in bytes.
pub const PASS_TEXT_BYTES_MAX: usize = 128;

/// A signed pass.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pass {
    /// The chain.
    pub chain_id: ChainId,
    /// The newcomer: its 统一社会信用代码.
    pub member: String,
    /// The one-time transport identity (libp2p PeerId).
    pub guest: String,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: u64,
    /// The administrator's key.
    pub key: PublicKey,
    /// Over the signed bytes.
    pub signature: Signature,
}

/// Why a pass is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PassInvalid {
    /// A text is empty, too long, or holds a zero byte.
    #[error("a text of the pass is empty, too long, or not plain text")]
    Text,
    /// For another chain.
    #[error("the pass is for another chain")]
    Chain,
    /// The signature does not verify.
    #[error("the pass is not signed by the key it names")]
    Signature,
}

impl Pass {
    /// Signs a pass.
    pub fn sign(
        chain_id: ChainId,
        member: String,
        guest: String,
        expires_ms: u64,
        key: &SigningKey,
    ) -> Pass {
        let bytes = signed_bytes(&chain_id, &member, &guest, expires_ms);
        let signature = key.sign(&bytes);
        Pass { chain_id, member, guest, expires_ms, key: key.public_key(), signature }
    }

    /// Checks form, chain and signature; whether the key may sign passes is the state's business.
    ///
    /// # Errors
    /// [`PassInvalid`].
    pub fn check(&self, chain_id: &ChainId) -> Result<(), PassInvalid> {
        let sound = |text: &String| {
            let length = text.len();
            (1..=PASS_TEXT_BYTES_MAX).contains(&length) && !text.bytes().any(|b| b == 0)
        };
        if !sound(&self.member) || !sound(&self.guest) {
            return Err(PassInvalid::Text);
        }
        if self.chain_id != *chain_id {
            return Err(PassInvalid::Chain);
        }
        let bytes = signed_bytes(&self.chain_id, &self.member, &self.guest, self.expires_ms);
        self.key.verify(&bytes, &self.signature).map_err(|_| PassInvalid::Signature)
    }

    /// What names the pass: the digest of what is signed.
    pub fn id(&self) -> Digest {
        Digest::sha256(&signed_bytes(&self.chain_id, &self.member, &self.guest, self.expires_ms))
    }
}

fn signed_bytes(chain_id: &ChainId, member: &str, guest: &str, expires_ms: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in [chain_id.as_str(), member, guest] {
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
    }
    bytes.extend_from_slice(&expires_ms.to_be_bytes());
    Domain::Pass.preimage(&bytes)
}

#[cfg(test)]
mod tests;
