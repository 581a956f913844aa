//! Every decoder, on the kept corpus and on what the mutator makes of it.
//!
//! `MULU_FUZZ_EXECUTIONS` and `MULU_SEED` change the number of executions and the sequence.

#![allow(clippy::unwrap_used)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use mulu_tests::fuzz::outcome::Outcome;
use mulu_tests::fuzz::runner::{self, FuzzReport};
use mulu_tests::fuzz::target::Target;
use mulu_tests::fuzz::{corpus, targets};

/// Executions over all targets unless the environment says otherwise.
const EXECUTIONS: u64 = 5_000_000;
/// Largest corpus, in bytes.
const CORPUS_BYTES_MAX: usize = 2 * 1024 * 1024;

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn every_kept_input_is_answered() {
    let (mut inputs, mut bytes) = (0, 0);
    for target in targets() {
        let kept = corpus::read(target);
        let mut accepted = 0;
        for input in &kept {
            let outcome = runner::try_one(target, &input.bytes);
            let outcome = outcome.unwrap_or_else(|e| panic!("{}/{}: {e}", target.name, input.name));
            accepted += usize::from(matches!(outcome, Outcome::Accepted(_)));
            bytes += input.bytes.len();
        }
        assert!(accepted > 0, "{}: no kept input is valid; was a format changed?", target.name);
        inputs += kept.len();
    }
    assert!(bytes < CORPUS_BYTES_MAX, "the corpus has {bytes} bytes");
    println!("{inputs} kept inputs, {bytes} bytes: 0 crashes of {inputs}");
}

#[test]
fn no_input_crashes_a_decoder() {
    let seed = variable("MULU_SEED", 1);
    let total = variable("MULU_FUZZ_EXECUTIONS", EXECUTIONS);
    let mut plan: Vec<(&Target, u64)> = Vec::new();
    let shares: u64 = targets().map(|target| u64::from(target.share)).sum();
    for target in targets() {
        plan.push((target, total * u64::from(target.share) / shares));
    }
    // What division left over goes to the first, so that the total is the one asked for.
    plan[0].1 += total - plan.iter().map(|(_, executions)| executions).sum::<u64>();
    let next = AtomicUsize::new(0);
    let reports = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((target, executions)) =
                    plan.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let report = runner::run_bounded(target, *executions, seed);
                    reports.lock().unwrap().push(report);
                }
            });
        }
    });
    let mut reports = reports.into_inner().unwrap();
    reports.sort_by_key(|report| report.target);
    println!(
        "{:<16}{:>10}{:>10}{:>10}{:>9}{:>9}{:>11}{:>12}",
        "target", "executions", "accepted", "refused", "classes", "crashes", "exec/s", "slowest us"
    );
    for report in &reports {
        println!(
            "{:<16}{:>10}{:>10}{:>10}{:>9}{:>9}{:>11.0}{:>12}",
            report.target,
            report.executions,
            report.accepted,
            report.refused,
            report.classes.len(),
            report.crashes,
            report.rate(),
            report.slowest_us
        );
    }
    let sum = |of: fn(&FuzzReport) -> u64| reports.iter().map(of).sum::<u64>();
    let (crashes, executions) = (sum(|r| r.crashes), sum(|r| r.executions));
    println!("seed {seed}: {crashes} crashes of {executions}");
    assert_eq!(crashes, 0);
    for report in &reports {
        assert!(report.accepted > 0 && report.refused > 0, "{}: one-sided", report.target);
    }
}
