use super::*;

const PEER: &str = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";

#[test]
fn forms_of_addresses() {
    let rows = [
        // address, to listen on, as a peer
        ("/ip4/127.0.0.1/tcp/26601", true, false),
        ("/ip6/::1/tcp/0", true, false),
        ("/ip4/127.0.0.1/tcp/26601/p2p/PEER", false, true),
        ("/ip6/::1/tcp/26601/p2p/PEER", false, true),
        ("/ip4/127.0.0.1/tcp/0/p2p/PEER", false, false),
        ("/ip4/127.0.0.1", false, false),
        ("/ip4/127.0.0.1/udp/26601/quic-v1", false, false),
        ("/dns4/node.example/tcp/26601", false, false),
        ("/dns4/node.example/tcp/26601/p2p/PEER", false, false),
        ("/ip4/127.0.0.1/tcp/26601/ws", false, false),
        ("/p2p/PEER", false, false),
        ("/p2p/PEER/ip4/127.0.0.1/tcp/26601", false, false),
    ];
    for (text, listen, peer) in rows {
        let address: Multiaddr = text.replace("PEER", PEER).parse().expect(text);
        assert_eq!(check_listen_address(&address).is_ok(), listen, "{text} to listen on");
        assert_eq!(PeerAddress::try_from(&address).is_ok(), peer, "{text} as a peer");
    }
}

#[test]
fn a_peer_address_is_split() {
    let full: Multiaddr = format!("/ip4/10.0.0.1/tcp/7/p2p/{PEER}").parse().expect("address");
    let split = PeerAddress::try_from(&full).expect("a peer");
    assert_eq!(split.peer.to_string(), PEER);
    assert_eq!(split.address.to_string(), "/ip4/10.0.0.1/tcp/7");
}
