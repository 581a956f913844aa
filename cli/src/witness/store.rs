//! What a witness cosigned last, one file a log: the note with its own line.
//!
//! A file is written beside, synced, renamed, and its folder synced, before anything is answered: a
//! crash leaves the old note or the new one, and what a client was told is always on disk. A file
//! that cannot be read stops the witness: it would rather sign nothing than forget.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use mulu_chain::checkpoint::Checkpoint;
use mulu_chain::digest::Digest;
use mulu_chain::limits::NOTE_BYTES_MAX;
use mulu_chain::note::Note;

use crate::failure::{Exit, Failure, Outcome};
use crate::files;
use crate::text;

/// Most logs in a data folder.
const LOGS_MAX: usize = 1024;
const EXTENSION: &str = "note";

/// The data folder.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    known: BTreeMap<String, (u64, Digest)>,
    /// Held as long as the witness runs: two on one folder would forget for each other.
    _lock: File,
}

impl Store {
    /// Opens a folder, making it if it is not there.
    ///
    /// # Errors
    /// Exit 2 if it is in use or damaged, exit 6 if it cannot be used.
    pub fn open(folder: &Path) -> Outcome<Store> {
        let shown = folder.display();
        let denied = |e: io::Error| {
            Failure::new(
                Exit::Permission,
                text!("cannot use {shown}: {e}", "无法使用 {shown}：{e}"),
            )
        };
        fs::create_dir_all(folder).map_err(denied)?;
        let lock = File::create(folder.join("lock")).map_err(denied)?;
        lock.try_lock().map_err(|e| {
            Failure::usage(text!(
                "{shown} is in use by another witness: {e}",
                "{shown} 正被另一个见证者使用：{e}"
            ))
            .help(text!("stop it, or pass another --data", "请停止它，或用 --data 指定其他目录"))
        })?;
        let mut known = BTreeMap::new();
        for entry in fs::read_dir(folder).map_err(denied)?.take(LOGS_MAX) {
            let path = entry.map_err(denied)?.path();
            if path.extension().is_some_and(|extension| extension == EXTENSION) {
                let checkpoint = read(&path)?;
                known.insert(checkpoint.origin.clone(), (checkpoint.size, checkpoint.root));
            }
        }
        Ok(Store { folder: folder.to_owned(), known, _lock: lock })
    }

    /// What was cosigned last of a log.
    pub fn known(&self, origin: &str) -> Option<(u64, Digest)> {
        self.known.get(origin).copied()
    }

    /// Remembers a note for good.
    ///
    /// # Errors
    /// Exit 6 if it is not certainly on disk; then nothing may be signed.
    pub fn remember(&mut self, checkpoint: &Checkpoint, note: &Note) -> Outcome<()> {
        let name = hex(&Digest::sha256(checkpoint.origin.as_bytes()));
        files::write_synced(
            &self.folder.join(format!("{name}.{EXTENSION}")),
            note.to_string().as_bytes(),
        )?;
        self.known.insert(checkpoint.origin.clone(), (checkpoint.size, checkpoint.root));
        Ok(())
    }
}

fn hex(digest: &Digest) -> String {
    digest.to_string().trim_start_matches("sha256:").to_owned()
}

fn read(path: &Path) -> Outcome<Checkpoint> {
    let limit = u64::try_from(NOTE_BYTES_MAX).unwrap_or(u64::MAX);
    let bytes = files::read_bounded(path, limit)?;
    let shown = path.display();
    let note = std::str::from_utf8(&bytes).ok();
    let read = note.and_then(|note| Checkpoint::from_note(note).ok());
    let Some((checkpoint, _)) = read else {
        return Err(Failure::usage(text!(
            "{shown} is damaged; what this witness cosigned last is not known, so it signs nothing",
            "{shown} 已损坏；无法得知上次联署的内容，因此不再签署"
        ))
        .help(text!(
            "restore the file from a copy; if there is none, retire the witness's key",
            "请从副本恢复该文件；若无副本，请停用该见证者密钥"
        )));
    };
    Ok(checkpoint)
}
