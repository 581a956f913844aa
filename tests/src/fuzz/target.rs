//! A decoder under test.

use super::outcome::Outcome;

/// Named valid inputs to begin from.
pub type Seeds = Vec<(&'static str, Vec<u8>)>;

/// A decoder, the properties it must keep, and where to begin.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, and its folder under `corpus/`.
    pub name: &'static str,
    /// Decodes one input and asserts the properties; a panic is a finding.
    pub run: fn(&[u8]) -> Outcome,
    /// Valid inputs, made from the fixed keys of the golden vectors.
    pub seeds: fn() -> Seeds,
    /// Its share of the executions, in thousandths: cheap decoders get most.
    pub share: u32,
    /// Whether inputs are text, so that the mutator works on tokens as well as on bytes.
    pub text: bool,
}

impl Target {
    /// A target that reads text.
    pub const fn text(
        name: &'static str,
        run: fn(&[u8]) -> Outcome,
        seeds: fn() -> Seeds,
        share: u32,
    ) -> Self {
        Target { name, run, seeds, share, text: true }
    }

    /// A target that reads bytes.
    pub const fn binary(
        name: &'static str,
        run: fn(&[u8]) -> Outcome,
        seeds: fn() -> Seeds,
        share: u32,
    ) -> Self {
        Target { name, run, seeds, share, text: false }
    }
}
