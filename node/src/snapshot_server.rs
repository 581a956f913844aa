//! Serves parts of snapshots to newcomers, off the replica's thread and within bounds: a peer has one
//! question under way, and what all of them are given in a second is limited, so that the chain's
//! own work comes first.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use libp2p::PeerId;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::p2p::P2pHandle;
use crate::replica::snapshot_wire::{SnapshotAnswer, SnapshotRequest};
use crate::replica::wire::PeerMessage;
use crate::storage::{Ledger, StorageError};

/// Most questions waiting.
pub const QUESTIONS_MAX: usize = 64;
/// Most bytes given out in a second, all peers together.
pub const SERVED_BYTES_PER_S: usize = 16 * 1024 * 1024;

/// Answers questions until nobody can ask any more.
pub async fn run(
    ledger: Ledger,
    p2p: P2pHandle,
    mut questions: mpsc::Receiver<(PeerId, SnapshotRequest)>,
) {
    let (mut since, mut served) = (Instant::now(), 0usize);
    while let Some((peer, request)) = questions.recv().await {
        // A peer that asks again before it has its answer gets the last question answered.
        let mut waiting = vec![(peer, request)];
        while let Ok(more) = questions.try_recv() {
            waiting.retain(|(asker, _)| *asker != more.0);
            waiting.push(more);
        }
        let mut answered = BTreeSet::new();
        for (peer, request) in waiting {
            if !answered.insert(peer) {
                continue;
            }
            let ledger = ledger.clone();
            let done = tokio::task::spawn_blocking(move || answer(&ledger, request)).await;
            let answer = match done {
                Ok(Ok(answer)) => answer,
                Ok(Err(error)) => {
                    tracing::error!(%error, "a part of a snapshot cannot be read");
                    SnapshotAnswer::Nothing
                }
                Err(_) => return,
            };
            let frame = PeerMessage::SnapshotAnswer(Box::new(answer)).to_frame();
            served = served.saturating_add(frame.len());
            p2p.send(peer, Bytes::from(frame));
            if served >= SERVED_BYTES_PER_S {
                tokio::time::sleep_until(since + Duration::from_secs(1)).await;
                (since, served) = (Instant::now(), 0);
            }
        }
    }
}

/// Reads an answer off the ledger; a question about what is not here is answered with nothing.
pub fn answer(ledger: &Ledger, request: SnapshotRequest) -> Result<SnapshotAnswer, StorageError> {
    let tip = ledger.tip()?.header;
    Ok(match request {
        SnapshotRequest::Heads(from) if from <= tip.height => {
            ledger.heads(from)?.map_or(SnapshotAnswer::Nothing, SnapshotAnswer::Heads)
        }
        SnapshotRequest::State { height, after }
            if height <= tip.height && ledger.header(height)?.is_some() =>
        {
            let (records, next) = ledger.state_part(height, after.as_deref())?;
            SnapshotAnswer::State(records, next)
        }
        SnapshotRequest::Log { from, size } if from < size && size <= tip.log_size => {
            let (entries, proof) = ledger.log_part(from, size)?;
            SnapshotAnswer::Log(entries, proof)
        }
        SnapshotRequest::History { after } => {
            let after = after.as_ref().map(|(subject, number)| (subject.as_str(), *number));
            let (events, next) = ledger.history_part(after)?;
            SnapshotAnswer::History(events, next)
        }
        _ => SnapshotAnswer::Nothing,
    })
}
