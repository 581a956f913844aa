//! Checkpoints: a quorum's lines, and everything that is not one.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::log::leaf_hash;
use crate::signature::SigningKey;
use crate::validator::Validator;

fn keys() -> Vec<SigningKey> {
    (1..=4).map(|n| SigningKey::from_seed(&[n; 32])).collect()
}

fn set() -> ValidatorSet {
    let validator = |key: &SigningKey| Validator {
        public_key: key.public_key(),
        power: 1,
        member: "m".to_owned(),
    };
    ValidatorSet::new(keys().iter().map(validator).collect()).unwrap()
}

fn chain() -> ChainId {
    "mulu-test".parse().unwrap()
}

/// The leaf is a log of its own.
fn checkpoint() -> Checkpoint {
    Checkpoint { origin: origin(&chain()), size: 1, root: leaf_hash(b"\x01\x00leaf") }
}

fn note(checkpoint: &Checkpoint, signers: &[usize]) -> Note {
    let text = checkpoint.text();
    let keys = keys();
    let line =
        |at: &usize| log_key(&checkpoint.origin, keys[*at].public_key()).sign(&keys[*at], &text, 0);
    let signatures = signers.iter().map(line).collect();
    Note { text, signatures }
}

#[test]
fn a_quorum_of_lines_vouches_for_a_checkpoint() {
    let good = note(&checkpoint(), &[0, 1, 2]).to_string();
    assert_eq!(verify(&good, &chain(), &set()), Ok(checkpoint()));
    assert!(good.starts_with("mulu/mulu-test\n1\n"));
    for too_few in [&[0, 1][..], &[0, 0, 1, 1], &[]] {
        let note = note(&checkpoint(), too_few).to_string();
        assert!(verify(&note, &chain(), &set()).is_err(), "{too_few:?}");
    }
    let other: ChainId = "mulu-other".parse().unwrap();
    assert!(matches!(verify(&good, &other, &set()), Err(CheckpointInvalid::Origin { .. })));
}

#[test]
fn a_false_line_of_a_validator_spoils_the_note() {
    let mut note = note(&checkpoint(), &[0, 1, 2]);
    let stolen = note.signatures[0].bytes.clone();
    note.signatures[1].bytes = stolen;
    let result = verify(&note.to_string(), &chain(), &set());
    assert!(matches!(result, Err(CheckpointInvalid::Note(NoteInvalid::Signature(_)))));
}

#[test]
fn a_checkpoint_has_one_text() {
    let good = checkpoint().text();
    assert_eq!(Checkpoint::parse(&good), Ok(checkpoint()));
    let root = good.lines().nth(2).unwrap();
    let refused = [
        good.trim_end().to_owned(),
        good.replace("\n1\n", "\n01\n"),
        good.replace("\n1\n", "\n+1\n"),
        good.replace("\n1\n", "\n-1\n"),
        good.replace(root, &root[..40]),
        format!("{good}extension\n"),
        format!("\n{good}"),
        "a\n1\n".to_owned(),
    ];
    for text in refused {
        assert!(Checkpoint::parse(&text).is_err(), "{text:?}");
    }
}

#[test]
fn an_exported_proof_is_read_as_it_is_written_and_verifies() {
    let inclusion = InclusionProof { index: 0, hashes: Vec::new() };
    let leaf = b"\x01\x00leaf".to_vec();
    let proof = TlogProof { leaf, inclusion, note: note(&checkpoint(), &[0, 1, 3]) };
    let text = proof.to_text();
    assert_eq!(TlogProof::parse(&text), Ok(proof.clone()));
    assert_eq!(proof.verify(&chain(), &set()), Ok(checkpoint()));
    let mut other = proof.clone();
    other.leaf.push(0);
    assert!(matches!(other.verify(&chain(), &set()), Err(CheckpointInvalid::Proof(_))));
    let mut other = proof;
    other.inclusion.index = 1;
    assert!(other.verify(&chain(), &set()).is_err());
    for (from, to) in
        [("@v1", "@v2"), ("extra ", "extra: "), ("index 0", "index 00"), ("\n\n", "\n")]
    {
        assert!(TlogProof::parse(&text.replacen(from, to, 1)).is_err(), "{from}");
    }
}
