//! What is wrong in a founding document, where, and how to mend it.
//!
//! A document is read by people who sign it once and live with it for years, so every fault names
//! its file, line and column, shows the line, and says in English and in Chinese what to do. All
//! faults are collected, up to [`FAULTS_MAX`], so that a document is mended in one pass.

use std::fmt::{self, Write as _};
use std::ops::Range;

/// Most faults one reading reports.
pub const FAULTS_MAX: usize = 50;
/// Most characters of a source line that a fault shows.
const EXCERPT_CHARS_MAX: usize = 120;
/// Characters shown before the fault when a long line must be cut.
const EXCERPT_LEAD_CHARS: usize = 40;

/// How to mend a fault, for both readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Help {
    /// English.
    pub en: &'static str,
    /// 中文。
    pub zh: &'static str,
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file's name as given to [`crate::parse`].
    pub file: String,
    /// 1-based line.
    pub line: usize,
    /// 1-based column, counted in characters.
    pub column: usize,
    /// What is wrong, with the rule id where a numbered rule is broken.
    pub message: String,
    /// How to mend it, in English.
    pub help: String,
    /// How to mend it, in Chinese.
    pub help_zh: String,
    /// The line of the document, cut to a readable length.
    pub source_line: String,
    /// Characters of `source_line` in front of the fault.
    pub caret_offset: usize,
    /// Characters of `source_line` at fault, at least 1.
    pub caret_width: usize,
}

/// A document that is not a founding document: everything that is wrong with it, in the order of
/// its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundingInvalid {
    /// The faults, never empty.
    pub faults: Vec<Fault>,
    /// Whether more than [`FAULTS_MAX`] faults were found and the rest is not listed.
    pub truncated: bool,
}

impl std::error::Error for FoundingInvalid {}

impl fmt::Display for FoundingInvalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            fault.fmt(f)?;
        }
        if self.truncated {
            write!(f, "\n\nmore than {FAULTS_MAX} faults; mend these first (其余问题从略)")?;
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        writeln!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {}", self.source_line)?;
        writeln!(f, "{margin} | {}", self.caret_line())?;
        writeln!(f, "{margin} = help: {}", self.help)?;
        write!(f, "{margin} = 提示：{}", self.help_zh)
    }
}

impl Fault {
    /// Blanks and carets that stand under the fault on a terminal, where a Chinese character is
    /// two columns wide.
    fn caret_line(&self) -> String {
        let columns = |c: char| if is_wide(c) { 2 } else { 1 };
        let before: usize = self.source_line.chars().take(self.caret_offset).map(columns).sum();
        let under = self.source_line.chars().skip(self.caret_offset).take(self.caret_width);
        let width: usize = under.map(columns).sum();
        format!("{}{}", " ".repeat(before), "^".repeat(width.max(1)))
    }
}

/// Whether terminals draw a character two columns wide (the common East Asian ranges).
fn is_wide(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{115F}' | '\u{2E80}'..='\u{A4CF}' | '\u{AC00}'..='\u{D7A3}'
        | '\u{F900}'..='\u{FAFF}' | '\u{FE30}'..='\u{FE6F}' | '\u{FF00}'..='\u{FF60}'
        | '\u{FFE0}'..='\u{FFE6}' | '\u{20000}'..='\u{3FFFD}')
}

/// The faults found so far in one text.
pub(crate) struct Faults<'a> {
    file: &'a str,
    text: &'a str,
    /// With the byte offset, to list them in the order of the document.
    found: Vec<(usize, Fault)>,
    truncated: bool,
}

impl<'a> Faults<'a> {
    pub(crate) fn new(text: &'a str, file: &'a str) -> Self {
        Faults { file, text, found: Vec::new(), truncated: false }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Reports a fault at a byte range of the text.
    pub(crate) fn report(&mut self, span: &Range<usize>, message: impl Into<String>, help: Help) {
        let (en, zh) = (help.en.to_owned(), help.zh.to_owned());
        self.report_text(span, message.into(), en, zh);
    }

    /// Reports a fault whose help is composed.
    pub(crate) fn report_text(
        &mut self,
        span: &Range<usize>,
        message: String,
        help: String,
        help_zh: String,
    ) {
        if self.found.len() >= FAULTS_MAX {
            self.truncated = true;
            return;
        }
        let place = Place::of(self.text, span);
        let fault = Fault {
            file: printable(self.file),
            line: place.line,
            column: place.column,
            message: printable(&message),
            help: printable(&help),
            help_zh: printable(&help_zh),
            source_line: place.excerpt,
            caret_offset: place.caret_offset,
            caret_width: place.caret_width,
        };
        if !self.found.iter().any(|(_, f)| *f == fault) {
            self.found.push((span.start, fault));
        }
    }

    /// Everything reported, in the order of the document.
    pub(crate) fn into_invalid(mut self) -> FoundingInvalid {
        self.found.sort_by_key(|(offset, _)| *offset);
        let faults = self.found.into_iter().map(|(_, fault)| fault).collect();
        FoundingInvalid { faults, truncated: self.truncated }
    }
}

/// Where a byte range lies, for a reader.
struct Place {
    line: usize,
    column: usize,
    excerpt: String,
    caret_offset: usize,
    caret_width: usize,
}

impl Place {
    fn of(text: &str, span: &Range<usize>) -> Place {
        let start = floor_boundary(text, span.start);
        let end = floor_boundary(text, span.end.max(start));
        let before = text.get(..start).unwrap_or("");
        let line = before.matches('\n').count().saturating_add(1);
        let line_start = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
        let rest = text.get(line_start..).unwrap_or("");
        let source = rest.split('\n').next().unwrap_or("").trim_end_matches('\r');
        let offset = text.get(line_start..start).unwrap_or("").chars().count();
        let at_fault = text.get(start..end).unwrap_or("").split('\n').next().unwrap_or("");
        // A long line is cut on both sides, around the fault.
        let cut = if source.chars().count() > EXCERPT_CHARS_MAX {
            offset.saturating_sub(EXCERPT_LEAD_CHARS)
        } else {
            0
        };
        let excerpt: String = source.chars().skip(cut).take(EXCERPT_CHARS_MAX).collect();
        let room = EXCERPT_CHARS_MAX.saturating_sub(offset.saturating_sub(cut));
        Place {
            line,
            column: offset.saturating_add(1),
            excerpt: printable(&excerpt),
            caret_offset: offset.saturating_sub(cut),
            caret_width: at_fault.trim_end().chars().count().clamp(1, room.max(1)),
        }
    }
}

/// The largest character boundary at or below `at`.
fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at = at.saturating_sub(1);
    }
    at
}

/// The text with every character that would move a terminal's cursor or hide text replaced, one
/// for one, so that a hostile document cannot repaint its own fault list.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let c = match c {
            '\n' => '\n',
            '\t' => ' ',
            c if c.is_control() || mulu_chain::json::is_invisible(c) => '\u{FFFD}',
            c => c,
        };
        // Writing to a String cannot fail.
        let _ = shown.write_char(c);
    }
    shown
}
