//! Whether what was asked about is there, with nothing left out of a range.

use super::super::question::Question;
use super::{Before, Verifier};
use crate::block::Header;
use crate::log::LogEntry;

impl Verifier {
    /// Follows a range that was asked about: everything in it is told, up to its neighbours.
    pub(super) fn range(&mut self, entry: &LogEntry, told: bool) {
        let (value, from, to) = match &self.question {
            Some(Question::Heights(from, to)) => (entry.height.0, from.0, to.0),
            Some(Question::Times(from, to)) => (entry.time_ms.0, from.0, to.0),
            _ => return,
        };
        let now = match value {
            value if value < from => Before::Earlier,
            value if value > to => Before::Later,
            _ => Before::InRange,
        };
        let (id, follows) = (entry.transaction, self.before != Before::Unknown);
        if now == Before::InRange && !told {
            self.gap(format!("{id} is in the range, but only named"));
        }
        let enters = now == Before::InRange || (now == Before::Later && !self.answered.beyond);
        if enters && !follows {
            self.gap(format!("what lies before {id} is not told"));
        }
        self.answered.beyond |= now == Before::Later;
        self.before = now;
    }

    pub(super) fn stub_beside_range(&mut self) {
        if self.before == Before::InRange {
            self.gap("what follows the last transaction told is not told".to_owned());
        }
        self.before = Before::Unknown;
    }

    pub(super) fn gap(&mut self, why: String) {
        self.answered.gap.get_or_insert(why);
    }

    /// Whether what was asked about is there.
    pub(super) fn answer(&self, tip: &Header) -> Result<(), String> {
        let Some(question) = &self.question else { return Err("nothing was asked".to_owned()) };
        match question {
            Question::Transaction(id) => {
                let told = self.answered.transaction;
                if told { Ok(()) } else { Err(format!("the transaction {id} is missing")) }
            }
            Question::Heights(_, to) if *to > tip.height => {
                Err(format!("the range ends at {to}, after the tip"))
            }
            Question::Times(_, to) if *to > tip.time_ms => {
                Err(format!("the range ends at {to}, after the tip's time"))
            }
            Question::Heights(..) | Question::Times(..) => {
                if let Some(gap) = &self.answered.gap {
                    return Err(gap.clone());
                }
                if self.before == Before::Unknown && !self.answered.beyond {
                    return Err("what follows the range is not told".to_owned());
                }
                Ok(())
            }
            _ => {
                let subject = question.subject().unwrap_or_default();
                if !self.answered.record {
                    return Err(format!("the record {subject} is missing"));
                }
                if !self.answered.history {
                    return Err(format!("the history of {subject} is missing"));
                }
                Ok(())
            }
        }
    }
}
