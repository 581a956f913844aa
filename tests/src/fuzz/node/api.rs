//! A request through the API's router, on a ledger in memory.
//!
//! Input: `METHOD path?query`, a line feed, the body. The replica refuses every submission, so no
//! request waits for a commit.

use std::sync::LazyLock;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Uri};
use tokio::runtime::Runtime;

use super::Outcome;
use crate::api_fixture::{ENTRIES, Mode, SUBJECT, World, entry_key, envelope, request};
use crate::fuzz::target::Seeds;

/// Largest answer other than a bundle, in bytes: a page of this small ledger, or the metrics.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// How long a request with a query may wait; it is abandoned then, as by a client that leaves.
const PATIENCE: Duration = Duration::from_millis(20);

static WORLD: LazyLock<(Runtime, World)> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let world = runtime.block_on(async {
        let world = World::new();
        for nonce in ["fuzz-1", "fuzz-2", "fuzz-3"] {
            world.submit("?wait=committed", &envelope(nonce)).await;
        }
        world.set(Mode::Reject);
        world
    });
    (runtime, world)
});

/// Every request is answered, none with a failure of the node's own; every refusal is a problem
/// with a stable code.
pub fn run(data: &[u8]) -> Outcome {
    let at = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (line, body) = data.split_at(at);
    let body = body.get(1..).unwrap_or_default();
    let parsed = std::str::from_utf8(line).ok().and_then(|line| line.split_once(' ')).and_then(
        |(method, target)| Some((method.parse::<Method>().ok()?, target.parse::<Uri>().ok()?)),
    );
    let Some((method, uri)) = parsed.filter(|(_, uri)| uri.path().starts_with('/')) else {
        return Outcome::refused(&"not a request");
    };
    let (runtime, world) = &*WORLD;
    let built = request(method.as_str(), &uri.to_string())
        .header("content-type", "application/json")
        .body(Body::from(body.to_vec()));
    let Ok(request) = built else { return Outcome::refused(&"not a request") };
    let answer = runtime.block_on(async {
        if uri.query().is_none() {
            return Some(world.send(request).await);
        }
        tokio::time::timeout(PATIENCE, world.send(request)).await.ok()
    });
    // A query may ask to wait for a commit.
    let Some(answer) = answer else { return Outcome::refused(&"waits") };
    let status = answer.status.as_u16();
    assert!(status < 500, "{status}: {}", String::from_utf8_lossy(&answer.body));
    assert!(answer.body.len() <= ANSWER_BYTES_MAX, "{} bytes", answer.body.len());
    if answer.status.is_success() {
        return Outcome::accepted(uri.path().split('/').nth(2).unwrap_or("root"));
    }
    if method == Method::HEAD {
        return Outcome::refused(&"head");
    }
    let problem = answer.json();
    assert!(problem["status"] == status, "{problem}");
    Outcome::refused(&problem["code"].as_str().expect("a problem has a code"))
}

/// A request for every route.
pub fn seeds() -> Seeds {
    let world = &WORLD.1;
    let id = envelope("fuzz-1").id().to_string();
    let subject: String =
        SUBJECT.chars().map(|c| if c.is_ascii() { c.to_string() } else { percent(c) }).collect();
    let page = WORLD.0.block_on(world.get("/v1/entries?limit=2")).ok();
    let cursor = page["next_cursor"].as_str().unwrap_or_default().to_owned();
    let entry = entry_key(ENTRIES - 1);
    let mut seeds: Seeds = [
        ("livez", "GET /livez".to_owned()),
        ("readyz", "GET /readyz".to_owned()),
        ("metrics", "GET /metrics".to_owned()),
        ("status", "GET /v1/status".to_owned()),
        ("genesis", "GET /v1/genesis".to_owned()),
        ("rules", "GET /v1/rules".to_owned()),
        ("params", "GET /v1/params".to_owned()),
        ("transaction", format!("GET /v1/transactions/{id}?wait=committed&timeout_ms=10")),
        ("transaction-proof", format!("GET /v1/transactions/{id}/proof")),
        ("record", format!("GET /v1/records/{entry}?proof=true&height=1")),
        ("history", format!("GET /v1/history/{subject}?limit=1")),
        ("block", "GET /v1/blocks/1".to_owned()),
        ("consistency", "GET /v1/consistency?from=1&to=2".to_owned()),
        ("bundle", format!("GET /v1/bundles/{subject}")),
        ("entries", "GET /v1/entries?limit=2&status=published".to_owned()),
        ("entries-next", format!("GET /v1/entries?limit=2&cursor={cursor}")),
    ]
    .map(|(name, text)| (name, text.into_bytes()))
    .to_vec();
    let body = envelope("fuzz-4").to_json();
    let post = format!("POST /v1/transactions?wait=committed&timeout_ms=10\n{body}");
    seeds.push(("submit", post.into_bytes()));
    seeds
}

fn percent(c: char) -> String {
    let mut buffer = [0u8; 4];
    c.encode_utf8(&mut buffer).bytes().map(|byte| format!("%{byte:02X}")).collect()
}
