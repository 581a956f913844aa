//! One POST over a connection of its own: plain HTTP to this machine.

use std::time::Duration;

use axum::http::{Request, StatusCode, Uri};
use bytes::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A delivery ready to be sent, as often as needed.
pub struct SignedDelivery {
    /// The webhook.
    pub name: String,
    /// Id of the last event.
    pub delivery: String,
    /// The node's key.
    pub key: String,
    /// Base64.
    pub signature: String,
    /// JSON.
    pub body: Vec<u8>,
}

/// Why a delivery was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// Nobody listens, or the connection broke.
    #[error("cannot reach the receiver: {0}")]
    Connect(#[from] std::io::Error),
    /// HTTP went wrong.
    #[error("the receiver does not speak HTTP/1: {0}")]
    Http(#[from] hyper::Error),
    /// The request cannot be built.
    #[error("the request cannot be built: {0}")]
    Request(#[from] axum::http::Error),
    /// It answered, but not 2xx.
    #[error("the receiver answered {0}; only 2xx takes a delivery")]
    Refused(StatusCode),
    /// No answer in time.
    #[error("the receiver did not answer within {} s", .0.as_secs())]
    Late(Duration),
}

/// Posts a delivery.
///
/// # Errors
/// [`PostError`]: it must be sent again.
pub async fn post(url: &Uri, delivery: &SignedDelivery, within: Duration) -> Result<(), PostError> {
    timeout(within, exchange(url, delivery)).await.unwrap_or(Err(PostError::Late(within)))
}

async fn exchange(url: &Uri, delivery: &SignedDelivery) -> Result<(), PostError> {
    let host = url.host().unwrap_or("127.0.0.1").trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, url.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Ends with the sender.
    let connection = tokio::spawn(connection);
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let authority = url.authority().map_or("localhost", |authority| authority.as_str());
    let request = Request::post(path)
        .header("host", authority)
        .header("content-type", "application/json")
        .header("user-agent", concat!("mulud/", env!("CARGO_PKG_VERSION")))
        .header("connection", "close")
        .header("mulu-webhook", &delivery.name)
        .header("mulu-delivery", &delivery.delivery)
        .header("mulu-key", &delivery.key)
        .header("mulu-signature", &delivery.signature)
        .body(axum::body::Body::from(Bytes::from(delivery.body.clone())))?;
    let answer = sender.send_request(request).await;
    connection.abort();
    let status = answer?.status();
    if status.is_success() { Ok(()) } else { Err(PostError::Refused(status)) }
}
