//! Many presences and absences in the state under one root, each shared node once.
//!
//! A cover is a list of subtrees from left to right that fills the key space: records, other keys'
//! leaves, empty subtrees, and hashes of subtrees in which nothing was asked about. Where a subtree
//! lies follows from those before it and its depth, so only the depth is written. The reader keeps
//! the finished left siblings on the way to the root, at most one per depth: 256 hashes, however
//! many records there are. Two neighbouring stubs that are siblings are refused (their parent's hash
//! says as much), so one set of records has one cover. Source: SPEC section 10.2.

use crate::digest::Digest;
use crate::state::{StateLeaf, bit, internal_hash, key_hash, leaf_hash};

/// Bits of a key hash: the deepest a subtree can lie.
const DEPTH_MAX: usize = 256;

/// Why a list of subtrees is not a cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CoverInvalid {
    /// A depth that does not continue the cover.
    #[error("a part does not lie where the part before it ends")]
    Misplaced,
    /// Parts after the whole is covered.
    #[error("parts follow after the whole is covered")]
    Beyond,
    /// Two stubs whose parent's hash would have done.
    #[error("two stubs could be one")]
    NotMinimal,
    /// A key that does not lie in its part.
    #[error("a key does not lie where it is said to")]
    Elsewhere,
}

/// A cover while it is read or written.
#[derive(Debug, Clone, Default)]
pub struct StateCover {
    /// Finished left siblings: depth, hash, whether it is a stub.
    left: Vec<(usize, Digest, bool)>,
    /// Where the next part begins.
    next: [u8; 32],
    /// Where the last part lies: depth, beginning, key hash of its leaf.
    last: Option<(usize, [u8; 32], Option<Digest>)>,
    root: Option<Digest>,
}

impl StateCover {
    /// Adds a subtree of which only the hash is told.
    ///
    /// # Errors
    /// [`CoverInvalid`].
    pub fn stub(&mut self, depth: u16, hash: Digest) -> Result<(), CoverInvalid> {
        self.add(usize::from(depth), hash, true)?;
        self.last = None;
        Ok(())
    }

    /// Adds a leaf.
    ///
    /// # Errors
    /// [`CoverInvalid`], also when the leaf's key does not lie there.
    pub fn leaf(&mut self, depth: u16, leaf: &StateLeaf) -> Result<(), CoverInvalid> {
        let (depth, at) = (usize::from(depth), self.next);
        self.add(depth, leaf_hash(&leaf.key_hash, &leaf.value_hash), false)?;
        if !lies_in(&leaf.key_hash, depth, at) {
            return Err(CoverInvalid::Elsewhere);
        }
        self.last = Some((depth, at, Some(leaf.key_hash)));
        Ok(())
    }

    /// Adds an empty subtree.
    ///
    /// # Errors
    /// [`CoverInvalid`].
    pub fn empty(&mut self, depth: u16) -> Result<(), CoverInvalid> {
        let (depth, at) = (usize::from(depth), self.next);
        self.add(depth, crate::state::PLACEHOLDER, false)?;
        self.last = Some((depth, at, None));
        Ok(())
    }

    /// Checks that a key lies in the leaf or empty subtree added last, and is not the leaf's.
    ///
    /// # Errors
    /// [`CoverInvalid::Elsewhere`].
    pub fn absent(&self, key: &str) -> Result<(), CoverInvalid> {
        let (depth, at, leaf) = self.last.ok_or(CoverInvalid::Elsewhere)?;
        let hash = key_hash(key);
        if !lies_in(&hash, depth, at) || leaf == Some(hash) {
            return Err(CoverInvalid::Elsewhere);
        }
        Ok(())
    }

    /// The root, once everything is covered.
    pub fn root(&self) -> Option<Digest> {
        self.root
    }

    fn add(&mut self, depth: usize, hash: Digest, stub: bool) -> Result<(), CoverInvalid> {
        if self.root.is_some() {
            return Err(CoverInvalid::Beyond);
        }
        let begins = Digest::from_bytes(self.next);
        if depth > DEPTH_MAX || (depth..DEPTH_MAX).any(|at| bit(&begins, at)) {
            return Err(CoverInvalid::Misplaced);
        }
        let (mut at, mut hash, mut stub) = (depth, hash, stub);
        loop {
            let Some(above) = at.checked_sub(1) else {
                self.root = Some(hash);
                return Ok(());
            };
            if !bit(&begins, above) {
                self.left.push((at, hash, stub));
                break;
            }
            let Some((level, sibling, other)) = self.left.pop().filter(|(level, ..)| *level == at)
            else {
                return Err(CoverInvalid::Misplaced);
            };
            debug_assert_eq!(level, at);
            if stub && other {
                return Err(CoverInvalid::NotMinimal);
            }
            (at, hash, stub) = (above, internal_hash(&sibling, &hash), false);
        }
        self.advance(depth);
        Ok(())
    }

    /// The beginning of what follows a subtree of this depth.
    fn advance(&mut self, depth: usize) {
        for at in (0..depth).rev() {
            let mask = 0x80u8.checked_shr(u32::try_from(at % 8).unwrap_or(0)).unwrap_or(0);
            let Some(byte) = self.next.get_mut(at / 8) else { return };
            *byte ^= mask;
            if *byte & mask != 0 {
                return;
            }
        }
    }
}

fn lies_in(key_hash: &Digest, depth: usize, begins: [u8; 32]) -> bool {
    let begins = Digest::from_bytes(begins);
    (0..depth).all(|at| bit(key_hash, at) == bit(&begins, at))
}
