//! Peer ids and times against values of other programs.

mod common;

use mulu_genesis::peer_id::{PeerIdInvalid, peer_id_key, peer_id_of};
use mulu_genesis::utc::parse_utc;

/// Public keys of RFC 8032 section 7.1 (tests 1 and 2) and of the libp2p peer-id specification,
/// with the peer ids that rust-libp2p gives them.
const PEER_IDS: [(&str, &str); 3] = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "12D3KooWQK1wnefoLrcVHbbnf5tLzbopUd3K3bFAoJpA7YJgL5pV",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "12D3KooWDwTirQce1RRKnasT5fPVFgzXCy6SiRgSwrwPGLC7zE91",
    ),
    (
        "1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e",
        "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq",
    ),
];

#[test]
fn peer_ids_are_those_of_libp2p() {
    for (key, peer_id) in PEER_IDS {
        let key = format!("ed25519:{key}").parse().expect("a key");
        assert_eq!(peer_id_of(&key), peer_id);
        assert_eq!(peer_id_key(peer_id), Ok(key));
    }
    for seed in 0..=255 {
        let key = common::key(seed);
        assert_eq!(peer_id_key(&peer_id_of(&key)), Ok(key));
    }
}

#[test]
fn other_texts_are_no_peer_ids() {
    let good = PEER_IDS[0].1;
    assert_eq!(peer_id_key(""), Err(PeerIdInvalid::Length));
    assert_eq!(peer_id_key(&good[1..]), Err(PeerIdInvalid::Length));
    assert_eq!(peer_id_key(&good.replace('Q', "0")), Err(PeerIdInvalid::Alphabet));
    assert_eq!(peer_id_key(&"z".repeat(52)), Err(PeerIdInvalid::Kind));
    assert_eq!(peer_id_key(&"1".repeat(52)), Err(PeerIdInvalid::Kind));
    assert_eq!(peer_id_key(&format!("12D3KooW{}", "1".repeat(44))), Err(PeerIdInvalid::Kind));
    // The multibyte text is 52 bytes long, too.
    assert_eq!(peer_id_key(&"é".repeat(26)), Err(PeerIdInvalid::Alphabet));
}

#[test]
fn times_are_rfc_3339_in_utc() {
    let rows = [
        ("1970-01-01T00:00:00Z", Some(0)),
        ("1970-01-01T00:00:00.001Z", Some(1)),
        ("2026-01-01T00:00:00Z", Some(1_767_225_600_000)),
        ("2024-02-29T23:59:59.999Z", Some(1_709_251_199_999)),
        ("2000-02-29T00:00:00Z", Some(951_782_400_000)),
        ("9999-12-31T23:59:59Z", Some(253_402_300_799_000)),
        ("2026-02-29T00:00:00Z", None),
        ("2100-02-29T00:00:00Z", None),
        ("2026-04-31T00:00:00Z", None),
        ("2026-13-01T00:00:00Z", None),
        ("2026-00-01T00:00:00Z", None),
        ("2026-01-00T00:00:00Z", None),
        ("2026-01-01T24:00:00Z", None),
        ("2026-01-01T00:60:00Z", None),
        ("2026-01-01T00:00:60Z", None),
        ("1969-12-31T23:59:59Z", None),
        ("2026-01-01T00:00:00", None),
        ("2026-01-01T00:00:00+08:00", None),
        ("2026-01-01 00:00:00Z", None),
        ("2026-01-01T00:00:00.1Z", None),
        ("2026-1-1T00:00:00Z", None),
        ("+026-01-01T00:00:00Z", None),
        ("2026-01-01-01T00:00:00Z", None),
        ("2026-01-01", None),
        ("", None),
    ];
    for (text, expected) in rows {
        assert_eq!(parse_utc(text).map(|time| time.0), expected, "{text:?}");
    }
}
