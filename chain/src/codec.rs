//! The one place where bytes become values: bincode 2.0.1, fixed-width little-endian.
//!
//! Invariants of every encoded type: no map, no float, no `usize`, no recursion; enums are only
//! ever appended to; a length is read before anything of that length is allocated.
//! [`decode`] accepts exactly one byte string per value: it limits the size, wants every byte
//! used, then encodes again and compares. A liar can therefore neither make us allocate much more
//! than it sent nor present two encodings of one value. Source: SPEC section 2, rules ENC-01 to ENC-03.

use bincode::config::{Configuration, Fixint, LittleEndian, NoLimit};
pub use bincode::{Decode, Encode};

/// The wire configuration without a limit: used to encode values we built ourselves.
const CONFIG: Configuration<LittleEndian, Fixint, NoLimit> =
    bincode::config::standard().with_little_endian().with_fixed_int_encoding().with_no_limit();

/// Why bytes are not the encoding of a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecInvalid {
    /// ENC-01: longer than the bound for this type.
    #[error("ENC-01: {found} bytes, at most {limit} are allowed")]
    TooLong {
        /// Bytes given.
        found: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// ENC-02: not an encoding of the type.
    #[error("ENC-02: not a valid encoding: {0}")]
    Malformed(String),
    /// ENC-03: decodes, but is not the one canonical encoding (trailing or redundant bytes).
    #[error("ENC-03: not the canonical encoding")]
    NotCanonical,
}

/// Encodes a value we hold. Encoding an in-memory value to a vector cannot fail for the types of
/// this workspace (none of them has a fallible `Encode`).
#[allow(clippy::expect_used)]
pub fn encode<T: Encode>(value: &T) -> Vec<u8> {
    bincode::encode_to_vec(value, CONFIG).expect("our wire types have infallible encoders")
}

/// Inputs up to this size may make us reserve [`SMALL_RESERVED_BYTES_MAX`] for what their lengths
/// promise.
const SMALL_INPUT_BYTES: usize = 4 * 1024;
/// See [`SMALL_INPUT_BYTES`]: 16 bytes of memory for each byte of input. No encoded type takes as
/// much, so no valid input is refused for it.
const SMALL_RESERVED_BYTES_MAX: usize = 64 * 1024;
/// Inputs up to this size may make us reserve [`MEDIUM_RESERVED_BYTES_MAX`].
const MEDIUM_INPUT_BYTES: usize = 64 * 1024;
/// See [`MEDIUM_INPUT_BYTES`].
const MEDIUM_RESERVED_BYTES_MAX: usize = 1024 * 1024;
/// Inputs up to this size may make us reserve [`LARGE_RESERVED_BYTES_MAX`].
const LARGE_INPUT_BYTES: usize = 1024 * 1024;
/// See [`LARGE_INPUT_BYTES`].
const LARGE_RESERVED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Decodes bytes from a peer, a client or a disk; `LIMIT` bounds the input, and input and `LIMIT`
/// bound what a promised length may reserve.
///
/// # Errors
/// [`CodecInvalid`] naming the rule.
pub fn decode<T: Encode + Decode<()>, const LIMIT: usize>(bytes: &[u8]) -> Result<T, CodecInvalid> {
    if bytes.len() > LIMIT {
        return Err(CodecInvalid::TooLong { found: bytes.len(), limit: LIMIT });
    }
    // The decoder's limit is a constant of its type, so it comes in steps.
    let length = bytes.len();
    if length <= SMALL_INPUT_BYTES {
        reserve_within::<T, SMALL_RESERVED_BYTES_MAX>(bytes)
    } else if length <= MEDIUM_INPUT_BYTES {
        reserve_within::<T, MEDIUM_RESERVED_BYTES_MAX>(bytes)
    } else if length <= LARGE_INPUT_BYTES && LIMIT > LARGE_RESERVED_BYTES_MAX {
        reserve_within::<T, LARGE_RESERVED_BYTES_MAX>(bytes)
    } else {
        reserve_within::<T, LIMIT>(bytes)
    }
}

fn reserve_within<T: Encode + Decode<()>, const RESERVED_MAX: usize>(
    bytes: &[u8],
) -> Result<T, CodecInvalid> {
    let config = CONFIG.with_limit::<RESERVED_MAX>();
    let (value, used): (T, usize) = bincode::decode_from_slice(bytes, config)
        .map_err(|error| CodecInvalid::Malformed(error.to_string()))?;
    if used != bytes.len() || encode(&value) != bytes {
        return Err(CodecInvalid::NotCanonical);
    }
    Ok(value)
}
