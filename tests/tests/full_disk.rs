//! A node whose disk runs full stops with a sentence, and catches up once there is room.
//!
//! `MULU_FULL_DISKS` and `MULU_SEED` override how many rounds and the seed. Mounting the small
//! disks takes privileges; without them the rounds are reported as not run.

use mulu_tests::processes::full_disk::full_disk_campaign;
use mulu_tests::processes::seeded::number_from_env;

#[test]
fn a_full_disk_stops_a_node_and_room_brings_it_back() {
    let rounds = number_from_env("MULU_FULL_DISKS", 12);
    let seed = number_from_env("MULU_SEED", 20_261_121);
    let report = full_disk_campaign(rounds, seed);
    println!("{report}");
    let not_run = report.not_run.as_ref().map_or(0, |(rounds, _)| *rounds);
    assert!(
        report.is_clean() && report.rounds + not_run == rounds,
        "replay: MULU_FULL_DISKS={rounds} MULU_SEED={seed} cargo test -p mulu-tests --test full_disk -- --nocapture"
    );
}
