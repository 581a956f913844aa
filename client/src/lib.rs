//! A node as a program of a department sees it.
//!
//! Build a payload ([`transaction::payload`]), sign it (`mulu_chain::transaction::Envelope`), submit
//! it and wait for what became of it ([`transaction::deliver`]), read records ([`records`],
//! [`node::Node`]). Every call is safe to repeat: a transaction's id is for ever idempotent. A node
//! can lie or be replaced; what must not be taken on trust is asked for with a proof and verified
//! with `mulu_chain`. Built without RocksDB, libp2p and an async runtime.

pub mod failure;
pub mod lang;
pub mod node;
pub mod records;
pub mod time_text;
pub mod transaction;
