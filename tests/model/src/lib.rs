//! The rule book once more: a reference model of SPEC.md section 11, to compare the contracts with.
//!
//! It was written from SPEC.md alone, over maps and JSON values, for readers of rules rather than for
//! speed: state in, transaction in; verdict and changed records out. Shapes, layouts, bounds,
//! enumerations and parameters are read from SPEC.md itself ([`spec`]). What it believes of
//! `mulu-chain`: strict JSON, hashes, signatures and their encodings (SPEC sections 2 to 5, 8.3).

pub mod act;
pub mod campaign;
pub mod commands;
pub mod compare;
pub mod frame;
#[path = "../../src/sim/random.rs"]
pub mod random;
pub mod rules;
pub mod shape;
pub mod spec;
pub mod store;

use serde_json::Value;

/// Fine, or the id of the rule that is broken.
pub type Verdict<T = ()> = Result<T, &'static str>;

/// The rule is broken unless the condition holds.
pub fn need(holds: bool, rule: &'static str) -> Verdict {
    if holds { Ok(()) } else { Err(rule) }
}

/// A text, empty if it is none.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

/// An integer, 0 if it is none.
pub fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

/// The elements of a list, none if it is none.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Where a transaction is.
#[derive(Debug, Clone)]
pub struct Block {
    /// The chain.
    pub chain_id: String,
    /// Its height.
    pub height: u64,
    /// Its time, milliseconds.
    pub time_ms: u64,
}
