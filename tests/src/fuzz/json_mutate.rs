//! Edits of text by tokens: JSON first of all, and whatever else has quotes, numbers and lines.

use std::ops::Range;

use super::mutate::Random;

/// Deepest nesting it writes.
const NESTING_MAX: usize = 200;

const NUMBERS: [&str; 12] = [
    "0",
    "-0",
    "1",
    "-1",
    "1.0",
    "1e3",
    "01",
    "9007199254740991",
    "9007199254740992",
    "-9007199254740992",
    "18446744073709551616",
    "99999999999999999999999999999999999999999999",
];

const TEXTS: [&str; 20] = [
    "",
    " ",
    "a ",
    "\u{0}",
    "\u{85}",
    "\u{200b}",
    "\u{202e}",
    "\u{feff}",
    "e\u{301}",
    "\u{1112}\u{1161}",
    "\u{fdd0}",
    "\u{10ffff}",
    "\\u0000",
    "\\ud800",
    "\\ud83d\\ude00",
    "\\u0061",
    "\\",
    "目录",
    "../../etc/passwd",
    "%00%ff%2f",
];

const WORDS: [&str; 12] =
    ["true", "false", "null", "{}", "[]", "{", "}", "[", "]", ",", ":", "\"\""];

/// Makes one edit.
pub fn edit(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let Some(token) = token_at(bytes, random.below(bytes.len())) else {
        return random.pick(&WORDS).as_bytes().to_vec();
    };
    let own = bytes.get(token.clone()).unwrap_or_default().to_vec();
    match random.below(10) {
        0 => replace(bytes, token, random.pick(&NUMBERS).as_bytes()),
        1 | 2 => {
            let text = *random.pick(&TEXTS);
            let inner = if own.len() >= 2 { token.start + 1..token.end - 1 } else { token };
            replace(bytes, inner, text.as_bytes())
        }
        3 => {
            let at = token.start;
            let text = *random.pick(&TEXTS);
            replace(bytes, at..at, text.as_bytes())
        }
        4 => replace(bytes, token, random.pick(&WORDS).as_bytes()),
        5 => replace(bytes, token, b""),
        6 => {
            // The member or line again: a duplicate key.
            let part = part_around(bytes, token.start);
            let mut twice = bytes.get(part.clone()).unwrap_or_default().to_vec();
            twice.push(if twice.contains(&b'=') { b'\n' } else { b',' });
            replace(bytes, part.start..part.start, &twice)
        }
        7 => {
            let part = part_around(bytes, token.start);
            replace(bytes, part, b"")
        }
        8 => {
            let depth = 1 + random.below(NESTING_MAX);
            let (open, close) = *random.pick(&[("[", "]"), ("{\"a\":", "}"), ("{a=", "}")]);
            let mut nested = open.repeat(depth).into_bytes();
            nested.extend_from_slice(&own);
            nested.extend_from_slice(close.repeat(depth).as_bytes());
            replace(bytes, token, &nested)
        }
        _ => {
            let other = token_at(bytes, random.below(bytes.len())).unwrap_or(0..0);
            let other = bytes.get(other).unwrap_or_default().to_vec();
            replace(bytes, token, &other)
        }
    }
}

fn replace(bytes: &[u8], range: Range<usize>, by: &[u8]) -> Vec<u8> {
    let head = bytes.get(..range.start).unwrap_or_default();
    let tail = bytes.get(range.end..).unwrap_or_default();
    [head, by, tail].concat()
}

/// The string, the word or number, or the single sign at a place.
fn token_at(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let is_word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'+');
    let here = bytes.get(at)?;
    let before = bytes.get(..at)?;
    let quotes = before.iter().rev().take_while(|b| **b != b'\n').filter(|b| **b == b'"').count();
    if *here == b'"' || quotes % 2 == 1 {
        let start = if *here == b'"' && quotes % 2 == 0 {
            at
        } else {
            before.iter().rposition(|b| *b == b'"')?
        };
        let rest = bytes.get(start + 1..)?;
        let end = rest.iter().position(|b| *b == b'"').map_or(bytes.len(), |n| start + n + 2);
        return Some(start..end);
    }
    if !is_word(here) {
        return Some(at..at + 1);
    }
    let start = before.iter().rposition(|b| !is_word(b)).map_or(0, |n| n + 1);
    let end = bytes.get(at..)?.iter().position(|b| !is_word(b)).map_or(bytes.len(), |n| at + n);
    Some(start..end)
}

/// The part between separators around a place: a member of an object, a parameter, a line.
fn part_around(bytes: &[u8], at: usize) -> Range<usize> {
    let ends = |b: &u8| matches!(b, b',' | b'{' | b'}' | b'[' | b']' | b'\n' | b'&' | b'/');
    let before = bytes.get(..at).unwrap_or_default();
    let after = bytes.get(at..).unwrap_or_default();
    let start = before.iter().rposition(ends).map_or(0, |n| n + 1);
    start..after.iter().position(ends).map_or(bytes.len(), |n| at + n)
}
