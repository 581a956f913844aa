//! What a crash and a bad disk leave of RocksDB's write-ahead log, and what opening makes of it.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use mulu_chain::types::Height;

use super::chain::{Chain, Plan, Step, genesis};
use super::open;
use crate::storage::{Column, Ledger, StorageError};

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

/// Every pair of every column, hashed.
fn everything(ledger: &Ledger) -> u64 {
    let mut hasher = DefaultHasher::new();
    for column in Column::ALL {
        ledger.kv.scan(column, &[], None, usize::MAX).unwrap().hash(&mut hasher);
    }
    hasher.finish()
}

/// A cut in the list of files loses the files that were added last; what the write-ahead log holds
/// comes after them. No cut may leave a ledger with a gap.
#[test]
fn a_cut_list_of_files_leaves_no_gap() {
    const CUT_STEP_BYTES: usize = 16;
    let folder = tempfile::tempdir().unwrap();
    let mut chain = three_blocks(folder.path());
    let mut wholes = BTreeSet::new();
    // Enough for a flush, a restart on each side of it.
    for blocks in [2, 32, 2] {
        let ledger = open(folder.path());
        for _ in 0..blocks {
            let block = wholes.len();
            let large = "目".repeat(if blocks > 2 { 20_000 } else { 3 });
            let step = |n| Step::new(format!("{{\"{n}\":\"{block}{large}\"}}"), &["entry/1"]);
            let steps = (0..if blocks > 2 { 10 } else { 1 }).map(step).collect();
            chain.commit(&ledger, Plan { steps, ..Plan::default() });
            wholes.insert(everything(&ledger));
        }
    }
    let files = std::fs::read_dir(folder.path().join("ledger")).unwrap();
    let files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    let is = |path: &Path, part: &str| path.to_string_lossy().contains(part);
    assert!(files.iter().any(|path| is(path, ".sst")), "nothing was flushed");
    let list = files.iter().find(|path| is(path, "MANIFEST")).unwrap();
    let intact = std::fs::read(list).unwrap();
    let mut refused = 0;
    for length in (0..intact.len()).step_by(CUT_STEP_BYTES) {
        let copy = tempfile::tempdir_in(folder.path()).unwrap();
        for file in &files {
            let to = copy.path().join(file.file_name().unwrap());
            let copied = match is(file, ".sst") {
                true => std::fs::hard_link(file, to),
                false => std::fs::copy(file, to).map(drop),
            };
            copied.unwrap();
        }
        std::fs::write(copy.path().join(list.file_name().unwrap()), &intact[..length]).unwrap();
        match Ledger::open(copy.path()) {
            Err(_) => refused += 1,
            Ok(ledger) => {
                let known = wholes.contains(&everything(&ledger));
                assert!(known, "cut to {length} of {} bytes", intact.len());
            }
        }
    }
    println!("{refused} of {} cuts refused", intact.len().div_ceil(CUT_STEP_BYTES));
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
