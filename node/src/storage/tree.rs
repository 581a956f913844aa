//! The state tree: jmt's Jellyfish Merkle tree over the store. The tree's version is the height;
//! every height has a root node, copied if nothing changed, so any height can be proved.
//!
//! jmt computes the updates; proofs are read off its nodes here, because jmt's own prover panics
//! when a node cannot be read and reads a node for every sibling. What a proof says is verified
//! against the header before it leaves the ledger.

use std::collections::BTreeMap;

use jmt::storage::{LeafNode, Node, NodeKey, TreeReader};
use jmt::{JellyfishMerkleTree, KeyHash, OwnedValue, SimpleHasher, Version};
use mulu_chain::bundle::Frame;
use mulu_chain::bundle::build::end_frames;
use mulu_chain::digest::Digest;
use mulu_chain::state::{PLACEHOLDER, StateLeaf, StateProof, bit, key_hash};
use mulu_chain::types::Height;
use sha2::{Digest as _, Sha256};

use super::error::StorageError;
use super::keys::{self, corrupt};
use super::kv::{Column, Kv};

/// Nibbles of a key hash: the deepest a node can lie.
const DEPTH_MAX: usize = 64;
/// Children of an internal node.
const CHILDREN: usize = 16;

/// SHA-256 for jmt, which knows only an older `sha2`.
pub(super) struct TreeHasher(Sha256);

impl SimpleHasher for TreeHasher {
    fn new() -> Self {
        TreeHasher(Sha256::new())
    }

    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn finalize(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// The nodes a block adds to the tree, and the root they make.
#[derive(Debug, Clone)]
pub struct TreeUpdate {
    /// State root after the block.
    pub root: Digest,
    /// Key and bytes of each new node.
    pub nodes: Vec<(Vec<u8>, Vec<u8>)>,
    /// Keys of the nodes that this height and later ones no longer need.
    pub stale: Vec<Vec<u8>>,
}

/// The tree after `changes` at `version`; nothing is written. An empty set of changes copies the
/// root node.
pub fn update(
    kv: &dyn Kv,
    version: Height,
    changes: &BTreeMap<String, Vec<u8>>,
) -> Result<TreeUpdate, StorageError> {
    let reader = Reader { kv };
    let tree = JellyfishMerkleTree::<_, TreeHasher>::new(&reader);
    let values = changes.iter().map(|(key, value)| (key_hash(key), value.clone()));
    let values: Vec<_> = values.map(|(hash, value)| (KeyHash(*hash.as_bytes()), value)).collect();
    // All keys of a block at once: each node on the way is read, rebuilt and hashed once a block,
    // not once a key.
    let updated = if values.is_empty() {
        let none = values.into_iter().map(|(key, value)| (key, Some(value)));
        tree.put_value_set(none, version.0)
    } else {
        let updated = tree.batch_put_value_sets(vec![values], None, version.0);
        updated.map(|(roots, batch)| (roots.first().copied(), batch)).and_then(|(root, batch)| {
            Ok((root.ok_or_else(|| anyhow::anyhow!("one set of values gave no root"))?, batch))
        })
    };
    let (root, batch) = updated.map_err(|e| reader.error(e))?;
    let nodes = batch.node_batch.nodes().iter().map(|(key, node)| {
        let bytes = borsh::to_vec(node).expect("writing borsh to a vector cannot fail");
        (node_key(key), bytes)
    });
    let nodes = nodes.collect();
    let stale = batch.stale_node_index_batch.iter().map(|stale| node_key(&stale.node_key));
    Ok(TreeUpdate { root: Digest::from_bytes(root.0), nodes, stale: stale.collect() })
}

/// The root of the tree at a height.
pub fn root(kv: &dyn Kv, version: Height) -> Result<Digest, StorageError> {
    Ok(Digest::from_bytes(match expect_node(kv, version.0, &[])? {
        Node::Null => return Ok(PLACEHOLDER),
        Node::Leaf(leaf) => leaf.hash::<TreeHasher>(),
        Node::Internal(node) => node.hash::<TreeHasher>(),
    }))
}

/// The path from the root at `version` to where `key` lies or would lie.
pub fn prove(kv: &dyn Kv, key: &Digest, version: Height) -> Result<StateProof, StorageError> {
    let mut siblings = Vec::new();
    let mut path = Vec::with_capacity(DEPTH_MAX);
    let mut version = version.0;
    let leaf = loop {
        match expect_node(kv, version, &path)? {
            Node::Null => break None,
            Node::Leaf(leaf) => break Some(state_leaf(&leaf)),
            ref internal @ Node::Internal(_) => {
                let children = children_of(internal);
                let wanted = usize::from(nibble(key, path.len()));
                let Some((index, child)) = descend(&children, wanted, &mut siblings) else {
                    break None;
                };
                version = child.version;
                path.push(u8::try_from(index).unwrap_or(u8::MAX));
            }
        }
        if path.len() > DEPTH_MAX {
            let node = keys::state_node(version, &path);
            return Err(corrupt(kv, Column::StateNodes, &node, "the tree is too deep"));
        }
    };
    siblings.reverse();
    Ok(StateProof { leaf, siblings })
}

/// Keys asked about, with their hashes, sorted by these.
type Wanted = [(Digest, String)];

/// The frames that cover the tree at a version and show keys, present or absent, in it
/// ([`mulu_chain::bundle::state_cover`]); only nodes on the way to a key are read.
pub fn cover<E: From<StorageError>>(
    kv: &dyn Kv,
    version: Height,
    wanted: &Wanted,
    value: ReadValue<'_>,
    emit: Emit<'_, E>,
) -> Result<(), E> {
    Covering { kv, value, emit }.node(version.0, &mut Vec::new(), wanted)
}

/// Reads a record's value at the version.
type ReadValue<'a> = &'a dyn Fn(&str) -> Result<Option<Vec<u8>>, StorageError>;
/// Takes the frames in their order.
type Emit<'a, E> = &'a mut dyn FnMut(Frame) -> Result<(), E>;

struct Covering<'a, E> {
    kv: &'a dyn Kv,
    value: ReadValue<'a>,
    emit: Emit<'a, E>,
}

impl<E: From<StorageError>> Covering<'_, E> {
    fn node(&mut self, version: Version, path: &mut Vec<u8>, wanted: &Wanted) -> Result<(), E> {
        if path.len() > DEPTH_MAX {
            let node = keys::state_node(version, path);
            return Err(corrupt(self.kv, Column::StateNodes, &node, "the tree is too deep").into());
        }
        let depth = path.len() * 4;
        match expect_node(self.kv, version, path)? {
            Node::Null => self.end(depth, None, wanted),
            Node::Leaf(leaf) => self.end(depth, Some(state_leaf(&leaf)), wanted),
            ref internal @ Node::Internal(_) => {
                let children = children_of(internal);
                self.range(&children, 0..CHILDREN, (depth, path), wanted)
            }
        }
    }

    /// A binary subtree over a range of a node's children.
    fn range(
        &mut self,
        children: &Children,
        range: std::ops::Range<usize>,
        (depth, path): (usize, &mut Vec<u8>),
        wanted: &Wanted,
    ) -> Result<(), E> {
        if wanted.is_empty() {
            let hash = range_hash(children, range);
            return (self.emit)(Frame::Stub { depth: narrow(depth), hash });
        }
        if children[range.clone()].iter().all(Option::is_none) {
            return self.end(depth, None, wanted);
        }
        if let Some((index, child)) = only_child(children, range.clone()) {
            path.push(u8::try_from(index).unwrap_or(u8::MAX));
            if child.is_leaf {
                let Node::Leaf(leaf) = expect_node(self.kv, child.version, path)? else {
                    let node = keys::state_node(child.version, path);
                    return Err(corrupt(self.kv, Column::StateNodes, &node, "not a leaf").into());
                };
                self.end(depth, Some(state_leaf(&leaf)), wanted)?;
            } else {
                self.node(child.version, path, wanted)?;
            }
            path.pop();
            return Ok(());
        }
        let middle = range.start + range.len() / 2;
        let (left, right) = wanted.split_at(wanted.partition_point(|(key, _)| !bit(key, depth)));
        self.range(children, range.start..middle, (depth + 1, path), left)?;
        self.range(children, middle..range.end, (depth + 1, path), right)
    }

    fn end(&mut self, depth: usize, leaf: Option<StateLeaf>, wanted: &Wanted) -> Result<(), E> {
        let mut failed = None;
        let frames = end_frames(narrow(depth), leaf, wanted, |key| {
            (self.value)(key).unwrap_or_else(|error| {
                failed = Some(error);
                None
            })
        });
        if let Some(error) = failed {
            return Err(error.into());
        }
        frames.into_iter().try_for_each(&mut *self.emit)
    }
}

/// A depth as it is written: at most the 256 bits of a key hash.
fn narrow(depth: usize) -> u16 {
    u16::try_from(depth).unwrap_or(u16::MAX)
}

/// The children of an internal node; other nodes have none.
fn children_of(node: &Node) -> Children {
    let mut children = Children::default();
    let Node::Internal(node) = node else { return children };
    for (nibble, child) in node.children_sorted() {
        children[nibble.as_usize()] = Some(Child {
            hash: Digest::from_bytes(child.hash),
            version: child.version,
            is_leaf: child.is_leaf(),
        });
    }
    children
}

#[derive(Clone, Copy)]
struct Child {
    hash: Digest,
    version: Version,
    is_leaf: bool,
}

type Children = [Option<Child>; CHILDREN];

/// Walks the four binary levels inside a node towards child `wanted`, noting the sibling of each
/// step. Ends at that child, at the only leaf of the subtree it would lie in, or at nothing.
fn descend(
    children: &Children,
    wanted: usize,
    siblings: &mut Vec<Digest>,
) -> Option<(usize, Child)> {
    let mut range = 0..CHILDREN;
    while range.len() > 1 {
        let middle = range.start + range.len() / 2;
        let (ours, other) = if wanted < middle {
            (range.start..middle, middle..range.end)
        } else {
            (middle..range.end, range.start..middle)
        };
        siblings.push(range_hash(children, other));
        range = ours;
        if let Some(only) = only_child(children, range.clone()) {
            return Some(only);
        }
        if children[range.clone()].iter().all(Option::is_none) {
            return None;
        }
    }
    None
}

/// Hash of the binary subtree over a range of children.
fn range_hash(children: &Children, range: std::ops::Range<usize>) -> Digest {
    if children[range.clone()].iter().all(Option::is_none) {
        return PLACEHOLDER;
    }
    if let Some((_, child)) = only_child(children, range.clone()) {
        return child.hash;
    }
    let middle = range.start + range.len() / 2;
    let left = range_hash(children, range.start..middle);
    let right = range_hash(children, middle..range.end);
    let mut hasher = Sha256::new_with_prefix(jmt::proof::INTERNAL_DOMAIN_SEPARATOR);
    hasher.update(left.as_bytes());
    hasher.update(right.as_bytes());
    Digest::from_bytes(hasher.finalize().into())
}

/// The child that stands for the whole range: the range's only child if it is a leaf, or the
/// child of a range of one.
fn only_child(children: &Children, range: std::ops::Range<usize>) -> Option<(usize, Child)> {
    let single = range.len() == 1;
    let mut present = range.filter_map(|index| children[index].map(|child| (index, child)));
    let (index, child) = present.next()?;
    (present.next().is_none() && (single || child.is_leaf)).then_some((index, child))
}

/// The key hash of a node that is a leaf, if there is such a node.
pub fn leaf_key(kv: &dyn Kv, node_key: &[u8]) -> Result<Option<Digest>, StorageError> {
    Ok(match node(kv, node_key)? {
        Some(Node::Leaf(leaf)) => Some(state_leaf(&leaf).key_hash),
        _ => None,
    })
}

fn state_leaf(leaf: &LeafNode) -> StateLeaf {
    // jmt keeps the value hash to itself; its borsh form is the two hashes.
    let bytes = borsh::to_vec(leaf).expect("writing borsh to a vector cannot fail");
    let hash = |at: usize| {
        let half = bytes.get(at..at + 32).and_then(|half| half.try_into().ok());
        Digest::from_bytes(half.expect("the borsh form of a leaf is 64 bytes"))
    };
    StateLeaf { key_hash: hash(0), value_hash: hash(32) }
}

/// Nibble `depth` of a hash, high half of each byte first.
fn nibble(hash: &Digest, depth: usize) -> u8 {
    let byte = hash.as_bytes().get(depth / 2).copied().unwrap_or(0);
    if depth.is_multiple_of(2) { byte >> 4 } else { byte & 0x0f }
}

fn node_key(key: &NodeKey) -> Vec<u8> {
    let path = key.nibble_path();
    let nibbles: Vec<u8> = (0..path.num_nibbles()).map(|i| path.get_nibble(i).into()).collect();
    keys::state_node(key.version(), &nibbles)
}

fn expect_node(kv: &dyn Kv, version: Version, path: &[u8]) -> Result<Node, StorageError> {
    let key = keys::state_node(version, path);
    node(kv, &key)?.ok_or_else(|| corrupt(kv, Column::StateNodes, &key, "it is missing"))
}

fn node(kv: &dyn Kv, key: &[u8]) -> Result<Option<Node>, StorageError> {
    let Some(bytes) = kv.get(Column::StateNodes, key)? else { return Ok(None) };
    borsh::from_slice(&bytes).map(Some).map_err(|e| corrupt(kv, Column::StateNodes, key, e))
}

/// What jmt reads through.
pub(super) struct Reader<'a> {
    pub(super) kv: &'a dyn Kv,
}

impl Reader<'_> {
    /// Takes our own error back out of jmt's; what jmt found wrong itself is damage.
    fn error(&self, error: anyhow::Error) -> StorageError {
        error.downcast::<StorageError>().unwrap_or_else(|error| StorageError::Corrupt {
            path: self.kv.path().to_owned(),
            place: format!("column {}", Column::StateNodes.name()),
            reason: format!("{error:#}"),
        })
    }
}

impl TreeReader for Reader<'_> {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        Ok(node(self.kv, &node_key(key))?)
    }

    fn get_value_option(
        &self,
        version: Version,
        key_hash: KeyHash,
    ) -> anyhow::Result<Option<OwnedValue>> {
        Ok(value_at(self.kv, &Digest::from_bytes(key_hash.0), Height(version))?)
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        // Only jmt's restore from a snapshot asks for it, and we never do that.
        anyhow::bail!("restoring a tree is not supported")
    }
}

/// The value under a key hash at a height: the newest one not after it.
pub fn value_at(
    kv: &dyn Kv,
    key_hash: &Digest,
    version: Height,
) -> Result<Option<Vec<u8>>, StorageError> {
    let last = keys::state_value(key_hash, version);
    let found = kv.last_up_to(Column::StateValues, key_hash.as_bytes(), &last)?;
    Ok(found.map(|(_, value)| value))
}
