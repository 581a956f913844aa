//! As much of HTTP/1.1 as a witness needs: one POST a connection, everything bounded, nothing kept.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::judge::{Answer, REQUEST_BYTES_MAX};

/// Most connections served at once; further ones are closed.
const CONNECTIONS_MAX: usize = 32;
/// Most bytes before the body.
const HEAD_BYTES_MAX: usize = 8 * 1024;
/// Longest a request may take to arrive and its answer to leave.
const REQUEST_TIME: Duration = Duration::from_secs(10);

/// Answers requests for ever.
pub fn serve(listener: &TcpListener, answer: &(impl Fn(&[u8]) -> Answer + Sync)) {
    let open = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for stream in listener.incoming() {
            let Ok(stream) = stream else {
                // Out of file descriptors, most likely: others must finish first.
                std::thread::sleep(Duration::from_millis(50));
                continue;
            };
            if open.fetch_add(1, Ordering::SeqCst) >= CONNECTIONS_MAX {
                open.fetch_sub(1, Ordering::SeqCst);
                continue;
            }
            let open = &open;
            scope.spawn(move || {
                // A client that goes away needs no answer.
                let _ = talk(&stream, answer);
                open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
}

fn talk(stream: &TcpStream, answer: &impl Fn(&[u8]) -> Answer) -> io::Result<()> {
    let end = Instant::now() + REQUEST_TIME;
    let said = match read(stream, end) {
        Ok(body) => answer(&body),
        Err(refusal) => refusal,
    };
    let Answer { status, media_type, body } = said;
    let reason = match status {
        200 => "OK",
        409 => "Conflict",
        422 => "Unprocessable Content",
        _ => "Refused",
    };
    let head = format!(
        "HTTP/1.1 {status} {reason}\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\n\
         x-content-type-options: nosniff\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = stream;
    stream.set_write_timeout(Some(left(end)))?;
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

fn left(end: Instant) -> Duration {
    end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

/// Reads a request and returns its body.
fn read(mut stream: &TcpStream, end: Instant) -> Result<Vec<u8>, Answer> {
    let refuse = |status, why: &str| Answer::text(status, format!("{why}\n"));
    let slow = || refuse(408, "the request did not arrive in time");
    let mut bytes = Vec::new();
    let mut wanted: Option<usize> = None;
    loop {
        if wanted.is_none()
            && let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n")
        {
            let start = at.saturating_add(4);
            let length = head(bytes.get(..at).unwrap_or_default())?;
            bytes.drain(..start);
            wanted = Some(length);
        }
        match wanted {
            Some(length) if bytes.len() >= length => {
                bytes.truncate(length);
                return Ok(bytes);
            }
            None if bytes.len() > HEAD_BYTES_MAX => {
                return Err(refuse(431, "the head is too long"));
            }
            _ => {}
        }
        if Instant::now() >= end || stream.set_read_timeout(Some(left(end))).is_err() {
            return Err(slow());
        }
        let mut part = [0u8; 4096];
        match stream.read(&mut part) {
            Ok(0) => return Err(refuse(400, "the request broke off")),
            Ok(count) => bytes.extend_from_slice(part.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Err(slow()),
        }
    }
}

/// Judges the head and returns the body's length.
fn head(head: &[u8]) -> Result<usize, Answer> {
    let refuse = |status, why: &str| Answer::text(status, format!("{why}\n"));
    let head = std::str::from_utf8(head).map_err(|_| refuse(400, "the head is not text"))?;
    let mut lines = head.split("\r\n");
    let mut request = lines.next().unwrap_or_default().split(' ');
    let (method, path) = (request.next().unwrap_or_default(), request.next().unwrap_or_default());
    if path != "/add-checkpoint" {
        return Err(refuse(404, "the only path is /add-checkpoint"));
    }
    if method != "POST" {
        return Err(refuse(405, "checkpoints are added with POST"));
    }
    let mut length: Option<usize> = None;
    for line in lines {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(refuse(411, "send the body with a content-length"));
        }
        if name.eq_ignore_ascii_case("content-length") {
            let value = value.trim().parse().map_err(|_| refuse(400, "what length is that?"))?;
            if length.is_some_and(|earlier| earlier != value) {
                return Err(refuse(400, "two lengths"));
            }
            length = Some(value);
        }
    }
    match length {
        None => Err(refuse(411, "send the body with a content-length")),
        Some(length) if length > REQUEST_BYTES_MAX => Err(refuse(413, "the body is too long")),
        Some(length) => Ok(length),
    }
}
