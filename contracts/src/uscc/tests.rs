//! Codes of GB 32100: a worked example here, all vectors where the reference data is present.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use super::{has_check_symbol, has_form};

#[test]
fn worked_example() {
    assert!(has_check_symbol("91350100M000100Y43"));
    assert!(has_form("91350211M0000XUF46") && !has_check_symbol("91350211M0000XUF46"));
    for text in [
        "",
        "91350100M000100Y4Z",
        "91350100m000100y43",
        "9135010AM000100Y43",
        "91350100M000100Y4目",
    ] {
        assert!(!has_form(text) && !has_check_symbol(text), "{text}");
    }
}

#[test]
fn vectors() {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data");
    let root = std::env::var("MULU_REFERENCE_DATA").unwrap_or(default.to_owned());
    let candidates = ["cn-ref/uscc_vectors.csv", "uscc_vectors.csv"];
    let path = candidates.iter().map(|name| PathBuf::from(&root).join(name)).find(|p| p.exists());
    let Some(path) = path else {
        println!("skipped: no uscc_vectors.csv under {root}");
        return;
    };
    let text = std::fs::read_to_string(path).unwrap();
    let mut count = 0;
    for line in text.lines().skip(1) {
        let mut fields = line.split(',');
        let (code, expected) = (fields.next().unwrap(), fields.next().unwrap());
        assert_eq!(has_check_symbol(code), expected == "true", "{code}");
        count += 1;
    }
    assert!(count >= 14);
}
