//! The replica: consensus, mempool, execution and sync behind one synchronous step function.

pub mod bounds;
mod candidates;
mod consensus;
mod context;
mod convert;
pub mod core;
pub mod executor;
pub mod guard;
pub mod handle;
mod intake;
pub mod io;
pub mod mempool;
mod proposals;
mod recovery;
pub mod signing;
mod sync;
pub mod wire;
