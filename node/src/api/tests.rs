//! What cannot be seen from outside the crate.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use mulu_chain::digest::Digest;
use mulu_chain::types::Height;
use tower::ServiceExt as _;
use tower_http::catch_panic::CatchPanicLayer;

use super::connections::{CONNECTIONS_MAX, Connections};
use super::cursor::Cursor;
use super::language::Language;
use super::layers;
use super::problem::Problem;
use super::recent::{Queued, RECENT_MAX, Recent};

#[test]
fn the_documentation_names_every_list_and_filter() {
    let page = include_str!("../../../docs/api.md");
    for kind in &super::lists::KINDS {
        let row = kind.documented();
        assert!(page.contains(&row), "docs/api.md lacks the row {row}");
    }
}

#[tokio::test]
async fn a_panic_becomes_a_problem_that_tells_nothing() {
    async fn write(request: Request<Body>, next: Next) -> Response {
        let mut response = next.run(request).await;
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            problem.write(Language::English, "/", &mut response);
        }
        response
    }
    async fn boom() -> &'static str {
        panic!("secret\u{1b}[31m")
    }
    let router = Router::new()
        .route("/", get(boom))
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(from_fn(write));
    let request = Request::builder().uri("/").body(Body::empty()).expect("a request");
    let response = router.oneshot(request).await.expect("the router is infallible");
    assert_eq!(response.status().as_u16(), 500);
    let body = to_bytes(response.into_body(), 4096).await.expect("a body");
    let text = String::from_utf8(body.to_vec()).expect("text");
    assert!(text.contains("internal_error") && !text.contains("secret"), "{text}");
}

#[test]
fn the_oldest_queued_transaction_is_forgotten_first() {
    let recent = Recent::default();
    let id = |n: usize| Digest::sha256(&n.to_be_bytes());
    let queued = |n: u64| Queued { valid_until: Height(n), received_height: Height(0) };
    for number in 0..=RECENT_MAX {
        recent.remember(id(number), queued(7));
    }
    assert_eq!(recent.get(&id(0)), None);
    assert_eq!(recent.get(&id(1)), Some(queued(7)));
    assert_eq!(recent.remember(id(1), queued(8)), queued(7), "the first arrival counts");
}

#[tokio::test]
async fn busy_connections_are_not_evicted() {
    let table = Connections::new();
    let mut slots = Vec::new();
    for number in 0..CONNECTIONS_MAX {
        slots.push(table.enter(u64::try_from(number).expect("few")).await);
    }
    let oldest = slots[0].activity.clone();
    let busy = oldest.busy();
    let second = slots[1].activity.clone();
    let newcomer = tokio::spawn({
        let table = table.clone();
        async move { table.enter(9_999).await }
    });
    second.evicted().await;
    slots.remove(1);
    drop(newcomer.await.expect("it got the slot"));
    drop(busy);
}

#[test]
fn cursors_come_back_as_they_went() {
    let cursor = Cursor {
        prefix: "system/".to_owned(),
        after: "system/企业登记\"\\".to_owned(),
        height: Height(3),
    };
    let text = cursor.encode();
    assert_eq!(Cursor::decode(&text, "system/", Height(3)), Ok(cursor));
    assert!(Cursor::decode(&text, "system/", Height(2)).is_err());
    assert!(Cursor::decode(&text, "entry/", Height(3)).is_err());
}

#[test]
fn languages_are_ranked_by_weight() {
    let rows = [
        ("zh-Hans-CN;q=0.001", Language::Chinese),
        ("en;q=0.1, ZH;q=0.2", Language::Chinese),
        ("zh;q=0.2, en;q=0.25", Language::English),
        ("zh ; q=1.000", Language::Chinese),
        ("zh;q=2", Language::English),
        ("zhx", Language::English),
        (",,;;q", Language::English),
    ];
    for (text, expected) in rows {
        let mut headers = HeaderMap::new();
        headers.insert("accept-language", HeaderValue::from_static(text));
        assert_eq!(Language::of(&headers), expected, "{text}");
    }
}

#[test]
fn differences_are_by_name_and_items_by_their_id() {
    use super::diff::changes;
    use serde_json::json;
    let from = json!({ "name": "a", "codes": ["1", "2"], "gone": 1,
        "items": [{ "item_id": "x", "name": "X" }, { "item_id": "y", "name": "Y" }] });
    let to = json!({ "name": "a", "codes": ["2", "1"], "new": [],
        "items": [{ "item_id": "w", "name": "W" }, { "item_id": "y", "name": "Z" }, { "item_id": "x", "name": "X" }] });
    let paths: Vec<String> = changes(&from, &to).into_iter().map(|c| c.path).collect();
    assert_eq!(paths, ["/codes", "/gone", "/items/w", "/items/y/name", "/new"]);
    assert!(changes(&from, &from).is_empty());
}
