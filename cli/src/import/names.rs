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

/// The names to try for a record, after the one in the source: with its agency, then with numbers.
pub fn told_apart(name: &str, agency: &str) -> impl Iterator<Item = String> {
    let base = if agency.is_empty() { name.to_owned() } else { format!("{name}（{agency}）") };
    let first = (!agency.is_empty()).then(|| base.clone());
    first.into_iter().chain((2u64..).map(move |number| format!("{base} {number}")))
}

/// Whether a name is one that [`told_apart`] makes of the source's, or the source's itself.
pub fn is_of(name: &str, source_name: &str) -> bool {
    let Some(rest) = name.strip_prefix(source_name) else { return false };
    rest.is_empty() || rest.starts_with('（') || is_number(rest)
}

fn is_number(rest: &str) -> bool {
    rest.strip_prefix(' ').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
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
        // Where no agency tells them apart, the first one keeps the bare name.
        let bare = record.agency.is_empty().then(|| record.name.to_owned());
        let mut candidates = bare.into_iter().chain(told_apart(record.name, record.agency));
        let Some(candidate) = candidates.find(|candidate| taken.insert(candidate.clone())) else {
            continue;
        };
        if candidate != record.name {
            changed = changed.saturating_add(1);
        }
        *name = candidate;
    }
    (names, changed)
}

#[cfg(test)]
mod tests;
