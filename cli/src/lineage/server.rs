//! The HTTP side: `POST /api/v1/lineage`, `POST /api/v1/lineage/batch`, `GET /livez`.
//!
//! Small on purpose: one request per connection, a fixed number of workers, every length and wait
//! bounded. It listens on loopback only and answers loopback names only, so that no web page
//! reaches it under a name of its own; a body is JSON or is refused.

use std::io::{self, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::event::{self, Event};
use super::mapping::Mapping;
use super::queue::{Line, Queue};

/// Threads that answer.
const WORKERS: usize = 8;
/// Connections waiting for one.
const WAITING_MAX: usize = 64;
/// Longest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Most header fields.
const HEADERS_MAX: usize = 64;
/// Longest body, in bytes: events of 140 KB occur, batches are larger.
pub const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most events of a batch.
const BATCH_EVENTS_MAX: usize = 1_000;
/// How long a client may take for each piece.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the workers share.
pub struct Service {
    /// Which runs use which grant.
    pub mapping: Mapping,
    /// Where uses are kept.
    pub queue: Arc<Queue>,
}

struct Request {
    method: String,
    path: String,
    body: Vec<u8>,
}

struct Answer {
    status: u16,
    body: Value,
}

/// This machine's clock in milliseconds.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Binds a loopback address.
///
/// # Errors
/// It is not loopback, or cannot be used.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    if !address.ip().is_loopback() {
        return Err(io::Error::other(
            "lineage events are taken on loopback only; put a TLS gateway in front of it",
        ));
    }
    TcpListener::bind(address)
}

/// Answers until the process ends.
pub fn serve(listener: &TcpListener, service: Arc<Service>) {
    let (connections, waiting) = sync_channel::<TcpStream>(WAITING_MAX);
    let waiting = Arc::new(Mutex::new(waiting));
    for _ in 0..WORKERS {
        let (service, waiting) = (service.clone(), waiting.clone());
        std::thread::spawn(move || work(&service, &waiting));
    }
    for stream in listener.incoming().flatten() {
        // A connection too many is closed at once: the client repeats.
        drop(connections.try_send(stream));
    }
}

fn work(service: &Service, waiting: &Mutex<Receiver<TcpStream>>) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(stream) = next else { return };
        // A client that breaks off only harms itself.
        let _ = converse(service, &stream);
    }
}

fn converse(service: &Service, stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let answer = match receive(stream)? {
        Ok(request) => service.answer(&request),
        Err(refused) => refused,
    };
    let body = answer.body.to_string();
    let kind = if answer.status < 400 { "application/json" } else { "application/problem+json" };
    let status = answer.status;
    let head = format!(
        "HTTP/1.1 {status} {}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        if status < 400 { "OK" } else { "Refused" },
        body.len()
    );
    let mut stream = stream;
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    stream.flush()
}

/// Reads a request, or says what is wrong with it.
fn receive(stream: &TcpStream) -> io::Result<Result<Request, Answer>> {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if head.len() == HEAD_BYTES_MAX || reader.read(&mut byte)? == 0 {
            return Ok(Err(problem(431, "the request's head is too long or broke off")));
        }
        head.push(byte[0]);
    }
    let mut fields = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Request::new(&mut fields);
    if !matches!(parsed.parse(&head), Ok(httparse::Status::Complete(_))) {
        return Ok(Err(problem(400, "this is no HTTP/1 request")));
    }
    let header = |name: &str| {
        let found = parsed.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(found.value).ok().map(str::trim)
    };
    let host = header("host").unwrap_or("");
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    if !["localhost", "127.0.0.1", "[::1]"].contains(&name.map_or(host, |(name, _)| name)) {
        return Ok(Err(problem(403, "only loopback host names are answered")));
    }
    let (method, path) =
        (parsed.method.unwrap_or("").to_owned(), parsed.path.unwrap_or("").to_owned());
    if method != "POST" {
        return Ok(Ok(Request { method, path, body: Vec::new() }));
    }
    if !header("content-type")
        .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/json"))
    {
        return Ok(Err(problem(415, "set Content-Type to application/json")));
    }
    if header("content-encoding").is_some_and(|encoding| encoding != "identity") {
        return Ok(Err(problem(
            415,
            "compressed bodies are not taken; turn compression off in the client",
        )));
    }
    let length = header("content-length").and_then(|text| text.parse::<usize>().ok());
    let Some(length) = length else {
        return Ok(Err(problem(411, "send the body with a Content-Length")));
    };
    if length > BODY_BYTES_MAX {
        return Ok(Err(problem(413, "the body is too large; send fewer events at a time")));
    }
    if header("expect").is_some_and(|expect| expect.eq_ignore_ascii_case("100-continue")) {
        let mut stream = stream;
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let mut body = Vec::new();
    reader.take(length as u64).read_to_end(&mut body)?;
    if body.len() < length {
        return Ok(Err(problem(400, "the body broke off")));
    }
    Ok(Ok(Request { method, path, body }))
}

fn problem(status: u16, detail: &str) -> Answer {
    let body = json!({
        "type": "urn:mulu:problem:lineage", "status": status, "code": "lineage_refused",
        "title": "The event was not taken 事件未被接收", "detail": detail,
        "help": "correct it and send it again; sending an event twice is safe 改正后重发，重复发送是安全的",
    });
    Answer { status, body }
}

impl Service {
    fn answer(&self, request: &Request) -> Answer {
        match (request.method.as_str(), request.path.split('?').next().unwrap_or("")) {
            ("GET", "/livez") => Answer { status: 200, body: json!({ "status": "ok" }) },
            ("POST", "/api/v1/lineage") => self.take(&request.body),
            ("POST", "/api/v1/lineage/batch") => self.take_batch(&request.body),
            (_, "/livez" | "/api/v1/lineage" | "/api/v1/lineage/batch") => {
                problem(405, "events are posted")
            }
            _ => problem(404, "events are posted to /api/v1/lineage or /api/v1/lineage/batch"),
        }
    }

    fn take(&self, body: &[u8]) -> Answer {
        let event: Value = match serde_json::from_slice(body) {
            Ok(event) => event,
            Err(error) => return problem(400, &format!("the body is no JSON: {error}")),
        };
        let lines = match self.lines(&event, now_ms()) {
            Ok(lines) => lines,
            Err(why) => return problem(422, &why),
        };
        match self.queue.append(&lines) {
            Ok(()) => {
                Answer { status: 201, body: json!({ "status": "taken", "uses": lines.len() }) }
            }
            Err(error) => problem(503, &format!("it cannot be kept: {error}")),
        }
    }

    fn take_batch(&self, body: &[u8]) -> Answer {
        let events: Vec<Value> = match serde_json::from_slice(body) {
            Ok(events) => events,
            Err(error) => return problem(400, &format!("the body is no JSON list: {error}")),
        };
        if events.len() > BATCH_EVENTS_MAX {
            return problem(413, &format!("a batch has at most {BATCH_EVENTS_MAX} events"));
        }
        let at_ms = now_ms();
        let (mut lines, mut failed) = (Vec::new(), Vec::new());
        for (event, index) in events.iter().zip(0u32..) {
            match self.lines(event, at_ms) {
                Ok(of_event) => lines.extend(of_event),
                Err(reason) => {
                    failed.push(json!({ "index": index, "reason": reason, "retriable": false }))
                }
            }
        }
        if let Err(error) = self.queue.append(&lines) {
            return problem(503, &format!("they cannot be kept: {error}"));
        }
        let status = if failed.is_empty() { "success" } else { "partial_success" };
        let successful = events.len() - failed.len();
        Answer {
            status: 200,
            body: json!({
                "status": status,
                "summary": { "received": events.len(), "successful": successful,
                             "failed": failed.len(), "retriable": 0, "non_retriable": failed.len() },
                "failed_events": failed,
            }),
        }
    }

    /// The uses an event tells of.
    fn lines(&self, event: &Value, at_ms: u64) -> Result<Vec<Line>, String> {
        let Event::Completed(run) = event::read(event)? else { return Ok(Vec::new()) };
        let uses = self.mapping.uses(&run).into_iter().map(|used| Line {
            authorization: used.authorization,
            run: run.id.clone(),
            at_ms,
            records: used.records,
            bytes: used.bytes,
        });
        Ok(uses.collect())
    }
}
