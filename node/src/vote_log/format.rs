//! The bytes of the vote log and of its guard; see [`super`] for their layout.

use std::io;

use mulu_chain::digest::Digest;
use sha2::{Digest as _, Sha256};

use super::FRAME_BYTES_MAX;

const LOG_MAGIC: &[u8; 8] = b"MULUVOT1";
const GUARD_MAGIC: &[u8; 8] = b"MULUGRD1";
pub(super) const HEADER_BYTES: usize = 8 + 33 + 32;
const SLOT_BYTES: usize = 8 + 8 + 8 + 8 + 32 + 32;
pub(super) const SLOT_STRIDE_BYTES: u64 = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) sequence: u64,
    pub(super) frames: u64,
    pub(super) bytes: u64,
    pub(super) chain: [u8; 32],
}

impl Slot {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = GUARD_MAGIC.to_vec();
        for number in [self.sequence, self.frames, self.bytes] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.chain);
        let checksum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&checksum);
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Slot> {
        let (body, checksum) = bytes.get(..SLOT_BYTES)?.split_last_chunk::<32>()?;
        if <[u8; 32]>::from(Sha256::digest(body)) != *checksum || !body.starts_with(GUARD_MAGIC) {
            return None;
        }
        let number = |at: usize| -> Option<u64> {
            Some(u64::from_le_bytes(body.get(at..)?.first_chunk::<8>().copied()?))
        };
        Some(Slot {
            sequence: number(8)?,
            frames: number(16)?,
            bytes: number(24)?,
            chain: body.get(32..)?.first_chunk::<32>().copied()?,
        })
    }
}

/// The slots of a guard that can be read, and whether one cannot.
pub(super) fn read_slots(guard: &[u8]) -> (Vec<Slot>, bool) {
    let read = |at: u64| Slot::from_bytes(guard.get(offset(at)..)?);
    let slots: Vec<Slot> = [read(0), read(SLOT_STRIDE_BYTES)].into_iter().flatten().collect();
    let unreadable = slots.len() < 2;
    (slots, unreadable)
}

/// A place in a file that is in memory; beyond its end if it cannot be in memory.
pub(super) fn offset(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// The first bytes of a log, and what its first frame chains from.
pub(super) fn header(owner: &Digest) -> (Vec<u8>, [u8; 32]) {
    let mut bytes = LOG_MAGIC.to_vec();
    bytes.extend_from_slice(&mulu_chain::codec::encode(owner));
    let chain: [u8; 32] = Sha256::digest(&bytes).into();
    bytes.extend_from_slice(&chain);
    (bytes, chain)
}

/// Where a prefix of the log ends, and its chain value.
pub(super) type Mark = (u64, [u8; 32]);

/// Reads whole, fitting frames; stops at the first that is not. `marks[n]` is the end after n.
pub(super) fn read_frames(log: &[u8], start: [u8; 32]) -> (Vec<Vec<u8>>, Vec<Mark>) {
    let mut frames = Vec::new();
    let mut marks = vec![(HEADER_BYTES as u64, start)];
    let mut chain = start;
    let mut at = HEADER_BYTES;
    while let Some(head) = log.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
        let length = usize::try_from(u32::from_le_bytes(*head)).unwrap_or(usize::MAX);
        if length > FRAME_BYTES_MAX {
            break;
        }
        let (from, to) = (at + 4, at + 4 + length);
        let (Some(payload), Some(sum)) = (log.get(from..to), log.get(to..to + 32)) else { break };
        let mut next = link(&chain, head, payload);
        if next != *sum {
            if !mulu_chain::planted!("planted-log-checksums-ignored") {
                break;
            }
            next.copy_from_slice(sum);
        }
        frames.push(payload.to_vec());
        chain = next;
        at = to + 32;
        marks.push((at as u64, chain));
    }
    (frames, marks)
}

pub(super) fn link(chain: &[u8; 32], length: &[u8; 4], payload: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new_with_prefix(chain);
    hasher.update(length);
    hasher.update(payload);
    hasher.finalize().into()
}

pub(super) fn encode_frame(chain: &[u8; 32], payload: &[u8]) -> io::Result<(Vec<u8>, [u8; 32])> {
    let length = u32::try_from(payload.len())
        .ok()
        .filter(|_| payload.len() <= FRAME_BYTES_MAX)
        .ok_or_else(|| io::Error::other("a vote log frame exceeds its bound"))?
        .to_le_bytes();
    let next = link(chain, &length, payload);
    let mut frame = Vec::with_capacity(payload.len() + 36);
    frame.extend_from_slice(&length);
    frame.extend_from_slice(payload);
    frame.extend_from_slice(&next);
    Ok((frame, next))
}

/// The bytes of a log that holds `frames`, and its chain value.
pub(super) fn whole_log(owner: &Digest, frames: &[Vec<u8>]) -> io::Result<(Vec<u8>, [u8; 32])> {
    let (mut bytes, mut chain) = header(owner);
    for payload in frames {
        let (frame, next) = encode_frame(&chain, payload)?;
        bytes.extend_from_slice(&frame);
        chain = next;
    }
    Ok((bytes, chain))
}
