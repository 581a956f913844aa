//! Many seeds, on all cores, and their sum.

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::invariants::Violation;
use super::plan::Profile;
use super::run::{Outcome, run};

/// Every so many seeds one is run twice, and both runs must be the same to the last event.
const REPEAT_EVERY: u64 = 16;

/// The sum of a campaign.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Seeds run.
    pub seeds: u64,
    /// Simulated time, in milliseconds.
    pub simulated_ms: u64,
    /// Events handled.
    pub events: u64,
    /// Blocks committed by honest nodes.
    pub commits: u64,
    /// Transactions acknowledged.
    pub acknowledged: u64,
    /// Messages sent, and lost.
    pub messages: (u64, u64),
    /// Faults that struck, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Accusations on the chain.
    pub accusations: u64,
    /// Mutations of final chains that the auditor refused.
    pub mutations_refused: u64,
    /// Longest recovery after the faults stopped, in milliseconds.
    pub recovery_ms_max: u64,
    /// Seeds run twice.
    pub repeated: u64,
    /// Seeds whose two runs differed.
    pub differed: Vec<u64>,
    /// Seeds that broke an invariant.
    pub violations: Vec<(u64, Violation)>,
    /// Seeds that did not make progress again.
    pub stalls: Vec<(u64, String)>,
    /// Wall-clock time.
    pub wall: Duration,
}

/// What a replay costs to type.
pub fn replay_command(profile: Profile, seed: u64) -> String {
    format!(
        "cargo run -p mulu-tests --bin simulate -- --profile {} --seed {seed} --trace",
        profile.name()
    )
}

/// Runs seeds on as many threads, until they are done or the time is over.
pub fn campaign(profile: Profile, seeds: Range<u64>, threads: usize, budget: Duration) -> Report {
    let began = Instant::now();
    let next = AtomicU64::new(seeds.start);
    let report = Mutex::new(Report::default());
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                let mut own = Report::default();
                while began.elapsed() < budget {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    own.add(profile, guarded(seed, profile));
                }
                report.lock().unwrap_or_else(std::sync::PoisonError::into_inner).merge(own);
            });
        }
    });
    let mut report = report.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    report.wall = began.elapsed();
    report
}

/// A panic is a violation like any other.
fn guarded(seed: u64, profile: Profile) -> Outcome {
    catch_unwind(AssertUnwindSafe(|| run(seed, profile, false))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
        Outcome {
            seed,
            hash: 0,
            simulated_ms: 0,
            recovery_ms: 0,
            events: 0,
            height: 0,
            acknowledged: 0,
            stats: super::oracles::Stats::default(),
            violation: Some(Violation {
                invariant: "nothing panics",
                detail: text.unwrap_or_default(),
            }),
            stalled: None,
        }
    })
}

impl Report {
    fn add(&mut self, profile: Profile, outcome: Outcome) {
        if outcome.seed.is_multiple_of(REPEAT_EVERY) {
            self.repeated += 1;
            if guarded(outcome.seed, profile) != outcome {
                self.differed.push(outcome.seed);
            }
        }
        self.seeds += 1;
        self.simulated_ms += outcome.simulated_ms;
        self.events += outcome.events;
        self.commits += outcome.stats.commits;
        self.acknowledged += outcome.acknowledged;
        self.messages.0 += outcome.stats.messages;
        self.messages.1 += outcome.stats.lost;
        for (kind, count) in &outcome.stats.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        self.accusations += outcome.stats.accusations;
        self.mutations_refused += outcome.stats.mutations_refused;
        if outcome.is_good() {
            self.recovery_ms_max = self.recovery_ms_max.max(outcome.recovery_ms);
        }
        self.violations.extend(outcome.violation.map(|v| (outcome.seed, v)));
        self.stalls.extend(outcome.stalled.map(|s| (outcome.seed, s)));
    }

    /// Adds another campaign's sum.
    pub fn merge(&mut self, other: Report) {
        self.seeds += other.seeds;
        self.simulated_ms += other.simulated_ms;
        self.events += other.events;
        self.commits += other.commits;
        self.acknowledged += other.acknowledged;
        self.messages.0 += other.messages.0;
        self.messages.1 += other.messages.1;
        for (kind, count) in other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        self.accusations += other.accusations;
        self.mutations_refused += other.mutations_refused;
        self.recovery_ms_max = self.recovery_ms_max.max(other.recovery_ms_max);
        self.repeated += other.repeated;
        self.differed.extend(other.differed);
        self.violations.extend(other.violations);
        self.stalls.extend(other.stalls);
        self.wall += other.wall;
    }

    /// Whether everything held in every seed.
    pub fn is_good(&self) -> bool {
        self.violations.is_empty() && self.stalls.is_empty() && self.differed.is_empty()
    }

    /// Simulated hours.
    pub fn simulated_hours(&self) -> f64 {
        self.simulated_ms as f64 / 3_600_000.0
    }

    /// The sum in words, with the command that replays each failure.
    pub fn summary(&self, profile: Profile) -> String {
        let mut lines = vec![format!(
            "{} seeds: {} violations, {} stalls, {} of {} repeated runs differed; {:.1} simulated \
             hours, {} events, {} commits, {} acknowledged, {} accusations, {} of {} messages lost; \
             longest recovery {:.1} s; {:.0} seeds/s in {:.0} s",
            self.seeds,
            self.violations.len(),
            self.stalls.len(),
            self.differed.len(),
            self.repeated,
            self.simulated_hours(),
            self.events,
            self.commits,
            self.acknowledged,
            self.accusations,
            self.messages.1,
            self.messages.0,
            self.recovery_ms_max as f64 / 1_000.0,
            self.seeds as f64 / self.wall.as_secs_f64().max(0.001),
            self.wall.as_secs_f64(),
        )];
        let faults: Vec<String> =
            self.faults.iter().map(|(kind, n)| format!("{kind} {n}")).collect();
        lines.push(format!("faults: {}", faults.join(", ")));
        let replay = |seed: &u64| replay_command(profile, *seed);
        for (seed, violation) in self.violations.iter().take(8) {
            lines.push(format!("VIOLATED {}: {}", violation.invariant, violation.detail));
            lines.push(format!("  {}", replay(seed)));
        }
        for (seed, standing) in self.stalls.iter().take(8) {
            lines.push(format!("STALLED {standing}"));
            lines.push(format!("  {}", replay(seed)));
        }
        for seed in self.differed.iter().take(8) {
            lines.push(format!("NOT DETERMINISTIC\n  {}", replay(seed)));
        }
        lines.join("\n")
    }

    /// The sum for a ledger of evidence.
    pub fn to_json(&self, profile: Profile) -> Value {
        let failed = self.violations.iter().map(|(seed, _)| seed);
        let failed = failed.chain(self.stalls.iter().map(|(seed, _)| seed)).chain(&self.differed);
        json!({
            "seeds": self.seeds,
            "simulated_hours": self.simulated_hours(),
            "events": self.events,
            "commits": self.commits,
            "acknowledged": self.acknowledged,
            "messages": self.messages.0,
            "messages_lost": self.messages.1,
            "faults": self.faults,
            "accusations": self.accusations,
            "mutations_refused": self.mutations_refused,
            "recovery_ms_max": self.recovery_ms_max,
            "repeated": self.repeated,
            "differed": self.differed.len(),
            "violations": self.violations.len(),
            "stalls": self.stalls.len(),
            "seeds_per_second": self.seeds as f64 / self.wall.as_secs_f64().max(0.001),
            "replay": failed.map(|seed| replay_command(profile, *seed)).collect::<Vec<_>>(),
        })
    }
}
