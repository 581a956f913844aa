//! Four real nodes, killed hundreds of times under load: nothing acknowledged is lost.
//!
//! `MULU_KILLS` and `MULU_SEED` override how many (of both tests together) and the seed.

use mulu_tests::processes::kills::{KillPlan, kill_campaign};
use mulu_tests::processes::seeded::number_from_env;

/// Half of the kills; two tests so that two cores have work.
fn half(test: &str, lane: u64) {
    let kills = number_from_env("MULU_KILLS", 500);
    let seed = number_from_env("MULU_SEED", 20_261_121);
    let plan = KillPlan { kills: kills.div_ceil(2), seed: seed + lane, load_per_second: 50 };
    let report = kill_campaign(plan);
    println!("{report}");
    assert!(
        report.is_clean() && report.kills >= plan.kills && report.verdict.acknowledged > 0,
        "replay: MULU_KILLS={kills} MULU_SEED={seed} cargo test -p mulu-tests --test kills {test} -- --nocapture"
    );
}

#[test]
fn killed_nodes_lose_nothing_acknowledged() {
    half("killed_nodes_lose_nothing_acknowledged", 0);
}

#[test]
fn killed_nodes_lose_nothing_acknowledged_again() {
    half("killed_nodes_lose_nothing_acknowledged_again", 1);
}
