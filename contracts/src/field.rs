//! The form of single fields (rules FLD-01 to FLD-07), the same for every record.

use std::collections::BTreeSet;
use std::fmt::Display;

use crate::date;
use crate::limits::CODE_BYTES_MAX;
use crate::rejection::{Step, require};
use crate::rule::Rule;

/// A text of 1 to `chars_max` characters (FLD-01).
pub(crate) fn text(name: &str, text: &str, chars_max: usize) -> Step {
    let count = text.chars().count();
    require((1..=chars_max).contains(&count), Rule::FieldText, || {
        format!("{name} has {count} characters, allowed are 1 to {chars_max}")
    })
}

/// An optional text that is not empty if given (FLD-01).
pub(crate) fn optional(name: &str, given: Option<&String>, chars_max: usize) -> Step {
    given.map_or(Ok(()), |given| text(name, given, chars_max))
}

/// A list of `least` to `most` elements (FLD-02).
pub(crate) fn count(name: &str, found: usize, least: usize, most: usize) -> Step {
    require((least..=most).contains(&found), Rule::FieldCount, || {
        format!("{name} has {found} elements, allowed are {least} to {most}")
    })
}

/// No element twice (FLD-05, or a more telling rule).
pub(crate) fn distinct<T: Ord + Display>(
    name: &str,
    rule: Rule,
    elements: impl IntoIterator<Item = T>,
) -> Step {
    let mut seen = BTreeSet::new();
    for element in elements {
        if seen.contains(&element) {
            return require(false, rule, || format!("{name}: {element} occurs twice"));
        }
        seen.insert(element);
    }
    Ok(())
}

/// The code of an office, duty or system: 1 to 32 of `a-z`, `0-9` and `-` (FLD-04).
pub(crate) fn code(code: &str) -> Step {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let fits = (1..=CODE_BYTES_MAX).contains(&code.len()) && code.bytes().all(allowed);
    require(fits, Rule::FieldCode, || format!("found {code:?}"))
}

/// A calendar date (FLD-03).
pub(crate) fn date(name: &str, text: &str) -> Step {
    require(date::is_date(text), Rule::FieldDate, || format!("{name} is {text:?}"))
}

/// A division code of GB/T 2260 by its form (FLD-07); which codes are in force the authority says
/// ([`crate::region`]).
pub(crate) fn region(region: &str) -> Step {
    let digits = region.len() == 6 && region.bytes().all(|b| b.is_ascii_digit());
    let fits = digits && !region.starts_with('0');
    require(fits, Rule::FieldRegion, || format!("found {region:?}"))
}
