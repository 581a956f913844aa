//! The contracts and the model of SPEC.md say the same of random commands.

use std::thread::available_parallelism;

use mulu_model::campaign::Campaign;
use mulu_model::spec::SPEC;

/// Commands judged by default; `MULU_MODEL_COMMANDS` and `MULU_MODEL_SEED` say otherwise.
const COMMANDS: u64 = 1_000_000;
const SEED: u64 = 1;

/// Rules that only block 0, form checks of `mulu-chain`, or a replica can break: no command reaches
/// them here, each for the reason given.
const NOT_HERE: [(&str, &str); 10] = [
    ("ENC-", "bytes of peers and files: chain/tests, tests/src/fuzz"),
    ("JSN-", "the generator writes strict JSON"),
    ("SIG-", "keys and signatures in the payload are parsed by chain"),
    ("BLK-", "blocks are the replica's"),
    ("CRT-", "certificates are the replica's"),
    ("LOG-", "proofs are the auditor's"),
    ("STA-", "proofs are the auditor's"),
    ("BND-", "bundles are the auditor's"),
    ("FLD-06", "the founding document's"),
    ("TX-0", "the envelope is made by chain, not received: TX-01, TX-03, TX-05"),
];

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn contracts_and_model_agree() {
    let threads = available_parallelism().map_or(2, |count| count.get() as u64);
    let commands = number("MULU_MODEL_COMMANDS", COMMANDS);
    let seed = number("MULU_MODEL_SEED", SEED);
    let campaign = Campaign { commands, seed, sequence: None, threads, keep_going: false };
    let report = campaign.run();
    println!("{report}");
    assert!(report.differences.is_empty(), "{}", report.differences[0]);

    // A model that agrees because nothing happens would say nothing. 1 in 2,500 is far below what
    // every action has.
    for name in SPEC.actions.keys() {
        let (accepted, rejected) = report.coverage.actions.get(name).copied().unwrap_or_default();
        let least = commands / 2_500;
        assert!(accepted >= least && rejected >= least, "{name}: {accepted}, {rejected}");
    }
    let here = |id: &&str| !NOT_HERE.iter().any(|(prefix, _)| id.starts_with(prefix));
    let missed: Vec<&str> = report.unbroken().into_iter().filter(here).collect();
    assert!(missed.len() <= MISSED_MAX, "rules that no command broke: {missed:?}");
}

/// Rare rules that a campaign may miss.
const MISSED_MAX: usize = 3;
