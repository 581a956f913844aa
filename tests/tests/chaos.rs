//! Four real nodes in a bad network: whatever it does, they are one again in bounded time.
//!
//! `MULU_CHAOS` and `MULU_SEED` override how many scenarios and the seed. The kernel's network
//! namespaces take privileges; without them their scenarios are reported as not run.

use mulu_tests::processes::chaos::{Wiring, chaos_campaign};
use mulu_tests::processes::seeded::number_from_env;

fn heals(test: &str, wiring: Wiring, rounds: u64) {
    let rounds = number_from_env("MULU_CHAOS", rounds);
    let seed = number_from_env("MULU_SEED", 20_261_121);
    let report = chaos_campaign(wiring, rounds, seed);
    println!("{report}");
    let not_run = report.not_run.as_ref().map_or(0, |(rounds, _)| *rounds);
    assert!(
        report.is_clean() && report.scenarios + not_run == rounds,
        "replay: MULU_CHAOS={rounds} MULU_SEED={seed} cargo test -p mulu-tests --test chaos {test} -- --nocapture"
    );
}

#[test]
fn healed_links_heal_the_consortium() {
    heals("healed_links_heal_the_consortium", Wiring::Proxies, 10);
}

#[test]
fn healed_routes_heal_the_consortium() {
    heals("healed_routes_heal_the_consortium", Wiring::Namespaces, 6);
}
