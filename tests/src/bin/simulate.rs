//! Runs the simulator: one seed with everything that happens, or many seeds and their sum.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use mulu_tests::sim::campaign::campaign;
use mulu_tests::sim::plan::Profile;
use mulu_tests::sim::run::run;

/// Simulates a consortium under faults that a seed decides.
#[derive(Debug, Parser)]
struct Arguments {
    /// How much of the world is simulated.
    #[arg(long, value_enum, default_value = "core")]
    profile: Scope,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many seeds.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Threads; all cores if left out.
    #[arg(long)]
    threads: Option<usize>,
    /// Prints what happens (one seed).
    #[arg(long)]
    trace: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Scope {
    Core,
    Application,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let profile = match arguments.profile {
        Scope::Core => Profile::Core,
        Scope::Application => Profile::Application,
    };
    if arguments.trace {
        let outcome = run(arguments.seed, profile, true);
        println!("{outcome:#?}");
        return if outcome.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let seeds = arguments.seed..arguments.seed.saturating_add(arguments.seeds);
    let report = campaign(profile, seeds, arguments.threads.unwrap_or(cores), Duration::MAX);
    println!("{}", report.summary(profile));
    if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
