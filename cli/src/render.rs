//! How values look: tables, times, digests, states.

use std::borrow::Cow;

use comfy_table::{CellAlignment, Table};
use serde_json::Value;

use crate::lang::Lang;

pub use mulu_client::time_text::time_ms;

/// Hexadecimal digits of a shortened digest.
const SHORT_HEX: usize = 12;

/// The date (`YYYY-MM-DD`) of a block time, at +08:00.
pub fn date_of_ms(ms: u64) -> String {
    time_ms(ms).chars().take(10).collect()
}

/// `sha256:0123456789ab…` for a table; anything else as it is.
pub fn short(text: &str) -> Cow<'_, str> {
    for prefix in ["sha256:", "ed25519:"] {
        if let Some(digits) = text.strip_prefix(prefix).filter(|d| d.len() > SHORT_HEX) {
            let digits: String = digits.chars().take(SHORT_HEX).collect();
            return Cow::Owned(format!("{prefix}{digits}…"));
        }
    }
    Cow::Borrowed(text)
}

/// Cuts a text to a number of characters.
pub fn cut(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    text.chars().take(characters.saturating_sub(1)).chain(['…']).collect()
}

/// How many columns of a terminal a character takes, near enough: two beyond ASCII.
pub fn columns(c: char) -> usize {
    if c.is_ascii() { 1 } else { 2 }
}

/// Cuts a text to a number of columns of a terminal.
pub fn cut_columns(text: &str, most: usize) -> String {
    let width = |text: &str| text.chars().map(columns).sum::<usize>();
    if width(text) <= most {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut taken = columns('…');
    for c in text.chars() {
        taken = taken.saturating_add(columns(c));
        if taken > most {
            break;
        }
        kept.push(c);
    }
    kept + "…"
}

/// What a table makes of a character that must not reach a terminal: controls and invisible
/// formatting, by which a record could make a reader see another text than the one signed.
pub fn safe(text: &str) -> String {
    text.chars()
        .map(|c| {
            let hidden = (c.is_control() && c != '\n') || mulu_chain::json::is_invisible(c);
            if hidden { '\u{FFFD}' } else { c }
        })
        .collect()
}

/// A table with a header line and two blanks between columns; wide characters count twice.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(header.iter().map(|h| (*h).to_owned()));
    for row in rows {
        table.add_row(row.iter().map(|cell| safe(cell)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
        column.set_cell_alignment(CellAlignment::Left);
    }
    let text = table.to_string();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Name and value lines, the names aligned.
pub fn fields(rows: &[(String, String)]) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    for (name, value) in rows {
        table.add_row([name.clone(), safe(value)]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// A text field of a JSON object, empty if absent.
pub fn text_at(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A yes or no.
pub fn yes_no(yes: bool, lang: Lang) -> &'static str {
    if yes { lang.pick("yes", "是") } else { lang.pick("no", "否") }
}

#[cfg(test)]
mod tests;
