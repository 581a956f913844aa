//! Our state proofs and roots against the Jellyfish Merkle tree crate that keeps the tree.

use jmt::mock::MockTreeStore;
use jmt::{JellyfishMerkleTree, KeyHash, SimpleHasher};
use mulu_chain::digest::Digest;
use mulu_chain::state::{HistoryEvent, HistoryLeaf, key_hash, root_of, value_hash};
use mulu_chain::types::Height;
use proptest::prelude::*;
use sha2::Digest as _;

struct Sha256(sha2::Sha256);

impl SimpleHasher for Sha256 {
    fn new() -> Self {
        Sha256(sha2::Sha256::new())
    }
    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }
    fn finalize(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Block 0's root, computed from the whole set, is the tree's root.
    #[test]
    fn whole_set_root_equals_the_trees(pairs in prop::collection::btree_map("[a-z/0-9]{1,12}", prop::collection::vec(any::<u8>(), 0..40), 0..60)) {
        let store = MockTreeStore::default();
        let tree = JellyfishMerkleTree::<_, Sha256>::new(&store);
        let writes = pairs.iter().map(|(k, v)| (KeyHash(*key_hash(k).as_bytes()), Some(v.clone())));
        let (root, _) = tree.put_value_set(writes.collect::<Vec<_>>(), 0).unwrap();
        let ours = root_of(pairs.iter().map(|(k, v)| (key_hash(k), value_hash(v))));
        prop_assert_eq!(Digest::from_bytes(root.0), ours);
    }

    /// Leaving out, adding, changing or swapping an event of a history changes its leaf.
    #[test]
    fn histories_commit_to_every_event(count in 2usize..20, at in 0usize..18, other in any::<u64>()) {
        let events: Vec<HistoryEvent> = (0..count as u64)
            .map(|n| HistoryEvent { height: Height(n + 1), index: 0, action: 0, transaction: Digest::sha256(&n.to_le_bytes()) })
            .collect();
        let at = at % (count - 1);
        let leaf = HistoryLeaf::of(&events);
        let mut fewer = events.clone();
        fewer.remove(at);
        prop_assert_ne!(&leaf, &HistoryLeaf::of(&fewer));
        let mut swapped = events.clone();
        swapped.swap(at, at + 1);
        prop_assert_ne!(&leaf, &HistoryLeaf::of(&swapped));
        let mut changed = events.clone();
        changed[at].height = Height(other.max(1_000));
        prop_assert_ne!(&leaf, &HistoryLeaf::of(&changed));
        let mut longer = events;
        longer.push(longer[0].clone());
        prop_assert_ne!(&leaf, &HistoryLeaf::of(&longer));
    }
}
