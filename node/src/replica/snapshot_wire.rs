//! What nodes say to each other about snapshots; the layouts are in SPEC section 12.

use bincode::{Decode, Encode};
use mulu_chain::log::{ConsistencyProof, LogEntry};
use mulu_chain::state::HistoryEvent;
use mulu_chain::types::Height;

use crate::storage::{Heads, PART_ITEMS_MAX, STEPS_MAX, StateRecord};

/// A question about a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum SnapshotRequest {
    /// The way from a height, whose validator set the asker trusts, to the tip.
    Heads(Height),
    /// Records at a height after a key.
    State {
        /// The head's height.
        height: Height,
        /// The last key seen.
        after: Option<String>,
    },
    /// Entries of the log.
    Log {
        /// First index wanted.
        from: u64,
        /// Size of the head's log.
        size: u64,
    },
    /// Events after a subject and number.
    History {
        /// The last place seen.
        after: Option<(String, u64)>,
    },
}

/// An answer about a snapshot. It is boxed in its message, and made a few times in a node's life.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum SnapshotAnswer {
    /// This node does not have it.
    Nothing,
    /// The way to the tip.
    Heads(Heads),
    /// Records, and where to go on.
    State(Vec<StateRecord>, Option<String>),
    /// Entries, and the proof that the log up to them is a beginning of the head's.
    Log(Vec<LogEntry>, ConsistencyProof),
    /// Events, and where to go on.
    History(Vec<(String, HistoryEvent)>, Option<(String, u64)>),
}

impl SnapshotAnswer {
    /// Whether its lists are within their bounds.
    pub fn is_bounded(&self) -> bool {
        match self {
            SnapshotAnswer::Nothing => true,
            SnapshotAnswer::Heads(heads) => heads.steps.len() <= STEPS_MAX + 1,
            SnapshotAnswer::State(records, _) => records.len() <= PART_ITEMS_MAX,
            SnapshotAnswer::Log(entries, _) => entries.len() <= PART_ITEMS_MAX,
            SnapshotAnswer::History(events, _) => events.len() <= PART_ITEMS_MAX,
        }
    }
}
