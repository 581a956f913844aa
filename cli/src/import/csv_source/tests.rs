use super::*;

fn rows(text: &str) -> Vec<Row> {
    read(text, &Mapping::default(), &mut Cleaner::default()).expect("reads").rows
}

#[test]
fn lines_of_items_continue_the_record_above() {
    let text = "信息资源名称,信息资源代码,信息项名称,数据类型\n\
                企业登记,307001/1,统一社会信用代码,字符型C\n\
                ,,企业名称,C\n\
                企业登记,307001/1,成立日期,D\n\
                个体登记,307001/2,名称,C\n";
    let rows = rows(text);
    assert_eq!(rows.len(), 2);
    let [first, second] = rows.as_slice() else { panic!("two records") };
    assert_eq!(first.line, 2);
    assert_eq!(first.more_items.len(), 2);
    assert_eq!(second.get(Field::Items), Some("名称"));
}

#[test]
fn quoting_empty_lines_and_separators() {
    let rows = rows("title;description\n\"a;b\";\"x\ny\"\n;\nc;\n");
    assert_eq!(rows.len(), 2);
    assert_eq!(rows.first().and_then(|r| r.get(Field::Name)), Some("a;b"));
    assert_eq!(rows.first().and_then(|r| r.get(Field::Summary)), Some("x y"));
}

#[test]
fn a_title_above_and_a_second_header_line() {
    let text = "某某局政务信息资源目录,,,,,,,,,\n\
                信息资源分类,,,,信息资源名称,信息项信息,,共享属性,,更新周期\n\
                类,项,目,细目,,信息项名称,数据类型,共享类型,共享条件,\n\
                部门信息资源类,行政许可,食品经营,,食品经营许可,许可证编号,C,有条件共享,监督抽检,每日\n\
                ,,,,,经营者名称,C,,,\n";
    let read = read(text, &Mapping::default(), &mut Cleaner::default()).expect("reads");
    let [row] = read.rows.as_slice() else { panic!("one record: {:#?}", read.rows) };
    assert_eq!(row.line, 4);
    assert_eq!(row.get(Field::ClassPath), Some("部门信息资源类/行政许可/食品经营"));
    assert_eq!(row.get(Field::Share), Some("有条件共享"));
    assert_eq!(row.get(Field::ShareCondition), Some("监督抽检"));
    assert_eq!(row.more_items, [("经营者名称".to_owned(), "C".to_owned())]);
    assert!(read.columns.unused.is_empty(), "{:?}", read.columns);
}

/// The real lists, when the reference data is there.
#[test]
fn the_real_lists_are_recognised() {
    let Some(folder) = crate::testing::reference_data() else { return };
    for (name, records, fields) in [("national.csv", 35_955, 3), ("taipei.csv", 1_127, 11)] {
        let bytes = std::fs::read(folder.join("tw-opendata").join(name)).expect("readable");
        let text = crate::import::encoding::decode(bytes).expect("UTF-8").text;
        let mut cleaner = Cleaner::default();
        let read = read(&text, &Mapping::default(), &mut cleaner).expect("a CSV file");
        assert_eq!(read.rows.len(), records, "{name}");
        assert_eq!(read.columns.of.len(), fields, "{name}: {:?}", read.columns);
    }
}
