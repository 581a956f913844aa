//! P3: whoever signs two things for one step is accused on the chain if an honest node that was up
//! had both in hand; and nobody honest is ever accused.

use std::collections::{BTreeMap, BTreeSet};

use mulu_chain::digest::Digest;
use mulu_chain::signature::PublicKey;
use mulu_chain::types::Height;
use mulu_node::replica::wire::PeerMessage;

use super::{Verdict, violated};
use crate::sim::statement::{Statement, Step};

/// What can be signed only once.
pub type Place = (PublicKey, Height, u32, Step);
/// What was signed: a block or nil, and a proposal's valid round.
pub type Content = (Option<Digest>, Option<u32>);

/// What each node was told, and by whom it can prove a double statement.
#[derive(Debug, Default)]
pub struct EvidenceSeen {
    heard: BTreeMap<usize, BTreeMap<Place, Content>>,
    provable: BTreeMap<Place, usize>,
}

impl EvidenceSeen {
    /// A node that works at `working` takes in a message with a valid signature.
    pub fn on_heard(&mut self, node: usize, working: Height, message: &PeerMessage) {
        let Some(statement) = Statement::of(message) else { return };
        if statement.height != working {
            return;
        }
        let place = (statement.validator, statement.height, statement.round, statement.step);
        let content = (statement.block, statement.valid_round);
        let heard = self.heard.entry(node).or_default();
        heard.retain(|(_, height, _, _), _| *height >= working);
        if *heard.entry(place).or_insert(content) != content {
            self.provable.entry(place).or_insert(node);
        }
    }

    /// A node stopped: what it heard and had not yet recorded may be gone.
    pub fn on_stop(&mut self, node: usize) {
        self.heard.remove(&node);
        self.provable.retain(|_, who| *who != node);
    }

    /// Double statements that some node can prove.
    pub fn provable(&self) -> usize {
        self.provable.len()
    }

    /// A double statement that a node can prove and whose author is not accused.
    pub fn missing(&self, accused: &BTreeSet<PublicKey>) -> Option<Place> {
        self.provable.keys().find(|place| !accused.contains(&place.0)).copied()
    }

    /// The run is over: `accused` is what the chain records, `liars` who may be accused.
    pub fn at_end(&self, accused: &BTreeSet<PublicKey>, liars: &BTreeSet<PublicKey>) -> Verdict {
        match accused.difference(liars).next() {
            Some(innocent) => violated("evidence", format!("{innocent} is accused and never lied")),
            None => Ok(()),
        }
    }
}
