//! Log proofs: `u64 size ‖ u64 old size ‖ InclusionProof`; the hashes serve for both proofs.

use std::sync::LazyLock;

use mulu_chain::codec;
use mulu_chain::digest::Digest;
use mulu_chain::limits::STATE_VALUE_BYTES_MAX;
use mulu_chain::log::{ConsistencyProof, InclusionProof, LogFrontier, leaf_hash, node_hash};

use super::{Outcome, canonical};
use crate::fuzz::target::Seeds;

const LEAVES: u64 = 7;

/// `ROOTS[n]` is the root of the first n leaves.
static ROOTS: LazyLock<Vec<Digest>> = LazyLock::new(|| {
    let mut frontier = LogFrontier::default();
    let mut roots = vec![frontier.root()];
    for number in 0..LEAVES {
        frontier.append(leaf_hash(&leaf(number)));
        roots.push(frontier.root());
    }
    roots
});

fn leaf(number: u64) -> [u8; 8] {
    number.to_le_bytes()
}

fn root(size: u64) -> Digest {
    let index = usize::try_from(size).unwrap_or(usize::MAX);
    ROOTS.get(index).copied().unwrap_or(Digest::ZERO)
}

/// Whatever sizes are claimed, only a true place and a true prefix verify.
pub fn run(data: &[u8]) -> Outcome {
    let split = data.split_first_chunk::<8>().and_then(|(size, rest)| {
        let (old, proof) = rest.split_first_chunk::<8>()?;
        Some((u64::from_le_bytes(*size), u64::from_le_bytes(*old), proof))
    });
    let Some((size, old, proof)) = split else { return Outcome::refused(&"too short") };
    let proof = match canonical::<InclusionProof, STATE_VALUE_BYTES_MAX>(proof) {
        Ok(proof) => proof,
        Err(refused) => return refused,
    };
    let forged = proof.verify(b"forged", size, &root(size));
    assert!(forged.is_err(), "a leaf that is not there was proved");
    let included = proof.verify(&leaf(proof.index), size, &root(size));
    assert!(included.is_err() || (size <= LEAVES && proof.index < size));
    let consistency = ConsistencyProof { hashes: proof.hashes.clone() };
    let (new_root, old_root) = (root(size), root(old));
    let consistent = consistency.verify((old, &old_root), (size, &new_root));
    // Beyond the tree both roots are the same made-up digest: equal logs, nothing is claimed.
    assert!(consistent.is_err() || old == size || old < size && (size <= LEAVES || old == 0));
    match (included, consistent) {
        (Ok(()), Ok(())) => Outcome::accepted("both"),
        (Ok(()), Err(_)) => Outcome::accepted("included"),
        (Err(_), Ok(())) => Outcome::accepted("consistent"),
        (Err(one), Err(other)) => Outcome::refused(&format!("{one} {other}")),
    }
}

/// True proofs in trees of two, three and four leaves, and sizes at the ends of the range.
pub fn seeds() -> Seeds {
    let hash = |n: u64| leaf_hash(&leaf(n));
    let seed = |size: u64, old: u64, index: u64, hashes: Vec<Digest>| {
        let mut bytes = [size.to_le_bytes(), old.to_le_bytes()].concat();
        bytes.extend_from_slice(&codec::encode(&InclusionProof { index, hashes }));
        bytes
    };
    let (left, right) = (node_hash(&hash(0), &hash(1)), node_hash(&hash(2), &hash(3)));
    vec![
        ("included-first-of-two", seed(2, 1, 0, vec![hash(1)])),
        ("included-last-of-three", seed(3, 2, 2, vec![left])),
        ("included-second-of-four", seed(4, 2, 1, vec![hash(0), right])),
        ("consistent-two-of-four", seed(4, 2, 9, vec![right])),
        ("consistent-three-of-four", seed(4, 3, 9, vec![hash(2), hash(3), left])),
        ("consistent-with-nothing", seed(4, 0, 9, Vec::new())),
        ("shrinking", seed(2, 4, 1, vec![hash(0)])),
        ("largest-sizes", seed(u64::MAX, 1 << 63, u64::MAX - 1, vec![hash(0); 63])),
        ("size-at-the-bound", seed(1 << 62, (1 << 62) - 1, 0, vec![hash(0); 62])),
    ]
}
