//! CSV, one record per line; a line without name, code and identifier that has an item continues
//! the record above it, as do lines that repeat its code and name (the form of many workbooks, one
//! line per item). The header line may follow a title, and be followed by a second one that names the
//! parts of its headings (信息资源分类: 类, 项, 目, 细目), as in the workbook of the 2017 guide.

use super::clean::Cleaner;
use super::columns::{Columns, is_known};
use super::mapping::Mapping;
use super::row::{Field, Row};
use crate::failure::{Failure, Outcome};
use crate::text;

/// Most lines looked through for the header line.
const HEADER_LINES_MAX: usize = 6;

/// What a CSV file holds.
#[derive(Debug)]
pub struct CsvRecords {
    /// The records.
    pub rows: Vec<Row>,
    /// Which column was read as what.
    pub columns: Columns,
    /// The header line.
    pub header: Vec<String>,
}

/// Reads the records of a CSV text. The separator is the one that occurs most in the first line.
///
/// # Errors
/// Exit 2: not CSV, or no column is a name.
pub fn read(text: &str, mapping: &Mapping, cleaner: &mut Cleaner) -> Outcome<CsvRecords> {
    let refused =
        |e: &csv::Error| Failure::usage(text!("not a CSV file: {e}", "不是有效的 CSV 文件：{e}"));
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator(text))
        .flexible(true)
        .has_headers(false)
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let first: Result<Vec<_>, _> = records.by_ref().take(HEADER_LINES_MAX).collect();
    let first = first.map_err(|e| refused(&e))?;
    let Header { columns, header, lines } = find_header(&first, mapping, cleaner)?;
    let mut rows: Vec<Row> = Vec::new();
    for record in first.into_iter().skip(lines).map(Ok).chain(records) {
        let record = record.map_err(|e| refused(&e))?;
        let line = record.position().map_or(0, csv::Position::line);
        let mut row = Row { line, ..Row::default() };
        for (field, index) in &columns.of {
            let cell = record.get(*index).unwrap_or_default();
            row.set(*field, cleaner.clean(cell));
        }
        let parts = columns.class_parts.iter().filter_map(|index| record.get(*index));
        let parts: Vec<String> = parts.map(|part| cleaner.clean(part)).collect();
        let parts: Vec<&str> =
            parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        row.set(Field::ClassPath, parts.join("/"));
        for (name, index) in &columns.extensions {
            let value = cleaner.clean(record.get(*index).unwrap_or_default());
            if !value.is_empty() {
                row.extensions.push((name.clone(), value));
            }
        }
        if row.fields.is_empty() {
            continue;
        }
        match rows.last_mut().filter(|above| continues(&row, above)) {
            Some(above) => above.more_items.push((
                row.get(Field::Items).unwrap_or_default().to_owned(),
                row.get(Field::ItemTypes).unwrap_or_default().to_owned(),
            )),
            None => rows.push(row),
        }
    }
    Ok(CsvRecords { rows, columns, header })
}

/// The header, and how many lines it takes with what stands above it.
struct Header {
    columns: Columns,
    header: Vec<String>,
    lines: usize,
}

fn find_header(
    first: &[csv::StringRecord],
    mapping: &Mapping,
    cleaner: &mut Cleaner,
) -> Outcome<Header> {
    let cells = |record: &csv::StringRecord, cleaner: &mut Cleaner| -> Vec<String> {
        record.iter().map(|cell| cleaner.clean(cell)).collect()
    };
    let mut failure = None;
    for (number, record) in first.iter().enumerate() {
        let mut header = cells(record, cleaner);
        let mut columns = match Columns::find(&header, mapping) {
            Ok(columns) => columns,
            Err(refused) => {
                failure.get_or_insert(refused);
                continue;
            }
        };
        let mut lines = number.saturating_add(1);
        let parts = first.get(lines).map(|record| cells(record, cleaner)).unwrap_or_default();
        let mut named = parts.iter().filter(|part| !part.is_empty()).peekable();
        if named.peek().is_some() && named.all(|part| is_known(part)) {
            for (heading, part) in header.iter_mut().zip(parts) {
                if !part.is_empty() {
                    *heading = part;
                }
            }
            columns = Columns::find(&header, mapping)?;
            lines = lines.saturating_add(1);
        }
        return Ok(Header { columns, header, lines });
    }
    Err(failure.unwrap_or_else(|| Failure::usage(text!("the file is empty", "文件为空"))))
}

fn continues(row: &Row, above: &Row) -> bool {
    if row.get(Field::Items).is_none() {
        return false;
    }
    let nameless = [Field::Name, Field::Code, Field::Identifier];
    if nameless.iter().all(|field| row.get(*field).is_none()) {
        return true;
    }
    row.get(Field::Code).is_some()
        && row.get(Field::Code) == above.get(Field::Code)
        && row.get(Field::Name) == above.get(Field::Name)
        && row.get(Field::Identifier) == above.get(Field::Identifier)
}

fn separator(text: &str) -> u8 {
    let count = |separator: u8| {
        let lines = text.lines().take(HEADER_LINES_MAX);
        lines.map(|line| line.bytes().filter(|b| *b == separator).count()).max()
    };
    [b',', b'\t', b';'].into_iter().rev().max_by_key(|s| count(*s)).unwrap_or(b',')
}

#[cfg(test)]
mod tests;
