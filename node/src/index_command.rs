//! `mulud index`: the search index of a home folder.
//!
//! `rebuild` leaves a marker that the node finds; `status` asks the node through its API, because
//! the index belongs to the process that has it open.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::search;

/// Longest answer read, in bytes.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;
/// How long the node may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks for a new index.
///
/// # Errors
/// The marker cannot be written.
pub fn rebuild(home: &Path) -> io::Result<()> {
    let marker = search::rebuild_marker(home);
    if let Some(folder) = marker.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(marker, "")
}

/// How far the index is, as the node at `api` says: `{height, entries, complete}` and the node's
/// `tip`.
///
/// # Errors
/// The node cannot be reached, or has no search.
pub fn status(api: SocketAddr) -> io::Result<Value> {
    let mut stream = TcpStream::connect_timeout(&api, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let host = if api.ip().is_loopback() { api.to_string() } else { "localhost".to_owned() };
    write!(stream, "GET /v1/search?limit=0 HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    let text = String::from_utf8_lossy(&answer);
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let body: Value = serde_json::from_str(body).map_err(io::Error::other)?;
    match body.get("index") {
        Some(index) => {
            let mut status = index.clone();
            status["tip"] = body["height"].clone();
            Ok(status)
        }
        None => {
            let said = body.get("detail").and_then(Value::as_str).unwrap_or("no search");
            Err(io::Error::other(said.to_owned()))
        }
    }
}
