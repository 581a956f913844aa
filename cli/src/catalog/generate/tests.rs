use std::collections::BTreeSet;

use super::*;

#[test]
fn names_and_codes_are_distinct_and_the_seed_decides() {
    let made: Vec<Entry> = entries(5_000, 7).collect();
    assert_eq!(made.len(), 5_000);
    let names: BTreeSet<&str> = made.iter().map(|e| e.name.as_str()).collect();
    let codes: BTreeSet<&str> = made.iter().map(|e| e.code.as_str()).collect();
    assert_eq!((names.len(), codes.len()), (5_000, 5_000));
    let again: Vec<Entry> = entries(5_000, 7).collect();
    assert_eq!(made, again);
    let other: Vec<Entry> = entries(10, 8).collect();
    assert_ne!(made.get(..10), Some(other.as_slice()));
}

#[test]
fn the_largest_catalog_has_no_two_alike() {
    let codes: BTreeSet<String> = entries(ENTRIES_MAX, 1).map(|e| e.code).collect();
    assert_eq!(u64::try_from(codes.len()), Ok(ENTRIES_MAX));
    const { assert!(ENTRIES_MAX >= 500_000) };
}

#[test]
fn all_share_types_occur() {
    let made: Vec<Entry> = entries(2_000, 1).collect();
    let count = |wanted: fn(&Share) -> bool| made.iter().filter(|e| wanted(&e.share)).count();
    assert!(count(|s| matches!(s, Share::Unconditional { .. })) > 800);
    assert!(count(|s| matches!(s, Share::Conditional(_))) > 400);
    assert!(count(|s| matches!(s, Share::None(_))) > 100);
    assert!(made.iter().all(|e| e.items.len() >= 6 && e.summary.chars().count() < 300));
}
