//! Four real nodes in a bad network: whatever it does, they are one again in bounded time.
//!
//! `MULU_CHAOS` and `MULU_SEED` override how many scenarios and the seed.

use mulu_tests::processes::chaos::chaos_campaign;
use mulu_tests::processes::seeded::number_from_env;

#[test]
fn a_healed_network_heals_the_consortium() {
    let rounds = number_from_env("MULU_CHAOS", 10);
    let seed = number_from_env("MULU_SEED", 20_261_121);
    let report = chaos_campaign(rounds, seed);
    println!("{report}");
    assert!(
        report.is_clean() && report.scenarios == rounds && report.verdict.acknowledged > 0,
        "replay: MULU_CHAOS={rounds} MULU_SEED={seed} cargo test -p mulu-tests --test chaos -- --nocapture"
    );
}
