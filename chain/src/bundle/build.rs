//! Covers made of complete copies in memory: what a node does on disk, for tests, vectors and
//! measurements. Source: SPEC section 10.2 and 10.3.

use std::collections::{BTreeMap, BTreeSet};

use super::frame::Frame;
use crate::digest::Digest;
use crate::log::{LogFrontier, LogNode, range_nodes};
use crate::state::{StateLeaf, bit, key_hash, subtree_root, value_hash};

type Pair = (Digest, Digest);

/// The frames that prove some keys, present or absent, in a whole state.
pub fn state_frames(state: &BTreeMap<String, Vec<u8>>, wanted: &BTreeSet<String>) -> Vec<Frame> {
    let mut pairs: Vec<Pair> =
        state.iter().map(|(key, value)| (key_hash(key), value_hash(value))).collect();
    pairs.sort_unstable();
    let mut keys: Vec<(Digest, &String)> = wanted.iter().map(|key| (key_hash(key), key)).collect();
    keys.sort_unstable();
    let mut frames = Vec::new();
    walk(state, &pairs, &keys, 0, &mut frames);
    frames
}

fn walk(
    state: &BTreeMap<String, Vec<u8>>,
    pairs: &[Pair],
    keys: &[(Digest, &String)],
    depth: u16,
    frames: &mut Vec<Frame>,
) {
    let at = usize::from(depth);
    if keys.is_empty() {
        frames.push(Frame::Stub { depth, hash: subtree_root(pairs, at) });
        return;
    }
    let leaf = match pairs {
        [] => None,
        [(key_hash, value_hash)] => {
            Some(StateLeaf { key_hash: *key_hash, value_hash: *value_hash })
        }
        _ => {
            let (left, right) = pairs.split_at(pairs.partition_point(|(key, _)| !bit(key, at)));
            let (ours, theirs) = keys.split_at(keys.partition_point(|(key, _)| !bit(key, at)));
            walk(state, left, ours, depth.saturating_add(1), frames);
            walk(state, right, theirs, depth.saturating_add(1), frames);
            return;
        }
    };
    frames.extend(end_frames(depth, leaf, keys, |key| state.get(key).cloned()));
}

/// The frames of a leaf or an empty subtree in which keys were asked about.
pub fn end_frames<K: AsRef<str>>(
    depth: u16,
    leaf: Option<StateLeaf>,
    keys: &[(Digest, K)],
    value: impl FnOnce(&str) -> Option<Vec<u8>>,
) -> Vec<Frame> {
    let own = keys.iter().find(|(hash, _)| leaf.as_ref().is_some_and(|l| l.key_hash == *hash));
    let own = own.map(|(_, key)| key.as_ref());
    let first = match (leaf, own) {
        (None, _) => Frame::Empty { depth },
        (Some(_), Some(key)) => {
            let value = value(key).unwrap_or_default();
            Frame::Record { depth, key: key.to_owned(), value }
        }
        (Some(leaf), None) => Frame::Leaf { depth, leaf },
    };
    let mut absent: Vec<&str> = keys.iter().map(|(_, key)| key.as_ref()).collect();
    absent.retain(|key| Some(*key) != own);
    absent.sort_unstable();
    let absent = absent.into_iter().map(|key| Frame::Absent { key: key.to_owned() });
    std::iter::once(first).chain(absent).collect()
}

/// The frames of a log's leaves: those told are handed in, in order of their indexes, and what
/// lies between them becomes stubs.
pub fn log_frames(leaves: &[Digest], told: BTreeMap<u64, Frame>) -> Vec<Frame> {
    let size = u64::try_from(leaves.len()).unwrap_or(u64::MAX);
    let node = |node: LogNode| {
        let from = node.index.checked_shl(u32::from(node.level)).unwrap_or(u64::MAX);
        let count = 1u64.checked_shl(u32::from(node.level)).unwrap_or(u64::MAX);
        let mut frontier = LogFrontier::default();
        let skip = usize::try_from(from).unwrap_or(usize::MAX);
        let take = usize::try_from(count).unwrap_or(usize::MAX);
        for leaf in leaves.iter().skip(skip).take(take) {
            frontier.append(*leaf);
        }
        Frame::LogStub { level: node.level, hash: frontier.root() }
    };
    let mut frames = Vec::new();
    let mut at = 0u64;
    for (index, frame) in told {
        frames.extend(range_nodes(at, index).into_iter().map(node));
        frames.push(frame);
        at = index.saturating_add(1);
    }
    frames.extend(range_nodes(at, size).into_iter().map(node));
    frames
}
