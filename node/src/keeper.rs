//! The keeper: a thread that minds the disk while the replica minds the chain.
//!
//! It watches the free space and makes the node read-only below the floor (`house.rs` says what that
//! means), prunes old states and bodies by the configured policy in small steps, scrubs what is
//! stored, and makes backups that are asked for. It never touches what a commit writes. A failed
//! write to the ledger ends the process, as it does in the replica; an archive that cannot be written
//! and damage found by scrubbing are told by health, status, metrics and log, and the node goes on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use crate::backup;
use crate::config::{BodyPolicy, StorageSection};
use crate::house::House;
use crate::storage::{ArchiveFolder, Ledger, OldValues, Scrub, ScrubStep, StorageError};

/// How often the keeper looks around.
pub const TICK: Duration = Duration::from_millis(500);
/// How often sizes on disk are summed up.
pub const SIZES_INTERVAL: Duration = Duration::from_secs(15);
/// Between two walks over everything stored.
pub const SCRUB_INTERVAL: Duration = Duration::from_secs(24 * 3600);
/// Before the first walk after a start.
pub const SCRUB_DELAY: Duration = Duration::from_secs(120);
/// After a failed archiving, before the next attempt.
pub const ARCHIVE_RETRY: Duration = Duration::from_secs(60);
/// Steps of pruning in one tick.
pub const STEPS_PER_TICK_MAX: usize = 4;
/// Deleted pairs of states after which their room is given back.
pub const RECLAIM_AFTER: u64 = 200_000;

/// What the thread owns.
pub struct Keeper {
    /// Pruned and scrubbed here.
    pub ledger: Ledger,
    /// The policy.
    pub storage: StorageSection,
    /// The home folder.
    pub home: PathBuf,
    /// What it shows of itself.
    pub house: Arc<House>,
    /// Closed when the node must stop.
    pub stop: Receiver<()>,
}

impl StorageSection {
    /// The archive folder of a home.
    pub fn archive_folder(&self, home: &Path) -> ArchiveFolder {
        ArchiveFolder::new(home.join(&self.archive))
    }

    /// Lets a ledger read old bodies from the archive folder, unless bodies are dropped and there is
    /// none.
    pub fn connect_archive(&self, home: &Path, ledger: &Ledger) {
        let folder = self.archive_folder(home);
        if self.bodies != BodyPolicy::Drop || folder.path().exists() {
            ledger.read_archive(folder);
        }
    }
}

struct Work {
    scrub: Option<Scrub>,
    scrub_at: Instant,
    sizes_at: Instant,
    archive_at: Instant,
    deleted: u64,
}

impl Keeper {
    /// Runs until asked to stop.
    ///
    /// # Errors
    /// [`StorageError`]: the process must end.
    pub fn run(self) -> Result<(), StorageError> {
        let now = Instant::now();
        let mut work = Work {
            scrub: None,
            scrub_at: now + SCRUB_DELAY,
            sizes_at: now,
            archive_at: now,
            deleted: 0,
        };
        let archive = self.storage.archive_folder(&self.home);
        loop {
            self.look_around(&mut work, &archive);
            backup::answer_request(&self.home, &self.ledger);
            if !self.house.is_read_only() {
                self.prune(&mut work, &archive)?;
                self.scrub(&mut work);
            }
            match self.stop.recv_timeout(TICK) {
                Err(RecvTimeoutError::Timeout) => {}
                _ => return Ok(()),
            }
        }
    }

    /// Measures space and sizes.
    fn look_around(&self, work: &mut Work, archive: &ArchiveFolder) {
        self.house.measure(&self.home, self.storage.free_mib_min);
        let kept = self.ledger.kept();
        let now = Instant::now();
        let sizes = (now >= work.sizes_at).then(|| {
            work.sizes_at = now + SIZES_INTERVAL;
            let data = self.home.join("data");
            (folder_bytes(&data.join("ledger")), folder_bytes(&data.join("votes")), archive.size())
        });
        self.house.update(|report| {
            (report.bodies_from, report.state_from) = (kept.bodies_from, kept.state_from);
            report.values_from = kept.values_from;
            if let Some((ledger, votes, (files, bytes))) = sizes {
                (report.ledger_bytes, report.votes_bytes) = (ledger, votes);
                (report.archive_files, report.archive_bytes) = (files, bytes);
            }
        });
    }

    fn prune(&self, work: &mut Work, archive: &ArchiveFolder) -> Result<(), StorageError> {
        let StorageSection { bodies, bodies_kept, archive_blocks, state_heights, .. } =
            self.storage;
        let values = match self.storage.keep_old_values {
            true => OldValues::Keep,
            false => OldValues::Drop,
        };
        if state_heights > 0 {
            for _ in 0..STEPS_PER_TICK_MAX {
                let done = self.ledger.prune_states(state_heights, values)?;
                work.deleted += done.deleted;
                if !done.more {
                    break;
                }
            }
            if work.deleted >= RECLAIM_AFTER {
                work.deleted = 0;
                self.ledger.reclaim_states();
            }
        }
        let to = match bodies {
            BodyPolicy::Keep => return Ok(()),
            BodyPolicy::Drop => None,
            BodyPolicy::Archive => Some(archive),
        };
        if Instant::now() < work.archive_at {
            return Ok(());
        }
        match self.ledger.prune_bodies(bodies_kept, archive_blocks, to) {
            Ok(done) => {
                if done.deleted > 0 {
                    let from = self.ledger.kept().bodies_from;
                    tracing::info!(bodies_from = from.0, policy = bodies.name(), "bodies pruned");
                }
                self.house.update(|report| report.archive_problem = None);
            }
            Err(error @ StorageError::Archive { .. }) => {
                tracing::warn!(%error, "cannot archive; trying again later");
                work.archive_at = Instant::now() + ARCHIVE_RETRY;
                self.house.update(|report| report.archive_problem = Some(error.to_string()));
            }
            Err(error @ StorageError::Write { .. }) => return Err(error),
            Err(error) => {
                tracing::error!(%error, "cannot prune: the ledger is damaged");
                work.archive_at = Instant::now() + SCRUB_INTERVAL;
                self.house.update(|report| report.archive_problem = Some(error.to_string()));
            }
        }
        Ok(())
    }

    /// One step of the walk that is due.
    fn scrub(&self, work: &mut Work) {
        let now = Instant::now();
        if work.scrub.is_none() && now >= work.scrub_at {
            work.scrub = Some(Scrub::default());
        }
        let Some(scrub) = &mut work.scrub else { return };
        let step = scrub.step(&self.ledger);
        self.house.update(|report| report.scrub_height = scrub.height());
        match step {
            Ok(ScrubStep::More) => return,
            Ok(ScrubStep::Damaged(damage)) => {
                tracing::error!(%damage, "DAMAGE found by scrubbing: check the disk (dmesg, smartctl), \
                     then restore a backup or let this node sync again");
                self.house.damaged(damage);
                return;
            }
            Ok(ScrubStep::Done) => {
                self.house.update(|report| report.scrubs_done += 1);
            }
            Err(error) => tracing::error!(%error, "scrubbing stopped"),
        }
        (work.scrub, work.scrub_at) = (None, now + SCRUB_INTERVAL);
    }
}

/// Bytes of the files right in a folder.
pub fn folder_bytes(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|file| file.len()).sum()
}
