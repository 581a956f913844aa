//! Auditing a bundle offline: the proofs, and what the records must say if the rules were kept.
//!
//! `mulu_chain::bundle::verify` shows that the transactions, records and histories of a bundle are
//! the chain's. The checks here then derive every entry, authorization and receipt again from the
//! signed transactions alone, and compare them with the proved records, byte for byte. Nothing here
//! trusts the bundle, and nothing it holds can make these functions panic.

mod authorizations;
mod entries;
mod keys;
mod receipts;
mod story;

use mulu_chain::block::BlockId;
use mulu_chain::bundle::{self, Bundle, Check};

use story::Story;

/// Every check of a bundle: proofs first, then meaning.
pub fn verify(bundle: &Bundle, trusted_genesis: &BlockId) -> Vec<Check> {
    let mut checks = bundle::verify(bundle, trusted_genesis);
    checks.extend(meaning(bundle));
    checks
}

/// The checks of meaning.
fn meaning(bundle: &Bundle) -> Vec<Check> {
    let (story, parsed) = Story::read(bundle);
    let versions = entries::versions(&story);
    let grants = authorizations::derive(&story, versions.as_ref().ok());
    let entries = versions.as_ref().map(|v| v.len()).map_err(String::clone);
    let complete = authorizations::complete(&story);
    let finalized = keys::finalized_by_both(&story);
    let receipts = receipts::within_grants(&story);
    vec![
        check("envelopes-parse", "SPEC 5, TX-06..09", parsed),
        check("signers-in-force", "KEY-01..03", keys::signers_in_force(&story)),
        check("entries-derived", "ENT-01..08", entries),
        check("authorizations-derived", "AUT-01..16", grants),
        check("authorizations-complete", "SPEC 8, 10", complete),
        check("finalized-by-both", "AUT-13, AUT-14", finalized),
        check("receipts-within-grants", "RCP-01..12", receipts),
    ]
}

fn check(name: &'static str, basis: &'static str, result: Result<usize, String>) -> Check {
    match result {
        Ok(count) => Check { name, basis, count, failure: None },
        Err(failure) => Check { name, basis, count: 0, failure: Some(failure) },
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;
