//! The replica: consensus, mempool, execution and sync behind one synchronous step function.

pub mod handle;
