//! Cleans imported text until the chain's text rules hold (JSN-06 to JSN-08, JSN-11, JSN-12), and
//! counts what it changed, so that a report can say so.

use mulu_chain::json;
use unicode_normalization::UnicodeNormalization as _;

/// What cleaning changed so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct CleanCounts {
    /// Control characters, invisible characters and noncharacters removed.
    pub characters_removed: u64,
    /// Line breaks and tabs that became one blank.
    pub breaks_replaced: u64,
    /// Texts brought into Unicode normalization form C.
    pub texts_normalized: u64,
    /// Texts with blanks at an end.
    pub texts_trimmed: u64,
}

/// Cleans texts and counts.
#[derive(Debug, Default)]
pub struct Cleaner {
    /// The counts.
    pub counts: CleanCounts,
}

impl Cleaner {
    /// The text as the chain takes it: no controls, nothing invisible, NFC, trimmed. A line break
    /// or tab is a blank; runs of such become one.
    pub fn clean(&mut self, text: &str) -> String {
        if json::text_rule(text).is_none() {
            return text.to_owned();
        }
        let mut kept = String::with_capacity(text.len());
        let mut after_break = false;
        for c in text.chars() {
            if matches!(c, '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}') {
                if !after_break {
                    kept.push(' ');
                    self.counts.breaks_replaced = self.counts.breaks_replaced.saturating_add(1);
                }
                after_break = true;
                continue;
            }
            after_break = false;
            // `text_rule` of one character is its own rule, except that a blank is an end here.
            let mut alone = [0u8; 4];
            let refused = !c.is_whitespace()
                && matches!(
                    json::text_rule(c.encode_utf8(&mut alone)),
                    Some(
                        json::JsonRule::ControlCharacter
                            | json::JsonRule::BidiCharacter
                            | json::JsonRule::Surrogate
                    )
                );
            if refused || c.is_control() {
                self.counts.characters_removed = self.counts.characters_removed.saturating_add(1);
            } else {
                kept.push(c);
            }
        }
        let normalized: String = kept.nfc().collect();
        if normalized != kept {
            self.counts.texts_normalized = self.counts.texts_normalized.saturating_add(1);
        }
        let trimmed = normalized.trim();
        if trimmed.len() != normalized.len() {
            self.counts.texts_trimmed = self.counts.texts_trimmed.saturating_add(1);
        }
        trimmed.to_owned()
    }
}

#[cfg(test)]
mod tests;
