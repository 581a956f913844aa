//! The state tree: a sparse Merkle tree over hashed keys, and histories inside it.
//!
//! The tree is the Jellyfish Merkle tree (crate `jmt`, kept by the node); this module holds what
//! verifies against it: [`StateProof`] for presence and absence, and [`HistoryLeaf`], the
//! `{count, head}` under which a subject's complete list of events is proved. The hashes are
//! `SHA-256("JMT::LeafNode" ‖ key_hash ‖ value_hash)`, `SHA-256("JMT::IntrnalNode" ‖ left ‖ right)`
//! and the 32 ASCII bytes `SPARSE_MERKLE_PLACEHOLDER_HASH__` for an empty subtree; a subtree with
//! one leaf is that leaf. Key hash: `Domain::StateKey` of the key's UTF-8. Value hash: SHA-256 of
//! the value. Source: the Diem Jellyfish Merkle tree paper; SPEC section 8.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::codec;
use crate::digest::{Digest, Domain};
use crate::limits::STATE_PROOF_SIBLINGS_MAX;
use crate::transaction::TransactionId;
use crate::types::Height;

/// Hash of an empty subtree.
pub const PLACEHOLDER: Digest = Digest::from_bytes(*b"SPARSE_MERKLE_PLACEHOLDER_HASH__");

/// Where a state key lies in the tree.
pub fn key_hash(key: &str) -> Digest {
    Digest::of(Domain::StateKey, key.as_bytes())
}

/// What the tree commits to of a value.
pub fn value_hash(value: &[u8]) -> Digest {
    Digest::sha256(value)
}

pub(crate) fn leaf_hash(key_hash: &Digest, value_hash: &Digest) -> Digest {
    tree_hash(b"JMT::LeafNode", key_hash, value_hash)
}

pub(crate) fn internal_hash(left: &Digest, right: &Digest) -> Digest {
    tree_hash(b"JMT::IntrnalNode", left, right)
}

fn tree_hash(tag: &[u8], a: &Digest, b: &Digest) -> Digest {
    let mut hasher = Sha256::new_with_prefix(tag);
    hasher.update(a.as_bytes());
    hasher.update(b.as_bytes());
    Digest::from_bytes(hasher.finalize().into())
}

/// Bit `depth` of a hash, most significant first; 0 past the end.
pub fn bit(hash: &Digest, depth: usize) -> bool {
    let byte = hash.as_bytes().get(depth / 8).copied().unwrap_or(0);
    byte.checked_shr(7u32.saturating_sub(u32::try_from(depth % 8).unwrap_or(0))).unwrap_or(0) & 1
        == 1
}

/// The root of the tree over a complete set of `(key hash, value hash)` pairs: block 0's root, and
/// what an auditor recomputes from a full copy. The pairs need not be sorted; of two pairs with one
/// key hash the last wins.
pub fn root_of(pairs: impl IntoIterator<Item = (Digest, Digest)>) -> Digest {
    let sorted: std::collections::BTreeMap<_, _> = pairs.into_iter().collect();
    let pairs: Vec<_> = sorted.into_iter().collect();
    subtree_root(&pairs, 0)
}

pub(crate) fn subtree_root(pairs: &[(Digest, Digest)], depth: usize) -> Digest {
    match pairs {
        [] => PLACEHOLDER,
        [(key, value)] => leaf_hash(key, value),
        _ => {
            let middle = pairs.partition_point(|(key, _)| !bit(key, depth));
            let (left, right) = pairs.split_at(middle);
            let deeper = depth.saturating_add(1);
            internal_hash(&subtree_root(left, deeper), &subtree_root(right, deeper))
        }
    }
}

/// Why a state proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StateProofInvalid {
    /// STA-01
    #[error("STA-01: the proof does not lead to the state root")]
    Root,
    /// STA-02
    #[error("STA-02: the proof is for another key or another value")]
    Leaf,
    /// STA-03
    #[error("STA-03: the proof does not show that the key is absent")]
    Absence,
}

/// That a key has a value, or has none, under a state root.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct StateProof {
    /// The leaf at the end of the path: the key's own, another's (absence), or none (absence).
    pub leaf: Option<StateLeaf>,
    /// Sibling hashes from the leaf's depth up to the root.
    pub siblings: Vec<Digest>,
}

/// A leaf of the state tree.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct StateLeaf {
    /// [`key_hash`] of its key.
    pub key_hash: Digest,
    /// [`value_hash`] of its value.
    pub value_hash: Digest,
}

impl StateProof {
    /// Verifies that `key` has `value` (or, for `None`, no value) under `root`.
    ///
    /// # Errors
    /// STA-01 to STA-03.
    pub fn verify(
        &self,
        root: &Digest,
        key: &str,
        value: Option<&[u8]>,
    ) -> Result<(), StateProofInvalid> {
        let depth = self.siblings.len();
        if depth > STATE_PROOF_SIBLINGS_MAX {
            return Err(StateProofInvalid::Root);
        }
        let wanted = key_hash(key);
        match (&self.leaf, value) {
            (Some(leaf), Some(value)) => {
                if leaf.key_hash != wanted || leaf.value_hash != value_hash(value) {
                    return Err(StateProofInvalid::Leaf);
                }
            }
            (None, Some(_)) => return Err(StateProofInvalid::Leaf),
            (Some(leaf), None) => {
                // Another key's leaf stands where ours would: it must share our path so far.
                let shares = (0..depth).all(|d| bit(&leaf.key_hash, d) == bit(&wanted, d));
                if leaf.key_hash == wanted || !shares {
                    return Err(StateProofInvalid::Absence);
                }
            }
            (None, None) => {}
        }
        let start = match &self.leaf {
            Some(leaf) => leaf_hash(&leaf.key_hash, &leaf.value_hash),
            None => PLACEHOLDER,
        };
        let found = self.siblings.iter().zip((0..depth).rev()).fold(start, |hash, (sibling, d)| {
            if bit(&wanted, d) {
                internal_hash(sibling, &hash)
            } else {
                internal_hash(&hash, sibling)
            }
        });
        if found == *root { Ok(()) } else { Err(StateProofInvalid::Root) }
    }
}

/// One event of a subject's history: which action of which transaction touched it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct HistoryEvent {
    /// Height of the block.
    pub height: Height,
    /// 0-based position of the transaction in the block.
    pub index: u32,
    /// 0-based position of the action in the transaction.
    pub action: u32,
    /// The transaction.
    pub transaction: TransactionId,
}

/// What the state tree holds for a subject: how many events, and the head of their hash chain.
/// `head(0) = 32 zero bytes`, `head(n) = H(Domain::History, head(n-1) ‖ bincode(event n))` where the
/// previous head is written with its tag byte. The value's bytes are the bincode of this struct.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode, Serialize, Deserialize)]
pub struct HistoryLeaf {
    /// Events so far.
    pub count: u64,
    /// Head of the chain.
    pub head: Digest,
}

impl HistoryLeaf {
    /// The leaf after one more event.
    #[must_use]
    pub fn append(&self, event: &HistoryEvent) -> HistoryLeaf {
        let mut bytes = codec::encode(&self.head);
        bytes.extend_from_slice(&codec::encode(event));
        HistoryLeaf {
            count: self.count.saturating_add(1),
            head: Digest::of(Domain::History, &bytes),
        }
    }

    /// The leaf of a complete list of events: equal to the proved one exactly if nothing was left
    /// out, added, changed or reordered.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a HistoryEvent>) -> HistoryLeaf {
        events.into_iter().fold(HistoryLeaf::default(), |leaf, event| leaf.append(event))
    }
}

/// The state key of a subject's history leaf.
pub fn history_key(subject: &str) -> String {
    format!("history/{subject}")
}
