//! Strict I-JSON (RFC 7493): the only JSON the chain reads from a signed payload.
//!
//! [`check`] walks the text once and names the first broken rule with its byte offset. It builds
//! nothing: the caller parses into typed records afterwards, from the same bytes. A text that
//! passes has one meaning in every JSON library: no duplicate keys, no floats, integers of at most
//! 2^53 - 1, normalized text (Unicode NFC), nothing invisible. Source: SPEC section 5.

use std::collections::BTreeSet;

use unicode_normalization::is_nfc;

use crate::limits::{JSON_DEPTH_MAX, JSON_INTEGER_MAX, JSON_STRING_BYTES_MAX};

/// Which strict-JSON rule is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum JsonRule {
    /// JSN-01
    #[error("JSN-01: the text is not UTF-8")]
    Utf8,
    /// JSN-02
    #[error("JSN-02: the text is not one JSON value (RFC 8259)")]
    Grammar,
    /// JSN-03
    #[error("JSN-03: an object has the same key twice")]
    DuplicateKey,
    /// JSN-04
    #[error("JSN-04: numbers must be integers, without fraction or exponent")]
    Float,
    /// JSN-05
    #[error("JSN-05: integers must lie within ±9007199254740991, and -0 is not written")]
    IntegerRange,
    /// JSN-06
    #[error("JSN-06: text must not contain control characters")]
    ControlCharacter,
    /// JSN-07
    #[error("JSN-07: text must not contain bidirectional or invisible formatting characters")]
    BidiCharacter,
    /// JSN-08
    #[error("JSN-08: text must be in Unicode normalization form C")]
    NotNormalized,
    /// JSN-09
    #[error("JSN-09: arrays and objects are nested too deeply (at most {JSON_DEPTH_MAX})")]
    Depth,
    /// JSN-10
    #[error("JSN-10: a string is too long (at most {JSON_STRING_BYTES_MAX} bytes)")]
    StringLength,
    /// JSN-11
    #[error("JSN-11: text must not contain lone surrogates or Unicode noncharacters")]
    Surrogate,
    /// JSN-12
    #[error("JSN-12: text must not begin or end with a blank")]
    Blank,
}

impl JsonRule {
    /// Every rule, in numeric order.
    pub const ALL: [JsonRule; 12] = [
        JsonRule::Utf8,
        JsonRule::Grammar,
        JsonRule::DuplicateKey,
        JsonRule::Float,
        JsonRule::IntegerRange,
        JsonRule::ControlCharacter,
        JsonRule::BidiCharacter,
        JsonRule::NotNormalized,
        JsonRule::Depth,
        JsonRule::StringLength,
        JsonRule::Surrogate,
        JsonRule::Blank,
    ];

    /// The stable rule id.
    pub const fn id(self) -> &'static str {
        match self {
            JsonRule::Utf8 => "JSN-01",
            JsonRule::Grammar => "JSN-02",
            JsonRule::DuplicateKey => "JSN-03",
            JsonRule::Float => "JSN-04",
            JsonRule::IntegerRange => "JSN-05",
            JsonRule::ControlCharacter => "JSN-06",
            JsonRule::BidiCharacter => "JSN-07",
            JsonRule::NotNormalized => "JSN-08",
            JsonRule::Depth => "JSN-09",
            JsonRule::StringLength => "JSN-10",
            JsonRule::Surrogate => "JSN-11",
            JsonRule::Blank => "JSN-12",
        }
    }
}

/// A broken rule and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{rule}, at byte {offset}")]
pub struct JsonInvalid {
    /// The rule.
    pub rule: JsonRule,
    /// Byte offset into the text.
    pub offset: usize,
}

/// Checks that `bytes` are one strict I-JSON value and returns them as text.
///
/// # Errors
/// The first broken rule and its offset.
pub fn check(bytes: &[u8]) -> Result<&str, JsonInvalid> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| JsonInvalid { rule: JsonRule::Utf8, offset: error.valid_up_to() })?;
    let mut scanner = Scanner { text, at: 0 };
    scanner.blanks();
    scanner.value(0)?;
    scanner.blanks();
    if scanner.at != text.len() {
        return Err(scanner.fault(JsonRule::Grammar));
    }
    Ok(text)
}

/// Whether a character is refused in any text of the chain: bidirectional controls and other
/// invisible formatting that makes a reader see another text than the one signed.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{061C}' | '\u{00AD}' | '\u{034F}' | '\u{180E}' | '\u{200B}'..='\u{200F}'
        | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{E0000}'..='\u{E007F}')
}

fn is_noncharacter(c: char) -> bool {
    let code = u32::from(c);
    (0xFDD0..=0xFDEF).contains(&code) || code & 0xFFFE == 0xFFFE
}

/// Which rule a single text breaks, if any; the same rules for JSON strings, names in a founding
/// document and imported fields.
pub fn text_rule(text: &str) -> Option<JsonRule> {
    if text.len() > JSON_STRING_BYTES_MAX {
        return Some(JsonRule::StringLength);
    }
    for c in text.chars() {
        if c.is_control() {
            return Some(JsonRule::ControlCharacter);
        }
        if is_invisible(c) {
            return Some(JsonRule::BidiCharacter);
        }
        if is_noncharacter(c) {
            return Some(JsonRule::Surrogate);
        }
    }
    if text.trim() != text {
        return Some(JsonRule::Blank);
    }
    if !is_nfc(text) {
        return Some(JsonRule::NotNormalized);
    }
    None
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn fault(&self, rule: JsonRule) -> JsonInvalid {
        JsonInvalid { rule, offset: self.at }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn advance(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.advance(1);
        }
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), JsonInvalid> {
        if self.take(byte) { Ok(()) } else { Err(self.fault(JsonRule::Grammar)) }
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.advance(1);
        }
    }

    fn value(&mut self, depth: usize) -> Result<(), JsonInvalid> {
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(|_| ()),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.literal(),
        }
    }

    fn literal(&mut self) -> Result<(), JsonInvalid> {
        for word in ["true", "false", "null"] {
            if self.rest().starts_with(word) {
                self.advance(word.len());
                return Ok(());
            }
        }
        Err(self.fault(JsonRule::Grammar))
    }

    fn descend(&mut self, depth: usize) -> Result<usize, JsonInvalid> {
        let deeper = depth.saturating_add(1);
        if deeper > JSON_DEPTH_MAX {
            return Err(self.fault(JsonRule::Depth));
        }
        self.advance(1);
        self.blanks();
        Ok(deeper)
    }

    fn object(&mut self, depth: usize) -> Result<(), JsonInvalid> {
        let deeper = self.descend(depth)?;
        let mut keys = BTreeSet::new();
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            let key_at = self.at;
            let key = self.string()?;
            if !keys.insert(key) {
                return Err(JsonInvalid { rule: JsonRule::DuplicateKey, offset: key_at });
            }
            self.blanks();
            self.expect(b':')?;
            self.blanks();
            self.value(deeper)?;
            self.blanks();
            if self.take(b'}') {
                return Ok(());
            }
            self.expect(b',')?;
            self.blanks();
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), JsonInvalid> {
        let deeper = self.descend(depth)?;
        if self.take(b']') {
            return Ok(());
        }
        loop {
            self.value(deeper)?;
            self.blanks();
            if self.take(b']') {
                return Ok(());
            }
            self.expect(b',')?;
            self.blanks();
        }
    }

    fn digits(&mut self) -> &'a str {
        let rest = self.rest();
        let count = rest.bytes().take_while(u8::is_ascii_digit).count();
        self.advance(count);
        rest.get(..count).unwrap_or("")
    }

    fn number(&mut self) -> Result<(), JsonInvalid> {
        let start = self.at;
        let fault = |rule| JsonInvalid { rule, offset: start };
        let negative = self.take(b'-');
        let digits = self.digits();
        if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) {
            return Err(fault(JsonRule::Grammar));
        }
        if matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            return Err(fault(JsonRule::Float));
        }
        match digits.parse::<u64>() {
            Ok(0) if negative => Err(fault(JsonRule::IntegerRange)),
            Ok(magnitude) if magnitude <= JSON_INTEGER_MAX => Ok(()),
            _ => Err(fault(JsonRule::IntegerRange)),
        }
    }

    /// Reads a string and returns it unescaped, judged by [`text_rule`].
    fn string(&mut self) -> Result<String, JsonInvalid> {
        let start = self.at;
        self.expect(b'"')?;
        let mut unescaped = String::new();
        loop {
            let Some(c) = self.rest().chars().next() else {
                return Err(self.fault(JsonRule::Grammar));
            };
            match c {
                '"' => {
                    self.advance(1);
                    break;
                }
                '\\' => unescaped.push(self.escape()?),
                c if u32::from(c) < 0x20 => return Err(self.fault(JsonRule::ControlCharacter)),
                c => {
                    unescaped.push(c);
                    self.advance(c.len_utf8());
                }
            }
            if unescaped.len() > JSON_STRING_BYTES_MAX {
                return Err(JsonInvalid { rule: JsonRule::StringLength, offset: start });
            }
        }
        match text_rule(&unescaped) {
            Some(rule) => Err(JsonInvalid { rule, offset: start }),
            None => Ok(unescaped),
        }
    }

    fn escape(&mut self) -> Result<char, JsonInvalid> {
        self.advance(1);
        let fault = self.fault(JsonRule::Grammar);
        let c = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.advance(1);
                return self.unicode_escape();
            }
            _ => return Err(fault),
        };
        self.advance(1);
        Ok(c)
    }

    fn unicode_escape(&mut self) -> Result<char, JsonInvalid> {
        let offset = self.at;
        let lone = JsonInvalid { rule: JsonRule::Surrogate, offset };
        let first = self.hex4()?;
        if !(0xD800..=0xDFFF).contains(&first) {
            return char::from_u32(first).ok_or(lone);
        }
        if first >= 0xDC00 || !self.rest().starts_with("\\u") {
            return Err(lone);
        }
        self.advance(2);
        let second = self.hex4()?;
        char::decode_utf16([first, second].map(|unit| u16::try_from(unit).unwrap_or(0)))
            .next()
            .and_then(Result::ok)
            .filter(|c| u32::from(*c) > 0xFFFF)
            .ok_or(lone)
    }

    fn hex4(&mut self) -> Result<u32, JsonInvalid> {
        let fault = self.fault(JsonRule::Grammar);
        let digits = self.rest().get(..4).ok_or(fault)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(fault);
        }
        self.advance(4);
        u32::from_str_radix(digits, 16).map_err(|_| fault)
    }
}
