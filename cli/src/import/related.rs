//! Related resource codes of a source, in two passes: an entry names only codes that some entry has
//! (ENT-36), and a source's records name each other in any order.
//!
//! The first pass sends every record with those of its related codes that are on the chain; the second
//! revises the records whose related codes became entries by the first. An import that stops between the
//! two is finished by the next one: what an entry says of its relations is compared, too.

use std::collections::{BTreeMap, BTreeSet};

use super::convert::Prepared;
use super::defaults::{Fallback, Used};
use crate::client::Node;
use crate::failure::Outcome;

/// Most related codes asked of the node, one by one; further ones count as unknown.
pub const LOOKUPS_MAX: usize = 20_000;

/// The related codes of a batch, told apart.
#[derive(Debug, Default)]
pub struct Related {
    /// By identifier: all that the record is to name once the codes of its batch are entries.
    pub later: BTreeMap<String, Vec<String>>,
}

/// Leaves in each record the related codes that are on the chain; keeps for later those that are of
/// this batch; counts and leaves out those that are of nobody.
pub fn part(prepared: &mut [Prepared], on_chain: &BTreeSet<String>, used: &mut Used) -> Related {
    let codes = prepared.iter().flat_map(|record| record.content.codes.iter().cloned());
    let batch: BTreeSet<String> = codes.collect();
    let mut related = Related::default();
    for record in prepared {
        used.line = record.line;
        let content = &mut record.content;
        let own: BTreeSet<&String> = content.codes.iter().collect();
        let named: Vec<String> =
            content.related.iter().filter(|code| !own.contains(code)).cloned().collect();
        let (mut now, mut all) = (Vec::new(), Vec::new());
        for code in named {
            if on_chain.contains(&code) {
                now.push(code.clone());
                all.push(code);
            } else if batch.contains(&code) {
                all.push(code);
            } else {
                used.count_word(Fallback::RelatedUnknown, &code);
            }
        }
        if all.len() > now.len() {
            related.later.insert(record.identifier.clone(), all);
        }
        content.related = now;
    }
    related
}

/// Which related codes of a batch are on the chain: those of entries known already, and those the node
/// has.
///
/// # Errors
/// Exit 4.
pub fn on_chain(
    prepared: &[Prepared],
    known: impl Iterator<Item = String>,
    node: Option<&Node>,
) -> Outcome<BTreeSet<String>> {
    let mut there: BTreeSet<String> = known.collect();
    let wanted: BTreeSet<&String> =
        prepared.iter().flat_map(|record| &record.content.related).collect();
    let Some(node) = node else { return Ok(there) };
    let unknown: Vec<&String> =
        wanted.into_iter().filter(|code| !there.contains(*code)).take(LOOKUPS_MAX).collect();
    for code in unknown {
        let key = mulu_contracts::state::code_key(code);
        if node.find(&format!("/v1/records/{key}"), &[])?.is_some() {
            there.insert(code.clone());
        }
    }
    Ok(there)
}

#[cfg(test)]
mod tests;
