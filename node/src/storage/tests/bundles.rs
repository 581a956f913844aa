//! Bundles: complete, verified by mulu-chain, undisturbed by later blocks, and broken by any
//! flipped byte.

use std::collections::BTreeMap;

use mulu_chain::bundle::{Bundle, Frame, Question, verify};
use mulu_chain::digest::Digest;
use mulu_chain::types::Height;
use mulu_contracts::state::{authorization_key, entry_id, entry_key, receipt_key, record_id};
use serde_json::json;

use super::chain::{Chain, Plan, Random, Step, genesis, key, random_plan, validators};
use super::on_both_stores;
use crate::storage::Ledger;

const PROVIDER: &str = "91110000MA0000001A";
const CONSUMER: &str = "91110000MA0000002B";

fn founding() -> BTreeMap<String, Vec<u8>> {
    let office = format!("office/{PROVIDER}:01");
    let mut state: BTreeMap<String, Vec<u8>> = [
        ("params".to_owned(), json!({})),
        ("validators".to_owned(), json!([])),
        (format!("member/{PROVIDER}"), json!({ "uscc": PROVIDER })),
        (format!("member/{CONSUMER}"), json!({ "uscc": CONSUMER })),
        (office, json!({ "member": PROVIDER })),
        (format!("duty/{PROVIDER}:D1"), json!({ "member": PROVIDER })),
        (format!("system/{PROVIDER}:S1"), json!({ "member": PROVIDER })),
    ]
    .into_iter()
    .map(|(key, value)| (key, value.to_string().into_bytes()))
    .collect();
    for number in [7, 9] {
        state.insert(format!("key/{}", key(number).public_key()), b"{}".to_vec());
    }
    state
}

/// An entry, an authorization of it, and two receipts, among other blocks and a change of validators.
struct Story {
    chain: Chain,
    entry: String,
    authorization: String,
    receipts: [String; 2],
}

fn put(plan: &mut Plan, key: &str, value: serde_json::Value) {
    plan.changes.insert(key.to_owned(), value.to_string().into_bytes());
}

fn tell(ledger: &Ledger) -> Story {
    let mut chain = Chain::new(genesis("mulu-test", founding()));
    chain.start(ledger);
    let mut random = Random(3);
    let entry_digest = entry_id("3070001");
    let entry = entry_key(&entry_digest);

    let mut plan = Plan::default();
    plan.steps.push(Step::new("{\"publish\":1}", &[&entry, &format!("member/{PROVIDER}")]));
    let record = json!({
        "provider": PROVIDER,
        "office": format!("{PROVIDER}:01"),
        "duties": [format!("{PROVIDER}:D1")],
        "source": { "system": format!("{PROVIDER}:S1") },
    });
    put(&mut plan, &entry, record);
    chain.commit(ledger, plan);
    chain.commit(ledger, random_plan(&mut random));

    let mut request = Step::new("{\"request\":1}", &[&entry]);
    let id = record_id(&request.id(), 0);
    let authorization = authorization_key(&id);
    request.subjects.push(authorization.clone());
    request.subjects.push(format!("member/{CONSUMER}"));
    let mut plan = random_plan(&mut random);
    plan.steps.push(request);
    put(&mut plan, &authorization, json!({ "entry_id": entry_digest, "consumer": CONSUMER }));
    chain.commit(ledger, plan);

    // The validators change, twice.
    for (set, signers) in [(&[1, 2, 3, 5][..], vec![1, 2, 3, 5]), (&[1, 2, 3][..], vec![1, 2, 3])] {
        let next_validators = Some((validators(set), signers));
        chain.commit(ledger, Plan { next_validators, ..random_plan(&mut random) });
    }

    let mut receipts = Vec::new();
    for number in 0..2 {
        let mut step = Step::new(format!("{{\"receipt\":{number}}}"), &[&authorization]);
        step.signer = 7;
        let receipt = receipt_key(&record_id(&step.id(), 0));
        let mut plan = random_plan(&mut random);
        put(&mut plan, &receipt, json!({ "authorization_id": id }));
        plan.steps.push(step);
        chain.commit(ledger, plan);
        receipts.push(receipt);
    }
    let receipts = receipts.try_into().expect("two receipts");
    Story { chain, entry, authorization, receipts }
}

fn verified(story: &Story, ledger: &Ledger, subject: &str) -> Bundle {
    let bundle = ledger.bundle(subject).unwrap().unwrap();
    for check in verify(&bundle, &story.chain.digest()) {
        assert!(check.passed(), "{subject}: {check:?}");
    }
    let bytes = bundle.to_bytes();
    assert_eq!(Bundle::from_bytes(&bytes).unwrap(), bundle);
    bundle
}

fn assert_holds<'a>(bundle: &Bundle, keys: impl IntoIterator<Item = &'a str>) {
    for key in keys {
        let record = bundle.record(key).unwrap_or_else(|| panic!("{key} is missing"));
        assert!(record.is_some(), "{key} is proved absent");
    }
}

/// Each history with the number of its events.
fn histories(bundle: &Bundle) -> Vec<(&str, usize)> {
    let mut all: Vec<(&str, usize)> = Vec::new();
    for frame in &bundle.frames {
        match frame {
            Frame::History { subject } => all.push((subject, 0)),
            Frame::Transaction { events, .. } => {
                events.iter().for_each(|touch| all[touch.history as usize].1 += 1);
            }
            _ => {}
        }
    }
    all
}

fn count(bundle: &Bundle, is: fn(&Frame) -> bool) -> usize {
    bundle.frames.iter().filter(|frame| is(frame)).count()
}

fn is_transaction(frame: &Frame) -> bool {
    matches!(frame, Frame::Transaction { .. })
}

#[test]
fn an_entrys_bundle_tells_its_whole_story() {
    on_both_stores(|reopen| {
        let story = tell(&reopen());
        let ledger = reopen();
        let bundle = verified(&story, &ledger, &story.entry);
        let Story { entry, authorization, receipts, .. } = &story;
        let (member, other) = (format!("member/{PROVIDER}"), format!("member/{CONSUMER}"));
        let officer = format!("key/{}", key(9).public_key());
        let application = format!("key/{}", key(7).public_key());
        assert_holds(&bundle, [entry, authorization, &receipts[0], &receipts[1]].map(|k| &**k));
        assert_holds(&bundle, [&member, &other, &officer, &application].map(|k| &**k));
        let of_provider = ["office", "duty", "system"].into_iter().zip(["01", "D1", "S1"]);
        for (kind, code) in of_provider {
            assert_holds(&bundle, [&*format!("{kind}/{PROVIDER}:{code}")]);
        }
        assert_holds(&bundle, ["params", "validators"]);
        assert_eq!(histories(&bundle), [(&**authorization, 3), (&**entry, 2)]);
        assert_eq!(count(&bundle, is_transaction), 4);
        assert_eq!(count(&bundle, |frame| matches!(frame, Frame::SetChange(_))), 2);
    });
}

#[test]
fn other_subjects_have_bundles_too() {
    let ledger = Ledger::in_memory();
    let story = tell(&ledger);
    let Story { entry, authorization, receipts, .. } = &story;

    let bundle = verified(&story, &ledger, authorization);
    assert_holds(&bundle, [authorization, entry, &receipts[0], &receipts[1]].map(|k| &**k));
    assert_eq!(histories(&bundle), [(&**authorization, 3)]);

    let member = format!("member/{PROVIDER}");
    let bundle = verified(&story, &ledger, &member);
    assert_eq!(histories(&bundle), [(&*member, 1)]);
    assert_eq!(count(&bundle, is_transaction), 1);

    let bundle = verified(&story, &ledger, &receipts[1]);
    assert_eq!(histories(&bundle), [(&**authorization, 3), (&*receipts[1], 0)]);

    let office = format!("office/{PROVIDER}:01");
    let bundle = verified(&story, &ledger, &office);
    assert_holds(&bundle, [&*office, &*member]);
    assert_eq!(histories(&bundle), [(&*office, 0)], "founded, never touched");
}

#[test]
fn what_was_never_recorded_is_proved_absent() {
    let ledger = Ledger::in_memory();
    let story = tell(&ledger);
    let subject = entry_key(&Digest::sha256(b"never"));
    let bundle = verified(&story, &ledger, &subject);
    assert_eq!(bundle.record(&subject), Some(None));
    assert_eq!(bundle.record(&format!("history/{subject}")), Some(None));
    assert_eq!(count(&bundle, is_transaction), 0);
    for text in ["", "entry/\0", &"x".repeat(600)] {
        assert!(ledger.bundle(text).unwrap().is_none());
    }
}

#[test]
fn bundles_under_every_tip_verify_while_the_chain_grows() {
    let ledger = Ledger::in_memory();
    let mut story = tell(&ledger);
    let mut random = Random(11);
    for number in 0..10 {
        let mut plan = random_plan(&mut random);
        let entry = story.entry.clone();
        plan.steps.push(Step::new(format!("{{\"revise\":{number}}}"), &[&entry]));
        story.chain.commit(&ledger, plan);
        let bundle = verified(&story, &ledger, &entry);
        assert_eq!(bundle.tip(), Some(&ledger.tip().unwrap().header));
    }
}

/// A writer commits as fast as it can while bundles are made.
#[test]
fn a_commit_in_between_does_not_disturb_a_bundle() {
    on_both_stores(|reopen| {
        let ledger = reopen();
        let mut story = tell(&ledger);
        let entry = story.entry.clone();
        let digest = story.chain.digest();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let mut random = Random(5);
                for number in 0..60 {
                    let mut plan = random_plan(&mut random);
                    plan.steps.push(Step::new(format!("{{\"again\":{number}}}"), &[&entry]));
                    story.chain.commit(&ledger, plan);
                }
            });
            let mut made = 0;
            while !writer.is_finished() || made == 0 {
                let bundle = ledger.bundle(&entry).unwrap().unwrap();
                assert!(verify(&bundle, &digest).iter().all(|check| check.passed()));
                made += 1;
            }
            writer.join().expect("the writer finishes");
        });
    });
}

/// Ranges are complete, whatever lies beside them; past heights have bundles of their own.
#[test]
fn ranges_and_past_heights_have_bundles() {
    let ledger = Ledger::in_memory();
    let story = tell(&ledger);
    let tip = ledger.tip().unwrap().header;
    let whole = |question: &str, at: Option<Height>| -> Option<Bundle> {
        let question: Question = question.parse().unwrap();
        let plan = ledger.plan_bundle(&question, at).unwrap()?;
        let mut frames = Vec::new();
        let keep = &mut |frame| -> Result<(), crate::storage::StorageError> {
            frames.push(frame);
            Ok(())
        };
        plan.write(keep).unwrap();
        let bundle = Bundle { frames };
        for check in verify(&bundle, &story.chain.digest()) {
            assert!(check.passed(), "{question}: {check:?}");
        }
        Some(bundle)
    };
    for from in 1..=tip.height.0 {
        for to in from..=tip.height.0 {
            let bundle = whole(&format!("heights/{from}-{to}"), None).unwrap();
            let told: usize =
                (from..=to).map(|h| ledger.log_entries(Height(h)).unwrap().len()).sum();
            assert_eq!(count(&bundle, is_transaction), told);
            for at in 0..bundle.frames.len() {
                let Frame::Transaction { .. } = bundle.frames[at] else { continue };
                let mut without = bundle.clone();
                without.frames.remove(at);
                let checks = verify(&without, &story.chain.digest());
                assert!(checks.iter().any(|check| !check.passed()));
            }
        }
    }
    let time = |height: u64| ledger.header(Height(height)).unwrap().unwrap().time_ms.0;
    let bundle = whole(&format!("times/{}-{}", time(2), time(4)), None).unwrap();
    let told: usize = (2..=4).map(|h| ledger.log_entries(Height(h)).unwrap().len()).sum();
    assert_eq!(count(&bundle, is_transaction), told);
    let bundle = whole(&format!("times/{}-{}", time(2) + 1, time(3) - 1), None).unwrap();
    assert_eq!(count(&bundle, is_transaction), 0);
    assert!(whole(&format!("times/1-{}", tip.time_ms.0 + 1), None).is_none());
    assert!(whole(&format!("heights/1-{}", tip.height.0 + 1), None).is_none());
    for height in 1..=tip.height.0 {
        let bundle = whole(&story.entry, Some(Height(height))).unwrap();
        assert_eq!(bundle.tip().map(|tip| tip.height), Some(Height(height)));
    }
    let id = ledger.log_entries(Height(1)).unwrap()[0].transaction;
    assert_eq!(count(&whole(&format!("transaction/{id}"), None).unwrap(), is_transaction), 1);
    assert!(whole(&format!("transaction/{}", Digest::sha256(b"none")), None).is_none());
}

#[test]
fn one_flipped_byte_breaks_a_bundle() {
    let ledger = Ledger::in_memory();
    let story = tell(&ledger);
    let bytes = verified(&story, &ledger, &story.entry).to_bytes();
    let mut random = Random(1);
    for _ in 0..400 {
        let at = usize::try_from(random.below(bytes.len() as u64)).unwrap();
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << random.below(8);
        let Ok(bundle) = Bundle::from_bytes(&flipped) else { continue };
        let checks = verify(&bundle, &story.chain.digest());
        assert!(checks.iter().any(|check| !check.passed()), "byte {at}");
    }
}
