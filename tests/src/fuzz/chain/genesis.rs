//! The founding document.

use mulu_genesis::devnet::{DepartmentKeys, DevnetKeys, founding_text};
use mulu_genesis::{DOCUMENT_BYTES_MAX, FAULTS_MAX, parse};

use super::Outcome;
use super::sample::key;
use crate::fuzz::target::Seeds;

/// A document is one block 0, whatever the file is called; faults are bounded in number.
pub fn run(data: &[u8]) -> Outcome {
    let Ok(text) = std::str::from_utf8(data) else { return Outcome::refused(&"not text") };
    match parse(text, "genesis.toml") {
        Err(invalid) => {
            let faults = &invalid.faults;
            assert!(!faults.is_empty() && faults.len() <= FAULTS_MAX + 1, "{}", faults.len());
            Outcome::refused(&faults.first().map(|fault| fault.message.clone()).unwrap_or_default())
        }
        Ok(founding) => {
            assert!(text.len() <= DOCUMENT_BYTES_MAX);
            let again =
                parse(&format!("{text}\n"), "another.toml").expect("a blank line is nothing");
            assert!(again.digest() == founding.digest(), "layout changed the chain");
            Outcome::accepted("founded")
        }
    }
}

/// The development consortium, and a document with nothing in it.
pub fn seeds() -> Seeds {
    let public = |n: u8| key(n).public_key();
    let department = |n: u8| DepartmentKeys {
        node: public(n),
        validator: public(n + 1),
        administrator: public(n + 2),
        officer: public(n + 3),
        application: public(n + 4),
    };
    let keys = DevnetKeys {
        departments: [10, 20, 30, 40].map(department),
        authority: public(50),
        auditor: public(51),
    };
    let text = founding_text("mulu-vectors", "2026-01-01T00:00:00Z", &keys);
    vec![("consortium", text.into_bytes()), ("empty", Vec::new())]
}
