//! The durable vote log: what a validator said, on disk before it is said.
//!
//! Two files in `data/votes/`:
//!
//! ```text
//! log     header  "MULUVOT1" 8 | owner 33 (chain and key digest, with tag) | SHA-256 of both 32
//!         frame   length u32 LE 4 | payload | SHA-256(chain of previous ‖ length ‖ payload) 32
//!         frame   …
//! guard   slot 0 at offset 0, slot 1 at offset 4096, written in turn:
//!         "MULUGRD1" 8 | sequence u64 | frames u64 | bytes u64 | chain 32 | SHA-256 of all 32
//! ```
//!
//! The first frame chains from the header's digest. `append` writes frames, syncs the log, then
//! writes the older guard slot and syncs it; only then may anything that rests on those frames
//! leave the node. What a crash means:
//!
//! - during the log write: a torn tail after the guarded length; it is cut off on open;
//! - between log and guard: whole frames after the guarded length; they are kept (nobody heard of
//!   them, and keeping a vote is always safe);
//! - during the guard write: one slot is torn, the other one still holds; as the case before;
//! - during rotation: `log.next` may exist; the rename decides which log is in force, and the
//!   guard of the old one no longer fits the new: rotation writes a guard that fits both orders.
//!
//! Everything else is **damage**: a log shorter than guarded, a frame whose chain does not fit, no
//! readable guard slot, a missing file. Then the log is *in doubt* and the validator abstains until
//! it is beyond what it may have signed (`replica/guard.rs`). A failed write or sync stops the process: it is
//! never tried again, because the kernel may have dropped the pages (promise P7, P10).

mod format;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mulu_chain::digest::{Digest, Domain};

use crate::disk::{Disk, DiskFile, Site};
use format::{HEADER_BYTES, SLOT_STRIDE_BYTES, Slot, encode_frame, header, read_frames, whole_log};

/// Largest frame: an undecided block.
pub const FRAME_BYTES_MAX: usize = mulu_chain::limits::BLOCK_BYTES_MAX + 1024;
/// The log is rewritten with the live frames when it grows beyond this, in bytes.
pub const ROTATE_BYTES: u64 = 64 * 1024 * 1024;
/// Present in a home that `init` just made: the only state in which an absent log is no doubt.
pub const FRESH_MARKER: &str = "FRESH";

const LOG: &str = "log";
const GUARD: &str = "guard";
/// The log that a rotation is about to put in place.
const NEXT: &str = "log.next";

/// A failed operation on the vote log. The node must stop.
#[derive(Debug, thiserror::Error)]
#[error(
    "the vote log {path} cannot be {doing}: {source}; the node stops rather than vote without memory"
)]
pub struct VoteLogError {
    path: PathBuf,
    doing: &'static str,
    source: io::Error,
}

/// What opening found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// Intact: all frames, oldest first.
    Intact(Vec<Vec<u8>>),
    /// In doubt, with the reason; the old files were set aside and a new log was begun whose first
    /// frame says so, so that a restart does not forget the doubt.
    InDoubt(String),
}

/// The open log.
#[derive(Debug)]
pub struct VoteLog {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    owner: Digest,
    log: Box<dyn DiskFile>,
    guard: Box<dyn DiskFile>,
    sequence: u64,
    frames: u64,
    bytes: u64,
    chain: [u8; 32],
}

/// The digest that binds a log to its chain and key.
pub fn owner(chain_id: &str, key: &[u8; 32]) -> Digest {
    let mut bytes = chain_id.as_bytes().to_vec();
    bytes.push(0);
    bytes.extend_from_slice(key);
    Digest::of(Domain::VoteLog, &bytes)
}

impl VoteLog {
    /// Opens the log in `folder` of `disk`, or begins one; `doubt_frame` writes down a reason for doubt.
    ///
    /// # Errors
    /// [`VoteLogError`] if the disk refuses; damage is no error but [`Opened::InDoubt`].
    pub fn open(
        disk: Arc<dyn Disk>,
        folder: &Path,
        owner: Digest,
        doubt_frame: fn(&str) -> Vec<u8>,
    ) -> Result<(VoteLog, Opened), VoteLogError> {
        let at = |doing: &'static str| {
            let path = folder.to_path_buf();
            move |source| VoteLogError { path, doing, source }
        };
        disk.create_folder(Site::VotesFolderCreate, folder).map_err(at("created"))?;
        let marker = folder.join(FRESH_MARKER);
        let fresh = disk.exists(&marker).map_err(at("read"))?;
        let found = read_existing(&*disk, folder, &owner).map_err(at("read"))?;
        match found {
            Existing::Intact { slot, frames } => {
                let log = disk.open(&folder.join(LOG)).map_err(at("opened"))?;
                let guard = disk.open(&folder.join(GUARD)).map_err(at("opened"))?;
                let mut vote_log = VoteLog {
                    disk,
                    folder: folder.to_path_buf(),
                    owner,
                    log,
                    guard,
                    sequence: slot.sequence,
                    frames: slot.frames,
                    bytes: slot.bytes,
                    chain: slot.chain,
                };
                // Cut a torn tail, and let the guard cover what it did not yet.
                vote_log.log.set_len(Site::OpenTruncate, slot.bytes).map_err(at("truncated"))?;
                vote_log.log.sync(Site::OpenSync).map_err(at("synced"))?;
                vote_log
                    .write_guard(Site::OpenGuardWrite, Site::OpenGuardSync)
                    .map_err(at("synced"))?;
                vote_log.tidy(&marker).map_err(at("begun"))?;
                Ok((vote_log, Opened::Intact(frames)))
            }
            // The marker goes last: while it is there, nothing was ever signed.
            Existing::Nothing | Existing::Damaged(_) if fresh => {
                set_aside(&*disk, folder).map_err(at("set aside"))?;
                let vote_log = VoteLog::begin(disk, folder, owner, &[]).map_err(at("begun"))?;
                vote_log.forget_fresh(&marker).map_err(at("begun"))?;
                Ok((vote_log, Opened::Intact(Vec::new())))
            }
            doubtful => {
                let reason = match doubtful {
                    Existing::Damaged(reason) => reason,
                    _ => "there is no vote log: a new disk or a wiped data folder".to_owned(),
                };
                set_aside(&*disk, folder).map_err(at("set aside"))?;
                let frames = [doubt_frame(&reason)];
                let vote_log = VoteLog::begin(disk, folder, owner, &frames).map_err(at("begun"))?;
                Ok((vote_log, Opened::InDoubt(reason)))
            }
        }
    }

    /// Removes what an unfinished rotation or an unfinished first start left.
    fn tidy(&self, marker: &Path) -> io::Result<()> {
        let next = self.folder.join(NEXT);
        if self.disk.exists(&next)? {
            self.disk.remove(Site::OpenLeftoverRemove, &next)?;
        }
        if self.disk.exists(marker)? {
            return self.forget_fresh(marker);
        }
        self.disk.sync_folder(Site::OpenFolderSync, &self.folder)
    }

    fn forget_fresh(&self, marker: &Path) -> io::Result<()> {
        self.disk.remove(Site::FreshRemove, marker)?;
        self.disk.sync_folder(Site::FreshFolderSync, &self.folder)
    }

    /// Log first, guard second: a log without a guard is damage, so a crash here keeps the doubt.
    fn begin(
        disk: Arc<dyn Disk>,
        folder: &Path,
        owner: Digest,
        frames: &[Vec<u8>],
    ) -> io::Result<VoteLog> {
        let (bytes, chain) = whole_log(&owner, frames)?;
        let mut log = disk.create(Site::BeginLogCreate, &folder.join(LOG))?;
        log.write_at(Site::BeginLogWrite, 0, &bytes)?;
        log.sync(Site::BeginLogSync)?;
        disk.sync_folder(Site::BeginLogFolderSync, folder)?;
        let mut guard = disk.create(Site::BeginGuardCreate, &folder.join(GUARD))?;
        guard.set_len(Site::BeginGuardLength, 2 * SLOT_STRIDE_BYTES)?;
        let mut vote_log = VoteLog {
            disk,
            folder: folder.to_path_buf(),
            owner,
            log,
            guard,
            sequence: 0,
            frames: frames.len() as u64,
            bytes: bytes.len() as u64,
            chain,
        };
        vote_log.write_guard(Site::BeginGuardWrite, Site::BeginGuardSync)?;
        vote_log.disk.sync_folder(Site::BeginGuardFolderSync, folder)?;
        Ok(vote_log)
    }

    /// Appends frames and makes them durable. When this returns, they survive.
    ///
    /// # Errors
    /// [`VoteLogError`]; the caller must stop the process.
    pub fn append(&mut self, frames: &[Vec<u8>]) -> Result<(), VoteLogError> {
        if frames.is_empty() {
            return Ok(());
        }
        self.try_append(frames).map_err(|source| self.error("written", source))
    }

    fn try_append(&mut self, frames: &[Vec<u8>]) -> io::Result<()> {
        let mut bytes = Vec::new();
        let mut chain = self.chain;
        for payload in frames {
            let (frame, next) = encode_frame(&chain, payload)?;
            bytes.extend_from_slice(&frame);
            chain = next;
        }
        self.log.write_at(Site::AppendWrite, self.bytes, &bytes)?;
        self.log.sync(Site::AppendSync)?;
        self.chain = chain;
        self.frames += frames.len() as u64;
        self.bytes += bytes.len() as u64;
        self.write_guard(Site::AppendGuardWrite, Site::AppendGuardSync)
    }

    /// Whether the log has grown enough to be rewritten with its live frames only.
    pub fn wants_rotation(&self) -> bool {
        self.bytes > ROTATE_BYTES
    }

    /// Replaces the log by one that holds just `live`, atomically.
    ///
    /// # Errors
    /// [`VoteLogError`]; the caller must stop the process.
    pub fn rotate(&mut self, live: &[Vec<u8>]) -> Result<(), VoteLogError> {
        self.try_rotate(live).map_err(|source| self.error("rotated", source))
    }

    fn try_rotate(&mut self, live: &[Vec<u8>]) -> io::Result<()> {
        let next_path = self.folder.join(NEXT);
        let (bytes, chain) = whole_log(&self.owner, live)?;
        if self.disk.exists(&next_path)? {
            self.disk.remove(Site::RotateLeftoverRemove, &next_path)?;
        }
        let mut next = self.disk.create(Site::RotateCreate, &next_path)?;
        next.write_at(Site::RotateWrite, 0, &bytes)?;
        next.sync(Site::RotateSync)?;
        self.frames = live.len() as u64;
        self.bytes = bytes.len() as u64;
        self.chain = chain;
        // The other slot now fits the new log while the latest but one still fits the old: open
        // accepts the newest slot that fits the log it finds.
        self.write_guard(Site::RotateGuardWrite, Site::RotateGuardSync)?;
        self.disk.rename(Site::RotateRename, &next_path, &self.folder.join(LOG))?;
        self.disk.sync_folder(Site::RotateFolderSync, &self.folder)?;
        self.log = next;
        // Both slots must fit before frames are appended to the new log.
        self.write_guard(Site::RotateGuardWrite, Site::RotateGuardSync)
    }

    fn write_guard(&mut self, write: Site, sync: Site) -> io::Result<()> {
        self.sequence += 1;
        let slot = Slot {
            sequence: self.sequence,
            frames: self.frames,
            bytes: self.bytes,
            chain: self.chain,
        };
        let offset = (self.sequence % 2) * SLOT_STRIDE_BYTES;
        self.guard.write_at(write, offset, &slot.to_bytes())?;
        self.guard.sync(sync)
    }

    fn error(&self, doing: &'static str, source: io::Error) -> VoteLogError {
        VoteLogError { path: self.folder.clone(), doing, source }
    }
}

enum Existing {
    Nothing,
    Intact { slot: Slot, frames: Vec<Vec<u8>> },
    Damaged(String),
}

fn read_existing(disk: &dyn Disk, folder: &Path, owner: &Digest) -> io::Result<Existing> {
    let (log, guard) = match (disk.read(&folder.join(LOG))?, disk.read(&folder.join(GUARD))?) {
        (None, None) => return Ok(Existing::Nothing),
        (Some(log), Some(guard)) => (log, guard),
        (None, Some(_)) => return Ok(Existing::Damaged("the log file is missing".to_owned())),
        (Some(_), None) => return Ok(Existing::Damaged("the guard file is missing".to_owned())),
    };
    let (expected, start) = header(owner);
    if !log.starts_with(&expected) {
        let reason = "the log's header is damaged, or the log is another key's or chain's";
        return Ok(Existing::Damaged(reason.to_owned()));
    }
    let slot_at = |offset: u64| {
        let offset = usize::try_from(offset).ok()?;
        Slot::from_bytes(guard.get(offset..)?)
    };
    let mut slots: Vec<Slot> =
        [slot_at(0), slot_at(SLOT_STRIDE_BYTES)].into_iter().flatten().collect();
    slots.sort_by_key(|slot| std::cmp::Reverse(slot.sequence));
    let (frames, marks) = read_frames(&log, start);
    // The newest slot decides. An older one may stand in only where the newest belongs to a log
    // that a rotation did not get to put in place.
    let Some(newest) = slots.first() else {
        return Ok(Existing::Damaged("neither guard slot is readable".to_owned()));
    };
    let fits = |slot: &Slot| {
        usize::try_from(slot.frames)
            .ok()
            .and_then(|count| marks.get(count))
            .is_some_and(|(bytes, chain)| *bytes == slot.bytes && *chain == slot.chain)
    };
    let rotation_pending = disk.exists(&folder.join(NEXT))?;
    let fitting =
        if fits(newest) { true } else { rotation_pending && slots.get(1).is_some_and(fits) };
    if !fitting {
        return Ok(Existing::Damaged(format!(
            "the guard knows {} frames, the log holds {} that fit",
            newest.frames,
            frames.len()
        )));
    }
    let (bytes, chain) = marks.last().copied().unwrap_or((HEADER_BYTES as u64, start));
    let slot = Slot { sequence: newest.sequence, frames: frames.len() as u64, bytes, chain };
    Ok(Existing::Intact { slot, frames })
}

fn set_aside(disk: &dyn Disk, folder: &Path) -> io::Result<()> {
    for name in [LOG, GUARD, NEXT] {
        let path = folder.join(name);
        if disk.exists(&path)? {
            disk.rename(Site::SetAsideRename, &path, &folder.join(format!("{name}.damaged")))?;
        }
    }
    Ok(())
}
