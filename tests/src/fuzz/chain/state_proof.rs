//! A state proof, against the root of a small tree.

use mulu_chain::codec;
use mulu_chain::digest::Digest;
use mulu_chain::limits::{STATE_PROOF_SIBLINGS_MAX, STATE_VALUE_BYTES_MAX};
use mulu_chain::state::{PLACEHOLDER, StateLeaf, StateProof, key_hash, root_of, value_hash};

use super::{Outcome, canonical};
use crate::fuzz::target::Seeds;

const KEYS: [&str; 2] = ["entry/a", "history/entry/a"];
const ABSENT: &str = "entry/absent";

/// The value of a key in the tree.
fn value(key: &str) -> &[u8] {
    key.as_bytes()
}

fn root() -> Digest {
    root_of(KEYS.map(|key| (key_hash(key), value_hash(value(key)))))
}

/// No proof shows another value, an absent key or the absence of a key that is there; the JSON
/// form carries the same proof.
pub fn run(data: &[u8]) -> Outcome {
    let proof = match canonical::<StateProof, STATE_VALUE_BYTES_MAX>(data) {
        Ok(proof) => proof,
        Err(refused) => return refused,
    };
    let root = root();
    for key in KEYS {
        assert!(proof.verify(&root, key, None).is_err(), "a present key proved absent");
        assert!(proof.verify(&root, key, Some(b"forged")).is_err(), "a forged value proved");
    }
    assert!(proof.verify(&root, ABSENT, Some(b"forged")).is_err(), "an absent key proved");
    let present = KEYS.map(|key| proof.verify(&root, key, Some(value(key))));
    let absent = proof.verify(&root, ABSENT, None);
    if present.iter().any(Result::is_ok) || absent.is_ok() {
        assert!(proof.siblings.len() <= STATE_PROOF_SIBLINGS_MAX);
        return Outcome::accepted(if absent.is_ok() { "absence" } else { "presence" });
    }
    let json = serde_json::to_string(&proof).expect("a proof is written");
    assert!(serde_json::from_str::<StateProof>(&json).is_ok_and(|again| again == proof));
    match (&present[0], absent) {
        (Err(one), Err(other)) => Outcome::refused(&format!("{one} {other}")),
        _ => Outcome::refused(&"unreachable"),
    }
}

/// Proofs of both keys and of an absence.
pub fn seeds() -> Seeds {
    let bit = |hash: &Digest, d: usize| hash.as_bytes()[d / 8] >> (7 - d % 8) & 1;
    let proof = |key: &str, other: &str| {
        let (a, b) = (key_hash(key), key_hash(other));
        let depth = (0..256).find(|d| bit(&a, *d) != bit(&b, *d)).expect("two keys differ");
        let mut siblings = vec![root_of([(b, value_hash(value(other)))])];
        siblings.extend(vec![PLACEHOLDER; depth]);
        let leaf = Some(StateLeaf { key_hash: a, value_hash: value_hash(value(key)) });
        StateProof { leaf, siblings }
    };
    let wanted = key_hash(ABSENT);
    let near = |key: &&str| (0..256).find(|d| bit(&key_hash(key), *d) != bit(&wanted, *d));
    let mut sorted = KEYS;
    sorted.sort_by_key(near);
    let mut long = proof(KEYS[0], KEYS[1]);
    long.siblings = vec![PLACEHOLDER; STATE_PROOF_SIBLINGS_MAX + 1];
    vec![
        ("first", codec::encode(&proof(KEYS[0], KEYS[1]))),
        ("second", codec::encode(&proof(KEYS[1], KEYS[0]))),
        ("absent-beside-a-leaf", codec::encode(&proof(sorted[1], sorted[0]))),
        ("too-deep", codec::encode(&long)),
        ("empty", codec::encode(&StateProof { leaf: None, siblings: Vec::new() })),
    ]
}
