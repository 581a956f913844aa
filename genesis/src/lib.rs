//! The founding document of a consortium, its checks, and block 0.

pub mod devnet;
mod fault;
pub mod peer_id;
mod reader;
pub mod utc;

pub use fault::{FAULTS_MAX, Fault, FoundingInvalid};
