use super::*;

#[test]
fn times_are_shown_in_china_standard_time() {
    assert_eq!(time_ms(0), "1970-01-01T08:00:00.000+08:00");
    assert_eq!(time_ms(1_763_700_000_123), "2025-11-21T12:40:00.123+08:00");
    assert_eq!(date_of_ms(1_763_740_000_000), "2025-11-21");
}

#[test]
fn chinese_columns_align() {
    let rows =
        vec![vec!["企业登记".to_owned(), "1".to_owned()], vec!["abc".to_owned(), "2".to_owned()]];
    let text = table(&["名称", "n"], &rows);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines, ["名称      n", "企业登记  1", "abc       2"]);
}

#[test]
fn hidden_characters_never_reach_a_terminal() {
    assert_eq!(safe("a\u{1b}[31mb\u{202e}c"), "a\u{FFFD}[31mb\u{FFFD}c");
}

#[test]
fn digests_are_shortened() {
    let digest = format!("sha256:{}", "ab".repeat(32));
    assert_eq!(short(&digest), "sha256:abababababab…");
    assert_eq!(short("entry"), "entry");
    assert_eq!(cut("目录条目名称", 4), "目录条…");
    assert_eq!(cut_columns("目录条目", 8), "目录条目");
    assert_eq!(cut_columns("目录条目名", 8), "目录条…");
    assert_eq!(cut_columns("abcdefghi", 8), "abcdef…");
}
