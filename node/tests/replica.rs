//! Replicas against ledgers in memory, in one thread and on one clock: agreement, no double-sign
//! across crashes at every effect, nothing said that is not durable, and progress afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "replica_net/mod.rs"]
mod net;

use mulu_chain::signature::SigningKey;
use mulu_chain::transaction::Envelope;
use mulu_chain::types::Height;
use mulu_node::keys::identity_of;
use mulu_node::replica::guard::LogRecord;
use mulu_node::replica::io::{PeerInput, VerifiedBlock};
use mulu_node::replica::serving::{SERVE_INTERVAL_MS, SERVE_REQUESTS_MAX};
use mulu_node::replica::wire::{PeerMessage, WireProposal, WireVote};
use net::{Crash, Net};

#[test]
fn four_replicas_decide_twenty_heartbeats() {
    let mut net = Net::new(1);
    net.start_all();
    net.run_until_height(20, 4_000_000);
    net.assert_equal_roots(20);
}

#[test]
fn a_crash_at_every_effect_is_survived() {
    for torn in [0, 1, 2, usize::MAX] {
        for effect in 0..90 {
            let mut net = Net::new(7);
            net.crash(1, Crash { effect, torn, down_ms: 300 });
            net.start_all();
            net.run_until_height(4, 1_200_000);
            net.assert_equal_roots(4);
        }
    }
}

#[test]
fn the_whole_consortium_losing_power_at_every_effect_is_survived() {
    for effect in 0..60 {
        let mut net = Net::new(11);
        for node in 0..4 {
            net.crash(node, Crash { effect: effect + node as u64 % 3, torn: 1, down_ms: 1_000 });
        }
        net.start_all();
        net.run_until_height(4, 1_200_000);
        net.assert_equal_roots(4);
    }
}

#[test]
fn a_partition_heals() {
    let mut net = Net::new(3);
    net.start_all();
    net.run_until_height(3, 600_000);
    net.filter = Box::new(|_, from, to, _| from / 2 == to / 2);
    net.run_for(300_000);
    net.filter = Box::new(|_, _, _, _| true);
    net.run_until_height(8, 1_200_000);
    net.assert_equal_roots(8);
}

#[test]
fn a_lossy_network_makes_progress() {
    let mut net = Net::new(5);
    let mut random = 1u64;
    net.filter = Box::new(move |_, _, _, _| {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % 100 >= 25
    });
    net.start_all();
    net.run_until_height(6, 3_600_000);
}

#[test]
fn a_dead_proposer_costs_rounds_not_heights() {
    let mut net = Net::new(9);
    net.start_all();
    net.run_until_height(2, 600_000);
    net.kill(2);
    net.run_until_height_of(&[0, 1, 3], 10, 1_800_000);
}

#[test]
fn a_late_node_syncs() {
    let mut net = Net::new(13);
    for node in 0..3 {
        net.start(node);
    }
    net.run_until_height_of(&[0, 1, 2], 150, 20_000_000);
    net.start(3);
    net.run_until_height(151, 400_000);
    net.assert_equal_roots(150);
}

/// Nothing is left of a node but its keys; later, all nodes are switched off and on at once.
#[test]
fn a_wiped_node_and_then_all_at_once_end_with_equal_roots() {
    let mut net = Net::new(29);
    net.start_all();
    net.run_until_height(30, 10_000_000);
    net.kill(2);
    net.restore(2, vec![LogRecord::doubt_frame("wiped")], 0);
    net.run_until_height_of(&[0, 1, 3], 33, 10_000_000);
    assert_eq!(net.nodes[2].ledger.height().unwrap(), Height(0));
    net.restart(2);
    net.run_until_height(40, 10_000_000);
    net.assert_equal_roots(40);
    (0..4).for_each(|node| net.kill(node));
    net.run_for(60_000);
    net.start_all();
    net.run_until_height(43, 10_000_000);
    net.assert_equal_roots(43);
}

#[test]
fn a_doubtful_log_abstains_then_resumes() {
    let mut net = Net::new(17);
    net.start_all();
    net.run_until_height(3, 600_000);
    net.kill(1);
    net.nodes[1].frames = vec![LogRecord::doubt_frame("test")];
    net.restart(1);
    net.run_until_height(8, 1_200_000);
    assert_eq!(net.nodes[1].replica.as_ref().unwrap().status().abstaining, None);
    let resumed = net.nodes[1].frames.iter().filter_map(|f| LogRecord::from_frame(f).ok());
    assert!(resumed.into_iter().any(|r| matches!(r, LogRecord::Resumed(_))));
}

/// We committed first, voted at the next height and lost the log; nobody else has committed yet.
#[test]
fn doubt_looks_at_its_own_tip_too() {
    let mut net = Net::new(17);
    net.start_all();
    net.run_until_height(3, 600_000);
    net.kill(1);
    net.nodes[1].frames = vec![LogRecord::doubt_frame("test")];
    net.restart_alone(1);
    let tip = net.nodes[1].ledger.height().unwrap();
    for other in [0, 2, 3] {
        net.connect(1, other);
        let identity = net.identity(other);
        assert!(net.hand_message(1, other, identity));
        net.hand(1, other, PeerInput::Status(tip.previous().unwrap()));
    }
    // Something of the next height makes it begin.
    net.run_alone(1, 120_000);
    let status = net.nodes[1].replica.as_ref().unwrap().status();
    assert!(status.abstaining.is_some(), "it may have voted at {}", tip.next());
}

/// The node dies between the durable log records of a synced block and its commit.
#[test]
fn a_crash_while_syncing_is_survived() {
    for effect in 0..60 {
        let mut net = Net::new(19);
        for node in 0..3 {
            net.start(node);
        }
        net.run_until_height_of(&[0, 1, 2], 12, 2_000_000);
        net.crash(3, Crash { effect, torn: usize::MAX, down_ms: 300 });
        net.start(3);
        net.run_until_height(13, 600_000);
    }
}

/// A peer answers with heights that were not asked for.
#[test]
fn a_gap_in_sync_is_filled() {
    let mut net = Net::new(23);
    for node in 0..3 {
        net.start(node);
    }
    net.run_until_height_of(&[0, 1, 2], 30, 4_000_000);
    let skipped = net.certified(0, 10..=20);
    let mut lied = false;
    net.rewrite = Box::new(move |_, to, message| match message {
        PeerMessage::Blocks(blocks) if to == 3 && !lied && !blocks.is_empty() => {
            lied = true;
            PeerMessage::Blocks(skipped.clone())
        }
        other => other,
    });
    net.start(3);
    net.run_until_height(30, 300_000);
}

/// A header and its certificate are genuine, the transactions are not.
#[test]
fn a_synced_body_that_is_not_the_headers_does_not_stop_the_node() {
    let mut net = Net::new(29);
    for node in 0..3 {
        net.start(node);
    }
    net.run_until_height_of(&[0, 1, 2], 2, 600_000);
    net.submit_offices(0, 4);
    net.run_until_height_of(&[0, 1, 2], 6, 1_200_000);
    let mut lied = false;
    net.rewrite = Box::new(move |_, to, message| match message {
        PeerMessage::Blocks(mut blocks) if to == 3 && !lied => {
            for block in &mut blocks {
                lied |= block.block.transactions.len() > 1;
                block.block.transactions.reverse();
            }
            PeerMessage::Blocks(blocks)
        }
        other => other,
    });
    net.start(3);
    net.run_until_height(6, 300_000);
}

/// One peer sends unsigned proposals for heights to come, one validator fills the room for
/// proposals with signed ones.
#[test]
fn a_flood_of_proposals_does_not_stop_the_chain() {
    let mut net = Net::new(31);
    net.start_all();
    net.run_until_height(2, 600_000);
    // Node 0 will see what its key signed.
    net.alarms_expected = true;
    let honest = net.proposal_of(0);
    for round in 0..400 {
        for to in 0..4 {
            let height = Height(net.nodes[to].ledger.height().unwrap().0 + 4);
            let forged = WireProposal { height, round, ..honest.clone() };
            let signed = net.sign_proposal(0, forged.clone());
            assert!(!net.hand_message(to, (to + 1) % 4, PeerMessage::Proposal(forged)));
            if to != 0 {
                assert!(net.hand_message(to, (to + 1) % 4, PeerMessage::Proposal(signed)));
            }
        }
    }
    net.run_until_height(8, 1_200_000);
}

/// Thirty rounds fail because proposals are lost; then the network is whole again.
#[test]
fn many_failed_rounds_are_survived() {
    let mut net = Net::new(37);
    net.start_all();
    net.run_until_height(2, 600_000);
    net.filter = Box::new(|_, _, _, message| !matches!(message, PeerMessage::Proposal(_)));
    let mut waited = 0;
    while net.nodes[0].replica.as_ref().unwrap().status().round.unwrap_or(0) < 30 {
        net.run_for(1_000);
        waited += 1;
        assert!(waited < 4_000, "rounds go on");
    }
    net.filter = Box::new(|_, _, _, _| true);
    net.run_until_height(6, 1_200_000);
}

/// What replaying the log leads to is as durable, before it is said, as anything else.
#[test]
fn what_a_replay_says_is_durable() {
    for torn in 1..7 {
        for effect in 0..120 {
            let mut net = Net::new(41);
            net.crash(1, Crash { effect, torn, down_ms: 300 });
            net.start_all();
            net.run_until_height(4, 1_200_000);
        }
    }
}

/// One peer fills the room for bodies of heights to come.
#[test]
fn a_flood_of_bodies_does_not_stop_the_chain() {
    let mut net = Net::new(43);
    net.start_all();
    net.run_until_height(2, 600_000);
    let block = net.certified(0, 2..=2).remove(0).block;
    for salt in 0..40u64 {
        for to in 0..4 {
            let mut block = block.clone();
            block.header.height = Height(net.nodes[to].ledger.height().unwrap().0 + 1 + salt % 4);
            block.header.time_ms.0 += salt;
            let verified = VerifiedBlock { block, transactions: Vec::new() };
            net.hand(to, (to + 1) % 4, PeerInput::Block(Box::new(verified)));
        }
    }
    net.run_until_height(8, 1_200_000);
}

/// The true header with other transactions comes first.
#[test]
fn a_false_body_does_not_displace_the_true_one() {
    let mut net = Net::new(47);
    net.start_all();
    net.run_until_height(2, 600_000);
    // The liar sends the false body right before the true one, and again before everything that
    // might help.
    net.rewrite = Box::new(|_, to, message| match message {
        PeerMessage::Block(mut block) if to == 3 && block.transactions.len() > 1 => {
            block.transactions.reverse();
            PeerMessage::Block(block)
        }
        other => other,
    });
    net.submit_offices(0, 4);
    net.run_until_height(6, 1_200_000);
}

/// A vote that verifies under no validator's key does not begin a height.
#[test]
fn a_forged_vote_begins_nothing() {
    let mut net = Net::new(53);
    net.start_all();
    net.run_until_height(2, 600_000);
    net.run_for(2_000);
    let forged = net.proposal_of(0);
    let height = net.nodes[1].ledger.height().unwrap().next();
    let vote = WireVote {
        height,
        round: 0,
        kind: mulu_chain::certificate::VoteKind::Prevote,
        block: None,
        validator: forged.proposer,
        signature: forged.signature,
    };
    assert_eq!(net.nodes[1].replica.as_ref().unwrap().status().round, None);
    assert!(!net.hand_message(1, 3, PeerMessage::Vote(vote.clone())));
    // Well signed, by a key that is no validator's.
    let strangers = net.sign_vote(&SigningKey::from_seed(&[77; 32]), vote);
    assert!(net.hand_message(1, 3, PeerMessage::Vote(strangers)));
    assert_eq!(net.nodes[1].replica.as_ref().unwrap().status().round, None);
}

/// The whole machine was put back to an older snapshot: ledger and log agree, both are old.
#[test]
fn an_old_snapshot_does_not_sign_twice() {
    for height in 2..7 {
        let mut net = Net::new(59);
        net.start_all();
        net.run_until_height_of(&[1], height, 1_200_000);
        let frames = net.nodes[1].frames.clone();
        net.run_until_height(height + 3, 1_200_000);
        net.kill(1);
        net.restore(1, frames, height);
        net.run_for(100);
        net.restart(1);
        net.run_until_height(height + 5, 1_200_000);
    }
}

/// What the vote log could not hold is refused at the door.
#[test]
fn a_block_beyond_the_bound_is_refused() {
    let net = Net::new(61);
    let mut block = net.genesis_block();
    for number in 0..71u8 {
        let mut payload = vec![b' '; 60 * 1024 - 1];
        payload.push(number);
        let key = SigningKey::from_seed(&[number; 32]);
        block.transactions.push(Envelope::sign(payload, &[&key]).unwrap());
    }
    block.header.transactions = 71;
    let frame = PeerMessage::Block(block).to_frame();
    let PeerMessage::Block(block) = PeerMessage::from_frame(&frame).unwrap() else { panic!() };
    let record = LogRecord::Body { height: Height(1), bytes: mulu_chain::codec::encode(&block) };
    let fits = record.to_frame().len() <= mulu_node::vote_log::FRAME_BYTES_MAX;
    assert!(block.check_form().is_err() || fits, "{} bytes", record.to_frame().len());
}

/// Only a validator's own node speaks for it: not its member's other nodes, not one that repeats
/// what another node said of itself.
#[test]
fn only_a_validators_node_reports_for_it() {
    let mut net = Net::new(67);
    net.start_all();
    net.run_until_height(3, 600_000);
    net.kill(1);
    net.restart_alone(1);
    let tip = net.nodes[1].ledger.height().unwrap();
    let stolen = net.identity(0);
    for other in [0, 2, 3] {
        net.connect(1, other);
        net.hand(1, other, PeerInput::Status(tip));
    }
    for other in [2, 3] {
        assert!(net.hand_message(1, other, stolen.clone()));
    }
    net.run_alone(1, 120_000);
    let round = |net: &Net| net.nodes[1].replica.as_ref().unwrap().status().round;
    assert_eq!(round(&net), None, "it heard no quorum");
    for other in [0, 2] {
        let identity = net.identity(other);
        assert!(net.hand_message(1, other, identity));
    }
    net.run_alone(1, 120_000);
    assert!(round(&net).is_some(), "it heard a quorum");
}

/// One validator tells a height that there is not: the node in doubt neither believes it nor waits
/// for it.
#[test]
fn an_absurd_height_does_not_prolong_doubt() {
    for absurd in [30, 1_000_000, u64::MAX] {
        let mut net = Net::new(71);
        net.start_all();
        net.run_until_height(3, 600_000);
        net.kill(1);
        net.nodes[1].frames = vec![LogRecord::doubt_frame("test")];
        net.rewrite = Box::new(move |from, to, message| match message {
            PeerMessage::Status(_) if from == 3 && to == 1 => PeerMessage::Status(Height(absurd)),
            other => other,
        });
        net.restart(1);
        net.run_until_height(9, 1_200_000);
        let abstaining = net.nodes[1].replica.as_ref().unwrap().status().abstaining;
        assert_eq!(abstaining, None, "{absurd}");
    }
}

/// A proposal for a round that is out of reach is told to the core when its round comes near.
#[test]
fn a_proposal_far_ahead_waits() {
    let mut net = Net::new(73);
    net.start_all();
    net.run_until_height(2, 600_000);
    net.filter = Box::new(|_, _, _, message| !matches!(message, PeerMessage::Proposal(_)));
    net.run_for(1_000);
    let height = net.nodes[1].ledger.height().unwrap().next();
    let set = net.nodes[1].ledger.validator_set(height).unwrap().unwrap();
    let turn = set.proposer(height, 14).unwrap().public_key;
    let proposer = (0..4).find(|n| net.nodes[*n].key.public_key() == turn).unwrap();
    let to = (proposer + 1) % 4;
    let like = net.proposal_of(0);
    let far = WireProposal { height, round: 14, valid_round: None, ..like };
    let far = net.sign_proposal(proposer, far);
    assert!(net.hand_message(to, (to + 1) % 4, PeerMessage::Proposal(far.clone())));
    let waiting =
        |net: &Net| net.nodes[to].replica.as_ref().unwrap().bounds().candidates_proposals_far;
    assert_eq!(waiting(&net), 1);
    let told =
        |net: &Net| net.nodes[to].frames.contains(&LogRecord::Proposal(far.clone()).to_frame());
    for _ in 0..400 {
        net.run_for(1_000);
        let round = net.nodes[to].replica.as_ref().unwrap().status().round;
        if round.is_some_and(|round| round >= 4) {
            break;
        }
        assert!(!told(&net), "round {round:?}");
    }
    // What was told is durable by the next vote.
    net.run_for(5_000);
    assert_eq!(waiting(&net), 0);
    assert!(told(&net));
}

/// One peer asks for blocks without end: it gets its share, and what it asked last a little later.
#[test]
fn blocks_are_served_within_a_budget() {
    let mut net = Net::new(79);
    net.start_all();
    net.run_until_height(3, 600_000);
    let answers = std::rc::Rc::new(std::cell::Cell::new(0));
    let counter = answers.clone();
    net.filter = Box::new(move |_, from, to, message| {
        if (from, to) == (1, 2) && matches!(message, PeerMessage::Blocks(_)) {
            counter.set(counter.get() + 1);
        }
        true
    });
    net.run_for(SERVE_INTERVAL_MS);
    for _ in 0..10 * SERVE_REQUESTS_MAX {
        net.hand(1, 2, PeerInput::BlocksRequest { from: Height(1), count: 64 });
    }
    net.run_for(30);
    assert_eq!(answers.get(), SERVE_REQUESTS_MAX);
    net.run_for(3 * SERVE_INTERVAL_MS);
    assert_eq!(answers.get(), SERVE_REQUESTS_MAX + 1);
    net.run_until_height(6, 600_000);
}

/// What comes before the first bad block of an answer is kept.
#[test]
fn the_good_prefix_of_an_answer_is_kept() {
    let mut net = Net::new(83);
    net.start_all();
    net.run_until_height(6, 1_200_000);
    let mut blocks = net.certified(0, 1..=5);
    blocks[2].block.header.version += 1;
    let admitted = net.admit(PeerMessage::Blocks(blocks)).unwrap();
    let PeerInput::Blocks(kept) = admitted else { panic!("another message") };
    let heights: Vec<u64> = kept.iter().map(|(b, _)| b.block.header.height.0).collect();
    assert_eq!(heights, [1, 2]);
}

/// A peer whose member is admitted while it is connected is that member's from then on.
#[test]
fn a_peers_member_is_looked_up_again() {
    let mut net = Net::new(89);
    net.start_all();
    net.run_until_height(2, 600_000);
    let newcomer = identity_of(&SigningKey::from_seed(&[90; 32])).public().to_peer_id();
    net.connect_peer(1, newcomer);
    let member = |net: &Net| {
        let peers = net.nodes[1].replica.as_ref().unwrap().status().peers;
        let peer = peers.into_iter().find(|p| p.peer_id == newcomer.to_string());
        peer.expect("connected").member
    };
    assert_eq!(member(&net), None);
    net.admit_member(0, "91512081MA62K0260E", newcomer);
    net.run_until_height(5, 600_000);
    assert_eq!(member(&net).as_deref(), Some("91512081MA62K0260E"));
    let admitted = |net: &Net| {
        let ledger = &net.nodes[1].ledger;
        mulu_node::membership::admitted_peers(ledger).unwrap()
    };
    assert!(admitted(&net).iter().any(|(peer, _)| *peer == newcomer));

    // A suspended member's node belongs to nobody and is disconnected; resumed, it is a member's again.
    for (action, height, standing) in [("suspend", 9, false), ("resume", 13, true)] {
        let action = format!("member.{action}");
        let uscc = "91512081MA62K0260E";
        net.authority(0, &serde_json::json!({"type": action, "uscc": uscc, "reason": "核查"}));
        net.run_until_height(height, 600_000);
        assert_eq!(member(&net).is_some(), standing, "{action}");
        assert_eq!(admitted(&net).iter().any(|(peer, _)| *peer == newcomer), standing);
    }
}
