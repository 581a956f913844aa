//! Moments as people write them: a date in Beijing, or RFC 3339.

use mulu_contracts::date::is_date;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Milliseconds of a day less one.
const DAY_END_MS: u64 = 86_399_999;

/// A moment given on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A whole day, by its first millisecond in Beijing.
    Day(u64),
    /// An exact moment in milliseconds.
    Exact(u64),
}

impl Moment {
    /// As the beginning of a window.
    pub fn first_ms(self) -> u64 {
        match self {
            Moment::Day(ms) | Moment::Exact(ms) => ms,
        }
    }

    /// As the end of a window: a day includes its last millisecond.
    pub fn last_ms(self) -> u64 {
        match self {
            Moment::Day(ms) => ms.saturating_add(DAY_END_MS),
            Moment::Exact(ms) => ms,
        }
    }
}

/// Parses a date (`2026-12-31`, in Beijing) or a moment (`2026-12-31T18:00:00+08:00`).
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &str) -> Result<Moment, String> {
    let exact = |text: &str| {
        let moment = OffsetDateTime::parse(text, &Rfc3339).map_err(|e| e.to_string())?;
        let ms = moment.unix_timestamp_nanos().checked_div(1_000_000).unwrap_or(0);
        u64::try_from(ms).map_err(|_| "before 1970".to_owned())
    };
    if is_date(text) {
        return exact(&format!("{text}T00:00:00+08:00")).map(Moment::Day);
    }
    exact(text).map(Moment::Exact).map_err(|e| {
        format!("a date such as 2026-12-31, or a time such as 2026-12-31T18:00:00+08:00 ({e})")
    })
}

#[cfg(test)]
mod tests;
