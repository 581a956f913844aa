//! Tampering with evidence, by class: every mutant of a good bundle must be refused by the verifier
//! of `chain` and by the one in Python, which shares no code with it, each for the right
//! reason.
//!
//! A class is a function that changes a bundle, and the checks of which one must fail. The worlds
//! that bundles are made of have keys for everything, so that a mutant may be *validly signed* and
//! still be evidence of the wrong thing: a header of another height, a set that changed nothing, an
//! older state. One number reproduces a mutant.

// Numbers below a hundred thousand.
#![allow(clippy::cast_possible_truncation)]

mod certificates;
mod file;
mod histories;
mod lists;
mod log;
mod second;
mod state;
mod world;

use std::collections::BTreeSet;

use mulu_chain::block::BlockId;
use mulu_chain::bundle::{self, Bundle, BundleInvalid, Frame};

pub use self::second::Second;
pub use self::world::{Asked, World};
pub use crate::sim::random::Random;

/// A bundle that is being changed.
#[derive(Debug, Clone)]
pub struct Mutant {
    /// Its frames.
    pub frames: Vec<Frame>,
    /// What the auditor brings along.
    pub genesis: BlockId,
    /// The file, if it is not just the frames.
    pub bytes: Option<Vec<u8>>,
}

/// Changes a bundle; no if the bundle has nothing to change in this way.
pub type Change = fn(&World, &mut Mutant, &mut Random) -> bool;

/// A class of tampering.
#[derive(Clone, Copy)]
pub struct Class {
    /// Its name.
    pub name: &'static str,
    /// The checks of which at least one must fail.
    pub checks: &'static [&'static str],
    /// How it is done.
    pub change: Change,
}

/// All classes.
pub fn classes() -> Vec<Class> {
    [
        file::CLASSES,
        certificates::CLASSES,
        state::CLASSES,
        histories::CLASSES,
        log::CLASSES,
        lists::CLASSES,
    ]
    .concat()
}

/// What came of a class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Mutants made.
    pub tried: u32,
    /// Refused by the verifier in Rust, for the right reason.
    pub first: u32,
    /// Refused by the verifier in Python, for the right reason; none were asked without Python.
    pub second: u32,
    /// Mutants that got through, or were refused for another reason.
    pub missed: Vec<String>,
}

/// A verifier's verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// 0 verified, 1 failed, 2 undecidable.
    pub exit: u8,
    /// The checks that failed.
    pub failed: BTreeSet<String>,
}

impl Mutant {
    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.clone().unwrap_or_else(|| Bundle { frames: self.frames.clone() }.to_bytes())
    }
}

/// What the verifier of `chain` says.
pub fn first_verdict(bytes: &[u8], genesis: &BlockId) -> Verdict {
    let form = |exit| Verdict { exit, failed: BTreeSet::from(["bundle-form".to_owned()]) };
    match Bundle::from_bytes(bytes) {
        Err(BundleInvalid::Magic) => form(2),
        Err(_) => form(1),
        Ok(bundle) => {
            let checks = bundle::verify(&bundle, genesis);
            let failed: BTreeSet<String> =
                checks.iter().filter(|c| !c.passed()).map(|c| c.name.to_owned()).collect();
            Verdict { exit: u8::from(!failed.is_empty()), failed }
        }
    }
}

/// Tries a class this many times; seeds are those from `first_seed` on.
///
/// # Panics
/// If no world has anything to change, or a good bundle is refused.
pub fn campaign(
    class: &Class,
    tries: u32,
    first_seed: u64,
    worlds: &[World],
    second: &mut Option<Second>,
) -> Tally {
    let mut tally = Tally::default();
    let mut seed = first_seed;
    while tally.tried < tries {
        let mut random = Random::new(seed);
        let world = &worlds[random.index(worlds.len())];
        let mut mutant = world.mutant();
        let good = mutant.bytes();
        seed += 1;
        assert!(seed - first_seed < 1000 * u64::from(tries) + 1000, "{} never applies", class.name);
        if !(class.change)(world, &mut mutant, &mut random)
            || mutant.bytes() == good && mutant.genesis == world.genesis()
        {
            continue;
        }
        tally.tried += 1;
        let bytes = mutant.bytes();
        let verdicts = [
            Some(first_verdict(&bytes, &mutant.genesis)),
            second.as_mut().map(|second| second.verdict(&bytes, &mutant.genesis)),
        ];
        for (who, verdict) in ["first", "second"].into_iter().zip(verdicts) {
            let Some(verdict) = verdict else { continue };
            let caught = verdict.exit != 0
                && class.checks.iter().any(|check| verdict.failed.contains(*check));
            match (caught, who) {
                (true, "first") => tally.first += 1,
                (true, _) => tally.second += 1,
                (false, _) => tally.missed.push(format!(
                    "{} seed {}: the {who} verifier said {verdict:?}",
                    class.name,
                    seed - 1
                )),
            }
        }
    }
    tally
}

/// One of a list; none of an empty one.
fn pick<T: Copy>(random: &mut Random, list: &[T]) -> Option<T> {
    random.pick(list).copied()
}

/// Changes one bit of a byte string that is not empty.
pub fn flip(random: &mut Random, bytes: &mut [u8]) {
    let at = random.index(bytes.len());
    bytes[at] ^= 1 << random.below(8);
}
