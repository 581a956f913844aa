//! The targets of `tests/src/fuzz` for libFuzzer. With the feature `node` they come from
//! `mulu-tests`; without it the sources of those that need no node are built here.

#[cfg(feature = "node")]
use mulu_tests::fuzz;

#[cfg(not(feature = "node"))]
#[path = "light.rs"]
#[allow(dead_code)]
mod fuzz;

/// Runs a target on one input; a panic is a finding.
pub fn run(name: &str, data: &[u8]) {
    let target = fuzz::targets().find(|target| target.name == name).expect("a known target");
    (target.run)(data);
}
