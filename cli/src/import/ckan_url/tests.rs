use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use serde_json::json;

use super::*;

/// A portal of three packages that gives two a page.
#[test]
fn pages_are_read_to_the_end() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let portal = format!("http://{}", listener.local_addr().expect("an address"));
    let server = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for stream in listener.incoming().take(3) {
            let mut stream = stream.expect("a connection");
            let mut request = String::new();
            let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
            reader.read_line(&mut request).expect("a request");
            let mut header = String::new();
            while reader.read_line(&mut header).expect("a header") > 2 {
                header.clear();
            }
            let start = request.split("start=").nth(1).unwrap_or_default();
            let start: usize =
                start.split(['&', ' ']).next().unwrap_or_default().parse().expect("start");
            let all = ["a", "b", "c"].map(|id| json!({"id": id, "title": id}));
            let page: Vec<_> = all.iter().skip(start).take(2).collect();
            let body =
                json!({"success": true, "result": {"count": 3, "results": page}}).to_string();
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            )
            .expect("answers");
            asked.push(start);
        }
        asked
    });
    let lines = fetch(&portal).expect("reads");
    assert_eq!(lines.lines().count(), 3);
    assert_eq!(server.join().expect("served"), [0, 2, 3]);
}

#[test]
fn what_cannot_be_read_is_refused() {
    assert!(is_url("https://ckan.example") && !is_url("dump.jsonl"));
    assert_eq!(fetch("https://ckan.example").expect_err("no TLS").exit, Exit::Usage);
    assert_eq!(fetch("http://127.0.0.1:1").expect_err("nobody").exit, Exit::Unreachable);
}
