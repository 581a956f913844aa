//! Arithmetic of extents: what lies within what, and what is used up.

use super::{Counts, Limits, Totals, Window};

/// What counts against the limits of a grant: what was delivered under it; and what its consumer used
/// together with what it delivered to others, and with what those used.
pub(crate) fn spent(totals: &Totals, handed_on: &Totals) -> [Counts; 3] {
    let used = totals.used;
    [totals.delivered, used.plus(&handed_on.delivered), used.plus(&handed_on.used)]
}

impl Totals {
    /// Whether nothing was recorded.
    pub fn is_nothing(&self) -> bool {
        *self == Totals::default()
    }
}

impl Counts {
    /// The sum; what leaves the range of numbers saturates above every limit.
    pub fn plus(&self, other: &Counts) -> Counts {
        Counts {
            calls: self.calls.saturating_add(other.calls),
            records: self.records.saturating_add(other.records),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    /// The difference, at least 0.
    pub fn minus(&self, other: &Counts) -> Counts {
        Counts {
            calls: self.calls.saturating_sub(other.calls),
            records: self.records.saturating_sub(other.records),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }
}

impl Window {
    /// Whether another window lies within this one.
    pub fn contains(&self, other: &Window) -> bool {
        self.from_ms <= other.from_ms && other.to_ms <= self.to_ms
    }
}

impl Limits {
    /// Whether totals stay within the limits.
    pub fn allow(&self, totals: &Counts) -> bool {
        self.pairs(totals).iter().all(|(limit, total)| limit.is_none_or(|limit| *total <= limit))
    }

    /// Whether a limit is reached, so that no further call, record or byte fits.
    pub fn used_up(&self, totals: &Counts) -> bool {
        self.pairs(totals).iter().any(|(limit, total)| limit.is_some_and(|limit| *total >= limit))
    }

    /// Whether every limit is at least as strict as another's.
    pub fn within(&self, other: &Limits) -> bool {
        let pairs =
            [(self.calls, other.calls), (self.records, other.records), (self.bytes, other.bytes)];
        pairs.iter().all(|(own, other)| match (own, other) {
            (_, None) => true,
            (Some(own), Some(other)) => own <= other,
            (None, Some(_)) => false,
        })
    }

    fn pairs(&self, totals: &Counts) -> [(Option<u64>, u64); 3] {
        [(self.calls, totals.calls), (self.records, totals.records), (self.bytes, totals.bytes)]
    }
}
