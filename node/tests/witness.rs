//! What a replica makes of validators that sign two things for one step, and of its own key where
//! it did not use it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "replica_net/mod.rs"]
mod net;

use mulu_chain::certificate::VoteKind;
use mulu_chain::checkpoint::Checkpoint;
use mulu_chain::digest::Digest;
use mulu_chain::signature::{Signature, SigningKey};
use mulu_chain::types::Height;
use mulu_contracts::state::StateRead as _;
use mulu_node::replica::evidence::STATEMENTS_PER_HEIGHT_MAX;
use mulu_node::replica::guard::LogRecord;
use mulu_node::replica::handle::Status;
use mulu_node::replica::wire::{PeerMessage, Signed as _, WireCheckpoint, WireVote};
use net::Net;

fn running(seed: u64, height: u64) -> Net {
    let mut net = Net::new(seed);
    net.start_all();
    net.run_until_height(height, 1_200_000);
    net
}

/// A vote by a node's key.
fn vote(
    net: &Net,
    by: usize,
    height: u64,
    round: u32,
    kind: VoteKind,
    block: Option<u8>,
) -> WireVote {
    let key = &net.nodes[by].key;
    let block = block.map(|byte| Digest::sha256(&[byte]));
    let validator = key.public_key();
    let signature = Signature::from_bytes([0; 64]);
    let vote = WireVote { height: Height(height), round, kind, block, validator, signature };
    net.sign_vote(key, vote)
}

fn status(net: &Net, node: usize) -> Status {
    net.nodes[node].replica.as_ref().unwrap().status()
}

fn height(net: &Net, node: usize) -> u64 {
    net.nodes[node].ledger.height().unwrap().0
}

#[test]
fn a_second_vote_is_noticed_once_also_of_a_committed_height() {
    let mut net = running(101, 5);
    let committed = height(&net, 1) - 2;
    for kind in [VoteKind::Prevote, VoteKind::Precommit] {
        for _ in 0..3 {
            let second = vote(&net, 0, committed, 0, kind, Some(7));
            assert!(net.hand_message(1, 2, PeerMessage::Vote(second)));
        }
    }
    assert_eq!(status(&net, 1).equivocations, 2);
    assert_eq!(status(&net, 3).equivocations, 0);
}

#[test]
fn the_same_vote_again_and_votes_of_strangers_are_nothing() {
    let mut net = running(103, 3);
    let working = height(&net, 1) + 1;
    let first = vote(&net, 0, working, 2, VoteKind::Prevote, Some(1));
    for _ in 0..5 {
        assert!(net.hand_message(1, 2, PeerMessage::Vote(first.clone())));
    }
    for block in 0..5 {
        let stranger = mulu_chain::signature::SigningKey::from_seed(&[99; 32]);
        let vote = vote(&net, 0, working, 2, VoteKind::Prevote, Some(block));
        let vote = net.sign_vote(&stranger, vote);
        assert!(net.hand_message(1, 2, PeerMessage::Vote(vote)));
    }
    assert_eq!(status(&net, 1).equivocations, 0);
}

/// A precommit came that the certificate of the same round contradicts.
#[test]
fn a_certificate_gives_a_second_vote_away() {
    let mut net = running(107, 3);
    net.alarms_expected = true;
    net.filter = Box::new(|_, _, to, message| {
        to != 3 || matches!(message, PeerMessage::Blocks(_) | PeerMessage::Status(_))
    });
    net.run_for(2_000);
    let working = height(&net, 3) + 1;
    let other = vote(&net, 0, working, 0, VoteKind::Precommit, Some(9));
    assert!(net.hand_message(3, 1, PeerMessage::Vote(other)));
    assert_eq!(status(&net, 3).equivocations, 0);
    // Without node 3 the certificate holds the precommits of all others.
    net.run_until_height_of(&[3], working, 600_000);
    assert_eq!(status(&net, 3).equivocations, 1);
}

/// The record is on the chain once, whoever noticed; the culprit's node falls silent.
#[test]
fn an_equivocation_is_recorded_on_the_chain_once() {
    let mut net = running(131, 4);
    net.alarms_expected = true;
    let at = height(&net, 1) - 1;
    for to in 1..4 {
        let second = vote(&net, 0, at, 0, VoteKind::Precommit, Some(7));
        assert!(net.hand_message(to, (to + 1) % 4, PeerMessage::Vote(second)));
    }
    net.run_until_height(at + 4, 1_200_000);
    net.run_for(30_000);
    let culprit = net.nodes[0].key.public_key();
    let key = mulu_contracts::state::evidence_key(&culprit, Height(at), 0, "precommit");
    for node in &net.nodes {
        assert!(node.ledger.read(&key).unwrap().is_some(), "{key}");
    }
    let transactions: usize =
        net.nodes[2].committed.iter().map(|d| d.block.block.transactions.len()).sum();
    assert_eq!(transactions, 1);
    let statuses: Vec<_> = (0..4).map(|node| status(&net, node)).collect();
    assert_eq!(statuses.iter().map(|s| s.alarm).collect::<Vec<_>>(), [true, false, false, false]);
    for node in 1..4 {
        assert_eq!(net.nodes[node].replica.as_ref().unwrap().bounds().evidence_pending, 0);
    }
    net.run_until_height(at + 8, 1_200_000);
}

/// What one validator can make a node remember is bounded, and takes nothing from the others.
#[test]
fn a_talkative_validator_fills_only_its_own_room() {
    let mut net = running(109, 5);
    net.alarms_expected = true;
    let tip = height(&net, 1);
    for at in tip.saturating_sub(20)..tip + 12 {
        for round in 0..100 {
            for block in 0..2 {
                let vote = vote(&net, 0, at, round, VoteKind::Prevote, Some(block));
                net.hand_message(1, 2, PeerMessage::Vote(vote));
            }
        }
    }
    let held = net.nodes[1].replica.as_ref().unwrap().bounds();
    assert!(held.evidence_statements <= 24 * STATEMENTS_PER_HEIGHT_MAX, "{held:?}");
    assert!(held.evidence_pending <= 4, "{held:?}");
    net.run_until_height(tip + 3, 1_200_000);
    let before = status(&net, 1).equivocations;
    let second = vote(&net, 3, tip, 0, VoteKind::Prevote, Some(7));
    net.hand_message(1, 2, PeerMessage::Vote(second));
    assert_eq!(status(&net, 1).equivocations, before + 1);
}

/// Somebody else votes with our key: this node falls silent, also after a restart, and the others
/// go on.
#[test]
fn our_own_key_elsewhere_is_an_alarm_that_stays() {
    let mut net = running(113, 3);
    net.alarms_expected = true;
    let working = height(&net, 1) + 1;
    let stolen = vote(&net, 1, working, 4, VoteKind::Prevote, Some(1));
    assert!(net.hand_message(1, 2, PeerMessage::Vote(stolen)));
    assert!(status(&net, 1).alarm);
    assert!(status(&net, 1).abstaining.is_some());
    // What was under way before.
    net.run_for(50);
    let own = net.nodes[1].key.public_key();
    let said = move |message: &PeerMessage| match message {
        PeerMessage::Vote(vote) => vote.validator == own,
        PeerMessage::Proposal(proposal) => proposal.proposer == own,
        _ => false,
    };
    net.filter = Box::new(move |_, from, _, message| {
        assert!(from != 1 || !said(message), "it still signs");
        true
    });
    net.run_until_height(working + 4, 1_200_000);
    net.kill(1);
    net.restart(1);
    assert!(status(&net, 1).alarm, "a restart does not forget");
    net.run_until_height(working + 8, 1_200_000);
    assert!(status(&net, 1).alarm);

    // An operator clears it.
    net.kill(1);
    net.filter = Box::new(|_, _, _, _| true);
    let known = net.nodes[1].ledger.height().unwrap();
    net.nodes[1].frames.push(LogRecord::cleared(known, "the thief was caught").to_frame());
    net.restart(1);
    net.run_until_height(working + 12, 1_200_000);
    assert!(!status(&net, 1).alarm);
    assert_eq!(status(&net, 1).abstaining, None);
}

/// Our forgotten votes come back while we are in doubt: no alarm; doubt ends as ever.
#[test]
fn forgotten_votes_in_doubt_are_no_alarm() {
    let mut net = running(127, 3);
    net.kill(1);
    net.nodes[1].frames = vec![LogRecord::doubt_frame("test")];
    net.restart(1);
    net.run_for(100);
    for height in 1..height(&net, 1) + 4 {
        let forgotten = vote(&net, 1, height, 0, VoteKind::Prevote, Some(3));
        net.hand_message(1, 2, PeerMessage::Vote(forgotten));
    }
    assert!(!status(&net, 1).alarm);
    net.run_until_height(10, 1_200_000);
    assert_eq!(status(&net, 1).abstaining, None);
    // Of a height below the one that voting resumed at.
    let forgotten = vote(&net, 1, height(&net, 1), 0, VoteKind::Prevote, Some(3));
    net.hand_message(1, 2, PeerMessage::Vote(forgotten));
    assert!(!status(&net, 1).alarm);
}

fn served(net: &Net, node: usize) -> Option<(Checkpoint, usize)> {
    let note = net.nodes[node].replica.as_ref()?.status().checkpoint?;
    let set = net.nodes[node].ledger.validator_set(Height(1)).unwrap().unwrap();
    let chain_id = net.genesis_block().header.chain_id;
    let checkpoint = mulu_chain::checkpoint::verify(&note, &chain_id, &set).unwrap();
    Some((checkpoint, note.lines().filter(|line| line.starts_with('—')).count()))
}

#[test]
fn every_node_serves_a_checkpoint_that_a_quorum_signed() {
    let mut net = Net::new(29);
    net.start_all();
    net.run_until_height(1, 600_000);
    net.submit_offices(0, 3);
    net.run_until_height(4, 600_000);
    net.run_for(5_000);
    for node in 0..4 {
        let tip = net.nodes[node].ledger.tip().unwrap().header;
        let (checkpoint, lines) = served(&net, node).expect("a checkpoint");
        assert_eq!(checkpoint, Checkpoint::of(&tip), "node {node}");
        assert_eq!((checkpoint.size, lines), (3, 4), "node {node}: the lines of all four");
    }
    // One that was away hears the lines when it is back, also of what others signed meanwhile.
    net.kill(3);
    net.submit_offices(1, 5);
    net.run_for(20_000);
    let (checkpoint, lines) = served(&net, 0).expect("a checkpoint");
    assert_eq!(lines, 3, "a quorum is enough");
    assert!(checkpoint.size > 3);
    net.restart(3);
    net.run_for(20_000);
    assert_eq!(served(&net, 3).expect("a checkpoint").0, served(&net, 0).unwrap().0);
}

#[test]
fn lines_of_strangers_and_over_another_root_count_for_nothing() {
    let mut net = Net::new(31);
    net.start_all();
    // Nobody hears anybody's lines but node 0, and that what this test makes of them.
    net.filter = Box::new(|_, _, _, message| !matches!(message, PeerMessage::Checkpoint(_)));
    net.run_until_height(1, 600_000);
    net.submit_offices(0, 3);
    net.run_until_height(4, 600_000);
    net.run_for(5_000);
    assert_eq!(served(&net, 0), None, "one line is no quorum");
    let (chain_id, tip) = (net.genesis_block().header.chain_id, net.nodes[0].ledger.tip().unwrap());
    let sign = |key: &SigningKey, size: u64, root: Digest| {
        let (validator, signature) = (key.public_key(), Signature::from_bytes([0; 64]));
        let unsigned = WireCheckpoint { size, root, validator, signature };
        let signature = key.sign(&unsigned.signed_bytes(&chain_id));
        WireCheckpoint { signature, ..unsigned }
    };
    let (size, root) = (tip.header.log_size, tip.header.log_root);
    let strangers: Vec<_> =
        (0..9).map(|n| sign(&SigningKey::from_seed(&[n; 32]), size, root)).collect();
    for line in strangers {
        assert!(net.hand_message(0, 1, PeerMessage::Checkpoint(line)), "it is signed");
    }
    for node in 1..4 {
        let key = SigningKey::from_seed(net.nodes[node].key.seed());
        let other = sign(&key, size, Digest::ZERO);
        let ahead = sign(&key, size + 7, root);
        let mut forged = sign(&key, size, root);
        forged.root = Digest::ZERO;
        assert!(net.hand_message(0, node, PeerMessage::Checkpoint(other)));
        assert!(net.hand_message(0, node, PeerMessage::Checkpoint(ahead)));
        assert!(!net.hand_message(0, node, PeerMessage::Checkpoint(forged)), "another's signature");
    }
    assert_eq!(served(&net, 0), None);
    assert!(net.nodes[0].replica.as_ref().unwrap().bounds().checkpoint_lines <= 8);
    for node in 1..3 {
        let key = SigningKey::from_seed(net.nodes[node].key.seed());
        let good = sign(&key, size, root);
        assert!(net.hand_message(0, node, PeerMessage::Checkpoint(good)));
    }
    assert_eq!(served(&net, 0).expect("three of four").1, 3);
}
