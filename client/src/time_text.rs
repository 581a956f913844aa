//! How times look: RFC 3339 with milliseconds, at +08:00.

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// China Standard Time, in which every time is shown.
const SHOWN_OFFSET_HOURS: i8 = 8;

/// RFC 3339 with milliseconds, so that times of a table align.
const RFC3339_MS: &[BorrowedFormatItem<'_>] = format_description!(
    "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3][offset_hour sign:mandatory]:[offset_minute]"
);

/// Milliseconds since 1970 as RFC 3339 at +08:00.
pub fn time_ms(ms: u64) -> String {
    let offset = UtcOffset::from_hms(SHOWN_OFFSET_HOURS, 0, 0).unwrap_or(UtcOffset::UTC);
    let nanoseconds = i128::from(ms).saturating_mul(1_000_000);
    OffsetDateTime::from_unix_timestamp_nanos(nanoseconds)
        .ok()
        .and_then(|time| time.to_offset(offset).format(RFC3339_MS).ok())
        .unwrap_or_else(|| format!("{ms} ms"))
}
