//! A frame from a peer.

use mulu_chain::block::CertifiedBlock;
use mulu_chain::certificate::VoteKind;
use mulu_chain::digest::Digest;
use mulu_chain::limits::VALIDATORS_MAX;
use mulu_chain::pass::Pass;
use mulu_chain::signature::Signature;
use mulu_chain::types::Height;
use mulu_node::replica::snapshot_wire::{SnapshotAnswer, SnapshotRequest};
use mulu_node::replica::wire::{
    FRAME_BYTES_MAX, PEER_ID_BYTES_MAX, PUSH_TRANSACTIONS_MAX, PeerMessage, SYNC_BLOCKS_MAX,
    WireCheckpoint, WireIdentity, WirePolka, WireProposal, WireRoundCertificate, WireRoundVote,
    WireVote,
};

use super::Outcome;
use crate::fuzz::chain::sample;
use crate::fuzz::target::Seeds;

/// A frame is canonical and every list in it within its bound.
pub fn run(data: &[u8]) -> Outcome {
    let message = match PeerMessage::from_frame(data) {
        Ok(message) => message,
        Err(invalid) => return Outcome::refused(&invalid),
    };
    assert!(message.to_frame() == data, "another encoding of the message was taken");
    assert!(data.len() <= FRAME_BYTES_MAX + 2);
    assert_eq!(PeerMessage::is_push(data), matches!(message, PeerMessage::Transactions(_)));
    Outcome::accepted(match message {
        PeerMessage::Vote(_) => "vote",
        PeerMessage::Proposal(_) => "proposal",
        PeerMessage::Polka(polka) => {
            assert!(polka.signatures.len() <= VALIDATORS_MAX);
            "polka"
        }
        PeerMessage::RoundCertificate(certificate) => {
            assert!(certificate.votes.len() <= 2 * VALIDATORS_MAX);
            "round certificate"
        }
        PeerMessage::Block(block) => {
            if block.check_form().is_ok() {
                "block of good form"
            } else {
                "block"
            }
        }
        PeerMessage::Transactions(list) => {
            assert!(list.len() <= PUSH_TRANSACTIONS_MAX);
            "transactions"
        }
        PeerMessage::Status(_) => "status",
        PeerMessage::Petition(_) => "petition",
        PeerMessage::Pass(_) => "pass",
        PeerMessage::SnapshotRequest(_) => "snapshot request",
        PeerMessage::SnapshotAnswer(answer) => {
            assert!(answer.is_bounded());
            "snapshot answer"
        }
        PeerMessage::BlocksRequest { .. } => "blocks request",
        PeerMessage::Blocks(list) => {
            assert!(list.len() <= SYNC_BLOCKS_MAX);
            "blocks"
        }
        PeerMessage::Identity(identity) => {
            assert!(identity.peer.len() <= PEER_ID_BYTES_MAX);
            "identity"
        }
        PeerMessage::Checkpoint(_) => "checkpoint",
    })
}

/// One frame of every kind.
pub fn seeds() -> Seeds {
    let (validator, signature) = (sample::key(11).public_key(), Signature::from_bytes([7; 64]));
    let (height, round, block) = (Height(9), 2, Digest::sha256(b"block"));
    let kind = VoteKind::Precommit;
    let vote = WireRoundVote { kind, block: None, validator, signature };
    let certified = CertifiedBlock { block: sample::block(), certificate: sample::certificate() };
    let polka = |count: usize| {
        let signatures = vec![(validator, signature); count];
        PeerMessage::Polka(WirePolka { height, round, block, signatures })
    };
    let chain = "mulu-fuzz".parse().expect("a chain id");
    let pass = Pass::sign(chain, "11110000MULU000566".into(), "12D3".into(), 9, &sample::key(11));
    let petition = sample::block().transactions.into_iter().next().expect("a transaction");
    let messages = [
        (
            "snapshot-request",
            PeerMessage::SnapshotRequest(SnapshotRequest::History { after: Some(("e".into(), 3)) }),
        ),
        ("snapshot-answer", PeerMessage::SnapshotAnswer(Box::new(SnapshotAnswer::Nothing))),
        ("petition", PeerMessage::Petition(petition)),
        ("pass", PeerMessage::Pass(pass)),
        (
            "vote",
            PeerMessage::Vote(WireVote {
                height,
                round,
                kind,
                block: Some(block),
                validator,
                signature,
            }),
        ),
        (
            "proposal",
            PeerMessage::Proposal(WireProposal {
                height,
                round,
                block,
                valid_round: Some(1),
                proposer: validator,
                signature,
            }),
        ),
        ("polka", polka(2)),
        ("polka-too-long", polka(VALIDATORS_MAX + 1)),
        (
            "round-certificate",
            PeerMessage::RoundCertificate(WireRoundCertificate {
                height,
                round,
                precommits: true,
                votes: vec![vote],
            }),
        ),
        ("block", PeerMessage::Block(sample::block())),
        ("transactions", PeerMessage::Transactions(vec![sample::envelope()])),
        ("status", PeerMessage::Status(height)),
        ("blocks-request", PeerMessage::BlocksRequest { from: height, count: 64 }),
        ("blocks", PeerMessage::Blocks(vec![certified])),
        (
            "identity",
            PeerMessage::Identity(WireIdentity { peer: vec![9; 38], validator, signature }),
        ),
        (
            "checkpoint",
            PeerMessage::Checkpoint(WireCheckpoint { size: 9, root: block, validator, signature }),
        ),
    ];
    messages.into_iter().map(|(name, message)| (name, message.to_frame())).collect()
}
