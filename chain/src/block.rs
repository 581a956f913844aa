//! A block and its header.
//!
//! The header commits to everything: parent, time, proposer, the log after this block (all
//! transactions since genesis with their outcomes), the state after this block, and the validator
//! sets that decide this height and the next. The header's digest is the block id that validators
//! vote on; a block is executed before it is proposed and before it is prevoted, so a certificate
//! vouches for the outcomes too. Source: SPEC section 6.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::certificate::CommitCertificate;
use crate::codec::{self, CodecInvalid};
use crate::digest::{Digest, Domain};
use crate::limits::{BLOCK_BYTES_MAX, BLOCK_TRANSACTIONS_MAX, HEADER_BYTES_MAX};
use crate::signature::PublicKey;
use crate::transaction::Envelope;
use crate::types::{ChainId, Height, TimeMs};

/// Layout version of [`Header`].
pub const HEADER_VERSION: u16 = 1;
/// Version of the rules that a chain is founded with; later heights run what the consortium voted for.
pub const PROTOCOL_VERSION: u32 = 1;

/// A block id: the digest of the header.
pub type BlockId = Digest;

/// A block header.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Header {
    /// Layout version, 1.
    pub version: u16,
    /// The chain.
    pub chain_id: ChainId,
    /// Version of the rules in force.
    pub protocol_version: u32,
    /// Position.
    pub height: Height,
    /// Block time.
    pub time_ms: TimeMs,
    /// Id of the block before; zero for block 0.
    pub parent: BlockId,
    /// Who proposed; none for block 0.
    pub proposer: Option<PublicKey>,
    /// Transactions in this block.
    pub transactions: u32,
    /// [`body_hash`] of them: a block id names one body, before anything is executed.
    pub body: Digest,
    /// Leaves of the log after this block.
    pub log_size: u64,
    /// Root of the log after this block.
    pub log_root: Digest,
    /// Root of the state tree after this block.
    pub state_root: Digest,
    /// Hash of the set that decides this height.
    pub validator_set_hash: Digest,
    /// Hash of the set that decides the next height.
    pub next_validator_set_hash: Digest,
}

impl Header {
    /// The block id.
    pub fn id(&self) -> BlockId {
        Digest::of(Domain::Header, &codec::encode(self))
    }
}

/// `H(Body, list of the envelopes' digests)`: what a header commits to of its transactions.
pub fn body_hash(transactions: &[Envelope]) -> Digest {
    let digests: Vec<Digest> = transactions.iter().map(Envelope::digest).collect();
    Digest::of(Domain::Body, &codec::encode(&digests))
}

/// A block: header and transactions.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Block {
    /// The header.
    pub header: Header,
    /// The transactions, in order.
    pub transactions: Vec<Envelope>,
}

/// Why bytes are not a block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockInvalid {
    /// Encoding rules.
    #[error(transparent)]
    Codec(#[from] CodecInvalid),
    /// BLK-01
    #[error(
        "BLK-01: a block holds at most {BLOCK_TRANSACTIONS_MAX} transactions and \
         {BLOCK_BYTES_MAX} bytes, and as many transactions as its header says"
    )]
    Count,
    /// BLK-08
    #[error("BLK-08: the transactions are not those the header commits to")]
    Body,
    /// BLK-02
    #[error("BLK-02: unknown header version {0}")]
    Version(u16),
    /// TX rules, for the envelope at this index.
    #[error("transaction {index}: {reason}")]
    Envelope {
        /// 0-based position.
        index: usize,
        /// The broken rule.
        reason: String,
    },
}

impl Block {
    /// The block id.
    pub fn id(&self) -> BlockId {
        self.header.id()
    }

    /// Reads a block from a peer or a disk: bounded, canonical, envelopes well formed.
    ///
    /// # Errors
    /// [`BlockInvalid`]; signatures and outcomes are the executor's business.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BlockInvalid> {
        let block: Block = codec::decode::<_, BLOCK_BYTES_MAX>(bytes)?;
        block.check_form()?;
        Ok(block)
    }

    /// Bytes the encoding takes at most: the envelopes and [`HEADER_BYTES_MAX`].
    pub fn size_bound(&self) -> usize {
        let envelopes = self.transactions.iter().map(Envelope::encoded_len);
        envelopes.fold(HEADER_BYTES_MAX, usize::saturating_add)
    }

    /// Checks counts, size, version, envelope forms and the commitment to the body of a decoded
    /// block.
    ///
    /// # Errors
    /// [`BlockInvalid`].
    pub fn check_form(&self) -> Result<(), BlockInvalid> {
        if self.header.version != HEADER_VERSION {
            return Err(BlockInvalid::Version(self.header.version));
        }
        let count = self.transactions.len();
        if count > BLOCK_TRANSACTIONS_MAX
            || u32::try_from(count) != Ok(self.header.transactions)
            || self.size_bound() > BLOCK_BYTES_MAX
        {
            return Err(BlockInvalid::Count);
        }
        for (index, envelope) in self.transactions.iter().enumerate() {
            envelope
                .check_form()
                .map_err(|e| BlockInvalid::Envelope { index, reason: e.to_string() })?;
        }
        let committed = body_hash(&self.transactions) == self.header.body;
        if !committed && !crate::planted!("planted-body-not-compared") {
            return Err(BlockInvalid::Body);
        }
        Ok(())
    }
}

/// A header with the certificate that decided it. Block 0 has no certificate: its digest is what
/// an auditor brings along.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CertifiedHeader {
    /// The header.
    pub header: Header,
    /// A quorum's precommits for its id.
    pub certificate: CommitCertificate,
}

/// A block with the certificate that decided it: what sync sends and disks keep.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CertifiedBlock {
    /// The block.
    pub block: Block,
    /// A quorum's precommits for its id.
    pub certificate: CommitCertificate,
}
