//! The ledger on disk: blocks, state with its proofs, the log with its proofs, and indexes.
//!
//! Invariants: block `h + 1` is written only after block `h`, with everything that belongs to it, in
//! one synced batch; nothing written is ever changed, except the tip pointer and a record's last
//! height; what pruning took away is said by `kept`, everything else stays readable and provable. One
//! thread commits, another prunes what no commit touches; any thread reads, and reads between `kept`
//! and a tip once taken are not disturbed by later commits.
//!
//! Layout, schema 1. Keys are big-endian; values are bincode ([`mulu_chain::codec`]) unless said
//! otherwise.
//!
//! | column | key | value |
//! |---|---|---|
//! | `meta` | `schema` | layout version, `u32` |
//! | `meta` | `base` | first height whose block this node has, `u64`; absent if all are there |
//! | `meta` | `kept` | [`Kept`], once something was pruned |
//! | `meta` | `tip` | height and [`LogFrontier`](mulu_chain::log::LogFrontier) |
//! | `headers` | height `u64` | [`Header`](mulu_chain::block::Header) |
//! | `certificates` | height `u64` | [`CommitCertificate`](mulu_chain::certificate::CommitCertificate) |
//! | `bodies` | height `u64` ‖ position `u32` | [`Envelope`](mulu_chain::transaction::Envelope) |
//! | `transactions` | transaction id, 32 bytes | log index `u64` |
//! | `state_nodes` | height `u64` ‖ nibbles `u8` ‖ path, two nibbles a byte | jmt node, borsh |
//! | `state_values` | key hash, 32 bytes ‖ height `u64` | the value's bytes |
//! | `records` | state key, UTF-8 | height of its last change, `u64` |
//! | `history` | subject ‖ `0x00` ‖ number `u64` | [`HistoryEvent`](mulu_chain::state::HistoryEvent) |
//! | `log_nodes` | level `u8` ‖ index `u64` | root of a complete subtree, a digest |
//! | `log_entries` | log index `u64` | [`LogEntry`](mulu_chain::log::LogEntry), the leaf's bytes |
//! | `validators` | first height it decides `u64` | [`ValidatorSet`](mulu_chain::validator::ValidatorSet), where it changes |
//! | `stale_nodes` | height from which it is not needed `u64` ‖ key in `state_nodes` | nothing |
//!
//! A crash leaves the last complete block; consensus and sync go on from there.

mod archive;
mod bundle;
mod commit;
mod ends;
mod error;
mod kept;
mod keys;
mod kv;
mod last_decoded;
mod ledger;
mod log_tree;
mod memory;
mod passages;
mod proofs;
mod prune;
mod related;
mod rocks;
mod scrub;
mod snapshot;
mod tiles;
mod tree;

#[cfg(test)]
mod tests;

pub use archive::{ARCHIVE_FILES_MAX, ArchiveFolder};
pub use bundle::BundlePlan;
pub use commit::{Decided, Prepared};
pub use error::StorageError;
pub use kept::Kept;
pub use kv::{Batch, Column, Kv, Pair};
pub use ledger::{CommittedTransaction, Ledger, Tip};
pub use memory::MemoryKv;
pub use prune::{OldValues, PRUNE_CHANGES_MAX, Pruned};
pub use rocks::RocksKv;
pub use scrub::{Damage, SCRUB_BYTES_PER_STEP, Scrub, ScrubStep};
pub use snapshot::{
    Heads, HistoryPart, PART_BYTES_MAX, PART_ITEMS_MAX, Restore, STEPS_MAX, SnapshotInvalid,
    StateRecord,
};
