//! The accept loop over real sockets: hosts, headers, time limits, crowds, and the end.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mulu_node::api::{CONNECTIONS_MAX, HEADER_BYTES_MAX, HEADER_S_MAX, HEADERS_MAX, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::fixture::World;

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

async fn start() -> (World, Server) {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(serve(listener, world.router.clone(), async {
        stopped.await.ok();
    }));
    (world, Server { address, stop, task })
}

/// Sends bytes and reads until the server closes.
async fn talk(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    stream.write_all(bytes).await.expect("sent");
    let mut answer = Vec::new();
    // The server may reset a connection it refused; what it said before counts.
    stream.read_to_end(&mut answer).await.ok();
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n").into_bytes()
}

#[tokio::test]
async fn hosts_are_checked_on_the_wire() {
    let (_world, server) = start().await;
    let ok = talk(server.address, &get("/livez", "Host: localhost\r\n")).await;
    assert!(ok.starts_with("HTTP/1.1 200"), "{ok}");
    let refused = talk(server.address, &get("/livez", "Host: attacker.example\r\n")).await;
    assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
    assert!(refused.contains("host_refused"), "{refused}");
    let absolute = get("http://attacker.example/livez", "Host: localhost\r\n");
    let refused = talk(server.address, &absolute).await;
    assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
}

#[tokio::test]
async fn headers_are_bounded() {
    let (_world, server) = start().await;
    let many: String = (0..=HEADERS_MAX).map(|n| format!("X-{n}: 1\r\n")).collect();
    let refused = talk(server.address, &get("/livez", &format!("Host: localhost\r\n{many}"))).await;
    assert!(refused.starts_with("HTTP/1.1 431"), "{refused}");
    let long = format!("Host: localhost\r\nX: {}\r\n", "x".repeat(2 * HEADER_BYTES_MAX));
    let refused = talk(server.address, &get("/livez", &long)).await;
    assert!(refused.is_empty() || refused.starts_with("HTTP/1.1 431"), "{refused}");
}

#[tokio::test]
async fn a_client_that_does_not_finish_its_headers_is_cut_off() {
    let (_world, server) = start().await;
    let started = Instant::now();
    talk(server.address, b"GET /livez HTTP/1.1\r\nHost: local").await;
    let elapsed = started.elapsed();
    let limit = Duration::from_secs(HEADER_S_MAX);
    assert!((limit..limit + Duration::from_secs(5)).contains(&elapsed), "{elapsed:?}");
}

#[tokio::test]
async fn a_body_that_never_comes_is_a_problem() {
    let (_world, server) = start().await;
    let head = "POST /v1/transactions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    let answer = talk(server.address, head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("body_too_slow"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_silent_clients_does_not_keep_honest_ones_out() {
    let (_world, server) = start().await;
    let mut crowd = Vec::new();
    for _ in 0..CONNECTIONS_MAX + 200 {
        let mut stream = TcpStream::connect(server.address).await.expect("the server listens");
        stream.write_all(b"GET / HTTP/1.1\r\nHo").await.expect("sent");
        crowd.push(stream);
    }
    let mut slowest = Duration::ZERO;
    for _ in 0..20 {
        let started = Instant::now();
        let answer = talk(server.address, &get("/livez", "Host: localhost\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        slowest = slowest.max(started.elapsed());
    }
    assert!(slowest < Duration::from_secs(HEADER_S_MAX / 2), "{slowest:?}");
    drop(crowd);
}

#[tokio::test]
async fn shutdown_lets_a_request_under_way_finish() {
    let (world, server) = start().await;
    world.set(crate::fixture::Mode::Queue);
    let body = crate::fixture::envelope("1").to_json().to_string();
    let head = format!(
        "POST /v1/transactions?wait=committed&timeout_ms=700 HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let address = server.address;
    let waiting = tokio::spawn(async move { talk(address, head.as_bytes()).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.stop.send(()).expect("the server runs");
    let answer = waiting.await.expect("no panic");
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    server.task.await.expect("no panic").expect("a clean end");
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}
