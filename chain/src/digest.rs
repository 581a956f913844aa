//! Digests with an algorithm tag, and the domain tags of every hash preimage.
//!
//! Byte form: one tag byte (`0x01` = SHA-256) and 32 bytes. Text form: `sha256:` and 64 lower-case
//! hexadecimal digits. Every hash of our own is taken over `len(domain) as u8 ‖ domain ‖ data`,
//! so that no two kinds of object share a preimage (SPEC section 3). The RFC 6962 log, the state
//! tree and DSSE keep the preimages of their own specifications.

use std::fmt;
use std::str::FromStr;

use bincode::de::{Decoder, read::Reader};
use bincode::enc::{Encoder, write::Writer};
use bincode::error::{DecodeError, EncodeError};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Digest as _;

/// Tag byte of SHA-256.
pub const SHA256_TAG: u8 = 0x01;
const SHA256_PREFIX: &str = "sha256:";

/// A SHA-256 digest; the only algorithm so far. Another one (SM3) arrives as another tag byte.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest([u8; 32]);

/// What a hash is taken of: the tag in front of the preimage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// A block header; its digest is the block id.
    Header,
    /// A block's transactions.
    Body,
    /// A validator set.
    ValidatorSet,
    /// A vote's signed bytes.
    Vote,
    /// A proposal's signed bytes.
    Proposal,
    /// One link of a subject's history chain.
    History,
    /// A state key.
    StateKey,
    /// An envelope with its signatures.
    Envelope,
    /// The identifier of a catalog entry.
    EntryId,
    /// An identifier derived from the transaction that created the record.
    RecordId,
    /// The terms of an authorization that both parties sign.
    AuthorizationTerms,
    /// One version of a record.
    RecordVersion,
    /// The frames of the vote log.
    VoteLog,
    /// Which node speaks for a validator: signed bytes.
    ValidatorNode,
    /// A pass into the network for a newcomer: signed bytes.
    Pass,
    /// A node's receipt for transactions submitted to it: signed bytes.
    Acknowledgement,
}

impl Domain {
    /// The tag's ASCII bytes.
    pub const fn tag(self) -> &'static str {
        match self {
            Domain::Header => "mulu/header/v1",
            Domain::Body => "mulu/body/v1",
            Domain::ValidatorSet => "mulu/validator-set/v1",
            Domain::Vote => "mulu/vote/v1",
            Domain::Proposal => "mulu/proposal/v1",
            Domain::History => "mulu/history/v1",
            Domain::StateKey => "mulu/state-key/v1",
            Domain::Envelope => "mulu/envelope/v1",
            Domain::EntryId => "mulu/entry-id/v1",
            Domain::RecordId => "mulu/record-id/v1",
            Domain::AuthorizationTerms => "mulu/authorization-terms/v1",
            Domain::RecordVersion => "mulu/record-version/v1",
            Domain::VoteLog => "mulu/vote-log/v1",
            Domain::ValidatorNode => "mulu/validator-node/v1",
            Domain::Pass => "mulu/pass/v1",
            Domain::Acknowledgement => "mulu/acknowledgement/v1",
        }
    }

    /// `len(tag) ‖ tag ‖ data`: the bytes that are hashed, or signed.
    pub fn preimage(self, data: &[u8]) -> Vec<u8> {
        let tag = self.tag().as_bytes();
        let mut bytes = Vec::with_capacity(tag.len().saturating_add(data.len()).saturating_add(1));
        // Tags are short constants; the test below holds them under 256 bytes.
        bytes.push(u8::try_from(tag.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(tag);
        bytes.extend_from_slice(data);
        bytes
    }
}

impl Digest {
    /// 32 zero bytes: the parent of block 0 and the head of an empty history.
    pub const ZERO: Digest = Digest([0; 32]);

    /// Wraps 32 bytes that are already a SHA-256 digest.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Digest(bytes)
    }

    /// The 32 bytes without the tag.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Plain SHA-256, for preimages another specification defines.
    pub fn sha256(data: &[u8]) -> Self {
        Digest(sha2::Sha256::digest(data).into())
    }

    /// SHA-256 of the domain's preimage of `data`.
    pub fn of(domain: Domain, data: &[u8]) -> Self {
        Self::sha256(&domain.preimage(data))
    }

    /// 64 lower-case hexadecimal digits without the algorithm prefix.
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SHA256_PREFIX}{}", self.to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text that is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a digest: expected `sha256:` and 64 lower-case hexadecimal digits")]
pub struct DigestInvalid;

impl FromStr for Digest {
    type Err = DigestInvalid;

    fn from_str(text: &str) -> Result<Self, DigestInvalid> {
        let digits = text.strip_prefix(SHA256_PREFIX).ok_or(DigestInvalid)?;
        if digits.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(DigestInvalid);
        }
        let mut bytes = [0u8; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| DigestInvalid)?;
        Ok(Digest(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl bincode::Encode for Digest {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        encoder.writer().write(&[SHA256_TAG])?;
        encoder.writer().write(&self.0)
    }
}

impl<C> bincode::Decode<C> for Digest {
    fn decode<D: Decoder<Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
        Ok(Digest(tagged_bytes::<32, D>(decoder, SHA256_TAG, "unknown hash algorithm")?))
    }
}

bincode::impl_borrow_decode!(Digest);

/// Reads one tag byte that must equal `tag`, then `N` bytes.
pub(crate) fn tagged_bytes<const N: usize, D: Decoder>(
    decoder: &mut D,
    tag: u8,
    unknown: &'static str,
) -> Result<[u8; N], DecodeError> {
    decoder.claim_bytes_read(N.saturating_add(1))?;
    let mut found = [0u8; 1];
    decoder.reader().read(&mut found)?;
    if found != [tag] {
        return Err(DecodeError::Other(unknown));
    }
    let mut bytes = [0u8; N];
    decoder.reader().read(&mut bytes)?;
    Ok(bytes)
}
