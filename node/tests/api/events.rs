//! Events as pages, as streams and by webhook.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt as _;
use libp2p::identity::Keypair;
use mulu_chain::types::Height;
use mulu_node::events::Filter;
use mulu_node::metrics::Metrics;
use mulu_node::webhooks::{self, Webhook, signed_bytes};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::fixture::{MEMBER, Mode, World, chain_id, envelope, request};

async fn commit(world: &World, from: usize, count: usize) {
    for number in from..from + count {
        world.submit("?wait=committed", &envelope(&number.to_string())).await.ok();
    }
}

#[tokio::test]
async fn pages_bring_every_transaction_once_and_in_order() {
    let world = World::new();
    commit(&world, 0, 4).await;
    world.set(Mode::CommitRejected);
    commit(&world, 4, 1).await;
    let page = world.get("/v1/events?format=json&limit=3").await.ok();
    let ids = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().expect("a list");
        items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
    };
    assert_eq!(ids(&page), ["1/0", "2/0", "3/0"]);
    assert_eq!((&page["after"], &page["more"]), (&json!("3/0"), &json!(true)));
    let rest = world.get("/v1/events?format=json&after=3/0").await.ok();
    assert_eq!(ids(&rest), ["4/0", "5/0"]);
    assert_eq!(rest["more"], json!(false));
    let first = &page["items"][0];
    assert_eq!(first["outcome"], json!({ "result": "accepted" }));
    assert_eq!(first["members"], json!([MEMBER]));
    assert_eq!(first["actions"][0]["type"], "key.revoke");
    let id = first["transaction"].as_str().expect("an id");
    let status = world.get(&format!("/v1/transactions/{id}")).await.ok();
    assert_eq!(status["log_index"], first["log_index"]);
    assert_eq!(rest["items"][1]["outcome"]["result"], "rejected");

    for (filter, count) in [
        ("kind=key", 5),
        ("kind=key.revoke,entry", 5),
        ("kind=receipt", 0),
        (&format!("member={MEMBER}"), 5),
        ("member=X", 0),
        ("entry=x", 0),
        ("from_height=4", 2),
        ("from_height=99", 0),
    ] {
        let page = world.get(&format!("/v1/events?format=json&{filter}")).await.ok();
        assert_eq!(ids(&page).len(), count, "{filter}");
        let again = world
            .get(&format!(
                "/v1/events?format=json&{filter}&after={}",
                page["after"].as_str().expect("a place")
            ))
            .await
            .ok();
        assert_eq!(ids(&again).len(), 0, "{filter}: nothing twice");
    }
    for wrong in ["format=xml", "after=7", "kind=A", "entry=", "prove=1", "limit=0"] {
        world.get(&format!("/v1/events?{wrong}")).await.problem(400, "invalid_parameter");
    }
}

async fn open(world: &World, query: &str, last_seen: Option<&str>) -> BodyDataStream {
    let mut request = request("GET", &format!("/v1/events{query}"));
    if let Some(last_seen) = last_seen {
        request = request.header("last-event-id", last_seen);
    }
    let request = request.body(Body::empty()).expect("a request");
    let answer = world.router.clone().oneshot(request).await.expect("infallible");
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    answer.into_body().into_data_stream()
}

/// The ids of the next `count` events of a stream.
async fn next_ids(stream: &mut BodyDataStream, count: usize) -> Vec<String> {
    let mut text = String::new();
    let complete = |text: &str| text.matches("data: ").count() >= count;
    while !complete(&text) {
        let chunk = tokio::time::timeout(Duration::from_secs(10), stream.next()).await;
        let chunk = chunk.expect("in time").expect("not ended").expect("infallible");
        text.push_str(std::str::from_utf8(&chunk).expect("text"));
    }
    let frames = text.split("\n\n").filter(|frame| frame.contains("data: "));
    frames
        .map(|frame| frame.lines().find_map(|l| l.strip_prefix("id: ")).expect("an id").to_owned())
        .collect()
}

#[tokio::test]
async fn a_stream_goes_on_where_it_was_left() {
    let world = World::new();
    commit(&world, 0, 3).await;
    let mut stream = open(&world, "?from_height=0", None).await;
    assert_eq!(next_ids(&mut stream, 3).await, ["1/0", "2/0", "3/0"]);
    commit(&world, 3, 2).await;
    assert_eq!(next_ids(&mut stream, 2).await, ["4/0", "5/0"]);
    drop(stream);
    commit(&world, 5, 1).await;
    let mut resumed = open(&world, "?from_height=0", Some("4/0")).await;
    assert_eq!(next_ids(&mut resumed, 2).await, ["5/0", "6/0"]);
    // Without a place: what happens from now on.
    let mut fresh = open(&world, "?kind=key", None).await;
    commit(&world, 6, 1).await;
    assert_eq!(next_ids(&mut fresh, 1).await, ["7/0"]);
    world.stopping.send_replace(true);
    while let Some(chunk) = fresh.next().await {
        drop(chunk);
    }
}

#[tokio::test]
async fn streams_are_bounded() {
    let world = World::new();
    let mut streams = Vec::new();
    for _ in 0..mulu_node::api::SUBSCRIBERS_MAX {
        streams.push(open(&world, "", None).await);
    }
    let refused = world.get("/v1/events").await;
    refused.problem(503, "too_many_subscribers");
    assert!(refused.headers.contains_key("retry-after"));
    world.get("/v1/events?format=json").await.ok();
    streams.pop();
    drop(open(&world, "", None).await);
}

/// A receiver that answers one request with a status, and returns what it got.
fn receive(listener: &TcpListener, status: &str) -> (String, Vec<u8>) {
    let (mut stream, _) = listener.accept().expect("a connection");
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).expect("readable");
        bytes.extend_from_slice(&buffer[..read]);
        let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).expect("text");
        let length = head
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()
            })
            .unwrap_or(0usize);
        if bytes.len() >= end + 4 + length {
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).expect("writable");
            // The node may have closed already.
            drop(stream.shutdown(Shutdown::Write));
            return (head, bytes[end + 4..].to_vec());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_gets_everything_signed_in_order_over_refusals_and_restarts() {
    let world = World::new();
    commit(&world, 0, 3).await;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/hook?x=1", listener.local_addr().expect("an address"));
    let folder = tempfile::tempdir().expect("a folder");
    let identity = Keypair::generate_ed25519();
    let webhook = Webhook {
        name: "city".to_owned(),
        url: url.parse().expect("a URL"),
        from_height: Some(Height(2)),
        filter: Filter::default(),
    };
    let status = mulu_node::replica::handle::Status { height: Height(3), ..Default::default() };
    let status = Arc::new(tokio::sync::watch::Sender::new(status));
    let start = || {
        let stopping = tokio::sync::watch::Sender::new(false);
        let sender = webhooks::Sender {
            ledger: world.ledger.clone(),
            status: status.subscribe(),
            stopping: stopping.subscribe(),
            identity: identity.clone(),
            chain_id: chain_id(),
            folder: folder.path().to_owned(),
            metrics: Arc::new(Metrics::new("0")),
        };
        (webhooks::spawn(vec![webhook.clone()], &sender), stopping)
    };
    let wait = |listener: TcpListener, status: &'static str| {
        tokio::task::spawn_blocking(move || {
            let got = receive(&listener, status);
            (listener, got)
        })
    };

    let (tasks, stopping) = start();
    let (listener, refused) = wait(listener, "503 no").await.expect("one request");
    let (listener, (head, body)) = wait(listener, "204 ok").await.expect("one request");
    assert_eq!(refused.1, body, "the same delivery comes again");
    let delivery: Value = serde_json::from_slice(&body).expect("JSON");
    let ids: Vec<_> =
        delivery["events"].as_array().expect("a list").iter().map(|e| &e["id"]).collect();
    assert_eq!(ids, ["2/0", "3/0"]);
    assert!(head.starts_with("POST /hook?x=1 HTTP/1.1"), "{head}");
    let header = |name: &str| {
        let prefix = format!("{name}: ");
        head.lines().find_map(|line| line.strip_prefix(&prefix)).expect("a header").to_owned()
    };
    assert_eq!(header("mulu-delivery"), "3/0");
    let signature = STANDARD.decode(header("mulu-signature")).expect("base64");
    let message = signed_bytes("city", "3/0", &body);
    assert!(identity.public().verify(&message, &signature), "the node's key signed it");
    // The place is noted after the answer.
    for _ in 0..100 {
        if std::fs::read_to_string(folder.path().join("city.place"))
            .is_ok_and(|t| t.contains("4/0"))
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stopping.send_replace(true);
    for task in tasks {
        task.await.expect("it ended");
    }

    commit(&world, 3, 1).await;
    status.send_modify(|status| status.height = Height(4));
    let (_tasks, _stopping) = start();
    let (_, (_, body)) = wait(listener, "200 ok").await.expect("one request");
    let delivery: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(delivery["events"].as_array().map(Vec::len), Some(1));
    assert_eq!(delivery["after"], "4/0");
}
