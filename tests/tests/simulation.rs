//! The simulator's share of every test run: 40,000 core seeds and 10,000 application seeds, in parts
//! so that all cores have work. `MULU_CORE_SEEDS`, `MULU_APPLICATION_SEEDS` and `MULU_SEED` change
//! how many and where they begin.

use std::time::Duration;

use mulu_tests::processes::seeded::number_from_env;
use mulu_tests::sim::campaign::campaign;
use mulu_tests::sim::plan::Profile;

/// Parts of each profile; a part is one test and one thread.
const PARTS: u64 = 4;

fn part(profile: Profile, number: u64) {
    let seeds = match profile {
        Profile::Core => number_from_env("MULU_CORE_SEEDS", 40_000),
        Profile::Application => number_from_env("MULU_APPLICATION_SEEDS", 10_000),
    };
    let each = seeds.div_ceil(PARTS);
    let first = number_from_env("MULU_SEED", 0) + number * each;
    let report = campaign(profile, first..first + each, 1, Duration::MAX);
    println!("{}", report.summary(profile));
    assert!(report.is_good() && report.seeds == each);
    assert!(report.acknowledged > 0 && report.commits > 0);
}

/// Seeds of the core profile that found a fault: a body that a quorum decided and nobody had, a vote
/// that was said and not written down.
const FOUND: [u64; 2] = [7_010_759, 9_065_549];

#[test]
fn seeds_that_found_a_fault_stay_good() {
    for seed in FOUND {
        let report = campaign(Profile::Core, seed..seed + 1, 1, Duration::MAX);
        println!("{}", report.summary(Profile::Core));
        assert!(report.is_good() && report.commits > 0, "seed {seed}");
    }
}

#[test]
fn core_seeds_first_part() {
    part(Profile::Core, 0);
}

#[test]
fn core_seeds_second_part() {
    part(Profile::Core, 1);
}

#[test]
fn core_seeds_third_part() {
    part(Profile::Core, 2);
}

#[test]
fn core_seeds_fourth_part() {
    part(Profile::Core, 3);
}

#[test]
fn application_seeds_first_part() {
    part(Profile::Application, 0);
}

#[test]
fn application_seeds_second_part() {
    part(Profile::Application, 1);
}

#[test]
fn application_seeds_third_part() {
    part(Profile::Application, 2);
}

#[test]
fn application_seeds_fourth_part() {
    part(Profile::Application, 3);
}
