//! Many sequences in parallel, until a number of commands or the first difference.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use mulu_contracts::rule::Rule;
use serde_json::{Value, json};

use crate::compare::{Coverage, Difference, SEQUENCE, sequence};
use crate::spec::SPEC;

/// What to run.
#[derive(Debug, Clone)]
pub struct Campaign {
    /// Commands to judge, rounded up to whole sequences.
    pub commands: u64,
    /// The seed.
    pub seed: u64,
    /// Only this sequence.
    pub sequence: Option<u64>,
    /// Threads.
    pub threads: u64,
    /// Whether to go on after a difference, with the next sequence.
    pub keep_going: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Report {
    /// What ran.
    pub campaign: Campaign,
    /// What it reached.
    pub coverage: Coverage,
    /// The first difference of each sequence that has one, in order.
    pub differences: Vec<Difference>,
    /// Milliseconds it took.
    pub took_ms: u128,
}

impl Campaign {
    /// Runs it.
    pub fn run(self) -> Report {
        let started = Instant::now();
        let first = self.sequence.unwrap_or(0);
        let end = self.sequence.map_or(self.commands.div_ceil(SEQUENCE), |only| only + 1);
        let next = AtomicU64::new(first);
        let stop = AtomicBool::new(false);
        let found = Mutex::new((Coverage::default(), Vec::new()));
        thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= end {
                            break;
                        }
                        let (coverage, result) = sequence(self.seed, number);
                        let mut found = found.lock().expect("no thread panics with the lock");
                        found.0.add(&coverage);
                        if let Err(difference) = result {
                            stop.store(!self.keep_going, Ordering::Relaxed);
                            found.1.push(*difference);
                        }
                    }
                });
            }
        });
        let (coverage, differences) = found.into_inner().expect("no thread panics with the lock");
        let mut differences: Vec<Difference> = differences;
        differences.sort_by_key(|difference| difference.sequence);
        Report { campaign: self, coverage, differences, took_ms: started.elapsed().as_millis() }
    }
}

impl Report {
    /// Rules of SPEC.md that no command broke.
    pub fn unbroken(&self) -> Vec<&'static str> {
        let all = Rule::ALL.iter().map(|rule| rule.id());
        all.filter(|id| !self.coverage.rules.contains_key(*id)).collect()
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let actions = self.coverage.actions.iter();
        let actions: serde_json::Map<String, Value> = actions
            .map(|(name, (yes, no))| (name.clone(), json!({"accepted": yes, "rejected": no})))
            .collect();
        json!({"seed": self.campaign.seed, "commands": self.coverage.commands,
            "took_ms": u64::try_from(self.took_ms).unwrap_or(u64::MAX), "actions": actions,
            "rules": self.coverage.rules, "rules_not_broken": self.unbroken(),
            "differences": self.differences.iter().map(Difference::to_json).collect::<Vec<_>>()})
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Coverage { commands, actions, rules } = &self.coverage;
        writeln!(f, "{:28} {:>9} {:>9}", "action", "accepted", "rejected")?;
        for name in SPEC.actions.keys().map(String::as_str).chain(["(none)"]) {
            let (yes, no) = actions.get(name).copied().unwrap_or_default();
            writeln!(f, "{name:28} {yes:>9} {no:>9}")?;
        }
        let accepted: u64 = actions.values().map(|count| count.0).sum();
        writeln!(f, "\nrules broken: {} of {}", rules.len(), Rule::ALL.len())?;
        for (rule, count) in rules {
            write!(f, "{rule} {count}  ")?;
        }
        writeln!(f, "\nnever broken: {}", self.unbroken().join(" "))?;
        let (seed, took) = (self.campaign.seed, self.took_ms / 1000);
        writeln!(f, "\nseed {seed}: {commands} commands, {accepted} accepted, {took} s")?;
        write!(f, "{} differences in {commands} commands", self.differences.len())?;
        self.differences.iter().try_for_each(|difference| write!(f, "\n\nDIFFERENCE\n{difference}"))
    }
}
