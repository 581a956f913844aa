//! What the API refuses before any handler runs.

use axum::body::{Body, Bytes};
use mulu_chain::limits::ENVELOPE_JSON_BYTES_MAX;
use serde_json::json;

use crate::fixture::{World, envelope, request};

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_too() {
    let world = World::new();
    world.get("/v2/status").await.problem(404, "no_such_route");
    world.get("/").await.problem(404, "no_such_route");
    world.get("/v1/records/").await.problem(404, "no_such_route");
    let delete = request("DELETE", "/v1/status").body(Body::empty()).expect("a request");
    let answer = world.send(delete).await;
    answer.problem(405, "method_not_allowed");
    assert!(answer.headers["allow"].to_str().expect("text").contains("GET"));
}

#[tokio::test]
async fn bodies_are_bounded_announced_or_not() {
    let world = World::new();
    let fits = vec![b' '; ENVELOPE_JSON_BYTES_MAX];
    world.post("", fits).await.problem(400, "TX-01");
    let long = vec![b' '; ENVELOPE_JSON_BYTES_MAX + 1];
    world.post("", long.clone()).await.problem(413, "body_too_large");
    let chunks = long.chunks(4096).map(|c| Ok::<_, std::io::Error>(Bytes::copy_from_slice(c)));
    let stream = Body::from_stream(futures::stream::iter(chunks.collect::<Vec<_>>()));
    world.post("", stream).await.problem(413, "body_too_large");
}

#[tokio::test]
async fn only_json_is_posted() {
    let world = World::new();
    let body = envelope("1").to_json().to_string();
    let rows = [
        (None, 415),
        (Some("text/plain"), 415),
        (Some("application/x-www-form-urlencoded"), 415),
        (Some("application/json"), 202),
        (Some("Application/JSON; charset=utf-8"), 200),
        (Some("application/vnd.dsse+json"), 200),
    ];
    for (media_type, status) in rows {
        let mut post = request("POST", "/v1/transactions");
        if let Some(media_type) = media_type {
            post = post.header("content-type", media_type);
        }
        let answer = world.send(post.body(Body::from(body.clone())).expect("a request")).await;
        assert_eq!(answer.status.as_u16(), status, "{media_type:?}");
        if status == 415 {
            answer.problem(415, "unsupported_media_type");
        } else if status == 202 {
            // From now on it is committed.
            world.submit("?wait=committed", &envelope("1")).await.ok();
        }
    }
}

/// Headers, and the status and code they lead to.
type Row = (&'static [(&'static str, &'static str)], u16, &'static str);

#[tokio::test]
async fn foreign_hosts_and_origins_are_refused() {
    let world = World::new();
    let rows: [Row; 13] = [
        (&[("host", "127.0.0.1:26701")], 400, "TX-01"),
        (&[("host", "LocalHost")], 400, "TX-01"),
        (&[("host", "[::1]:26701")], 400, "TX-01"),
        (&[("host", "node.example")], 400, "TX-01"),
        (&[], 403, "host_refused"),
        (&[("host", "attacker.example:26701")], 403, "host_refused"),
        (&[("host", "localhost.attacker.example")], 403, "host_refused"),
        (&[("host", "localhost@attacker.example")], 403, "host_refused"),
        (&[("host", "localhost"), ("host", "attacker.example")], 403, "host_refused"),
        (&[("host", "localhost:1"), ("origin", "http://localhost:1")], 400, "TX-01"),
        (&[("host", "localhost:1"), ("origin", "http://localhost:2")], 403, "origin_refused"),
        (&[("host", "localhost:1"), ("origin", "null")], 403, "origin_refused"),
        (&[("host", "localhost:1"), ("origin", "https://node.example")], 400, "TX-01"),
    ];
    for (headers, status, code) in rows {
        let post = axum::http::Request::builder().method("POST").uri("/v1/transactions");
        let post = headers.iter().fold(post, |post, (name, value)| post.header(*name, *value));
        let post = post.header("content-type", "application/json");
        let answer = world.send(post.body(Body::from("{")).expect("a request")).await;
        assert_eq!(answer.status.as_u16(), status, "{headers:?}");
        answer.problem(status, code);
    }
    let get = axum::http::Request::builder().uri("/v1/status").header("host", "attacker.example");
    let answer = world.send(get.body(Body::empty()).expect("a request")).await;
    answer.problem(403, "host_refused");
}

#[tokio::test]
async fn problems_speak_the_readers_language() {
    let world = World::new();
    let rows = [
        ("zh-CN", "zh-CN"),
        ("zh", "zh-CN"),
        ("fr, zh;q=0.5, en;q=0.4", "zh-CN"),
        ("en, zh;q=0.9", "en"),
        ("zh;q=0, en;q=0.1", "en"),
        ("fr", "en"),
        ("zh;q=banana", "en"),
        ("", "en"),
    ];
    for (accepted, language) in rows {
        let get = request("GET", "/v1/entries?limit=0").header("accept-language", accepted);
        let answer = world.send(get.body(Body::empty()).expect("a request")).await;
        let problem = answer.problem(400, "invalid_parameter");
        assert_eq!(answer.headers["content-language"], language, "{accepted}");
        assert_eq!(answer.headers["vary"], "accept-language");
        let chinese = problem["title"] == "参数 `limit` 无法使用";
        assert_eq!(chinese, language == "zh-CN", "{problem}");
    }
}

#[tokio::test]
async fn health_and_metrics_tell_the_truth() {
    let world = World::new();
    assert_eq!(world.get("/livez").await.status.as_u16(), 200);
    assert_eq!(world.get("/readyz").await.status.as_u16(), 200);

    world.status.send_modify(|status| {
        status.syncing = true;
        status.abstaining = Some("the vote log is in doubt".to_owned());
        status.mempool_transactions = 3;
        status.round = Some(2);
    });
    let problem = world.get("/readyz").await.problem(503, "not_ready");
    assert_eq!(problem["reasons"].as_array().map(Vec::len), Some(2), "{problem}");
    assert_eq!(world.get("/livez").await.status.as_u16(), 200);

    world.post("", "{").await.problem(400, "TX-01");
    let page = world.get("/metrics").await;
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(page.headers["content-type"], media_type);
    let text = String::from_utf8(page.body).expect("text");
    for line in [
        "mulu_height 0",
        "mulu_round 2",
        "mulu_syncing 1",
        "mulu_abstaining 1",
        "mulu_mempool_transactions 3",
        "mulu_mempool_bytes 0",
        "mulu_peers_connected 0",
        "mulu_commits_total 0",
        "mulu_committed_transactions_total 0",
        "mulu_p2p_frames_dropped_total 0",
        "mulu_consensus_rounds_total 0",
        "mulu_transactions_submitted_total{verdict=\"malformed\"} 1",
        "mulu_http_requests_total{route=\"/v1/transactions\",status=\"400\"} 1",
        "mulu_http_request_duration_seconds_count{route=\"/readyz\"} 2",
        "mulu_build_info{version=\"0.1.0\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
    }
}

#[tokio::test]
async fn status_genesis_rules_and_params() {
    let world = World::new();
    world.submit("?wait=committed", &envelope("1")).await.ok();
    let status = world.get("/v1/status").await.ok();
    assert_eq!(status["height"], 1);
    assert_eq!(status["genesis"], world.genesis.id().to_string().as_str());
    assert_eq!(status["log_size"], 1);
    assert_eq!(status["node"]["moniker"], "market-regulation");
    assert_eq!(status["validators"][0]["power"], 1);
    let genesis = world.get("/v1/genesis").await;
    assert_eq!(genesis.body, "# 创始文件\n".as_bytes());
    assert_eq!(genesis.headers["content-type"], "text/plain; charset=utf-8");
    let rules = world.get("/v1/rules").await.ok();
    let rules = rules["rules"].as_array().expect("a list");
    assert!(rules.iter().any(|rule| rule["id"] == "KEY-01" && rule["title"]["zh"].is_string()));
    assert_eq!(world.get("/v1/params").await.ok()["value"], json!({ "a": 1, "b": 2 }));
}
