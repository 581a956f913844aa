//! Ed25519 keys and signatures: one rule, `verify_strict`, for everyone and for ever.
//!
//! Byte form: one tag byte (`0x01` = Ed25519) and 32 or 64 bytes. A public key's text form is
//! `ed25519:` and 64 lower-case hexadecimal digits; that text is also its key id, so nobody needs
//! a directory to check a signature. A signature's text form is the standard base64 of its 64 bytes,
//! as in an envelope. Weak (small-order) keys and non-canonical encodings are
//! refused when a key is read (rules SIG-01, SIG-02), a signature that `verify_strict` refuses is
//! refused everywhere (SIG-03). Source: RFC 8032; SPEC section 4.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bincode::de::Decoder;
use bincode::enc::{Encoder, write::Writer};
use bincode::error::{DecodeError, EncodeError};
use ed25519_dalek::{Signer as _, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digest::tagged_bytes;

mod known;

/// Tag byte of Ed25519.
pub const ED25519_TAG: u8 = 0x01;
const ED25519_PREFIX: &str = "ed25519:";

/// Why a key or a signature is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureInvalid {
    /// SIG-01: 32 bytes that are not the canonical encoding of a curve point, or text of another form.
    #[error(
        "SIG-01: not an Ed25519 public key: expected `ed25519:` and 64 lower-case hexadecimal digits of a canonical point"
    )]
    KeyMalformed,
    /// SIG-02: a small-order key, under which some signatures hold for every message.
    #[error("SIG-02: weak (small-order) Ed25519 public key")]
    KeyWeak,
    /// SIG-03: the signature does not verify strictly.
    #[error("SIG-03: the signature does not verify under RFC 8032 strict rules")]
    Mismatch,
}

/// A checked Ed25519 public key: canonical and not weak.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

/// An Ed25519 signature: 64 bytes, judged only by [`PublicKey::verify`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature([u8; 64]);

/// A signing key; only the seed goes in, the public key is always derived (RUSTSEC-2022-0093).
pub struct SigningKey(ed25519_dalek::SigningKey);

/// Whether the y coordinate of an encoded point is below p = 2^255 - 19. The sign of x is the top
/// bit; from 2^255 - 19 on, y differs from 2^255 - 1 in its lowest byte alone.
fn is_below_p(bytes: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = bytes;
    last & 0x7f != 0x7f || middle.iter().any(|byte| *byte != 0xff) || *first < 0xed
}

/// Whether 32 bytes are a key: a canonical point that is not weak.
fn check(bytes: &[u8; 32]) -> Result<VerifyingKey, SignatureInvalid> {
    let key = VerifyingKey::from_bytes(bytes).map_err(|_| SignatureInvalid::KeyMalformed)?;
    // Decompression accepts y >= p.
    if !is_below_p(bytes) {
        return Err(SignatureInvalid::KeyMalformed);
    }
    if key.is_weak() {
        // The only other encoding that is not canonical, x = 0 with the sign bit set, is of a point
        // of small order.
        let canonical = key.to_edwards().compress().to_bytes() == *bytes;
        let malformed = SignatureInvalid::KeyMalformed;
        return Err(if canonical { SignatureInvalid::KeyWeak } else { malformed });
    }
    Ok(key)
}

impl PublicKey {
    /// Checks and wraps 32 bytes.
    ///
    /// # Errors
    /// `KeyMalformed` (SIG-01) or `KeyWeak` (SIG-02).
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, SignatureInvalid> {
        known::checked(&bytes, check).map(|_| PublicKey(bytes))
    }

    /// The 32 bytes without the tag.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Verifies strictly.
    ///
    /// # Errors
    /// `Mismatch` (SIG-03).
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), SignatureInvalid> {
        let key = known::checked(&self.0, check)?;
        key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(&signature.0))
            .map_err(|_| SignatureInvalid::Mismatch)
    }
}

impl Signature {
    /// Wraps 64 bytes.
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Signature(bytes)
    }

    /// The 64 bytes without the tag.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl SigningKey {
    /// Makes the key of a 32-byte seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        SigningKey(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The derived public key.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs bytes (deterministic, RFC 8032).
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }

    /// The 32-byte seed, for a key file's writer.
    pub fn seed(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public_key())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ED25519_PREFIX}{}", hex::encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ed25519-signature:{}", hex::encode(self.0))
    }
}

impl FromStr for PublicKey {
    type Err = SignatureInvalid;

    fn from_str(text: &str) -> Result<Self, SignatureInvalid> {
        let digits = text.strip_prefix(ED25519_PREFIX).ok_or(SignatureInvalid::KeyMalformed)?;
        if digits.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(SignatureInvalid::KeyMalformed);
        }
        let mut bytes = [0u8; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| SignatureInvalid::KeyMalformed)?;
        PublicKey::from_bytes(bytes)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).map_err(serde::de::Error::custom)?;
        let bytes: [u8; 64] = bytes
            .try_into()
            .map_err(|_| serde::de::Error::custom("a signature is the base64 of 64 bytes"))?;
        Ok(Signature(bytes))
    }
}

impl bincode::Encode for PublicKey {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        encoder.writer().write(&[ED25519_TAG])?;
        encoder.writer().write(&self.0)
    }
}

impl<C> bincode::Decode<C> for PublicKey {
    fn decode<D: Decoder<Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
        let bytes = tagged_bytes::<32, D>(decoder, ED25519_TAG, "unknown key algorithm")?;
        PublicKey::from_bytes(bytes).map_err(|_| DecodeError::Other("not a usable Ed25519 key"))
    }
}

bincode::impl_borrow_decode!(PublicKey);

impl bincode::Encode for Signature {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        encoder.writer().write(&[ED25519_TAG])?;
        encoder.writer().write(&self.0)
    }
}

impl<C> bincode::Decode<C> for Signature {
    fn decode<D: Decoder<Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
        let bytes = tagged_bytes::<64, D>(decoder, ED25519_TAG, "unknown signature algorithm")?;
        Ok(Signature(bytes))
    }
}

bincode::impl_borrow_decode!(Signature);
