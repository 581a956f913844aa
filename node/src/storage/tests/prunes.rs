//! Pruning takes away what it should, and nothing else: what is kept reads and proves as before, on
//! both stores and after a restart.

use mulu_chain::state::key_hash;
use mulu_chain::types::Height;

use super::chain::{Chain, Random, genesis, random_plan};
use super::{on_both_stores, rocks};
use crate::storage::{ArchiveFolder, Column, Ledger, OldValues, Scrub, ScrubStep, StorageError};

const BLOCKS: u64 = 60;
const WINDOW: u64 = 10;

fn grown(ledger: &Ledger) {
    let state = [("params".to_owned(), b"{}".to_vec())].into();
    let mut chain = Chain::new(genesis("mulu-prune", state));
    chain.start(ledger);
    let mut random = Random(7);
    for _ in 0..BLOCKS {
        chain.commit(ledger, random_plan(&mut random));
    }
}

fn keys_of(ledger: &Ledger) -> Vec<String> {
    let records = ledger.records("", None, usize::MAX).unwrap();
    let mut keys: Vec<_> = records.into_iter().map(|(key, _)| key).collect();
    keys.push("absent".to_owned());
    keys
}

fn prune_states(ledger: &Ledger) {
    while ledger.prune_states(WINDOW, OldValues::Drop).unwrap().more {}
}

fn pairs(ledger: &Ledger, column: Column) -> usize {
    ledger.kv.scan(column, &[], None, usize::MAX).unwrap().len()
}

fn scrubbed(ledger: &Ledger) -> Vec<String> {
    let (mut scrub, mut found) = (Scrub::default(), Vec::new());
    loop {
        match scrub.step(ledger).unwrap() {
            ScrubStep::More => {}
            ScrubStep::Damaged(damage) => found.push(damage.to_string()),
            ScrubStep::Done => return found,
        }
    }
}

#[test]
fn kept_states_read_and_prove_as_before() {
    on_both_stores(|reopen| {
        let ledger = reopen();
        grown(&ledger);
        let keys = keys_of(&ledger);
        let heights: Vec<_> = (BLOCKS - WINDOW..=BLOCKS).map(Height).collect();
        let read = |ledger: &Ledger| {
            let all = heights.iter().flat_map(|h| keys.iter().map(move |k| (k, *h)));
            all.map(|(k, h)| ledger.state_proof(k, h).unwrap()).collect::<Vec<_>>()
        };
        let before = read(&ledger);
        let nodes = pairs(&ledger, Column::StateNodes);
        prune_states(&ledger);
        assert!(pairs(&ledger, Column::StateNodes) < nodes / 2, "{nodes} nodes before");
        assert_eq!(read(&ledger), before);
        assert_eq!(ledger.kept().state_from, Height(BLOCKS - WINDOW));
        let below = Height(BLOCKS - WINDOW - 1);
        for result in [
            ledger.state_proof("params", below).map(drop),
            ledger.record_at("params", below).map(drop),
        ] {
            assert!(matches!(result, Err(StorageError::StatePruned { .. })), "{result:?}");
        }
        drop(ledger);
        let ledger = reopen();
        assert_eq!(read(&ledger), before);
        assert_eq!(
            ledger.prune_states(WINDOW, OldValues::Drop).unwrap().deleted,
            0,
            "nothing is left to do"
        );
        assert_eq!(scrubbed(&ledger), Vec::<String>::new());
    });
}

#[test]
fn only_what_the_kept_heights_need_is_left() {
    let ledger = Ledger::in_memory();
    grown(&ledger);
    prune_states(&ledger);
    // Every node that is left is reached from a kept root, as every value is shown at a kept height.
    let mut values = 0;
    for key in keys_of(&ledger) {
        let prefix = key_hash(&key);
        let found =
            ledger.kv.scan(Column::StateValues, prefix.as_bytes(), None, usize::MAX).unwrap();
        let old = found.iter().filter(|(place, _)| {
            let version = u64::from_be_bytes(place[32..].try_into().unwrap());
            version <= BLOCKS - WINDOW
        });
        assert!(old.count() <= 1, "{key} has several values that no kept height shows");
        values += found.len();
    }
    assert_eq!(values, pairs(&ledger, Column::StateValues));
    let stale = ledger.kv.scan(Column::StaleNodes, &[], None, usize::MAX).unwrap();
    assert!(stale.iter().all(|(key, _)| key[..8] > (BLOCKS - WINDOW).to_be_bytes()[..]));
}

#[test]
fn the_chain_goes_on_after_pruning_with_the_same_roots() {
    let (pruned, whole) = (Ledger::in_memory(), Ledger::in_memory());
    let state = || [("params".to_owned(), b"{}".to_vec())].into();
    let mut chains =
        [Chain::new(genesis("mulu-prune", state())), Chain::new(genesis("mulu-prune", state()))];
    for (chain, ledger) in chains.iter().zip([&pruned, &whole]) {
        chain.start(ledger);
    }
    let mut randoms = [Random(3), Random(3)];
    for _ in 0..BLOCKS {
        for ((chain, random), ledger) in chains.iter_mut().zip(&mut randoms).zip([&pruned, &whole])
        {
            chain.commit(ledger, random_plan(random));
        }
        prune_states(&pruned);
        assert_eq!(pruned.tip().unwrap(), whole.tip().unwrap());
    }
}

#[test]
fn archived_bodies_are_read_from_the_folder_and_named_without_it() {
    on_both_stores(|reopen| {
        let folder = tempfile::tempdir().unwrap();
        let archive = ArchiveFolder::new(folder.path().join("archive"));
        let ledger = reopen();
        grown(&ledger);
        ledger.read_archive(archive.clone());
        let blocks = |ledger: &Ledger| {
            (1..=BLOCKS).map(|h| ledger.certified_block(Height(h)).unwrap()).collect::<Vec<_>>()
        };
        let before = blocks(&ledger);
        while ledger.prune_bodies(WINDOW, 20, Some(&archive)).unwrap().more {}
        assert_eq!(ledger.kept().bodies_from, Height(41), "two whole files of twenty");
        assert_eq!(archive.size().0, 2);
        assert_eq!(blocks(&ledger), before);
        assert_eq!(scrubbed(&ledger), Vec::<String>::new());
        drop(ledger);

        let ledger = reopen();
        let gone =
            before.iter().position(|b| !b.as_ref().unwrap().block.transactions.is_empty()).unwrap();
        assert!(gone < 40);
        let gone = Height(gone as u64 + 1);
        assert_eq!(ledger.certified_block(gone).unwrap(), None);
        let error = ledger.envelope(gone, 0).unwrap_err();
        assert!(matches!(error, StorageError::BodyMoved { archive: None, .. }), "{error}");
        ledger.read_archive(ArchiveFolder::new(folder.path().join("elsewhere")));
        let error = ledger.envelope(gone, 0).unwrap_err();
        assert!(error.to_string().contains("elsewhere"), "{error}");
        ledger.read_archive(archive.clone());
        assert_eq!(blocks(&ledger), before);
        assert!(!ledger.log_entries(gone).unwrap().is_empty(), "outcomes stay");

        // A changed file is found out by the header.
        let path = archive.file_of(gone).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let at = bytes.len() / 3;
        bytes[at] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        ledger.read_archive(ArchiveFolder::new(folder.path().join("archive")));
        let wrong = (1..=20).zip(&before).filter(|(h, before)| {
            !ledger.certified_block(Height(*h)).is_ok_and(|block| block == **before)
        });
        assert!(wrong.count() <= 1, "one block at most is hit");
    });
}

#[test]
fn a_crash_between_file_and_deletion_repeats_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let archive = ArchiveFolder::new(folder.path().to_owned());
    let ledger = Ledger::in_memory();
    grown(&ledger);
    assert_eq!(archive.store(&ledger, Height(1), Height(20)).unwrap(), Height(20));
    while ledger.prune_bodies(WINDOW, 20, Some(&archive)).unwrap().more {}
    assert_eq!(archive.size().0, 2);
}

#[test]
fn damage_is_named_by_column_and_height() {
    let folder = tempfile::tempdir().unwrap();
    let kv = rocks(folder.path());
    let ledger = Ledger::over(kv.clone()).unwrap();
    grown(&ledger);
    let entries = ledger.log_entries(Height(7)).unwrap();
    let other = ledger.kv.get(Column::Headers, &6u64.to_be_bytes()).unwrap().unwrap();
    let mut batch = crate::storage::Batch::default();
    batch.put(Column::Headers, 7u64.to_be_bytes(), other);
    kv.write(batch).unwrap();
    let found = scrubbed(&ledger);
    assert!(found.iter().any(|words| words.contains("column headers, height 7")), "{found:?}");
    assert!(entries.len() < 100);
}

#[test]
fn a_copy_is_a_ledger_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = super::open(folder.path());
    grown(&ledger);
    let target = folder.path().join("copy");
    ledger.copy_to(&target).unwrap();
    let copy = Ledger::open(&target).unwrap();
    assert_eq!(copy.tip().unwrap(), ledger.tip().unwrap());
    assert!(matches!(ledger.copy_to(&target), Err(StorageError::Copy { .. })), "it exists");
    assert_eq!(scrubbed(&copy), Vec::<String>::new());
}

#[test]
fn old_values_stay_readable_where_only_the_tree_is_pruned() {
    let ledger = Ledger::in_memory();
    grown(&ledger);
    let keys = keys_of(&ledger);
    let read = |ledger: &Ledger| {
        let all = (0..=BLOCKS).flat_map(|h| keys.iter().map(move |k| (k, Height(h))));
        all.map(|(k, h)| ledger.record_at(k, h).unwrap()).collect::<Vec<_>>()
    };
    let before = read(&ledger);
    while ledger.prune_states(WINDOW, OldValues::Keep).unwrap().more {}
    assert_eq!(read(&ledger), before);
    let below = ledger.state_proof("params", Height(1));
    assert!(matches!(below, Err(StorageError::StatePruned { .. })), "{below:?}");
}
