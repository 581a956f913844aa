//! The payload's shape, without its signature: cheap, so it gets many executions.

use mulu_chain::json;
use mulu_contracts::payload::Payload;

use super::Outcome;
use super::sample;
use crate::fuzz::target::Seeds;

/// A payload that parses is written as strict JSON and reads back equal.
pub fn run(data: &[u8]) -> Outcome {
    let text = match json::check(data) {
        Ok(text) => text,
        Err(invalid) => return Outcome::refused(&invalid.rule.id()),
    };
    match serde_json::from_str::<Payload>(text) {
        Err(error) => Outcome::refused(&error),
        Ok(payload) => {
            let written = serde_json::to_vec(&payload).expect("a payload is written");
            assert!(json::check(&written).is_ok(), "written again it is not strict");
            let again: Payload = serde_json::from_slice(&written).expect("and reads back");
            assert!(again == payload);
            Outcome::accepted("payload")
        }
    }
}

/// Payloads with actions of several shapes.
pub fn seeds() -> Seeds {
    let digest = |c: char| format!("sha256:{}", String::from(c).repeat(64));
    let wrap = |actions: serde_json::Value| {
        serde_json::json!({
            "schema_version": 1,
            "chain_id": "mulu-vectors",
            "submitter": {"member": "11110000MB0000010K", "office": "catalog"},
            "created_at": "2026-01-01T00:00:00Z",
            "valid_until": 100,
            "nonce": "n-1",
            "actions": actions,
        })
        .to_string()
        .into_bytes()
    };
    let key = sample::key(1).public_key().to_string();
    vec![
        ("vector", sample::payload()),
        (
            "key-revoke",
            wrap(serde_json::json!([
                {"type": "key.revoke", "public_key": key, "reason": "岗位变动"},
            ])),
        ),
        (
            "two-actions",
            wrap(serde_json::json!([
                {"type": "entry.withdraw", "entry_id": digest('1'), "prev": digest('2'), "reason": "目录调整"},
                {"type": "key.revoke", "public_key": key, "reason": "岗位变动"},
            ])),
        ),
        ("no-actions", wrap(serde_json::json!([]))),
    ]
}
