//! A small HTTP/1.1 client for load: one kept connection, requests one after another.
//!
//! The load generator shares the machine with the nodes it measures, so it must cost little; what it
//! needs of HTTP is a status and a body of known length.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longest wait for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(40);
/// Largest answer read, in bytes.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Longest line of an answer's head, in bytes.
const LINE_BYTES_MAX: u64 = 16 * 1024;

/// A kept connection to a node.
pub struct Connection {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

/// An answer.
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl Connection {
    /// A connection that is made when it is first used.
    pub fn new(address: SocketAddr) -> Connection {
        Connection { address, stream: None }
    }

    /// Sends one request and reads its answer; a connection that was closed meanwhile is made anew.
    ///
    /// # Errors
    /// What the socket says, or an answer that is not HTTP.
    pub fn call(&mut self, method: &str, path: &str, body: Option<&[u8]>) -> io::Result<Answer> {
        let kept = self.stream.is_some();
        match self.attempt(method, path, body) {
            Err(error) if kept && error.kind() != io::ErrorKind::WouldBlock => {
                self.stream = None;
                self.attempt(method, path, body)
            }
            done => done,
        }
        .inspect_err(|_| self.stream = None)
    }

    fn attempt(&mut self, method: &str, path: &str, body: Option<&[u8]>) -> io::Result<Answer> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let stream = TcpStream::connect(self.address)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
                none.insert(BufReader::new(stream))
            }
        };
        let length = body.map_or(0, <[u8]>::len);
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.address);
        if body.is_some() {
            let kind = if path.ends_with("/batch") { "x-ndjson" } else { "json" };
            request.push_str(&format!("content-type: application/{kind}\r\n"));
        }
        request.push_str(&format!("content-length: {length}\r\n\r\n"));
        let mut bytes = request.into_bytes();
        bytes.extend_from_slice(body.unwrap_or_default());
        stream.get_mut().write_all(&bytes)?;
        let (answer, close) = read_answer(stream)?;
        if close {
            self.stream = None;
        }
        Ok(answer)
    }
}

fn read_answer(stream: &mut BufReader<TcpStream>) -> io::Result<(Answer, bool)> {
    let first = line(stream)?;
    let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| foreign("its first line is not a status"))?;
    let (mut length, mut close) = (0usize, false);
    loop {
        let head = line(stream)?;
        if head.is_empty() {
            break;
        }
        let Some((name, value)) = head.split_once(':') else { continue };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().map_err(|_| foreign("no length"))?,
            "connection" => close = value.eq_ignore_ascii_case("close"),
            "transfer-encoding" => return Err(foreign("its length is not known")),
            _ => {}
        }
    }
    if length > ANSWER_BYTES_MAX {
        return Err(foreign("it is too long"));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((Answer { status, body }, close))
}

fn line(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    let read = stream.by_ref().take(LINE_BYTES_MAX).read_line(&mut line)?;
    if read == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

fn foreign(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not the answer of a node: {why}"))
}
