use super::*;

#[test]
fn rejected_rows_never_begin_a_formula() {
    let rejected = [Rejected {
        line: 7,
        identifier: "=HYPERLINK(1)".to_owned(),
        name: "名称".to_owned(),
        code: "ENT-07".to_owned(),
        field: Some(Field::Name),
        reason: text!("taken", "已占用"),
    }];
    let source = Read {
        format: crate::import::prepare::SourceFormat::Csv,
        encoding: "UTF-8",
        columns: vec![(Field::Name, "信息资源名称".to_owned())],
        unused_columns: Vec::new(),
        rows: Vec::new(),
        cleaned: Default::default(),
    };
    let bytes = csv(&rejected, &source, Lang::Zh).expect("written");
    let text = String::from_utf8(bytes).expect("UTF-8");
    assert_eq!(
        text.trim_start_matches('\u{feff}'),
        "行号,标识符,名称,规则,列,原因\n7,'=HYPERLINK(1),名称,ENT-07,信息资源名称,已占用\n"
    );
}
