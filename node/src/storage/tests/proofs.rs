//! Proofs: the log's against ct-merkle through mulu-chain, the state's against mulu-chain and jmt.

use std::collections::BTreeMap;

use jmt::{JellyfishMerkleTree, KeyHash, RootHash};
use mulu_chain::digest::Digest;
use mulu_chain::log::{LOG_ENTRY_VERSION, LogEntry, LogFrontier, Outcome};
use mulu_chain::state::{PLACEHOLDER, key_hash, root_of, value_hash};
use mulu_chain::types::{Height, TimeMs};

use super::chain::Random;
use crate::storage::kv::{Batch, Column, Kv};
use crate::storage::log_tree::{self, LogProver};
use crate::storage::memory::MemoryKv;
use crate::storage::{keys, tree};

fn entry(number: u64) -> LogEntry {
    LogEntry {
        version: LOG_ENTRY_VERSION,
        height: Height(number),
        index: 0,
        time_ms: TimeMs(number),
        transaction: Digest::sha256(&number.to_be_bytes()),
        envelope: Digest::ZERO,
        outcome: Outcome::Accepted,
    }
}

/// A log of `size` entries in a store, and its root after each of them.
fn log(size: u64) -> (MemoryKv, Vec<Digest>) {
    let kv = MemoryKv::default();
    let mut frontier = LogFrontier::default();
    let mut roots = vec![frontier.root()];
    let mut batch = Batch::default();
    for number in 0..size {
        let update = log_tree::update(&frontier, &[entry(number)]);
        for (key, value) in update.nodes {
            batch.put(Column::LogNodes, key, value);
        }
        frontier = update.frontier;
        roots.push(frontier.root());
    }
    kv.write(batch).unwrap();
    (kv, roots)
}

fn root(roots: &[Digest], size: u64) -> &Digest {
    &roots[usize::try_from(size).unwrap()]
}

#[test]
fn every_inclusion_up_to_70_verifies() {
    let (kv, roots) = log(70);
    for size in 1..=70 {
        let mut prover = LogProver::new(&kv, size);
        for index in 0..size {
            let proof = prover.inclusion(index).unwrap();
            proof.verify(&entry(index).leaf_bytes(), size, root(&roots, size)).unwrap();
            let other = entry(index + 1).leaf_bytes();
            assert!(proof.verify(&other, size, root(&roots, size)).is_err());
        }
    }
}

#[test]
fn every_consistency_up_to_70_verifies() {
    let (kv, roots) = log(70);
    for new in 0..=70 {
        let mut prover = LogProver::new(&kv, new);
        for old in 0..=new {
            let proof = prover.consistency(old).unwrap();
            let (old_root, new_root) = (root(&roots, old), root(&roots, new));
            proof.verify((old, old_root), (new, new_root)).unwrap();
            if old > 0 && old < new {
                let other = Digest::sha256(b"other");
                assert!(proof.verify((old, &other), (new, new_root)).is_err());
            }
        }
    }
}

#[test]
fn larger_logs_verify_at_random_places() {
    let mut random = Random(7);
    let (kv, roots) = log(5000);
    for _ in 0..300 {
        let size = random.below(4999) + 1;
        let index = random.below(size);
        let mut prover = LogProver::new(&kv, size);
        let proof = prover.inclusion(index).unwrap();
        proof.verify(&entry(index).leaf_bytes(), size, root(&roots, size)).unwrap();
        let proof = prover.consistency(index).unwrap();
        proof.verify((index, root(&roots, index)), (size, root(&roots, size))).unwrap();
    }
}

type State = BTreeMap<String, Vec<u8>>;

/// Applies changes as the next version and returns the root.
fn apply(kv: &MemoryKv, version: u64, changes: &State) -> Digest {
    let update = tree::update(kv, Height(version), changes).unwrap();
    let mut batch = Batch::default();
    for (key, value) in update.nodes {
        batch.put(Column::StateNodes, key, value);
    }
    for (key, value) in changes {
        let place = keys::state_value(&key_hash(key), Height(version));
        batch.put(Column::StateValues, place, value.as_slice());
    }
    kv.write(batch).unwrap();
    assert_eq!(tree::root(kv, Height(version)).unwrap(), update.root);
    update.root
}

fn reference_root(state: &State) -> Digest {
    root_of(state.iter().map(|(key, value)| (key_hash(key), value_hash(value))))
}

#[test]
fn an_empty_state_has_the_placeholder_root_and_proves_absence() {
    let kv = MemoryKv::default();
    assert_eq!(apply(&kv, 0, &State::new()), PLACEHOLDER);
    assert_eq!(apply(&kv, 1, &State::new()), PLACEHOLDER);
    let proof = tree::prove(&kv, &key_hash("params"), Height(1)).unwrap();
    proof.verify(&PLACEHOLDER, "params", None).unwrap();
    let first = State::from([("params".to_owned(), b"{}".to_vec())]);
    assert_eq!(apply(&kv, 2, &first), reference_root(&first));
}

/// Random trees of 1 to 300 keys over 12 versions, with empty and repeated changes: roots equal
/// the reference, and every proof at every version verifies here, in mulu-chain and in jmt.
#[test]
fn state_proofs_agree_with_the_reference_and_with_jmt() {
    for seed in 0..12 {
        let mut random = Random(seed);
        let kv = MemoryKv::default();
        let keys_total = 1 + random.below(300);
        let mut state = State::new();
        let mut versions = Vec::new();
        for version in 0..12 {
            let mut changes = State::new();
            for _ in 0..random.below(40) {
                let key = format!("entry/{}", random.below(keys_total));
                changes.insert(key, random.next().to_be_bytes().to_vec());
            }
            if version % 4 == 3 {
                // The same values again.
                changes = state.iter().take(3).map(|(k, v)| (k.clone(), v.clone())).collect();
            }
            state.extend(changes.clone());
            let root = apply(&kv, version, &changes);
            assert_eq!(root, reference_root(&state), "seed {seed}, version {version}");
            versions.push((root, state.clone()));
        }
        for (version, (root, state)) in (0..).zip(&versions) {
            for number in 0..keys_total + 20 {
                check_proof(&kv, version, root, state, &format!("entry/{number}"));
            }
        }
    }
}

fn check_proof(kv: &MemoryKv, version: u64, root: &Digest, state: &State, key: &str) {
    let value = state.get(key);
    let hash = key_hash(key);
    let proof = tree::prove(kv, &hash, Height(version)).unwrap();
    proof.verify(root, key, value.map(Vec::as_slice)).unwrap();
    assert!(proof.verify(root, key, Some(b"another value")).is_err());
    assert_eq!(tree::value_at(kv, &hash, Height(version)).unwrap().as_ref(), value);

    let reader = tree::Reader { kv };
    let jmt = JellyfishMerkleTree::<_, tree::TreeHasher>::new(&reader);
    let (found, theirs) = jmt.get_with_proof(KeyHash(*hash.as_bytes()), version).unwrap();
    assert_eq!(found.as_ref(), value);
    theirs.verify(RootHash(*root.as_bytes()), KeyHash(*hash.as_bytes()), value).unwrap();
    assert_eq!(theirs.leaf().is_some(), proof.leaf.is_some());
}
