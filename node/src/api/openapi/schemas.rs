//! What parameters and answers look like.

use serde_json::{Value, json};

/// Schema and description of a query parameter; the same name means the same everywhere.
pub fn parameter(name: &str) -> (Value, &'static str) {
    let text = json!({ "type": "string" });
    let number = |least: u64| json!({ "type": "integer", "minimum": least });
    match name {
        "limit" => (
            json!({ "type": "integer", "minimum": 1, "maximum": crate::api::LIMIT_MAX }),
            "most items of the page 每页条数",
        ),
        "offset" => (number(0), "results to pass over 跳过的结果数"),
        "cursor" => (text, "next_cursor of the page before, unchanged 上一页的 next_cursor"),
        "height" | "from_height" => (number(0), "a height of the chain 区块高度"),
        "proof" => {
            (json!({ "type": "boolean" }), "with the proof under a certified header 附带证明")
        }
        "wait" => (json!({ "const": "committed" }), "wait for the commit 等待上链"),
        "timeout_ms" => (
            json!({ "type": "integer", "maximum": crate::api::WAIT_MS_MAX }),
            "how long to wait 等待毫秒数",
        ),
        "after" => (text, "id of the last event seen (height/index) 已处理的最后一个事件"),
        "format" => (json!({ "enum": ["sse", "json"] }), "a stream or a page 流或分页"),
        "kind" => (text, "action types, separated by commas 操作类型，逗号分隔"),
        "from" | "to" => (text, "a height, or a version hash 高度或版本哈希"),
        "key_prefix" => (text, "beginning of the keys 键前缀"),
        "q" => (text, "words to search for 检索词"),
        _ => (text, "equals this text 等于此文本"),
    }
}

/// The named schemas.
pub fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let number = json!({ "type": "integer", "minimum": 0 });
    let digest = json!({ "type": "string", "pattern": "^sha256:[0-9a-f]{64}$" });
    let texts = json!({ "type": "array", "items": text });
    let any = json!({});
    let object = |required: &[&str], properties: Value| json!({ "type": "object", "required": required, "properties": properties });
    let optional = |schema: &Value| json!({ "anyOf": [schema, { "type": "null" }] });
    json!({
        "Problem": object(&["type", "title", "status", "detail", "code", "help", "instance"], json!({
            "type": text, "title": text, "status": number, "detail": text, "code": text,
            "help": text, "instance": text, "action": number, "reasons": texts,
        })),
        "Envelope": object(&["payloadType", "payload", "signatures"], json!({
            "payloadType": { "const": "application/vnd.mulu.tx.v1+json" },
            "payload": { "type": "string", "contentEncoding": "base64" },
            "signatures": { "type": "array", "minItems": 1, "items":
                object(&["keyid", "sig"], json!({
                    "keyid": { "type": "string", "pattern": "^ed25519:[0-9a-f]{64}$" },
                    "sig": { "type": "string", "contentEncoding": "base64" },
                })) },
        })),
        "Outcome": object(&["result"], json!({
            "result": { "enum": ["accepted", "rejected"] }, "rule": text, "action": number,
            "title": text, "help": text,
        })),
        "Transaction": object(&["id", "status"], json!({
            "id": digest, "status": { "enum": ["queued", "expired", "committed"] },
            "height": number, "index": number, "time_ms": number, "log_index": number,
            "outcome": { "$ref": "#/components/schemas/Outcome" },
            "valid_until": number, "received_height": number, "receipt": any, "envelope": any,
        })),
        "Record": object(&["key", "height", "block", "version", "value"], json!({
            "key": text, "height": number, "block": digest, "version": optional(&digest),
            "value": any, "proof": any,
        })),
        "List": object(&["height", "items", "next_cursor"], json!({
            "height": number, "next_cursor": optional(&text),
            "items": { "type": "array", "items": object(&["key", "version", "value"], json!({
                "key": text, "version": digest, "value": any })) },
        })),
        "Diff": object(&["key", "from", "to", "changes"], json!({
            "key": text, "from": any, "to": any,
            "changes": { "type": "array", "items": object(&["path"], json!({
                "path": text, "from": any, "to": any })) },
        })),
        "Event": object(&["id", "height", "index", "time_ms", "log_index", "transaction", "outcome",
            "submitter", "actions", "entries", "authorizations", "members", "offices"], json!({
            "id": { "type": "string", "pattern": "^[0-9]+/[0-9]+$" },
            "height": number, "index": number, "time_ms": number, "log_index": number,
            "transaction": digest, "outcome": { "$ref": "#/components/schemas/Outcome" },
            "submitter": optional(&object(&["member"], json!({
                "member": text, "office": text, "on_behalf_of": text }))),
            "actions": { "type": "array", "items": object(&["type"], json!({
                "type": text, "subject": text })) },
            "entries": texts, "authorizations": texts, "members": texts, "offices": texts,
        })),
        "EventPage": object(&["height", "items", "after", "more"], json!({
            "height": number, "after": optional(&text), "more": { "type": "boolean" },
            "items": { "type": "array", "items": { "$ref": "#/components/schemas/Event" } },
        })),
        "Status": object(&["chain_id", "genesis", "node", "height", "block", "time_ms",
            "state_root", "log_root", "log_size", "validators"], json!({
            "chain_id": text, "genesis": digest, "node": any, "height": number, "block": digest,
            "time_ms": number, "state_root": digest, "log_root": digest, "log_size": number,
            "validators": { "type": "array" },
        })),
    })
}
