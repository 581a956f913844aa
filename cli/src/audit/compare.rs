//! Two bundles side by side: one chain or two, and who signed both.
//!
//! Each bundle's certified headers are verified from the genesis it was brought. At the first height
//! where both have one and they differ, the validators that signed both certificates are named: two quorums
//! have more than a third of the power in common. In one round that is a double signature, whose proof are
//! the two certificates; in two rounds a validator that was locked on one block precommitted another.
//! Where heights differ, the log of the later one tells whether the earlier one's is its beginning.

use std::collections::BTreeMap;
use std::io::Read;

use mulu_chain::block::{BlockId, CertifiedHeader};
use mulu_chain::bundle::log_cover::LogCover;
use mulu_chain::bundle::{BundleInvalid, Frame, FrameReader, Verifier};
use mulu_chain::digest::Digest;
use mulu_chain::log::{LOG_ENTRY_VERSION, LogEntry};
use mulu_chain::types::Height;
use mulu_chain::validator::ValidatorSet;

/// What of a bundle is compared.
#[derive(Debug)]
pub struct Side {
    /// Genesis, as the bundle says.
    pub genesis: BlockId,
    /// Certified headers with the sets that decided them, by height.
    pub headers: BTreeMap<Height, (CertifiedHeader, ValidatorSet)>,
    /// Checks of the bundle that failed.
    pub failed: Vec<&'static str>,
    /// Log entries told, by index.
    entries: BTreeMap<u64, Digest>,
    /// Roots of the log's beginnings that its cover tells.
    roots: BTreeMap<u64, Digest>,
}

/// What the comparison came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    /// They tell of two chains.
    OtherChain,
    /// They agree: the same block at this height, or one log is the beginning of the other.
    Same {
        /// The last height at which both were compared.
        height: Height,
        /// What was compared.
        by: &'static str,
    },
    /// They tell different stories.
    Fork {
        /// First height at which they differ.
        height: Height,
        /// The two blocks.
        blocks: [BlockId; 2],
        /// The two rounds.
        rounds: [u32; 2],
        /// Keys, members and powers of those that signed both.
        culprits: Vec<(String, String, u64)>,
        /// Power of the culprits, and of all.
        power: (u64, u64),
    },
    /// A log entry differs, but no height is told by both.
    OtherEntry {
        /// Its index.
        index: u64,
    },
    /// There is nothing that both tell.
    Undecided,
}

impl Side {
    /// Reads a bundle and verifies it against the genesis.
    ///
    /// # Errors
    /// Those of reading.
    pub fn read(source: impl Read, genesis: &BlockId) -> Result<Side, BundleInvalid> {
        let mut reader = FrameReader::new(source)?;
        let mut verifier = Verifier::new(*genesis);
        let mut side = Side {
            genesis: *genesis,
            headers: BTreeMap::new(),
            failed: Vec::new(),
            entries: BTreeMap::new(),
            roots: BTreeMap::new(),
        };
        let mut set: Option<ValidatorSet> = None;
        let mut log = LogCover::default();
        while let Some(frame) = reader.next_frame()? {
            match &frame {
                Frame::Head(head) => {
                    side.genesis = head.genesis.id();
                    set = Some(head.genesis_validators.clone());
                }
                Frame::SetChange(change) => {
                    side.header(&change.announced_by, set.replace(change.next.clone()));
                }
                Frame::Tip(tip) => side.header(tip, set.clone()),
                Frame::LogStub { level, hash } => drop(log.stub(*level, *hash)),
                Frame::LogLeaf(entry) => side.leaf(&mut log, entry),
                Frame::Transaction { height, index, time_ms, outcome, envelope, .. } => {
                    let entry = LogEntry {
                        version: LOG_ENTRY_VERSION,
                        height: *height,
                        index: *index,
                        time_ms: *time_ms,
                        transaction: envelope.id(),
                        envelope: envelope.digest(),
                        outcome: outcome.clone(),
                    };
                    side.leaf(&mut log, &entry);
                }
                _ => {}
            }
            side.roots.insert(log.size(), log.root());
            verifier.push(frame)?;
        }
        let checks = verifier.finish();
        side.failed = checks.iter().filter(|check| !check.passed()).map(|c| c.name).collect();
        Ok(side)
    }

    fn header(&mut self, certified: &CertifiedHeader, set: Option<ValidatorSet>) {
        if let Some(set) = set {
            self.headers.insert(certified.header.height, (certified.clone(), set));
        }
    }

    fn leaf(&mut self, log: &mut LogCover, entry: &LogEntry) {
        self.entries.insert(log.size(), entry.leaf_hash());
        // A leaf out of place is in the failed checks.
        let _ = log.leaf(entry.leaf_hash());
    }
}

/// Compares two bundles.
pub fn compare(one: &Side, other: &Side) -> Comparison {
    if one.genesis != other.genesis {
        return Comparison::OtherChain;
    }
    let mut same = None;
    for (height, (a, set)) in &one.headers {
        let Some((b, _)) = other.headers.get(height) else { continue };
        if a.header.id() != b.header.id() {
            return fork(*height, a, b, set);
        }
        same = Some(*height);
    }
    let differs = |(index, leaf): (&u64, &Digest)| {
        other.entries.get(index).filter(|theirs| *theirs != leaf).map(|_| *index)
    };
    if let Some(index) = one.entries.iter().find_map(differs) {
        return Comparison::OtherEntry { index };
    }
    for (short, long) in [(one, other), (other, one)] {
        let Some((height, (tip, _))) = short.headers.last_key_value() else { continue };
        // What was compared as a block needs no comparison of logs; an empty log says nothing.
        if Some(*height) <= same || tip.header.log_size == 0 {
            continue;
        }
        match long.roots.get(&tip.header.log_size) {
            Some(root) if *root == tip.header.log_root => {
                return Comparison::Same { height: *height, by: "log" };
            }
            Some(_) => {
                return Comparison::OtherEntry { index: tip.header.log_size };
            }
            None => {}
        }
    }
    match same {
        Some(height) => Comparison::Same { height, by: "block" },
        None => Comparison::Undecided,
    }
}

fn fork(
    height: Height,
    a: &CertifiedHeader,
    b: &CertifiedHeader,
    set: &ValidatorSet,
) -> Comparison {
    let signed = |key| b.certificate.signatures.iter().any(|s| s.validator == key);
    let both = a.certificate.signatures.iter().map(|s| s.validator).filter(|key| signed(*key));
    let culprits: Vec<_> = both.filter_map(|key| set.get(&key)).collect();
    let power = culprits.iter().fold(0u64, |sum, v| sum.saturating_add(v.power));
    let named = |v: &&mulu_chain::validator::Validator| {
        (v.public_key.to_string(), v.member.clone(), v.power)
    };
    Comparison::Fork {
        height,
        blocks: [a.header.id(), b.header.id()],
        rounds: [a.certificate.round, b.certificate.round],
        culprits: culprits.iter().map(named).collect(),
        power: (power, set.total_power()),
    }
}

#[cfg(test)]
mod tests;
