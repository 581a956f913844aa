//! Submitting transactions and asking what became of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use mulu_chain::digest::Digest;
use mulu_chain::log::{InclusionProof, LogEntry};
use mulu_chain::transaction::Envelope;
use mulu_chain::types::Height;
use mulu_node::api::WAITERS_MAX;
use serde_json::json;

use crate::fixture::{CHAIN, Mode, World, envelope, officer_key, payload, request};
use crate::verify;

const WAIT: &str = "?wait=committed&timeout_ms=10000";

#[tokio::test]
async fn a_waiting_client_gets_the_outcome_and_repeats_get_the_first_result() {
    let world = World::new();
    let envelope = envelope("1");
    let id = envelope.id().to_string();

    let first = world.submit(WAIT, &envelope).await;
    let json = first.ok();
    assert_eq!(first.headers["location"], format!("/v1/transactions/{id}").as_str());
    assert_eq!(json["id"], id.as_str());
    assert_eq!(json["status"], "committed");
    assert_eq!(json["height"], 1);
    assert_eq!((&json["index"], &json["log_index"]), (&json!(0), &json!(0)));
    assert_eq!(json["outcome"], json!({ "result": "accepted" }));

    assert_eq!(world.submit("", &envelope).await.ok(), json);

    let read = world.get(&format!("/v1/transactions/{id}")).await.ok();
    assert_eq!(read["envelope"], envelope.to_json());
    assert_eq!(read["outcome"], json["outcome"]);
}

#[tokio::test]
async fn a_rejected_outcome_carries_the_rules_words_in_the_readers_language() {
    let world = World::new();
    world.set(Mode::CommitRejected);
    let envelope = envelope("1");
    let english = world.submit(WAIT, &envelope).await.ok();
    assert_eq!(english["outcome"]["result"], "rejected");
    assert_eq!(english["outcome"]["rule"], "KEY-01");
    assert_eq!(english["outcome"]["action"], 0);

    let path = format!("/v1/transactions/{}", envelope.id());
    let request = request("GET", &path).header("accept-language", "zh-CN,zh;q=0.9,en;q=0.8");
    let chinese = world.send(request.body(Body::empty()).expect("a request")).await.ok();
    let word = mulu_contracts::rule::Rule::KeyUnknown.title_zh();
    assert_eq!(chinese["outcome"]["title"], word);
}

#[tokio::test]
async fn the_inclusion_proof_verifies_under_the_certified_tip() {
    let world = World::new();
    let envelopes: Vec<_> = (0..5).map(|n| envelope(&n.to_string())).collect();
    for envelope in &envelopes {
        world.submit(WAIT, envelope).await.ok();
    }
    let proof = world.get(&format!("/v1/transactions/{}/proof", envelopes[2].id())).await.ok();
    let header = verify::certified(&world, &proof);
    assert_eq!(header.log_size, 5);
    let entry: LogEntry = serde_json::from_value(proof["entry"].clone()).expect("an entry");
    assert_eq!((entry.transaction, entry.envelope), (envelopes[2].id(), envelopes[2].digest()));
    let inclusion: InclusionProof =
        serde_json::from_value(proof["inclusion"].clone()).expect("a proof");
    assert_eq!(inclusion.index, 2);
    inclusion.verify(&entry.leaf_bytes(), header.log_size, &header.log_root).expect("it holds");
}

#[tokio::test]
async fn a_queued_transaction_is_queued_then_expired() {
    let world = World::new();
    world.set(Mode::Queue);
    let envelope = envelope("1");
    let path = format!("/v1/transactions/{}", envelope.id());
    let queued = world.submit("", &envelope).await;
    assert_eq!(queued.status.as_u16(), 202);
    assert_eq!(queued.json()["status"], "queued");
    assert_eq!(queued.json()["valid_until"], 100);
    assert_eq!(queued.json()["received_height"], 0);
    assert_eq!(world.get(&path).await.ok(), queued.json());
    world.get(&format!("{path}/proof")).await.problem(404, "not_found");

    world.status.send_modify(|status| status.height = Height(101));
    assert_eq!(world.get(&path).await.ok()["status"], "expired");
    // Nobody waits for what can no longer come.
    let started = Instant::now();
    assert_eq!(world.get(&format!("{path}{WAIT}")).await.ok()["status"], "expired");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn waiting_ends_with_202_when_the_time_is_up() {
    let world = World::new();
    world.set(Mode::Queue);
    let started = Instant::now();
    let answer = world.submit("?wait=committed&timeout_ms=300", &envelope("1")).await;
    let elapsed = started.elapsed();
    assert_eq!(answer.status.as_u16(), 202);
    assert_eq!(answer.json()["status"], "queued");
    assert!((Duration::from_millis(300)..Duration::from_secs(5)).contains(&elapsed), "{elapsed:?}");
}

#[tokio::test]
async fn when_too_many_wait_the_next_one_is_answered_at_once() {
    let world = Arc::new(World::new());
    world.set(Mode::Queue);
    let (path, wait) = ("/v1/transactions", "wait=committed&timeout_ms=20000");
    let crowd: Vec<_> = (0..WAITERS_MAX)
        .map(|n| {
            let (world, id) = (world.clone(), envelope(&n.to_string()).id());
            tokio::spawn(async move { world.get(&format!("{path}/{id}?{wait}")).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let started = Instant::now();
    let answer = world.submit(&format!("?{wait}"), &envelope("one more")).await;
    assert_eq!(answer.status.as_u16(), 202);
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(world.get("/v1/status").await.status.as_u16(), 200);
    crowd.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn an_unknown_transaction_is_404_and_says_where_else_it_may_be() {
    let world = World::new();
    let id = Digest::sha256(b"nothing");
    let problem = world.get(&format!("/v1/transactions/{id}")).await.problem(404, "not_found");
    assert!(problem["help"].as_str().expect("text").contains("another node"));
    world.get("/v1/transactions/42").await.problem(400, "invalid_parameter");
}

#[tokio::test]
async fn envelopes_that_are_not_are_refused_with_their_rule() {
    let world = World::new();
    let good = envelope("1");
    let with = |member: &str, value: serde_json::Value| {
        let mut json = good.to_json();
        json[member] = value;
        json.to_string()
    };
    let other_chain = Envelope::sign(payload("another-chain", "1", 100), &[&officer_key()]);
    let other_chain = other_chain.expect("a small envelope").to_json().to_string();
    let tampered = Envelope::sign(payload(CHAIN, "2", 100), &[&officer_key()]);
    let tampered = tampered.expect("a small envelope").to_json()["payload"].clone();
    let unsigned = with("signatures", json!([]));
    let rows = [
        ("{".to_owned(), 400, "TX-01"),
        ("[[[[".repeat(10_000), 400, "TX-01"),
        (with("extra", json!(1)), 400, "TX-01"),
        (with("payload", json!("***")), 400, "TX-01"),
        (with("payloadType", json!("text/plain")), 400, "TX-03"),
        (unsigned, 400, "TX-04"),
        (with("payload", tampered), 400, "TX-05"),
        (other_chain, 400, "TX-07"),
    ];
    for (body, status, code) in rows {
        let problem = world.post("", body).await.problem(status, code);
        assert_eq!(problem["type"], format!("urn:mulu:problem:{code}"));
        assert_eq!(problem["instance"], "/v1/transactions");
    }
}

#[tokio::test]
async fn the_replicas_refusals_become_problems() {
    let world = World::new();
    world.set(Mode::Reject);
    let refused = world.submit("", &envelope("1")).await.problem(422, "KEY-01");
    assert_eq!(refused["action"], 0);
    assert_eq!(refused["detail"], "nobody registered it");

    world.set(Mode::Full);
    let full = world.submit("", &envelope("2")).await;
    full.problem(429, "mempool_full");
    assert_eq!(full.headers["retry-after"], "1");

    world.set(Mode::NotReady);
    let not_ready = world.submit("", &envelope("3")).await;
    let problem = not_ready.problem(503, "not_ready");
    assert_eq!(problem["reasons"], json!(["the disk is almost full"]));
    assert!(not_ready.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn wait_parameters_are_checked() {
    let world = World::new();
    for query in [
        "?wait=forever",
        "?timeout_ms=5",
        "?wait=committed&timeout_ms=30001",
        "?wait=committed&timeout_ms=-1",
        "?wait=committed&timeout=10",
    ] {
        world.submit(query, &envelope("1")).await.problem(400, "invalid_parameter");
    }
}
