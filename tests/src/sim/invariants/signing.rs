//! No honest validator signs two things for one step, across any number of crashes, and what it
//! signs is durable before it leaves.

use std::collections::{BTreeMap, BTreeSet};

use mulu_chain::signature::PublicKey;
use mulu_node::replica::guard::LogRecord;
use mulu_node::replica::wire::PeerMessage;

use super::evidence::{Content, Place};
use super::{Verdict, violated};
use crate::sim::statement::Statement;

/// What each validator said, and what each node made durable.
#[derive(Debug, Default)]
pub struct Signing {
    said: BTreeMap<Place, Content>,
    durable: BTreeMap<usize, BTreeSet<Vec<u8>>>,
    /// Votes and proposals of honest validators that left a node.
    pub statements: u64,
}

impl Signing {
    /// A node's vote log took frames and synced them.
    pub fn on_durable(&mut self, node: usize, frames: &[Vec<u8>]) {
        self.durable.entry(node).or_default().extend(frames.iter().cloned());
    }

    /// A node started; what its log tells is durable.
    pub fn on_open(&mut self, node: usize, frames: &[Vec<u8>]) {
        let durable = self.durable.entry(node).or_default();
        durable.clear();
        durable.extend(frames.iter().cloned());
    }

    /// An honest validator's node says something. `forgetful`: its disk was put back to an old
    /// image at one with itself, which nothing on that machine can tell; it counts among the f.
    pub fn on_said(
        &mut self,
        node: usize,
        own: &PublicKey,
        message: &PeerMessage,
        forgetful: bool,
    ) -> Verdict {
        let Some(statement) = Statement::of(message).filter(|s| s.validator == *own) else {
            return Ok(());
        };
        self.statements += 1;
        let record = match message {
            PeerMessage::Vote(vote) => LogRecord::Vote(vote.clone()),
            PeerMessage::Proposal(proposal) => LogRecord::Proposal(proposal.clone()),
            _ => return Ok(()),
        };
        let durable = self.durable.get(&node).is_some_and(|d| d.contains(&record.to_frame()));
        if !durable {
            return violated("durable before said", format!("node {node}: {record:?}"));
        }
        let content = (statement.block, statement.valid_round);
        let key = (*own, statement.height, statement.round, statement.step);
        let before = *self.said.entry(key).or_insert(content);
        if before != content && !forgetful {
            return violated(
                "no double-sign",
                format!("node {node} at {key:?}: {before:?}, {content:?}"),
            );
        }
        Ok(())
    }
}
