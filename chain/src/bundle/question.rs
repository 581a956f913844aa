//! What a bundle answers, as one line of text.
//!
//! | text | asks |
//! |---|---|
//! | a state key, such as `entry/sha256:…`, `authorization/…`, `office/…`, `member/…` | the record and its complete history |
//! | `transaction/<id>` | that a transaction was committed, and with what outcome |
//! | `heights/<first>-<last>` | all transactions of these blocks |
//! | `times/<from ms>-<to ms>` | all transactions of blocks with these times |
//! | `receipts-of/<key of an entry or authorization>` | all its receipts |
//! | `grants-of/<key of an office>` | all authorizations it holds |
//! | `no-grant/<office id or member code>/<entry id>` | that none entitles that party to the entry |
//!
//! Both ends of a range belong to it. Source: SPEC section 10.4.

use std::fmt;
use std::str::FromStr;

use crate::digest::Digest;
use crate::limits::STATE_KEY_BYTES_MAX;
use crate::state::history_key;
use crate::transaction::TransactionId;
use crate::types::{Height, TimeMs};

/// Longest question, in bytes: that of a key, with room for what comes before it.
pub const QUESTION_BYTES_MAX: usize = STATE_KEY_BYTES_MAX + 128;

/// What a bundle answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// A record and its complete history.
    Record(String),
    /// A transaction.
    Transaction(TransactionId),
    /// All transactions of these heights.
    Heights(Height, Height),
    /// All transactions with block times in this range.
    Times(TimeMs, TimeMs),
    /// All receipts of an entry or authorization, by its key.
    ReceiptsOf(String),
    /// All authorizations an office holds, by its key.
    GrantsOf(String),
    /// That no authorization entitles a party to an entry.
    NoGrant {
        /// An office's id, or a member's code.
        party: String,
        /// The entry.
        entry: Digest,
    },
}

/// A text that is no question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("BND-02: `{0}` is not a question")]
pub struct QuestionInvalid(pub String);

impl Question {
    /// The subject whose complete history answers it; none for transactions and ranges.
    pub fn subject(&self) -> Option<String> {
        match self {
            Question::Record(key) | Question::ReceiptsOf(key) | Question::GrantsOf(key) => {
                Some(key.clone())
            }
            Question::NoGrant { entry, .. } => Some(format!("entry/{entry}")),
            _ => None,
        }
    }
}

impl FromStr for Question {
    type Err = QuestionInvalid;

    fn from_str(text: &str) -> Result<Self, QuestionInvalid> {
        let invalid = || QuestionInvalid(text.chars().take(80).collect());
        let key_bytes_max = STATE_KEY_BYTES_MAX.saturating_sub(history_key("").len());
        let clean = !text.is_empty()
            && text.len() <= QUESTION_BYTES_MAX
            && !text.chars().any(char::is_control);
        if !clean {
            return Err(invalid());
        }
        let key = |key: &str| {
            let fits = !key.is_empty() && key.len() <= key_bytes_max;
            if fits { Ok(key.to_owned()) } else { Err(invalid()) }
        };
        let question = match text.split_once('/') {
            Some(("transaction", id)) => Question::Transaction(id.parse().map_err(|_| invalid())?),
            Some(("heights", range)) => {
                let (from, to) = numbers(range).ok_or_else(invalid)?;
                Question::Heights(Height(from), Height(to))
            }
            Some(("times", range)) => {
                let (from, to) = numbers(range).ok_or_else(invalid)?;
                Question::Times(TimeMs(from), TimeMs(to))
            }
            Some(("receipts-of", of))
                if of.starts_with("entry/") || of.starts_with("authorization/") =>
            {
                Question::ReceiptsOf(key(of)?)
            }
            Some(("grants-of", of)) if of.starts_with("office/") => Question::GrantsOf(key(of)?),
            Some(("no-grant", rest)) => {
                let (party, entry) = rest.rsplit_once('/').ok_or_else(invalid)?;
                let entry = entry.parse().map_err(|_| invalid())?;
                Question::NoGrant { party: key(party)?, entry }
            }
            Some(("receipts-of" | "grants-of", _)) => return Err(invalid()),
            _ => Question::Record(key(text)?),
        };
        // One text per question.
        if question.to_string() == text { Ok(question) } else { Err(invalid()) }
    }
}

fn numbers(range: &str) -> Option<(u64, u64)> {
    let (from, to) = range.split_once('-')?;
    let (from, to) = (from.parse().ok()?, to.parse().ok()?);
    (from <= to).then_some((from, to))
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Question::Record(key) => f.write_str(key),
            Question::Transaction(id) => write!(f, "transaction/{id}"),
            Question::Heights(from, to) => write!(f, "heights/{from}-{to}"),
            Question::Times(from, to) => write!(f, "times/{from}-{to}"),
            Question::ReceiptsOf(key) => write!(f, "receipts-of/{key}"),
            Question::GrantsOf(key) => write!(f, "grants-of/{key}"),
            Question::NoGrant { party, entry } => write!(f, "no-grant/{party}/{entry}"),
        }
    }
}
