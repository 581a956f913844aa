//! Damaged files of a real node: refused in a sentence, repaired from the peers, or harmless.
//!
//! `MULU_FLIPS` and `MULU_SEED` override how many damages, three fifths of them to the ledger, and
//! the seed.

use mulu_tests::processes::flips::{FlipPlan, flip_campaign};
use mulu_tests::processes::seeded::number_from_env;

#[test]
fn damage_is_never_silent() {
    let flips = number_from_env("MULU_FLIPS", 50);
    let seed = number_from_env("MULU_SEED", 20_261_121);
    let votes = flips * 2 / 5;
    let report = flip_campaign(FlipPlan { ledger: flips - votes, votes, seed });
    println!("{report}");
    let tried: u64 = report.kinds.values().map(|counts| counts.tried).sum();
    assert!(
        report.is_clean() && tried == flips,
        "replay: MULU_FLIPS={flips} MULU_SEED={seed} cargo test -p mulu-tests --test damage -- --nocapture"
    );
}
