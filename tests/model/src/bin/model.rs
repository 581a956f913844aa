//! Compares the contracts with the model on random commands.
//!
//! `cargo run -p mulu-model --bin model -- --commands 1000000 --seed 1`

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use mulu_model::campaign::{Campaign, Report};
use serde_json::json;

#[derive(Parser)]
#[command(about = "Compare the contracts with the model of SPEC.md on random commands")]
struct Arguments {
    /// Commands to judge.
    #[arg(long, default_value_t = 1_000_000)]
    commands: u64,
    /// What the commands are made of.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only this sequence of the seed.
    #[arg(long)]
    sequence: Option<u64>,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    threads: u64,
    /// Go on after a difference, with the next sequence.
    #[arg(long)]
    keep_going: bool,
    /// For people or for programs.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    Text,
    Json,
}

fn main() -> ExitCode {
    let Arguments { commands, seed, sequence, threads, keep_going, output } = Arguments::parse();
    let report: Report = Campaign { commands, seed, sequence, threads, keep_going }.run();
    match output {
        Output::Text => println!("{report}"),
        Output::Json => println!("{:#}", json!(report.to_json())),
    }
    if !report.differences.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
