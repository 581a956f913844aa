//! `mutations [TRIES] [FIRST_SEED]`: the table class × tried × caught by both verifiers.

use std::process::ExitCode;

use mulu_tests::mutations::{Asked, Second, World, campaign, classes};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let tries = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(100);
    let first_seed = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(1);
    let kinds = [Asked::Record, Asked::Absent, Asked::Transaction, Asked::Heights, Asked::Times];
    let worlds: Vec<World> =
        (0..8).flat_map(|seed| kinds.map(|asked| World::new(first_seed + seed, asked))).collect();
    let mut second = Second::start();
    if second.is_none() {
        eprintln!("the second verifier needs Python 3 with `cryptography` (MULU_PYTHON names one)");
    }
    println!("| class | tried | refused by mulu | refused by Python |\n|---|---|---|---|");
    let (mut all, mut missed) = ((0, 0, 0), Vec::new());
    for class in classes() {
        let tally = campaign(&class, tries, first_seed, &worlds, &mut second);
        println!("| {} | {} | {} | {} |", class.name, tally.tried, tally.first, tally.second);
        all = (all.0 + tally.tried, all.1 + tally.first, all.2 + tally.second);
        missed.extend(tally.missed);
    }
    println!("| **{} classes** | {} | {} | {} |", classes().len(), all.0, all.1, all.2);
    missed.iter().take(40).for_each(|miss| println!("MISSED {miss}"));
    if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
