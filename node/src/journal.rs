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

mod file;

use std::io;
use std::path::Path;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use mulu_chain::transaction::Envelope;
use mulu_chain::types::Height;
use tokio::sync::oneshot;

use crate::disk::Disk;
use crate::storage::Ledger;

pub use file::{JournalFile, frames};

/// Growth after which the file is rewritten, in bytes.
pub const REWRITE_BYTES: u64 = 64 * 1024 * 1024;
/// Largest file read back, in bytes: what the mempool can hold, twice, and the growth.
pub const JOURNAL_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Groups of submissions waiting to be written.
pub const GROUPS_MAX: usize = 1_024;
/// Heights for which an expired transaction is still told of.
pub const EXPIRED_HEIGHTS: u64 = 10_000;

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
    pub fn open(
        disk: Arc<dyn Disk>,
        path: &Path,
        ledger: &Ledger,
    ) -> io::Result<(Journal, Vec<Taken>)> {
        let (file, kept) = JournalFile::open(disk, path, ledger, REWRITE_BYTES)?;
        let (groups, waiting) = bounded(GROUPS_MAX);
        std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || run(file, &waiting))?;
        Ok((Journal { groups: Some(groups) }, kept))
    }

    /// A journal that writes nothing, for tests of what does not need it.
    pub fn none() -> Journal {
        Journal { groups: None }
    }

    /// Writes transactions down; true when they survive.
    pub async fn write(&self, taken: &[Taken]) -> bool {
        let Some(groups) = &self.groups else { return true };
        let frames = file::frames(taken);
        let (done, written) = oneshot::channel();
        match groups.try_send(Group { frames, done }) {
            Ok(()) => written.await.unwrap_or(false),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }
}

/// Until the last handle is gone or the disk refuses.
fn run(mut file: JournalFile, groups: &Receiver<Group>) {
    while let Ok(first) = groups.recv() {
        let group: Vec<Group> = std::iter::once(first).chain(groups.try_iter()).collect();
        let bytes: Vec<u8> = group.iter().flat_map(|g| g.frames.iter().copied()).collect();
        let written = file.append(&bytes);
        let good = written.is_ok();
        for group in group {
            // The client may have gone away; its transaction stays.
            let _ = group.done.send(good);
        }
        if let Err(error) = written.and_then(|()| file.rewrite_if_grown()) {
            tracing::error!(
                path = %file.path().display(), %error,
                "the submission journal cannot be written: no transaction is taken until the \
                 disk is mended and this node started again"
            );
            return;
        }
    }
}
