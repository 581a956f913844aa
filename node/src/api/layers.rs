//! What every request passes through, outermost first:
//!
//! ```text
//! present      counts and times the request, writes problems, sets security headers
//! catch_panic  a panic is our bug: it becomes a 500 problem and a log line
//! admit        Host and Origin; token or client certificate; media type; requests in flight
//! receive      the whole body, bounded in size and time, before any handler runs
//! deadline     no handler runs longer than REQUEST_S_MAX
//! ```

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use mulu_chain::limits::{ENVELOPE_JSON_BYTES_MAX, SUBMISSION_BYTES_MAX};
use tokio::time::{Instant as TokioInstant, timeout, timeout_at};

use super::Api;
use super::catalog;
use super::connections::Activity;
use super::extract::WAIT_MS_MAX;
use super::language::Language;
use super::problem::Problem;
use crate::metrics::{HttpLabels, RouteLabel};

/// Longest time from the last byte of a request to its answer, in seconds.
pub const REQUEST_S_MAX: u64 = 35;
/// Longest time a body may take to arrive, in seconds.
pub const BODY_S_MAX: u64 = 10;

// A client that waits for a commit gets its answer, not a timeout.
const _: () = assert!(WAIT_MS_MAX < REQUEST_S_MAX * 1000);

/// Paths that must answer even when every other request is refused.
const HEALTH_PATHS: [&str; 3] = ["/livez", "/readyz", "/metrics"];
/// Where several transactions are submitted at once, one envelope a line.
pub const MANY_PATH: &str = "/v1/transactions/batch";
/// Route label of requests that match no route.
const UNMATCHED: &str = "unmatched";

/// Counts, times and finishes every answer.
pub async fn present(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let language = Language::of(request.headers());
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        problem.write(language, &path, &mut response);
    }
    set_header(&mut response, X_CONTENT_TYPE_OPTIONS, "nosniff");
    let route = route.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
    let labels = HttpLabels { route: route.to_owned(), status: response.status().as_u16() };
    let metrics = &api.state.metrics;
    metrics.http_requests.get_or_create(&labels).inc();
    metrics
        .http_request_duration_seconds
        .get_or_create(&RouteLabel { route: labels.route.clone() })
        .observe(started.elapsed().as_secs_f64());
    response
}

fn set_header(response: &mut Response, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// Turns a caught panic into a problem. The message goes to the log, escaped, never to a client.
#[allow(clippy::needless_pass_by_value)] // The layer calls it with the owned payload.
pub fn panicked(payload: Box<dyn Any + Send>) -> Response {
    let message = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!(?message, "a request handler panicked");
    catalog::internal().into_response()
}

/// Ends requests that take too long.
pub async fn deadline(request: Request, next: Next) -> Response {
    timeout(Duration::from_secs(REQUEST_S_MAX), next.run(request))
        .await
        .unwrap_or_else(|_| catalog::request_timeout(REQUEST_S_MAX).into_response())
}

/// Refuses foreign hosts and origins, wrong media types, and more requests than the node takes on.
pub async fn admit(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    if let Err(problem) = check_head(&api, &request) {
        return problem.into_response();
    }
    if HEALTH_PATHS.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    match api.requests.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => catalog::busy().into_response(),
    }
}

fn check_head(api: &Api, request: &Request) -> Result<(), Problem> {
    api.state.hosts.check(request)?;
    api.state.access.check(request)?;
    let many = request.uri().path() == MANY_PATH;
    if request.method() == Method::POST && !is_json(request.headers(), many) {
        return Err(catalog::unsupported_media_type());
    }
    Ok(())
}

fn is_json(headers: &HeaderMap, many: bool) -> bool {
    let essence = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|value| value.trim().to_ascii_lowercase());
    match essence.as_deref() {
        Some("application/x-ndjson") => many,
        Some("application/json" | "application/vnd.dsse+json") => !many,
        _ => false,
    }
}

/// Reads the whole body, then lets the handler run. Until then the connection counts as idle and
/// may be closed in favour of one that sends.
pub async fn receive(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let many = parts.uri.path() == MANY_PATH;
    let room = if many { api.batches.try_acquire().ok() } else { None };
    if many && room.is_none() {
        return catalog::busy().into_response();
    }
    let limit = if many { SUBMISSION_BYTES_MAX } else { ENVELOPE_JSON_BYTES_MAX };
    let body = match read_body(&parts.headers, body, limit).await {
        Ok(bytes) => bytes,
        Err(problem) => return problem.into_response(),
    };
    let activity = parts.extensions.get::<Arc<Activity>>().cloned();
    let _busy = activity.as_deref().map(Activity::busy);
    next.run(Request::from_parts(parts, Body::from(body))).await
}

async fn read_body(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Problem> {
    let too_large = || catalog::body_too_large(limit);
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if announced.and_then(|n| n.parse().ok()).is_some_and(|n: usize| n > limit) {
        return Err(too_large());
    }
    let end = TokioInstant::now() + Duration::from_secs(BODY_S_MAX);
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    loop {
        match timeout_at(end, stream.next()).await {
            Err(_) => return Err(catalog::body_too_slow(BODY_S_MAX)),
            Ok(None) => return Ok(Bytes::from(bytes)),
            Ok(Some(Err(_))) => return Err(catalog::body_incomplete()),
            Ok(Some(Ok(chunk))) => {
                if bytes.len() + chunk.len() > limit {
                    return Err(too_large());
                }
                bytes.extend_from_slice(&chunk);
            }
        }
    }
}
