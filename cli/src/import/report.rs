//! The end of an import: what was done, with what defaults, and which rows were not taken and why.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::convert::Rejected;
use super::defaults::Used;
use super::prepare::Read;
use super::row::Field;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::lang::Lang;
use crate::{files, render, text};

/// Rejected rows shown on stderr; all of them are in the file.
const REJECTED_SHOWN: usize = 5;
/// Most columns a line of headers takes beside its name.
const LINE_COLUMNS_MAX: usize = 78;
/// What begins a formula in a spreadsheet.
const FORMULA_STARTS: [char; 4] = ['=', '+', '-', '@'];

/// The counts of an import.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Records of the source.
    pub records: usize,
    /// Entries made (or to be made).
    pub created: u64,
    /// Entries revised (or to be revised).
    pub revised: u64,
    /// Records that had not changed.
    pub unchanged: u64,
    /// Records submitted before that an authority has still to decide on.
    pub awaiting: u64,
    /// Entries revised once more, to name others of the same source.
    pub linked: u64,
    /// Records whose related codes are not entries yet.
    pub unlinked: u64,
    /// Entries withdrawn (or to be withdrawn) whose records are gone from the source.
    pub withdrawn: u64,
    /// Whether an authority registers what is submitted.
    pub registration: bool,
    /// Transactions committed.
    pub transactions: u64,
    /// How long sending took.
    pub took: Duration,
    /// Whether nothing was sent.
    pub dry_run: bool,
}

/// Where rows and cells go that were not taken.
pub struct NotTaken<'a> {
    /// Rejected rows.
    pub rejected: &'a Path,
    /// Cells of rows that were taken.
    pub notes: &'a Path,
}

/// Prints the report and writes the rejected rows and the notes, each where there are any.
///
/// # Errors
/// Exit 2 when one of the files cannot be written.
pub fn print(
    context: &Context,
    source: &Read,
    counts: &Counts,
    used: &Used,
    rejected: &[Rejected],
    files: &NotTaken<'_>,
) -> Outcome<()> {
    let lang = context.lang;
    let written = match rejected {
        [] => None,
        _ => {
            files::write_output(files.rejected, &csv(rejected, source, lang)?)?;
            Some(files.rejected.to_owned())
        }
    };
    let notes = match used.notes.kept.as_slice() {
        [] => None,
        _ => {
            files::write_output(files.notes, &notes_csv(used, source, lang)?)?;
            Some(files.notes.to_owned())
        }
    };
    if context.is_json() {
        let mut report = as_json(context, source, counts, used, rejected, written);
        report["notes"] = json!(used.notes.count());
        report["notes_file"] = json!(notes);
        context.print_json(&report);
        return Ok(());
    }
    for row in rejected.iter().take(REJECTED_SHOWN) {
        let (line, code, name) = (row.line, &row.code, render::cut(&row.name, 40));
        let cell = column(row.field, source);
        let cell = if cell.is_empty() { String::new() } else { format!(" [{cell}]") };
        // What a node said begins with the rule already.
        let after_code = |reason: &str| reason.trim_start_matches(code.as_str()).trim().to_owned();
        let (en, zh) = (after_code(&row.reason.en), after_code(&row.reason.zh));
        context.say(&text!(
            "line {line} ({name}){cell}: {code} {en}",
            "第 {line} 行（{name}）{cell}：{code} {zh}"
        ));
    }
    let mut fields = summary(context, source, counts, rejected, written);
    if let Some(file) = notes {
        let (count, file) = (used.notes.count(), file.display());
        let name = context.word("cells not taken over", "未采用的单元格").to_owned();
        fields.push((name, format!("{count}, {file}")));
    }
    context.print(&render::fields(&fields));
    let rows = used.rows(context.lang);
    if !rows.is_empty() {
        let header = match context.lang {
            Lang::Zh => ["默认值", "次数", "含义", "来源用词"],
            Lang::En => ["DEFAULT", "TIMES", "MEANING", "SOURCE WORDS"],
        };
        context.print("");
        context.print(&render::table(&header, &rows));
    }
    Ok(())
}

fn summary(
    context: &Context,
    source: &Read,
    counts: &Counts,
    rejected: &[Rejected],
    written: Option<PathBuf>,
) -> Vec<(String, String)> {
    let columns: Vec<String> =
        source.columns.iter().map(|(field, header)| format!("{}={header}", field.name())).collect();
    let cleaned = source.cleaned;
    let seconds = counts.took.as_millis();
    let rate = u128::from(counts.created.saturating_add(counts.revised)).saturating_mul(1000);
    let rate = rate.checked_div(seconds.max(1)).unwrap_or(0);
    let sent = !counts.dry_run && counts.transactions > 0;
    let created = match (counts.dry_run, counts.registration) {
        (true, false) => context.word("to create", "将新建"),
        (false, false) => context.word("created", "新建"),
        (true, true) => context.word("to submit as new", "将报送（新建）"),
        (false, true) => context.word("submitted as new", "已报送（新建）"),
    };
    let revised = match (counts.dry_run, counts.registration) {
        (true, false) => context.word("to revise", "将修订"),
        (false, false) => context.word("revised", "修订"),
        (true, true) => context.word("to submit as revised", "将报送（修订）"),
        (false, true) => context.word("submitted as revised", "已报送（修订）"),
    };
    let some = |count: u64| if count == 0 { String::new() } else { count.to_string() };
    [
        (context.word("format", "格式"), format!("{}, {}", source.format.name(), source.encoding)),
        (context.word("columns", "列"), lines(&columns)),
        (context.word("columns not used", "未用的列"), lines(&source.unused_columns)),
        (context.word("records", "记录"), counts.records.to_string()),
        (created, counts.created.to_string()),
        (revised, counts.revised.to_string()),
        (context.word("unchanged", "未变"), counts.unchanged.to_string()),
        (
            context.word("awaiting registration since before", "此前已报送待登记"),
            some(counts.awaiting),
        ),
        (context.word("withdrawn, gone from the source", "来源已无，下架"), some(counts.withdrawn)),
        (context.word("linked to each other", "已补关联"), some(counts.linked)),
        (context.word("links to be made later", "待补关联"), some(counts.unlinked)),
        (context.word("rejected", "未接受"), rejected.len().to_string()),
        (
            context.word("rejected rows in", "未接受的行见"),
            written.map(|f| f.display().to_string()).unwrap_or_default(),
        ),
        (
            context.word("cleaned", "清理"),
            format!(
                "{} {}, {} {}, {} {}, {} {}",
                cleaned.characters_removed,
                context.word("hidden characters", "个隐藏字符"),
                cleaned.breaks_replaced,
                context.word("line breaks", "处换行"),
                cleaned.texts_trimmed,
                context.word("trimmed", "处首尾空白"),
                cleaned.texts_normalized,
                context.word("to NFC", "处规范化（NFC）"),
            ),
        ),
        (
            context.word("transactions", "交易"),
            if sent { counts.transactions.to_string() } else { String::new() },
        ),
        (
            context.word("rate", "速度"),
            if sent {
                format!("{rate} {}", context.word("entries/s", "条/秒"))
            } else {
                String::new()
            },
        ),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// Words in lines that fit a terminal; characters beyond ASCII are two columns wide.
fn lines(words: &[String]) -> String {
    let mut text = String::new();
    let mut taken = 0usize;
    for word in words {
        let width = word.chars().map(render::columns).sum::<usize>().saturating_add(2);
        if taken > 0 {
            let full = taken.saturating_add(width) > LINE_COLUMNS_MAX;
            text.push_str(if full { "\n" } else { "  " });
            taken = if full { 0 } else { taken };
        }
        text.push_str(word);
        taken = taken.saturating_add(width);
    }
    text
}

fn as_json(
    context: &Context,
    source: &Read,
    counts: &Counts,
    used: &Used,
    rejected: &[Rejected],
    written: Option<PathBuf>,
) -> serde_json::Value {
    let columns: serde_json::Map<String, serde_json::Value> = source
        .columns
        .iter()
        .map(|(field, header)| (field.name().to_owned(), header.clone().into()))
        .collect();
    json!({
        "dry_run": counts.dry_run,
        "format": source.format.name(),
        "encoding": source.encoding,
        "columns": columns,
        "columns_unused": source.unused_columns,
        "records": counts.records,
        "created": counts.created,
        "revised": counts.revised,
        "unchanged": counts.unchanged,
        "registration": counts.registration,
        "awaiting_registration": counts.awaiting,
        "linked": counts.linked,
        "withdrawn": counts.withdrawn,
        "links_later": counts.unlinked,
        "rejected": rejected.len(),
        "rejected_file": written,
        "rejected_first": rejected.iter().take(REJECTED_SHOWN).map(|row| json!({
            "line": row.line,
            "identifier": row.identifier,
            "name": row.name,
            "code": row.code,
            "column": column(row.field, source),
            "reason": row.reason.in_lang(context.lang),
        })).collect::<Vec<_>>(),
        "cleaned": source.cleaned,
        "defaults": used.to_json(),
        "transactions": counts.transactions,
        "took_ms": u64::try_from(counts.took.as_millis()).unwrap_or(u64::MAX),
    })
}

/// Rejected rows as CSV with a byte order mark; a cell never begins a spreadsheet formula.
///
/// # Errors
/// None but for want of memory.
fn csv(rejected: &[Rejected], source: &Read, lang: Lang) -> Outcome<Vec<u8>> {
    let header = match lang {
        Lang::Zh => ["行号", "标识符", "名称", "规则", "列", "原因"],
        Lang::En => ["line", "identifier", "name", "code", "column", "reason"],
    };
    let rows = rejected.iter().map(|row| {
        let (line, cell) = (row.line.to_string(), column(row.field, source));
        let reason = row.reason.in_lang(lang).to_owned();
        [line, row.identifier.clone(), row.name.clone(), row.code.clone(), cell, reason]
    });
    table(header, rows)
}

/// The notes as CSV.
fn notes_csv(used: &Used, source: &Read, lang: Lang) -> Outcome<Vec<u8>> {
    let header = match lang {
        Lang::Zh => ["行号", "列", "内容", "处理"],
        Lang::En => ["line", "column", "found", "instead"],
    };
    let rows = used.notes.kept.iter().map(|note| {
        let (_, en, zh) = note.instead.words();
        let cell = column(note.instead.field(), source);
        [note.line.to_string(), cell, note.found.clone(), lang.pick(en, zh).to_owned()]
    });
    table(header, rows)
}

/// The header of the column a field was read from, else the field's name; empty for no field.
fn column(field: Option<Field>, source: &Read) -> String {
    let Some(field) = field else { return String::new() };
    let known = source.columns.iter().find(|(of, _)| *of == field);
    known.map_or_else(|| field.name().to_owned(), |(_, header)| header.clone())
}

fn table<const N: usize>(
    header: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Outcome<Vec<u8>> {
    let failed = |e: &dyn std::fmt::Display| {
        Failure::usage(text!("cannot write CSV: {e}", "无法写出 CSV：{e}"))
    };
    let mut writer = csv::Writer::from_writer(b"\xef\xbb\xbf".to_vec());
    writer.write_record(header).map_err(|e| failed(&e))?;
    for row in rows {
        writer.write_record(row.map(|cell| harmless(&cell))).map_err(|e| failed(&e))?;
    }
    writer.into_inner().map_err(|e| failed(&e))
}

fn harmless(cell: &str) -> String {
    if cell.starts_with(FORMULA_STARTS) { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests;
