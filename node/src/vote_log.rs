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

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use mulu_chain::digest::{Digest, Domain};
use sha2::{Digest as _, Sha256};

const LOG_MAGIC: &[u8; 8] = b"MULUVOT1";
const GUARD_MAGIC: &[u8; 8] = b"MULUGRD1";
const HEADER_BYTES: usize = 8 + 33 + 32;
const SLOT_BYTES: usize = 8 + 8 + 8 + 8 + 32 + 32;
const SLOT_STRIDE_BYTES: u64 = 4096;
/// Largest frame: an undecided block.
pub const FRAME_BYTES_MAX: usize = mulu_chain::limits::BLOCK_BYTES_MAX + 1024;
/// The log is rewritten with the live frames when it grows beyond this, in bytes.
pub const ROTATE_BYTES: u64 = 64 * 1024 * 1024;
/// Present in a home that `init` just made: the only state in which an absent log is no doubt.
pub const FRESH_MARKER: &str = "FRESH";

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
    folder: PathBuf,
    owner: Digest,
    log: File,
    guard: File,
    sequence: u64,
    frames: u64,
    bytes: u64,
    chain: [u8; 32],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot {
    sequence: u64,
    frames: u64,
    bytes: u64,
    chain: [u8; 32],
}

impl Slot {
    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = GUARD_MAGIC.to_vec();
        for number in [self.sequence, self.frames, self.bytes] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.chain);
        let checksum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&checksum);
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Slot> {
        let (body, checksum) = bytes.get(..SLOT_BYTES)?.split_last_chunk::<32>()?;
        if <[u8; 32]>::from(Sha256::digest(body)) != *checksum || !body.starts_with(GUARD_MAGIC) {
            return None;
        }
        let number = |at: usize| -> Option<u64> {
            Some(u64::from_le_bytes(body.get(at..)?.first_chunk::<8>().copied()?))
        };
        Some(Slot {
            sequence: number(8)?,
            frames: number(16)?,
            bytes: number(24)?,
            chain: body.get(32..)?.first_chunk::<32>().copied()?,
        })
    }
}

/// The digest that binds a log to its chain and key.
pub fn owner(chain_id: &str, key: &[u8; 32]) -> Digest {
    let mut bytes = chain_id.as_bytes().to_vec();
    bytes.push(0);
    bytes.extend_from_slice(key);
    Digest::of(Domain::VoteLog, &bytes)
}

impl VoteLog {
    /// Opens the log in `folder`, or begins one; `doubt_frame` writes down a reason for doubt.
    ///
    /// # Errors
    /// [`VoteLogError`] if the disk refuses; damage is no error but [`Opened::InDoubt`].
    pub fn open(
        folder: &Path,
        owner: Digest,
        doubt_frame: fn(&str) -> Vec<u8>,
    ) -> Result<(VoteLog, Opened), VoteLogError> {
        let at = |doing: &'static str| {
            let path = folder.to_path_buf();
            move |source| VoteLogError { path, doing, source }
        };
        fs::create_dir_all(folder).map_err(at("created"))?;
        let marker = folder.join(FRESH_MARKER);
        let fresh = marker.exists();
        let found = read_existing(folder, &owner).map_err(at("read"))?;
        match found {
            Existing::Intact { slot, frames } => {
                let log = OpenOptions::new().read(true).write(true).open(folder.join("log"));
                let guard = OpenOptions::new().read(true).write(true).open(folder.join("guard"));
                let mut vote_log = VoteLog {
                    folder: folder.to_path_buf(),
                    owner,
                    log: log.map_err(at("opened"))?,
                    guard: guard.map_err(at("opened"))?,
                    sequence: slot.sequence,
                    frames: slot.frames,
                    bytes: slot.bytes,
                    chain: slot.chain,
                };
                // Cut a torn tail, and let the guard cover what it did not yet.
                vote_log.log.set_len(slot.bytes).map_err(at("truncated"))?;
                vote_log.log.sync_data().map_err(at("synced"))?;
                vote_log.log.seek(SeekFrom::Start(slot.bytes)).map_err(at("read"))?;
                vote_log.write_guard().map_err(at("synced"))?;
                for leftover in [folder.join("log.next"), marker] {
                    if leftover.exists() {
                        fs::remove_file(&leftover).map_err(at("begun"))?;
                    }
                }
                sync_folder(folder).map_err(at("begun"))?;
                Ok((vote_log, Opened::Intact(frames)))
            }
            // The marker goes last: while it is there, nothing was ever signed.
            Existing::Nothing | Existing::Damaged(_) if fresh => {
                set_aside(folder).map_err(at("set aside"))?;
                let vote_log = VoteLog::begin(folder, owner, &[]).map_err(at("begun"))?;
                fs::remove_file(&marker).map_err(at("begun"))?;
                sync_folder(folder).map_err(at("begun"))?;
                Ok((vote_log, Opened::Intact(Vec::new())))
            }
            doubtful => {
                let reason = match doubtful {
                    Existing::Damaged(reason) => reason,
                    _ => "there is no vote log: a new disk or a wiped data folder".to_owned(),
                };
                set_aside(folder).map_err(at("set aside"))?;
                let frames = [doubt_frame(&reason)];
                let vote_log = VoteLog::begin(folder, owner, &frames).map_err(at("begun"))?;
                Ok((vote_log, Opened::InDoubt(reason)))
            }
        }
    }

    /// Log first, guard second: a log without a guard is damage, so a crash here keeps the doubt.
    fn begin(folder: &Path, owner: Digest, frames: &[Vec<u8>]) -> io::Result<VoteLog> {
        let (bytes, chain) = whole_log(&owner, frames)?;
        let mut log = create(&folder.join("log"))?;
        log.write_all(&bytes)?;
        log.sync_all()?;
        sync_folder(folder)?;
        let guard = create(&folder.join("guard"))?;
        guard.set_len(2 * SLOT_STRIDE_BYTES)?;
        let mut vote_log = VoteLog {
            folder: folder.to_path_buf(),
            owner,
            log,
            guard,
            sequence: 0,
            frames: frames.len() as u64,
            bytes: bytes.len() as u64,
            chain,
        };
        vote_log.write_guard()?;
        vote_log.guard.sync_all()?;
        sync_folder(&vote_log.folder)?;
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
        self.log.write_all(&bytes)?;
        self.log.sync_data()?;
        self.chain = chain;
        self.frames += frames.len() as u64;
        self.bytes += bytes.len() as u64;
        self.write_guard()
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
        let next_path = self.folder.join("log.next");
        let (bytes, chain) = whole_log(&self.owner, live)?;
        if next_path.exists() {
            fs::remove_file(&next_path)?;
        }
        let mut next = create(&next_path)?;
        next.write_all(&bytes)?;
        next.sync_all()?;
        self.frames = live.len() as u64;
        self.bytes = bytes.len() as u64;
        self.chain = chain;
        // The other slot now fits the new log while the latest but one still fits the old: open
        // accepts the newest slot that fits the log it finds.
        self.write_guard()?;
        fs::rename(&next_path, self.folder.join("log"))?;
        sync_folder(&self.folder)?;
        self.log = next;
        // Both slots must fit before frames are appended to the new log.
        self.write_guard()
    }

    fn write_guard(&mut self) -> io::Result<()> {
        self.sequence += 1;
        let slot = Slot {
            sequence: self.sequence,
            frames: self.frames,
            bytes: self.bytes,
            chain: self.chain,
        };
        let offset = (self.sequence % 2) * SLOT_STRIDE_BYTES;
        self.guard.seek(SeekFrom::Start(offset))?;
        self.guard.write_all(&slot.to_bytes())?;
        self.guard.sync_data()
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

fn read_existing(folder: &Path, owner: &Digest) -> io::Result<Existing> {
    let (log, guard) = (read_if_there(&folder.join("log"))?, read_if_there(&folder.join("guard"))?);
    let (log, guard) = match (log, guard) {
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
    let rotation_pending = folder.join("log.next").exists();
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

/// Where a prefix of the log ends, and its chain value.
type Mark = (u64, [u8; 32]);

/// Reads whole, fitting frames; stops at the first that is not. `marks[n]` is the end after n.
fn read_frames(log: &[u8], start: [u8; 32]) -> (Vec<Vec<u8>>, Vec<Mark>) {
    let mut frames = Vec::new();
    let mut marks = vec![(HEADER_BYTES as u64, start)];
    let mut chain = start;
    let mut at = HEADER_BYTES;
    while let Some(head) = log.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
        let length = usize::try_from(u32::from_le_bytes(*head)).unwrap_or(usize::MAX);
        if length > FRAME_BYTES_MAX {
            break;
        }
        let (from, to) = (at + 4, at + 4 + length);
        let (Some(payload), Some(sum)) = (log.get(from..to), log.get(to..to + 32)) else { break };
        let next = link(&chain, head, payload);
        if next != *sum {
            break;
        }
        frames.push(payload.to_vec());
        chain = next;
        at = to + 32;
        marks.push((at as u64, chain));
    }
    (frames, marks)
}

fn link(chain: &[u8; 32], length: &[u8; 4], payload: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new_with_prefix(chain);
    hasher.update(length);
    hasher.update(payload);
    hasher.finalize().into()
}

fn encode_frame(chain: &[u8; 32], payload: &[u8]) -> io::Result<(Vec<u8>, [u8; 32])> {
    let length = u32::try_from(payload.len())
        .ok()
        .filter(|_| payload.len() <= FRAME_BYTES_MAX)
        .ok_or_else(|| io::Error::other("a vote log frame exceeds its bound"))?
        .to_le_bytes();
    let next = link(chain, &length, payload);
    let mut frame = Vec::with_capacity(payload.len() + 36);
    frame.extend_from_slice(&length);
    frame.extend_from_slice(payload);
    frame.extend_from_slice(&next);
    Ok((frame, next))
}

/// The bytes of a log that holds `frames`, and its chain value.
fn whole_log(owner: &Digest, frames: &[Vec<u8>]) -> io::Result<(Vec<u8>, [u8; 32])> {
    let (mut bytes, mut chain) = header(owner);
    for payload in frames {
        let (frame, next) = encode_frame(&chain, payload)?;
        bytes.extend_from_slice(&frame);
        chain = next;
    }
    Ok((bytes, chain))
}

fn set_aside(folder: &Path) -> io::Result<()> {
    for name in ["log", "guard", "log.next"] {
        let path = folder.join(name);
        if path.exists() {
            fs::rename(&path, folder.join(format!("{name}.damaged")))?;
        }
    }
    Ok(())
}

fn header(owner: &Digest) -> (Vec<u8>, [u8; 32]) {
    let mut bytes = LOG_MAGIC.to_vec();
    bytes.extend_from_slice(&mulu_chain::codec::encode(owner));
    let chain: [u8; 32] = Sha256::digest(&bytes).into();
    bytes.extend_from_slice(&chain);
    (bytes, chain)
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).open(path)
}

fn read_if_there(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match File::open(path) {
        Ok(mut file) => {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(Some(bytes))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
