//! The strict JSON reader: one meaning in every JSON library.

use mulu_chain::json;

use super::Outcome;
use super::sample;
use crate::fuzz::target::Seeds;

/// What strict JSON accepts, a JSON library accepts, and writes as strict JSON again.
pub fn run(data: &[u8]) -> Outcome {
    match json::check(data) {
        Err(invalid) => {
            assert!(invalid.offset <= data.len(), "the fault lies outside the text");
            Outcome::refused(&invalid.rule.id())
        }
        Ok(text) => {
            assert!(text.as_bytes() == data);
            let value: serde_json::Value = serde_json::from_str(text).expect("strict JSON is JSON");
            let written = serde_json::to_string(&value).expect("a value is written");
            assert!(json::check(written.as_bytes()).is_ok(), "written again it is not strict");
            let again: serde_json::Value = serde_json::from_str(&written).expect("JSON");
            assert!(again == value);
            Outcome::accepted(match value {
                serde_json::Value::Object(_) => "object",
                serde_json::Value::Array(_) => "array",
                serde_json::Value::String(_) => "string",
                serde_json::Value::Number(_) => "number",
                _ => "literal",
            })
        }
    }
}

/// Every row of the vectors that is short enough to keep twice, and a payload.
pub fn seeds() -> Seeds {
    let mut seeds: Seeds = vec![("payload", sample::payload())];
    seeds.extend(
        sample::strict_json().into_iter().filter(|t| t.len() < 1024).map(|text| ("vector", text)),
    );
    seeds
}
