//! Golden vectors: the formats as files that any language can read.
//!
//! Each file under `tests/vectors/` is rebuilt from fixed seeds and compared byte for byte. A
//! difference means a format changed; `make vectors` rewrites the files, on purpose.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use mulu_chain::block::{CertifiedHeader, HEADER_VERSION, Header, PROTOCOL_VERSION, body_hash};
use mulu_chain::bundle::{self, Bundle, Frame, Head, Touch, build};
use mulu_chain::certificate::{CommitCertificate, CommitSignature, VoteKind, VoteStatement};
use mulu_chain::codec;
use mulu_chain::digest::Digest;
use mulu_chain::json;
use mulu_chain::log::{LOG_ENTRY_VERSION, LogEntry, LogFrontier, Outcome};
use mulu_chain::signature::SigningKey;
use mulu_chain::state::{self, HistoryEvent, HistoryLeaf, StateLeaf, StateProof};
use mulu_chain::transaction::{Envelope, pae, transaction_id};
use mulu_chain::types::{ChainId, Height, TimeMs};
use mulu_chain::validator::{Validator, ValidatorSet};
use mulu_contracts::evidence::{Equivocation, EvidenceStep, Statement, transaction_payload};
use serde_json::{Value, json};

fn check(name: &str, vector: &Value) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name);
    let text = format!("{}\n", serde_json::to_string_pretty(vector).unwrap());
    if std::env::var_os("MULU_WRITE_VECTORS").is_some() {
        std::fs::write(&path, text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "{name}: the format changed; if on purpose, run `make vectors`");
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32])
}

fn chain_id() -> ChainId {
    "mulu-vectors".parse().unwrap()
}

const PAYLOAD: &str = r#"{"schema_version":1,"chain_id":"mulu-vectors","submitter":{"member":"11110000MB0000010K","office":"catalog"},"valid_until":100,"actions":[{"type":"entry.withdraw","entry_id":"sha256:1111111111111111111111111111111111111111111111111111111111111111","prev":"sha256:2222222222222222222222222222222222222222222222222222222222222222","reason":"目录调整"}]}"#;

fn envelope() -> Envelope {
    Envelope::sign(PAYLOAD.as_bytes().to_vec(), &[&key(1), &key(2)]).unwrap()
}

fn other_envelope() -> Envelope {
    Envelope::sign(b"another payload".to_vec(), &[&key(2)]).unwrap()
}

fn validators() -> ValidatorSet {
    let validator = |n: u8| Validator {
        public_key: key(n).public_key(),
        power: 1,
        member: format!("member-{n}"),
    };
    ValidatorSet::new((11..=14).map(validator).collect()).unwrap()
}

fn entry(index: u32, outcome: Outcome) -> LogEntry {
    LogEntry {
        version: LOG_ENTRY_VERSION,
        height: Height(1),
        index,
        time_ms: TimeMs(1_767_225_600_000),
        transaction: envelope().id(),
        envelope: envelope().digest(),
        outcome,
    }
}

#[test]
fn transaction() {
    let envelope = envelope();
    let seeds: Vec<String> = [1u8, 2].iter().map(|n| hex::encode([*n; 32])).collect();
    check(
        "transaction.json",
        &json!({
            "seeds": seeds,
            "payload": PAYLOAD,
            "pre_authentication_encoding_hex": hex::encode(pae(PAYLOAD.as_bytes())),
            "transaction_id": envelope.id(),
            "envelope_json": envelope.to_json(),
            "envelope_hex": hex::encode(codec::encode(&envelope)),
            "envelope_digest": envelope.digest(),
        }),
    );
    let read = Envelope::from_json(envelope.to_json().to_string().as_bytes()).unwrap();
    assert_eq!(read, envelope);
    assert!(read.verify().is_ok());
}

/// Texts and the first strict-JSON rule each breaks.
#[test]
fn strict_json() {
    let deep = format!("{}{}", "[".repeat(17), "]".repeat(17));
    let long = format!("\"{}\"", "a".repeat(16 * 1024 + 1));
    let rows: Vec<(&[u8], Option<&str>)> = vec![
        (br#"{"a":1,"b":[true,false,null],"c":"\u4e2d\ud83d\ude00"}"#, None),
        (b" \t\r\n[] ", None),
        (b"-9007199254740991", None),
        (b"\"\xff\"", Some("JSN-01")),
        (b"", Some("JSN-02")),
        (b"{} x", Some("JSN-02")),
        (b"\xef\xbb\xbf{}", Some("JSN-02")),
        (b"01", Some("JSN-02")),
        (b"{\"a\":1,}", Some("JSN-02")),
        (b"'a'", Some("JSN-02")),
        (br#"{"a":1,"a":2}"#, Some("JSN-03")),
        (br#"{"a":1,"\u0061":2}"#, Some("JSN-03")),
        (b"1.0", Some("JSN-04")),
        (b"1e3", Some("JSN-04")),
        (b"9007199254740992", Some("JSN-05")),
        (b"123456789012345678901234567890", Some("JSN-05")),
        (b"-0", Some("JSN-05")),
        (b"\"a\nb\"", Some("JSN-06")),
        (br#""a\u0000b""#, Some("JSN-06")),
        ("\"a\u{85}b\"".as_bytes(), Some("JSN-06")),
        ("\"a\u{202e}b\"".as_bytes(), Some("JSN-07")),
        (br#""a\u200bb""#, Some("JSN-07")),
        ("\"e\u{301}\"".as_bytes(), Some("JSN-08")),
        (deep.as_bytes(), Some("JSN-09")),
        (long.as_bytes(), Some("JSN-10")),
        (br#""\ud800""#, Some("JSN-11")),
        (br#""\ud800\u0041""#, Some("JSN-11")),
        (br#""\uffff""#, Some("JSN-11")),
        (br#"" a""#, Some("JSN-12")),
        (br#"{"a ":1}"#, Some("JSN-12")),
    ];
    let mut seen = std::collections::BTreeSet::new();
    let mut vector = Vec::new();
    for (text, expected) in rows {
        let found = json::check(text).err().map(|invalid| invalid.rule.id());
        assert_eq!(found, expected, "{}", String::from_utf8_lossy(text));
        seen.extend(expected);
        vector.push(json!({"text_hex": hex::encode(text), "rule": expected}));
    }
    assert_eq!(seen.len(), json::JsonRule::ALL.len(), "every rule has a row: {seen:?}");
    check("strict_json.json", &Value::Array(vector));
}

struct Ledger {
    header: Header,
    certificate: CommitCertificate,
    entries: Vec<LogEntry>,
    record: (String, Vec<u8>),
    history: (String, HistoryLeaf),
    event: HistoryEvent,
    genesis: Header,
}

fn genesis() -> Header {
    Header {
        version: HEADER_VERSION,
        chain_id: chain_id(),
        protocol_version: PROTOCOL_VERSION,
        height: Height::GENESIS,
        time_ms: TimeMs(1_767_225_000_000),
        parent: Digest::ZERO,
        proposer: None,
        transactions: 0,
        body: body_hash(&[]),
        log_size: 0,
        log_root: LogFrontier::default().root(),
        state_root: state::PLACEHOLDER,
        validator_set_hash: validators().hash(),
        next_validator_set_hash: validators().hash(),
    }
}

/// One block with two transactions, one record and one history.
fn ledger() -> Ledger {
    let rejected = Outcome::Rejected { rule: "ENT-01".to_owned(), action: 0 };
    let mut second = entry(1, rejected);
    second.transaction = other_envelope().id();
    second.envelope = other_envelope().digest();
    let entries = vec![entry(0, Outcome::Accepted), second];
    let mut frontier = LogFrontier::default();
    for entry in &entries {
        frontier.append(entry.leaf_hash());
    }
    let event =
        HistoryEvent { height: Height(1), index: 0, action: 0, transaction: envelope().id() };
    let record = ("entry/sha256:aa".to_owned(), br#"{"name":"market entities"}"#.to_vec());
    let leaf = HistoryLeaf::of([&event]);
    let history = (state::history_key("entry/sha256:aa"), leaf);
    let pairs = [
        (state::key_hash(&record.0), state::value_hash(&record.1)),
        (state::key_hash(&history.0), state::value_hash(&codec::encode(&history.1))),
    ];
    let header = Header {
        height: Height(1),
        time_ms: TimeMs(1_767_225_600_000),
        parent: genesis().id(),
        proposer: Some(key(11).public_key()),
        transactions: 2,
        body: body_hash(&[envelope(), other_envelope()]),
        log_size: frontier.size(),
        log_root: frontier.root(),
        state_root: state::root_of(pairs),
        ..genesis()
    };
    let statement = VoteStatement {
        chain_id: chain_id(),
        height: Height(1),
        round: 0,
        kind: VoteKind::Precommit,
        block: Some(header.id()),
    };
    let signatures = [11, 12, 13]
        .map(|n| CommitSignature {
            validator: key(n).public_key(),
            signature: key(n).sign(&statement.signed_bytes()),
        })
        .to_vec();
    let certificate = CommitCertificate::new(Height(1), 0, header.id(), signatures);
    Ledger { header, certificate, entries, record, history, event, genesis: genesis() }
}

/// A proof in a tree of two leaves: the siblings are the other leaf and, above, empty subtrees.
fn two_leaf_proof(own: (&str, &[u8]), other: (&str, &[u8])) -> StateProof {
    let (a, b) = (state::key_hash(own.0), state::key_hash(other.0));
    let other_hash = state::root_of([(b, state::value_hash(other.1))]);
    let bit = |hash: &Digest, depth: usize| hash.as_bytes()[depth / 8] >> (7 - depth % 8) & 1;
    let depth = (0..256).find(|d| bit(&a, *d) != bit(&b, *d)).unwrap();
    let mut siblings = vec![other_hash];
    siblings.extend(vec![state::PLACEHOLDER; depth]);
    StateProof {
        leaf: Some(StateLeaf { key_hash: a, value_hash: state::value_hash(own.1) }),
        siblings,
    }
}

#[test]
fn block_log_state_and_certificate() {
    let ledger = ledger();
    ledger.certificate.verify(&chain_id(), &validators()).unwrap();
    let leaf_bytes = codec::encode(&ledger.history.1);
    let proof =
        two_leaf_proof((&ledger.record.0, &ledger.record.1), (&ledger.history.0, &leaf_bytes));
    proof.verify(&ledger.header.state_root, &ledger.record.0, Some(&ledger.record.1)).unwrap();
    check(
        "block.json",
        &json!({
            "validator_seeds": (11..=14).map(|n: u8| hex::encode([n; 32])).collect::<Vec<_>>(),
            "validators": validators(),
            "validator_set_hash": validators().hash(),
            "genesis": ledger.genesis,
            "genesis_hex": hex::encode(codec::encode(&ledger.genesis)),
            "genesis_id": ledger.genesis.id(),
            "header": ledger.header,
            "header_hex": hex::encode(codec::encode(&ledger.header)),
            "header_id": ledger.header.id(),
            "certificate_hex": hex::encode(codec::encode(&ledger.certificate)),
            "log_entries": ledger.entries.iter().map(|e| json!({
                "entry": e, "leaf_hex": hex::encode(e.leaf_bytes()), "leaf_hash": e.leaf_hash(),
            })).collect::<Vec<_>>(),
            "record": {"key": ledger.record.0, "value": String::from_utf8_lossy(&ledger.record.1),
                "key_hash": state::key_hash(&ledger.record.0), "value_hash": state::value_hash(&ledger.record.1)},
            "record_proof": proof,
            "history": {"key": ledger.history.0, "events": [ledger.event], "leaf": ledger.history.1,
                "leaf_hex": hex::encode(leaf_bytes)},
        }),
    );
}

/// Two prevotes of one validator, the transaction that reports them, and where the record stands.
#[test]
fn evidence() {
    let (height, round) = (Height(7), 2);
    let statement = |block: Option<Digest>| {
        let (chain_id, kind) = (chain_id(), VoteKind::Prevote);
        let said = VoteStatement { chain_id, height, round, kind, block }.signed_bytes();
        (hex::encode(&said), Statement { block, valid_round: None, signature: key(11).sign(&said) })
    };
    let (nil, block) = (statement(None), statement(Some(Digest::sha256(b"a block"))));
    let equivocation = Equivocation {
        validator: key(11).public_key(),
        height,
        round,
        step: EvidenceStep::Prevote,
        first: block.1,
        second: nil.1,
    };
    let payload =
        transaction_payload(&chain_id(), "11110000MB0000010W", Height(20), equivocation.clone());
    check(
        "evidence.json",
        &json!({
            "validator_seed": hex::encode([11u8; 32]),
            "first_signed_bytes_hex": nil.0,
            "second_signed_bytes_hex": block.0,
            "record_key": equivocation.key(),
            "payload": String::from_utf8_lossy(&payload),
            "transaction_id": transaction_id(&payload),
        }),
    );
}

fn bundle() -> Bundle {
    let Ledger { header, certificate, entries, record, history, event, genesis } = ledger();
    let leaf_bytes = codec::encode(&history.1);
    let state = BTreeMap::from([record.clone(), (history.0.clone(), leaf_bytes)]);
    let mut wanted: BTreeSet<String> = state.keys().cloned().collect();
    wanted.insert("member/absent".to_owned());
    let leaves: Vec<Digest> = entries.iter().map(LogEntry::leaf_hash).collect();
    let told = Frame::Transaction {
        height: entries[0].height,
        index: entries[0].index,
        time_ms: entries[0].time_ms,
        outcome: entries[0].outcome.clone(),
        envelope: envelope(),
        events: vec![Touch { action: event.action, history: 0 }],
    };
    let mut frames = vec![
        Frame::Head(Head {
            version: bundle::BUNDLE_VERSION,
            chain_id: chain_id(),
            question: record.0.clone(),
            genesis,
            genesis_validators: validators(),
        }),
        Frame::Tip(CertifiedHeader { header, certificate }),
    ];
    frames.extend(build::state_frames(&state, &wanted));
    frames.push(Frame::History { subject: record.0 });
    frames.extend(build::log_frames(&leaves, BTreeMap::from([(0, told)])));
    Bundle { frames }
}

#[test]
fn bundle_verifies_and_no_changed_byte_of_it_does() {
    let bundle = bundle();
    let trusted = genesis().id();
    let bytes = bundle.to_bytes();
    assert_eq!(Bundle::from_bytes(&bytes).unwrap(), bundle);
    for step in bundle::verify(&bundle, &trusted) {
        assert!(step.passed(), "{step:?}");
    }
    let frames: Vec<Value> = bundle
        .frames
        .iter()
        .map(|frame| {
            let name = format!("{frame:?}");
            let name = name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            json!({ "frame": name, "hex": hex::encode(codec::encode(frame)) })
        })
        .collect();
    let vector = json!({
        "trusted_genesis": trusted,
        "frames": frames,
        "bundle_hex": hex::encode(&bytes),
        "sha256": Digest::sha256(&bytes),
    });
    check("bundle.json", &vector);
    let mut tried = 0u32;
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            // That another key is absent is another truth: it may verify, too.
            let other_absence = |b: &Bundle| {
                b.frames.iter().zip(&bundle.frames).all(|(new, old)| {
                    let absent = |frame| matches!(frame, &Frame::Absent { .. });
                    new == old || (absent(new) && absent(old))
                })
            };
            let accepted = Bundle::from_bytes(&changed).is_ok_and(|b| {
                !other_absence(&b) && bundle::verify(&b, &trusted).iter().all(bundle::Check::passed)
            });
            assert!(!accepted, "byte {at} bit {bit} changed and accepted");
            tried += 1;
        }
    }
    for length in 0..bytes.len() {
        assert!(Bundle::from_bytes(&bytes[..length]).is_err());
    }
    println!("{tried} single-bit changes and {} truncations: 0 accepted", bytes.len());
    let other = Digest::sha256(b"another genesis");
    assert!(!bundle::verify(&bundle, &other)[1].passed());
}

#[test]
fn a_list_with_an_event_left_out_does_not_verify() {
    let failed = |change: &dyn Fn(&mut Frame)| -> Vec<&str> {
        let mut bundle = bundle();
        bundle.frames.iter_mut().for_each(change);
        let checks = bundle::verify(&bundle, &genesis().id());
        checks.iter().filter(|c| !c.passed()).map(|c| c.name).collect()
    };
    let events_gone = failed(&|frame| {
        if let Frame::Transaction { events, .. } = frame {
            events.clear();
        }
    });
    assert_eq!(events_gone, ["histories-complete"]);
    let transaction_gone = failed(&|frame| {
        if let Frame::Transaction { .. } = frame {
            *frame = Frame::LogLeaf(ledger().entries[0].clone());
        }
    });
    assert_eq!(transaction_gone, ["histories-complete"]);
    let vote_gone = failed(&|frame| {
        if let Frame::Tip(tip) = frame {
            tip.certificate.signatures.pop();
        }
    });
    assert_eq!(vote_gone, ["tip-certificate"]);
    let vote_twice = failed(&|frame| {
        if let Frame::Tip(tip) = frame {
            tip.certificate.signatures[1] = tip.certificate.signatures[0].clone();
        }
    });
    assert_eq!(vote_twice, ["tip-certificate"]);
}
