//! What a flood of bodies may cost, and whom.

use mulu_chain::block::{Block, HEADER_VERSION, Header, body_hash};
use mulu_chain::digest::Digest;
use mulu_chain::signature::{PublicKey, SigningKey};
use mulu_chain::types::TimeMs;

use super::*;

fn body(time_ms: u64) -> VerifiedBlock {
    let header = Header {
        version: HEADER_VERSION,
        chain_id: "test".parse().unwrap(),
        protocol_version: 1,
        height: Height(1),
        time_ms: TimeMs(time_ms),
        parent: Digest::ZERO,
        proposer: Some(proposer()),
        transactions: 0,
        body: body_hash(&[]),
        log_size: 0,
        log_root: Digest::ZERO,
        state_root: Digest::ZERO,
        validator_set_hash: Digest::ZERO,
        next_validator_set_hash: Digest::ZERO,
    };
    VerifiedBlock { block: Block { header, transactions: Vec::new() }, transactions: Vec::new() }
}

fn proposer() -> PublicKey {
    SigningKey::from_seed(&[1; 32]).public_key()
}

/// Forty more blocks of one sender.
fn flood(candidates: &mut Candidates, from: PeerId, keep: &BTreeSet<BlockId>) {
    for later in 0..40 {
        candidates.add_body(body(1_000 + later), Some(from), keep);
    }
}

#[test]
fn a_flood_leaves_what_is_kept() {
    let mut candidates = Candidates::default();
    let liar = PeerId::random();
    let none = BTreeSet::new();
    let proposed = candidates.add_body(body(1), Some(liar), &none);
    flood(&mut candidates, liar, &BTreeSet::from([proposed]));
    assert!(candidates.body(&proposed).is_some());
    assert_eq!(candidates.bodies_len(), BODIES_PER_SENDER_MAX);
    // It is in play no more: it goes with the next flood.
    candidates.add_body(body(2_000), Some(liar), &none);
    assert!(candidates.body(&proposed).is_none());
}

#[test]
fn a_flood_costs_nobody_but_its_author() {
    let mut candidates = Candidates::default();
    let (liar, honest) = (PeerId::random(), PeerId::random());
    let none = BTreeSet::new();
    // The liar was the first to pass the honest block on.
    let id = candidates.add_body(body(1), Some(liar), &none);
    candidates.add_body(body(1), Some(honest), &none);
    flood(&mut candidates, liar, &none);
    assert!(candidates.body(&id).is_some());
    assert_eq!(candidates.bodies_len(), BODIES_PER_SENDER_MAX + 1);
    flood(&mut candidates, honest, &none);
    assert!(candidates.body(&id).is_none());
}
