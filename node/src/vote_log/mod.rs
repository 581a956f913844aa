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
//! - during the guard write: one slot is torn, and the frames it was to cover lie whole after the
//!   length that the other one guards; they are kept;
//! - during rotation: `log.next` exists; the rename decides which log is in force, and until it is
//!   durable one slot fits the old log and the other the new.
//!
//! Everything else is **damage**: a log shorter than guarded, a frame whose chain does not fit, a
//! missing file, a slot that cannot be read although no crash explains it (it may have guarded
//! frames that are gone, so the other slot cannot stand in for it). Opening a log that is whole
//! writes nothing, so that a torn slot always has frames of its own. Then the log is *in doubt* and the validator abstains until
//! it is beyond what it may have signed (`replica/guard.rs`). A failed write or sync stops the process: it is
//! never tried again, because the kernel may have dropped the pages (promise P7, P10).

mod format;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mulu_chain::digest::{Digest, Domain};

use crate::disk::{Disk, DiskFile, Site};
use format::{
    HEADER_BYTES, Mark, SLOT_STRIDE_BYTES, Slot, encode_frame, header, offset, read_frames,
    read_slots, whole_log,
};

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
    "the vote log {path} cannot be {doing}: {source}; the node stops rather than vote without \
     memory; free space or replace the disk, then start mulud again"
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
        if !disk.exists(folder).map_err(at("read"))? {
            disk.create_folder(Site::VotesFolderCreate, folder).map_err(at("created"))?;
            let parent = folder.parent().unwrap_or(folder);
            disk.sync_folder(Site::VotesFolderSync, parent).map_err(at("created"))?;
        }
        let marker = folder.join(FRESH_MARKER);
        let fresh = disk.exists(&marker).map_err(at("read"))?
            || mulu_chain::planted!("planted-log-always-fresh");
        let found = read_existing(&*disk, folder, &owner).map_err(at("read"))?;
        match found {
            Existing::Intact(found) => {
                let log = disk.open(&folder.join(LOG)).map_err(at("opened"))?;
                let guard = disk.open(&folder.join(GUARD)).map_err(at("opened"))?;
                let mut vote_log = VoteLog {
                    disk,
                    folder: folder.to_path_buf(),
                    owner,
                    log,
                    guard,
                    sequence: found.guarded.sequence,
                    frames: found.frames.len() as u64,
                    bytes: found.end.0,
                    chain: found.end.1,
                };
                vote_log.settle(&found).map_err(at("written"))?;
                vote_log.tidy(&marker).map_err(at("begun"))?;
                Ok((vote_log, Opened::Intact(found.frames)))
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

    /// Cuts a torn tail, and lets the guard cover what it does not yet. Whole frames are written
    /// again: their sync may have failed, and it takes a write to make the kernel sync them now.
    fn settle(&mut self, found: &Found) -> io::Result<()> {
        if found.torn_tail || found.guard_lags {
            self.log.write_at(Site::OpenWrite, found.guarded.bytes, &found.unguarded)?;
            self.log.set_len(Site::OpenTruncate, self.bytes)?;
            self.log.sync(Site::OpenSync)?;
        }
        // Only if it has something to say: a slot that is torn now has no frames of its own.
        if found.guard_lags {
            self.write_guard(Site::OpenGuardWrite, Site::OpenGuardSync)?;
        }
        Ok(())
    }

    /// Removes what an unfinished rotation or an unfinished first start left.
    fn tidy(&self, marker: &Path) -> io::Result<()> {
        let next = self.folder.join(NEXT);
        if self.disk.exists(&next)? {
            self.disk.remove(Site::OpenLeftoverRemove, &next)?;
            self.disk.sync_folder(Site::OpenFolderSync, &self.folder)?;
        }
        if self.disk.exists(marker)? { self.forget_fresh(marker) } else { Ok(()) }
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
        // Both slots: from now on one that cannot be read means something.
        vote_log.write_guard(Site::BeginGuardWrite, Site::BeginGuardSync)?;
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
        if !mulu_chain::planted!("planted-log-not-synced") {
            self.log.sync(Site::AppendSync)?;
        }
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
        let mut next = self.disk.create(Site::RotateCreate, &next_path)?;
        next.write_at(Site::RotateWrite, 0, &bytes)?;
        next.sync(Site::RotateSync)?;
        // While its name is there, a guard that fits it may be newer than the one of the old log.
        self.disk.sync_folder(Site::RotateNameSync, &self.folder)?;
        self.frames = live.len() as u64;
        self.bytes = bytes.len() as u64;
        self.chain = chain;
        self.write_guard(Site::RotateGuardWrite, Site::RotateGuardSync)?;
        self.disk.rename(Site::RotateRename, &next_path, &self.folder.join(LOG))?;
        self.disk.sync_folder(Site::RotateFolderSync, &self.folder)?;
        self.log = next;
        Ok(())
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
        if mulu_chain::planted!("planted-log-not-synced") {
            return Ok(());
        }
        self.guard.write_at(write, offset, &slot.to_bytes())?;
        self.guard.sync(sync)
    }

    fn error(&self, doing: &'static str, source: io::Error) -> VoteLogError {
        VoteLogError { path: self.folder.clone(), doing, source }
    }
}

/// A log that lacks nothing it is known to have had.
struct Found {
    frames: Vec<Vec<u8>>,
    /// Where the last whole frame ends.
    end: Mark,
    /// The slot that fits.
    guarded: Slot,
    /// The whole frames after what the slot guards, as they lie in the log.
    unguarded: Vec<u8>,
    /// Whether part of a frame follows.
    torn_tail: bool,
    /// Whether the slot does not cover the log, or the other slot is not as it should be.
    guard_lags: bool,
}

enum Existing {
    Nothing,
    Intact(Found),
    Damaged(String),
}

fn read_existing(disk: &dyn Disk, folder: &Path, owner: &Digest) -> io::Result<Existing> {
    let (log, guard) = match (disk.read(&folder.join(LOG))?, disk.read(&folder.join(GUARD))?) {
        (None, None) => return Ok(Existing::Nothing),
        (Some(log), Some(guard)) => (log, guard),
        (None, Some(_)) => return Ok(Existing::Damaged("the log file is missing".to_owned())),
        (Some(_), None) => return Ok(Existing::Damaged("the guard file is missing".to_owned())),
    };
    let next = disk.read(&folder.join(NEXT))?;
    Ok(judge(owner, &log, &guard, next.as_deref()).map_or_else(Existing::Damaged, Existing::Intact))
}

/// Finds out whether a crash explains everything that is odd about a log; a reason if not.
fn judge(owner: &Digest, log: &[u8], guard: &[u8], next: Option<&[u8]>) -> Result<Found, String> {
    let (expected, start) = header(owner);
    if !log.starts_with(&expected) {
        return Err("the log's header is damaged, or the log is another key's or chain's".into());
    }
    let (mut slots, unreadable) = read_slots(guard);
    slots.sort_by_key(|slot| std::cmp::Reverse(slot.sequence));
    let newest = *slots.first().ok_or("neither guard slot is readable")?;
    let (frames, marks) = read_frames(log, start);
    let fits = |slot: &Slot, marks: &[Mark]| {
        let mark = usize::try_from(slot.frames).ok().and_then(|count| marks.get(count));
        mark == Some(&(slot.bytes, slot.chain))
    };
    // The next log, if it is whole: a rotation makes it so before it touches the guard.
    let next_marks = next.filter(|next| next.starts_with(&expected)).and_then(|next| {
        let (_, marks) = read_frames(next, start);
        marks.last().is_some_and(|(bytes, _)| offset(*bytes) == next.len()).then_some(marks)
    });
    // The newest slot decides. An older one may stand in only where the newest belongs to a log
    // that a rotation did not get to put in place.
    let guarded = match slots.get(1) {
        _ if fits(&newest, &marks) || mulu_chain::planted!("planted-log-guard-ignored") => newest,
        Some(older)
            if fits(older, &marks)
                && next_marks.as_ref().is_some_and(|marks| fits(&newest, marks)) =>
        {
            *older
        }
        _ => {
            let (known, found) = (newest.frames, frames.len());
            return Err(format!("the guard knows {known} frames, the log holds {found} that fit"));
        }
    };
    let end = marks.last().copied().unwrap_or((HEADER_BYTES as u64, start));
    let (at, until) = (offset(guarded.bytes), offset(end.0));
    let unguarded = log.get(at..until).unwrap_or_default().to_vec();
    let torn_tail = log.len() > until;
    // A slot is written when its frames are whole in the log, or while a rotation is under way.
    if unreadable && (torn_tail || unguarded.is_empty() && next_marks.is_none()) {
        return Err("a guard slot is damaged, and may have guarded frames that are gone".into());
    }
    let guard_lags = !unguarded.is_empty() || unreadable || guarded.sequence != newest.sequence;
    Ok(Found { frames, end, guarded, unguarded, torn_tail, guard_lags })
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
