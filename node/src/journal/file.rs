//! The journal's file. See [`super`] for what it means and how it is laid out.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mulu_chain::digest::Digest;
use mulu_chain::transaction::{Envelope, TransactionId};
use mulu_chain::types::Height;

use super::{BODY_BYTES_MAX, EXPIRED_HEIGHTS, JOURNAL_BYTES_MAX, Taken};
use crate::disk::{self, Disk, DiskFile, Site};
use crate::storage::Ledger;

const MAGIC: &[u8; 8] = b"MULUSUB1";

/// An open journal file, to be appended to.
pub struct JournalFile {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    file: Box<dyn DiskFile>,
    /// Where the next frame goes.
    end: u64,
    /// Bytes appended since it was rewritten, and how many are enough to do it again.
    grown: u64,
    rewrite_bytes: u64,
    ledger: Ledger,
}

impl JournalFile {
    /// Opens or makes the file and returns what it holds that is not committed; it is rewritten with
    /// that now, and again whenever it has grown by `rewrite_bytes`.
    ///
    /// # Errors
    /// What the disk says; a file that is not a journal.
    pub fn open(
        disk: Arc<dyn Disk>,
        path: &Path,
        ledger: &Ledger,
        rewrite_bytes: u64,
    ) -> io::Result<(JournalFile, Vec<Taken>)> {
        let kept = waiting(read(&*disk, path)?, ledger);
        let (file, end) = rewrite(&*disk, path, &kept)?;
        let (path, ledger) = (path.to_owned(), ledger.clone());
        let journal = JournalFile { disk, path, file, end, grown: 0, rewrite_bytes, ledger };
        Ok((journal, kept))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes frames; they survive when this returns.
    ///
    /// # Errors
    /// What the disk says; nothing may be appended any more.
    pub fn append(&mut self, frames: &[u8]) -> io::Result<()> {
        self.file.write_at(Site::JournalAppendWrite, self.end, frames)?;
        self.file.sync(Site::JournalAppendSync)?;
        self.end += frames.len() as u64;
        self.grown += frames.len() as u64;
        Ok(())
    }

    /// Rewrites the file with what is still waiting, if it has grown enough.
    ///
    /// # Errors
    /// As [`JournalFile::append`].
    pub fn rewrite_if_grown(&mut self) -> io::Result<()> {
        if self.grown > self.rewrite_bytes {
            let kept = waiting(read(&*self.disk, &self.path)?, &self.ledger);
            (self.file, self.end) = rewrite(&*self.disk, &self.path, &kept)?;
            self.grown = 0;
        }
        Ok(())
    }
}

/// The frames of transactions, one after the other.
pub fn frames(taken: &[Taken]) -> Vec<u8> {
    taken.iter().flat_map(frame).collect()
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
fn read(disk: &dyn Disk, path: &Path) -> io::Result<Vec<Taken>> {
    let Some(bytes) = disk.read_up_to(path, JOURNAL_BYTES_MAX)? else { return Ok(Vec::new()) };
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

/// Replaces the file by one that holds just these, atomically; where it ends.
fn rewrite(disk: &dyn Disk, path: &Path, kept: &[Taken]) -> io::Result<(Box<dyn DiskFile>, u64)> {
    let bytes = [MAGIC.as_slice(), &frames(kept)].concat();
    let file = disk::replace(disk, path, &bytes)?;
    Ok((file, bytes.len() as u64))
}

#[cfg(test)]
mod tests;
