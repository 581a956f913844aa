//! What nodes say to each other: one closed enum, canonical bytes, every length bounded.
//!
//! A frame is `u16 version ‖ bincode(PeerMessage)`. Votes and proposals carry no chain id: it is
//! part of what their signatures cover.

use std::sync::LazyLock;

use bincode::{Decode, Encode};
use mulu_chain::block::{Block, CertifiedBlock};
use mulu_chain::certificate::{ProposalStatement, VoteKind, VoteStatement};
use mulu_chain::checkpoint::{Checkpoint, origin};
use mulu_chain::codec::{self, CodecInvalid};
use mulu_chain::digest::{Digest, Domain};
use mulu_chain::limits::{BLOCK_BYTES_MAX, VALIDATORS_MAX};
use mulu_chain::pass::Pass;
use mulu_chain::signature::{PublicKey, Signature};
use mulu_chain::transaction::Envelope;
use mulu_chain::types::{ChainId, Height};

use super::snapshot_wire::{SnapshotAnswer, SnapshotRequest};

/// Longest peer id, in bytes.
pub const PEER_ID_BYTES_MAX: usize = 64;
/// Version of the peer protocol.
pub const WIRE_VERSION: u16 = 1;
/// Largest frame, in bytes: a block and its certificate.
pub const FRAME_BYTES_MAX: usize = BLOCK_BYTES_MAX + 256 * 1024;
/// Most transactions pushed in one frame.
pub const PUSH_TRANSACTIONS_MAX: usize = 1024;
/// Most blocks in one answer; the answer also stays under [`FRAME_BYTES_MAX`].
pub const SYNC_BLOCKS_MAX: usize = 64;

/// A signed vote.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct WireVote {
    /// Height voted on.
    pub height: Height,
    /// Round voted in.
    pub round: u32,
    /// Prevote or precommit.
    pub kind: VoteKind,
    /// The block, or nil.
    pub block: Option<Digest>,
    /// The voter.
    pub validator: PublicKey,
    /// Over the vote statement.
    pub signature: Signature,
}

/// A signed proposal.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct WireProposal {
    /// Height proposed for.
    pub height: Height,
    /// Round proposed in.
    pub round: u32,
    /// The block.
    pub block: Digest,
    /// Round of an earlier quorum of prevotes, if any.
    pub valid_round: Option<u32>,
    /// The proposer.
    pub proposer: PublicKey,
    /// Over the proposal statement.
    pub signature: Signature,
}

/// A quorum of prevotes for a block.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct WirePolka {
    /// Height.
    pub height: Height,
    /// Round.
    pub round: u32,
    /// The block.
    pub block: Digest,
    /// Voters and their prevote signatures.
    pub signatures: Vec<(PublicKey, Signature)>,
}

/// Votes that justify entering a round.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct WireRoundCertificate {
    /// Height.
    pub height: Height,
    /// Round of the votes.
    pub round: u32,
    /// Whether these are a quorum of precommits (else more than a third of anything).
    pub precommits: bool,
    /// The votes.
    pub votes: Vec<WireRoundVote>,
}

/// One vote of a round certificate.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct WireRoundVote {
    /// Prevote or precommit.
    pub kind: VoteKind,
    /// The block, or nil.
    pub block: Option<Digest>,
    /// The voter.
    pub validator: PublicKey,
    /// Its signature.
    pub signature: Signature,
}

/// Which validator a node speaks for. The transport vouches for the peer id, the signature for the
/// validator; so a member's other nodes, and nodes that repeat this, do not pass for it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct WireIdentity {
    /// The node's libp2p peer id, in bytes.
    pub peer: Vec<u8>,
    /// The validator.
    pub validator: PublicKey,
    /// By the validator.
    pub signature: Signature,
}

/// A validator's line under a checkpoint of the log.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct WireCheckpoint {
    /// Leaves of the log.
    pub size: u64,
    /// Its root.
    pub root: Digest,
    /// The validator.
    pub validator: PublicKey,
    /// Over the checkpoint's text (SPEC section 7).
    pub signature: Signature,
}

/// Everything a peer may say.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum PeerMessage {
    /// A vote.
    Vote(WireVote),
    /// A proposal; its block travels as [`PeerMessage::Block`].
    Proposal(WireProposal),
    /// A quorum of prevotes.
    Polka(WirePolka),
    /// Votes that justify a round.
    RoundCertificate(WireRoundCertificate),
    /// The body of a proposed block.
    Block(Block),
    /// New transactions.
    Transactions(Vec<Envelope>),
    /// The sender's last committed height.
    Status(Height),
    /// Asks for certified blocks `from ..= from + count - 1`.
    BlocksRequest {
        /// First height wanted.
        from: Height,
        /// How many, at most [`SYNC_BLOCKS_MAX`].
        count: u32,
    },
    /// The answer: contiguous, possibly fewer than asked for.
    Blocks(Vec<CertifiedBlock>),
    /// Which validator the sender speaks for; said again and again, as messages may be lost.
    Identity(WireIdentity),
    /// A transaction that still needs signatures. Not the replica's business: the lobby keeps it.
    Petition(Envelope),
    /// A pass for a newcomer; also the lobby's.
    Pass(Pass),
    /// A question about a snapshot, for the snapshot server.
    SnapshotRequest(SnapshotRequest),
    /// Its answer, for a node that is being made.
    SnapshotAnswer(Box<SnapshotAnswer>),
    /// A validator's line under a checkpoint.
    Checkpoint(WireCheckpoint),
}

/// A frame we do not accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireInvalid {
    /// Too short, or of another protocol version.
    #[error("unknown peer protocol version")]
    Version,
    /// Not canonical, or too long.
    #[error(transparent)]
    Codec(#[from] CodecInvalid),
    /// A list is longer than its bound.
    #[error("a list in the message exceeds its bound")]
    Bound,
}

/// A statement that names the key that signed it.
pub trait Signed {
    /// The key named.
    fn signer(&self) -> &PublicKey;
    /// The bytes the signature covers, on this chain.
    fn signed_bytes(&self, chain_id: &ChainId) -> Vec<u8>;
    /// The signature.
    fn signature(&self) -> &Signature;
}

impl Signed for WireVote {
    fn signer(&self) -> &PublicKey {
        &self.validator
    }

    fn signed_bytes(&self, chain_id: &ChainId) -> Vec<u8> {
        let WireVote { height, round, kind, block, .. } = *self;
        VoteStatement { chain_id: chain_id.clone(), height, round, kind, block }.signed_bytes()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }
}

impl Signed for WireProposal {
    fn signer(&self) -> &PublicKey {
        &self.proposer
    }

    fn signed_bytes(&self, chain_id: &ChainId) -> Vec<u8> {
        let WireProposal { height, round, block, valid_round, .. } = *self;
        ProposalStatement { chain_id: chain_id.clone(), height, round, block, valid_round }
            .signed_bytes()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }
}

impl Signed for WireIdentity {
    fn signer(&self) -> &PublicKey {
        &self.validator
    }

    fn signed_bytes(&self, chain_id: &ChainId) -> Vec<u8> {
        let mut bytes = chain_id.as_str().as_bytes().to_vec();
        bytes.push(0);
        bytes.extend_from_slice(&self.peer);
        Domain::ValidatorNode.preimage(&bytes)
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }
}

impl Signed for WireCheckpoint {
    fn signer(&self) -> &PublicKey {
        &self.validator
    }

    fn signed_bytes(&self, chain_id: &ChainId) -> Vec<u8> {
        let WireCheckpoint { size, root, .. } = *self;
        Checkpoint { origin: origin(chain_id), size, root }.text().into_bytes()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }
}

impl PeerMessage {
    /// Writes a frame.
    pub fn to_frame(&self) -> Vec<u8> {
        let mut frame = WIRE_VERSION.to_le_bytes().to_vec();
        frame.extend_from_slice(&codec::encode(self));
        frame
    }

    /// Whether a frame says that it pushes transactions, without decoding it.
    pub fn is_push(frame: &[u8]) -> bool {
        static TAG: LazyLock<Option<u8>> =
            LazyLock::new(|| PeerMessage::Transactions(Vec::new()).to_frame().get(2).copied());
        TAG.is_some() && frame.get(2).copied() == *TAG
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// [`WireInvalid`]; signatures and contents are judged later.
    pub fn from_frame(frame: &[u8]) -> Result<Self, WireInvalid> {
        let (version, body) = frame.split_first_chunk::<2>().ok_or(WireInvalid::Version)?;
        if u16::from_le_bytes(*version) != WIRE_VERSION {
            return Err(WireInvalid::Version);
        }
        let message: PeerMessage = codec::decode::<_, FRAME_BYTES_MAX>(body)?;
        let bounded = match &message {
            PeerMessage::Polka(polka) => polka.signatures.len() <= VALIDATORS_MAX,
            PeerMessage::RoundCertificate(certificate) => {
                certificate.votes.len() <= 2 * VALIDATORS_MAX
            }
            PeerMessage::Transactions(list) => list.len() <= PUSH_TRANSACTIONS_MAX,
            PeerMessage::Blocks(list) => list.len() <= SYNC_BLOCKS_MAX,
            PeerMessage::SnapshotAnswer(answer) => answer.is_bounded(),
            PeerMessage::Identity(identity) => identity.peer.len() <= PEER_ID_BYTES_MAX,
            PeerMessage::Vote(_)
            | PeerMessage::Proposal(_)
            | PeerMessage::Block(_)
            | PeerMessage::Status(_)
            | PeerMessage::Petition(_)
            | PeerMessage::Pass(_)
            | PeerMessage::SnapshotRequest(_)
            | PeerMessage::Checkpoint(_)
            | PeerMessage::BlocksRequest { .. } => true,
        };
        if bounded { Ok(message) } else { Err(WireInvalid::Bound) }
    }
}
