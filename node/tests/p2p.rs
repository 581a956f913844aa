//! The transport over loopback: frames arrive, strangers do not, the allow list is obeyed at once,
//! a restarted peer is found again, and oversize frames are refused.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::request_response;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId};
use mulu_node::explain::{Explain as _, Language};
use mulu_node::p2p::{FRAME_BYTES_MAX, P2pConfig, P2pError, P2pEvent, P2pHandle, spawn};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

#[path = "p2p/raw.rs"]
mod raw;

use raw::{raw_frame, raw_swarm};

/// Longest wait for something that must happen.
const SOON: Duration = Duration::from_secs(20);
/// How long something that must not happen is given to happen.
const NEVER: Duration = Duration::from_millis(1500);

struct Node {
    peer: PeerId,
    address: Multiaddr,
    handle: P2pHandle,
    events: mpsc::Receiver<P2pEvent>,
    task: JoinHandle<()>,
}

impl Node {
    async fn start(
        identity: &Keypair,
        listen: &str,
        peers: &[Multiaddr],
        allowed: &[PeerId],
    ) -> Node {
        let (sender, mut events) = mpsc::channel(64);
        let config = P2pConfig {
            identity: identity.clone(),
            listen: listen.parse().expect("an address"),
            peers: peers.to_vec(),
        };
        let allowed = allowed.iter().copied().collect();
        let (handle, task) = spawn(config, allowed, sender).await.expect("the node listens");
        let peer = identity.public().to_peer_id();
        let first = timeout(SOON, events.recv()).await.expect("in time").expect("an event");
        let P2pEvent::Listening(address) = first else { panic!("{first:?} before listening") };
        let address = address.with(Protocol::P2p(peer));
        Node { peer, address, handle, events, task }
    }

    async fn next(&mut self) -> P2pEvent {
        timeout(SOON, self.events.recv()).await.expect("an event in time").expect("a running task")
    }

    async fn connected_to(&mut self, peers: &[PeerId]) {
        let mut missing: BTreeSet<_> = peers.iter().copied().collect();
        while !missing.is_empty() {
            match self.next().await {
                P2pEvent::Connected(peer) => assert!(missing.remove(&peer), "{peer} is unexpected"),
                other => panic!("{other:?} while waiting for {missing:?}"),
            }
        }
    }

    async fn frame(&mut self) -> (PeerId, Bytes) {
        match self.next().await {
            P2pEvent::Frame { from, bytes } => (from, bytes),
            other => panic!("{other:?} instead of a frame"),
        }
    }

    async fn silent(&mut self) {
        if let Ok(event) = timeout(NEVER, self.events.recv()).await {
            panic!("{event:?} instead of silence");
        }
    }

    async fn stop(self) {
        self.handle.shutdown();
        timeout(SOON, self.task).await.expect("stops in time").expect("without a panic");
    }
}

fn identities<const N: usize>() -> ([Keypair; N], [PeerId; N]) {
    let keys = std::array::from_fn(|_| Keypair::generate_ed25519());
    let peers = std::array::from_fn(|i: usize| {
        let keys: &[Keypair; N] = &keys;
        keys[i].public().to_peer_id()
    });
    (keys, peers)
}

fn pattern(size: usize) -> Bytes {
    (0..size).map(|i| u8::try_from(i % 251).expect("small")).collect::<Vec<_>>().into()
}

const LOOPBACK: &str = "/ip4/127.0.0.1/tcp/0";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_arrive_at_three_nodes() {
    let (keys, peers) = identities::<3>();
    let mut a = Node::start(&keys[0], LOOPBACK, &[], &peers).await;
    // Each dials all that started before it, and itself, which is ignored.
    let mut b = Node::start(&keys[1], LOOPBACK, &[a.address.clone()], &peers).await;
    let known = [a.address.clone(), b.address.clone()];
    let mut c = Node::start(&keys[2], LOOPBACK, &known, &peers).await;
    a.connected_to(&[peers[1], peers[2]]).await;
    b.connected_to(&[peers[0], peers[2]]).await;
    c.connected_to(&[peers[0], peers[1]]).await;

    for size in [0, 10, 3 * 1024 * 1024, FRAME_BYTES_MAX] {
        let frame = pattern(size);
        a.handle.send(b.peer, frame.clone());
        assert_eq!(b.frame().await, (a.peer, frame.clone()));
        c.handle.broadcast(frame.clone());
        assert_eq!(a.frame().await, (c.peer, frame.clone()));
        assert_eq!(b.frame().await, (c.peer, frame));
    }
    // Refused at once, without reaching the wire.
    a.handle.send(b.peer, pattern(FRAME_BYTES_MAX + 1));
    a.handle.send(Keypair::generate_ed25519().public().to_peer_id(), pattern(1));
    b.silent().await;
    let counters = a.handle.counters();
    assert_eq!((counters.frames_dropped, counters.frames_undelivered), (1, 1), "{counters:?}");
    assert_eq!((counters.frames_sent, counters.frames_received), (4, 4), "{counters:?}");
    assert_eq!(counters.peers_connected, 2, "{counters:?}");
    for node in [a, b, c] {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_frames_arrive_through_a_slow_reader() {
    let (keys, peers) = identities::<2>();
    let mut a = Node::start(&keys[0], LOOPBACK, &[], &peers).await;
    let mut b = Node::start(&keys[1], LOOPBACK, &[a.address.clone()], &peers).await;
    a.connected_to(&[b.peer]).await;
    b.connected_to(&[a.peer]).await;
    // More than the reader's channel of 64 and than the 64 streams under way hold.
    for index in 0..200_u8 {
        b.handle.send(a.peer, Bytes::from(vec![index; 20_000]));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut seen = BTreeSet::new();
    while seen.len() < 200 {
        let (_, bytes) = a.frame().await;
        assert_eq!(bytes.len(), 20_000);
        assert!(seen.insert(bytes[0]), "frame {} arrived twice", bytes[0]);
    }
    assert_eq!(b.handle.counters().frames_dropped, 0);
    for node in [a, b] {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_gets_nothing_and_sends_nothing() {
    let (keys, peers) = identities::<3>();
    let members = [peers[0], peers[1]];
    let mut a = Node::start(&keys[0], LOOPBACK, &[], &members).await;
    let mut b = Node::start(&keys[1], LOOPBACK, &[a.address.clone()], &members).await;
    a.connected_to(&[b.peer]).await;
    b.connected_to(&[a.peer]).await;

    // Plain libp2p with our protocol, admitting everybody: it sends at the first chance.
    let mut stranger = raw_swarm(&keys[2]);
    let a_peer = a.peer;
    stranger.dial(a.address.clone()).expect("a dial");
    stranger.behaviour_mut().send_request(&a_peer, raw_frame(10, b"0123456789"));
    let closed = async {
        loop {
            match stranger.select_next_some().await {
                SwarmEvent::ConnectionClosed { .. }
                | SwarmEvent::OutgoingConnectionError { .. } => break,
                SwarmEvent::Behaviour(request_response::Event::Message { message, .. }) => {
                    panic!("the stranger received {message:?}")
                }
                _ => {}
            }
        }
    };
    timeout(SOON, closed).await.expect("the connection is closed");
    a.handle.broadcast(pattern(10));
    assert_eq!(b.frame().await, (a_peer, pattern(10)));
    a.silent().await;
    let counters = a.handle.counters();
    assert!(counters.connections_refused >= 1, "{counters:?}");
    assert_eq!((counters.frames_received, counters.frames_undelivered), (0, 0), "{counters:?}");
    for node in [a, b] {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_allow_list_is_obeyed_both_ways() {
    let (keys, peers) = identities::<2>();
    let mut a = Node::start(&keys[0], LOOPBACK, &[], &peers).await;
    let mut b = Node::start(&keys[1], LOOPBACK, &[a.address.clone()], &[peers[1]]).await;
    // b has a's address but does not admit it, so it does not dial.
    a.silent().await;
    b.handle.set_allowed(peers.into());
    a.connected_to(&[b.peer]).await;
    b.connected_to(&[a.peer]).await;

    a.handle.set_allowed([peers[0]].into());
    assert_eq!(a.next().await, P2pEvent::Disconnected(b.peer));
    assert_eq!(b.next().await, P2pEvent::Disconnected(a.peer));
    b.handle.send(a.peer, pattern(10));
    a.silent().await;

    a.handle.set_allowed(peers.into());
    a.connected_to(&[b.peer]).await;
    // b may have seen a connection that a refused come and go while it kept dialling.
    loop {
        b.handle.send(a.peer, pattern(10));
        match timeout(Duration::from_millis(200), a.events.recv()).await {
            Ok(Some(P2pEvent::Frame { from, bytes })) => {
                assert_eq!((from, bytes), (b.peer, pattern(10)));
                break;
            }
            Ok(other) => panic!("{other:?}"),
            Err(_) => {}
        }
    }
    for node in [a, b] {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_peer_is_found_again() {
    let (keys, peers) = identities::<2>();
    let mut a = Node::start(&keys[0], LOOPBACK, &[], &peers).await;
    let mut b = Node::start(&keys[1], LOOPBACK, &[a.address.clone()], &peers).await;
    a.connected_to(&[b.peer]).await;
    b.connected_to(&[a.peer]).await;

    let mut listen = a.address.clone();
    listen.pop();
    a.stop().await;
    assert_eq!(b.next().await, P2pEvent::Disconnected(peers[0]));
    b.handle.send(peers[0], pattern(10));
    tokio::time::sleep(Duration::from_millis(600)).await;

    let mut a = Node::start(&keys[0], &listen.to_string(), &[], &peers).await;
    a.connected_to(&[b.peer]).await;
    b.connected_to(&[a.peer]).await;
    b.handle.send(a.peer, pattern(11));
    assert_eq!(a.frame().await, (b.peer, pattern(11)), "and the lost frame is not repeated");
    for node in [a, b] {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_dial_each_other_connect_once() {
    let (keys, peers) = identities::<2>();
    let mut a = Node::start(&keys[0], LOOPBACK, &[], &[peers[0]]).await;
    let b_listen = {
        let probe = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        format!("/ip4/127.0.0.1/tcp/{}", probe.local_addr().expect("bound").port())
    };
    let b_address: Multiaddr = format!("{b_listen}/p2p/{}", peers[1]).parse().expect("an address");
    let mut listen = a.address.clone();
    listen.pop();
    a.stop().await;
    a = Node::start(&keys[0], &listen.to_string(), &[b_address], &peers).await;
    let mut b = Node::start(&keys[1], &b_listen, &[a.address.clone()], &peers).await;
    a.connected_to(&[b.peer]).await;
    b.connected_to(&[a.peer]).await;
    for index in 0..50_u8 {
        a.handle.send(b.peer, Bytes::from(vec![index; 100]));
    }
    let mut seen = BTreeSet::new();
    while seen.len() < 50 {
        assert!(seen.insert(b.frame().await.1[0]));
    }
    a.silent().await;
    b.silent().await;
    for node in [a, b] {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_oversize_or_malformed_frame_is_refused() {
    let (keys, peers) = identities::<2>();
    let mut a = Node::start(&keys[0], LOOPBACK, &[], &peers).await;
    let mut member = raw_swarm(&keys[1]);
    member.dial(a.address.clone()).expect("a dial");
    let over = u32::try_from(FRAME_BYTES_MAX + 1).expect("fits");
    for frame in [raw_frame(over, b"ab"), raw_frame(1, b"ab"), raw_frame(2, b"ab")] {
        member.behaviour_mut().send_request(&a.peer, frame);
    }
    let (mut failures, mut acks) = (0, 0);
    let answers = async {
        while failures + acks < 3 {
            match member.select_next_some().await {
                SwarmEvent::Behaviour(request_response::Event::OutboundFailure { .. }) => {
                    failures += 1
                }
                SwarmEvent::Behaviour(request_response::Event::Message { .. }) => acks += 1,
                SwarmEvent::ConnectionClosed { .. } => panic!("one bad frame is no reason to part"),
                _ => {}
            }
        }
    };
    timeout(SOON, answers).await.expect("three answers");
    assert_eq!((failures, acks), (2, 1));
    a.connected_to(&[peers[1]]).await;
    assert_eq!(a.frame().await, (peers[1], Bytes::from_static(b"ab")));
    a.silent().await;
    assert_eq!(a.handle.counters().frames_refused, 2);
    a.stop().await;
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let (keys, peers) = identities::<1>();
    let busy = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = busy.local_addr().expect("bound").port();
    let taken = Node::start(&keys[0], LOOPBACK, &[], &peers).await;
    let mut taken_listen = taken.address.clone();
    taken_listen.pop();
    let rows = [
        (format!("/ip4/127.0.0.1/tcp/{port}"), vec![], "is in use"),
        (taken_listen.to_string(), vec![], "is in use"),
        ("/dns4/localhost/tcp/0".to_owned(), vec![], "names (/dns…) are not resolved"),
        ("/ip4/192.0.2.1/tcp/0".to_owned(), vec![], "must be an address of this machine"),
        (LOOPBACK.to_owned(), vec!["/ip4/127.0.0.1/tcp/1"], "/p2p/12D3KooW…"),
    ];
    for (listen, dial, expected) in rows {
        let config = P2pConfig {
            identity: keys[0].clone(),
            listen: listen.parse().expect("a multiaddr"),
            peers: dial.iter().map(|peer| peer.parse().expect("a multiaddr")).collect(),
        };
        let (sender, _events) = mpsc::channel(1);
        let error: P2pError = match spawn(config, BTreeSet::new(), sender).await {
            Ok(_) => panic!("{listen} started"),
            Err(error) => error,
        };
        let text = error.explain(Language::Chinese);
        assert!(text.contains(expected), "{text}");
        assert!(text.starts_with("错误："), "{text}");
    }
    taken.stop().await;
}
