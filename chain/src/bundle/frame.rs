//! The frames of a bundle file, and how they are read and written.
//!
//! ```text
//! file   = "MULUBND2" frame* end
//! frame  = u32 length, little-endian ‖ bincode of Frame
//! order  = Head SetChange* Tip state History* log End
//! state  = (Stub | (Record | Leaf | Empty) Absent*)+     left to right over the state tree
//! log    = (LogStub | LogLeaf | Transaction)*            left to right over the log
//! ```
//!
//! A reader never allocates more than the frame at hand, and a frame is at most
//! [`FRAME_BYTES_MAX`] bytes. The last frame counts the others: a bundle that was cut at a frame's
//! edge is not one. Source: SPEC section 10.

use std::io::Read;

use bincode::{Decode, Encode};

use super::{BUNDLE_MAGIC, BundleInvalid};
use crate::block::{CertifiedHeader, Header};
use crate::codec;
use crate::digest::Digest;
use crate::limits::BUNDLE_FRAME_BYTES_MAX as FRAME_BYTES_MAX;
use crate::log::{LogEntry, Outcome};
use crate::state::StateLeaf;
use crate::transaction::Envelope;
use crate::types::{ChainId, Height, TimeMs};
use crate::validator::ValidatorSet;

/// Bytes of a frame's length.
const LENGTH_BYTES: usize = 4;

/// What a bundle begins with.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Head {
    /// Layout version, 2.
    pub version: u16,
    /// The chain.
    pub chain_id: ChainId,
    /// What was asked, as text; see [`super::Question`].
    pub question: String,
    /// Block 0's header.
    pub genesis: Header,
    /// The set that decides the first block.
    pub genesis_validators: ValidatorSet,
}

/// A change of the validator set: the header that announces it, certified by the set before.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SetChange {
    /// Its `next_validator_set_hash` is the hash of `next`.
    pub announced_by: CertifiedHeader,
    /// The set that decides from the following height on.
    pub next: ValidatorSet,
}

/// That an action of the transaction is the next event of a history of the bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Touch {
    /// 0-based position of the action in the transaction.
    pub action: u32,
    /// 0-based number of the history among those the bundle lists.
    pub history: u32,
}

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Frame {
    /// What the bundle begins with.
    Head(Head),
    /// A change of the validator set, in order of height.
    SetChange(SetChange),
    /// The header that everything below is proved under.
    Tip(CertifiedHeader),
    /// The hash of a subtree of the state in which nothing was asked about.
    Stub {
        /// Bits of the path to it.
        depth: u16,
        /// Its hash.
        hash: Digest,
    },
    /// A record of the state.
    Record {
        /// Bits of the path to it.
        depth: u16,
        /// State key.
        key: String,
        /// Value.
        value: Vec<u8>,
    },
    /// Another key's leaf, where the keys that follow would lie.
    Leaf {
        /// Bits of the path to it.
        depth: u16,
        /// Its hashes.
        leaf: StateLeaf,
    },
    /// An empty subtree, where the keys that follow would lie.
    Empty {
        /// Bits of the path to it.
        depth: u16,
    },
    /// A key that lies under the leaf or empty subtree before and is therefore absent; in order.
    Absent {
        /// State key.
        key: String,
    },
    /// A subject whose complete history the transactions below tell; in order of their texts.
    History {
        /// The subject, such as `entry/sha256:…`.
        subject: String,
    },
    /// The hash of a complete subtree of the log in which nothing was asked about.
    LogStub {
        /// log2 of the leaves below.
        level: u8,
        /// Its hash.
        hash: Digest,
    },
    /// A log entry without its envelope: what lies beside a range that was asked about.
    LogLeaf(LogEntry),
    /// A transaction.
    Transaction {
        /// Height of its block.
        height: Height,
        /// 0-based position in the block.
        index: u32,
        /// Block time.
        time_ms: TimeMs,
        /// What the rules said.
        outcome: Outcome,
        /// The signed envelope, verbatim.
        envelope: Envelope,
        /// The events it is, in order.
        events: Vec<Touch>,
    },
    /// The end.
    End {
        /// How many frames came before.
        frames: u64,
    },
}

/// Writes frames.
#[derive(Debug, Default)]
pub struct FrameWriter {
    frames: u64,
}

impl FrameWriter {
    /// Appends a frame's bytes. The file's first bytes, [`BUNDLE_MAGIC`], are the caller's to write.
    pub fn frame(&mut self, frame: &Frame, bytes: &mut Vec<u8>) {
        let body = codec::encode(frame);
        bytes.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(&body);
        self.frames = self.frames.saturating_add(1);
    }

    /// Appends the last frame.
    pub fn end(&mut self, bytes: &mut Vec<u8>) {
        let frames = self.frames;
        self.frame(&Frame::End { frames }, bytes);
    }
}

/// Reads frames, suspiciously, from bytes in memory or a file.
#[derive(Debug)]
pub struct FrameReader<R> {
    source: R,
    frames: u64,
    ended: bool,
}

impl<R: Read> FrameReader<R> {
    /// Reads the magic.
    ///
    /// # Errors
    /// BND-01.
    pub fn new(mut source: R) -> Result<Self, BundleInvalid> {
        let mut magic = [0u8; BUNDLE_MAGIC.len()];
        let length = fill(&mut source, &mut magic)?;
        if length < magic.len() || magic != *BUNDLE_MAGIC {
            return Err(BundleInvalid::Magic);
        }
        Ok(FrameReader { source, frames: 0, ended: false })
    }

    /// The next frame; none after the last one, which is not handed out.
    ///
    /// # Errors
    /// BND-02, BND-03, or that the source cannot be read.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, BundleInvalid> {
        if self.ended {
            return Ok(None);
        }
        let frame = self.frames;
        let malformed = |reason: String| BundleInvalid::Malformed { frame, reason };
        let cut = BundleInvalid::Order { frame, reason: "the file ends before its last frame" };
        let mut length = [0u8; LENGTH_BYTES];
        if fill(&mut self.source, &mut length)? < LENGTH_BYTES {
            return Err(cut);
        }
        let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
        if length > FRAME_BYTES_MAX {
            return Err(malformed(format!(
                "{length} bytes, at most {FRAME_BYTES_MAX} are allowed"
            )));
        }
        let mut bytes = Vec::new();
        let wanted = u64::try_from(length).unwrap_or(u64::MAX);
        let read = self.source.by_ref().take(wanted).read_to_end(&mut bytes);
        if read.map_err(|error| BundleInvalid::Read(error.to_string()))? < length {
            return Err(cut);
        }
        let decoded: Frame = codec::decode::<_, FRAME_BYTES_MAX>(&bytes)
            .map_err(|error| malformed(error.to_string()))?;
        if let Frame::End { frames } = decoded {
            if frames != self.frames {
                let reason = "the last frame counts other frames than there are";
                return Err(BundleInvalid::Order { frame, reason });
            }
            if fill(&mut self.source, &mut [0u8])? > 0 {
                return Err(BundleInvalid::Order { frame, reason: "bytes follow the last frame" });
            }
            self.ended = true;
            return Ok(None);
        }
        self.frames = self.frames.saturating_add(1);
        Ok(Some(decoded))
    }
}

/// Reads until the buffer is full or the source ends; returns how much was read.
fn fill(source: &mut impl Read, buffer: &mut [u8]) -> Result<usize, BundleInvalid> {
    let mut filled = 0usize;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match source.read(rest) {
            Ok(0) => break,
            Ok(read) => filled = filled.saturating_add(read),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(BundleInvalid::Read(error.to_string())),
        }
    }
    Ok(filled)
}
