//! The two files of the vote log, as a crash or a bad disk may leave them.
//!
//! Input: `u16 length ‖ log ‖ guard slot 0 (96) ‖ guard slot 1`; the slots go to their places.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use mulu_chain::digest::Digest;
use mulu_chain::types::Height;
use mulu_node::disk::OsDisk;
use mulu_node::replica::guard::LogRecord;
use mulu_node::vote_log::{Opened, VoteLog, owner};
use tempfile::TempDir;

use super::{Outcome, scratch};
use crate::fuzz::target::Seeds;

const SLOT_BYTES: usize = 96;
const SLOT_STRIDE_BYTES: usize = 4096;

thread_local! {
    static FOLDER: TempDir = scratch::folder();
}

fn whose() -> Digest {
    owner("mulu-vectors", &[1; 32])
}

fn open(folder: &Path) -> (VoteLog, Opened) {
    let opened = VoteLog::open(Arc::new(OsDisk), folder, whose(), LogRecord::doubt_frame);
    opened.expect("damage is no error")
}

/// Opening never fails on damage, what it finds is what a second opening finds, and a doubt is
/// not forgotten by opening again.
pub fn run(data: &[u8]) -> Outcome {
    let Some((length, rest)) = data.split_first_chunk::<2>() else {
        return Outcome::refused(&"too short");
    };
    let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
    let (log, slots) = rest.split_at(length);
    let (first, second) = slots.split_at(SLOT_BYTES.min(slots.len()));
    let mut guard = first.to_vec();
    guard.resize(SLOT_STRIDE_BYTES, 0);
    guard.extend_from_slice(second);
    FOLDER.with(|folder| {
        let folder = folder.path();
        scratch::clear(folder);
        scratch::write(&folder.join("log"), log);
        scratch::write(&folder.join("guard"), &guard);
        judge(folder)
    })
}

fn judge(folder: &Path) -> Outcome {
    let (mut log, found) = open(folder);
    match found {
        Opened::Intact(mut frames) => {
            let frame = LogRecord::Mark(Height(77)).to_frame();
            log.append(std::slice::from_ref(&frame)).expect("the disk works");
            drop(log);
            frames.push(frame);
            assert!(open(folder).1 == Opened::Intact(frames), "a restart remembers otherwise");
            Outcome::accepted("intact")
        }
        Opened::InDoubt(reason) => {
            drop(log);
            let doubt = LogRecord::doubt_frame(&reason);
            assert!(open(folder).1 == Opened::Intact(vec![doubt]), "the doubt was forgotten");
            Outcome::refused(&reason)
        }
    }
}

/// A log of no, two and three frames, one of them cut off in a frame that was not guarded.
pub fn seeds() -> Seeds {
    let folder = scratch::folder();
    let (path, mut seeds) = (folder.path(), Vec::new());
    let input = |extra: &[u8]| {
        let mut log = fs::read(path.join("log")).expect("the log is there");
        log.extend_from_slice(extra);
        let guard = fs::read(path.join("guard")).expect("the guard is there");
        let length = u16::try_from(log.len()).expect("a small log").to_le_bytes();
        let slot = |at: usize| guard.get(at..at + SLOT_BYTES).unwrap_or_default();
        [&length[..], &log, slot(0), slot(SLOT_STRIDE_BYTES)].concat()
    };
    scratch::write(&path.join(mulu_node::vote_log::FRESH_MARKER), b"");
    let (mut log, _) = open(path);
    seeds.push(("no-frames", input(b"")));
    let frame = |n: u64| LogRecord::Mark(Height(n)).to_frame();
    log.append(&[frame(1), frame(2)]).expect("the disk works");
    seeds.push(("two-frames", input(b"")));
    log.append(&[LogRecord::doubt_frame("why")]).expect("the disk works");
    seeds.push(("three-frames", input(b"")));
    seeds.push(("torn-tail", input(&[12, 0, 0, 0, 8, 1])));
    seeds
}
