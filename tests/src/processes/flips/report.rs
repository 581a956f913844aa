//! What came of damaging files, counted.

use std::collections::BTreeMap;
use std::fmt;

/// What came of the damages of one kind of file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Damages.
    pub tried: u64,
    /// The node refused to start, or stopped, with one clear sentence.
    pub refused: u64,
    /// The node answered `internal_error` for what it could not read, and nothing wrong.
    pub detected: u64,
    /// The node noticed, abstained, and fetched what it missed: equal in the end.
    pub repaired: u64,
    /// Equal in the end without any word: what was damaged did not matter.
    pub harmless: u64,
    /// Something wrong was served, or a damaged vote log was believed.
    pub silent: u64,
}

/// What happened.
#[derive(Debug, Clone, Default)]
pub struct FlipReport {
    /// The plan's seed.
    pub seed: u64,
    /// By kind of file.
    pub kinds: BTreeMap<&'static str, Counts>,
    /// Refused nodes whose files were moved aside: all, and those that stood and voted with the
    /// others again.
    pub ways_out: (u64, u64),
    /// Longest of these ways, in milliseconds.
    pub max_way_out_ms: u128,
    /// Equivocations in any node's log, status or chain.
    pub equivocations: u64,
    /// What went wrong, in words.
    pub failures: Vec<String>,
}

impl FlipReport {
    /// Whether every promise was kept.
    pub fn is_clean(&self) -> bool {
        self.kinds.values().all(|counts| counts.silent == 0)
            && self.ways_out.0 == self.ways_out.1
            && self.equivocations == 0
            && self.failures.is_empty()
    }
}

impl fmt::Display for FlipReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tried: u64 = self.kinds.values().map(|c| c.tried).sum();
        let silent: u64 = self.kinds.values().map(|c| c.silent).sum();
        write!(
            f,
            "damage: silent {silent} of {tried}; ways out {} of {}, longest {} ms; equivocations \
             {}; seed {}",
            self.ways_out.1, self.ways_out.0, self.max_way_out_ms, self.equivocations, self.seed
        )?;
        for (kind, c) in &self.kinds {
            write!(
                f,
                "\n  {kind:<12} tried {:>4}  refused {:>4}  detected {:>4}  repaired {:>4}  \
                 harmless {:>4}  silent {:>4}",
                c.tried, c.refused, c.detected, c.repaired, c.harmless, c.silent
            )?;
        }
        for line in &self.failures {
            write!(f, "\n  {line}")?;
        }
        Ok(())
    }
}
