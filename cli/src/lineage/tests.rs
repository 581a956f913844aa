use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use mulu_chain::digest::Digest;
use serde_json::{Value, json};

use super::event::{self, Event};
use super::mapping::Mapping;
use super::queue::{Line, Queue};
use super::server::{Service, bind, now_ms, serve};

fn grant() -> Digest {
    Digest::sha256(b"grant")
}

fn mapping() -> Mapping {
    let text = format!(
        "window_minutes = 1\n[[grant]]\nauthorization = \"{}\"\ninput_namespace = \"postgres://registry*\"\ninput_name = \"public.enterprises\"\njob = \"nightly-*\"\n",
        grant()
    );
    Mapping::parse(&text).expect("a mapping")
}

fn run(kind: &str, id: &str, job: &str, name: &str) -> Value {
    json!({
        "eventType": kind, "eventTime": "2026-11-27T08:00:00Z", "producer": "https://example.org/x",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": { "runId": id, "facets": { "unknown": { "a": [1, 2, 3] } } },
        "job": { "namespace": "airflow", "name": job },
        "inputs": [{
            "namespace": "postgres://registry:5432", "name": name,
            "inputFacets": { "inputStatistics": { "rowCount": 120, "size": 4096 } },
        }],
        "outputs": [],
    })
}

#[test]
fn only_completed_runs_of_mapped_inputs_are_uses() {
    let uses = |event: &Value| match event::read(event).expect("an event") {
        Event::Completed(run) => mapping().uses(&run),
        Event::Other => Vec::new(),
    };
    let used = uses(&run("COMPLETE", "r", "nightly-load", "public.enterprises"));
    assert_eq!(used.len(), 1);
    assert_eq!((used[0].authorization, used[0].records, used[0].bytes), (grant(), 120, 4096));
    for kind in ["START", "RUNNING", "ABORT", "FAIL", "OTHER"] {
        assert!(uses(&run(kind, "r", "nightly-load", "public.enterprises")).is_empty(), "{kind}");
    }
    assert!(uses(&run("COMPLETE", "r", "weekly", "public.enterprises")).is_empty());
    assert!(uses(&run("COMPLETE", "r", "nightly-load", "public.other")).is_empty());
    let base = json!({ "eventTime": "t", "producer": "p", "schemaURL": "s" });
    let with = |name: &str, value: Value| {
        let mut event = base.clone();
        event[name] = value;
        event
    };
    let named = json!({ "namespace": "n", "name": "x", "facets": {} });
    for other in [with("job", named.clone()), with("dataset", named)] {
        assert_eq!(event::read(&other), Ok(Event::Other));
    }
    for wrong in
        [json!([]), base.clone(), with("run", json!({})), with("job", json!({ "name": "x" }))]
    {
        assert!(event::read(&wrong).is_err(), "{wrong}");
    }
}

#[test]
fn mappings_that_tie_nothing_are_refused() {
    for wrong in ["", "window_minutes = 0", "[[grant]]\nauthorization = \"x\"", "[[grants]]"] {
        assert!(Mapping::parse(wrong).is_err(), "{wrong}");
    }
    let all = format!("[[grant]]\nauthorization = \"{}\"\n", grant());
    assert!(Mapping::parse(&all).expect_err("too wide").contains("input_name"));
}

#[test]
fn a_run_counts_once_and_a_torn_line_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let queue = Queue::open(folder.path(), 60_000).expect("a queue");
    let line = |run: &str, at_ms: u64| Line {
        authorization: grant(),
        run: run.to_owned(),
        at_ms,
        records: 10,
        bytes: 100,
    };
    queue.append(&[line("a", 60_001), line("b", 60_001)]).expect("kept");
    queue.append(&[line("a", 61_000)]).expect("kept");
    let path = folder.path().join("60000.jsonl");
    let mut torn = std::fs::read(&path).expect("lines");
    torn.extend_from_slice(b"{\"authorization\":\"sha2");
    std::fs::write(&path, torn).expect("torn");
    queue.append(&[line("c", 62_000)]).expect("kept");
    queue.append(&[line("d", 120_000)]).expect("another window");
    assert!(queue.closed(124_999).expect("readable").is_empty());
    assert_eq!(queue.closed(125_000).expect("readable"), [60_000]);
    let sums = queue.sums(60_000).expect("readable");
    let sum = sums[&grant()];
    assert_eq!((sum.calls, sum.records, sum.bytes), (3, 30, 300));
    assert_eq!((sum.from_ms, sum.to_ms), (60_001, 62_000));
    queue.keep_envelope(60_000, &grant(), b"{}").expect("kept");
    queue.settle(60_000, &grant(), Some("RCP-08")).expect("noted");
    assert!(queue.is_settled(60_000, &grant()) && queue.envelope(60_000, &grant()).is_none());
    queue.finish(60_000).expect("put away");
    assert_eq!(queue.closed(185_000).expect("readable"), [120_000]);
}

fn ask(port: u16, request: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let length = body.len();
    let text = format!("{request}content-length: {length}\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("read");
    let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status, serde_json::from_str(body).expect("JSON"))
}

#[test]
fn events_are_kept_before_they_are_answered() {
    let folder = tempfile::tempdir().expect("a folder");
    let queue = Arc::new(Queue::open(folder.path(), 60_000).expect("a queue"));
    let listener = bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let service = Arc::new(Service { mapping: mapping(), queue: queue.clone() });
    std::thread::spawn(move || serve(&listener, service));
    let post = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: localhost:{port}\r\ncontent-type: application/json; charset=utf-8\r\n"
        )
    };
    let before = now_ms();

    let mut large = run("COMPLETE", "1", "nightly-load", "public.enterprises");
    large["run"]["facets"]["plan"] = json!("x".repeat(140_000));
    let (status, body) = ask(port, &post("/api/v1/lineage"), &large.to_string());
    assert_eq!((status, &body["uses"]), (201, &json!(1)));
    let batch = json!([
        run("RUNNING", "2", "nightly-load", "public.enterprises"),
        run("COMPLETE", "2", "nightly-load", "public.enterprises"),
        json!({ "no": "event" }),
    ]);
    let (status, body) = ask(port, &post("/api/v1/lineage/batch"), &batch.to_string());
    assert_eq!((status, &body["status"]), (200, &json!("partial_success")), "{body}");
    assert_eq!(body["failed_events"][0]["index"], 2);

    for (request, sent, expected) in [
        (post("/api/v1/lineage"), "{", 400),
        (post("/api/v1/lineage"), "{}", 422),
        (post("/api/v2"), "{}", 404),
        ("GET /api/v1/lineage HTTP/1.1\r\nhost: localhost\r\n".to_owned(), "", 405),
        (post("/api/v1/lineage").replace("localhost", "evil.example"), "{}", 403),
        (post("/api/v1/lineage").replace("application/json", "text/plain"), "{}", 415),
        ("nonsense\r\n".to_owned(), "", 400),
    ] {
        assert_eq!(ask(port, &request, sent).0, expected, "{request}");
    }
    let windows = queue.closed(u64::MAX).expect("readable");
    let sums: Vec<_> =
        windows.iter().map(|w| queue.sums(*w).expect("readable")[&grant()]).collect();
    assert_eq!(sums.iter().map(|sum| sum.calls).sum::<u64>(), 2);
    assert!(sums.iter().all(|sum| sum.from_ms >= before && sum.to_ms <= now_ms()));
    assert!(bind("0.0.0.0:0".parse().expect("an address")).is_err(), "loopback only");
}
