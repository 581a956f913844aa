//! Plants every bug in turn and lets the simulator look for it: tests of the simulator's oracles.

#![allow(clippy::print_stdout)]

mod bugs;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use bugs::{BUGS, Bug};
use clap::Parser;
use mulu_chain::planted::plant;
use mulu_planted_sim::sim::campaign::{Report, campaign};
use mulu_planted_sim::sim::plan::Profile;
use serde_json::{Value, json};

/// Seeds in which a planted bug must be found.
const SEEDS_MAX: u64 = 300;
/// Seeds of each profile that must hold when no bug is planted.
const CONTROL_SEEDS: u64 = 100;

/// Plants bugs in copies of the node, and looks whether the simulator finds them.
#[derive(Debug, Parser)]
struct Arguments {
    /// One line of JSON in place of the table.
    #[arg(long)]
    json: bool,
    /// Only the bugs whose names hold this; no control.
    #[arg(long)]
    only: Option<String>,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Threads; all cores if left out.
    #[arg(long)]
    threads: Option<usize>,
}

/// How the hunt for one bug ended.
struct PlantedResult {
    bug: Bug,
    /// What found it, in which seed, and after how many seeds.
    found: Option<(String, u64, u64)>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A panic is a verdict here, and told in the table.
    std::panic::set_hook(Box::new(|_| {}));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = arguments.threads.unwrap_or(cores);
    let began = Instant::now();
    let control =
        if arguments.only.is_none() { control(arguments.seed, threads) } else { Vec::new() };
    if !arguments.json {
        for (profile, report) in &control {
            println!("no bug planted, {}: {}", profile.name(), report.summary(*profile));
        }
    }
    let wanted = |bug: &&Bug| arguments.only.as_ref().is_none_or(|only| bug.0.contains(only));
    let mut results = Vec::new();
    for bug in BUGS.iter().filter(wanted) {
        let result = hunt(*bug, arguments.seed, threads);
        if !arguments.json {
            println!("{}", line(&result));
        }
        results.push(result);
    }
    let found = results.iter().filter(|result| result.found.is_some()).count();
    let sound = control.iter().all(|(_, report)| report.is_good());
    if arguments.json {
        println!("{}", as_json(&control, &results));
    } else {
        println!(
            "{found} of {} planted bugs found within {SEEDS_MAX} seeds each, in {:.0?}",
            results.len(),
            began.elapsed()
        );
    }
    if sound && found == results.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Nothing is planted: what is found then is no bug of ours, or a true one.
fn control(first: u64, threads: usize) -> Vec<(Profile, Report)> {
    plant(None);
    let run = |profile| {
        (profile, campaign(profile, first..first + CONTROL_SEEDS, threads, Duration::MAX))
    };
    [Profile::Core, Profile::Application].map(run).into()
}

/// Runs seeds in order, as many at once as there are threads, until one finds the bug: breaks what
/// the same seed keeps when nothing is planted.
fn hunt(bug: Bug, first: u64, threads: usize) -> PlantedResult {
    let (name, _, profile) = bug;
    let run = |planted, seeds| {
        plant(planted);
        findings(&campaign(profile, seeds, threads, Duration::MAX))
    };
    let last = first + SEEDS_MAX;
    let mut from = first;
    let mut found = None;
    while found.is_none() && from < last {
        let until = last.min(from + threads.max(1) as u64);
        found = run(Some(name), from..until)
            .into_iter()
            .find(|(seed, _)| run(None, *seed..*seed + 1).is_empty())
            .map(|(seed, what)| (what, seed, seed - first + 1));
        from = until;
    }
    plant(None);
    PlantedResult { bug, found }
}

/// The seeds of a report that found something, and what.
fn findings(report: &Report) -> Vec<(u64, String)> {
    let violations = report.violations.iter().map(|(seed, v)| (*seed, v.invariant.to_owned()));
    let stalls = report.stalls.iter().map(|(seed, _)| (*seed, "progress returns".to_owned()));
    let differed = report.differed.iter().map(|seed| (*seed, "same seed, same run".to_owned()));
    let mut all: Vec<_> = violations.chain(stalls).chain(differed).collect();
    all.sort();
    all
}

fn line(result: &PlantedResult) -> String {
    let (name, what, profile) = result.bug;
    let profile = profile.name();
    match &result.found {
        Some((invariant, seed, seeds)) => {
            format!("{seeds:>4} seeds  {name:<42} {invariant:<24} seed {seed} {profile}: {what}")
        }
        None => format!("NOT FOUND   {name:<42} {:<24} {profile}: {what}", "-"),
    }
}

fn as_json(control: &[(Profile, Report)], results: &[PlantedResult]) -> Value {
    let control: Vec<Value> = control
        .iter()
        .map(|(profile, report)| json!({"profile": profile.name(), "report": report.to_json(*profile)}))
        .collect();
    let bugs: Vec<Value> = results
        .iter()
        .map(|PlantedResult { bug: (name, what, profile), found }| {
            json!({
                "name": name,
                "what": what,
                "profile": profile.name(),
                "found_by": found.as_ref().map(|f| &f.0),
                "seed": found.as_ref().map(|f| f.1),
                "seeds_to_find": found.as_ref().map(|f| f.2),
            })
        })
        .collect();
    let found = results.iter().filter(|result| result.found.is_some()).count();
    json!({
        "planted": results.len(), "found": found, "seeds_max": SEEDS_MAX,
        "control": control, "bugs": bugs,
    })
}
