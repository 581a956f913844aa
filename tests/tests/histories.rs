//! Histories: what the leaf of a subject commits to. Proofs and roots against the tree that the node
//! keeps are tested with it, in `node/src/storage/tests/`.

#![allow(clippy::unwrap_used)]

use mulu_chain::digest::Digest;
use mulu_chain::state::{HistoryEvent, HistoryLeaf};
use mulu_chain::types::Height;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

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
