//! `mulu`: the command line of a department, an application and an auditor.
//!
//! Data goes to stdout, messages and progress to stderr. Exit codes: 0 done or verified,
//! 1 verification failed, 2 wrong usage or undecidable input, 3 not found, 4 node unreachable or
//! too slow, 5 refused by the rules of the chain, 6 key or permission missing. This program knows
//! the rules of the chain but nothing of a node's inside, so an auditor builds it alone.

mod args;
mod audit;
mod bench;
mod catalog;
mod commands;
mod context;
mod devnet;
mod draft;
mod export;
mod files;
mod import;
mod keyfile;
mod lineage;
mod profile;
mod render;
mod submit;
#[cfg(test)]
mod testing;
mod witness;

use std::process::ExitCode;

use clap::Parser as _;
use mulu_client::{failure, lang, node as client, records, text};

fn main() -> ExitCode {
    let args::Cli { globals, command } = args::Cli::parse();
    let lang = globals.lang.unwrap_or_else(lang::Lang::from_environment);
    let json = globals.output == context::Output::Json;
    let result =
        context::Context::new(globals).and_then(|context| commands::run(&context, command));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            for line in failure.lines(lang) {
                eprintln!("{}", render::safe(&line));
            }
            if json && failure.text.is_some() {
                println!("{}", failure.to_json(lang));
            }
            failure.exit.code()
        }
    }
}
