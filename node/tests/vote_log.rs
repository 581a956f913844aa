//! The vote log under crashes and damage: nothing that was durable is lost without a word.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use mulu_chain::digest::Digest;
use mulu_node::disk::OsDisk;
use mulu_node::vote_log::{FRESH_MARKER, Opened, VoteLog, owner};

fn owner_of(name: &str) -> Digest {
    owner(name, &[7; 32])
}

fn doubt(reason: &str) -> Vec<u8> {
    format!("doubt: {reason}").into_bytes()
}

fn open(folder: &Path) -> (VoteLog, Opened) {
    VoteLog::open(Arc::new(OsDisk), folder, owner_of("test"), doubt).expect("the disk works")
}

fn fresh(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join(FRESH_MARKER), b"").unwrap();
}

fn frames(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|n| format!("frame number {n}").into_bytes()).collect()
}

/// A log with five durable frames.
fn written() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fresh(dir.path());
    let (mut log, opened) = open(dir.path());
    assert_eq!(opened, Opened::Intact(Vec::new()));
    log.append(&frames(5)[..2]).unwrap();
    log.append(&frames(5)[2..]).unwrap();
    dir
}

#[test]
fn what_was_appended_is_there_again() {
    let dir = written();
    assert!(!dir.path().join(FRESH_MARKER).exists());
    for _ in 0..3 {
        assert_eq!(open(dir.path()).1, Opened::Intact(frames(5)));
    }
    let (mut log, _) = open(dir.path());
    log.append(&[b"one more".to_vec()]).unwrap();
    drop(log);
    let Opened::Intact(found) = open(dir.path()).1 else { panic!("intact") };
    assert_eq!(found.len(), 6);
}

#[test]
fn an_absent_log_is_doubt_unless_just_made_and_doubt_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (_, opened) = open(dir.path());
    assert!(matches!(opened, Opened::InDoubt(_)));
    let Opened::Intact(found) = open(dir.path()).1 else { panic!("the doubt is a frame now") };
    assert!(found[0].starts_with(b"doubt: "));
}

#[test]
fn another_keys_log_is_doubt() {
    let dir = written();
    let opened =
        VoteLog::open(Arc::new(OsDisk), dir.path(), owner_of("another chain"), doubt).unwrap().1;
    assert!(matches!(opened, Opened::InDoubt(_)));
}

#[test]
fn a_torn_tail_is_cut_and_whole_unguarded_frames_are_kept() {
    let dir = written();
    let guard = fs::read(dir.path().join("guard")).unwrap();
    let (mut log, _) = open(dir.path());
    log.append(&[b"sixth".to_vec()]).unwrap();
    drop(log);
    let whole = fs::read(dir.path().join("log")).unwrap();
    // The crash came after the log was synced and before the guard was.
    fs::write(dir.path().join("guard"), &guard).unwrap();
    let Opened::Intact(found) = open(dir.path()).1 else { panic!("intact") };
    assert_eq!(found.len(), 6);
    // The crash came while the sixth frame was being written: any prefix of it.
    for cut in 1..(4 + 5 + 32) {
        fs::write(dir.path().join("guard"), &guard).unwrap();
        fs::write(dir.path().join("log"), &whole[..whole.len() - cut]).unwrap();
        assert_eq!(open(dir.path()).1, Opened::Intact(frames(5)), "cut by {cut}");
    }
}

#[test]
fn truncation_at_every_length_is_noticed() {
    let source = written();
    let log = fs::read(source.path().join("log")).unwrap();
    let guard = fs::read(source.path().join("guard")).unwrap();
    for (name, whole, other) in [("log", &log, &guard), ("guard", &guard, &log)] {
        for length in 0..whole.len() {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join(name), &whole[..length]).unwrap();
            let beside = if name == "log" { "guard" } else { "log" };
            fs::write(dir.path().join(beside), other).unwrap();
            match open(dir.path()).1 {
                Opened::InDoubt(_) => {}
                // Bytes between and after the guard slots carry nothing.
                Opened::Intact(found) => {
                    assert!(name == "guard" && found == frames(5), "{name} cut at {length}");
                }
            }
        }
    }
}

#[test]
fn every_single_bit_flip_is_noticed_or_harmless() {
    let source = written();
    let log = fs::read(source.path().join("log")).unwrap();
    let guard = fs::read(source.path().join("guard")).unwrap();
    let (mut noticed, mut harmless) = (0u32, 0u32);
    for (name, whole) in [("log", &log), ("guard", &guard)] {
        let beside = if name == "log" { ("guard", &guard) } else { ("log", &log) };
        // The guard is two slots of 96 bytes in 8 KiB; the rest carries nothing.
        let bytes: Vec<usize> = match name {
            "log" => (0..whole.len()).collect(),
            _ => (0..96).chain(4096..4192).collect(),
        };
        for at in bytes {
            for bit in 0..8 {
                let dir = tempfile::tempdir().unwrap();
                let mut damaged = whole.clone();
                damaged[at] ^= 1 << bit;
                fs::write(dir.path().join(name), &damaged).unwrap();
                fs::write(dir.path().join(beside.0), beside.1).unwrap();
                match open(dir.path()).1 {
                    Opened::InDoubt(_) => noticed += 1,
                    Opened::Intact(found) => {
                        assert_eq!(found, frames(5), "{name} byte {at} bit {bit}");
                        harmless += 1;
                    }
                }
            }
        }
    }
    println!("{noticed} flips noticed, {harmless} harmless, 0 silent");
    assert!(noticed > 2_000);
}

#[test]
fn rotation_keeps_the_live_frames_and_survives_a_crash_before_the_rename() {
    let dir = written();
    let old = fs::read(dir.path().join("log")).unwrap();
    let (mut log, _) = open(dir.path());
    log.rotate(&[b"live".to_vec()]).unwrap();
    let new = fs::read(dir.path().join("log")).unwrap();
    let guard_after = fs::read(dir.path().join("guard")).unwrap();
    log.append(&[b"later".to_vec()]).unwrap();
    drop(log);
    let expected = vec![b"live".to_vec(), b"later".to_vec()];
    assert_eq!(open(dir.path()).1, Opened::Intact(expected));

    // As if the crash came before the rename: the old log, the new one beside it, and a guard
    // whose newest slot fits the new log while the other fits the old.
    let dir = written();
    let guard_before = fs::read(dir.path().join("guard")).unwrap();
    let (mut log, _) = open(dir.path());
    let at_open = fs::read(dir.path().join("guard")).unwrap();
    log.rotate(&[b"live".to_vec()]).unwrap();
    drop(log);
    assert_ne!(guard_before, at_open);
    let mixed =
        one_slot_of_each(&at_open, &guard_after, &fs::read(dir.path().join("guard")).unwrap());
    fs::write(dir.path().join("guard"), mixed).unwrap();
    fs::write(dir.path().join("log"), &old).unwrap();
    fs::write(dir.path().join("log.next"), &new).unwrap();
    assert_eq!(open(dir.path()).1, Opened::Intact(frames(5)));
    assert!(!dir.path().join("log.next").exists());
}

/// The guard between the two guard writes of a rotation: the slot written last before it, and the
/// first one written by it.
fn one_slot_of_each(before: &[u8], _: &[u8], after: &[u8]) -> Vec<u8> {
    let sequence =
        |guard: &[u8], at: usize| u64::from_le_bytes(guard[at + 8..at + 16].try_into().unwrap());
    let newest_before = sequence(before, 0).max(sequence(before, 4096));
    let mut mixed = before.to_vec();
    // Of the two slots the rotation wrote, the first has the lower sequence.
    for at in [0, 4096] {
        if sequence(after, at) == newest_before + 1 {
            mixed[at..at + 96].copy_from_slice(&after[at..at + 96]);
        }
    }
    mixed
}
