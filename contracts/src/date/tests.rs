//! Dates: existing ones, and the one in Beijing at a block time.

use mulu_chain::types::TimeMs;

use super::{date_of, is_date};

#[test]
fn existing_dates() {
    for text in ["2025-01-01", "2024-02-29", "2000-02-29", "9999-12-31", "0001-01-01"] {
        assert!(is_date(text), "{text}");
    }
    for text in [
        "",
        "2025-1-1",
        "2025-02-29",
        "1900-02-29",
        "2025-13-01",
        "2025-00-10",
        "2025-04-31",
        "2025-01-00",
        "0000-01-01",
        "2025-01-01T",
        "+025-01-01",
        "2025/01/01",
        "2025-01-01-",
    ] {
        assert!(!is_date(text), "{text}");
    }
}

#[test]
fn dates_of_block_times() {
    for (time_ms, date) in [
        (0, "1970-01-01"),
        (57_599_999, "1970-01-01"),
        (57_600_000, "1970-01-02"),
        (951_753_600_000, "2000-02-29"),
        (951_840_000_000, "2000-03-01"),
        (1_735_660_799_999, "2024-12-31"),
        (1_735_660_800_000, "2025-01-01"),
    ] {
        assert_eq!(date_of(TimeMs(time_ms)), date, "{time_ms}");
    }
    assert!(is_date(&date_of(TimeMs(4_102_444_800_000))));
    date_of(TimeMs(u64::MAX));
}
