//! Names that are unique among the entries of one member.
//!
//! A whole list is published by one member, though its rows come from many agencies, so names can
//! repeat. Every row of a name that repeats gets its agency's name in brackets; if that still
//! repeats, numbers from 2 on follow in the order of the identifiers. The result does not depend on
//! the order of the rows.

use std::collections::{BTreeMap, BTreeSet};

/// A record's name and what can tell it apart.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// The name in the source.
    pub name: &'a str,
    /// The agency in the source, empty if none.
    pub agency: &'a str,
    /// The identifier in the source.
    pub identifier: &'a str,
}

/// The unique names, in the order given, and how many differ from the source's.
pub fn unique(records: &[Named<'_>]) -> (Vec<String>, u64) {
    let mut groups: BTreeMap<&str, u32> = BTreeMap::new();
    for record in records {
        let count = groups.entry(record.name).or_default();
        *count = count.saturating_add(1);
    }
    let repeats = |name: &str| groups.get(name).is_some_and(|count| *count > 1);
    let mut taken: BTreeSet<String> =
        records.iter().filter(|r| !repeats(r.name)).map(|r| r.name.to_owned()).collect();
    let mut names: Vec<String> = records.iter().map(|r| r.name.to_owned()).collect();
    let mut order: Vec<usize> = (0..records.len()).collect();
    order.sort_by_key(|i| records.get(*i).map(|r| (r.name, r.agency, r.identifier)));
    let mut changed = 0u64;
    for index in order {
        let (Some(record), Some(name)) = (records.get(index), names.get_mut(index)) else {
            continue;
        };
        if !repeats(record.name) {
            continue;
        }
        let told_apart = if record.agency.is_empty() {
            record.name.to_owned()
        } else {
            format!("{}（{}）", record.name, record.agency)
        };
        let mut candidate = told_apart.clone();
        let mut number = 2u64;
        while !taken.insert(candidate.clone()) {
            candidate = format!("{told_apart} {number}");
            number = number.saturating_add(1);
        }
        if candidate != record.name {
            changed = changed.saturating_add(1);
        }
        *name = candidate;
    }
    (names, changed)
}

#[cfg(test)]
mod tests;
