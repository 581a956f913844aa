//! `GET /v1/events`: what transactions did, as a stream of server-sent events or a page of JSON.
//!
//! Both read the ledger from the reader's place on, so nothing is missing and nothing comes twice
//! or out of order, however long the reader was away and whichever node it asks next. A stream is
//! resumed with `Last-Event-ID` (browsers do it themselves). While nothing matches, a heartbeat
//! moves the reader's place forward, so that a rare filter does not read the ledger again after
//! every reconnection. A reader that does not read costs one batch and one slot.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use mulu_chain::types::Height;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::sleep;

use super::catalog::{invalid_parameter, too_many_subscribers};
use super::connections::{Activity, BusyStream};
use super::extract::{Params, page_limit};
use super::language::Text;
use super::problem::Problem;
use super::{Api, work};
use crate::events::{self, Event, EventId, Filter, FilterInvalid, Place};
use crate::replica::handle::Status;

/// Time between two heartbeats, in seconds.
pub const HEARTBEAT_S: u64 = 15;
/// Events fetched from the ledger at a time for a stream.
const BATCH_EVENTS: usize = 32;
/// How long a client waits before it connects again, in milliseconds.
const RECONNECT_MS: u64 = 2_000;

const EVENT_STREAM: &str = "text/event-stream";

/// From where, and which.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsQuery {
    from_height: Option<Height>,
    after: Option<String>,
    format: Option<String>,
    limit: Option<usize>,
    member: Option<String>,
    office: Option<String>,
    entry: Option<String>,
    authorization: Option<String>,
    kind: Option<String>,
}

#[derive(Serialize)]
struct PageView {
    height: Height,
    items: Vec<Event>,
    after: Option<EventId>,
    more: bool,
}

/// A stream, or a page where JSON is asked for.
///
/// # Errors
/// `invalid_parameter`, `too_many_subscribers`.
pub async fn read(
    State(api): State<Arc<Api>>,
    activity: Option<Extension<Arc<Activity>>>,
    Params(query): Params<EventsQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let as_page = wants_page(query.format.as_deref(), &headers)?;
    let limit = page_limit(query.limit)?;
    let given = place(&query, &headers)?;
    let filter = filter(query)?;
    if as_page {
        let from = given.unwrap_or(Place::at(Height::GENESIS));
        let view = work::read(&api, move |ledger| {
            let height = ledger.height()?;
            let batch = events::read(ledger, &filter, from, limit)?;
            let after = batch.next.seen();
            Ok(PageView { height, items: batch.events, after, more: batch.more })
        })
        .await?;
        return Ok(Json(view).into_response());
    }
    let permit = api.subscribers.clone().try_acquire_owned().map_err(|_| too_many_subscribers())?;
    let tip = work::read(&api, |ledger| Ok(ledger.height()?)).await?;
    let subscriber = Subscriber {
        status: api.state.replica.watch(),
        stopping: api.state.stopping.clone(),
        filter,
        next: given.unwrap_or(Place::at(tip.next())),
        greeted: false,
        busy: activity.map(|Extension(activity)| Activity::busy_stream(&activity)),
        permit,
        api,
    };
    let chunks = futures::stream::unfold(subscriber, Subscriber::step);
    let headers = [(CONTENT_TYPE, EVENT_STREAM), (CACHE_CONTROL, "no-store, no-transform")];
    Ok((headers, Body::from_stream(chunks)).into_response())
}

fn wants_page(format: Option<&str>, headers: &HeaderMap) -> Result<bool, Problem> {
    match format {
        Some("json") => Ok(true),
        Some("sse") => Ok(false),
        Some(_) => {
            let reason = Text::new("`sse` or `json`", "`sse` 或 `json`");
            Err(invalid_parameter("format", reason))
        }
        None => {
            let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
            Ok(accepted.contains("application/json") && !accepted.contains(EVENT_STREAM))
        }
    }
}

/// Where to begin: what the client saw last, as its browser says, or it itself; or a height.
fn place(query: &EventsQuery, headers: &HeaderMap) -> Result<Option<Place>, Problem> {
    let last_seen = headers.get("last-event-id").map(|value| value.to_str().unwrap_or("?"));
    match (last_seen.filter(|text| !text.is_empty()).or(query.after.as_deref()), query.from_height)
    {
        (Some(text), _) => match text.parse::<EventId>() {
            Ok(id) => Ok(Some(Place::after(id))),
            Err(_) => Err(invalid_parameter(
                "after",
                Text::new(
                    "the id of an event, `height/index`, in `after` or Last-Event-ID",
                    "`after` 或 Last-Event-ID 须为事件编号 `高度/序号`",
                ),
            )),
        },
        (None, Some(height)) => Ok(Some(Place::at(height))),
        (None, None) => Ok(None),
    }
}

fn filter(query: EventsQuery) -> Result<Filter, Problem> {
    let all = |query: EventsQuery| -> Result<Filter, FilterInvalid> {
        Filter::default()
            .member(query.member)?
            .office(query.office)?
            .entry(query.entry)?
            .authorization(query.authorization)?
            .kind(query.kind)
    };
    all(query).map_err(|FilterInvalid(name)| {
        let reason = Text::new(
            "ids are not empty and at most 128 bytes; kinds are action types such as receipt.record or authorization, at most 16, separated by commas",
            "编号不得为空且不超过 128 字节；kind 为操作类型，如 receipt.record 或 authorization，最多 16 个，以逗号分隔",
        );
        invalid_parameter(name, reason)
    })
}

/// Why a stream that waits goes on.
enum Wake {
    Block,
    Heartbeat,
    Stop,
}

/// One open stream.
struct Subscriber {
    api: Arc<Api>,
    filter: Filter,
    next: Place,
    greeted: bool,
    status: watch::Receiver<Status>,
    stopping: watch::Receiver<bool>,
    /// Keeps the connection from being closed as idle.
    busy: Option<BusyStream>,
    permit: OwnedSemaphorePermit,
}

impl Subscriber {
    /// The next chunk; none ends the stream, and the client comes back with its place.
    async fn step(mut self) -> Option<(Result<Bytes, Infallible>, Subscriber)> {
        if !self.greeted {
            self.greeted = true;
            let seen = self.seen();
            return Some((
                Ok(Bytes::from(format!("retry: {RECONNECT_MS}\n{seen}: mulu\n\n"))),
                self,
            ));
        }
        loop {
            // Height first, ledger second: a block committed in between wakes us again.
            let height = self.status.borrow_and_update().height;
            let (filter, from) = (self.filter.clone(), self.next);
            let batch = work::read(&self.api, move |ledger| {
                Ok(events::read(ledger, &filter, from, BATCH_EVENTS)?)
            })
            .await
            .ok()?;
            self.next = batch.next.max(self.next);
            if !batch.events.is_empty() {
                let text: String = batch.events.iter().map(frame).collect();
                return Some((Ok(Bytes::from(text)), self));
            }
            if batch.more {
                return Some((Ok(self.heartbeat()), self));
            }
            let wake = tokio::select! {
                risen = self.status.wait_for(|status| status.height != height) => match risen {
                    Ok(_) => Wake::Block,
                    Err(_) => Wake::Stop,
                },
                () = sleep(Duration::from_secs(HEARTBEAT_S)) => Wake::Heartbeat,
                // A sender that is gone means that the node stops.
                _ = self.stopping.wait_for(|stopping| *stopping) => Wake::Stop,
            };
            match wake {
                Wake::Block => {}
                Wake::Heartbeat => return Some((Ok(self.heartbeat()), self)),
                Wake::Stop => return None,
            }
        }
    }

    /// A comment that no reader sees, with the place reached.
    fn heartbeat(&self) -> Bytes {
        let _held = (&self.busy, &self.permit);
        Bytes::from(format!("{}: heartbeat\n\n", self.seen()))
    }

    fn seen(&self) -> String {
        self.next.seen().map(|id| format!("id: {id}\n")).unwrap_or_default()
    }
}

fn frame(event: &Event) -> String {
    let json = serde_json::to_string(event).expect("strings and numbers always serialize");
    format!("id: {}\nevent: transaction\ndata: {json}\n\n", event.id)
}
