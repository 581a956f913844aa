//! A change of the rules while programs of two ages run, and a ledger that went another way.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "replica_net/mod.rs"]
mod net;

use std::sync::Arc;

use mulu_chain::types::Height;
use mulu_contracts::protocol::{RuleBook, Rules};
use mulu_node::storage::{Batch, Column, Kv, MemoryKv};
use net::Net;

/// A program that is one version ahead.
const BOTH: RuleBook = RuleBook::new(&[(1, Rules::First), (2, Rules::First)]);
const HOUR_MS: u64 = 3_600_000;

fn heights(net: &Net) -> [u64; 4] {
    [0, 1, 2, 3].map(|node| net.nodes[node].ledger.height().unwrap().0)
}

/// Old and new programs run the old rules up to the voted height. There the old ones stop and say so;
/// with a new program over the same disk they go on, and all have the same blocks.
#[test]
fn programs_of_two_ages_run_one_chain_over_a_change_of_the_rules() {
    let mut net = Net::new(21);
    net.stops_expected = true;
    net.nodes[0].book = BOTH;
    net.nodes[1].book = BOTH;
    net.start_all();
    net.run_until_height(2, HOUR_MS);
    // An old program does not take the vote, but executes it like any other once it is in a block.
    net.vote_for_rules(2, 2, 16);
    net.run_for(1_000);
    assert_eq!(net.nodes[2].replica.as_ref().unwrap().status().mempool_transactions, 0);
    net.vote_for_rules(0, 2, 16);
    net.run_until_height(15, 2 * HOUR_MS);
    net.assert_equal_roots(15);
    net.run_for(10 * 60_000);
    assert_eq!(heights(&net), [15; 4], "two of four are no quorum");
    for old in [2, 3] {
        assert!(net.nodes[old].replica.is_none());
        let why = net.nodes[old].stopped.clone().expect("it stopped");
        assert!(
            why.starts_with("from height 16 on this chain runs version 2 of the rules"),
            "{why}"
        );
        assert!(why.contains("this mulud knows 1") && why.contains("install a mulud"), "{why}");
    }
    // The old program over the same disk says it again and starts nothing.
    net.restart(2);
    assert!(net.nodes[2].replica.is_none() && net.nodes[2].stopped.is_some());
    net.nodes[2].book = BOTH;
    net.restart(2);
    net.run_until_height_of(&[0, 1, 2], 18, HOUR_MS);
    net.nodes[3].book = BOTH;
    net.restart(3);
    net.run_until_height(20, HOUR_MS);
    net.assert_equal_roots(20);
    let version = |height| {
        net.nodes[3].ledger.header(Height(height)).unwrap().expect("committed").protocol_version
    };
    assert_eq!([1, 15, 16, 20].map(version), [1, 1, 2, 2]);
}

/// One record of one node's disk is not what its tree says. The block that builds on it stops that node,
/// which names height, field, and the record with the digest it has here; the others go on.
#[test]
fn a_node_that_went_another_way_names_the_record() {
    let mut net = Net::new(23);
    net.start_all();
    net.run_until_height(1, HOUR_MS);
    net.submit_offices(0, 1);
    net.run_until_height(3, HOUR_MS);
    net.kill(3);
    let kv = Arc::new(MemoryKv::default());
    let (frames, height) = (net.nodes[3].frames.clone(), net.nodes[3].committed.len() as u64);
    net.restore_over(kv.clone(), 3, frames, height);
    let leaves = net.nodes[3].ledger.records("history/member/", None, 1).unwrap();
    let (damaged, leaf) = leaves.first().cloned().expect("a block changed a member's history");
    let hash = mulu_chain::state::key_hash(&damaged);
    let versions = kv.scan(Column::StateValues, hash.as_bytes(), None, 10).unwrap();
    let (place, _) = versions.last().cloned().expect("it is there");
    let mut other = leaf;
    *other.last_mut().expect("not empty") ^= 1;
    let mut batch = Batch::default();
    batch.put(Column::StateValues, place, other);
    kv.write(batch).unwrap();
    net.stops_expected = true;
    net.restart(3);
    net.submit_office(0, 7);
    net.run_until_height_of(&[0, 1, 2], height + 2, HOUR_MS);
    net.run_for(60_000);
    let why = net.nodes[3].stopped.clone().expect("it stopped");
    assert!(
        why.starts_with("at height ") && why.contains("; state_root: certified sha256:"),
        "{why}"
    );
    let digest = |node: usize| {
        let value = net.nodes[node].ledger.record(&damaged).unwrap().expect("a record");
        mulu_chain::digest::Digest::sha256(&value)
    };
    assert!(why.contains(&format!("{damaged} = sha256:")), "{damaged}: {why}");
    assert!(!why.contains(&digest(0).to_string()), "the others have another value: {why}");
}
