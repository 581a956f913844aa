//! The submission journal: what this node said it has, it has also after a crash.
//!
//! A transaction that the mempool took is written here and synced before the client gets its signed
//! receipt; after a restart all that are not committed go to the mempool again. Many clients share one
//! sync. What was written but never acknowledged may come back too, which is harmless: a transaction is
//! committed once.
//!
//! File `data/submissions.log`: the 8 bytes `MULUSUB1`, then frames.
//!
//! ```text
//! length u32 ‖ first 8 bytes of SHA-256(body) ‖ body
//! body = received height u64 ‖ valid-until height u64 ‖ envelope (codec)
//! ```
//!
//! A crash tears at most the last frames, which nobody was told of: reading ends at the first frame that
//! is not whole, and the rest is cut off. A disk that refuses ends all acknowledging: submissions are
//! answered 503 until the node is started again. The file is rewritten with what is still waiting when it
//! has grown by [`REWRITE_BYTES`].

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use mulu_chain::digest::Digest;
use mulu_chain::transaction::{Envelope, TransactionId};
use mulu_chain::types::Height;
use tokio::sync::oneshot;

use crate::storage::Ledger;

/// Growth after which the file is rewritten, in bytes.
pub const REWRITE_BYTES: u64 = 64 * 1024 * 1024;
/// Largest file read back, in bytes: what the mempool can hold, twice, and the growth.
pub const JOURNAL_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Groups of submissions waiting to be written.
pub const GROUPS_MAX: usize = 1_024;
/// Heights for which an expired transaction is still told of.
pub const EXPIRED_HEIGHTS: u64 = 10_000;

const MAGIC: &[u8; 8] = b"MULUSUB1";
/// Largest body, in bytes: an envelope and two heights.
pub const BODY_BYTES_MAX: usize = 128 * 1024;

/// A transaction that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// This node's height when it came.
    pub received_height: Height,
    /// The last height it may be committed at.
    pub valid_until: Height,
    /// The transaction.
    pub envelope: Envelope,
}

struct Group {
    frames: Vec<u8>,
    done: oneshot::Sender<bool>,
}

/// A handle to the journal's thread.
#[derive(Clone)]
pub struct Journal {
    groups: Option<Sender<Group>>,
}

impl Journal {
    /// Opens or makes the journal and returns what it holds that is not committed.
    ///
    /// # Errors
    /// What the disk says; a file that is not a journal.
    pub fn open(path: &Path, ledger: &Ledger) -> io::Result<(Journal, Vec<Taken>)> {
        let kept = waiting(read(path)?, ledger);
        let file = rewrite(path, &kept)?;
        let (groups, waiting) = bounded(GROUPS_MAX);
        let writer = Writer { path: path.to_owned(), file, grown: 0, ledger: ledger.clone() };
        std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.run(&waiting))?;
        Ok((Journal { groups: Some(groups) }, kept))
    }

    /// A journal that writes nothing, for tests of what does not need it.
    pub fn none() -> Journal {
        Journal { groups: None }
    }

    /// Writes transactions down; true when they survive.
    pub async fn write(&self, taken: &[Taken]) -> bool {
        let Some(groups) = &self.groups else { return true };
        let frames = taken.iter().flat_map(frame).collect();
        let (done, written) = oneshot::channel();
        match groups.try_send(Group { frames, done }) {
            Ok(()) => written.await.unwrap_or(false),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }
}

struct Writer {
    path: PathBuf,
    file: File,
    grown: u64,
    ledger: Ledger,
}

impl Writer {
    /// Until the last handle is gone or the disk refuses.
    fn run(mut self, groups: &Receiver<Group>) {
        while let Ok(first) = groups.recv() {
            let group: Vec<Group> = std::iter::once(first).chain(groups.try_iter()).collect();
            let bytes: Vec<u8> = group.iter().flat_map(|g| g.frames.iter().copied()).collect();
            let written = self.append(&bytes);
            let good = written.is_ok();
            for group in group {
                // The client may have gone away; its transaction stays.
                let _ = group.done.send(good);
            }
            if let Err(error) = written.and_then(|()| self.rewrite_if_grown()) {
                tracing::error!(
                    path = %self.path.display(), %error,
                    "the submission journal cannot be written: no transaction is taken until the \
                     disk is mended and this node started again"
                );
                return;
            }
        }
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.file.sync_data()?;
        self.grown += bytes.len() as u64;
        Ok(())
    }

    fn rewrite_if_grown(&mut self) -> io::Result<()> {
        if self.grown > REWRITE_BYTES {
            let kept = waiting(read(&self.path)?, &self.ledger);
            self.file = rewrite(&self.path, &kept)?;
            self.grown = 0;
        }
        Ok(())
    }
}

fn frame(taken: &Taken) -> Vec<u8> {
    let mut body = taken.received_height.0.to_le_bytes().to_vec();
    body.extend_from_slice(&taken.valid_until.0.to_le_bytes());
    body.extend_from_slice(&mulu_chain::codec::encode(&taken.envelope));
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes();
    let check = Digest::sha256(&body);
    [length.as_slice(), check.as_bytes().get(..8).unwrap_or_default(), &body].concat()
}

/// The whole frames from the file's beginning; none of a file that is not there.
fn read(path: &Path) -> io::Result<Vec<Taken>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(JOURNAL_BYTES_MAX).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let Some(mut rest) = bytes.strip_prefix(MAGIC) else {
        if MAGIC.starts_with(&bytes) {
            return Ok(Vec::new());
        }
        let reason = "it is not a submission journal of this version; move it away to go on";
        return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
    };
    let mut taken = Vec::new();
    while let Some((one, after)) = split_frame(rest) {
        taken.push(one);
        rest = after;
    }
    if !rest.is_empty() {
        let (bytes, path) = (rest.len(), path.display());
        tracing::warn!(%path, bytes, "the submission journal ends in a torn frame, which is cut off");
    }
    Ok(taken)
}

fn split_frame(bytes: &[u8]) -> Option<(Taken, &[u8])> {
    let (head, rest) = bytes.split_at_checked(size_of::<u32>() + size_of::<u64>())?;
    let (length, check) = head.split_at_checked(4)?;
    let length = usize::try_from(u32::from_le_bytes(length.try_into().ok()?)).ok()?;
    let (body, after) = rest.split_at_checked(Some(length).filter(|l| *l <= BODY_BYTES_MAX)?)?;
    if !Digest::sha256(body).as_bytes().starts_with(check) {
        return None;
    }
    let (received, rest) = body.split_at_checked(8)?;
    let (until, envelope) = rest.split_at_checked(8)?;
    let height = |bytes: &[u8]| Some(Height(u64::from_le_bytes(bytes.try_into().ok()?)));
    let taken = Taken {
        received_height: height(received)?,
        valid_until: height(until)?,
        envelope: Envelope::from_bytes(envelope).ok()?,
    };
    Some((taken, after))
}

/// Those that are not committed, each once; long expired ones are forgotten.
fn waiting(taken: Vec<Taken>, ledger: &Ledger) -> Vec<Taken> {
    let height = ledger.height().unwrap_or_default();
    let mut seen: BTreeSet<TransactionId> = BTreeSet::new();
    let mut keep = |one: &Taken| {
        let id = one.envelope.id();
        // What cannot be read is kept: it is asked for again when it is submitted.
        let committed = ledger.is_committed(&id).unwrap_or(false);
        !committed && one.valid_until.0 + EXPIRED_HEIGHTS >= height.0 && seen.insert(id)
    };
    taken.into_iter().filter(|one| keep(one)).collect()
}

/// Replaces the file by one that holds just these, atomically, and opens it to be appended to.
fn rewrite(path: &Path, kept: &[Taken]) -> io::Result<File> {
    let next = path.with_extension("next");
    let mut bytes = MAGIC.to_vec();
    bytes.extend(kept.iter().flat_map(frame));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&next)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    std::fs::rename(&next, path)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests;
