//! Replays an input through a fuzz target, or renews the kept corpus.
//!
//! ```text
//! fuzz --target NAME --input FILE          what the target says of the file
//! fuzz --write-seeds                       writes every target's valid inputs into tests/corpus
//! fuzz --target NAME --explore EXECUTIONS  keeps the smallest input found for each new answer
//! ```

use std::process::ExitCode;

use mulu_tests::fuzz::target::Target;
use mulu_tests::fuzz::{corpus, runner, targets};

/// Longest input that is kept for a new answer, in bytes.
const KEPT_BYTES_MAX: usize = 4096;
/// Most inputs that exploring keeps for one target.
const KEPT_MAX: usize = 60;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).map(String::as_str)
    };
    let target = value("--target").and_then(|name| targets().find(|target| target.name == name));
    if arguments.iter().any(|argument| argument == "--write-seeds") {
        targets().for_each(write_seeds);
        return ExitCode::SUCCESS;
    }
    match (target, value("--input"), value("--explore")) {
        (Some(target), Some(path), _) => replay(target, path),
        (Some(target), None, Some(executions)) => match executions.parse() {
            Ok(executions) => explore(target, executions),
            Err(_) => usage(),
        },
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    let names: Vec<&str> = targets().map(|target| target.name).collect();
    eprintln!(
        "fuzz --target NAME --input FILE | --target NAME --explore EXECUTIONS | --write-seeds"
    );
    eprintln!("targets: {}", names.join(" "));
    ExitCode::from(2)
}

fn replay(target: &Target, path: &str) -> ExitCode {
    let input = match std::fs::read(path) {
        Ok(input) => input,
        Err(error) => {
            eprintln!("{path}: {error}");
            return ExitCode::from(2);
        }
    };
    match runner::try_one(target, &input) {
        Ok(outcome) => {
            println!("{outcome:?}");
            ExitCode::SUCCESS
        }
        Err(what) => {
            println!("{what}");
            ExitCode::FAILURE
        }
    }
}

fn write_seeds(target: &Target) {
    for (number, (name, bytes)) in (target.seeds)().into_iter().enumerate() {
        let name = format!("seed-{number:02}-{name}");
        corpus::write(target, &name, &bytes).expect("the corpus is writable");
    }
}

fn explore(target: &Target, executions: u64) -> ExitCode {
    let report = runner::run_bounded(target, executions, 1);
    let kept: Vec<_> = corpus::read(target)
        .iter()
        .filter_map(|kept| runner::try_one(target, &kept.bytes).ok())
        .collect();
    let mut written = 0;
    for (outcome, input) in &report.classes {
        let name = corpus::name_of(outcome);
        let taken = corpus::folder(target).join(&name).exists();
        if kept.contains(outcome) || input.len() > KEPT_BYTES_MAX || written >= KEPT_MAX || taken {
            continue;
        }
        let small = shrink(target, outcome, input.clone());
        corpus::write(target, &name, &small).expect("the corpus is writable");
        written += 1;
    }
    println!("{}: {} classes, {written} inputs kept", target.name, report.classes.len());
    ExitCode::from(u8::from(report.crashes > 0))
}

/// Removes blocks while the answer stays the same.
fn shrink(
    target: &Target,
    outcome: &mulu_tests::fuzz::outcome::Outcome,
    mut input: Vec<u8>,
) -> Vec<u8> {
    let mut block = input.len().div_ceil(2);
    while block > 0 {
        let mut at = 0;
        while at < input.len() {
            let mut shorter = input.clone();
            shorter.drain(at..(at + block).min(input.len()));
            if runner::try_one(target, &shorter).as_ref() == Ok(outcome) {
                input = shorter;
            } else {
                at += block;
            }
        }
        block /= 2;
    }
    input
}
