//! The sources of the targets that need no node.

#[path = "../../src/fuzz/chain/mod.rs"]
pub mod chain;
#[path = "../../src/fuzz/outcome.rs"]
pub mod outcome;
#[path = "../../src/fuzz/target.rs"]
pub mod target;

/// Every target.
pub fn targets() -> impl Iterator<Item = target::Target> {
    chain::TARGETS.into_iter()
}
