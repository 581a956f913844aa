use super::*;

fn redial() -> (Redial, PeerId, BTreeSet<PeerId>) {
    let (local, peer) = (PeerId::random(), PeerId::random());
    let address: Multiaddr = "/ip4/127.0.0.1/tcp/1".parse().expect("address");
    let peers = [local, peer].map(|peer| PeerAddress { peer, address: address.clone() });
    (Redial::new(local, peers.to_vec()), peer, BTreeSet::from([local, peer]))
}

#[test]
fn only_allowed_peers_are_dialled_and_never_oneself() {
    let (mut redial, peer, allowed) = redial();
    let now = Instant::now();
    assert_eq!(redial.take_due(now), None, "nobody is allowed yet");
    redial.set_allowed(&allowed, now);
    assert_eq!(redial.take_due(now).map(|(peer, _)| peer), Some(peer));
    assert_eq!(redial.take_due(now), None, "the dial is under way");
    redial.lost(&peer, now);
    redial.set_allowed(&BTreeSet::new(), now);
    assert_eq!(redial.next_due(), None, "no longer allowed");
    redial.lost(&peer, now);
    assert_eq!(redial.next_due(), None, "its connection ending changes nothing");
    redial.set_allowed(&allowed, now);
    assert_eq!(redial.next_due(), Some(now), "allowed again: at once");
}

#[test]
fn the_wait_grows_and_a_connection_resets_it() {
    let (mut redial, peer, allowed) = redial();
    let now = Instant::now();
    redial.set_allowed(&allowed, now);
    let mut waits = Vec::new();
    for _ in 0..12 {
        redial.lost(&peer, now);
        waits.push(redial.next_due().expect("due") - now);
    }
    assert!(waits.is_sorted(), "{waits:?}");
    assert!(waits[0] >= REDIAL_FIRST && waits[0] <= REDIAL_FIRST * 5 / 4, "{waits:?}");
    assert_eq!(waits.last(), Some(&REDIAL_LONGEST));
    redial.connected(&peer);
    assert_eq!(redial.next_due(), None);
    redial.lost(&peer, now);
    assert_eq!(redial.next_due(), Some(now + waits[0]));
}

#[test]
fn two_nodes_wait_differently() {
    let peer = PeerId::random();
    let waits: BTreeSet<_> = (0..64).map(|_| backoff(&PeerId::random(), &peer, 2)).collect();
    assert!(waits.len() > 16, "{waits:?}");
}
