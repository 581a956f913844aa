//! What a block, a transaction, a proof and a certificate **are**.
//!
//! This crate hashes, signs, encodes and verifies; it knows no clock, no randomness, no floating
//! point number, no hash map, no task, no network and no disk. The same code runs in a node, in
//! the simulator and on an auditor's laptop. Numbered rules live in `SPEC.md`; every invalid input
//! is answered by a value that names its rule.

#![deny(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
#![deny(clippy::float_arithmetic, clippy::unwrap_used, clippy::expect_used)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

pub mod acknowledgement;
pub mod archive;
pub mod block;
pub mod bundle;
pub mod certificate;
pub mod checkpoint;
pub mod codec;
pub mod digest;
pub mod head;
pub mod json;
pub mod limits;
pub mod log;
pub mod note;
pub mod pass;
#[cfg(planted)]
pub mod planted;
pub mod signature;
pub mod state;
pub mod state_tree;
pub mod tiles;
pub mod transaction;
pub mod types;
pub mod validator;

/// Whether the named bug is planted, in the copies of these sources that test the simulator's
/// oracles (`tests/planted`). In the product it is the literal `false`, and the name is nowhere.
#[cfg(planted)]
#[macro_export]
macro_rules! planted {
    ($name:literal) => {
        $crate::planted::is($name)
    };
}

#[cfg(not(planted))]
#[doc(hidden)]
#[macro_export]
macro_rules! planted {
    ($name:literal) => {
        false
    };
}
