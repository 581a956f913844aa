//! The state tree in memory: roots after each block without a store, for who replays a chain.
//!
//! It is the binary tree of SPEC 8.1 with one node per branching, each with its hash; a change costs
//! the hashes on its path. Keys and values are kept as hashes only, nothing is ever deleted, and there
//! are no versions. The node's store keeps the same tree as a Jellyfish Merkle tree; that both have
//! the same roots is a test.

use crate::digest::Digest;
use crate::state::{PLACEHOLDER, bit, internal_hash, leaf_hash};

/// The tree.
#[derive(Debug, Default)]
pub struct StateTree {
    root: Link,
}

type Link = Option<Box<Node>>;

#[derive(Debug)]
enum Node {
    Leaf { key: Digest, hash: Digest },
    Inner { hash: Digest, left: Link, right: Link },
}

impl StateTree {
    /// The root.
    pub fn root(&self) -> Digest {
        hash_of(&self.root)
    }

    /// Takes new values: `(key hash, value hash)`, sorted by key hash, no key hash twice.
    pub fn update(&mut self, changes: &[(Digest, Digest)]) {
        debug_assert!(changes.is_sorted_by(|a, b| a.0 < b.0), "sorted, and none twice");
        let leaves: Vec<Leaf> =
            changes.iter().map(|(key, value)| (*key, leaf_hash(key, value))).collect();
        self.root = updated(self.root.take(), 0, &leaves);
    }
}

/// Key hash and the hash of the leaf.
type Leaf = (Digest, Digest);

fn hash_of(link: &Link) -> Digest {
    match link.as_deref() {
        None => PLACEHOLDER,
        Some(Node::Leaf { hash, .. } | Node::Inner { hash, .. }) => *hash,
    }
}

fn updated(link: Link, depth: usize, leaves: &[Leaf]) -> Link {
    if leaves.is_empty() {
        return link;
    }
    match link.map(|node| *node) {
        None => built(depth, leaves),
        Some(Node::Leaf { key, hash }) => match leaves.binary_search_by(|leaf| leaf.0.cmp(&key)) {
            Ok(_) => built(depth, leaves),
            Err(at) => {
                let (before, after) = leaves.split_at(at);
                built(depth, &[before, &[(key, hash)], after].concat())
            }
        },
        Some(Node::Inner { left, right, .. }) => {
            let (ours, theirs) = halves(depth, leaves);
            let deeper = depth.saturating_add(1);
            inner(updated(left, deeper, ours), updated(right, deeper, theirs))
        }
    }
}

fn built(depth: usize, leaves: &[Leaf]) -> Link {
    match leaves {
        [] => None,
        [(key, hash)] => Some(Box::new(Node::Leaf { key: *key, hash: *hash })),
        _ => {
            let (left, right) = halves(depth, leaves);
            let deeper = depth.saturating_add(1);
            inner(built(deeper, left), built(deeper, right))
        }
    }
}

fn halves(depth: usize, leaves: &[Leaf]) -> (&[Leaf], &[Leaf]) {
    leaves.split_at(leaves.partition_point(|(key, _)| !bit(key, depth)))
}

fn inner(left: Link, right: Link) -> Link {
    let hash = internal_hash(&hash_of(&left), &hash_of(&right));
    Some(Box::new(Node::Inner { hash, left, right }))
}

#[cfg(test)]
mod tests;
