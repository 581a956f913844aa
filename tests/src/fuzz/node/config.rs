//! `config.toml`.

use mulu_node::config::{Config, ConfigError};

use super::Outcome;
use crate::fuzz::target::Seeds;

/// A configuration that is read is written and read back the same.
pub fn run(data: &[u8]) -> Outcome {
    let Ok(text) = std::str::from_utf8(data) else { return Outcome::refused(&"not text") };
    match Config::parse(text, "config.toml", |_| None) {
        Ok(config) => {
            let written = config.to_toml();
            let again = Config::parse(&written, "config.toml", |_| None);
            let again = again.unwrap_or_else(|error| panic!("{error}\n{written}"));
            assert!(again.to_toml() == written, "written again it differs");
            Outcome::accepted("read")
        }
        Err(ConfigError::Invalid { faults }) => {
            let first = faults.first().expect("a refusal has a reason");
            Outcome::refused(&first.fault.message)
        }
        Err(error) => Outcome::refused(&error),
    }
}

/// The file that `mulud init` writes.
pub fn seeds() -> Seeds {
    let config = Config::new("market-regulation", "11110000MULU00013Q");
    vec![("written-by-init", config.to_toml().into_bytes()), ("empty", Vec::new())]
}
