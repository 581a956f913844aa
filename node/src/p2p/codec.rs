//! One frame on one stream.
//!
//! | part | bytes | meaning |
//! |---|---|---|
//! | length | 4 | u32, little-endian, at most [`FRAME_BYTES_MAX`] |
//! | frame | length | opaque |
//! | end | 0 | the sender closes its side; anything more is refused |
//! | answer | 1 | [`ACK`], once the frame was handed to the layer above |
//!
//! The length is checked before anything is reserved; the buffer starts at
//! [`FIRST_RESERVATION_BYTES`] and doubles only after it was filled, so a liar must send at least
//! half of what it makes us reserve. Reservations come out of a budget of [`INBOUND_BYTES_MAX`]
//! per connection and return to it when the last [`Bytes`] of the frame is dropped; while the
//! budget is used up the stream is not read, which slows the sender down.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use libp2p::StreamProtocol;
use libp2p::request_response::Codec;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::handle::Shared;
use super::{FIRST_RESERVATION_BYTES, FRAME_BYTES_MAX, INBOUND_BYTES_MAX};

/// Name and version of the protocol.
pub const PROTOCOL: &str = "/mulu/frame/1";
/// The one byte of an answer.
pub const ACK: u8 = 1;

/// Bytes of the length prefix.
const PREFIX_BYTES: usize = 4;
/// Up to this size prefix and frame are written at once, in one Yamux frame.
const COALESCED_BYTES_MAX: usize = 16 * 1024;

/// Reads and writes frames.
///
/// libp2p clones the behaviour's codec for each connection and that clone for each stream; the
/// first clone opens the connection's budget, later clones share it.
pub(super) struct FrameCodec {
    shared: Arc<Shared>,
    budget: Option<Arc<Semaphore>>,
}

/// A received frame with its part of the budget.
struct Received {
    bytes: Vec<u8>,
    reserved: Option<OwnedSemaphorePermit>,
}

/// The answer to a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ack;

impl FrameCodec {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        FrameCodec { shared, budget: None }
    }
}

impl Clone for FrameCodec {
    fn clone(&self) -> Self {
        let budget = match &self.budget {
            None => Arc::new(Semaphore::new(INBOUND_BYTES_MAX)),
            Some(budget) => Arc::clone(budget),
        };
        FrameCodec { shared: Arc::clone(&self.shared), budget: Some(budget) }
    }
}

impl AsRef<[u8]> for Received {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Codec for FrameCodec {
    type Protocol = StreamProtocol;
    type Request = Bytes;
    type Response = Ack;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Bytes>
    where
        T: AsyncRead + Unpin + Send,
    {
        let budget = self.budget.get_or_insert_with(|| Arc::new(Semaphore::new(INBOUND_BYTES_MAX)));
        let frame = read_frame(io, budget).await;
        if matches!(&frame, Err(e) if e.kind() == io::ErrorKind::InvalidData) {
            self.shared.count_refused();
        }
        frame
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Ack>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut answer = [0u8; 1];
        io.read_exact(&mut answer).await?;
        if answer == [ACK] { Ok(Ack) } else { Err(refused("an answer that is no acknowledgement")) }
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        frame: Bytes,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        let length = u32::try_from(frame.len()).map_err(|_| refused("a frame that is too long"))?;
        let prefix = length.to_le_bytes();
        if frame.len() <= COALESCED_BYTES_MAX {
            return io.write_all(&[&prefix, &frame[..]].concat()).await;
        }
        io.write_all(&prefix).await?;
        io.write_all(&frame).await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, _: Ack) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&[ACK]).await
    }
}

fn refused(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

async fn read_frame<T>(io: &mut T, budget: &Arc<Semaphore>) -> io::Result<Bytes>
where
    T: AsyncRead + Unpin + Send,
{
    let mut prefix = [0u8; PREFIX_BYTES];
    io.read_exact(&mut prefix).await?;
    let length = usize::try_from(u32::from_le_bytes(prefix))
        .ok()
        .filter(|length| *length <= FRAME_BYTES_MAX)
        .ok_or_else(|| refused("a frame longer than the limit"))?;
    let mut frame = Received { bytes: Vec::new(), reserved: None };
    while frame.bytes.len() < length {
        let filled = frame.bytes.len();
        let room = filled.max(FIRST_RESERVATION_BYTES).min(length - filled);
        let permits = u32::try_from(room).map_err(|_| refused("a frame longer than the limit"))?;
        let more = Arc::clone(budget)
            .acquire_many_owned(permits)
            .await
            .map_err(|_| io::Error::other("the budget is closed"))?;
        match frame.reserved.as_mut() {
            None => frame.reserved = Some(more),
            Some(reserved) => reserved.merge(more),
        }
        frame.bytes.reserve_exact(room);
        frame.bytes.resize(filled + room, 0);
        io.read_exact(&mut frame.bytes[filled..]).await?;
    }
    if io.read(&mut [0u8; 1]).await? != 0 {
        return Err(refused("bytes after the end of the frame"));
    }
    Ok(Bytes::from_owner(frame))
}

#[cfg(test)]
mod tests;
