//! Runs every campaign within a budget of time and writes its one-page ledger.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use mulu_tests::nightly::{Ledger, Plan, run};

/// Simulates, kills, fills, flips, cuts, fuzzes and plants bugs, and writes down what came of it.
///
/// Ends with status 0 if nothing failed. The programs must be built: cargo build --workspace --bins
#[derive(Debug, Parser)]
struct Arguments {
    /// Minutes for all of it.
    #[arg(long, default_value_t = 360)]
    minutes: u64,
    /// The first seed; take another one each night.
    #[arg(long, default_value_t = 1_000_000)]
    seed: u64,
    /// Seeds of the core profile, at most.
    #[arg(long, default_value_t = 600_000)]
    core_seeds: u64,
    /// Seeds of the application profile, at most.
    #[arg(long, default_value_t = 50_000)]
    application_seeds: u64,
    /// Kills of real nodes, at most.
    #[arg(long, default_value_t = 3_000)]
    kills: u64,
    /// Disks that run full.
    #[arg(long, default_value_t = 40)]
    full_disks: u64,
    /// Damages to a real node's files.
    #[arg(long, default_value_t = 200)]
    flips: u64,
    /// Scenarios of a bad network between real nodes.
    #[arg(long, default_value_t = 60)]
    chaos: u64,
    /// Executions of fuzz targets.
    #[arg(long, default_value_t = 50_000_000)]
    fuzz_executions: u64,
    /// Leaves the planted bugs out.
    #[arg(long)]
    without_planted: bool,
    /// Where the ledger goes: this name with .json and .md.
    #[arg(long, default_value = "nightly")]
    out: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let plan = Plan {
        seed: arguments.seed,
        budget: Duration::from_secs(60 * arguments.minutes),
        core_seeds: arguments.core_seeds,
        application_seeds: arguments.application_seeds,
        kills: arguments.kills,
        full_disks: arguments.full_disks,
        flips: arguments.flips,
        chaos: arguments.chaos,
        fuzz_executions: arguments.fuzz_executions,
        planted: !arguments.without_planted,
    };
    let night = run(&plan);
    let ledger = Ledger::of(&plan, &night);
    let page = ledger.markdown();
    let json = format!("{:#}\n", ledger.0);
    for (extension, text) in [("json", &json), ("md", &page)] {
        let path = arguments.out.with_extension(extension);
        if let Err(error) = std::fs::write(&path, text) {
            eprintln!("the ledger cannot be written to {}: {error}", path.display());
            println!("{page}");
            return ExitCode::from(2);
        }
    }
    println!("{page}");
    if ledger.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
