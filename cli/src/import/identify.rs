//! An identifier for every record: the source's own, else one made of what the record says.
//!
//! Without an identifier column: the resource code; else `agency/name`, to which records of the same
//! agency and name add `/date`, and `#2`, `#3` … in file order if that repeats as well. An identifier
//! the source itself gives twice is refused from its second record on.

use std::collections::BTreeMap;

use super::defaults::{Fallback, Used};
use super::row::{Field, Row};

/// What a record is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// Its identifier.
    Is(String),
    /// The source gave this identifier to an earlier record, on this line.
    Taken {
        /// The identifier.
        identifier: String,
        /// Line of the earlier record.
        first_line: u64,
    },
}

/// Identifies every record, in order.
pub fn identify(rows: &[Row], used: &mut Used) -> Vec<Identity> {
    let made: Vec<Option<String>> = rows.iter().map(made_base).collect();
    let mut bases: BTreeMap<&str, u64> = BTreeMap::new();
    for base in made.iter().flatten() {
        let count = bases.entry(base).or_default();
        *count = count.saturating_add(1);
    }
    let mut taken: BTreeMap<String, u64> = BTreeMap::new();
    let mut identities = Vec::with_capacity(rows.len());
    for (row, base) in rows.iter().zip(&made) {
        let identity = match base {
            None => given(row, &taken),
            Some(base) => {
                used.count(Fallback::Identifier);
                let repeats = bases.get(base.as_str()).is_some_and(|count| *count > 1);
                Identity::Is(distinct(row, base, repeats, &taken))
            }
        };
        if let Identity::Is(identifier) = &identity {
            taken.insert(identifier.clone(), row.line);
        }
        identities.push(identity);
    }
    identities
}

/// The made identifier's beginning; none if the source identifies the record itself.
fn made_base(row: &Row) -> Option<String> {
    if row.get(Field::Identifier).is_some() || row.get(Field::Code).is_some() {
        return None;
    }
    let name = row.get(Field::Name).unwrap_or_default();
    Some(match row.get(Field::Agency) {
        Some(agency) => format!("{agency}/{name}"),
        None => name.to_owned(),
    })
}

fn given(row: &Row, taken: &BTreeMap<String, u64>) -> Identity {
    let identifier = row.get(Field::Identifier).or(row.get(Field::Code)).unwrap_or_default();
    match taken.get(identifier) {
        Some(first_line) => {
            Identity::Taken { identifier: identifier.to_owned(), first_line: *first_line }
        }
        None => Identity::Is(identifier.to_owned()),
    }
}

fn distinct(row: &Row, base: &str, repeats: bool, taken: &BTreeMap<String, u64>) -> String {
    let dated = match row.get(Field::PublishedAt) {
        Some(date) if repeats => format!("{base}/{date}"),
        _ => base.to_owned(),
    };
    let mut identifier = dated.clone();
    let mut number = 2u64;
    while taken.contains_key(&identifier) {
        identifier = format!("{dated}#{number}");
        number = number.saturating_add(1);
    }
    identifier
}

#[cfg(test)]
mod tests;
