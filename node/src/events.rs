//! Events: what the ledger's transactions did, one event per transaction, in the order of the log.
//!
//! Invariants: an event is read from the ledger, never from memory of something that happened, so a
//! reader that starts at any place gets every later transaction once and in order, whatever it
//! missed while away; a place (`height/index`) means the same on every node and for ever. Rejected
//! transactions are events too: who tried what is a question applications ask.
//!
//! | field | what |
//! |---|---|
//! | `id` | `height/index`: the place |
//! | `transaction`, `log_index`, `time_ms`, `outcome` | as in `/v1/transactions/{id}` |
//! | `submitter` | `{member, office, on_behalf_of}` |
//! | `actions` | `{type, subject}` each; `subject` is the key of the record acted upon |
//! | `entries`, `authorizations` | ids concerned, by name or through the record acted upon |
//! | `members`, `offices` | who submitted, is acted for, provides or consumes |
//!
//! Parties are those of the records as they were after the event's own block.

mod filter;
mod reader;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use mulu_chain::log::Outcome;
use mulu_chain::transaction::TransactionId;
use mulu_chain::types::{Height, TimeMs};
use serde::Serialize;

pub use self::filter::{FILTER_TEXT_BYTES_MAX, Filter, FilterInvalid};
pub use self::reader::{Batch, EXAMINED_MAX, HEIGHTS_PASSED_MAX, read};

/// The next transaction a reader wants: everything before it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Its height.
    pub height: Height,
    /// Its position in the block.
    pub index: u32,
}

impl Place {
    /// The first transaction of a height.
    pub const fn at(height: Height) -> Place {
        Place { height, index: 0 }
    }

    /// The place after the event `id`.
    pub const fn after(id: EventId) -> Place {
        Place { height: id.height, index: id.index.saturating_add(1) }
    }

    /// The id that says "everything before this place was seen"; none before the first.
    pub fn seen(self) -> Option<EventId> {
        match (self.index.checked_sub(1), self.height.0.checked_sub(1)) {
            (Some(index), _) => Some(EventId { height: self.height, index }),
            (None, Some(height)) => Some(EventId { height: Height(height), index: u32::MAX }),
            (None, None) => None,
        }
    }
}

/// `height/index`: the name of an event, and a reader's place after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventId {
    /// The block's height.
    pub height: Height,
    /// The transaction's position in it.
    pub index: u32,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.height, self.index)
    }
}

/// A text that is not `height/index`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventIdInvalid;

impl FromStr for EventId {
    type Err = EventIdInvalid;

    fn from_str(text: &str) -> Result<Self, EventIdInvalid> {
        let (height, index) = text.split_once('/').ok_or(EventIdInvalid)?;
        let plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        if !plain(height) || !plain(index) {
            return Err(EventIdInvalid);
        }
        let height = Height(height.parse().map_err(|_| EventIdInvalid)?);
        Ok(EventId { height, index: index.parse().map_err(|_| EventIdInvalid)? })
    }
}

impl Serialize for EventId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What one transaction did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Its place.
    pub id: EventId,
    /// The block's height.
    pub height: Height,
    /// Its position in the block.
    pub index: u32,
    /// Block time.
    pub time_ms: TimeMs,
    /// Its place in the log.
    pub log_index: u64,
    /// The transaction.
    pub transaction: TransactionId,
    /// What the rules said.
    pub outcome: EventOutcome,
    /// Who submitted it; none if this node does not keep the body any more.
    pub submitter: Option<EventSubmitter>,
    /// What it did or tried, in order.
    pub actions: Vec<EventAction>,
    /// Entries concerned.
    pub entries: BTreeSet<String>,
    /// Authorizations concerned.
    pub authorizations: BTreeSet<String>,
    /// Members concerned.
    pub members: BTreeSet<String>,
    /// Offices concerned.
    pub offices: BTreeSet<String>,
}

/// What the rules said, without the words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventOutcome {
    /// `accepted` or `rejected`.
    pub result: &'static str,
    /// The rule that rejected it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The action it rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<u32>,
}

impl From<&Outcome> for EventOutcome {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Accepted => EventOutcome { result: "accepted", rule: None, action: None },
            Outcome::Rejected { rule, action } => {
                let rule = Some(rule.clone());
                EventOutcome { result: "rejected", rule, action: Some(*action) }
            }
        }
    }
}

/// Who submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventSubmitter {
    /// The member.
    pub member: String,
    /// Its office, as id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub office: Option<String>,
    /// The member acted for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
}

/// One action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventAction {
    /// Its type, such as `authorization.offer`.
    pub r#type: String,
    /// Key of the record it made or changed, where the action names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}
