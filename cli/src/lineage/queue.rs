//! The durable queue: a folder with one file of lines per window, and the envelopes made of them.
//!
//! | file | holds |
//! |---|---|
//! | `<window>.jsonl` | the uses of a window, one JSON line each |
//! | `<window>-<grant>.envelope.json` | a signed receipt, until the chain took it |
//! | `done/<window>.jsonl` | lines whose receipts are all on the chain |
//! | `refused/<window>-<grant>.json` | what the rules refused, and why |
//!
//! `<window>` is the first millisecond of the window, `<grant>` the id's hexadecimal digits. A line
//! that a crash tore is not counted: 201 was not said for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use mulu_chain::digest::Digest;
use serde::{Deserialize, Serialize};

/// Largest file of a window, in bytes; over it, clients get 503.
pub const WINDOW_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How long after its end a window may still get a line whose moment lies in it, in milliseconds.
const GRACE_MS: u64 = 5_000;

/// One use, as a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The grant.
    pub authorization: Digest,
    /// The run.
    pub run: String,
    /// When it arrived, by this machine's clock.
    pub at_ms: u64,
    /// Rows.
    pub records: u64,
    /// Bytes.
    pub bytes: u64,
}

/// What a window comes to for one grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    /// First arrival.
    pub from_ms: u64,
    /// Last arrival.
    pub to_ms: u64,
    /// Runs.
    pub calls: u64,
    /// Rows.
    pub records: u64,
    /// Bytes.
    pub bytes: u64,
}

/// The queue.
#[derive(Debug)]
pub struct Queue {
    folder: PathBuf,
    window_ms: u64,
    /// One writer at a time.
    writing: Mutex<()>,
}

impl Queue {
    /// Opens the folder, making it if need be.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn open(folder: &Path, window_ms: u64) -> io::Result<Queue> {
        for part in ["", "done", "refused"] {
            fs::create_dir_all(folder.join(part))?;
        }
        Ok(Queue {
            folder: folder.to_owned(),
            window_ms: window_ms.max(1),
            writing: Mutex::new(()),
        })
    }

    /// Keeps uses; they are on stable storage when this returns.
    ///
    /// # Errors
    /// They cannot be kept.
    pub fn append(&self, lines: &[Line]) -> io::Result<()> {
        let Some(first) = lines.first() else { return Ok(()) };
        let window = first.at_ms - first.at_ms % self.window_ms;
        let mut text = String::new();
        for line in lines {
            text += &serde_json::to_string(line)?;
            text.push('\n');
        }
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.lines_of(window);
        let new = !path.exists();
        let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
        let length = file.metadata()?.len();
        if length.saturating_add(text.len() as u64) > WINDOW_BYTES_MAX {
            return Err(io::Error::other("the window's file is full"));
        }
        // After a torn line a new one begins on a line of its own.
        if length > 0 && !ends_with_newline(&path)? {
            text.insert(0, '\n');
        }
        file.write_all(text.as_bytes())?;
        file.sync_data()?;
        if new {
            File::open(&self.folder)?.sync_all()?;
        }
        Ok(())
    }

    /// Windows that have ended at `now_ms` and have not been filed, oldest first.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn closed(&self, now_ms: u64) -> io::Result<Vec<u64>> {
        let mut windows = BTreeSet::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let window = name.strip_suffix(".jsonl").and_then(|name| name.parse::<u64>().ok());
            let ended =
                |w: &u64| w.saturating_add(self.window_ms).saturating_add(GRACE_MS) <= now_ms;
            windows.extend(window.filter(ended));
        }
        Ok(windows.into_iter().collect())
    }

    /// Adds a window up by grant; a run counts once.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn sums(&self, window: u64) -> io::Result<BTreeMap<Digest, Sum>> {
        let mut text = String::new();
        File::open(self.lines_of(window))?.take(WINDOW_BYTES_MAX).read_to_string(&mut text)?;
        let mut seen = BTreeSet::new();
        let mut sums: BTreeMap<Digest, Sum> = BTreeMap::new();
        for line in text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok()) {
            if !seen.insert((line.authorization, line.run)) {
                continue;
            }
            let sum = sums.entry(line.authorization).or_insert(Sum {
                from_ms: line.at_ms,
                to_ms: line.at_ms,
                calls: 0,
                records: 0,
                bytes: 0,
            });
            sum.from_ms = sum.from_ms.min(line.at_ms);
            sum.to_ms = sum.to_ms.max(line.at_ms);
            sum.calls = sum.calls.saturating_add(1);
            sum.records = sum.records.saturating_add(line.records);
            sum.bytes = sum.bytes.saturating_add(line.bytes);
        }
        Ok(sums)
    }

    /// The envelope kept for a grant of a window.
    pub fn envelope(&self, window: u64, grant: &Digest) -> Option<Vec<u8>> {
        fs::read(self.envelope_of(window, grant)).ok()
    }

    /// Keeps an envelope durably before it is submitted.
    ///
    /// # Errors
    /// It cannot be kept.
    pub fn keep_envelope(&self, window: u64, grant: &Digest, bytes: &[u8]) -> io::Result<()> {
        self.replace(&self.envelope_of(window, grant), bytes)
    }

    /// Notes that a receipt is on the chain, or was refused for a reason.
    ///
    /// # Errors
    /// It cannot be noted.
    pub fn settle(&self, window: u64, grant: &Digest, refused: Option<&str>) -> io::Result<()> {
        let name = format!("{window}-{}.json", grant.to_hex());
        let folder = if refused.is_some() { "refused" } else { "done" };
        let envelope = self.envelope(window, grant).unwrap_or_default();
        let envelope: serde_json::Value = serde_json::from_slice(&envelope).unwrap_or_default();
        let note = serde_json::json!({ "refused": refused, "envelope": envelope });
        self.replace(&self.folder.join(folder).join(name), note.to_string().as_bytes())?;
        match fs::remove_file(self.envelope_of(window, grant)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether a grant of a window is settled.
    pub fn is_settled(&self, window: u64, grant: &Digest) -> bool {
        let name = format!("{window}-{}.json", grant.to_hex());
        ["done", "refused"].iter().any(|folder| self.folder.join(folder).join(&name).exists())
    }

    /// Puts a window away whose grants are all settled.
    ///
    /// # Errors
    /// It cannot be moved.
    pub fn finish(&self, window: u64) -> io::Result<()> {
        let name = format!("{window}.jsonl");
        fs::rename(self.lines_of(window), self.folder.join("done").join(name))
    }

    fn lines_of(&self, window: u64) -> PathBuf {
        self.folder.join(format!("{window}.jsonl"))
    }

    fn envelope_of(&self, window: u64, grant: &Digest) -> PathBuf {
        self.folder.join(format!("{window}-{}.envelope.json", grant.to_hex()))
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let next = path.with_extension("next");
        let mut file = File::create(&next)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&next, path)?;
        File::open(path.parent().unwrap_or(&self.folder))?.sync_all()
    }
}

fn ends_with_newline(path: &Path) -> io::Result<bool> {
    use std::io::{Seek as _, SeekFrom};
    let mut file = File::open(path)?;
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}
