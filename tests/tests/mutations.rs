//! Evidence that was tampered with is refused, by two verifiers that share no code, for the right
//! reason. `cargo run -p mulu-tests --bin mutations` prints the table and tries more.

use mulu_tests::mutations::{Asked, Random, Second, World, campaign, classes, first_verdict, flip};

const TRIES: u32 = 6;

fn worlds() -> Vec<World> {
    let kinds = [Asked::Record, Asked::Absent, Asked::Transaction, Asked::Heights, Asked::Times];
    (0..3).flat_map(|seed| kinds.map(|asked| World::new(seed, asked))).collect()
}

#[test]
fn both_verifiers_accept_what_is_good() {
    let mut second = Second::start();
    for (number, world) in worlds().iter().enumerate() {
        let mutant = world.mutant();
        let verdict = first_verdict(&mutant.bytes(), &mutant.genesis);
        assert_eq!(verdict.exit, 0, "world {number}: {verdict:?}");
        if let Some(second) = &mut second {
            let verdict = second.verdict(&mutant.bytes(), &mutant.genesis);
            assert_eq!(verdict.exit, 0, "world {number}: {verdict:?}");
        }
    }
}

#[test]
fn every_class_of_tampering_is_refused_by_both_for_the_right_reason() {
    let worlds = worlds();
    let mut second = Second::start();
    let (mut tried, mut missed) = (0, Vec::new());
    for class in classes() {
        let tally = campaign(&class, TRIES, 1, &worlds, &mut second);
        tried += tally.tried;
        missed.extend(tally.missed);
    }
    assert!(missed.is_empty(), "{missed:#?}");
    let names: std::collections::BTreeSet<_> = classes().iter().map(|class| class.name).collect();
    assert_eq!(names.len(), classes().len(), "each class has its own name");
    assert!(names.len() >= 40);
    let python = if second.is_some() { "both verifiers" } else { "1 verifier; Python SKIPPED" };
    println!("{tried} mutants of {} classes refused by {python}", names.len());
}

#[test]
fn no_bytes_break_the_second_verifier() {
    let Some(mut second) = Second::start() else {
        println!("SKIPPED: no Python 3 with `cryptography`");
        return;
    };
    let worlds = worlds();
    for seed in 0..150 {
        let mut random = Random::new(seed);
        let mutant = worlds[random.index(worlds.len())].mutant();
        let mut bytes = mutant.bytes();
        for _ in 0..1 + random.index(20) {
            flip(&mut random, &mut bytes[8..]);
        }
        let (one, other) =
            (first_verdict(&bytes, &mutant.genesis), second.verdict(&bytes, &mutant.genesis));
        assert_eq!(one.exit == 0, other.exit == 0, "seed {seed}: {one:?} {other:?}");
    }
}
