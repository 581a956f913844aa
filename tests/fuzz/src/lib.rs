//! The targets of `tests/src/fuzz` for libFuzzer. With the feature `node` they come from
//! `mulu-tests`; without it the sources of those that need no node are built here.

#[cfg(feature = "node")]
use mulu_tests::fuzz;

#[cfg(not(feature = "node"))]
mod fuzz {
    #[path = "../../../src/fuzz/chain/mod.rs"]
    pub mod chain;
    #[path = "../../../src/fuzz/outcome.rs"]
    pub mod outcome;
    #[path = "../../../src/fuzz/target.rs"]
    pub mod target;

    pub fn targets() -> impl Iterator<Item = target::Target> {
        chain::TARGETS.into_iter()
    }
}

/// Runs a target on one input; a panic is a finding.
pub fn run(name: &str, data: &[u8]) {
    let target = fuzz::targets().find(|target| target.name == name).expect("a known target");
    (target.run)(data);
}
