use std::collections::BTreeMap;

use super::*;
use crate::state::root_of;

#[test]
fn roots_are_those_of_the_whole_after_every_change() {
    let mut tree = StateTree::default();
    assert_eq!(tree.root(), PLACEHOLDER);
    let mut all = BTreeMap::new();
    for round in 0u32..60 {
        let mut changes = BTreeMap::new();
        for number in 0..round % 7 {
            let key = Digest::sha256(&(round * number % 40).to_le_bytes());
            changes.insert(key, Digest::sha256(&round.to_be_bytes()));
        }
        all.extend(changes.clone());
        tree.update(&changes.into_iter().collect::<Vec<_>>());
        assert_eq!(tree.root(), root_of(all.clone()), "round {round}");
    }
}
