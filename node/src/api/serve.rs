//! The accept loop: HTTP/1 over hyper, with every limit that protects the node from its clients.
//!
//! A client can hold a slot for `HEADER_S_MAX` without sending, and then is cut off; idle
//! keep-alive connections fall under the same timeout. Nothing a client sends reaches a handler
//! before its headers (at most `HEADER_BYTES_MAX`, `HEADERS_MAX` of them) are complete.

use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use super::access::ClientCertified;
use super::connections::{Connections, Slot};

/// How long a client may take to send its headers, or keep an idle connection, in seconds.
pub const HEADER_S_MAX: u64 = 10;
/// Most header fields of a request.
pub const HEADERS_MAX: usize = 64;
/// Most bytes of a request's header.
pub const HEADER_BYTES_MAX: usize = 32 * 1024;
/// Most bytes buffered per connection.
const BUFFER_BYTES_MAX: usize = 48 * 1024;
/// How long shutdown waits for requests under way, in seconds.
const SHUTDOWN_S_MAX: u64 = 10;
/// Pause after the system ran out of sockets, in milliseconds.
const ACCEPT_PAUSE_MS: u64 = 100;

/// Serves `router` on `listener` until `shutdown` resolves, then lets requests under way finish.
///
/// # Errors
/// The listener's address cannot be read. A connection's failure is the connection's own.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    serve_tls(listener, None, router, shutdown).await
}

/// As [`serve`], over TLS where an acceptor is given.
///
/// # Errors
/// As [`serve`].
pub async fn serve_tls(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    tracing::info!(%address, "the API listens");
    let graceful = GracefulShutdown::new();
    let table = Connections::new();
    let mut shutdown = pin!(shutdown);
    for number in 0u64.. {
        let stream = tokio::select! {
            stream = accept(&listener) => stream,
            () = &mut shutdown => break,
        };
        let slot = tokio::select! {
            slot = table.enter(number) => slot,
            () = &mut shutdown => break,
        };
        // Only latency depends on it.
        let _ = stream.set_nodelay(true);
        let (router, watcher) = (router.clone(), graceful.watcher());
        match tls.clone() {
            None => drop(tokio::spawn(connection(stream, false, router, slot, watcher))),
            Some(tls) => drop(tokio::spawn(secured(tls, stream, router, slot, watcher))),
        }
    }
    drop(listener);
    if tokio::time::timeout(Duration::from_secs(SHUTDOWN_S_MAX), graceful.shutdown()).await.is_err()
    {
        tracing::warn!("requests were still under way when the API stopped");
    }
    Ok(())
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections; trying again");
                tokio::time::sleep(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// Shakes hands, within the time headers may take, then serves as any connection.
async fn secured(
    tls: TlsAcceptor,
    stream: TcpStream,
    router: Router,
    slot: Slot,
    watcher: Watcher,
) {
    let within = Duration::from_secs(HEADER_S_MAX);
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(within, tls.accept(stream)) => shaken,
        () = slot.activity.evicted() => return,
    };
    match shaken {
        Ok(Ok(stream)) => {
            let certified = stream.get_ref().1.peer_certificates().is_some();
            connection(stream, certified, router, slot, watcher).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    certified: bool,
    router: Router,
    slot: Slot,
    watcher: Watcher,
) {
    let activity = slot.activity.clone();
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(activity.clone());
        if certified {
            request.extensions_mut().insert(ClientCertified);
        }
        router.clone().oneshot(request.map(axum::body::Body::new) as Request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(HEADER_S_MAX))
        .max_headers(HEADERS_MAX)
        .max_header_size(HEADER_BYTES_MAX)
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        result = watcher.watch(connection) => {
            if let Err(error) = result {
                tracing::debug!(%error, "a connection ended early");
            }
        }
        () = slot.activity.evicted() => tracing::debug!("an idle connection made room"),
    }
}
