//! From a file to entries ready to be sent, and to rows that are not, with their reasons.

use super::clean::{CleanCounts, Cleaner};
use super::convert::{Binding, Prepared, Reason, Rejected, convert};
use super::csv_source::CsvRecords;
use super::defaults::{Fallback, Used};
use super::identify::{Identity, identify};
use super::mapping::Mapping;
use super::names::{self, Named};
use super::row::{Field, Row};
use super::{csv_source, encoding, json_source, jsonld_source, xlsx_source};
use crate::failure::{Failure, Outcome};
use crate::text;

/// The format of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum SourceFormat {
    /// By what the file looks like.
    Auto,
    /// DCAT-US catalog.
    DataJson,
    /// CKAN packages, one per line.
    CkanJsonl,
    /// DCAT-AP catalog in JSON-LD.
    DcatJsonld,
    /// Comma, tab or semicolon separated values.
    Csv,
    /// A workbook: XLSX, XLS, ODS.
    Xlsx,
}

impl SourceFormat {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            SourceFormat::Auto => "auto",
            SourceFormat::DataJson => "data-json",
            SourceFormat::CkanJsonl => "ckan-jsonl",
            SourceFormat::DcatJsonld => "dcat-jsonld",
            SourceFormat::Csv => "csv",
            SourceFormat::Xlsx => "xlsx",
        }
    }

    /// The format a text looks like: a catalog object, lines of objects, or values.
    fn of(self, text: &str) -> SourceFormat {
        if self != SourceFormat::Auto {
            return self;
        }
        if !text.trim_start().starts_with(['{', '[']) {
            return SourceFormat::Csv;
        }
        let first = text.trim_start().lines().next().unwrap_or_default();
        let whole = || serde_json::from_str::<serde_json::Value>(text);
        match serde_json::from_str::<serde_json::Value>(first).or_else(|_| whole()) {
            Ok(catalog) if jsonld_source::is_linked(&catalog) => SourceFormat::DcatJsonld,
            Ok(line) if line.is_object() && line.get("dataset").is_none() => {
                SourceFormat::CkanJsonl
            }
            Ok(catalog) if catalog.get("dataset").is_some() => SourceFormat::DataJson,
            // A cell may begin with a bracket.
            _ if text.trim_start().starts_with('[') => SourceFormat::Csv,
            _ => SourceFormat::DataJson,
        }
    }
}

/// A source, read.
#[derive(Debug)]
pub struct Read {
    /// Its format.
    pub format: SourceFormat,
    /// Its encoding.
    pub encoding: &'static str,
    /// Which column is which field (CSV).
    pub columns: Vec<(Field, String)>,
    /// Columns nobody reads (CSV).
    pub unused_columns: Vec<String>,
    /// Its records.
    pub rows: Vec<Row>,
    /// What cleaning changed.
    pub cleaned: CleanCounts,
}

/// Reads a source.
///
/// # Errors
/// Exit 2: the file is not of its format.
pub fn read(bytes: Vec<u8>, format: SourceFormat, mapping: &Mapping) -> Outcome<Read> {
    let mut cleaner = Cleaner::default();
    let guessed = format == SourceFormat::Auto && xlsx_source::is_workbook(&bytes);
    if format == SourceFormat::Xlsx || guessed {
        let records = xlsx_source::read(bytes, mapping, &mut cleaner)?;
        return Ok(of_table(records, SourceFormat::Xlsx, "workbook", cleaner, mapping));
    }
    let decoded = encoding::decode(bytes)?;
    let format = format.of(&decoded.text);
    let mut rows = match format {
        SourceFormat::DataJson => json_source::data_json(&decoded.text, &mut cleaner)?,
        SourceFormat::CkanJsonl => json_source::ckan_jsonl(&decoded.text, &mut cleaner)?,
        SourceFormat::DcatJsonld => {
            let catalog = serde_json::from_str(&decoded.text)
                .map_err(|e| Failure::usage(text!("not JSON: {e}", "不是有效的 JSON：{e}")))?;
            jsonld_source::read(&catalog, &mut cleaner)?
        }
        SourceFormat::Csv | SourceFormat::Auto | SourceFormat::Xlsx => {
            let records = csv_source::read(&decoded.text, mapping, &mut cleaner)?;
            return Ok(of_table(records, SourceFormat::Csv, decoded.encoding, cleaner, mapping));
        }
    };
    for row in &mut rows {
        mapping.apply(row);
    }
    let (columns, unused_columns) = (Vec::new(), Vec::new());
    let encoding = decoded.encoding;
    Ok(Read { format, encoding, columns, unused_columns, rows, cleaned: cleaner.counts })
}

/// A table, read, with which column is which field.
fn of_table(
    records: CsvRecords,
    format: SourceFormat,
    encoding: &'static str,
    cleaner: Cleaner,
    mapping: &Mapping,
) -> Read {
    let header = |index: &usize| records.header.get(*index).cloned().unwrap_or_default();
    let mut columns: Vec<(Field, String)> =
        records.columns.of.iter().map(|(f, index)| (*f, header(index))).collect();
    let parts: Vec<String> = records.columns.class_parts.iter().map(header).collect();
    if !parts.is_empty() {
        columns.push((Field::ClassPath, parts.join("/")));
    }
    let unused_columns = records.columns.unused;
    let mut rows = records.rows;
    for row in &mut rows {
        mapping.apply(row);
    }
    Read { format, encoding, columns, unused_columns, rows, cleaned: cleaner.counts }
}

/// Entries ready to be sent, and rows that are not.
#[derive(Debug, Default)]
pub struct Batch {
    /// Ready.
    pub prepared: Vec<Prepared>,
    /// Not imported.
    pub rejected: Vec<Rejected>,
    /// Defaults used.
    pub used: Used,
}

/// Identifies, names and converts every record.
pub fn prepare(rows: &[Row], binding: &Binding) -> Batch {
    let mut batch = Batch::default();
    let identities = identify(rows, &mut batch.used);
    let mut kept: Vec<(&Row, String)> = Vec::with_capacity(rows.len());
    for (row, identity) in rows.iter().zip(identities) {
        match (refusal(row, &identity), identity) {
            (None, Identity::Is(identifier)) => kept.push((row, identifier)),
            (reason, Identity::Is(identifier) | Identity::Taken { identifier, .. }) => {
                batch.rejected.extend(reason.map(|reason| rejected(row, identifier, reason)));
            }
        }
    }
    let named: Vec<Named<'_>> = kept
        .iter()
        .map(|(row, identifier)| Named {
            name: row.get(Field::Name).unwrap_or_default(),
            agency: row.get(Field::Agency).unwrap_or_default(),
            identifier,
        })
        .collect();
    let (unique, changed) = names::unique(&named);
    for _ in 0..changed {
        batch.used.count(Fallback::NameRepeated);
    }
    for ((row, identifier), name) in kept.into_iter().zip(unique) {
        match convert(row, &identifier, &name, binding, &mut batch.used) {
            Ok(prepared) => batch.prepared.push(prepared),
            Err(reason) => batch.rejected.push(rejected(row, identifier, reason)),
        }
    }
    batch
}

/// Why a record is not even converted.
fn refusal(row: &Row, identity: &Identity) -> Option<Reason> {
    if let Some(why) = row.excluded {
        return Some((
            "excluded",
            None,
            text!("the source marks the record as {why}", "来源将该记录标为 {why}"),
        ));
    }
    if row.get(Field::Name).is_none() {
        return Some((
            "name",
            Some(Field::Name),
            text!("the record has no name", "该记录没有名称"),
        ));
    }
    match identity {
        Identity::Taken { first_line, .. } => Some((
            "identifier",
            Some(Field::Identifier),
            text!(
                "its identifier is that of the record on line {first_line}",
                "标识符与第 {first_line} 行的记录相同"
            ),
        )),
        Identity::Is(_) => None,
    }
}

fn rejected(row: &Row, identifier: String, (code, field, reason): Reason) -> Rejected {
    Rejected {
        line: row.line,
        identifier,
        name: row.get(Field::Name).unwrap_or_default().to_owned(),
        code: code.to_owned(),
        field,
        reason,
    }
}

#[cfg(test)]
mod tests;
