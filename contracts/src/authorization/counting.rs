//! Arithmetic of extents: what lies within what, and what is used up.

use super::{Counts, Limits, Rate, RatedTo, Totals, Window};
use crate::receipt::ReceiptKind;

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
        let counted = pairs.iter().all(|(own, other)| match (own, other) {
            (_, None) => true,
            (Some(own), Some(other)) => own <= other,
            (None, Some(_)) => false,
        });
        // Rates of two periods are not compared: neither need be the stricter one.
        let rated = other.rate.is_none_or(|other| {
            self.rate.is_some_and(|own| own.per_ms == other.per_ms && own.calls <= other.calls)
        });
        counted && rated
    }

    fn pairs(&self, totals: &Counts) -> [(Option<u64>, u64); 3] {
        [(self.calls, totals.calls), (self.records, totals.records), (self.bytes, totals.bytes)]
    }
}

impl Rate {
    /// The numbers of the first and the last period that a window touches; periods are counted from
    /// the beginning of 1970.
    pub fn periods(&self, window: &Window) -> (u64, u64) {
        let period = |ms: u64| ms.checked_div(self.per_ms).unwrap_or(ms);
        (period(window.from_ms), period(window.to_ms))
    }

    /// The most calls of a window: so many for each period it touches.
    pub fn most(&self, window: &Window) -> u64 {
        let (first, last) = self.periods(window);
        let periods = last.saturating_sub(first).saturating_add(1);
        self.calls.saturating_mul(periods)
    }
}

impl RatedTo {
    /// The end of the last receipt of a kind that counts.
    pub fn of(&self, kind: ReceiptKind) -> Option<u64> {
        match kind {
            ReceiptKind::Delivered => self.delivered,
            ReceiptKind::Received => self.received,
            ReceiptKind::Used => self.used,
            ReceiptKind::Denied | ReceiptKind::Deleted => None,
        }
    }

    /// With the end of a further receipt.
    pub fn with(self, kind: ReceiptKind, to_ms: u64) -> RatedTo {
        let to = Some(to_ms);
        match kind {
            ReceiptKind::Delivered => RatedTo { delivered: to, ..self },
            ReceiptKind::Received => RatedTo { received: to, ..self },
            ReceiptKind::Used => RatedTo { used: to, ..self },
            ReceiptKind::Denied | ReceiptKind::Deleted => self,
        }
    }
}
