//! Small texts that name things: the first byte says which.

use mulu_chain::digest::Digest;
use mulu_chain::signature::PublicKey;
use mulu_chain::types::{ChainId, TimeMs};
use mulu_contracts::{date, uscc};
use mulu_genesis::peer_id::{peer_id_key, peer_id_of};
use mulu_genesis::utc::parse_utc;

use super::Outcome;
use super::sample;
use crate::fuzz::target::Seeds;

const KINDS: u8 = 6;

/// One text per value: what parses prints as it was.
pub fn run(data: &[u8]) -> Outcome {
    let Some((kind, rest)) = data.split_first() else { return Outcome::refused(&"too short") };
    let Ok(text) = std::str::from_utf8(rest) else { return Outcome::refused(&"not text") };
    let (name, printed) = match kind.checked_rem(KINDS) {
        Some(0) => ("digest", text.parse::<Digest>().ok().map(|d| d.to_string())),
        Some(1) => ("public key", text.parse::<PublicKey>().ok().map(|k| k.to_string())),
        Some(2) => ("chain id", text.parse::<ChainId>().ok().map(|c| c.to_string())),
        Some(3) => ("peer id", peer_id_key(text).ok().map(|key| peer_id_of(&key))),
        Some(4) => ("time", parse_utc(text).map(|_: TimeMs| text.to_owned())),
        _ => {
            let code = uscc::has_form(text);
            assert!(code || !uscc::has_check_symbol(text), "a check symbol without a form");
            let date = date::is_date(text);
            ("code or date", (code || date).then(|| text.to_owned()))
        }
    };
    match printed {
        None => Outcome::refused(&name),
        Some(printed) => {
            assert!(printed == text, "{name}: {text:?} prints as {printed:?}");
            Outcome::accepted(name)
        }
    }
}

/// One of each.
pub fn seeds() -> Seeds {
    let seed = |kind: u8, text: &str| [&[b'0' + kind], text.as_bytes()].concat();
    let key = sample::key(1).public_key();
    vec![
        ("digest", seed(0, &sample::trusted_genesis().to_string())),
        ("public-key", seed(1, &key.to_string())),
        ("chain-id", seed(2, "mulu-vectors")),
        ("peer-id", seed(3, &peer_id_of(&key))),
        ("time", seed(4, "2026-02-28T23:59:59Z")),
        ("code", seed(5, "11110000MB0000010K")),
        ("date", seed(5, "2024-02-29")),
    ]
}
