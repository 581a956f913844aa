//! The RFC 6962 log: our frontier, ranges and proofs agree with each other for every small size, and
//! with the transparency community's vectors where those are at hand.

#![allow(clippy::unwrap_used)]

use mulu_chain::digest::Digest;
use mulu_chain::log::{
    ConsistencyProof, InclusionProof, LogFrontier, LogNode, consistency_ranges, inclusion_ranges,
    leaf_hash, node_hash, range_nodes,
};
use std::collections::BTreeMap;

const SIZE_MAX: u64 = 70;

struct Log {
    nodes: BTreeMap<LogNode, Digest>,
    roots: Vec<Digest>,
}

fn leaf(index: u64) -> Vec<u8> {
    format!("leaf {index}").into_bytes()
}

fn log() -> Log {
    let mut frontier = LogFrontier::default();
    let mut log = Log { nodes: BTreeMap::new(), roots: vec![frontier.root()] };
    for index in 0..SIZE_MAX {
        log.nodes.extend(frontier.append(leaf_hash(&leaf(index))));
        log.roots.push(frontier.root());
    }
    log
}

impl Log {
    fn range(&self, (from, to): (u64, u64)) -> Digest {
        let hashes = range_nodes(from, to).into_iter().map(|node| self.nodes[&node]);
        hashes.rev().reduce(|right, left| node_hash(&left, &right)).expect("ranges are not empty")
    }

    fn root(&self, size: u64) -> Digest {
        self.roots[usize::try_from(size).unwrap()]
    }
}

#[test]
fn every_inclusion_proof_verifies_and_no_changed_one_does() {
    let log = log();
    for size in 1..=SIZE_MAX {
        for index in 0..size {
            let hashes = inclusion_ranges(index, size).into_iter().map(|r| log.range(r)).collect();
            let proof = InclusionProof { index, hashes };
            proof.verify(&leaf(index), size, &log.root(size)).unwrap();
            assert!(proof.verify(&leaf(index + 1), size, &log.root(size)).is_err());
            assert!(proof.verify(&leaf(index), size, &log.root(size - 1)).is_err());
            let mut other = proof.clone();
            other.index = (index + 1) % size;
            assert!(size == 1 || other.verify(&leaf(index), size, &log.root(size)).is_err());
            for at in 0..proof.hashes.len() {
                let mut changed = proof.clone();
                changed.hashes[at] = Digest::sha256(b"other");
                assert!(changed.verify(&leaf(index), size, &log.root(size)).is_err());
            }
            let mut longer = proof.clone();
            longer.hashes.push(Digest::ZERO);
            assert!(longer.verify(&leaf(index), size, &log.root(size)).is_err());
        }
    }
}

#[test]
fn every_consistency_proof_verifies_and_no_changed_one_does() {
    let log = log();
    for new in 1..=SIZE_MAX {
        for old in 1..=new {
            let hashes = consistency_ranges(old, new).into_iter().map(|r| log.range(r)).collect();
            let proof = ConsistencyProof { hashes };
            let (older, newer) = (log.root(old), log.root(new));
            proof.verify((old, &older), (new, &newer)).unwrap();
            if old < new {
                assert!(proof.verify((old, &newer), (new, &newer)).is_err());
                assert!(proof.verify((old, &older), (new, &older)).is_err());
            }
            for at in 0..proof.hashes.len() {
                let mut changed = proof.clone();
                changed.hashes[at] = Digest::sha256(b"other");
                assert!(changed.verify((old, &older), (new, &newer)).is_err());
            }
        }
    }
}

#[test]
fn a_doubled_last_leaf_is_another_tree() {
    // CVE-2012-2459: [A, B, C] and [A, B, C, C] must differ.
    let root = |leaves: &[&[u8]]| {
        let mut frontier = LogFrontier::default();
        for leaf in leaves {
            frontier.append(leaf_hash(leaf));
        }
        frontier.root()
    };
    assert_ne!(root(&[b"A", b"B", b"C"]), root(&[b"A", b"B", b"C", b"C"]));
}

#[test]
fn reference_vectors_agree() {
    use base64_decode as decode;
    let Some(folder) = mulu_tests::reference::path("merkle/testdata") else { return };
    let mut counted = (0u32, 0u32);
    for kind in ["inclusion", "consistency"] {
        let mut folders = vec![folder.join(kind)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let vector: serde_json::Value =
                    serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
                let hashes: Option<Vec<Digest>> = vector["proof"]
                    .as_array()
                    .map_or(Some(Vec::new()), |list| list.iter().map(digest).collect());
                let verified = if kind == "inclusion" {
                    inclusion_verifies(&vector, hashes)
                } else {
                    consistency_verifies(&vector, hashes)
                };
                let expected = !vector["wantErr"].as_bool().unwrap();
                assert_eq!(verified, expected, "{}", path.display());
                if expected { counted.0 += 1 } else { counted.1 += 1 }
            }
        }
    }
    println!("{} vectors accepted, {} refused", counted.0, counted.1);
    assert!(counted.0 >= 8 && counted.1 >= 150, "{counted:?}");

    fn digest(value: &serde_json::Value) -> Option<Digest> {
        let bytes: [u8; 32] = decode(value.as_str()?)?.try_into().ok()?;
        Some(Digest::from_bytes(bytes))
    }

    /// The vectors give a leaf *hash*; hashing starts one step later than for a leaf.
    fn inclusion_verifies(vector: &serde_json::Value, hashes: Option<Vec<Digest>>) -> bool {
        let (Some(hashes), Some(leaf), Some(root)) =
            (hashes, digest(&vector["leafHash"]), digest(&vector["root"]))
        else {
            return false;
        };
        let (index, size) =
            (vector["leafIdx"].as_u64().unwrap(), vector["treeSize"].as_u64().unwrap());
        if index >= size || hashes.len() != inclusion_ranges(index, size).len() {
            return false;
        }
        let mut hash = leaf;
        for ((from, _), sibling) in inclusion_ranges(index, size).into_iter().zip(&hashes) {
            hash = if from > index { node_hash(&hash, sibling) } else { node_hash(sibling, &hash) };
        }
        hash == root
    }

    fn consistency_verifies(vector: &serde_json::Value, hashes: Option<Vec<Digest>>) -> bool {
        let (Some(hashes), Some(root1), Some(root2)) =
            (hashes, digest(&vector["root1"]), digest(&vector["root2"]))
        else {
            // Roots that are no digests: two equal logs are still equal.
            let same = vector["root1"] == vector["root2"] && vector["size1"] == vector["size2"];
            return same
                && vector["size1"] != 0
                && vector["proof"].as_array().is_none_or(Vec::is_empty);
        };
        let (size1, size2) = (vector["size1"].as_u64().unwrap(), vector["size2"].as_u64().unwrap());
        // The vectors refuse to say anything about an empty log; for us it is a prefix of all.
        // (An empty log and its equal are refused by them as "useless".)
        size1 > 0 && ConsistencyProof { hashes }.verify((size1, &root1), (size2, &root2)).is_ok()
    }
}

fn base64_decode(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}
