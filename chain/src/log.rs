//! The log: an RFC 6962 Merkle tree over every transaction since genesis.
//!
//! A leaf is the bincode of a [`LogEntry`] (well below the 65,535 bytes of a tlog-tiles entry), so
//! any transparency-log tool verifies inclusion and consistency against a header's `log_root`.
//! Verification is ct-merkle's; the only tree we keep ourselves is the right edge
//! ([`LogFrontier`]) that a node needs to append. Source: RFC 6962 section 2.1; SPEC section 7.

use bincode::{Decode, Encode};
use ct_merkle::{ConsistencyProof as CtConsistency, InclusionProof as CtInclusion, RootHash};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::codec;
use crate::digest::Digest;
use crate::limits::{LOG_PROOF_HASHES_MAX, RULE_ID_BYTES_MAX};
use crate::transaction::TransactionId;
use crate::types::{Height, TimeMs};

/// What the rules said of a transaction in a block.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "result")]
pub enum Outcome {
    /// Every action took effect.
    Accepted,
    /// None did; the rule and the action that broke it.
    Rejected {
        /// Rule id, such as `AUT-07`.
        rule: String,
        /// 0-based index of the action.
        action: u32,
    },
}

impl Outcome {
    /// Whether the transaction took effect.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Outcome::Accepted)
    }
}

/// One leaf of the log.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct LogEntry {
    /// Layout version, 1.
    pub version: u16,
    /// Height of the block.
    pub height: Height,
    /// 0-based position in the block.
    pub index: u32,
    /// Block time.
    pub time_ms: TimeMs,
    /// The transaction.
    pub transaction: TransactionId,
    /// Digest of the envelope with its signatures.
    pub envelope: Digest,
    /// What the rules said.
    pub outcome: Outcome,
}

/// Version of the [`LogEntry`] layout.
pub const LOG_ENTRY_VERSION: u16 = 1;

impl LogEntry {
    /// The leaf's bytes.
    pub fn leaf_bytes(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// RFC 6962 leaf hash: `SHA-256(0x00 ‖ leaf)`.
    pub fn leaf_hash(&self) -> Digest {
        leaf_hash(&self.leaf_bytes())
    }

    /// Whether the fields are within their bounds.
    pub fn is_well_formed(&self) -> bool {
        let rule_fits = match &self.outcome {
            Outcome::Accepted => true,
            Outcome::Rejected { rule, .. } => {
                !rule.is_empty() && rule.len() <= RULE_ID_BYTES_MAX && rule.is_ascii()
            }
        };
        self.version == LOG_ENTRY_VERSION && rule_fits
    }
}

/// `SHA-256(0x00 ‖ leaf)`.
pub fn leaf_hash(leaf: &[u8]) -> Digest {
    let mut hasher = Sha256::new_with_prefix([0x00]);
    hasher.update(leaf);
    Digest::from_bytes(hasher.finalize().into())
}

/// `SHA-256(0x01 ‖ left ‖ right)`.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut hasher = Sha256::new_with_prefix([0x01]);
    hasher.update(left.as_bytes());
    hasher.update(right.as_bytes());
    Digest::from_bytes(hasher.finalize().into())
}

/// Address of a complete subtree: `level` 0 is a leaf, `index` counts subtrees of that level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct LogNode {
    /// log2 of the leaves below.
    pub level: u8,
    /// 0-based position among the complete subtrees of this level.
    pub index: u64,
}

/// The right edge of the tree: the roots of its complete subtrees, largest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct LogFrontier {
    size: u64,
    peaks: Vec<Digest>,
}

impl LogFrontier {
    /// Leaves so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether a decoded frontier has one peak per bit of its size.
    pub fn is_well_formed(&self) -> bool {
        u32::try_from(self.peaks.len()) == Ok(self.size.count_ones())
    }

    /// Appends a leaf hash and returns the complete subtrees this finished, lowest first, for a
    /// store to keep.
    pub fn append(&mut self, leaf: Digest) -> Vec<(LogNode, Digest)> {
        let mut hash = leaf;
        let mut index = self.size;
        let mut finished = vec![(LogNode { level: 0, index }, hash)];
        let mut level = 0u8;
        while index & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(&left, &hash);
            index >>= 1;
            level = level.saturating_add(1);
            finished.push((LogNode { level, index }, hash));
        }
        self.peaks.push(hash);
        self.size = self.size.saturating_add(1);
        finished
    }

    /// The tree's root; the empty tree's is SHA-256 of nothing.
    pub fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            None => Digest::sha256(b""),
            Some(smallest) => peaks.fold(*smallest, |right, left| node_hash(left, &right)),
        }
    }
}

/// The complete subtrees whose roots, folded from the right, give the hash of the leaves
/// `from..to` where `from` is aligned to the range's largest subtree (a node of an RFC 6962 tree).
pub fn range_nodes(from: u64, to: u64) -> Vec<LogNode> {
    let mut nodes = Vec::new();
    let mut at = from;
    while at < to {
        let left = to.saturating_sub(at);
        let fits = 63u32.saturating_sub(left.leading_zeros());
        let level = fits.min(at.trailing_zeros());
        let index = at.checked_shr(level).unwrap_or(0);
        nodes.push(LogNode { level: u8::try_from(level).unwrap_or(63), index });
        at = at.saturating_add(1u64.checked_shl(level).unwrap_or(u64::MAX));
    }
    nodes
}

/// The ranges of leaves whose hashes make up the inclusion proof of `index` in a tree of `size`,
/// in proof order (nearest sibling first). RFC 6962 section 2.1.1.
pub fn inclusion_ranges(index: u64, size: u64) -> Vec<(u64, u64)> {
    let mut ranges = Vec::new();
    let (mut from, mut to) = (0u64, size);
    while index < to && to.saturating_sub(from) > 1 {
        let middle = split(from, to);
        if index < middle {
            ranges.push((middle, to));
            to = middle;
        } else {
            ranges.push((from, middle));
            from = middle;
        }
    }
    ranges.reverse();
    ranges
}

/// The ranges of leaves whose hashes make up the consistency proof from `old` to `new` leaves,
/// in proof order. RFC 6962 section 2.1.2.
pub fn consistency_ranges(old: u64, new: u64) -> Vec<(u64, u64)> {
    let mut ranges = Vec::new();
    if old == 0 || old >= new {
        return ranges;
    }
    let (mut from, mut to) = (0u64, new);
    // Whether the old tree is still the whole of the subtree under consideration, from its left edge.
    let mut complete = true;
    loop {
        if old == to {
            if !complete {
                ranges.push((from, to));
            }
            break;
        }
        let middle = split(from, to);
        if old <= middle {
            ranges.push((middle, to));
            to = middle;
        } else {
            ranges.push((from, middle));
            from = middle;
            complete = false;
        }
    }
    ranges.reverse();
    ranges
}

/// Largest power of two below the range's length, added to its start.
fn split(from: u64, to: u64) -> u64 {
    let length = to.saturating_sub(from);
    let below = length.saturating_sub(1);
    let power = 63u32.saturating_sub(below.leading_zeros());
    from.saturating_add(1u64.checked_shl(power).unwrap_or(u64::MAX))
}

/// Why a log proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LogProofInvalid {
    /// LOG-01
    #[error(
        "LOG-01: the inclusion proof does not lead from the leaf to the log root (RFC 6962 2.1.1)"
    )]
    Inclusion,
    /// LOG-02
    #[error("LOG-02: the consistency proof does not connect the two log roots (RFC 6962 2.1.2)")]
    Consistency,
}

/// That a leaf stands at `index` of a log. Root and size come from a header, never from here.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct InclusionProof {
    /// 0-based position of the leaf.
    pub index: u64,
    /// Sibling hashes from the leaf to the root.
    pub hashes: Vec<Digest>,
}

impl InclusionProof {
    /// Verifies that `leaf` is in the log of `size` leaves with `root`.
    ///
    /// # Errors
    /// LOG-01.
    pub fn verify(&self, leaf: &[u8], size: u64, root: &Digest) -> Result<(), LogProofInvalid> {
        if self.hashes.len() > LOG_PROOF_HASHES_MAX || self.index >= size || size > 1 << 62 {
            return Err(LogProofInvalid::Inclusion);
        }
        let proof = CtInclusion::<Sha256>::try_from_bytes(concatenate(&self.hashes))
            .map_err(|_| LogProofInvalid::Inclusion)?;
        root_hash(root, size)
            .verify_inclusion(&leaf, self.index, &proof)
            .map_err(|_| LogProofInvalid::Inclusion)
    }
}

/// That the log of `old` leaves is a prefix of the log of `new` leaves.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ConsistencyProof {
    /// Hashes in RFC 6962 order.
    pub hashes: Vec<Digest>,
}

impl ConsistencyProof {
    /// Verifies that the older log is a prefix of the newer one.
    ///
    /// # Errors
    /// LOG-02.
    pub fn verify(&self, old: (u64, &Digest), new: (u64, &Digest)) -> Result<(), LogProofInvalid> {
        let ((old_size, old_root), (new_size, new_root)) = (old, new);
        if old_size == new_size {
            let same = old_root == new_root && self.hashes.is_empty();
            return if same { Ok(()) } else { Err(LogProofInvalid::Consistency) };
        }
        if old_size == 0 || self.hashes.len() > LOG_PROOF_HASHES_MAX || new_size > 1 << 62 {
            // Every log extends the empty one; there is nothing to prove and no proof of it.
            let empty = old_size == 0 && self.hashes.is_empty() && *old_root == Digest::sha256(b"");
            return if empty { Ok(()) } else { Err(LogProofInvalid::Consistency) };
        }
        let proof = CtConsistency::<Sha256>::try_from_bytes(concatenate(&self.hashes))
            .map_err(|_| LogProofInvalid::Consistency)?;
        root_hash(new_root, new_size)
            .verify_consistency(&root_hash(old_root, old_size), &proof)
            .map_err(|_| LogProofInvalid::Consistency)
    }
}

fn root_hash(root: &Digest, size: u64) -> RootHash<Sha256> {
    RootHash::new((*root.as_bytes()).into(), size)
}

fn concatenate(hashes: &[Digest]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.as_bytes().iter().copied()).collect()
}
