//! Workbooks (XLSX, XLS, ODS): each sheet is read as the CSV it would be saved as, and the first sheet with
//! a header that names records is taken. Dates become `YYYY-MM-DD`; whole numbers have no decimal point.
//!
//! Bounds: [`CELLS_MAX`] cells in all; what a cell says goes through the same cleaning as a CSV cell.

use std::io::Cursor;

use calamine::{Data, Range, Reader as _, open_workbook_auto_from_rs};

use super::clean::Cleaner;
use super::csv_source::{self, CsvRecords};
use super::mapping::Mapping;
use crate::failure::{Failure, Outcome};
use crate::text;

/// Most cells read of a workbook.
const CELLS_MAX: usize = 50_000_000;
/// Most sheets looked through.
const SHEETS_MAX: usize = 64;

/// Whether the bytes are a workbook: a ZIP archive, or an OLE compound file.
pub fn is_workbook(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
}

/// Reads the records of the first sheet that has any.
///
/// # Errors
/// Exit 2: no workbook, too large, or no sheet whose header names records.
pub fn read(bytes: Vec<u8>, mapping: &Mapping, cleaner: &mut Cleaner) -> Outcome<CsvRecords> {
    let refused = |e: &dyn std::fmt::Display| {
        Failure::usage(text!("not a workbook: {e}", "不是有效的工作簿：{e}"))
    };
    let mut workbook = open_workbook_auto_from_rs(Cursor::new(bytes)).map_err(|e| refused(&e))?;
    let mut failure = None;
    for name in workbook.sheet_names().into_iter().take(SHEETS_MAX) {
        let sheet = workbook.worksheet_range(&name).map_err(|e| refused(&e))?;
        let (rows, columns) = sheet.get_size();
        if rows.saturating_mul(columns) > CELLS_MAX {
            return Err(Failure::usage(text!(
                "sheet {name} has {rows} × {columns} cells, more than {CELLS_MAX}",
                "工作表 {name} 有 {rows} × {columns} 个单元格，超过 {CELLS_MAX}"
            )));
        }
        let mut tried = Cleaner::default();
        match csv_source::read(&as_csv(&sheet)?, mapping, &mut tried) {
            Ok(records) => {
                cleaner.counts = tried.counts;
                return Ok(records);
            }
            Err(refused) => {
                failure.get_or_insert(refused);
            }
        }
    }
    Err(failure.unwrap_or_else(|| refused(&"it has no sheet")))
}

fn as_csv(sheet: &Range<Data>) -> Outcome<String> {
    let failed = |e: &dyn std::fmt::Display| {
        Failure::usage(text!("cannot read the sheet: {e}", "无法读取工作表：{e}"))
    };
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    for row in sheet.rows() {
        writer.write_record(row.iter().map(cell)).map_err(|e| failed(&e))?;
    }
    let bytes = writer.into_inner().map_err(|e| failed(&e))?;
    String::from_utf8(bytes).map_err(|e| failed(&e))
}

/// A cell as it would be saved.
fn cell(data: &Data) -> String {
    match data {
        Data::Empty | Data::Error(_) => String::new(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Int(number) => number.to_string(),
        // As Rust writes it: 5 for 5.0, every digit it needs.
        Data::Float(number) => number.to_string(),
        Data::Bool(yes) => yes.to_string(),
        Data::DateTime(moment) => date(moment.as_f64()),
    }
}

/// The day of a serial number: days since 1899-12-30, as spreadsheets count (after February 1900).
fn date(serial: f64) -> String {
    const LAST: f64 = 2_958_465.0;
    let first = time::Date::from_calendar_date(1899, time::Month::December, 30);
    let (true, Ok(first)) = ((0.0..=LAST).contains(&serial), first) else {
        return serial.to_string();
    };
    let date = first.saturating_add(time::Duration::seconds_f64(serial.floor() * 86_400.0));
    format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
}

#[cfg(test)]
mod tests;
