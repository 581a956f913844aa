use super::*;

#[test]
fn names_are_translated_and_numbers_are_not() {
    assert_eq!(share_type("无条件共享"), Some("unconditional"));
    assert_eq!(share_type("無條件共享"), Some("unconditional"));
    assert_eq!(share_type("Unconditional"), Some("unconditional"));
    assert_eq!(share_type("不予共享"), Some("none"));
    for number in ["1", "2", "3", "０１", "1.0"] {
        assert_eq!(share_type(number), None);
        assert!(is_bare_number(number), "{number}");
    }
    assert!(!is_bare_number("共享1"));
}

#[test]
fn cycles_are_exact_or_unknown() {
    assert_eq!(update_cycle("每季度"), Some("quarterly"));
    assert_eq!(update_cycle("半年"), Some("semiannual"));
    assert_eq!(update_cycle("R/P1Y"), Some("yearly"));
    for vague in ["每5分鐘", "每三年", "每季，至104年12月為止", "每月、年"] {
        assert_eq!(update_cycle(vague), None, "{vague}");
    }
}

#[test]
fn formats_and_types() {
    assert_eq!(format_category("CSV"), Some("efile"));
    assert_eq!(format_category("xlsx"), Some("sheet"));
    assert_eq!(format_category("GeoJSON"), Some("self"));
    assert_eq!(format_category("utf-8"), None);
    assert!(is_encoding_name("UTF-8") && is_encoding_name("Big5"));
    assert_eq!(item_type("字符型C"), Some("C"));
    assert_eq!(item_type("varchar(100)"), Some("C"));
    assert_eq!(item_type("日期时间型T"), Some("T"));
    assert_eq!(item_type("奇怪"), None);
    assert_eq!(yes_no("是"), Some(true));
    assert_eq!(yes_no("maybe"), None);
}
