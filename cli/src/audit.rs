//! Auditing a bundle offline: the proofs, and what the records must say if the rules were kept.
//!
//! `mulu_chain::bundle::verify` shows that the transactions, records and histories of a bundle are
//! the chain's. The checks here then derive every entry, authorization and receipt again from the
//! signed transactions alone, and compare them with the proved records, byte for byte. Nothing here
//! trusts the bundle, and nothing it holds can make these functions panic.

mod authorizations;
pub mod compare;
mod entries;
pub mod html;
mod keys;
pub mod prov;
mod receipts;
pub mod remember;
pub mod replay;
mod story;
pub mod verdict;

use std::io::Read;

use mulu_chain::block::BlockId;
use mulu_chain::bundle::{BundleInvalid, Check, FrameReader, Verifier, form_failure};
use mulu_chain::digest::Digest;
use sha2::{Digest as _, Sha256};

pub use story::{Story, Told};

/// What verifying a bundle came to.
#[derive(Debug)]
pub struct Audited {
    /// Every check: proofs first, then meaning.
    pub checks: Vec<Check>,
    /// What the bundle tells.
    pub story: Story,
    /// SHA-256 of the file.
    pub digest: Digest,
    /// Its size.
    pub bytes: u64,
    /// What it means, if the checks passed.
    pub verdicts: Vec<verdict::Verdict>,
}

impl Audited {
    /// Names of the checks that failed.
    pub fn failed(&self) -> Vec<&'static str> {
        self.checks.iter().filter(|check| !check.passed()).map(|check| check.name).collect()
    }
}

/// Hashes what passes.
struct Hashed<R> {
    source: R,
    hasher: Sha256,
    bytes: u64,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.hasher.update(buffer.get(..read).unwrap_or_default());
        self.bytes = self.bytes.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

/// Makes every check of a bundle in one pass: proofs first, then meaning.
///
/// # Errors
/// BND-01, or that the source cannot be read; what is wrong with a bundle is in the checks.
pub fn verify(source: impl Read, trusted_genesis: &BlockId) -> Result<Audited, BundleInvalid> {
    let mut source = Hashed { source, hasher: Sha256::new(), bytes: 0 };
    let mut reader = FrameReader::new(&mut source)?;
    let mut verifier = Verifier::new(*trusted_genesis);
    let mut story = Story::default();
    let mut read = || -> Result<(), BundleInvalid> {
        while let Some(frame) = reader.next_frame()? {
            if let Some(item) = verifier.push(frame)? {
                story.take(item);
            }
        }
        Ok(())
    };
    let checks = match read() {
        Ok(()) => {
            let mut checks = verifier.finish();
            checks.extend(meaning(&story));
            checks
        }
        Err(invalid @ (BundleInvalid::Read(_) | BundleInvalid::Magic)) => return Err(invalid),
        Err(invalid) => {
            let checks = form_failure(verifier, &invalid);
            // The rest of the file belongs to its digest, too.
            let rest = std::io::copy(&mut source, &mut std::io::sink());
            rest.map_err(|error| BundleInvalid::Read(error.to_string()))?;
            checks
        }
    };
    let Hashed { hasher, bytes, .. } = source;
    let digest = Digest::from_bytes(hasher.finalize().into());
    // Bad evidence means nothing.
    let good = checks.iter().all(Check::passed);
    let verdicts = if good { verdict::verdicts(&story) } else { Vec::new() };
    Ok(Audited { checks, story, digest, bytes, verdicts })
}

/// The checks of meaning.
fn meaning(story: &Story) -> Vec<Check> {
    let versions = entries::versions(story);
    let grants = authorizations::derive(story, versions.as_ref().ok());
    let entries = versions.as_ref().map(|v| v.len()).map_err(String::clone);
    let complete = authorizations::complete(story);
    let finalized = keys::finalized_by_both(story);
    let receipts = receipts::within_grants(story);
    vec![
        check("envelopes-parse", "SPEC 5, TX-06..09", story.parsed()),
        check("signers-in-force", "KEY-01..03", keys::signers_in_force(story)),
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
