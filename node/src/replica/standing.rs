//! Whether a validator may sign, by what its vote log remembers and what it has seen since.

use mulu_chain::types::Height;

use super::guard::LogRecord;

/// Whether we may vote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The log is whole.
    Sure,
    /// The log is in doubt.
    Doubt {
        /// Why.
        reason: String,
        /// Highest certified height any validator's node reported since the start.
        highest: Height,
        /// Whether enough validators reported to believe `highest`.
        heard_quorum: bool,
    },
    /// Our key was seen where we did not use it; only an operator ends this.
    Alarm(String),
}

/// What a vote log tells of its validator, record by record.
#[derive(Debug)]
pub struct Recollection {
    /// Highest height the log knows.
    pub highest: Height,
    last: LastWord,
}

#[derive(Debug)]
enum LastWord {
    Sure,
    Doubt(String),
    Alarm(String),
}

impl Standing {
    /// Doubt, before anyone was heard.
    pub fn doubt(reason: String, highest: Height) -> Self {
        Standing::Doubt { reason, highest, heard_quorum: false }
    }

    /// Why we must not vote at `height`, if so.
    pub fn abstains(&self, height: Height) -> Option<&str> {
        if mulu_chain::planted!("planted-doubt-ends-at-once") {
            return None;
        }
        match self {
            Standing::Sure => None,
            Standing::Alarm(reason) => Some(reason),
            Standing::Doubt { reason, highest, heard_quorum } => {
                // Having voted at a height means that a quorum precommitted the one before; an
                // honest node of that quorum may still report the height before that.
                let safe = *heard_quorum && height > highest.next().next();
                (!safe).then_some(reason.as_str())
            }
        }
    }
}

impl Default for Recollection {
    fn default() -> Self {
        Recollection { highest: Height::GENESIS, last: LastWord::Sure }
    }
}

impl Recollection {
    /// Takes the next record, oldest first.
    pub fn take(&mut self, record: &LogRecord) {
        self.highest = self.highest.max(record.height());
        match record {
            LogRecord::Alarm(reason) => self.last = LastWord::Alarm(reason.clone()),
            // An alarm outlasts every doubt.
            LogRecord::Doubt(reason) if !matches!(self.last, LastWord::Alarm(_)) => {
                self.last = LastWord::Doubt(reason.clone());
            }
            LogRecord::Resumed(_) | LogRecord::Cleared { .. } => self.last = LastWord::Sure,
            _ => {}
        }
    }

    /// Whether the validator may sign, on a ledger that ends at `committed`.
    pub fn standing(self, committed: Height) -> Standing {
        let highest = self.highest;
        if mulu_chain::planted!("planted-doubt-ignored") {
            return Standing::Sure;
        }
        match self.last {
            LastWord::Alarm(reason) => Standing::Alarm(reason),
            _ if highest < committed => Standing::doubt(
                format!("the vote log ends at height {highest}, the ledger at {committed}"),
                committed,
            ),
            // What the log remembers was signed, so it is certified up to the height before.
            _ if highest > committed.next() => Standing::doubt(
                format!("the vote log knows height {highest}, the ledger only {committed}"),
                highest,
            ),
            LastWord::Doubt(reason) => Standing::doubt(reason, committed),
            LastWord::Sure => Standing::Sure,
        }
    }
}
