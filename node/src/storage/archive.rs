//! The archive folder: where the bodies of old blocks go, and where they are read from as long as the
//! files stay there.
//!
//! A file is complete before it has its name: written beside, synced, read back and compared,
//! renamed, and the folder synced; only then are bodies deleted. A file found under the name of the
//! next one is left by a crash; it is taken if it holds these very blocks. Files may be moved to
//! another disk at any time: the node then answers with the name of the file that is wanted. What is
//! read from a file is compared with the header in the ledger, so a changed file is found out.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use mulu_chain::archive::{
    Archive, ArchiveBuilder, ArchiveHead, ArchiveInvalid, HEAD_READ_BYTES, decode_block,
    heights_of_name,
};
use mulu_chain::block::{CertifiedBlock, Header};
use mulu_chain::limits::{BLOCK_BYTES_MAX, CERTIFICATE_BYTES_MAX};
use mulu_chain::transaction::Envelope;
use mulu_chain::types::Height;

use super::error::StorageError;
use super::keys::{self, corrupt};
use super::kv::Column;
use super::ledger::Ledger;

/// Most files looked at in an archive folder.
pub const ARCHIVE_FILES_MAX: usize = 1_000_000;
/// How the name of a file that is being written ends.
const PART: &str = ".part";

/// A folder of archive files. Clones share the block read last.
#[derive(Debug, Clone)]
pub struct ArchiveFolder {
    folder: PathBuf,
    last: Arc<Mutex<Option<Arc<CertifiedBlock>>>>,
}

impl ArchiveFolder {
    /// The folder at a path; it is created when the first file is written.
    pub fn new(folder: PathBuf) -> Self {
        ArchiveFolder { folder, last: Arc::default() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    fn error(&self, path: &Path, reason: impl ToString) -> StorageError {
        StorageError::Archive { path: path.to_owned(), reason: reason.to_string() }
    }

    /// Stores the blocks from `first` to at most `last` in one file; returns the last one in it.
    pub(super) fn store(
        &self,
        ledger: &Ledger,
        first: Height,
        last: Height,
    ) -> Result<Height, StorageError> {
        let (head, bytes) = self.build(ledger, first, last)?;
        let path = self.folder.join(head.file_name());
        if fs::read(&path).is_ok_and(|found| found == bytes) {
            return Ok(head.last);
        }
        self.write(&path, &bytes).map_err(|error| self.error(&path, error))?;
        Ok(head.last)
    }

    fn build(
        &self,
        ledger: &Ledger,
        first: Height,
        last: Height,
    ) -> Result<(ArchiveHead, Vec<u8>), StorageError> {
        let missing =
            |height| corrupt(&*ledger.kv, Column::Headers, &keys::height(height), "it is missing");
        let genesis = ledger.header(Height::GENESIS)?.ok_or_else(|| missing(Height::GENESIS))?;
        let mut builder = ArchiveBuilder::new(genesis.chain_id.clone(), genesis.id(), first);
        for height in (first.0..=last.0).map(Height) {
            let block = ledger.certified_block(height)?.ok_or_else(|| missing(height))?;
            match builder.push(&block) {
                Ok(()) => {}
                Err(ArchiveInvalid::TooLarge) if height > first => break,
                Err(error) => return Err(self.error(&self.folder, error)),
            }
        }
        let (head, bytes) =
            builder.finish().ok_or_else(|| self.error(&self.folder, "no block to archive"))?;
        // What is damaged in the ledger must not be archived as if it were whole.
        let archive = Archive::open(&bytes).map_err(|error| self.error(&self.folder, error))?;
        for (block, height) in archive.blocks().zip(first.0..) {
            let block = block.map_err(|error| self.error(&self.folder, error))?;
            let key = keys::height(Height(height));
            let header = ledger.header(Height(height))?.ok_or_else(|| missing(Height(height)))?;
            if block.block.header != header {
                return Err(corrupt(&*ledger.kv, Column::Bodies, &key, "not the header's body"));
            }
        }
        Ok((head, bytes))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut part = path.as_os_str().to_owned();
        part.push(PART);
        let part = PathBuf::from(part);
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        if fs::read(&part)? != bytes {
            return Err(io::Error::other("the file reads back otherwise than it was written"));
        }
        fs::rename(&part, path)?;
        File::open(&self.folder)?.sync_all()
    }

    /// The name of the file that holds a height, if it is in the folder.
    pub fn file_of(&self, height: Height) -> Option<PathBuf> {
        let entries = fs::read_dir(&self.folder).ok()?;
        let mut paths = entries.take(ARCHIVE_FILES_MAX).flatten().map(|entry| entry.path());
        paths.find(|path| {
            let heights = path.file_name().and_then(|name| heights_of_name(name.to_str()?));
            heights.is_some_and(|(first, last)| first <= height && height <= last)
        })
    }

    /// Number and bytes of the files that are in the folder.
    pub fn size(&self) -> (u64, u64) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return (0, 0) };
        let ours = entries.take(ARCHIVE_FILES_MAX).flatten().filter(|entry| {
            entry.file_name().to_str().is_some_and(|name| heights_of_name(name).is_some())
        });
        ours.filter_map(|entry| entry.metadata().ok())
            .fold((0, 0), |(files, bytes), file| (files + 1, bytes + file.len()))
    }

    /// The block whose header the ledger holds; none if no file holds it.
    fn block(&self, header: &Header) -> Result<Option<Arc<CertifiedBlock>>, StorageError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(block) = last.as_ref().filter(|block| block.block.header == *header) {
            return Ok(Some(block.clone()));
        }
        let Some(path) = self.file_of(header.height) else { return Ok(None) };
        let block = read_block(&path, header.height).map_err(|e| self.error(&path, e))?;
        if block.block.header != *header {
            return Err(self.error(&path, format!("block {} is not this chain's", header.height)));
        }
        let block = Arc::new(block);
        *last = Some(block.clone());
        Ok(Some(block))
    }
}

/// Reads one block out of a file.
fn read_block(path: &Path, height: Height) -> io::Result<CertifiedBlock> {
    let invalid = |error: &dyn ToString| io::Error::other(error.to_string());
    let mut file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let mut start = Vec::with_capacity(HEAD_READ_BYTES);
    (&mut file).take(HEAD_READ_BYTES as u64).read_to_end(&mut start)?;
    let (head, _) = ArchiveHead::read(&start).map_err(|e| invalid(&e))?;
    let at = head.index_position(height, bytes).ok_or_else(|| invalid(&"another file's head"))?;
    let mut offset = [0u8; 8];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut offset)?;
    let mut length = [0u8; 4];
    file.seek(SeekFrom::Start(u64::from_le_bytes(offset)))?;
    file.read_exact(&mut length)?;
    let length = u64::from(u32::from_le_bytes(length));
    if length > (BLOCK_BYTES_MAX + CERTIFICATE_BYTES_MAX) as u64 {
        return Err(invalid(&"a block longer than any"));
    }
    let mut block = Vec::new();
    file.take(length).read_to_end(&mut block)?;
    decode_block(&block, height, &head).map_err(|e| invalid(&e))
}

impl Ledger {
    /// From now on, bodies that are not in the ledger are looked for in this folder.
    pub fn read_archive(&self, folder: ArchiveFolder) {
        *self.archive.write().unwrap_or_else(PoisonError::into_inner) = Some(folder);
    }

    fn archive(&self) -> Option<ArchiveFolder> {
        self.archive.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An archived block, if it is within reach.
    pub(super) fn archived_block(
        &self,
        header: &Header,
    ) -> Result<Option<CertifiedBlock>, StorageError> {
        let Some(archive) = self.archive() else { return Ok(None) };
        Ok(archive.block(header)?.map(|block| (*block).clone()))
    }

    /// An envelope of an archived block.
    pub(super) fn archived_envelope(
        &self,
        height: Height,
        index: u32,
    ) -> Result<Option<Envelope>, StorageError> {
        // A ledger that began with a snapshot has no header there either.
        let Some(header) = self.header(height)? else {
            return Err(StorageError::BodyMoved { height, archive: None });
        };
        if index >= header.transactions {
            return Ok(None);
        }
        let archive = self.archive();
        let found = archive.as_ref().map_or(Ok(None), |archive| archive.block(&header))?;
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        match found.and_then(|block| block.block.transactions.get(at).cloned()) {
            Some(envelope) => Ok(Some(envelope)),
            None => {
                let archive = archive
                    .map(|archive| format!("with block {height} in {}", archive.path().display()));
                Err(StorageError::BodyMoved { height, archive })
            }
        }
    }
}
