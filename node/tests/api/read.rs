//! Records, lists, histories, blocks, and the proofs they come with.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mulu_chain::bundle::{Bundle, verify as verify_bundle};
use mulu_chain::digest::{Digest, Domain};
use mulu_chain::log::ConsistencyProof;
use mulu_chain::state::{HistoryEvent, HistoryLeaf, history_key};
use serde_json::{Value, json};

use crate::fixture::{ENTRIES, OTHER_RECORDS, SUBJECT, World, entry_key, envelope};
use crate::verify;

async fn with_blocks(count: usize) -> World {
    let world = World::new();
    commit(&world, 0, count).await;
    world
}

async fn commit(world: &World, from: usize, count: usize) {
    for number in from..from + count {
        world.submit("?wait=committed", &envelope(&number.to_string())).await.ok();
    }
}

/// The subject as a path: every byte that is not plain is escaped, also the slashes.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn records_come_verbatim_with_version_and_proof() {
    let world = with_blocks(3).await;
    let bytes = world.get("/v1/records/params").await.body;
    let text = String::from_utf8(bytes).expect("text");
    assert!(text.contains(r#""value":{"b":2,"a":1}"#), "the stored order of fields: {text}");

    for path in [SUBJECT.replace("企业登记", &escaped("企业登记")), escaped(SUBJECT)] {
        let record = world.get(&format!("/v1/records/{path}?proof=true")).await.ok();
        assert_eq!(record["key"], SUBJECT);
        assert_eq!(record["value"]["version"], 3);
        let bytes = verify::record(&world, SUBJECT, &record).expect("present");
        let version = Digest::of(Domain::RecordVersion, &bytes).to_string();
        assert_eq!(record["version"], version.as_str());
        assert_eq!(record["block"], record["proof"]["certificate"]["block"]);
    }
    let earlier = world.get(&format!("/v1/records/{}?proof=true&height=1", escaped(SUBJECT))).await;
    assert_eq!(earlier.ok()["value"]["version"], 1);
    verify::record(&world, SUBJECT, &earlier.ok()).expect("present");
    let path = format!("/v1/records/{}?height=4", escaped(SUBJECT));
    world.get(&path).await.problem(400, "invalid_parameter");
}

#[tokio::test]
async fn absence_is_404_or_a_proof() {
    let world = with_blocks(1).await;
    world.get("/v1/records/entry/none").await.problem(404, "not_found");
    let record = world.get("/v1/records/entry/none?proof=true").await.ok();
    assert_eq!((&record["value"], &record["version"]), (&Value::Null, &Value::Null));
    assert_eq!(verify::record(&world, "entry/none", &record), None);
    world.get("/v1/records/%FF").await.problem(400, "invalid_parameter");
    world.get(&format!("/v1/records/{}", "k".repeat(513))).await.problem(400, "invalid_parameter");
    world.get("/v1/records/params?prove=true").await.problem(400, "invalid_parameter");
}

#[tokio::test]
async fn a_history_is_complete_and_provably_so_while_blocks_go_on() {
    let world = with_blocks(5).await;
    let path = format!("/v1/history/{}", escaped(SUBJECT));
    let mut items = Vec::new();
    let mut page = world.get(&format!("{path}?limit=2")).await.ok();
    let (count, head) = (page["count"].clone(), page["head"].clone());
    loop {
        assert_eq!((&page["count"], &page["head"]), (&count, &head));
        assert_eq!((&page["height"], &page["subject"]), (&json!(5), &json!(SUBJECT)));
        items.extend(page["items"].as_array().expect("a list").clone());
        let Some(cursor) = page["next_cursor"].as_str().map(str::to_owned) else { break };
        commit(&world, 100 + items.len(), 1).await;
        page = world.get(&format!("{path}?limit=2&cursor={cursor}")).await.ok();
    }
    assert_eq!(items.len(), 5);
    for (number, item) in items.iter().enumerate() {
        assert_eq!(item["number"], number);
        assert_eq!(item["type"], "key.revoke");
        assert_eq!(item["submitter"]["member"], crate::fixture::MEMBER);
        assert!(item["time_ms"].as_u64().is_some_and(|t| t > 1_700_000_000_000));
    }
    let events: Vec<HistoryEvent> = items
        .iter()
        .map(|item| serde_json::from_value(item.clone()).expect("an event and more"))
        .collect();
    let leaf = HistoryLeaf::of(&events);
    assert_eq!(
        json!({ "count": leaf.count, "head": leaf.head }),
        json!({ "count": count, "head": head })
    );

    let key = history_key(SUBJECT);
    let proved = world.get(&format!("{path}?limit=1&proof=true")).await.ok();
    assert_eq!(verify::record(&world, &key, &proved).map(|leaf| leaf.len()), Some(41));
    let record =
        world.get(&format!("/v1/records/{}?proof=true&height=5", escaped(&key))).await.ok();
    assert_eq!(record["value"], json!({ "count": count, "head": head }));
    let proved = verify::record(&world, &key, &record).expect("present");
    assert_eq!(proved, mulu_chain::codec::encode(&leaf));

    world.get("/v1/history/entry/none").await.problem(404, "not_found");
}

#[tokio::test]
async fn an_audit_bundle_verifies_offline() {
    let world = with_blocks(3).await;
    let answer = world.get(&format!("/v1/bundles/{}", escaped(SUBJECT))).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(answer.headers["content-type"], "application/vnd.mulu.bundle");
    let bundle = Bundle::from_bytes(&answer.body).expect("a bundle");
    assert_eq!(bundle.head().expect("a head").question, SUBJECT);
    for check in verify_bundle(&bundle, &world.genesis.id()) {
        assert!(check.passed(), "{check:?}");
    }
}

#[tokio::test]
async fn lists_deliver_every_record_once() {
    let world = World::new();
    let mut keys = Vec::new();
    let mut path = "/v1/entries?limit=7".to_owned();
    loop {
        let page = world.get(&path).await.ok();
        let items = page["items"].as_array().expect("a list");
        assert!(items.len() <= 7);
        keys.extend(items.iter().map(|item| item["key"].as_str().expect("text").to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/entries?limit=7&cursor={cursor}");
    }
    let expected: BTreeSet<_> = (0..ENTRIES).map(entry_key).collect();
    assert!(keys.is_sorted());
    assert_eq!(keys.len(), ENTRIES);
    assert_eq!(BTreeSet::from_iter(keys), expected);
    let exact = world.get(&format!("/v1/entries?limit={ENTRIES}")).await.ok();
    assert_eq!(exact["next_cursor"], Value::Null);

    let withdrawn = world.get("/v1/entries?status=withdrawn").await.ok();
    assert_eq!(withdrawn["items"].as_array().map(Vec::len), Some(5));
    assert_eq!(withdrawn["items"][0]["value"]["status"], "withdrawn");
    assert_eq!(world.get("/v1/authorizations").await.ok()["items"], json!([]));
}

#[tokio::test]
async fn every_kind_is_listed_filtered_and_shown() {
    let world = World::new();
    // The path, filters that keep the one record, and filters that do not.
    let rows: [(&str, &[&str], &[&str]); 6] = [
        ("delegations", &["principal=A", "delegate=B", "status=active"], &["principal=B"]),
        (
            "corrections",
            &["entry_id=E", "opened_by=A", "provider=B", "status=open"],
            &["opened_by=B", "status=fixed"],
        ),
        ("objections", &["subject=entry/E", "opened_by=A", "status=upheld"], &["status=open"]),
        ("operations", &["implementer=A", "operator=B", "status=signed"], &["status=ended"]),
        ("evidence", &["member=A"], &["member=B"]),
        ("regions", &["key_prefix=region/11"], &["key_prefix=region/12"]),
    ];
    for ((key, value), (path, kept, left)) in OTHER_RECORDS.into_iter().zip(rows) {
        let value: Value = serde_json::from_str(value).expect("JSON");
        for query in kept.iter().chain(&[""]) {
            let page = world.get(&format!("/v1/{path}?{query}")).await.ok();
            assert_eq!(page["items"][0]["key"], key, "{path}?{query}");
            assert_eq!(page["items"][0]["value"], value, "{path}?{query}");
        }
        for query in left {
            let page = world.get(&format!("/v1/{path}?{query}")).await.ok();
            assert_eq!(page["items"], json!([]), "{path}?{query}");
        }
        let record = world.get(&format!("/v1/records/{}", escaped(key))).await.ok();
        assert_eq!(record["value"], value);
    }
}

#[tokio::test]
async fn the_beginning_of_a_key_narrows_a_list() {
    let world = World::new();
    let key = entry_key(3);
    let page = world.get(&format!("/v1/entries?key_prefix={}", &key[..20])).await.ok();
    assert_eq!((&page["items"][0]["key"], &page["items"][1]), (&json!(key), &Value::Null));
    let first = world.get("/v1/entries?limit=2&key_prefix=entry/sha256").await.ok();
    let cursor = first["next_cursor"].as_str().expect("more follow");
    let path = format!("/v1/entries?limit=2&key_prefix=entry/sha256&cursor={cursor}");
    assert_eq!(world.get(&path).await.ok()["items"].as_array().map(Vec::len), Some(2));
    // A cursor belongs to the list with its prefix.
    let path = format!("/v1/entries?cursor={cursor}");
    world.get(&path).await.problem(400, "invalid_cursor");
    for foreign in ["key/", "entr", "", &format!("entry/{}", "0".repeat(512))] {
        let path = format!("/v1/entries?key_prefix={foreign}");
        world.get(&path).await.problem(400, "invalid_parameter");
    }
}

#[tokio::test]
async fn later_pages_show_the_state_of_the_first() {
    let world = with_blocks(1).await;
    let page = world.get("/v1/systems?limit=1").await.ok();
    assert_eq!((&page["height"], &page["items"][0]["value"]["version"]), (&json!(1), &json!(1)));
    let cursor = json!({ "prefix": "system/", "after": "system/", "height": 1 }).to_string();
    commit(&world, 1, 2).await;
    let path = format!("/v1/systems?cursor={}", URL_SAFE_NO_PAD.encode(cursor));
    let page = world.get(&path).await.ok();
    assert_eq!((&page["height"], &page["items"][0]["value"]["version"]), (&json!(1), &json!(1)));
    assert_eq!(world.get("/v1/systems").await.ok()["items"][0]["value"]["version"], 3);
}

#[tokio::test]
async fn list_parameters_and_cursors_are_checked() {
    let world = World::new();
    for query in ["limit=0", "limit=1001", "limit=x", "page=2", "entry_id=e", "limit=1&limit=2"] {
        world.get(&format!("/v1/entries?{query}")).await.problem(400, "invalid_parameter");
    }
    let cursor = world.get("/v1/entries?limit=2").await.ok()["next_cursor"].clone();
    let cursor = cursor.as_str().expect("more follow");
    let forged = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let rows = [
        "!".to_owned(),
        cursor[1..].to_owned(),
        "A".repeat(10_000),
        forged(json!({ "prefix": "key/", "after": "key/", "height": 0 })),
        forged(json!({ "prefix": "entry/", "after": "entry/", "height": 9 })),
        forged(json!({ "prefix": "entry/", "after": "entry/" })),
        forged(json!({ "prefix": "entry/", "after": "entry/", "height": 0, "x": 1 })),
    ];
    for text in rows {
        world.get(&format!("/v1/entries?cursor={text}")).await.problem(400, "invalid_cursor");
    }
    world.get(&format!("/v1/keys?cursor={cursor}")).await.problem(400, "invalid_cursor");
}

#[tokio::test]
async fn blocks_and_their_consistency() {
    let world = with_blocks(4).await;
    let latest = world.get("/v1/blocks/latest").await.ok();
    let header = verify::certified(&world, &latest);
    assert_eq!(header.height.0, 4);
    assert_eq!(latest["block"], header.id().to_string().as_str());
    assert_eq!(latest["transactions"][0]["id"], envelope("3").id().to_string().as_str());
    assert_eq!(latest["transactions"][0]["log_index"], 3);
    let first = world.get("/v1/blocks/0").await.ok();
    verify::certified(&world, &first);
    assert_eq!(first["transactions"], json!([]));
    world.get("/v1/blocks/5").await.problem(404, "not_found");
    world.get("/v1/blocks/-1").await.problem(400, "invalid_parameter");

    for (from, to) in [(0, 4), (1, 4), (3, 4), (2, 2)] {
        let answer = world.get(&format!("/v1/consistency?from={from}&to={to}")).await.ok();
        let older = verify::certified(&world, &answer["from"]);
        let newer = verify::certified(&world, &answer["to"]);
        let proof: ConsistencyProof =
            serde_json::from_value(json!({ "hashes": answer["hashes"] })).expect("a proof");
        let (old, new) = ((older.log_size, &older.log_root), (newer.log_size, &newer.log_root));
        proof.verify(old, new).expect("the log only grew");
    }
    for query in ["from=3&to=2", "from=0&to=5", "to=2", "from=a"] {
        world.get(&format!("/v1/consistency?{query}")).await.problem(400, "invalid_parameter");
    }
}

#[tokio::test]
async fn versions_and_differences_of_a_record_are_complete() {
    let world = with_blocks(3).await;
    let path = format!("/v1/versions/{}", escaped(SUBJECT));
    let first = world.get(&format!("{path}?limit=2")).await.ok();
    assert_eq!(first["items"].as_array().map(Vec::len), Some(2));
    commit(&world, 100, 1).await;
    let cursor = first["next_cursor"].as_str().expect("a second page");
    let second = world.get(&format!("{path}?limit=2&cursor={cursor}")).await.ok();
    assert_eq!(second["height"], json!(3), "pinned to the height of the first page");
    assert_eq!(second["next_cursor"], Value::Null);
    let third = &second["items"][0];
    assert_eq!((&third["height"], &third["changed"]), (&json!(3), &json!(["/version"])));
    let record = world.get(&format!("/v1/records/{}?height=3", escaped(SUBJECT))).await.ok();
    assert_eq!(third["version"], record["version"]);
    let block = world.get("/v1/blocks/3").await.ok();
    assert_eq!(third["transactions"], json!([block["transactions"][0]["id"]]));

    let path = format!("/v1/diff/{}", escaped(SUBJECT));
    let last = world.get(&path).await.ok();
    assert_eq!(last["changes"], json!([{ "path": "/version", "from": 3, "to": 4 }]));
    let from = first["items"][0]["version"].as_str().expect("a hash");
    let chosen = world.get(&format!("{path}?from={from}&to=3")).await.ok();
    assert_eq!(chosen["changes"], json!([{ "path": "/version", "from": 1, "to": 3 }]));
    assert_eq!((&chosen["from"]["height"], &chosen["to"]["height"]), (&json!(1), &json!(3)));
    world.get(&format!("{path}?from=0")).await.problem(400, "invalid_parameter");
    world.get("/v1/versions/entry/none").await.problem(404, "not_found");
    world.get("/v1/diff/entry/none").await.problem(404, "not_found");
    world.get("/v1/search?q=x").await.problem(503, "search_unavailable");
}

#[tokio::test]
async fn the_description_and_its_page_come_from_the_node() {
    let world = World::new();
    let document = world.get("/v1/openapi.json").await.ok();
    assert_eq!(document["openapi"], "3.1.0");
    let page = world.get("/docs").await;
    assert!(page.headers["content-security-policy"].to_str().is_ok_and(|p| p.contains("'none'")));
    assert!(String::from_utf8_lossy(&page.body).contains("/docs/app.js"));
    assert_eq!(
        world.get("/docs/app.js").await.headers["content-type"],
        "text/javascript; charset=utf-8"
    );
}
