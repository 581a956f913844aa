use super::*;

#[test]
fn days_are_beijing_days() {
    let day = parse("1970-01-02").expect("a date");
    assert_eq!(day.first_ms(), 57_600_000);
    assert_eq!(day.last_ms(), 57_600_000 + 86_399_999);
    let exact = parse("1970-01-02T00:00:00+08:00").expect("a time");
    assert_eq!((exact.first_ms(), exact.last_ms()), (57_600_000, 57_600_000));
    assert!(parse("2026-02-30").is_err());
    assert!(parse("tomorrow").is_err());
    assert!(parse("1960-01-01").is_err());
}
