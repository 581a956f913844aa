//! The transport identity of a node, without the transport: libp2p's PeerId of an Ed25519 key.
//!
//! A PeerId is the identity multihash of the key's protobuf, written in base58 (Bitcoin alphabet):
//!
//! | bytes | meaning |
//! |---|---|
//! | `00 24` | identity "hash" of 36 bytes |
//! | `08 01` | protobuf field 1, key type Ed25519 |
//! | `12 20` | protobuf field 2, 32 bytes follow |
//! | 32 | the public key |
//!
//! Source: libp2p specification, peer-ids.

use mulu_chain::signature::{PublicKey, SignatureInvalid};

const PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];
const BYTES: usize = PREFIX.len() + 32;
const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// Length of the text form: all such identities begin with `12D3KooW` and are equally long.
const TEXT_BYTES: usize = 52;

/// Why a text is not the PeerId of an Ed25519 key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PeerIdInvalid {
    /// Another length.
    #[error("a peer id is {TEXT_BYTES} characters long and begins with 12D3KooW")]
    Length,
    /// A character outside the base58 alphabet.
    #[error("a peer id is written in base58: digits and letters without 0, O, I and l")]
    Alphabet,
    /// Base58, but not of an Ed25519 key.
    #[error("the peer id does not hold an Ed25519 public key")]
    Kind,
    /// An Ed25519 key that the chain refuses.
    #[error("the peer id holds an unusable key: {0}")]
    Key(SignatureInvalid),
}

/// The PeerId of an Ed25519 public key.
pub fn peer_id_of(key: &PublicKey) -> String {
    let mut bytes = [0u8; BYTES];
    bytes[..PREFIX.len()].copy_from_slice(&PREFIX);
    bytes[PREFIX.len()..].copy_from_slice(key.as_bytes());
    base58(&bytes)
}

/// Reads a PeerId back into the key it names.
///
/// # Errors
/// [`PeerIdInvalid`]: another length, alphabet, kind of key, or an unusable key.
pub fn peer_id_key(text: &str) -> Result<PublicKey, PeerIdInvalid> {
    if text.len() != TEXT_BYTES {
        return Err(PeerIdInvalid::Length);
    }
    let bytes = base58_bytes(text)?;
    let (prefix, key) = bytes.split_at(PREFIX.len());
    if prefix != PREFIX {
        return Err(PeerIdInvalid::Kind);
    }
    let key = <[u8; 32]>::try_from(key).map_err(|_| PeerIdInvalid::Kind)?;
    PublicKey::from_bytes(key).map_err(PeerIdInvalid::Key)
}

/// Base58 with one `1` per leading zero byte.
fn base58(bytes: &[u8]) -> String {
    // Digits of the number, least significant first.
    let mut digits: Vec<u32> = Vec::new();
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            let value = *digit * 256 + carry;
            *digit = value % 58;
            carry = value / 58;
        }
        while carry > 0 {
            digits.push(carry % 58);
            carry /= 58;
        }
    }
    let zeros = bytes.iter().take_while(|b| **b == 0).count();
    let letter = |digit: &u32| char::from(ALPHABET[*digit as usize]);
    std::iter::repeat_n('1', zeros).chain(digits.iter().rev().map(letter)).collect()
}

/// The bytes of a PeerId's base58 text: a number of at most [`BYTES`] bytes.
fn base58_bytes(text: &str) -> Result<[u8; BYTES], PeerIdInvalid> {
    let mut bytes = [0u8; BYTES];
    for letter in text.bytes() {
        let position = ALPHABET.iter().position(|a| *a == letter);
        let mut carry =
            position.and_then(|p| u32::try_from(p).ok()).ok_or(PeerIdInvalid::Alphabet)?;
        for byte in bytes.iter_mut().rev() {
            let value = u32::from(*byte) * 58 + carry;
            *byte = value.to_le_bytes()[0];
            carry = value >> 8;
        }
        if carry > 0 {
            return Err(PeerIdInvalid::Kind);
        }
    }
    Ok(bytes)
}
