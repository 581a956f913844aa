//! The codec: one encoding per value, bounded allocation, no panic from any bytes.

#![allow(clippy::unwrap_used)]

use mulu_chain::block::{Block, CertifiedBlock, Header};
use mulu_chain::bundle::Bundle;
use mulu_chain::certificate::CommitCertificate;
use mulu_chain::codec::{self, CodecInvalid};
use mulu_chain::limits::BLOCK_BYTES_MAX;
use mulu_chain::log::LogEntry;
use mulu_chain::signature::{PublicKey, Signature, SigningKey};
use mulu_chain::state::StateProof;
use mulu_chain::transaction::Envelope;
use mulu_node::replica::wire::PeerMessage;
use proptest::prelude::*;

#[test]
fn a_length_that_promises_more_than_there_is_allocates_nothing() {
    // Eight bytes that promise 2^60 items.
    let mut bytes = (1u64 << 60).to_le_bytes().to_vec();
    assert!(codec::decode::<Vec<u8>, BLOCK_BYTES_MAX>(&bytes).is_err());
    bytes.extend_from_slice(&[0; 64]);
    assert!(codec::decode::<Vec<u8>, BLOCK_BYTES_MAX>(&bytes).is_err());
    assert!(codec::decode::<Vec<Envelope>, BLOCK_BYTES_MAX>(&bytes).is_err());
}

#[test]
fn trailing_bytes_and_unknown_tags_are_refused() {
    let key = SigningKey::from_seed(&[3; 32]).public_key();
    let mut bytes = codec::encode(&key);
    assert_eq!(codec::decode::<PublicKey, 64>(&bytes), Ok(key));
    bytes.push(0);
    assert_eq!(codec::decode::<PublicKey, 64>(&bytes), Err(CodecInvalid::NotCanonical));
    bytes.pop();
    bytes[0] = 2;
    assert!(codec::decode::<PublicKey, 64>(&bytes).is_err());
    assert_eq!(
        codec::decode::<PublicKey, 8>(&bytes),
        Err(CodecInvalid::TooLong { found: 33, limit: 8 })
    );
}

#[test]
fn weak_keys_and_loose_signatures_are_refused() {
    // The eight small-order points (canonical and not), as in "Taming the many EdDSAs".
    let weak = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ];
    for text in weak {
        let bytes: [u8; 32] = hex::decode(text).unwrap().try_into().unwrap();
        assert!(PublicKey::from_bytes(bytes).is_err(), "{text}");
        assert!(format!("ed25519:{text}").parse::<PublicKey>().is_err());
    }
    // A signature whose s is not reduced is another signature for the same message to some tools.
    let key = SigningKey::from_seed(&[5; 32]);
    let good = key.sign(b"message");
    assert!(key.public_key().verify(b"message", &good).is_ok());
    let order: [u8; 32] =
        hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
            .unwrap()
            .try_into()
            .unwrap();
    let mut loose = *good.as_bytes();
    let mut carry = 0u16;
    for (byte, add) in loose[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = u8::try_from(sum & 0xff).unwrap();
        carry = sum >> 8;
    }
    assert!(key.public_key().verify(b"message", &Signature::from_bytes(loose)).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever bytes come, decoding ends with a value or a reason, and a value encodes to them.
    #[test]
    fn decoders_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        macro_rules! try_all { ($($t:ty),*) => { $(
            if let Ok(value) = codec::decode::<$t, BLOCK_BYTES_MAX>(&bytes) {
                prop_assert_eq!(codec::encode(&value), bytes.clone());
            }
        )* } }
        try_all!(Envelope, Block, Header, CertifiedBlock, CommitCertificate, LogEntry, StateProof, PeerMessage);
        let mut frame = vec![1, 0];
        frame.extend_from_slice(&bytes);
        drop(PeerMessage::from_frame(&frame));
        drop(Bundle::from_bytes(&bytes));
        let mut file = b"MULUBND2".to_vec();
        file.extend_from_slice(&bytes);
        drop(Bundle::from_bytes(&file));
        drop(Envelope::from_json(&bytes));
        let _ = mulu_chain::json::check(&bytes);
    }

    /// Text the strict scanner accepts, the JSON library accepts too.
    #[test]
    fn strict_json_is_json(text in "[\\[\\]{}:,\"a-c0-9. \\\\u\\-truefalsn]{0,40}") {
        if mulu_chain::json::check(text.as_bytes()).is_ok() {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
        }
    }
}
