//! Keys of the columns. Numbers are big-endian so that byte order is numeric order; values are
//! [`mulu_chain::codec`] encodings and are decoded here, suspiciously.

use mulu_chain::codec::{self, Decode, Encode};
use mulu_chain::digest::Digest;
use mulu_chain::log::LogNode;
use mulu_chain::types::Height;

use super::error::StorageError;
use super::kv::{Column, Kv};

/// `height u64`.
pub fn height(height: Height) -> Vec<u8> {
    height.0.to_be_bytes().to_vec()
}

/// `height u64 ‖ position u32`.
pub fn body(at: Height, index: u32) -> Vec<u8> {
    [height(at).as_slice(), &index.to_be_bytes()].concat()
}

/// `key hash (32) ‖ height u64`.
pub fn state_value(key_hash: &Digest, version: Height) -> Vec<u8> {
    [key_hash.as_bytes().as_slice(), &version.0.to_be_bytes()].concat()
}

/// `height u64 ‖ number of nibbles u8 ‖ nibbles, two a byte, high first`.
pub fn state_node(version: u64, nibbles: &[u8]) -> Vec<u8> {
    let mut key = version.to_be_bytes().to_vec();
    // A path has at most the 64 nibbles of a key hash.
    key.push(u8::try_from(nibbles.len()).unwrap_or(u8::MAX));
    key.extend(nibbles.chunks(2).map(|pair| (pair[0] << 4) | pair.get(1).copied().unwrap_or(0)));
    key
}

/// `height u64 from which the node is not needed ‖ its key`.
pub fn stale_node(since: u64, node: &[u8]) -> Vec<u8> {
    [since.to_be_bytes().as_slice(), node].concat()
}

/// `subject ‖ 0x00`: what all its events begin with. No subject contains a zero byte.
pub fn history_prefix(subject: &str) -> Vec<u8> {
    [subject.as_bytes(), &[0]].concat()
}

/// `subject ‖ 0x00 ‖ number u64`.
pub fn history(subject: &str, number: u64) -> Vec<u8> {
    [history_prefix(subject).as_slice(), &number.to_be_bytes()].concat()
}

/// `level u8 ‖ index u64`.
pub fn log_node(node: LogNode) -> Vec<u8> {
    [[node.level].as_slice(), &node.index.to_be_bytes()].concat()
}

/// `log index u64`.
pub fn log_entry(index: u64) -> Vec<u8> {
    index.to_be_bytes().to_vec()
}

/// The error for bytes that are not what was written.
pub fn corrupt(kv: &dyn Kv, column: Column, key: &[u8], reason: impl ToString) -> StorageError {
    StorageError::Corrupt {
        path: kv.path().to_owned(),
        place: format!("column {}, key {}", column.name(), readable(key)),
        reason: reason.to_string(),
    }
}

/// Reads and decodes a value of at most `LIMIT` bytes.
pub fn read<T: Encode + Decode<()>, const LIMIT: usize>(
    kv: &dyn Kv,
    column: Column,
    key: &[u8],
) -> Result<Option<T>, StorageError> {
    let Some(bytes) = kv.get(column, key)? else { return Ok(None) };
    decode::<T, LIMIT>(kv, column, key, &bytes).map(Some)
}

/// Decodes a value that was read.
pub fn decode<T: Encode + Decode<()>, const LIMIT: usize>(
    kv: &dyn Kv,
    column: Column,
    key: &[u8],
    bytes: &[u8],
) -> Result<T, StorageError> {
    codec::decode::<T, LIMIT>(bytes).map_err(|error| corrupt(kv, column, key, error))
}

/// Reads and decodes a value that another value says is there.
pub fn expect<T: Encode + Decode<()>, const LIMIT: usize>(
    kv: &dyn Kv,
    column: Column,
    key: &[u8],
) -> Result<T, StorageError> {
    read::<T, LIMIT>(kv, column, key)?.ok_or_else(|| corrupt(kv, column, key, "it is missing"))
}

/// Text keys as text, others in hexadecimal.
fn readable(key: &[u8]) -> String {
    match std::str::from_utf8(key) {
        Ok(text) if !text.is_empty() && !text.chars().any(char::is_control) => text.to_owned(),
        _ => format!("0x{}", hex::encode(key)),
    }
}
