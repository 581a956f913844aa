//! The founding document's time: RFC 3339 in UTC, to milliseconds since 1970.

use mulu_chain::types::TimeMs;

const DAY_MS: u64 = 86_400_000;

/// Reads `YYYY-MM-DDThh:mm:ssZ` or `YYYY-MM-DDThh:mm:ss.mmmZ`, from 1970 to 9999; no leap second,
/// no other zone: one text per instant and precision. `None` for everything else.
pub fn parse_utc(text: &str) -> Option<TimeMs> {
    let rest = text.strip_suffix('Z')?;
    let (seconds, millis) = match rest.split_once('.') {
        Some((seconds, fraction)) if fraction.len() == 3 => (seconds, digits(fraction)?),
        Some(_) => return None,
        None => (rest, 0),
    };
    let (date, clock) = seconds.split_once('T')?;
    let [year, month, day] = parts(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = parts(clock, ':', [2, 2, 2])?;
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    if day == 0 || day > days_in(year, month) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_before(year, month) + day - 1;
    Some(TimeMs(days * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000 + millis))
}

fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn parts(text: &str, separator: char, lengths: [usize; 3]) -> Option<[u64; 3]> {
    let mut values = [0; 3];
    let mut found = text.split(separator);
    for (value, length) in values.iter_mut().zip(lengths) {
        let part = found.next().filter(|part| part.len() == length)?;
        *value = digits(part)?;
    }
    found.next().is_none().then_some(values)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the first of a month.
fn days_before(year: u64, month: u64) -> u64 {
    let years: u64 = (1970..year).map(|y| if is_leap(y) { 366 } else { 365 }).sum();
    let months: u64 = (1..month).map(|m| days_in(year, m)).sum();
    years + months
}
