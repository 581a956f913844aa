//! What came of killing nodes, counted.

use std::fmt;

use super::super::ledger_of_acknowledged::Verdict;
use super::super::load::LoadReport;

/// What happened.
#[derive(Debug, Clone, Default)]
pub struct KillReport {
    /// The plan's seed.
    pub seed: u64,
    /// SIGKILLs delivered.
    pub kills: u64,
    /// Of them, 10 to 300 ms after the process was made.
    pub kills_in_startup: u64,
    /// SIGKILLs that left fewer than a quorum running.
    pub kills_below_quorum: u64,
    /// SIGSTOPs, each followed by SIGCONT.
    pub stops: u64,
    /// Processes started again.
    pub restarts: u64,
    /// Of them, not answering in time.
    pub restarts_failed: u64,
    /// Processes that ended on their own.
    pub ended_on_their_own: u64,
    /// Times that everything had to settle, and did not.
    pub stalls: u64,
    /// Times that everything had to settle.
    pub settled: u64,
    /// Longest time from a node's start to its first answer.
    pub max_recovery_ms: u128,
    /// Longest time from the last strike until all nodes had grown.
    pub max_growth_ms: u128,
    /// Equivocations in any node's log, status or chain.
    pub equivocations: u64,
    /// Votes given again instead of others, from the logs: the signer guard at work.
    pub votes_given_again: usize,
    /// Times that a node found its vote log in doubt; a kill alone never causes that.
    pub doubts: usize,
    /// Height at the end, equal on all nodes with its state root.
    pub height: u64,
    /// What clients were promised, and what is left of it.
    pub verdict: Verdict,
    /// What became of the load.
    pub load: LoadReport,
    /// How long the strikes took, without the final comparison.
    pub seconds: f64,
    /// What went wrong, in words.
    pub failures: Vec<String>,
}

impl KillReport {
    /// Whether every promise was kept, and every transaction decided in the end.
    pub fn is_clean(&self) -> bool {
        let counts = [self.restarts_failed, self.ended_on_their_own, self.stalls];
        counts.iter().all(|count| *count == 0)
            && self.equivocations == 0
            && self.doubts == 0
            && self.verdict.lost == 0
            && self.verdict.contradictions == 0
            && self.load.refused.is_empty()
            && self.load.unresolved == 0
            && self.failures.is_empty()
    }
}

impl fmt::Display for KillReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = count_per_second(self.kills, self.seconds);
        write!(
            f,
            "kills: {} ({} in start-up, {} below a quorum), {rate:.1}/s, {} stops; restarts failed \
             {} of {}; acknowledged lost {} of {}, contradictions {}; equivocations {}; stalls {} \
             of {}; longest recovery {} ms, longest growth {} ms; doubts {}, votes given again {}; \
             height {}, sent {}, attempts {}, unresolved {}; seed {}",
            self.kills,
            self.kills_in_startup,
            self.kills_below_quorum,
            self.stops,
            self.restarts_failed,
            self.restarts,
            self.verdict.lost,
            self.verdict.acknowledged,
            self.verdict.contradictions,
            self.equivocations,
            self.stalls,
            self.settled,
            self.max_recovery_ms,
            self.max_growth_ms,
            self.doubts,
            self.votes_given_again,
            self.height,
            self.load.sent,
            self.load.attempts,
            self.load.unresolved,
            self.seed,
        )?;
        for line in self.failures.iter().chain(&self.verdict.shown).chain(&self.load.refused) {
            write!(f, "\n  {line}")?;
        }
        Ok(())
    }
}

/// Events per second, 0 before any time has passed.
fn count_per_second(count: u64, seconds: f64) -> f64 {
    let count = u32::try_from(count).map_or(f64::INFINITY, f64::from);
    if seconds > 0.0 { count / seconds } else { 0.0 }
}
