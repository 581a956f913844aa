//! One suite over both stores, and the proofs against two other implementations of them.

#![allow(clippy::unwrap_used)]

mod bundles;
pub(super) mod chain;
mod crashes;
mod layout;
mod ledgers;
mod proofs;
mod prunes;

use std::path::Path;
use std::sync::Arc;

use super::{Kv, Ledger, MemoryKv, RocksKv};

/// Runs a check over memory and over RocksDB. `reopen` gives a ledger over the same data as after
/// a restart.
fn on_both_stores(check: impl Fn(&dyn Fn() -> Ledger)) {
    let memory = Arc::new(MemoryKv::default());
    check(&|| Ledger::over(memory.clone()).expect("memory opens"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    check(&|| open(folder.path()));
}

fn open(folder: &Path) -> Ledger {
    Ledger::open(&folder.join("ledger")).expect("the ledger opens")
}

/// RocksDB in a folder, for tests that write below the ledger.
fn rocks(folder: &Path) -> Arc<dyn Kv> {
    Arc::new(RocksKv::open(&folder.join("ledger")).expect("RocksDB opens"))
}
