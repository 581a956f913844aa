//! A bounded run of one target: the same inputs for the same seed, whatever the machine.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Once;
use std::time::{Duration, Instant};

use super::corpus;
use super::mutate::{Random, mutate};
use super::outcome::Outcome;
use super::target::Target;

/// Most inputs that one run remembers to begin from.
const REMEMBERED_MAX: usize = 512;
/// Most findings of one run that are saved.
const FINDINGS_MAX: usize = 8;
/// An input that takes longer is reported.
pub const SLOW: Duration = Duration::from_secs(1);
/// An input that takes longer is a failure: a decoder's work is bounded by its input's size.
pub const HANG: Duration = Duration::from_secs(10);

/// An input that broke a property, panicked or took too long.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What happened.
    pub what: String,
    /// Where the input was saved.
    pub input: PathBuf,
}

/// What a run did.
#[derive(Debug, Clone)]
pub struct FuzzReport {
    /// The target's name.
    pub target: &'static str,
    /// Inputs tried.
    pub executions: u64,
    /// Of these, taken.
    pub accepted: u64,
    /// Of these, refused.
    pub refused: u64,
    /// Of these, panicked or ran beyond [`HANG`].
    pub crashes: u64,
    /// The crashes saved.
    pub findings: Vec<Finding>,
    /// The slowest single execution, in microseconds.
    pub slowest_us: u128,
    /// One input per kind of answer: the hint of coverage.
    pub classes: BTreeMap<Outcome, Vec<u8>>,
    /// Wall time.
    pub elapsed: Duration,
}

impl FuzzReport {
    /// Executions per second.
    pub fn rate(&self) -> f64 {
        // A float for a printed figure only.
        #[allow(clippy::cast_precision_loss)]
        let executions = self.executions as f64;
        executions / self.elapsed.as_secs_f64().max(1e-9)
    }
}

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps what a panic said for the finding instead of printing it.
fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let inside = PANIC.with(|cell| cell.try_borrow().is_ok_and(|said| said.is_some()));
            if inside {
                PANIC.with(|cell| *cell.borrow_mut() = Some(info.to_string()));
            } else {
                before(info);
            }
        }));
    });
}

/// Runs one input; `Err` says how it panicked.
///
/// # Errors
/// The panic's message and place.
pub fn try_one(target: &Target, input: &[u8]) -> Result<Outcome, String> {
    quiet_panics();
    PANIC.with(|cell| *cell.borrow_mut() = Some(String::new()));
    let result = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    let said = PANIC.with(|cell| cell.borrow_mut().take());
    result.map_err(|_| said.unwrap_or_default())
}

/// Runs a target on its kept corpus, its seeds and then on what the mutator makes of them.
pub fn run_bounded(target: &Target, executions: u64, seed: u64) -> FuzzReport {
    let mut run = Run {
        target,
        remembered: Vec::new(),
        report: FuzzReport {
            target: target.name,
            executions: 0,
            accepted: 0,
            refused: 0,
            crashes: 0,
            findings: Vec::new(),
            slowest_us: 0,
            classes: BTreeMap::new(),
            elapsed: Duration::ZERO,
        },
    };
    let mut random = Random::new(seed, target.name);
    let mut first: Vec<Vec<u8>> = corpus::read(target).into_iter().map(|kept| kept.bytes).collect();
    first.extend((target.seeds)().into_iter().map(|(_, bytes)| bytes));
    // After the seeds: making them may start what the target needs.
    let began = Instant::now();
    for input in first {
        run.one(&input);
        if run.remembered.len() < REMEMBERED_MAX && !run.remembered.contains(&input) {
            run.remembered.push(input);
        }
    }
    while run.report.executions < executions {
        let empty = Vec::new();
        let pick = |random: &mut Random| random.below(run.remembered.len());
        let (one, other) = (pick(&mut random), pick(&mut random));
        let known = |index: usize| run.remembered.get(index).unwrap_or(&empty);
        let input = mutate(known(one), known(other), target.text, &mut random);
        if run.one(&input) && run.remembered.len() < REMEMBERED_MAX {
            run.remembered.push(input);
        }
    }
    run.report.elapsed = began.elapsed();
    run.report
}

struct Run<'a> {
    target: &'a Target,
    remembered: Vec<Vec<u8>>,
    report: FuzzReport,
}

impl Run<'_> {
    /// Tries an input; whether its kind of answer is new.
    fn one(&mut self, input: &[u8]) -> bool {
        let began = Instant::now();
        let result = try_one(self.target, input);
        let took = began.elapsed();
        self.report.executions += 1;
        self.report.slowest_us = self.report.slowest_us.max(took.as_micros());
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(what) => {
                self.find(what, input);
                return false;
            }
        };
        if took > HANG {
            self.find(format!("took {took:?}"), input);
        } else if took > SLOW {
            println!("{}: slow: {took:?} for {} bytes", self.target.name, input.len());
        }
        match outcome {
            Outcome::Accepted(_) => self.report.accepted += 1,
            Outcome::Refused(_) => self.report.refused += 1,
        }
        if self.report.classes.contains_key(&outcome) {
            return false;
        }
        self.report.classes.insert(outcome, input.to_vec());
        true
    }

    fn find(&mut self, what: String, input: &[u8]) {
        self.report.crashes += 1;
        if self.report.findings.len() >= FINDINGS_MAX {
            return;
        }
        let name = format!("mulu-fuzz-{}-{}", self.target.name, self.report.executions);
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, input).expect("the temporary folder is writable");
        println!(
            "{}: {what}\n  cargo run -p mulu-tests --bin fuzz -- --target {} --input {}",
            self.target.name,
            self.target.name,
            path.display()
        );
        self.report.findings.push(Finding { what, input: path });
    }
}
