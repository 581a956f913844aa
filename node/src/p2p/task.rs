//! The one task that owns the swarm: commands in, events out, nothing awaited in between.
//!
//! Events go to the caller's channel; while it is full they wait in an outbox, and while the
//! outbox is full the swarm is not polled, so the peers feel it. Commands, the allow list and the
//! wish to stop are obeyed all the while.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::net::TcpListener;
use std::time::Duration;

use futures::StreamExt as _;
use libp2p::request_response::{
    self, InboundFailure, Message, OutboundRequestId, ProtocolSupport, ResponseChannel,
};
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{DialError, ListenError, NetworkBehaviour, SwarmEvent};
use libp2p::{
    Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder, TransportError, allow_block_list,
    connection_limits, noise, ping, tcp, yamux,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::codec::{Ack, FrameCodec, PROTOCOL};
use super::handle::{Command, Inbox};
use super::outbound::Outbound;
use super::redial::Redial;
use super::{
    CONNECTIONS_MAX, CONNECTIONS_PER_PEER_MAX, FRAME_TIMEOUT, HANDSHAKE_TIMEOUT, HANDSHAKES_MAX,
    IN_FLIGHT_MAX, OUTBOX_MAX, P2pConfig, P2pError, P2pEvent, PEERS_MAX, PING_INTERVAL,
    PING_TIMEOUT, PeerAddress, check_listen_address,
};

/// Streams of one connection, both directions, with room for those that are just closing.
const STREAMS_MAX: usize = IN_FLIGHT_MAX * 3;
/// At most one refused connection is logged in this time; all are counted.
const REFUSAL_LOG_INTERVAL: Duration = Duration::from_secs(10);

/// What the swarm speaks. The allow list comes first, so that a stranger meets nothing else; the
/// frames come last, because their behaviour remembers a connection that a later one might refuse.
#[derive(NetworkBehaviour)]
struct Behaviour {
    allowed: allow_block_list::Behaviour<allow_block_list::AllowedPeers>,
    limits: connection_limits::Behaviour,
    ping: ping::Behaviour,
    frames: request_response::Behaviour<FrameCodec>,
}

/// An event on its way to the caller, and whom to thank when it got there.
struct Outgoing {
    event: P2pEvent,
    thanks: Option<ResponseChannel<Ack>>,
}

/// The task's state.
pub(super) struct SwarmTask {
    swarm: Swarm<Behaviour>,
    inbox: Inbox,
    events: mpsc::Sender<P2pEvent>,
    outbox: VecDeque<Outgoing>,
    allowed: BTreeSet<PeerId>,
    connected: BTreeMap<PeerId, Outbound<OutboundRequestId>>,
    redial: Redial,
    refusal_logged: Option<Instant>,
}

impl SwarmTask {
    /// Checks the configuration and starts to listen.
    pub(super) fn open(
        config: P2pConfig,
        inbox: Inbox,
        events: mpsc::Sender<P2pEvent>,
    ) -> Result<Self, P2pError> {
        if config.peers.len() > PEERS_MAX {
            return Err(P2pError::TooManyPeers { count: config.peers.len() });
        }
        let peers: Vec<PeerAddress> =
            config.peers.iter().map(PeerAddress::try_from).collect::<Result<_, _>>()?;
        let mut swarm = swarm(&config, FrameCodec::new(inbox.shared.clone()))?;
        listen(&mut swarm, &config.listen)?;
        let redial = Redial::new(*swarm.local_peer_id(), peers);
        let mut task = SwarmTask {
            swarm,
            inbox,
            events,
            outbox: VecDeque::new(),
            allowed: BTreeSet::new(),
            connected: BTreeMap::new(),
            redial,
            refusal_logged: None,
        };
        task.obey();
        Ok(task)
    }

    /// Runs until told to stop, or until nobody holds the other ends.
    pub(super) async fn run(mut self) {
        loop {
            let due = self.redial.next_due();
            tokio::select! {
                changed = self.inbox.control.changed() => {
                    if changed.is_err() || self.obey() {
                        break;
                    }
                }
                open = has_room(&self.events), if !self.outbox.is_empty() => {
                    if !open {
                        break;
                    }
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.dial_due(),
                event = self.swarm.select_next_some(), if self.outbox.len() < OUTBOX_MAX => {
                    self.on_swarm_event(event);
                }
                Some(command) = self.inbox.commands.recv() => self.on_command(command),
            }
            self.deliver();
        }
        self.inbox.shared.set_connected(0);
    }

    /// Follows the latest control state; answers whether to stop.
    fn obey(&mut self) -> bool {
        let control = self.inbox.control.borrow_and_update().clone();
        let list = &mut self.swarm.behaviour_mut().allowed;
        for peer in self.allowed.difference(&control.allowed) {
            list.disallow_peer(*peer);
        }
        for peer in control.allowed.difference(&self.allowed) {
            list.allow_peer(*peer);
        }
        self.allowed = control.allowed;
        let allowed = &self.allowed;
        self.outbox.retain(|outgoing| match &outgoing.event {
            P2pEvent::Frame { from, .. } => allowed.contains(from),
            _ => true,
        });
        self.redial.set_allowed(allowed, Instant::now());
        control.stop
    }

    fn on_command(&mut self, command: Command) {
        self.inbox.shared.taken(&command);
        let Command { to, frame } = command;
        let peers = match to {
            Some(peer) => vec![peer],
            None => self.connected.keys().copied().collect(),
        };
        for peer in peers {
            match self.connected.get_mut(&peer).filter(|_| self.allowed.contains(&peer)) {
                Some(outbound) => {
                    let dropped = outbound.push(frame.clone());
                    self.inbox.shared.count_dropped(dropped);
                }
                None => self.inbox.shared.count_undelivered(1),
            }
            self.send_waiting(&peer);
        }
    }

    fn send_waiting(&mut self, peer: &PeerId) {
        let frames = &mut self.swarm.behaviour_mut().frames;
        if let Some(outbound) = self.connected.get_mut(peer) {
            while outbound.send_next(|frame| frames.send_request(peer, frame)) {}
        }
    }

    fn landed(&mut self, peer: PeerId, id: OutboundRequestId, arrived: bool) {
        if let Some(bytes) = self.connected.get_mut(&peer).and_then(|out| out.landed(&id)) {
            match arrived {
                true => self.inbox.shared.count_sent(bytes),
                false => self.inbox.shared.count_undelivered(1),
            }
            self.send_waiting(&peer);
        }
    }

    fn dial_due(&mut self) {
        let now = Instant::now();
        while let Some((peer, addresses)) = self.redial.take_due(now) {
            // A port of its own: two nodes that dial each other from their listening ports would
            // meet in a TCP simultaneous open, with two dialers and no listener.
            let dial = DialOpts::peer_id(peer)
                .condition(PeerCondition::DisconnectedAndNotDialing)
                .addresses(addresses)
                .allocate_new_port()
                .build();
            match self.swarm.dial(dial) {
                Ok(()) => {}
                Err(DialError::DialPeerConditionFalse(_)) if self.swarm.is_connected(&peer) => {
                    self.redial.connected(&peer);
                }
                Err(error) => self.dial_failed(peer, &error),
            }
        }
    }

    fn dial_failed(&mut self, peer: PeerId, error: &DialError) {
        if self.swarm.is_connected(&peer) {
            return self.redial.connected(&peer);
        }
        match error {
            DialError::WrongPeerId { obtained, address } => tracing::warn!(
                expected = %peer, %obtained, %address,
                "another node answers at this address; correct `peers` in config.toml"
            ),
            _ => tracing::debug!(%peer, %error, "cannot reach a peer, will try again"),
        }
        self.redial.lost(&peer, Instant::now());
    }

    fn on_swarm_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Frames(event)) => self.on_frame_event(event),
            SwarmEvent::Behaviour(BehaviourEvent::Ping(event)) => {
                if let Err(ping::Failure::Timeout | ping::Failure::Other { .. }) = event.result {
                    tracing::info!(peer = %event.peer, "a peer does not answer, closing its connection");
                    self.swarm.close_connection(event.connection);
                }
            }
            SwarmEvent::ConnectionEstablished { peer_id, endpoint, .. } => {
                self.redial.connected(&peer_id);
                if let Entry::Vacant(place) = self.connected.entry(peer_id) {
                    place.insert(Outbound::new());
                    let address = endpoint.get_remote_address();
                    tracing::info!(peer = %peer_id, %address, "peer connected");
                    self.emit(P2pEvent::Connected(peer_id));
                }
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, cause, .. } => {
                tracing::info!(peer = %peer_id, cause = %Cause(cause), "peer disconnected");
                self.redial.lost(&peer_id, Instant::now());
                if let Some(outbound) = self.connected.remove(&peer_id) {
                    self.inbox.shared.count_undelivered(outbound.len());
                    self.emit(P2pEvent::Disconnected(peer_id));
                }
            }
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer), error, .. } => {
                self.dial_failed(peer, &error);
            }
            SwarmEvent::IncomingConnectionError { error, send_back_addr, peer_id, .. } => {
                self.on_refused(&error, &send_back_addr, peer_id);
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                tracing::info!(%address, "listening for peers");
                self.emit(P2pEvent::Listening(address));
            }
            SwarmEvent::ListenerError { error, .. } => {
                tracing::warn!(%error, "a connection could not be accepted");
            }
            SwarmEvent::ListenerClosed { reason: Err(error), .. } => {
                tracing::error!(%error, "no longer listening for peers; restart mulud");
            }
            _ => {}
        }
        self.inbox.shared.set_connected(self.connected.len());
    }

    fn on_frame_event(&mut self, event: request_response::Event<bytes::Bytes, Ack>) {
        use request_response::Event;
        match event {
            Event::Message { peer, message: Message::Request { request, channel, .. }, .. } => {
                if self.allowed.contains(&peer) {
                    let event = P2pEvent::Frame { from: peer, bytes: request };
                    self.outbox.push_back(Outgoing { event, thanks: Some(channel) });
                }
            }
            Event::Message { peer, message: Message::Response { request_id, .. }, .. } => {
                self.landed(peer, request_id, true);
            }
            Event::OutboundFailure { peer, request_id, error, .. } => {
                tracing::debug!(%peer, %error, "a frame did not arrive");
                self.landed(peer, request_id, false);
            }
            Event::InboundFailure { error: InboundFailure::ResponseOmission, .. }
            | Event::ResponseSent { .. } => {}
            Event::InboundFailure { peer, error, .. } => {
                tracing::debug!(%peer, %error, "a frame could not be acknowledged");
            }
        }
    }

    fn on_refused(&mut self, error: &ListenError, from: &Multiaddr, peer: Option<PeerId>) {
        let ListenError::Denied { cause } = error else {
            return tracing::debug!(%from, %error, "a handshake failed");
        };
        self.inbox.shared.count_connection_refused();
        let now = Instant::now();
        if self.refusal_logged.is_none_or(|last| now - last >= REFUSAL_LOG_INTERVAL) {
            self.refusal_logged = Some(now);
            let peer = peer.map_or_else(|| "unknown".to_owned(), |peer| peer.to_string());
            tracing::warn!(%from, peer, %cause, "refused a connection");
        }
    }

    fn emit(&mut self, event: P2pEvent) {
        self.outbox.push_back(Outgoing { event, thanks: None });
    }

    /// Moves events to the caller's channel while there is room, and acknowledges frames.
    fn deliver(&mut self) {
        while !self.outbox.is_empty() {
            let Ok(room) = self.events.try_reserve() else { return };
            let Some(Outgoing { event, thanks }) = self.outbox.pop_front() else { return };
            if let P2pEvent::Frame { bytes, .. } = &event {
                self.inbox.shared.count_received(bytes.len());
            }
            room.send(event);
            if let Some(channel) = thanks {
                // Fails if the connection ended meanwhile: then nobody waits for the answer.
                let _ = self.swarm.behaviour_mut().frames.send_response(channel, Ack);
            }
        }
    }
}

/// Waits for room in the caller's channel; `false` when nobody reads it any more.
async fn has_room(events: &mpsc::Sender<P2pEvent>) -> bool {
    events.reserve().await.is_ok()
}

/// Why a connection ended, for the log.
struct Cause(Option<libp2p::swarm::ConnectionError>);

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Some(error) => error.fmt(f),
            None => f.write_str("closed by this node"),
        }
    }
}

fn swarm(config: &P2pConfig, codec: FrameCodec) -> Result<Swarm<Behaviour>, P2pError> {
    let limits = connection_limits::ConnectionLimits::default()
        .with_max_pending_incoming(Some(HANDSHAKES_MAX))
        .with_max_pending_outgoing(Some(HANDSHAKES_MAX))
        .with_max_established(Some(CONNECTIONS_MAX))
        .with_max_established_per_peer(Some(CONNECTIONS_PER_PEER_MAX));
    let pings = ping::Config::new().with_interval(PING_INTERVAL).with_timeout(PING_TIMEOUT);
    let frames = request_response::Config::default()
        .with_request_timeout(FRAME_TIMEOUT)
        .with_max_concurrent_streams(STREAMS_MAX);
    let protocols = [(StreamProtocol::new(PROTOCOL), ProtocolSupport::Full)];
    let behaviour = Behaviour {
        allowed: allow_block_list::Behaviour::default(),
        limits: connection_limits::Behaviour::new(limits),
        ping: ping::Behaviour::new(pings),
        frames: request_response::Behaviour::with_codec(codec, protocols, frames),
    };
    let failed = |e: &dyn std::fmt::Display| P2pError::Identity(e.to_string());
    Ok(SwarmBuilder::with_existing_identity(config.identity.clone())
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)
        .map_err(|e| failed(&e))?
        .with_behaviour(|_| behaviour)
        .map_err(|e| failed(&e))?
        .with_swarm_config(|config| {
            config
                .with_idle_connection_timeout(Duration::from_secs(u64::MAX))
                .with_max_negotiating_inbound_streams(STREAMS_MAX)
        })
        .with_connection_timeout(HANDSHAKE_TIMEOUT)
        .build())
}

fn listen(swarm: &mut Swarm<Behaviour>, address: &Multiaddr) -> Result<(), P2pError> {
    let socket = check_listen_address(address)?;
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => {
            P2pError::PortBusy { address: address.clone(), port: socket.port() }
        }
        _ => P2pError::Listen { address: address.clone(), source },
    };
    // libp2p sets SO_REUSEPORT, so two nodes of one user would share a port and lose each other's
    // connections; an ordinary socket finds out first whether the port is free.
    drop(TcpListener::bind(socket).map_err(failed)?);
    match swarm.listen_on(address.clone()) {
        Ok(_) => Ok(()),
        Err(TransportError::Other(source)) => Err(failed(source)),
        Err(TransportError::MultiaddrNotSupported(address)) => {
            Err(P2pError::Address(super::AddressInvalid::Listen(address.to_string())))
        }
    }
}
