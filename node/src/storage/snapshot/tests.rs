use super::*;
use crate::replica::snapshot_wire::{SnapshotAnswer, SnapshotRequest};
use crate::snapshot_server::answer;
use crate::storage::MemoryKv;
use crate::storage::tests::chain::{Chain, Plan, Random, genesis, random_plan, validators};

fn world(blocks: usize) -> (Chain, Ledger) {
    let state = [("params", "{}"), ("validators", "[]"), ("member/1", "{}")]
        .map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()));
    let mut chain = Chain::new(genesis("mulu-test", state.into()));
    let ledger = Ledger::in_memory();
    chain.start(&ledger);
    let mut random = Random(7);
    for number in 0..blocks {
        let set = match number {
            20 => Some((validators(&[1, 2, 3]), vec![1, 2, 3])),
            40 => Some((validators(&[1, 2, 3, 4]), vec![1, 2, 3, 4])),
            _ => None,
        };
        chain.commit(&ledger, Plan { next_validators: set, ..random_plan(&mut random) });
    }
    (chain, ledger)
}

fn heads(ledger: &Ledger) -> Heads {
    ledger.heads(Height::GENESIS).unwrap().unwrap()
}

/// Fills a store from a ledger; `meddle` may change what comes.
fn restore(
    chain: &Chain,
    ledger: &Ledger,
    heads: Heads,
    meddle: impl Fn(&mut SnapshotAnswer),
) -> Result<Ledger, SnapshotInvalid> {
    let header = &chain.genesis.header;
    heads.check(&header.chain_id, header.validator_set_hash, Height::GENESIS)?;
    let kv = Arc::new(MemoryKv::default());
    let mut restore = Restore::begin(kv.clone(), &chain.genesis, heads)?;
    let (height, size) = (restore.height(), restore.heads.head.header.log_size);
    let ask = |request| {
        let mut answer = answer(ledger, request).unwrap();
        meddle(&mut answer);
        answer
    };
    let mut after = None;
    loop {
        let SnapshotAnswer::State(records, next) = ask(SnapshotRequest::State { height, after })
        else {
            panic!("there is a state")
        };
        restore.state(records)?;
        after = next;
        if after.is_none() {
            break;
        }
    }
    while !restore.log_is_complete() {
        let SnapshotAnswer::Log(part, proof) =
            ask(SnapshotRequest::Log { from: restore.log_size(), size })
        else {
            panic!("there is a log")
        };
        restore.log(&part, &proof)?;
    }
    let mut after = None;
    loop {
        let SnapshotAnswer::History(events, next) = ask(SnapshotRequest::History { after }) else {
            panic!("there are histories")
        };
        restore.history(events)?;
        after = next;
        if after.is_none() {
            break;
        }
    }
    restore.finish()?;
    Ok(Ledger::over(kv)?)
}

#[test]
fn a_restored_ledger_says_the_same_and_goes_on() {
    let (mut chain, ledger) = world(60);
    let taken = heads(&ledger);
    assert!(!taken.steps.is_empty(), "the plan changes the set");
    // The chain goes on while the snapshot is taken.
    let mut random = Random(8);
    let mut later = Vec::new();
    for _ in 0..5 {
        let decided = chain.decide(&ledger, random_plan(&mut random));
        ledger.commit(&decided).unwrap();
        later.push(decided);
    }
    let restored = restore(&chain, &ledger, taken, |_| {}).unwrap();
    let height = restored.height().unwrap();
    assert_eq!(height, Height(60));
    assert_eq!(restored.base().unwrap(), Some(Height(61)));
    assert!(restored.certified_block(height).unwrap().is_none());
    for (key, value) in restored.records("", None, 10_000).unwrap() {
        assert_eq!(ledger.record_at(&key, height).unwrap(), Some(value), "{key}");
        restored.state_proof(&key, height).unwrap();
    }
    // It takes the blocks that followed, and ends where the others are.
    for decided in &later {
        let tip = restored.tip().unwrap();
        let prepared = restored.prepare(&tip, &decided.changes, &decided.entries).unwrap();
        restored.commit(&crate::storage::Decided { prepared, ..decided.clone() }).unwrap();
    }
    assert_eq!(restored.tip().unwrap(), ledger.tip().unwrap());
    for (key, value) in ledger.records("", None, 10_000).unwrap() {
        assert_eq!(restored.record(&key).unwrap(), Some(value), "{key}");
        if let Some(subject) = key.strip_prefix("history/") {
            let events = |of: &Ledger| of.history(subject, 0, 10_000).unwrap();
            assert_eq!(events(&restored), events(&ledger), "{subject}");
        }
    }
    // What it never had it says so of, and takes nothing for damage.
    let moved = |result: Result<_, StorageError>, what: &str| match result {
        Err(StorageError::BodyMoved { archive: None, .. }) => {}
        Err(error) => panic!("{what}: {error}"),
        Ok(_) => panic!("{what}: it cannot have this"),
    };
    let mut told = 0;
    for (key, _) in ledger.records("history/", None, 10_000).unwrap() {
        let Some(subject) = key.strip_prefix("history/") else { continue };
        let Ok(question) = subject.parse() else { continue };
        moved(restored.plan_bundle(&question, Some(Height(30))).map(drop), subject);
        match restored.plan_bundle(&question, None) {
            Ok(_) => {}
            other => moved(other.map(drop), subject),
        }
        told += 1;
    }
    assert!(told > 0);
    // Every entry of the log is there, and proves itself.
    let size = ledger.tip().unwrap().frontier.size();
    for index in 0..size {
        assert_eq!(restored.log_entry(index).unwrap(), ledger.log_entry(index).unwrap());
        restored.inclusion_proof(index, size).unwrap();
    }
}

#[test]
fn lies_and_gaps_are_found() {
    let (chain, ledger) = world(60);
    type Meddle = fn(&mut SnapshotAnswer);
    let lies: [(&str, Meddle); 7] = [
        ("a value", |answer| {
            if let SnapshotAnswer::State(records, _) = answer {
                records[3].value.push(b' ');
            }
        }),
        ("a missing record", |answer| {
            if let SnapshotAnswer::State(records, _) = answer {
                records.remove(5);
            }
        }),
        ("a record twice", |answer| {
            if let SnapshotAnswer::State(records, _) = answer {
                records.insert(2, records[1].clone());
            }
        }),
        ("an outcome", |answer| {
            if let SnapshotAnswer::Log(entries, _) = answer {
                entries[0].time_ms.0 += 1;
            }
        }),
        ("no entries", |answer| {
            if let SnapshotAnswer::Log(entries, _) = answer {
                entries.clear();
            }
        }),
        ("an event", |answer| {
            if let SnapshotAnswer::History(events, _) = answer {
                events[0].1.index += 1;
            }
        }),
        ("a missing history", |answer| {
            if let SnapshotAnswer::History(events, _) = answer {
                let subject = events[0].0.clone();
                events.retain(|(other, _)| *other != subject);
            }
        }),
    ];
    for (what, lie) in lies {
        let found = restore(&chain, &ledger, heads(&ledger), lie);
        assert!(matches!(found, Err(SnapshotInvalid::Lie(_))), "{what}: {:?}", found.err());
    }
}

#[test]
fn a_head_needs_the_whole_way_to_it() {
    let (chain, ledger) = world(60);
    let header = &chain.genesis.header;
    let check = |heads: &Heads| {
        heads.check(&header.chain_id, header.validator_set_hash, Height::GENESIS).is_ok()
    };
    let good = heads(&ledger);
    assert!(check(&good));
    let mut skipped = good.clone();
    skipped.steps.remove(0);
    assert!(!check(&skipped));
    let mut forged = good.clone();
    forged.head.header.state_root = Digest::sha256(b"another");
    assert!(!check(&forged));
    let mut unsigned = good.clone();
    unsigned.head.certificate.signatures.truncate(1);
    assert!(!check(&unsigned));
    let other = Heads { next: good.steps[0].validators.clone(), ..good.clone() };
    assert!(!check(&other) || other.next == good.next);
}
