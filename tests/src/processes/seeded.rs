//! What a campaign decides, decided by its seed; and how counts and seeds are overridden.

use std::time::Duration;

use crate::sim::random::Random;

/// The simulator's numbers, as campaigns of real processes ask for them.
#[derive(Debug, Clone)]
pub struct Seeded(Random);

impl Seeded {
    /// The numbers of a seed.
    pub fn new(seed: u64) -> Self {
        Seeded(Random::new(seed))
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below a bound, which must not be 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound
    }

    /// An index below a length, which must not be 0.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("an index below a length")
    }

    /// One of several.
    pub fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.index(values.len())]
    }

    /// True in that many of a hundred cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A time of `from..to` milliseconds.
    pub fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }

    /// Two or more different nodes, in random order.
    pub fn nodes(&mut self, count: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..crate::consortium::DEPARTMENTS.len()).collect();
        (0..count.min(all.len())).map(|_| all.swap_remove(self.index(all.len()))).collect()
    }
}

/// A number from the environment, or the test's own.
///
/// # Panics
/// If the variable is set to something else.
pub fn number_from_env(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Err(_) => default,
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} must be a number: {text:?}")),
    }
}
