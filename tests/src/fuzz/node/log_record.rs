//! A record of the vote log.

use mulu_chain::codec;
use mulu_chain::digest::Digest;
use mulu_chain::types::Height;
use mulu_node::replica::guard::LogRecord;
use mulu_node::replica::wire::PeerMessage;
use mulu_node::vote_log::FRAME_BYTES_MAX;

use super::{Outcome, peer_frame};
use crate::fuzz::chain::sample;
use crate::fuzz::target::Seeds;

/// A record is canonical and fits a frame; a doubt's reason written down again stays readable.
pub fn run(data: &[u8]) -> Outcome {
    let record = match LogRecord::from_frame(data) {
        Ok(record) => record,
        Err(invalid) => return Outcome::refused(&invalid),
    };
    assert!(record.to_frame() == data, "another encoding of the record was taken");
    assert!(data.len() <= FRAME_BYTES_MAX);
    let height = record.height();
    Outcome::accepted(match record {
        LogRecord::Doubt(reason) => {
            let again = LogRecord::from_frame(&LogRecord::doubt_frame(&reason));
            assert!(matches!(again, Ok(LogRecord::Doubt(kept)) if reason.starts_with(&kept)));
            assert!(height == Height::GENESIS);
            "doubt"
        }
        LogRecord::Resumed(_) => "resumed",
        LogRecord::Vote(_) => "vote",
        LogRecord::Proposal(_) => "proposal",
        LogRecord::Polka(_) => "polka",
        LogRecord::Timeout { .. } => "timeout",
        LogRecord::Value { .. } => "value",
        LogRecord::Body { .. } => "body",
        LogRecord::Mark(_) => "mark",
        LogRecord::Alarm(_) => "alarm",
        LogRecord::Cleared { .. } => "cleared",
    })
}

/// One record of every kind; the signed ones are those of the peer frames.
pub fn seeds() -> Seeds {
    let (height, round) = (Height(9), 2);
    let mut records = vec![
        ("doubt", LogRecord::Doubt("日志缺失".to_owned())),
        ("resumed", LogRecord::Resumed(height)),
        ("timeout", LogRecord::Timeout { height, kind: 1, round }),
        (
            "value",
            LogRecord::Value {
                height,
                round,
                proposer: sample::key(11).public_key(),
                block: Digest::sha256(b"block"),
                valid: true,
            },
        ),
        ("body", LogRecord::Body { height, bytes: codec::encode(&sample::block()) }),
        ("mark", LogRecord::Mark(height)),
        ("alarm", LogRecord::alarm("密钥在别处使用")),
        ("cleared", LogRecord::cleared(height, "the other node is gone")),
    ];
    for (name, frame) in peer_frame::seeds() {
        match PeerMessage::from_frame(&frame) {
            Ok(PeerMessage::Vote(vote)) => records.push((name, LogRecord::Vote(vote))),
            Ok(PeerMessage::Proposal(proposal)) => {
                records.push((name, LogRecord::Proposal(proposal)));
            }
            Ok(PeerMessage::Polka(polka)) => records.push((name, LogRecord::Polka(polka))),
            _ => {}
        }
    }
    records.into_iter().map(|(name, record)| (name, record.to_frame())).collect()
}
