//! The event hash: one number that two runs of a seed must share, and the printed trace of one run.

use super::random::mix;

/// Hashes every event; prints it if asked to.
#[derive(Debug)]
pub struct Trace {
    hash: u64,
    print: bool,
}

impl Trace {
    /// A trace that begins with the seed.
    pub fn new(seed: u64, print: bool) -> Self {
        Trace { hash: mix(seed), print }
    }

    /// Notes numbers.
    pub fn note(&mut self, numbers: &[u64]) {
        for number in numbers {
            self.hash = mix(self.hash ^ number);
        }
    }

    /// Notes bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0u8; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.hash = mix(self.hash ^ u64::from_le_bytes(word));
        }
    }

    /// Prints a line, if lines are wanted.
    pub fn say(&self, now_ms: u64, line: impl FnOnce() -> String) {
        if self.print {
            println!("{:>9.3}s {}", now_ms as f64 / 1_000.0, line());
        }
    }

    /// The hash so far.
    pub fn hash(&self) -> u64 {
        self.hash
    }
}
