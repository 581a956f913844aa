use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

use super::*;
use crate::import::row::Field;

#[test]
fn the_first_sheet_with_records_is_read_as_its_csv() {
    let mut workbook = Workbook::new();
    workbook.add_worksheet().write(0, 0, "说明").unwrap().write(1, 0, "填表须知").unwrap();
    let sheet = workbook.add_worksheet();
    for (column, header) in (0u16..).zip(["信息资源代码", "信息资源名称", "发布日期", "摘要"])
    {
        sheet.write(0, column, header).unwrap();
    }
    let date = ExcelDateTime::parse_from_str("2025-11-01").unwrap();
    let format = Format::new().set_num_format("yyyy-mm-dd");
    sheet.write(1, 0, "306001/1").unwrap().write(1, 1, "法人\u{200b}登记").unwrap();
    sheet.write_with_format(1, 2, &date, &format).unwrap().write(1, 3, 42.0).unwrap();
    let bytes = workbook.save_to_buffer().unwrap();
    assert!(is_workbook(&bytes) && !is_workbook(b"code,name\n"));
    let mut cleaner = Cleaner::default();
    let records = read(bytes, &Mapping::default(), &mut cleaner).unwrap();
    let row = &records.rows[0];
    assert_eq!(row.get(Field::Code), Some("306001/1"));
    assert_eq!(row.get(Field::Name), Some("法人登记"), "cleaned as a CSV cell is");
    assert_eq!(row.get(Field::PublishedAt), Some("2025-11-01"));
    assert_eq!(row.get(Field::Summary), Some("42"));
    assert!(cleaner.counts.characters_removed >= 1);
}

#[test]
fn what_is_no_workbook_is_refused() {
    for bytes in
        [&b"PK\x03\x04"[..], b"PK\x03\x04 and no more of it", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"]
    {
        assert!(read(bytes.to_vec(), &Mapping::default(), &mut Cleaner::default()).is_err());
    }
}
