//! What a crash and a bad disk leave of RocksDB's write-ahead log, and what opening makes of it.

use std::path::{Path, PathBuf};

use mulu_chain::types::Height;

use super::chain::{Chain, Plan, Step, genesis};
use super::open;
use crate::storage::{Ledger, StorageError};

/// Block 0 and three blocks, all still in the log.
fn three_blocks(folder: &Path) -> Chain {
    let ledger = open(folder);
    let state = [("params".to_owned(), b"{}".to_vec())].into();
    let mut chain = Chain::new(genesis("mulu-crash", state));
    chain.start(&ledger);
    for number in 0..3 {
        let step = Step::new(format!("{{\"n\":{number}}}"), &["entry/1"]);
        chain.commit(&ledger, Plan { steps: vec![step], ..Plan::default() });
    }
    chain
}

/// The newest log file.
fn log_file(folder: &Path) -> PathBuf {
    let files = std::fs::read_dir(folder.join("ledger")).unwrap();
    let logs = files.map(|file| file.unwrap().path());
    logs.filter(|path| path.extension().is_some_and(|e| e == "log")).max().unwrap()
}

#[test]
fn a_torn_last_write_is_as_if_it_never_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut chain = three_blocks(folder.path());
    let log = log_file(folder.path());
    let bytes = std::fs::read(&log).unwrap();
    std::fs::write(&log, &bytes[..bytes.len() - 100]).unwrap();

    let ledger = open(folder.path());
    assert_eq!(ledger.height().unwrap(), Height(2));
    assert_eq!(ledger.history("entry/1", 0, 10).unwrap().len(), 2);
    chain.commit(&ledger, Plan::default());
    assert_eq!(ledger.height().unwrap(), Height(3));
}

/// Damage before the end would drop acknowledged blocks: the node must not start on it.
#[test]
fn damage_inside_the_log_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    three_blocks(folder.path());
    let log = log_file(folder.path());
    let intact = std::fs::read(&log).unwrap();
    for part in 1..8 {
        let mut bytes = intact.clone();
        bytes[intact.len() * part / 8] ^= 0x04;
        std::fs::write(&log, &bytes).unwrap();
        match Ledger::open(&folder.path().join("ledger")) {
            Err(StorageError::Open { .. } | StorageError::Corrupt { .. }) => {}
            Err(other) => panic!("{other}"),
            Ok(ledger) => panic!("opened at {:?} with byte {part}/8 flipped", ledger.height()),
        }
    }
}
