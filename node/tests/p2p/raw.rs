//! A peer that speaks the wire format by hand, well or badly.

use std::time::Duration;

use libp2p::identity::Keypair;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::{StreamProtocol, Swarm, SwarmBuilder, noise, tcp, yamux};
use mulu_node::p2p::{ACK, PROTOCOL};

/// How long a connection without streams stays open.
const IDLE: Duration = Duration::from_secs(20);

/// Writes what it is given.
#[derive(Clone, Default)]
pub struct RawCodec;

/// The octets of a request, whatever they are.
pub type RawFrame = Vec<u8>;

/// A length prefix and octets that need not match it.
pub fn raw_frame(length: u32, frame: &[u8]) -> RawFrame {
    [&length.to_le_bytes(), frame].concat()
}

impl request_response::Codec for RawCodec {
    type Protocol = StreamProtocol;
    type Request = RawFrame;
    type Response = u8;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> std::io::Result<RawFrame>
    where
        T: futures::AsyncRead + Unpin + Send,
    {
        let mut frame = Vec::new();
        futures::AsyncReadExt::read_to_end(io, &mut frame).await?;
        Ok(frame)
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> std::io::Result<u8>
    where
        T: futures::AsyncRead + Unpin + Send,
    {
        let mut answer = [0u8; 1];
        futures::AsyncReadExt::read_exact(io, &mut answer).await?;
        assert_eq!(answer, [ACK]);
        Ok(answer[0])
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        frame: RawFrame,
    ) -> std::io::Result<()>
    where
        T: futures::AsyncWrite + Unpin + Send,
    {
        futures::AsyncWriteExt::write_all(io, &frame).await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        _: &mut T,
        _: u8,
    ) -> std::io::Result<()>
    where
        T: futures::AsyncWrite + Unpin + Send,
    {
        Ok(())
    }
}

/// A swarm that admits everybody and sends raw frames.
pub fn raw_swarm(identity: &Keypair) -> Swarm<request_response::Behaviour<RawCodec>> {
    let protocols = [(StreamProtocol::new(PROTOCOL), ProtocolSupport::Full)];
    SwarmBuilder::with_existing_identity(identity.clone())
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .expect("a transport")
        .with_behaviour(|_| request_response::Behaviour::new(protocols, Default::default()))
        .expect("a behaviour")
        .with_swarm_config(|config| config.with_idle_connection_timeout(IDLE))
        .build()
}
