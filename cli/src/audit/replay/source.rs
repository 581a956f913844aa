//! Where blocks come from: a folder of archive files, or a node.

use std::path::{Path, PathBuf};

use mulu_chain::archive::{Archive, ArchiveInvalid, heights_of_name};
use mulu_chain::block::{BlockId, CertifiedBlock};
use mulu_chain::limits::ARCHIVE_BYTES_MAX;
use mulu_chain::types::Height;

use crate::client::Node;
use crate::failure::{Failure, Outcome};
use crate::{files, text};

/// Blocks in order.
pub trait Source {
    /// Some blocks from a height on; none when there are no more.
    ///
    /// # Errors
    /// That they cannot be fetched; the inner error is what is wrong with them.
    fn next(&mut self, from: Height) -> Outcome<Result<Vec<CertifiedBlock>, ArchiveInvalid>>;
}

/// Archive files of a folder.
pub struct Folder {
    genesis: BlockId,
    files: Vec<(Height, Height, PathBuf)>,
}

impl Folder {
    /// Lists a folder.
    ///
    /// # Errors
    /// Exit 2 when it cannot be read or holds no archive file.
    pub fn open(path: &Path, genesis: BlockId) -> Outcome<Folder> {
        let shown = path.display();
        let unreadable = |e: std::io::Error| {
            Failure::usage(text!("cannot read {shown}: {e}", "无法读取 {shown}：{e}"))
        };
        let mut files = Vec::new();
        for file in std::fs::read_dir(path).map_err(unreadable)? {
            let file = file.map_err(unreadable)?;
            if let Some((first, last)) = heights_of_name(&file.file_name().to_string_lossy()) {
                files.push((first, last, file.path()));
            }
        }
        files.sort();
        if files.is_empty() {
            return Err(Failure::usage(text!(
                "{shown} holds no archive file (blocks-…​.mulu-archive)",
                "{shown} 中没有归档文件（blocks-….mulu-archive）"
            )));
        }
        Ok(Folder { genesis, files })
    }
}

impl Source for Folder {
    fn next(&mut self, from: Height) -> Outcome<Result<Vec<CertifiedBlock>, ArchiveInvalid>> {
        let file = self.files.iter().find(|(first, last, _)| *first <= from && from <= *last);
        let Some((_, _, path)) = file else { return Ok(Ok(Vec::new())) };
        let limit = u64::try_from(ARCHIVE_BYTES_MAX).unwrap_or(u64::MAX).saturating_mul(2);
        let bytes = files::read_bounded(path, limit)?;
        Ok(blocks(&bytes, from, &self.genesis))
    }
}

/// A node.
pub struct NodeBlocks {
    /// The node.
    pub node: Node,
    /// Id of block 0.
    pub genesis: BlockId,
    /// Where to end: the node's tip when the replay began.
    pub last: Height,
}

impl Source for NodeBlocks {
    fn next(&mut self, from: Height) -> Outcome<Result<Vec<CertifiedBlock>, ArchiveInvalid>> {
        if from > self.last {
            return Ok(Ok(Vec::new()));
        }
        let limit = u64::try_from(ARCHIVE_BYTES_MAX).unwrap_or(u64::MAX).saturating_mul(2);
        let bytes = self.node.download(&format!("/v1/archive/{from}"), limit)?;
        let left = self.last.0.saturating_sub(from.0).saturating_add(1);
        Ok(blocks(&bytes, from, &self.genesis).map(|mut blocks| {
            blocks.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            blocks
        }))
    }
}

fn blocks(
    bytes: &[u8],
    from: Height,
    genesis: &BlockId,
) -> Result<Vec<CertifiedBlock>, ArchiveInvalid> {
    let archive = Archive::open(bytes)?;
    if archive.head().genesis != *genesis {
        let found = archive.head().genesis;
        return Err(ArchiveInvalid::Head(format!("it is of another chain, with genesis {found}")));
    }
    if archive.head().first > from {
        return Err(ArchiveInvalid::Head(format!("block {from} is missing")));
    }
    let skip = from.0.saturating_sub(archive.head().first.0);
    archive.blocks().skip(usize::try_from(skip).unwrap_or(usize::MAX)).collect()
}
