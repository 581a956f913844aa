//! Reading and writing files with the care that keys and evidence need.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use crate::failure::{Exit, Failure, Outcome};
use crate::text;

/// What to do when the file already exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Keep it and fail.
    Refuse,
    /// Overwrite it.
    Replace,
}

/// Writes a file only its owner may read (mode 0600) and syncs it.
///
/// # Errors
/// Those of the file system; `AlreadyExists` under [`Existing::Refuse`].
pub fn write_private(path: &Path, bytes: &[u8], existing: Existing) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true);
    match existing {
        Existing::Refuse => options.create_new(true),
        Existing::Replace => options.create(true).truncate(true),
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Reads a file of at most `limit` bytes; `-` is standard input.
///
/// # Errors
/// Exit 2, saying what is wrong with the file.
pub fn read_bounded(path: &Path, limit: u64) -> Outcome<Vec<u8>> {
    let shown = path.display();
    let unreadable =
        |e: io::Error| Failure::usage(text!("cannot read {shown}: {e}", "无法读取 {shown}：{e}"));
    let mut bytes = Vec::new();
    let mut reader: Box<dyn io::Read> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).map_err(unreadable)?)
    };
    reader.by_ref().take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if u64::try_from(bytes.len()).map_or(true, |length| length > limit) {
        return Err(Failure::usage(text!(
            "{shown} is larger than {limit} bytes, the most this command reads",
            "{shown} 超过 {limit} 字节，超出本命令可读取的上限",
        )));
    }
    Ok(bytes)
}

/// Opens a file for reading; `-` is standard input.
///
/// # Errors
/// Exit 2 when it cannot be opened.
pub fn open(path: &Path) -> Outcome<Box<dyn io::Read>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    let shown = path.display();
    let file = File::open(path);
    Ok(Box::new(
        file.map_err(|e| {
            Failure::usage(text!("cannot read {shown}: {e}", "无法读取 {shown}：{e}"))
        })?,
    ))
}

/// Writes an ordinary output file, replacing an older one.
///
/// # Errors
/// Exit 2 when it cannot be written.
pub fn write_output(path: &Path, bytes: &[u8]) -> Outcome<()> {
    let shown = path.display();
    std::fs::write(path, bytes)
        .map_err(|e| Failure::usage(text!("cannot write {shown}: {e}", "无法写入 {shown}：{e}")))
}

/// Writes a private file so that a crash leaves the old one or the new one, and syncs it. Its folder
/// must be there: one that vanished is not to be begun anew unseen.
///
/// # Errors
/// Exit 6.
pub fn write_synced(path: &Path, bytes: &[u8]) -> Outcome<()> {
    let shown = path.display();
    let write = || -> io::Result<()> {
        let temporary = path.with_extension("new");
        write_private(&temporary, bytes, Existing::Replace)?;
        std::fs::rename(&temporary, path)?;
        match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    };
    write().map_err(|e| {
        Failure::new(Exit::Permission, text!("cannot write {shown}: {e}", "无法写入 {shown}：{e}"))
    })
}
