//! No text makes the reader panic, and no fault points outside the text.

mod common;

use proptest::prelude::*;

const MINIMAL: &str = include_str!("data/minimal.toml");

/// Reads a text that may be anything; what comes back must be consistent.
fn read(text: &str) {
    let Err(invalid) = mulu_genesis::parse(text, "garbled.toml") else { return };
    assert!(!invalid.faults.is_empty());
    let lines = text.split('\n').count();
    for fault in &invalid.faults {
        assert!((1..=lines).contains(&fault.line), "{fault}");
        assert!(fault.column >= 1 && fault.caret_width >= 1);
        assert!(fault.source_line.chars().count() <= 120);
    }
    assert!(!invalid.to_string().contains(['\u{1b}', '\u{202e}']));
}

#[test]
fn every_truncation() {
    for end in (0..MINIMAL.len()).filter(|end| MINIMAL.is_char_boundary(*end)) {
        read(&MINIMAL[..end]);
        read(&MINIMAL[end..]);
    }
}

#[test]
fn every_line_left_out_doubled_or_moved() {
    let lines: Vec<&str> = MINIMAL.lines().collect();
    for index in 0..lines.len() {
        let without: Vec<&str> = [&lines[..index], &lines[index + 1..]].concat();
        read(&without.join("\n"));
        let mut doubled = lines.clone();
        doubled.insert(index, lines[index]);
        read(&doubled.join("\n"));
        let mut first = without;
        first.insert(0, lines[index]);
        read(&first.join("\n"));
    }
}

#[test]
fn odd_texts() {
    let deep = |open: &str, close: &str| format!("a = {}{}", open.repeat(5000), close.repeat(5000));
    for text in [
        String::new(),
        "\n\n\n".to_owned(),
        "\u{FEFF}chain_id = \"a\"".to_owned(),
        "\0".to_owned(),
        "\r".to_owned(),
        deep("[", "]"),
        deep("{a=", "}"),
        format!("[{}]", "a.".repeat(5000) + "a"),
        format!("member = [{}]", "{},".repeat(20_001)),
        format!("{MINIMAL}{}", "[[member]]\n".repeat(300)),
        format!("\u{1b}[2J = \"{}\"", "长".repeat(10_000)),
    ] {
        read(&text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in ".{0,200}") {
        read(&text);
    }

    #[test]
    fn mutated_documents(edits in prop::collection::vec((0usize..4000, ".{0,3}", 0usize..40), 1..6)) {
        let mut text = MINIMAL.to_owned();
        for (at, put, cut) in edits {
            let boundary = |mut at: usize, text: &str| {
                while !text.is_char_boundary(at) {
                    at -= 1;
                }
                at
            };
            let start = boundary(at.min(text.len()), &text);
            let end = boundary((start + cut).min(text.len()), &text).max(start);
            text.replace_range(start..end, &put);
        }
        read(&text);
    }

    #[test]
    fn mutated_values(line in 0usize..80, value in "[ \"'\\[\\]{}=,0-9a-zA-Z:\\-数\\\\\u{202e}]{0,60}") {
        let edited: Vec<String> = MINIMAL
            .lines()
            .enumerate()
            .map(|(index, old)| match old.split_once(" = ") {
                Some((name, _)) if index == line => format!("{name} = {value}"),
                _ => old.to_owned(),
            })
            .collect();
        read(&edited.join("\n"));
    }
}
