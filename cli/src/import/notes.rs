//! What an import could not take over from a row that it did take: one note per cell, so that nothing
//! is dropped silently and nothing guessed.

use super::defaults::Fallback;

/// Most notes kept; the counts go on.
pub const NOTES_MAX: usize = 200_000;
/// Longest text of a cell kept in a note, in characters.
const CELL_CHARS_MAX: usize = 200;

/// A cell, or a word of it, that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Where its row stands in the source.
    pub line: u64,
    /// What was done instead.
    pub instead: Fallback,
    /// What the source says.
    pub found: String,
}

/// The notes of an import.
#[derive(Debug, Default)]
pub struct Notes {
    /// In the order of the rows.
    pub kept: Vec<Note>,
    /// How many more there were.
    pub left_out: u64,
}

impl Notes {
    /// How many there were.
    pub fn count(&self) -> u64 {
        let kept = u64::try_from(self.kept.len()).unwrap_or(u64::MAX);
        kept.saturating_add(self.left_out)
    }

    /// Adds a note.
    pub fn add(&mut self, line: u64, instead: Fallback, found: &str) {
        if self.kept.len() < NOTES_MAX {
            let found = crate::render::cut(found, CELL_CHARS_MAX);
            self.kept.push(Note { line, instead, found });
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
    }
}
