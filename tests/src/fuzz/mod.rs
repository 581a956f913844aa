//! Fuzz targets for every decoder that a peer, a client or a file can reach.
//!
//! One file per target under [`chain`] (needs no node) and [`node`]. The same functions run three
//! ways: bounded and deterministic in the ordinary tests (`tests/fuzz.rs`), on one input
//! (`cargo run -p mulu-tests --bin fuzz`), and without end under libFuzzer (`tests/fuzz/`). What
//! was found interesting is kept under `tests/corpus/`.

pub mod chain;
pub mod corpus;
pub mod json_mutate;
pub mod mutate;
pub mod node;
pub mod outcome;
pub mod runner;
pub mod target;

use target::Target;

/// Every target.
pub fn targets() -> impl Iterator<Item = &'static Target> {
    static CHAIN: [Target; chain::TARGETS.len()] = chain::TARGETS;
    static NODE: [Target; node::TARGETS.len()] = node::TARGETS;
    CHAIN.iter().chain(&NODE)
}
