use std::collections::{BTreeMap, BTreeSet};

use super::build::{log_frames, state_frames};
use super::log_cover::LogCover;
use super::state_cover::{CoverInvalid, StateCover};
use super::*;
use crate::digest::Digest;
use crate::log::{LogFrontier, range_nodes};
use crate::state::{StateLeaf, key_hash, root_of, value_hash};

fn state(records: usize) -> BTreeMap<String, Vec<u8>> {
    (0..records).map(|n| (format!("key/{n}"), n.to_string().into_bytes())).collect()
}

fn cover(frames: &[Frame]) -> Result<StateCover, CoverInvalid> {
    let mut cover = StateCover::default();
    for frame in frames {
        match frame {
            Frame::Stub { depth, hash } => cover.stub(*depth, *hash)?,
            Frame::Record { depth, key, value } => {
                let leaf = StateLeaf { key_hash: key_hash(key), value_hash: value_hash(value) };
                cover.leaf(*depth, &leaf)?;
            }
            Frame::Leaf { depth, leaf } => cover.leaf(*depth, leaf)?,
            Frame::Empty { depth } => cover.empty(*depth)?,
            Frame::Absent { key } => cover.absent(key)?,
            other => panic!("{other:?} is no part of a state"),
        }
    }
    Ok(cover)
}

/// For states and questions of all sizes the cover leads to the root of the whole, and any part
/// left out, repeated or moved does not.
#[test]
fn covers_of_the_state_lead_to_its_root_and_changed_ones_do_not() {
    for (records, step) in [(1, 1), (2, 1), (3, 2), (40, 7), (200, 3), (200, 61), (0, 1)] {
        let state = state(records);
        let pairs = state.iter().map(|(k, v)| (key_hash(k), value_hash(v)));
        let root = root_of(pairs);
        let mut wanted: BTreeSet<String> = state.keys().step_by(step).cloned().collect();
        wanted.extend((0..5).map(|n| format!("absent/{n}")));
        let frames = state_frames(&state, &wanted);
        assert_eq!(cover(&frames).expect("a cover").root(), Some(root), "{records} records");
        for at in 0..frames.len() {
            if matches!(frames[at], Frame::Absent { .. }) {
                continue;
            }
            let mut without = frames.clone();
            without.remove(at);
            assert_ne!(cover(&without).ok().and_then(|c| c.root()), Some(root));
            let mut twice = frames.clone();
            twice.insert(at, frames[at].clone());
            assert_ne!(cover(&twice).ok().and_then(|c| c.root()), Some(root));
        }
    }
}

#[test]
fn two_stubs_that_could_be_one_are_refused() {
    let hash = Digest::sha256(b"x");
    let mut cover = StateCover::default();
    cover.stub(1, hash).expect("the left half");
    assert_eq!(cover.stub(1, hash), Err(CoverInvalid::NotMinimal));
    let mut cover = StateCover::default();
    cover.stub(1, hash).expect("the left half");
    assert_eq!(cover.stub(0, hash), Err(CoverInvalid::Misplaced));
    let mut log = LogCover::default();
    log.stub(3, hash).expect("eight leaves");
    assert_eq!(log.stub(4, hash), Err(CoverInvalid::Misplaced));
    assert_eq!(log.stub(3, hash), Err(CoverInvalid::NotMinimal));
}

/// Every size up to 70 with every single leaf told.
#[test]
fn covers_of_the_log_lead_to_its_root() {
    let leaves: Vec<Digest> = (0u8..70).map(|n| Digest::sha256(&[n])).collect();
    for size in 1..=leaves.len() {
        let leaves = &leaves[..size];
        let mut frontier = LogFrontier::default();
        for leaf in leaves {
            frontier.append(*leaf);
        }
        for told in 0..size {
            let at = u64::try_from(told).expect("small");
            // What stands for the leaf does not matter to the stubs around it.
            let marks = BTreeMap::from([(at, Frame::Empty { depth: 0 })]);
            let mut cover = LogCover::default();
            for frame in log_frames(leaves, marks) {
                match frame {
                    Frame::LogStub { level, hash } => cover.stub(level, hash).expect("in place"),
                    _ => {
                        assert_eq!(cover.size(), at);
                        cover.leaf(leaves[told]).expect("in place");
                    }
                }
            }
            assert_eq!(cover.root(), frontier.root(), "leaf {told} of {size}");
        }
        assert!(range_nodes(0, 0).is_empty());
    }
}

#[test]
fn questions_have_one_text_each() {
    let id = Digest::sha256(b"x");
    for text in [
        format!("entry/{id}"),
        "member/11110000MULU00013Q".to_owned(),
        format!("transaction/{id}"),
        "heights/1-20".to_owned(),
        "times/1000-2000".to_owned(),
        format!("receipts-of/entry/{id}"),
        "grants-of/office/11110000MULU00013Q:djzc".to_owned(),
        format!("no-grant/11110000MULU00013Q:djzc/{id}"),
    ] {
        let question: Question = text.parse().expect("a question");
        assert_eq!(question.to_string(), text);
    }
    let long = "x".repeat(600);
    for text in [
        "",
        "heights/2-1",
        "heights/01-2",
        "heights/1",
        "transaction/1",
        "receipts-of/office/x",
        "no-grant/x",
        "grants-of/member/x",
        "a\u{7}",
        &long,
    ] {
        assert!(text.parse::<Question>().is_err(), "{text}");
    }
}
