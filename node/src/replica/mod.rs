//! The replica: consensus, mempool, execution and sync behind one synchronous step function.

pub mod bounds;
pub mod candidates;
pub mod checkpoints;
mod consensus;
mod context;
mod convert;
pub mod core;
pub mod evidence;
pub mod executor;
pub mod guard;
pub mod handle;
mod height;
mod inputs;
pub mod intake;
pub mod io;
pub mod mempool;
pub mod peers;
pub mod proposals;
mod recovery;
pub mod report;
pub mod serving;
pub mod signing;
pub mod snapshot_wire;
pub mod standing;
pub mod sync;
pub mod wire;
mod witness;
