//! Opaque frames between admitted peers.
//!
//! One task owns the libp2p swarm (TCP, Noise, Yamux). A peer that is not on the allow list is
//! refused when its handshake ends, before any stream of ours exists; a peer taken off the list is
//! disconnected and what it sent but nobody read yet is thrown away. Each frame travels on a
//! stream of its own, so frames may overtake each other, and a frame may be lost: the layer above
//! repeats what matters.
//!
//! Invariants:
//! - Unauthenticated bytes reserve no buffer of ours; an admitted peer's length prefix is checked
//!   before anything is reserved, and at most 64 KiB are reserved before its bytes arrive.
//! - Every queue is bounded by frames **and** bytes; what does not fit is counted, never awaited.
//! - [`P2pHandle`] never blocks. A slow reader of events slows the peers down instead of growing
//!   this process: a frame counts against its sender's budget until the last [`bytes::Bytes`] of
//!   it is dropped.
//!
//! | queue | bound | when full |
//! |---|---|---|
//! | commands | [`COMMANDS_MAX`], [`COMMAND_BYTES_MAX`] | the new frame is dropped |
//! | outbound, per peer | [`OUTBOUND_FRAMES_MAX`], [`OUTBOUND_BYTES_MAX`] | the oldest waiting frame is dropped |
//! | on the wire, per peer | [`IN_FLIGHT_MAX`] | frames wait in the outbound queue |
//! | inbound, per connection | [`INBOUND_BYTES_MAX`] | its streams are not read |
//! | events | the caller's channel, then [`OUTBOX_MAX`] | the swarm is not polled |
//!
//! A crash loses what was under way. A liar among the admitted peers can waste its own budget and
//! nothing else. Design: ARCHITECTURE.md, decision D3.

mod address;
mod codec;
mod error;
mod handle;
mod outbound;
mod redial;
mod task;

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use libp2p::identity::Keypair;
use libp2p::{Multiaddr, PeerId};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub use address::{AddressInvalid, PeerAddress, check_listen_address};
pub use codec::{ACK, PROTOCOL};
pub use error::P2pError;
pub use handle::{P2pCounters, P2pHandle};

/// Largest frame, in bytes.
pub const FRAME_BYTES_MAX: usize = 5 * 1024 * 1024;
/// Most bytes reserved for a frame before any of it has arrived.
pub const FIRST_RESERVATION_BYTES: usize = 64 * 1024;
/// Most frames handed over and not yet taken by the swarm task.
pub const COMMANDS_MAX: usize = 1024;
/// Their bytes; a broadcast counts once.
pub const COMMAND_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most frames to one peer, waiting and on the wire.
pub const OUTBOUND_FRAMES_MAX: usize = 256;
/// Their bytes.
pub const OUTBOUND_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Most frames to one peer on the wire, not yet acknowledged.
pub const IN_FLIGHT_MAX: usize = 64;
/// Most bytes of one connection's frames in this process, half-read ones included.
pub const INBOUND_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Events waiting for room in the caller's channel before the swarm is no longer polled.
pub const OUTBOX_MAX: usize = 1024;
/// Most configured peers.
pub const PEERS_MAX: usize = 256;
/// Most connections, whoever made them.
pub const CONNECTIONS_MAX: u32 = 512;
/// Most connections with one peer: two nodes may dial each other at the same moment.
pub const CONNECTIONS_PER_PEER_MAX: u32 = 2;
/// Most connections whose handshake is under way, in each direction. There is no bound per
/// address: departments behind one gateway share it.
pub const HANDSHAKES_MAX: u32 = 256;
/// Longest handshake.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest way of a frame and its acknowledgement.
pub const FRAME_TIMEOUT: Duration = Duration::from_secs(30);
/// Between two pings of an open connection.
pub const PING_INTERVAL: Duration = Duration::from_secs(5);
/// Longest wait for a pong; the second in a row closes the connection.
pub const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// First wait before dialling again.
pub const REDIAL_FIRST: Duration = Duration::from_millis(250);
/// Longest wait before dialling again.
pub const REDIAL_LONGEST: Duration = Duration::from_secs(10);

// How the bounds relate.
const _: () = assert!(FRAME_BYTES_MAX >= mulu_chain::limits::BLOCK_BYTES_MAX + 512 * 1024);
const _: () = assert!(OUTBOUND_BYTES_MAX >= 4 * FRAME_BYTES_MAX);
// An honest sender's frames all fit its budget here, so half-read frames never wait for each other.
const _: () = assert!(INBOUND_BYTES_MAX >= OUTBOUND_BYTES_MAX);
const _: () = assert!(IN_FLIGHT_MAX <= OUTBOUND_FRAMES_MAX);
const _: () = assert!(CONNECTIONS_MAX as usize >= PEERS_MAX * CONNECTIONS_PER_PEER_MAX as usize);

/// What a node needs to talk to its peers.
#[derive(Debug, Clone)]
pub struct P2pConfig {
    /// The node's transport identity.
    pub identity: Keypair,
    /// Where to listen: `/ip4/…/tcp/…` or `/ip6/…/tcp/…`; port 0 takes a free one.
    pub listen: Multiaddr,
    /// Whom to dial, each `/ip4/…/tcp/…/p2p/…` or `/ip6/…`; dialled only while allowed.
    pub peers: Vec<Multiaddr>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum P2pEvent {
    /// An admitted peer is reachable.
    Connected(PeerId),
    /// It no longer is.
    Disconnected(PeerId),
    /// A peer sent this. The bytes count against the peer's budget until they are dropped: decode
    /// them into values of your own and let them go.
    Frame {
        /// The authenticated sender.
        from: PeerId,
        /// What it sent.
        bytes: Bytes,
    },
    /// The node listens here.
    Listening(Multiaddr),
}

/// Starts listening and dialling; must be called inside a tokio runtime.
///
/// The task ends after [`P2pHandle::shutdown`], or when the receiver of `events` is dropped.
///
/// # Errors
/// [`P2pError`]: an address of a wrong form, too many peers, or a port that cannot be opened.
pub async fn spawn(
    config: P2pConfig,
    allowed: BTreeSet<PeerId>,
    events: mpsc::Sender<P2pEvent>,
) -> Result<(P2pHandle, JoinHandle<()>), P2pError> {
    let (handle, inbox) = handle::new(allowed);
    let task = task::SwarmTask::open(config, inbox, events)?;
    Ok((handle, tokio::spawn(task.run())))
}
