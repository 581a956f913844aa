//! Versions of the rules: which one is in force, and which ones a program knows.
//!
//! The parameters name the version in force at each height ([`crate::params::Params`]); a header
//! carries it. A program holds a [`RuleBook`]: every version it can execute. It runs the old version
//! until the height that the consortium voted for, and the new one from there; a program that does
//! not know the version in force executes nothing at that height, for its result could only differ.
//! Whether a program knows a version never decides whether a transaction is accepted: programs of
//! different age execute the same block, and must come to the same outcomes. Source: SPEC 11.4.

/// The version that every chain is founded with.
pub const FIRST_VERSION: u32 = mulu_chain::block::PROTOCOL_VERSION;

/// The rules of one version: the one seam at which versions part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// Those of SPEC.md, version 1.
    First,
}

/// What a program knows: versions, ascending, and the rules of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleBook(&'static [(u32, Rules)]);

impl RuleBook {
    /// The versions that this program knows.
    pub const THIS: RuleBook = RuleBook(&[(FIRST_VERSION, Rules::First)]);

    /// A book of these versions; a program has [`RuleBook::THIS`].
    pub const fn new(versions: &'static [(u32, Rules)]) -> Self {
        RuleBook(versions)
    }

    /// The rules of a version, if they are known.
    pub fn rules(&self, version: u32) -> Option<Rules> {
        self.0.iter().find(|(known, _)| *known == version).map(|(_, rules)| *rules)
    }

    /// The newest version known.
    pub fn newest(&self) -> u32 {
        self.versions().last().unwrap_or(FIRST_VERSION)
    }

    /// The versions known, ascending.
    pub fn versions(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(|(version, _)| *version)
    }

    /// The versions known, as words: `1, 2`.
    pub fn words(&self) -> String {
        let versions: Vec<String> = self.versions().map(|version| version.to_string()).collect();
        versions.join(", ")
    }
}
