//! An archive file: consecutive blocks, whole and with their certificates, taken out of a node.
//!
//! A node that prunes moves the bodies of old blocks into such files. A file stands alone: it says
//! which chain it belongs to and which heights it holds, and whoever has the genesis digest and the
//! files from height 1 on can replay and check the chain without a node. Files are written once and
//! never changed; their names sort by height.
//!
//! Byte layout; numbers outside [`crate::codec`] are little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | [`ARCHIVE_MAGIC`] |
//! | 4 | length of the head, `u32` |
//! | … | [`ArchiveHead`] |
//! | for each block, 4 | its length, `u32` |
//! | … | [`CertifiedBlock`] |
//! | 8 for each block | where its length lies, from the file's beginning, `u64` |
//! | 32 | SHA-256 of everything before |
//!
//! A liar can make a file that reads well: whether the certificates are a quorum's is the reader's
//! to check against the validator sets. That blocks follow each other, that each is what its header
//! commits to and that its certificate names it is checked here. Source: SPEC section 14.

use bincode::{Decode, Encode};
use sha2::{Digest as _, Sha256};

use crate::block::{BlockId, BlockInvalid, CertifiedBlock};
use crate::codec::{self, CodecInvalid};
use crate::limits::{
    ARCHIVE_BLOCKS_MAX, ARCHIVE_BYTES_MAX, BLOCK_BYTES_MAX, CERTIFICATE_BYTES_MAX,
};
use crate::types::{ChainId, Height};

/// What an archive file begins with.
pub const ARCHIVE_MAGIC: &[u8; 8] = b"MULUARC1";
/// Layout version of [`ArchiveHead`].
pub const ARCHIVE_VERSION: u16 = 1;
/// How the name of an archive file ends.
pub const ARCHIVE_SUFFIX: &str = ".mulu-archive";
/// Bytes of the checksum at the end.
pub const CHECKSUM_BYTES: usize = 32;

/// Bytes of a length.
const LENGTH_BYTES: usize = 4;
/// Bytes of an offset.
const OFFSET_BYTES: usize = 8;
/// Largest encoded head, in bytes.
const HEAD_BYTES_MAX: usize = 256;
/// Largest encoded block with its certificate, in bytes.
const CERTIFIED_BLOCK_BYTES_MAX: usize = BLOCK_BYTES_MAX + CERTIFICATE_BYTES_MAX;

/// What an archive file holds.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ArchiveHead {
    /// Layout version, 1.
    pub version: u16,
    /// The chain.
    pub chain_id: ChainId,
    /// Id of block 0.
    pub genesis: BlockId,
    /// Height of the first block; at least 1.
    pub first: Height,
    /// Height of the last block.
    pub last: Height,
}

/// Why bytes are not an archive file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveInvalid {
    /// ARC-01
    #[error("ARC-01: it is not an archive file: it does not begin with MULUARC1")]
    Magic,
    /// ARC-02
    #[error("ARC-02: the file is cut or damaged: its checksum does not match")]
    Checksum,
    /// ARC-03
    #[error("ARC-03: the file's head is damaged: {0}")]
    Head(String),
    /// ARC-04
    #[error("ARC-04: the file is laid out otherwise than its head and index say")]
    Layout,
    /// ARC-05
    #[error("ARC-05: block {height}: {reason}")]
    Block {
        /// Height at which the block should stand.
        height: Height,
        /// The broken rule.
        reason: String,
    },
    /// ARC-06
    #[error(
        "ARC-06: an archive file has at most {ARCHIVE_BLOCKS_MAX} blocks and {ARCHIVE_BYTES_MAX} bytes"
    )]
    TooLarge,
}

impl From<CodecInvalid> for ArchiveInvalid {
    fn from(error: CodecInvalid) -> Self {
        ArchiveInvalid::Head(error.to_string())
    }
}

impl ArchiveHead {
    /// Number of blocks, if the head makes sense.
    fn count(&self) -> Option<usize> {
        let count = self.last.0.checked_sub(self.first.0)?.checked_add(1)?;
        let count = usize::try_from(count).ok()?;
        (self.first > Height::GENESIS && count <= ARCHIVE_BLOCKS_MAX).then_some(count)
    }

    /// The name of the file that holds these heights.
    pub fn file_name(&self) -> String {
        file_name(self.first, self.last)
    }

    /// Where the head of a file ends and what it says; `start` is the file's beginning, at least
    /// [`HEAD_READ_BYTES`] of it or all.
    ///
    /// # Errors
    /// [`ArchiveInvalid::Magic`], [`ArchiveInvalid::Head`].
    pub fn read(start: &[u8]) -> Result<(ArchiveHead, usize), ArchiveInvalid> {
        let rest = start.strip_prefix(ARCHIVE_MAGIC).ok_or(ArchiveInvalid::Magic)?;
        let short = || ArchiveInvalid::Head("it is cut".to_owned());
        let (length, rest) = rest.split_first_chunk::<LENGTH_BYTES>().ok_or_else(short)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let head = rest.get(..length).ok_or_else(short)?;
        let head = codec::decode::<ArchiveHead, HEAD_BYTES_MAX>(head)?;
        if head.version != ARCHIVE_VERSION {
            return Err(ArchiveInvalid::Head(format!("unknown version {}", head.version)));
        }
        if head.count().is_none() {
            return Err(ArchiveInvalid::Head("its heights make no sense".to_owned()));
        }
        let end = ARCHIVE_MAGIC.len().saturating_add(LENGTH_BYTES).saturating_add(length);
        Ok((head, end))
    }

    /// Where the offset of the block at a height lies in a file of `file_bytes`, or none if the
    /// file does not hold it.
    pub fn index_position(&self, height: Height, file_bytes: u64) -> Option<u64> {
        let count = u64::try_from(self.count()?).ok()?;
        let at = height.0.checked_sub(self.first.0).filter(|at| *at < count)?;
        let tail = count.checked_sub(at)?.checked_mul(8)?.checked_add(32)?;
        file_bytes.checked_sub(tail)
    }
}

/// Bytes that surely hold a file's head.
pub const HEAD_READ_BYTES: usize = 8 + LENGTH_BYTES + HEAD_BYTES_MAX;

/// The name of the file that holds these heights; names sort as heights do.
pub fn file_name(first: Height, last: Height) -> String {
    format!("blocks-{:012}-{:012}{ARCHIVE_SUFFIX}", first.0, last.0)
}

/// The heights that a file's name claims, if it is one of ours.
pub fn heights_of_name(name: &str) -> Option<(Height, Height)> {
    let (first, last) =
        name.strip_prefix("blocks-")?.strip_suffix(ARCHIVE_SUFFIX)?.split_once('-')?;
    let height = |text: &str| {
        (text.len() >= 12 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
    };
    let (first, last) = (Height(height(first)?), Height(height(last)?));
    (Height::GENESIS < first && first <= last).then_some((first, last))
}

/// Puts an archive file together, block by block.
#[derive(Debug)]
pub struct ArchiveBuilder {
    chain_id: ChainId,
    genesis: BlockId,
    first: Height,
    blocks: Vec<Vec<u8>>,
    bytes: usize,
}

impl ArchiveBuilder {
    /// An empty file that will begin at a height.
    pub fn new(chain_id: ChainId, genesis: BlockId, first: Height) -> Self {
        ArchiveBuilder { chain_id, genesis, first, blocks: Vec::new(), bytes: 0 }
    }

    /// Height of the next block to be added.
    pub fn next(&self) -> Height {
        Height(self.first.0.saturating_add(u64::try_from(self.blocks.len()).unwrap_or(u64::MAX)))
    }

    /// Bytes of the blocks added so far.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds the block that follows.
    ///
    /// # Errors
    /// [`ArchiveInvalid::Block`] if it is not the next one, [`ArchiveInvalid::TooLarge`] if it has
    /// no room: the file must be finished first.
    pub fn push(&mut self, block: &CertifiedBlock) -> Result<(), ArchiveInvalid> {
        let expected = self.next();
        if block.block.header.height != expected {
            let reason = format!("it is block {}", block.block.header.height);
            return Err(ArchiveInvalid::Block { height: expected, reason });
        }
        let bytes = codec::encode(block);
        let total = self.bytes.saturating_add(bytes.len()).saturating_add(64);
        if self.blocks.len() >= ARCHIVE_BLOCKS_MAX || total > ARCHIVE_BYTES_MAX {
            return Err(ArchiveInvalid::TooLarge);
        }
        self.bytes = total;
        self.blocks.push(bytes);
        Ok(())
    }

    /// The file's name and bytes; none if it holds no block.
    pub fn finish(self) -> Option<(ArchiveHead, Vec<u8>)> {
        let last = self.next().previous().filter(|last| *last >= self.first)?;
        let ArchiveBuilder { chain_id, genesis, first, blocks, .. } = self;
        let head = ArchiveHead { version: ARCHIVE_VERSION, chain_id, genesis, first, last };
        let mut file = ARCHIVE_MAGIC.to_vec();
        let mut offsets = Vec::with_capacity(blocks.len());
        put(&mut file, &codec::encode(&head));
        for block in &blocks {
            offsets.push(file.len());
            put(&mut file, block);
        }
        for offset in offsets {
            file.extend(u64::try_from(offset).unwrap_or(u64::MAX).to_le_bytes());
        }
        let checksum = Sha256::digest(&file);
        file.extend(checksum);
        Some((head, file))
    }
}

fn put(file: &mut Vec<u8>, bytes: &[u8]) {
    file.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    file.extend(bytes);
}

/// An archive file whose checksum and layout are as they should be.
#[derive(Debug, Clone)]
pub struct Archive<'a> {
    head: ArchiveHead,
    blocks: Vec<&'a [u8]>,
}

impl<'a> Archive<'a> {
    /// Checks the checksum, the head and where the blocks lie; blocks are decoded one by one.
    ///
    /// # Errors
    /// [`ArchiveInvalid`].
    pub fn open(file: &'a [u8]) -> Result<Self, ArchiveInvalid> {
        if file.len() > ARCHIVE_BYTES_MAX.saturating_mul(2) {
            return Err(ArchiveInvalid::TooLarge);
        }
        if !file.starts_with(ARCHIVE_MAGIC) {
            return Err(ArchiveInvalid::Magic);
        }
        let (content, checksum) =
            file.split_last_chunk::<CHECKSUM_BYTES>().ok_or(ArchiveInvalid::Checksum)?;
        if Sha256::digest(content).as_slice() != checksum {
            return Err(ArchiveInvalid::Checksum);
        }
        let (head, mut at) = ArchiveHead::read(content)?;
        let count = head.count().ok_or(ArchiveInvalid::Layout)?;
        let index_bytes = count.saturating_mul(OFFSET_BYTES);
        let index_at = content.len().checked_sub(index_bytes).ok_or(ArchiveInvalid::Layout)?;
        let (body, index) = content.split_at_checked(index_at).ok_or(ArchiveInvalid::Layout)?;
        let mut blocks = Vec::with_capacity(count);
        for offset in index.chunks_exact(OFFSET_BYTES) {
            let offset = <[u8; OFFSET_BYTES]>::try_from(offset).unwrap_or_default();
            if usize::try_from(u64::from_le_bytes(offset)) != Ok(at) {
                return Err(ArchiveInvalid::Layout);
            }
            let block = length_prefixed(body.get(at..).unwrap_or_default())
                .ok_or(ArchiveInvalid::Layout)?;
            at = at.saturating_add(LENGTH_BYTES).saturating_add(block.len());
            blocks.push(block);
        }
        if at != body.len() {
            return Err(ArchiveInvalid::Layout);
        }
        Ok(Archive { head, blocks })
    }

    /// What the file holds.
    pub fn head(&self) -> &ArchiveHead {
        &self.head
    }

    /// The blocks in order, each checked: form, height, the block before, and that its certificate
    /// names it.
    pub fn blocks(&self) -> impl Iterator<Item = Result<CertifiedBlock, ArchiveInvalid>> + '_ {
        let mut parent: Option<BlockId> = None;
        self.blocks.iter().zip(self.head.first.0..).map(move |(bytes, height)| {
            let block = decode_block(bytes, Height(height), &self.head)?;
            if parent.is_some_and(|parent| block.block.header.parent != parent) {
                let reason = "it does not follow the block before".to_owned();
                return Err(ArchiveInvalid::Block { height: Height(height), reason });
            }
            parent = Some(block.block.id());
            Ok(block)
        })
    }
}

/// The bytes behind a length, if they are all there.
fn length_prefixed(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk::<LENGTH_BYTES>()?;
    rest.get(..usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

/// Decodes the block that should stand at a height of a file.
///
/// # Errors
/// [`ArchiveInvalid::Block`].
pub fn decode_block(
    bytes: &[u8],
    height: Height,
    head: &ArchiveHead,
) -> Result<CertifiedBlock, ArchiveInvalid> {
    let wrong = |reason: String| ArchiveInvalid::Block { height, reason };
    let block = codec::decode::<CertifiedBlock, CERTIFIED_BLOCK_BYTES_MAX>(bytes)
        .map_err(|error| wrong(error.to_string()))?;
    block.block.check_form().map_err(|error: BlockInvalid| wrong(error.to_string()))?;
    let (header, certificate) = (&block.block.header, &block.certificate);
    if header.height != height {
        return Err(wrong(format!("block {} stands there", header.height)));
    }
    if header.chain_id != head.chain_id {
        return Err(wrong(format!("it belongs to chain {}", header.chain_id)));
    }
    if height == Height(1) && header.parent != head.genesis {
        return Err(wrong("it does not follow the genesis block the head names".to_owned()));
    }
    if certificate.height != height || certificate.block != header.id() {
        return Err(wrong("its certificate names another block".to_owned()));
    }
    Ok(block)
}

#[cfg(test)]
mod tests;
