//! The replica: consensus, mempool, execution and sync behind one synchronous step function.

pub mod bounds;
mod candidates;
mod consensus;
mod context;
mod convert;
pub mod core;
pub mod evidence;
pub mod executor;
pub mod guard;
pub mod handle;
mod height;
mod intake;
pub mod io;
pub mod mempool;
pub mod peers;
mod proposals;
mod recovery;
pub mod report;
pub mod serving;
pub mod signing;
pub mod standing;
mod sync;
pub mod wire;
mod witness;
