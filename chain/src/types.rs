//! Small words used everywhere: chain id, height, block time.

use std::fmt;
use std::str::FromStr;

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::limits::CHAIN_ID_BYTES_MAX;

/// Position of a block; block 0 is the founding document's.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Encode,
    Decode,
    Serialize,
    Deserialize,
)]
#[serde(transparent)]
pub struct Height(pub u64);

impl Height {
    /// Block 0.
    pub const GENESIS: Height = Height(0);

    /// The height after this one. Saturates at the end of time (2^64 blocks).
    pub const fn next(self) -> Height {
        Height(self.0.saturating_add(1))
    }

    /// The height before this one, if there is one.
    pub fn previous(self) -> Option<Height> {
        self.0.checked_sub(1).map(Height)
    }
}

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z: the block time. The proposer claims it, every voter
/// checks it (rule BLK-05), and nothing else is ever called "now" by the rules.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Encode,
    Decode,
    Serialize,
    Deserialize,
)]
#[serde(transparent)]
pub struct TimeMs(pub u64);

impl fmt::Display for TimeMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a chain: 1 to 64 of `a-z`, `0-9` and `-`. It is part of every signature.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Serialize)]
#[serde(transparent)]
pub struct ChainId(String);

/// Text that is not a chain id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a chain id: 1 to {CHAIN_ID_BYTES_MAX} characters of a-z, 0-9 and '-'")]
pub struct ChainIdInvalid;

impl ChainId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ChainId {
    type Err = ChainIdInvalid;

    fn from_str(text: &str) -> Result<Self, ChainIdInvalid> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if text.is_empty() || text.len() > CHAIN_ID_BYTES_MAX || !text.bytes().all(allowed) {
            return Err(ChainIdInvalid);
        }
        Ok(ChainId(text.to_owned()))
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ChainId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl<C> Decode<C> for ChainId {
    fn decode<D: bincode::de::Decoder<Context = C>>(
        decoder: &mut D,
    ) -> Result<Self, bincode::error::DecodeError> {
        let text: String = Decode::decode(decoder)?;
        text.parse().map_err(|_| bincode::error::DecodeError::Other("not a chain id"))
    }
}

bincode::impl_borrow_decode!(ChainId);
