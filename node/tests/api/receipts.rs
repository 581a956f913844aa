//! Receipts of submissions, one by one and of many at once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mulu_chain::acknowledgement::Acknowledgement;
use mulu_chain::signature::Signature;
use mulu_chain::types::Height;
use serde_json::Value;

use crate::fixture::{Mode, World, chain_id, envelope, node_key, request};

/// The receipt's signature is the node's over what its fields say.
fn verifies(receipt: &Value) -> Acknowledgement {
    let transactions = receipt["transactions"].as_array().expect("a list").iter();
    let named = transactions.map(|named| {
        let id = named["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        (id, Height(named["commit_by_height"].as_u64().expect("a height")))
    });
    let acknowledgement = Acknowledgement {
        chain_id: chain_id(),
        node: node_key().public_key(),
        received_height: Height(receipt["received_height"].as_u64().expect("a height")),
        transactions: named.collect(),
    };
    assert_eq!(receipt["node"], acknowledgement.node.to_string());
    let signature = STANDARD.decode(receipt["signature"].as_str().expect("text")).expect("base64");
    let signature = Signature::from_bytes(signature.try_into().expect("64 bytes"));
    assert_eq!(acknowledgement.verify(&signature), Ok(()));
    acknowledgement
}

#[tokio::test]
async fn what_is_queued_is_signed_for_and_so_is_its_status() {
    let world = World::new();
    world.set(Mode::Queue);
    let envelope = envelope("1");
    let answer = world.submit("", &envelope).await;
    assert_eq!(answer.status.as_u16(), 202);
    let receipt = answer.json()["receipt"].clone();
    let signed = verifies(&receipt);
    assert_eq!(signed.commit_by(&envelope.id()), Some(Height(100)));
    // Asked again in any way, the same receipt.
    assert_eq!(world.submit("", &envelope).await.json()["receipt"], receipt);
    let read = world.get(&format!("/v1/transactions/{}", envelope.id())).await.ok();
    assert_eq!(read["receipt"], receipt);
}

#[tokio::test]
async fn of_many_each_has_its_own_fate_and_one_receipt_names_the_queued() {
    let world = World::new();
    world.set(Mode::Queue);
    let (first, second) = (envelope("1"), envelope("2"));
    let body = format!("{}\n{{\n\n{}\n", first.to_json(), second.to_json());
    let post = |body: String| {
        request("POST", "/v1/transactions/batch")
            .header("content-type", "application/x-ndjson")
            .body(body.into())
            .expect("a request")
    };
    let view = world.send(post(body)).await.ok();
    let statuses: Vec<u64> = view["results"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["http_status"].as_u64().expect("a status"))
        .collect();
    assert_eq!(statuses, [202, 400, 202]);
    assert_eq!(view["results"][1]["code"], "TX-01");
    let named: Vec<_> = verifies(&view["receipt"]).transactions.iter().map(|t| t.0).collect();
    assert_eq!(named, [first.id(), second.id()]);

    world.set(Mode::Full);
    let full = world.send(post(envelope("3").to_json().to_string())).await.ok();
    assert_eq!(full["results"][0]["http_status"], 429);
    assert_eq!(full["receipt"], Value::Null);
    world.send(post(String::new())).await.problem(400, "invalid_parameter");
    let many = "{}\n".repeat(257);
    world.send(post(many)).await.problem(400, "invalid_parameter");
    let large = "x".repeat(1024 * 1024 + 1);
    world.send(post(large)).await.problem(413, "body_too_large");
    let request = request("POST", "/v1/transactions/batch")
        .header("content-type", "application/json")
        .body("{}".into())
        .expect("a request");
    world.send(request).await.problem(415, "unsupported_media_type");
}
