//! The record that differs is named; what is not proved accuses nobody.

use mulu_chain::state::{StateLeaf, key_hash, root_of};

use super::*;

const KEY: &str = "office/x";

/// A state of one record, and its proof.
fn state(value: &[u8]) -> (Digest, StateProof) {
    let leaf = StateLeaf { key_hash: key_hash(KEY), value_hash: value_hash(value) };
    let root = root_of([(leaf.key_hash, leaf.value_hash)]);
    (root, StateProof { leaf: Some(leaf), siblings: Vec::new() })
}

fn written(value: &[u8]) -> [Written; 1] {
    [Written { key: KEY.to_owned(), value: Digest::sha256(value) }]
}

#[test]
fn the_first_record_that_differs_is_named() {
    let (root, proof) = state(b"certified");
    let honest = |_: &str| Ok((proof.clone(), Some(b"certified".to_vec())));
    assert_eq!(first_difference(&written(b"certified"), &root, honest).unwrap(), None);
    let ours = written(b"damaged");
    let found = first_difference(&ours, &root, honest).unwrap().expect("it differs");
    let certified = Some(Digest::sha256(b"certified"));
    assert_eq!(found, Difference { key: KEY, certified, here: Digest::sha256(b"damaged") });
}

#[test]
fn what_is_not_proved_is_not_believed() {
    let (root, proof) = state(b"certified");
    let (_, other) = state(b"invented");
    for (path, value) in
        [(&proof, Some(b"invented".to_vec())), (&other, Some(b"invented".to_vec())), (&proof, None)]
    {
        let lie = |_: &str| Ok((path.clone(), value.clone()));
        assert!(first_difference(&written(b"certified"), &root, lie).is_err());
    }
}
