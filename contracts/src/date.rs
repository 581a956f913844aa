//! Calendar dates, `YYYY-MM-DD`, without a calendar library: the form, and the date of a block.
//!
//! A block's date is the one on the wall in Beijing (UTC+08:00), where the signers write theirs.
//! Dates of this form compare as texts.

use mulu_chain::types::TimeMs;

const DAY_MS: u64 = 86_400_000;
const BEIJING_OFFSET_MS: u64 = 8 * 3_600_000;

/// Whether a text is an existing date of the Gregorian calendar in the form `YYYY-MM-DD`.
pub fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    let number = |part: &str, digits: usize| {
        let plain = part.len() == digits && part.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| part.parse::<u32>().ok()).flatten()
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2))
    else {
        return false;
    };
    year > 0 && day >= 1 && day <= days_in(year, month)
}

/// Days of a month; 0 if there is no such month.
fn days_in(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    }
}

/// The date in Beijing at a block time.
pub fn date_of(time: TimeMs) -> String {
    date_of_day(day_of(time))
}

/// The day in Beijing at a block time, counted from 1970-01-01.
pub(crate) fn day_of(time: TimeMs) -> u64 {
    time.0.saturating_add(BEIJING_OFFSET_MS).div_euclid(DAY_MS)
}

/// The last millisecond of a day in Beijing.
pub(crate) fn last_ms_of_day(day: u64) -> u64 {
    let ends = day.saturating_add(1).saturating_mul(DAY_MS);
    ends.saturating_sub(BEIJING_OFFSET_MS).saturating_sub(1)
}

/// The date of a day counted from 1970-01-01.
// A u64 of milliseconds is fewer than 2^38 days; no term below comes near 2^64.
#[allow(clippy::arithmetic_side_effects)]
pub(crate) fn date_of_day(day: u64) -> String {
    // Days to civil date, counting years from March (H. Hinnant, chrono-compatible date algorithms).
    let days = day + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests;
