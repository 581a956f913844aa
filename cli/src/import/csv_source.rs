//! CSV, one record per line; a line without name, code and identifier that has an item continues
//! the record above it, as do lines that repeat its code and name (the form of many workbooks, one
//! line per item).

use super::clean::Cleaner;
use super::columns::Columns;
use super::mapping::Mapping;
use super::row::{Field, Row};
use crate::failure::{Failure, Outcome};
use crate::text;

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
        .has_headers(true)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| refused(&e))?;
    let header: Vec<String> = header.iter().map(|h| cleaner.clean(h)).collect();
    let columns = Columns::find(&header, mapping)?;
    let mut rows: Vec<Row> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| refused(&e))?;
        let line = record.position().map_or(0, csv::Position::line);
        let mut row = Row { line, ..Row::default() };
        for (field, index) in &columns.of {
            let cell = record.get(*index).unwrap_or_default();
            row.set(*field, cleaner.clean(cell));
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
    let first = text.lines().next().unwrap_or_default();
    let count = |separator: u8| first.bytes().filter(|b| *b == separator).count();
    [b',', b'\t', b';'].into_iter().rev().max_by_key(|s| count(*s)).unwrap_or(b',')
}

#[cfg(test)]
mod tests;
