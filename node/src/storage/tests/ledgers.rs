//! The ledger over both stores: block 0, commits, restarts, refusals and damage.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use mulu_chain::codec;
use mulu_chain::digest::Digest;
use mulu_chain::state::{HistoryLeaf, history_key};
use mulu_chain::types::Height;

use super::chain::{Chain, Plan, Random, Step, genesis, random_plan, validators};
use super::{on_both_stores, open, rocks};
use crate::storage::{Batch, Column, Decided, Kv, Ledger, MemoryKv, StorageError};

fn founding() -> BTreeMap<String, Vec<u8>> {
    [("params", "{}"), ("validators", "[]"), ("member/1", "{\"name\":\"a\"}")]
        .map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()))
        .into()
}

fn chain() -> Chain {
    Chain::new(genesis("mulu-test", founding()))
}

#[test]
fn an_empty_ledger_says_so() {
    on_both_stores(|reopen| {
        let error = reopen().tip().unwrap_err();
        assert!(matches!(error, StorageError::Empty { .. }), "{error}");
        assert!(reopen().record("params").unwrap().is_none());
        assert!(reopen().header(Height(0)).unwrap().is_none());
    });
}

#[test]
fn block_0_is_written_once_and_another_is_refused() {
    on_both_stores(|reopen| {
        let chain = chain();
        chain.start(&reopen());
        chain.start(&reopen());
        let ledger = reopen();
        assert_eq!(ledger.tip().unwrap().header, chain.genesis.header);
        assert_eq!(ledger.record("params").unwrap().unwrap(), b"{}");
        let (value, proof) = ledger.state_proof("member/1", Height(0)).unwrap();
        proof.verify(&chain.genesis.header.state_root, "member/1", value.as_deref()).unwrap();
        assert!(ledger.bundle("member/1").unwrap().is_none(), "nothing certifies block 0");

        let other = genesis("another-chain", founding());
        let error = ledger.initialize(&other).unwrap_err();
        assert!(matches!(error, StorageError::ForeignData { .. }), "{error}");
    });
}

#[test]
fn a_genesis_that_contradicts_itself_is_refused() {
    let mut wrong = genesis("mulu-test", founding());
    wrong.header.state_root = Digest::sha256(b"wrong");
    let ledger = Ledger::in_memory();
    let error = ledger.initialize(&wrong).unwrap_err();
    assert!(matches!(error, StorageError::Mismatch { what: "state root", .. }), "{error}");
    assert!(ledger.tip().is_err(), "nothing was written");
}

/// Forty random blocks with a restart now and then; everything written is read back, at every
/// past height too.
#[test]
fn random_blocks_survive_restarts() {
    on_both_stores(|reopen| {
        let mut random = Random(42);
        let mut chain = chain();
        let mut ledger = reopen();
        chain.start(&ledger);
        let mut states = vec![founding()];
        let mut blocks: Vec<Decided> = Vec::new();
        for number in 0..40 {
            let decided = chain.decide(&ledger, random_plan(&mut random));
            ledger.commit(&decided).unwrap();
            let mut state = states.last().unwrap().clone();
            state.extend(decided.changes.clone());
            states.push(state);
            blocks.push(decided);
            if number % 9 == 8 {
                let tip = ledger.tip().unwrap();
                drop(ledger);
                ledger = reopen();
                assert_eq!(ledger.tip().unwrap(), tip);
            }
        }
        check_blocks(&ledger, &blocks);
        check_states(&ledger, &states);
    });
}

fn check_blocks(ledger: &Ledger, blocks: &[Decided]) {
    let tip = ledger.tip().unwrap();
    let mut log_index = 0;
    for decided in blocks {
        let header = &decided.block.block.header;
        let height = header.height;
        assert_eq!(ledger.header(height).unwrap().as_ref(), Some(header));
        assert_eq!(ledger.certified_block(height).unwrap().as_ref(), Some(&decided.block));
        assert_eq!(ledger.log_entries(height).unwrap(), decided.entries);
        assert_eq!(
            ledger.validator_set(height).unwrap().unwrap().hash(),
            header.validator_set_hash
        );
        for (entry, envelope) in decided.entries.iter().zip(&decided.block.block.transactions) {
            let found = ledger.transaction(&entry.transaction).unwrap().unwrap();
            assert_eq!((&found.entry, found.log_index), (entry, log_index));
            let stored = ledger.envelope(height, entry.index).unwrap();
            assert_eq!(stored.as_ref(), Some(envelope));
            let proof = ledger.inclusion_proof(log_index, tip.frontier.size()).unwrap();
            let (size, root) = (tip.header.log_size, &tip.header.log_root);
            proof.verify(&entry.leaf_bytes(), size, root).unwrap();
            log_index += 1;
        }
        let proof = ledger.consistency_proof(header.log_size, tip.header.log_size).unwrap();
        let (old, new) = (header, &tip.header);
        proof.verify((old.log_size, &old.log_root), (new.log_size, &new.log_root)).unwrap();
    }
    assert!(ledger.certified_block(Height(0)).unwrap().is_none());
    assert!(ledger.header(tip.header.height.next()).unwrap().is_none());
    assert!(ledger.validator_set(tip.header.height.next()).unwrap().is_some());
    assert!(ledger.validator_set(tip.header.height.next().next()).unwrap().is_none());
}

fn check_states(ledger: &Ledger, states: &[BTreeMap<String, Vec<u8>>]) {
    let last = states.last().unwrap();
    let tip = ledger.height().unwrap();
    for (key, value) in last {
        assert_eq!(ledger.record(key).unwrap().as_ref(), Some(value));
    }
    for (height, state) in (0..).map(Height).zip(states) {
        let root = ledger.header(height).unwrap().unwrap().state_root;
        for key in last.keys().map(String::as_str).chain(["office/none", "z"]) {
            let (value, proof) = ledger.state_proof(key, height).unwrap();
            assert_eq!(value.as_ref(), state.get(key), "{key} at {height}");
            proof.verify(&root, key, value.as_deref()).unwrap();
        }
    }
    let all: Vec<_> = last.clone().into_iter().collect();
    assert_eq!(ledger.records("", None, usize::MAX).unwrap(), all);
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = ledger.records("office/", after.as_deref(), 7).unwrap();
        let Some((key, _)) = page.last() else { break };
        after = Some(key.clone());
        pages.extend(page);
    }
    let offices: Vec<_> = all.into_iter().filter(|(key, _)| key.starts_with("office/")).collect();
    assert_eq!(pages, offices);
    for number in 0..10 {
        let subject = format!("entry/{number}");
        let events = ledger.history(&subject, 0, usize::MAX).unwrap();
        let leaf = codec::encode(&HistoryLeaf::of(&events));
        assert_eq!(ledger.record(&history_key(&subject)).unwrap(), Some(leaf));
        let (from, to) = (events.len().min(2), events.len().min(5));
        assert_eq!(ledger.history(&subject, 2, 3).unwrap(), &events[from..to]);
    }
    let beyond = ledger.state_proof("params", tip.next()).unwrap_err();
    assert!(matches!(beyond, StorageError::Beyond { what: "height", .. }), "{beyond}");
    assert!(ledger.inclusion_proof(0, u64::MAX).is_err());
    assert!(ledger.consistency_proof(5, 4).is_err());
}

/// `entry/1` is not a prefix of `entry/10`'s history.
#[test]
fn histories_of_similar_subjects_stay_apart() {
    let ledger = Ledger::in_memory();
    let mut chain = chain();
    chain.start(&ledger);
    let steps = vec![Step::new("{\"n\":1}", &["entry/1"]), Step::new("{\"n\":2}", &["entry/10"])];
    chain.commit(&ledger, Plan { steps, ..Plan::default() });
    assert_eq!(ledger.history("entry/1", 0, 10).unwrap().len(), 1);
    assert_eq!(ledger.history("entry/", 0, 10).unwrap().len(), 0);
}

#[test]
fn a_block_that_does_not_fit_is_refused_and_nothing_is_written() {
    type Damage = fn(&mut Decided);
    let damages: [(&str, Damage); 12] = [
        ("height", |d| d.block.block.header.height = Height(9)),
        ("parent", |d| d.block.block.header.parent = Digest::ZERO),
        ("state root", |d| d.block.block.header.state_root = Digest::ZERO),
        ("log root", |d| d.block.block.header.log_root = Digest::ZERO),
        ("log size", |d| d.block.block.header.log_size += 1),
        ("validator set", |d| d.block.block.header.validator_set_hash = Digest::ZERO),
        ("next validator set", |d| d.next_validators = validators(&[5])),
        ("certificate's block", |d| d.block.certificate.block = Digest::ZERO),
        ("changes", |d| {
            d.changes.insert("params".to_owned(), b"other".to_vec());
        }),
        ("number of log entries", |d| {
            d.entries.pop();
        }),
        ("log entry", |d| d.entries[0].time_ms.0 += 1),
        ("transaction", |d| d.block.block.transactions.swap(0, 1)),
    ];
    let ledger = Ledger::in_memory();
    let mut chain = chain();
    chain.start(&ledger);
    let plan = || Plan {
        steps: vec![Step::new("{\"n\":1}", &["entry/1"]), Step::new("{\"n\":2}", &["entry/2"])],
        ..Plan::default()
    };
    for (expected, damage) in damages {
        let mut decided = chain.decide(&ledger, plan());
        damage(&mut decided);
        match ledger.commit(&decided) {
            Err(StorageError::Mismatch { what, .. }) => assert_eq!(what, expected),
            other => panic!("{expected}: {other:?}"),
        }
        assert_eq!(ledger.height().unwrap(), Height(0));
    }
    let decided = chain.decide(&ledger, plan());
    ledger.commit(&decided).unwrap();
    assert!(ledger.commit(&decided).is_err(), "the same block twice");
    let again = chain.decide(&ledger, plan());
    let error = ledger.commit(&again).unwrap_err();
    assert!(matches!(error, StorageError::Mismatch { what: "transaction", .. }), "{error}");
    let stale = chain.genesis.header.clone();
    let tip = crate::storage::Tip { header: stale, ..ledger.tip().unwrap() };
    assert!(ledger.prepare(&tip, &BTreeMap::new(), &[]).is_err(), "only on the tip");
}

/// A store whose writes fail after a while.
struct FullDisk {
    inner: MemoryKv,
    writes_left: std::sync::atomic::AtomicU32,
}

impl Kv for FullDisk {
    fn path(&self) -> &Path {
        self.inner.path()
    }
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.inner.get(column, key)
    }
    fn scan(
        &self,
        column: Column,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StorageError> {
        self.inner.scan(column, prefix, after, limit)
    }
    fn last_up_to(
        &self,
        column: Column,
        prefix: &[u8],
        key: &[u8],
    ) -> Result<Option<(Vec<u8>, Vec<u8>)>, StorageError> {
        self.inner.last_up_to(column, prefix, key)
    }
    fn write(&self, batch: Batch) -> Result<(), StorageError> {
        use std::sync::atomic::Ordering::SeqCst;
        let left = self.writes_left.load(SeqCst);
        if left == 0 {
            let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(StorageError::Write { path: self.path().into(), source: source.into() });
        }
        self.writes_left.store(left - 1, SeqCst);
        self.inner.write(batch)
    }
}

#[test]
fn a_failed_write_leaves_the_last_complete_block() {
    let disk = Arc::new(FullDisk { inner: MemoryKv::default(), writes_left: 2.into() });
    let ledger = Ledger::over(disk.clone()).unwrap();
    let mut chain = chain();
    chain.start(&ledger);
    chain.commit(&ledger, Plan::default());
    let decided = chain.decide(&ledger, Plan::default());
    let error = ledger.commit(&decided).unwrap_err();
    assert!(matches!(error, StorageError::Write { .. }), "{error}");
    assert_eq!(ledger.height().unwrap(), Height(1));
    let restarted = Ledger::over(disk).unwrap();
    assert_eq!(restarted.tip().unwrap(), ledger.tip().unwrap());
}

#[test]
fn a_folder_in_use_a_file_and_another_schema_are_refused_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    chain().start(&ledger);
    let refused = |path: &Path| {
        let error = Ledger::open(path).unwrap_err();
        assert!(!error.to_string().contains('\n'), "{error}");
        error
    };
    let path = folder.path().join("ledger");
    assert!(matches!(refused(&path), StorageError::InUse { .. }));
    drop(ledger);

    let file = folder.path().join("file");
    std::fs::write(&file, b"not a folder").unwrap();
    assert!(matches!(refused(&file), StorageError::Open { .. }));

    let store = rocks(folder.path());
    let mut batch = Batch::default();
    batch.put(Column::Meta, "schema", codec::encode(&2u32));
    store.write(batch).unwrap();
    drop(store);
    let error = refused(&path);
    assert!(matches!(&error, StorageError::UnknownSchema { found, .. } if found == "2"), "{error}");
}

/// Every stored value behind a bundle, with one bit flipped, is found out while the bundle is made.
#[test]
fn a_flipped_bit_is_reported_and_never_served() {
    let kv = Arc::new(MemoryKv::default());
    let ledger = Ledger::over(kv.clone()).unwrap();
    let mut chain = chain();
    chain.start(&ledger);
    for number in 0..3 {
        let step = Step::new(format!("{{\"n\":{number}}}"), &["entry/1"]);
        chain.commit(&ledger, Plan { steps: vec![step], ..Plan::default() });
    }
    let columns = [
        Column::Bodies,
        Column::LogEntries,
        Column::LogNodes,
        Column::Transactions,
        Column::History,
        Column::Records,
        Column::StateNodes,
        Column::StateValues,
    ];
    let mut reported = 0;
    for column in columns {
        for (key, value) in kv.scan(column, &[], None, usize::MAX).unwrap() {
            let put = |bytes: Vec<u8>| {
                let mut batch = Batch::default();
                batch.put(column, key.clone(), bytes);
                kv.write(batch).unwrap();
            };
            let mut flipped = value.clone();
            flipped[value.len() / 2] ^= 0x10;
            put(flipped);
            match ledger.bundle("entry/1") {
                Ok(None) => panic!("{}: the tip is gone", column.name()),
                // Not everything stored is part of this bundle.
                Ok(Some(bundle)) => {
                    let checks = mulu_chain::bundle::verify(&bundle, &chain.digest());
                    let failed: Vec<_> = checks.iter().filter(|check| !check.passed()).collect();
                    assert!(failed.is_empty(), "{}: {failed:?}", column.name());
                }
                Err(error) => {
                    assert!(matches!(error, StorageError::Corrupt { .. }), "{error}");
                    reported += 1;
                }
            }
            put(value);
        }
    }
    assert!(reported > 15, "only {reported} values were behind the bundle");
}
