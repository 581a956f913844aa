#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
use super::*;
use crate::date::date_of;

/// The date of a deadline after a moment in Beijing, with the autumn holidays of 2025.
fn due(start_ms: u64, days: u32) -> Option<String> {
    let list = |days: std::ops::RangeInclusive<u32>| days.map(|d| format!("2025-10-{d:02}"));
    let calendar = Calendar {
        holidays: list(1..=8).collect(),
        workdays: vec!["2025-09-28".to_owned(), "2025-10-11".to_owned()],
    };
    working_days_after(TimeMs(start_ms), days, &calendar).map(|ms| {
        assert_ne!(date_of(TimeMs(ms)), date_of(TimeMs(ms + 1)), "the last millisecond of a day");
        date_of(TimeMs(ms))
    })
}

#[test]
fn working_days_skip_weekends_and_holidays() {
    // 2025-09-26T16:00Z is Saturday the 27th in Beijing, a millisecond before it Friday.
    let saturday = 1_758_902_400_000;
    let expected = |text: &str| Some(text.to_owned());
    assert_eq!(due(saturday, 0), None);
    assert_eq!(due(saturday, 1), expected("2025-09-28"), "a Sunday that is worked");
    assert_eq!(due(saturday - 1, 1), expected("2025-09-28"));
    assert_eq!(due(saturday, 3), expected("2025-09-30"));
    assert_eq!(due(saturday, 4), expected("2025-10-09"), "after eight free days");
    assert_eq!(due(saturday, 6), expected("2025-10-11"), "a Saturday that is worked");
    assert_eq!(due(saturday, 7), expected("2025-10-13"));
}

#[test]
fn the_longest_deadline_is_found_whatever_the_calendar() {
    let start = TimeMs(0);
    let free = (1..).map(date_of_day).take(CALENDAR_DATES_MAX).collect();
    let calendar = Calendar { holidays: free, workdays: Vec::new() };
    let ms = working_days_after(start, DEADLINE_DAYS_MAX, &calendar).unwrap();
    let days = (1..=day_of(TimeMs(ms))).filter(|day| calendar.is_workday(*day)).count();
    assert_eq!(days, usize::try_from(DEADLINE_DAYS_MAX).unwrap());
    assert!(working_days_after(TimeMs(u64::MAX), 1, &calendar).is_some());
}
