use super::*;

#[test]
fn rejected_rows_never_begin_a_formula() {
    let rejected = [Rejected {
        line: 7,
        identifier: "=HYPERLINK(1)".to_owned(),
        name: "名称".to_owned(),
        code: "ENT-07".to_owned(),
        reason: text!("taken", "已占用"),
    }];
    let bytes = csv(&rejected, Lang::Zh).expect("written");
    let text = String::from_utf8(bytes).expect("UTF-8");
    assert_eq!(
        text.trim_start_matches('\u{feff}'),
        "行号,标识符,名称,规则,原因\n7,'=HYPERLINK(1),名称,ENT-07,已占用\n"
    );
}
