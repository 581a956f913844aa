//! Packing actions into transactions: as many as fit the bounds of a payload and of a transaction.

use mulu_chain::limits::PAYLOAD_BYTES_MAX;
use mulu_contracts::limits::ACTIONS_MAX;

/// Bytes kept for the payload's frame: chain id, submitter, times and brackets.
const FRAME_BYTES: usize = 1024;

/// Splits sizes (in bytes of JSON) into runs that each fit one transaction; `None` for an action
/// that fits none.
pub fn pack(sizes: &[usize]) -> Vec<Result<std::ops::Range<usize>, usize>> {
    let room = PAYLOAD_BYTES_MAX.saturating_sub(FRAME_BYTES);
    let mut runs = Vec::new();
    let (mut start, mut bytes) = (0usize, 0usize);
    for (index, size) in sizes.iter().enumerate() {
        let size = size.saturating_add(1);
        let full = bytes.saturating_add(size) > room || index.saturating_sub(start) >= ACTIONS_MAX;
        if full && index > start {
            runs.push(Ok(start..index));
            (start, bytes) = (index, 0);
        }
        if size > room {
            runs.push(Err(index));
            (start, bytes) = (index.saturating_add(1), 0);
        } else {
            bytes = bytes.saturating_add(size);
        }
    }
    if start < sizes.len() {
        runs.push(Ok(start..sizes.len()));
    }
    runs
}

#[cfg(test)]
mod tests;
