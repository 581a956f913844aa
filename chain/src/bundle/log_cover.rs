//! Many inclusions in the log under one root, each shared node once.
//!
//! As in [`super::state_cover`], the log's leaves are covered from left to right: by leaves whose
//! entries are told, and by the hashes of complete subtrees (RFC 6962) in which nothing was asked
//! about. A leaf's index is the number of leaves before it. The reader keeps one hash per level.
//! Source: SPEC section 10.3.

use super::state_cover::CoverInvalid;
use crate::digest::Digest;
use crate::log::node_hash;

/// Highest level of a stub.
const LEVEL_MAX: u8 = 62;

/// A cover while it is read or written.
#[derive(Debug, Clone, Default)]
pub struct LogCover {
    size: u64,
    /// Level, hash, whether it is a stub; levels fall.
    peaks: Vec<(u8, Digest, bool)>,
}

impl LogCover {
    /// Leaves covered so far: the index of the next one.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf by its hash.
    ///
    /// # Errors
    /// [`CoverInvalid`].
    pub fn leaf(&mut self, hash: Digest) -> Result<(), CoverInvalid> {
        self.add(0, hash, false)
    }

    /// Adds a complete subtree of which only the hash is told.
    ///
    /// # Errors
    /// [`CoverInvalid`].
    pub fn stub(&mut self, level: u8, hash: Digest) -> Result<(), CoverInvalid> {
        self.add(level, hash, true)
    }

    fn add(&mut self, level: u8, hash: Digest, stub: bool) -> Result<(), CoverInvalid> {
        let leaves = 1u64.checked_shl(u32::from(level)).filter(|_| level <= LEVEL_MAX);
        let leaves = leaves.ok_or(CoverInvalid::Misplaced)?;
        let size = self.size.checked_add(leaves).ok_or(CoverInvalid::Beyond)?;
        if self.size & leaves.saturating_sub(1) != 0 || size > 1 << LEVEL_MAX {
            return Err(CoverInvalid::Misplaced);
        }
        let (mut level, mut hash, mut stub) = (level, hash, stub);
        while let Some((_, left, other)) = self.peaks.pop_if(|(at, ..)| *at == level) {
            if stub && other {
                return Err(CoverInvalid::NotMinimal);
            }
            (level, hash, stub) = (level.saturating_add(1), node_hash(&left, &hash), false);
        }
        self.peaks.push((level, hash, stub));
        self.size = size;
        Ok(())
    }

    /// The root of what is covered; the empty log's is SHA-256 of nothing.
    pub fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            None => Digest::sha256(b""),
            Some((_, smallest, _)) => {
                peaks.fold(*smallest, |right, (_, left, _)| node_hash(left, &right))
            }
        }
    }
}
