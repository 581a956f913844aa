//! The log's Merkle tree on disk: the root of every complete subtree, written once when the
//! subtree is complete and never changed, so that any past size can be proved at any time.

use std::collections::BTreeMap;

use mulu_chain::codec;
use mulu_chain::digest::Digest;
use mulu_chain::log::{
    ConsistencyProof, InclusionProof, LogEntry, LogFrontier, LogNode, consistency_ranges,
    inclusion_ranges, node_hash, range_nodes,
};

use super::error::StorageError;
use super::keys;
use super::kv::{Column, Kv};

/// Bytes of an encoded digest.
const DIGEST_BYTES: usize = 33;

/// The log after a block.
#[derive(Debug, Clone)]
pub struct LogUpdate {
    /// The right edge after the block.
    pub frontier: LogFrontier,
    /// Leaf hashes of the block's entries.
    pub leaves: Vec<Digest>,
    /// Key and bytes of each subtree root that became complete.
    pub nodes: Vec<(Vec<u8>, Vec<u8>)>,
}

/// The log after `entries`; nothing is written.
pub fn update(before: &LogFrontier, entries: &[LogEntry]) -> LogUpdate {
    let mut frontier = before.clone();
    let leaves: Vec<_> = entries.iter().map(LogEntry::leaf_hash).collect();
    let mut nodes = Vec::new();
    for leaf in &leaves {
        for (node, hash) in frontier.append(*leaf) {
            nodes.push((keys::log_node(node), codec::encode(&hash)));
        }
    }
    LogUpdate { frontier, leaves, nodes }
}

/// Proves against the tree of one size; remembers the subtrees that proofs have in common.
pub struct LogProver<'a> {
    kv: &'a dyn Kv,
    size: u64,
    known: BTreeMap<(u64, u64), Digest>,
}

impl<'a> LogProver<'a> {
    /// A prover for the log's first `size` entries, which must be on disk.
    pub fn new(kv: &'a dyn Kv, size: u64) -> Self {
        LogProver { kv, size, known: BTreeMap::new() }
    }

    /// That entry `index` is in the log.
    pub fn inclusion(&mut self, index: u64) -> Result<InclusionProof, StorageError> {
        let ranges = inclusion_ranges(index, self.size);
        Ok(InclusionProof { index, hashes: self.hashes(ranges)? })
    }

    /// That the first `old` entries are a prefix of the log.
    pub fn consistency(&mut self, old: u64) -> Result<ConsistencyProof, StorageError> {
        Ok(ConsistencyProof { hashes: self.hashes(consistency_ranges(old, self.size))? })
    }

    /// The root of a complete subtree.
    pub fn node(&self, node: LogNode) -> Result<Digest, StorageError> {
        let key = keys::log_node(node);
        keys::expect::<Digest, DIGEST_BYTES>(self.kv, Column::LogNodes, &key)
    }

    fn hashes(&mut self, ranges: Vec<(u64, u64)>) -> Result<Vec<Digest>, StorageError> {
        ranges.into_iter().map(|(from, to)| self.range_hash(from, to)).collect()
    }

    /// Hash of the leaves `from..to`: its complete subtrees, folded from the right.
    fn range_hash(&mut self, from: u64, to: u64) -> Result<Digest, StorageError> {
        if let Some(hash) = self.known.get(&(from, to)) {
            return Ok(*hash);
        }
        let mut folded = None;
        for node in range_nodes(from, to).into_iter().rev() {
            let left = self.node(node)?;
            folded = Some(folded.map_or(left, |right| node_hash(&left, &right)));
        }
        let hash = folded.expect("a proof's ranges are not empty");
        // Only subtrees above the leaves are shared by proofs worth remembering.
        if to - from > 1 {
            self.known.insert((from, to), hash);
        }
        Ok(hash)
    }
}
