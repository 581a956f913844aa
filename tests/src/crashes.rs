//! A vote log whose disk fails at every operation of a whole life, one after the other.
//!
//! The life: a first start, appends, a rotation, restarts, a lost guard, the doubt that follows. A
//! model remembers what was acknowledged. What an opened log may hold is exactly that, and perhaps
//! whole frames of the append that was under way; anything less must be a doubt. A power loss alone
//! must not even cause a doubt, and a log on a disk that works again must open.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mulu_chain::digest::Digest;
use mulu_node::disk::Site;
use mulu_node::vote_log::{FRESH_MARKER, Opened, VoteLog, VoteLogError, owner};

use crate::sim::disk::SimDisk;

/// What goes wrong, at the n-th operation it can go wrong at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The power goes.
    PowerLoss,
    /// A sync fails and the process is started again; later the power goes.
    FailedSync,
    /// The disk is full and the process is started again, once in vain, once with space.
    FullDisk,
}

/// What the lives came to.
#[derive(Debug, Default)]
pub struct Sweep {
    /// Lives lived, each with one fault at one place and one seed.
    pub lives: u64,
    /// Faults by site.
    pub struck: BTreeMap<Site, u64>,
    /// Lives that ended in a doubt that the life itself did not ask for.
    pub doubts: u64,
    /// What must never be, in words.
    pub violations: Vec<String>,
}

/// The digest of the one who votes in these lives.
pub fn voter() -> Digest {
    owner("test", &[7; 32])
}

/// The frame of a doubt in these lives.
pub fn doubt(reason: &str) -> Vec<u8> {
    format!("doubt: {reason}").into_bytes()
}

/// A few bytes that differ in content and length; some have none.
pub fn frame(number: u64) -> Vec<u8> {
    match number % 7 {
        3 => Vec::new(),
        more => format!("frame {number}").repeat(usize::try_from(more).unwrap_or(0)).into_bytes(),
    }
}

/// Lets `fault` happen at every place, with `seeds` seeds each.
pub fn sweep(fault: Fault, seeds: u64) -> Sweep {
    let mut sweep = Sweep::default();
    for fresh in [true, false] {
        for seed in 0..seeds {
            for at in 1.. {
                let mut life = Life::new(seed.wrapping_mul(1 << 32).wrapping_add(at), fresh);
                if !life.live_with(fault, at) {
                    break;
                }
                sweep.lives += 1;
                sweep.doubts += u64::from(life.doubted);
                for (site, times) in life.disk.struck() {
                    *sweep.struck.entry(site).or_default() += times;
                }
                let place = format!("{fault:?} at {at}, seed {seed}, fresh {fresh}");
                sweep.violations.extend(life.violations.iter().map(|v| format!("{place}: {v}")));
            }
        }
    }
    sweep
}

/// What was under way when the log was last heard of.
enum Flight {
    Nothing,
    Append(Vec<Vec<u8>>),
    Rotation(Vec<Vec<u8>>),
}

struct Life {
    disk: SimDisk,
    log: Option<VoteLog>,
    acknowledged: Vec<Vec<u8>>,
    flight: Flight,
    next_frame: u64,
    /// The log was destroyed, or never was, and nobody has said so yet.
    must_doubt: bool,
    /// Doubt is no violation.
    may_doubt: bool,
    doubted: bool,
    violations: Vec<String>,
}

fn folder() -> &'static Path {
    Path::new("/home/data/votes")
}

fn guard() -> PathBuf {
    folder().join("guard")
}

impl Life {
    fn new(seed: u64, fresh: bool) -> Life {
        let disk = SimDisk::new(seed);
        match fresh {
            true => disk.replace(&folder().join(FRESH_MARKER), Vec::new()),
            false => disk.replace(Path::new("/home/data/ledger"), Vec::new()),
        }
        Life {
            disk,
            log: None,
            acknowledged: Vec::new(),
            flight: Flight::Nothing,
            next_frame: 0,
            must_doubt: !fresh,
            may_doubt: false,
            doubted: false,
            violations: Vec::new(),
        }
    }

    /// Lives with one fault; whether it happened before the life was over.
    fn live_with(&mut self, fault: Fault, at: u64) -> bool {
        match fault {
            Fault::PowerLoss => self.disk.power_off_after(at),
            Fault::FailedSync => self.disk.fail_sync_after(at),
            Fault::FullDisk => self.disk.full_after(at),
        }
        let ended = self.live();
        if self.disk.struck().is_empty() {
            return false;
        }
        if ended.is_ok() {
            self.violations.push("the fault was not told to the caller".to_owned());
        }
        match fault {
            Fault::PowerLoss => {
                // Once more while it recovers, at an operation that differs from life to life.
                self.disk.crash();
                self.disk.power_off_after(1 + at % 9);
                let _ = self.open().and_then(|()| self.append(2));
                self.disk.crash();
            }
            Fault::FailedSync => {
                self.may_doubt = true;
                if at.is_multiple_of(2) {
                    self.disk.crash();
                }
            }
            Fault::FullDisk => {
                self.disk.set_full(true);
                let _ = self.open().and_then(|()| self.append(1));
                self.disk.set_full(false);
            }
        }
        for _ in 0..2 {
            if let Err(error) = self.open().and_then(|()| self.append(2)) {
                self.violations.push(format!("the disk works and yet: {error}"));
            }
            self.disk.crash();
        }
        if let Err(error) = self.open() {
            self.violations.push(format!("the disk works and yet: {error}"));
        }
        true
    }

    fn live(&mut self) -> Result<(), VoteLogError> {
        self.open()?;
        self.append(1)?;
        self.append(3)?;
        self.rotate(2)?;
        self.append(2)?;
        self.open()?;
        self.rotate(1)?;
        self.open()?;
        self.append(4)?;
        // The guard is gone, and part of the log.
        self.log = None;
        self.disk.erase(&guard());
        self.disk.truncate(&folder().join("log"), 100);
        self.must_doubt = true;
        self.open()?;
        self.append(1)?;
        self.open()
    }

    fn open(&mut self) -> Result<(), VoteLogError> {
        self.log = None;
        let disk = Arc::new(self.disk.clone());
        let (log, opened) = VoteLog::open(disk, folder(), voter(), doubt)?;
        self.log = Some(log);
        self.judge(opened);
        Ok(())
    }

    fn judge(&mut self, opened: Opened) {
        let flight = std::mem::replace(&mut self.flight, Flight::Nothing);
        let had = self.acknowledged.len();
        match opened {
            Opened::InDoubt(reason) => {
                if !self.must_doubt {
                    self.doubted = true;
                    if !self.may_doubt {
                        self.violations.push(format!("a doubt for nothing: {reason}"));
                    }
                }
                self.acknowledged = vec![doubt(&reason)];
            }
            Opened::Intact(frames) => {
                let whole = match (self.must_doubt, flight) {
                    // The doubt was written down, and the fault came before the answer.
                    (true, _) => frames.len() == 1 && frames[0].starts_with(b"doubt: "),
                    (_, Flight::Nothing) => frames == self.acknowledged,
                    (_, Flight::Append(more)) => {
                        frames.starts_with(&self.acknowledged) && more.starts_with(&frames[had..])
                    }
                    (_, Flight::Rotation(live)) => frames == self.acknowledged || frames == live,
                };
                if !whole {
                    self.violations.push(format!("{had} frames became {} silently", frames.len()));
                }
                self.acknowledged = frames;
            }
        }
        self.must_doubt = false;
    }

    fn frames(&mut self, count: u64) -> Vec<Vec<u8>> {
        self.next_frame += count;
        (self.next_frame - count..self.next_frame).map(frame).collect()
    }

    fn append(&mut self, count: u64) -> Result<(), VoteLogError> {
        let frames = self.frames(count);
        self.flight = Flight::Append(frames.clone());
        self.log.as_mut().expect("opened before").append(&frames)?;
        self.acknowledged.extend(frames);
        self.flight = Flight::Nothing;
        Ok(())
    }

    fn rotate(&mut self, count: u64) -> Result<(), VoteLogError> {
        let live = self.frames(count);
        self.flight = Flight::Rotation(live.clone());
        self.log.as_mut().expect("opened before").rotate(&live)?;
        self.acknowledged = live;
        self.flight = Flight::Nothing;
        Ok(())
    }
}
