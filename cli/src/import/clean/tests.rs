use super::*;

#[test]
fn whatever_comes_in_the_text_rules_hold_afterwards() {
    let cases = [
        (" 名称 ", "名称"),
        ("a\u{202e}b", "ab"),
        ("a\r\n\tb", "a b"),
        ("e\u{301}", "é"),
        ("\u{feff}编号", "编号"),
        ("x\u{0}\u{7f}\u{9f}y", "xy"),
        ("全角　空格", "全角　空格"),
        ("\u{fdd0}z", "z"),
        ("\u{200b} 里面 \u{200b}", "里面"),
        ("", ""),
    ];
    let mut cleaner = Cleaner::default();
    for (dirty, clean) in cases {
        assert_eq!(cleaner.clean(dirty), clean, "{dirty:?}");
        assert_eq!(json::text_rule(clean), None, "{clean:?}");
    }
    assert!(cleaner.counts.characters_removed >= 7);
    assert_eq!(cleaner.counts.breaks_replaced, 1);
    assert_eq!(cleaner.counts.texts_normalized, 1);
}
