//! Every single bit flip and every cut of the small durable files of a node.
//!
//! A vote log's files are damaged at rest, in several states of its life, and opened. Damage is
//! *silent* if the log calls itself intact and lacks, or has changed, a frame that was acknowledged.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mulu_chain::signature::SigningKey;
use mulu_node::disk::OsDisk;
use mulu_node::keys;
use mulu_node::storage::Ledger;
use mulu_node::vote_log::{FRESH_MARKER, Opened, VoteLog, owner};

use crate::crashes::{doubt, frame, voter};
use crate::sim::disk::{SimDisk, SimDiskImage};

/// What damage came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Damage {
    /// Damages done.
    pub tried: u64,
    /// Unnoticed, and something acknowledged was lost or changed.
    pub silent: u64,
    /// Noticed: the log is in doubt.
    pub doubt: u64,
    /// Nothing acknowledged was lost or changed.
    pub harmless: u64,
}

impl std::ops::AddAssign for Damage {
    fn add_assign(&mut self, other: Damage) {
        self.tried += other.tried;
        self.silent += other.silent;
        self.doubt += other.doubt;
        self.harmless += other.harmless;
    }
}

/// A disk at rest, and the frames that its vote log must have.
struct Scene {
    image: SimDiskImage,
    acknowledged: Vec<Vec<u8>>,
    /// Frames that may follow them.
    unacknowledged: Vec<Vec<u8>>,
}

/// Flips every bit of every file of the vote log, in every scene.
pub fn flip_every_bit() -> Damage {
    damage_each(8, |disk, file, bit| disk.flip_bit(file, bit))
}

/// Cuts every file of the vote log at every length, in every scene.
pub fn truncate_everywhere() -> Damage {
    damage_each(1, |disk, file, length| disk.truncate(file, length))
}

/// Two faults at once: the newest guard slot cannot be read, and the log is cut at every length.
/// Not while a rotation is under way: there a slot may be torn with no frames of its own, so that
/// these two faults, with the cut just where a frame ends, look like a power loss.
pub fn lose_the_newest_slot_and_cut() -> Damage {
    let mut sum = Damage::default();
    for scene in scenes() {
        let disk = SimDisk::new(1);
        disk.restore(&scene.image);
        if disk.bytes(&path("log.next")).is_some() {
            continue;
        }
        let guard = disk.bytes(&path("guard")).expect("there");
        let sequence =
            |at: usize| u64::from_le_bytes(guard[at + 8..at + 16].try_into().expect("8"));
        let newest = if sequence(0) > sequence(4096) { 0 } else { 4096 };
        for length in 0..disk.bytes(&path("log")).map_or(0, |log| log.len() as u64) {
            disk.restore(&scene.image);
            disk.flip_bit(&path("guard"), (newest + 40) * 8);
            disk.truncate(&path("log"), length);
            scene.judge(&disk, &mut sum);
        }
    }
    sum
}

/// Flips every bit of a validator's key file. A flip is noticed if the file is refused, or if the
/// key is another one, whose vote log it then is not.
pub fn flip_every_bit_of_a_key() -> Damage {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("validator.pem");
    let key = SigningKey::from_seed(&[7; 32]);
    keys::write_new(&OsDisk, &file, &key).expect("written");
    flip_each(&std::fs::read(&file).expect("readable"), |damaged| {
        // Over the old bytes, so that the mode stays.
        std::fs::write(&file, damaged).expect("written");
        match keys::load(&file) {
            Ok(found) if found.public_key() == key.public_key() => Verdict::Harmless,
            Ok(found) => match owner("test", found.public_key().as_bytes())
                == owner("test", key.public_key().as_bytes())
            {
                true => Verdict::Silent,
                false => Verdict::Doubt,
            },
            Err(_) => Verdict::Doubt,
        }
    })
}

/// Flips every bit of a founding document. A flip is noticed if the document is refused, or if a
/// ledger that was founded on the right one refuses it.
pub fn flip_every_bit_of_a_founding(document: &str) -> Damage {
    let right = mulu_genesis::parse(document, "genesis.toml").expect("a founding document");
    let ledger = Ledger::in_memory();
    ledger.initialize(right.block()).expect("an empty ledger");
    flip_each(document.as_bytes(), |damaged| {
        let Ok(text) = std::str::from_utf8(damaged) else { return Verdict::Doubt };
        let Ok(found) = mulu_genesis::parse(text, "genesis.toml") else { return Verdict::Doubt };
        match (ledger.initialize(found.block()), found.block() == right.block()) {
            (Err(_), _) => Verdict::Doubt,
            (Ok(_), true) => Verdict::Harmless,
            (Ok(_), false) => Verdict::Silent,
        }
    })
}

enum Verdict {
    Silent,
    Doubt,
    Harmless,
}

fn flip_each(bytes: &[u8], judge: impl Fn(&[u8]) -> Verdict) -> Damage {
    let mut sum = Damage::default();
    let mut damaged = bytes.to_vec();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            damaged[at] ^= 1 << bit;
            sum.tried += 1;
            match judge(&damaged) {
                Verdict::Silent => sum.silent += 1,
                Verdict::Doubt => sum.doubt += 1,
                Verdict::Harmless => sum.harmless += 1,
            }
            damaged[at] ^= 1 << bit;
        }
    }
    sum
}

fn damage_each(units_per_byte: u64, damage: impl Fn(&SimDisk, &Path, u64)) -> Damage {
    let mut sum = Damage::default();
    for (number, scene) in scenes().into_iter().enumerate() {
        let disk = SimDisk::new(1);
        disk.restore(&scene.image);
        for file in disk.files() {
            let bytes = disk.bytes(&file).map_or(0, |bytes| bytes.len() as u64);
            for at in 0..bytes * units_per_byte {
                disk.restore(&scene.image);
                damage(&disk, &file, at);
                let before = sum.silent;
                scene.judge(&disk, &mut sum);
                if sum.silent > before {
                    println!("silent: scene {number}, {} at {at}", file.display());
                }
            }
        }
    }
    sum
}

impl Scene {
    /// Opens the log, and once more after a power loss if it seemed whole.
    fn judge(&self, disk: &SimDisk, sum: &mut Damage) {
        sum.tried += 1;
        match (open(disk).1, self.must_hold(disk)) {
            (Opened::InDoubt(_), _) => sum.doubt += 1,
            (Opened::Intact(found), Some(again)) if self.is_whole(&found) && found == again => {
                sum.harmless += 1;
            }
            (Opened::Intact(_), _) => sum.silent += 1,
        }
    }

    fn must_hold(&self, disk: &SimDisk) -> Option<Vec<Vec<u8>>> {
        disk.crash();
        match open(disk).1 {
            Opened::Intact(found) => Some(found),
            Opened::InDoubt(_) => None,
        }
    }

    fn is_whole(&self, found: &[Vec<u8>]) -> bool {
        found.starts_with(&self.acknowledged)
            && self.unacknowledged.starts_with(&found[self.acknowledged.len()..])
    }
}

fn path(name: &str) -> PathBuf {
    Path::new("/votes").join(name)
}

fn open(disk: &SimDisk) -> (VoteLog, Opened) {
    let disk = Arc::new(disk.clone());
    VoteLog::open(disk, Path::new("/votes"), voter(), doubt).expect("the disk works")
}

/// A log that was just begun in a new home.
fn fresh() -> (SimDisk, VoteLog) {
    let disk = SimDisk::new(0);
    disk.replace(&path(FRESH_MARKER), Vec::new());
    let (log, _) = open(&disk);
    (disk, log)
}

fn frames(numbers: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    numbers.map(frame).collect()
}

/// States of a log's life: appended, rotated and appended, between log and guard, in the middle of
/// a rotation on either side of the rename, and begun in doubt.
fn scenes() -> Vec<Scene> {
    let mut scenes = Vec::new();
    let mut scene = |disk: &SimDisk, acknowledged: &[Vec<u8>], unacknowledged: &[Vec<u8>]| {
        scenes.push(Scene {
            image: disk.snapshot(),
            acknowledged: acknowledged.to_vec(),
            unacknowledged: unacknowledged.to_vec(),
        });
    };
    let written = "the disk works";

    let (disk, mut log) = fresh();
    log.append(&frames(0..3)).expect(written);
    for number in 3..12 {
        log.append(&frames(number..number + 1)).expect(written);
    }
    scene(&disk, &frames(0..12), &[]);

    log.rotate(&frames(20..23)).expect(written);
    scene(&disk, &frames(20..23), &[]);
    for number in 23..30 {
        log.append(&frames(number..number + 1)).expect(written);
    }
    scene(&disk, &frames(20..30), &[]);

    // The guard never heard of the last frames.
    let guard = disk.bytes(&path("guard")).expect("there");
    log.append(&frames(30..32)).expect(written);
    disk.replace(&path("guard"), guard);
    scene(&disk, &frames(20..30), &frames(30..32));

    // A rotation that stops at each of its eight operations.
    for stop in 1..=8 {
        let (disk, mut log) = fresh();
        for number in 0..4 {
            log.append(&frames(number..number + 1)).expect(written);
        }
        disk.power_off_after(stop);
        log.rotate(&frames(40..42)).expect_err("the power goes");
        disk.crash();
        let image = disk.snapshot();
        let Opened::Intact(found) = open(&disk).1 else { panic!("stop {stop} must be no doubt") };
        scenes.push(Scene { image, acknowledged: found, unacknowledged: Vec::new() });
    }

    let disk = SimDisk::new(0);
    let (mut log, Opened::InDoubt(reason)) = open(&disk) else { panic!("no log is doubt") };
    log.append(&frames(0..2)).expect(written);
    let acknowledged = [vec![doubt(&reason)], frames(0..2)].concat();
    scenes.push(Scene { image: disk.snapshot(), acknowledged, unacknowledged: Vec::new() });
    scenes
}
