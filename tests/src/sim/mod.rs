//! Deterministic simulation: many replicas of the production code in one thread, under every fault
//! we can name, from one seed.
//!
//! The way through: [`plan`] says what a seed means, [`world`] runs its events, `faults` strikes,
//! [`byzantine`] lies, [`workload`] is the clients, [`invariants`] look on, [`run`] runs a seed from
//! beginning to end, [`campaign`] many of them.

pub mod byzantine;
pub mod campaign;
pub mod consortium;
pub mod disk;
mod faults;
pub mod invariants;
pub mod kv;
pub mod network;
pub mod node;
pub mod oracles;
pub mod plan;
pub mod random;
pub mod run;
pub mod signatures;
pub mod statement;
pub mod trace;
pub mod workload;
pub mod world;
