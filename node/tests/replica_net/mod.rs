//! A deterministic little network of replicas, with the oracles that look at every effect.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use arc_malachitebft_core_types::LinearTimeouts;
use libp2p::PeerId;
use mulu_chain::block::{Block, BlockId, CertifiedBlock};
use mulu_chain::certificate::VoteKind;
use mulu_chain::digest::Digest;
use mulu_chain::signature::{PublicKey, Signature, SigningKey};
use mulu_chain::transaction::Envelope;
use mulu_chain::types::{ChainId, Height, TimeMs};
use mulu_contracts::protocol::RuleBook;
use mulu_contracts::state::{self, PARAMS_KEY};
use mulu_contracts::transaction::Transaction;
use mulu_genesis::Founding;
use mulu_genesis::devnet::{DEPARTMENTS, DepartmentKeys, DevnetKeys, founding_text};
use mulu_node::ingest::{NotAdmitted, VerifiedCache, admit};
use mulu_node::keys::identity_of;
use mulu_node::replica::core::{Replica, ReplicaConfig};
use mulu_node::replica::guard::LogRecord;
use mulu_node::replica::handle::Submission;
use mulu_node::replica::io::{Effect, Input, PeerInput, Timer};
use mulu_node::replica::signing::{Ed25519, Signer};
use mulu_node::replica::wire::{PeerMessage, Signed as _, WireIdentity, WireProposal, WireVote};
use mulu_node::storage::{Decided, Ledger, MemoryKv};
use serde_json::json;

pub type Filter = Box<dyn FnMut(u64, usize, usize, &PeerMessage) -> bool>;
pub type Rewrite = Box<dyn FnMut(usize, usize, PeerMessage) -> PeerMessage>;
type Step = (PublicKey, Height, u32, u8);

/// What a crash is counted by: everything that reaches a disk or says more than a height.
fn matters(effect: &Effect) -> bool {
    let says = |message: &PeerMessage| {
        !matches!(message, PeerMessage::Status(_) | PeerMessage::Checkpoint(_))
    };
    match effect {
        Effect::Persist(_) | Effect::RotateLog(_) | Effect::Commit(_) => true,
        Effect::Send(_, message) => says(message),
        Effect::Broadcast(message) => says(message),
        Effect::Reply(..)
        | Effect::Schedule(..)
        | Effect::Cancel(_)
        | Effect::CancelConsensusTimers => false,
    }
}

/// A crash before the effect of this number; of a `Persist` that many frames still reach the disk.
#[derive(Debug, Clone, Copy)]
pub struct Crash {
    pub effect: u64,
    pub torn: usize,
    pub down_ms: u64,
}

pub struct Node {
    pub peer: PeerId,
    pub key: SigningKey,
    pub ledger: Ledger,
    pub frames: Vec<Vec<u8>>,
    pub replica: Option<Replica>,
    pub effects: u64,
    pub committed: Vec<Decided>,
    /// The versions of the rules that its program knows.
    pub book: RuleBook,
    /// Why its replica stopped, if it may.
    pub stopped: Option<String>,
    crash: Option<Crash>,
    timers: BTreeMap<(u64, u64), Timer>,
}

enum Event {
    Message { from: usize, to: usize, message: Box<PeerMessage> },
    Connected { node: usize, peer: usize },
    Disconnected { node: usize, peer: usize },
    Restart(usize),
}

pub struct Net {
    pub nodes: Vec<Node>,
    pub filter: Filter,
    pub rewrite: Rewrite,
    pub now: u64,
    /// Otherwise a node that raises an alarm fails the test.
    pub alarms_expected: bool,
    /// Otherwise a replica that stops fails the test.
    pub stops_expected: bool,
    founding: Founding,
    cache: VerifiedCache,
    events: BTreeMap<(u64, u64), Event>,
    number: u64,
    random: u64,
    said: BTreeMap<Step, Option<Digest>>,
    decided: BTreeMap<Height, (usize, BlockId)>,
    proposals: Vec<WireProposal>,
}

fn seeded(department: usize, number: u8) -> SigningKey {
    let mut seed = [9u8; 32];
    seed[0] = u8::try_from(department).expect("few departments");
    seed[1] = number;
    SigningKey::from_seed(&seed)
}

fn config(node: PeerId, rules: RuleBook) -> ReplicaConfig {
    let (vote, delta) = (Duration::from_millis(400), Duration::from_millis(100));
    ReplicaConfig {
        timeouts: LinearTimeouts {
            propose: Duration::from_millis(800),
            propose_delta: delta,
            prevote: vote,
            prevote_delta: delta,
            precommit: vote,
            precommit_delta: delta,
            rebroadcast: Duration::from_millis(500),
            max_timeout: Duration::from_secs(3),
        },
        block_interval_min: Duration::from_millis(100),
        node,
        rules,
    }
}

impl Net {
    pub fn new(seed: u64) -> Net {
        let departments = [0, 1, 2, 3].map(|department| DepartmentKeys {
            node: seeded(department, 1).public_key(),
            validator: seeded(department, 2).public_key(),
            administrator: seeded(department, 3).public_key(),
            officer: seeded(department, 4).public_key(),
            application: seeded(department, 5).public_key(),
        });
        let (authority, auditor) = (seeded(9, 1).public_key(), seeded(9, 2).public_key());
        let keys = DevnetKeys { departments, authority, auditor };
        let text = founding_text("mulu-test", "2026-01-01T00:00:00Z", &keys);
        let founding = mulu_genesis::parse(&text, "genesis.toml").expect("a founding document");
        let nodes = (0..4)
            .map(|department| {
                let ledger = Ledger::in_memory();
                ledger.initialize(founding.block()).expect("block 0");
                Node {
                    peer: identity_of(&seeded(department, 1)).public().to_peer_id(),
                    key: seeded(department, 2),
                    ledger,
                    frames: Vec::new(),
                    replica: None,
                    effects: 0,
                    committed: Vec::new(),
                    book: RuleBook::THIS,
                    stopped: None,
                    crash: None,
                    timers: BTreeMap::new(),
                }
            })
            .collect();
        let now = founding.block().header.time_ms.0 + 1_000;
        Net {
            nodes,
            filter: Box::new(|_, _, _, _| true),
            rewrite: Box::new(|_, _, message| message),
            now,
            alarms_expected: false,
            stops_expected: false,
            founding,
            cache: VerifiedCache::default(),
            events: BTreeMap::new(),
            number: 0,
            random: seed,
            said: BTreeMap::new(),
            decided: BTreeMap::new(),
            proposals: Vec::new(),
        }
    }

    fn chain_id(&self) -> ChainId {
        self.founding.chain_id().clone()
    }

    fn random(&mut self, below: u64) -> u64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % below
    }

    fn at(&mut self, after: u64, event: Event) {
        self.number += 1;
        self.events.insert((self.now + after, self.number), event);
    }

    /// Plans a crash.
    pub fn crash(&mut self, node: usize, crash: Crash) {
        let effect = self.nodes[node].effects + crash.effect;
        self.nodes[node].crash = Some(Crash { effect, ..crash });
    }

    pub fn start_all(&mut self) {
        for node in 0..self.nodes.len() {
            self.start(node);
        }
    }

    /// Starts a node and connects it with all that run.
    pub fn start(&mut self, node: usize) {
        self.restart(node);
    }

    pub fn restart(&mut self, node: usize) {
        self.restart_alone(node);
        for peer in 0..self.nodes.len() {
            if peer != node && self.nodes[peer].replica.is_some() {
                self.at(5, Event::Connected { node, peer });
                self.at(5, Event::Connected { node: peer, peer: node });
            }
        }
    }

    pub fn restart_alone(&mut self, node: usize) {
        let now = TimeMs(self.now);
        let own = &mut self.nodes[node];
        let signer: Box<dyn Signer> = Box::new(seeded(node, 2));
        let verifier = Arc::new(Ed25519);
        let ledger = own.ledger.clone();
        let config = config(own.peer, own.book);
        own.stopped = None;
        match Replica::new(ledger, Some(signer), verifier, config, &own.frames, now) {
            Ok(replica) => own.replica = Some(replica),
            Err(error) if self.stops_expected => {
                own.stopped = Some(error.to_string());
                return;
            }
            Err(error) => panic!("node {node} does not start: {error}"),
        }
        self.feed(node, Input::Start);
    }

    /// Power off, for good unless restarted.
    pub fn kill(&mut self, node: usize) {
        self.nodes[node].replica = None;
        self.nodes[node].timers.clear();
        for peer in 0..self.nodes.len() {
            if peer != node {
                self.at(1, Event::Disconnected { node: peer, peer: node });
            }
        }
    }

    /// Puts back a machine's snapshot: its vote log and its ledger up to a height.
    pub fn restore(&mut self, node: usize, frames: Vec<Vec<u8>>, height: u64) {
        self.restore_over(Arc::new(MemoryKv::default()), node, frames, height);
    }

    /// The same, over a store that the test can reach.
    pub fn restore_over(
        &mut self,
        kv: Arc<MemoryKv>,
        node: usize,
        frames: Vec<Vec<u8>>,
        height: u64,
    ) {
        let ledger = Ledger::over(kv).expect("a store in memory");
        ledger.initialize(self.founding.block()).expect("block 0");
        let own = &mut self.nodes[node];
        own.committed.truncate(usize::try_from(height).expect("few"));
        own.committed.iter().for_each(|decided| ledger.commit(decided).expect("again"));
        own.ledger = ledger;
        own.frames = frames;
    }

    pub fn connect(&mut self, node: usize, peer: usize) {
        let peer = self.nodes[peer].peer;
        self.feed(node, Input::Connected(peer));
    }

    /// Gives a node a message at once.
    pub fn hand(&mut self, node: usize, from: usize, message: PeerInput) {
        let from = self.nodes[from].peer;
        self.feed(node, Input::Peer { from, message });
    }

    /// Gives a node a message as its network would; whether it was let in.
    pub fn hand_message(&mut self, node: usize, from: usize, message: PeerMessage) -> bool {
        self.admit(message).map(|message| self.hand(node, from, message)).is_ok()
    }

    /// What a node's door makes of a message.
    pub fn admit(&self, message: PeerMessage) -> Result<PeerInput, NotAdmitted> {
        admit(message, &self.chain_id(), &Ed25519, &self.cache)
    }

    /// What a node says of which validator it speaks for.
    pub fn identity(&self, node: usize) -> PeerMessage {
        let Node { peer, key, .. } = &self.nodes[node];
        let signature = Signature::from_bytes([0; 64]);
        let unsigned =
            WireIdentity { peer: peer.to_bytes(), validator: key.public_key(), signature };
        let signature = key.sign(&unsigned.signed_bytes(&self.chain_id()));
        PeerMessage::Identity(WireIdentity { signature, ..unsigned })
    }

    /// Signs a proposal with a node's validator key.
    pub fn sign_proposal(&self, node: usize, proposal: WireProposal) -> WireProposal {
        let key = &self.nodes[node].key;
        let proposal = WireProposal { proposer: key.public_key(), ..proposal };
        let signature = key.sign(&proposal.signed_bytes(&self.chain_id()));
        WireProposal { signature, ..proposal }
    }

    /// Signs a vote with a key.
    pub fn sign_vote(&self, key: &SigningKey, vote: WireVote) -> WireVote {
        let vote = WireVote { validator: key.public_key(), ..vote };
        let signature = key.sign(&vote.signed_bytes(&self.chain_id()));
        WireVote { signature, ..vote }
    }

    pub fn submit_office(&mut self, node: usize, number: usize) {
        let transaction = self.office(node, number);
        let (reply, _) = tokio::sync::oneshot::channel();
        self.feed(node, Input::Submit(Submission { transaction, acknowledged: false, reply }));
    }

    pub fn submit_offices(&mut self, node: usize, count: usize) {
        for number in 0..count {
            self.submit_office(node, number);
        }
    }

    /// The authority admits a member with a node; submitted at a node.
    pub fn admit_member(&mut self, node: usize, uscc: &str, peer: PeerId) {
        let member = json!({"uscc": uscc, "name": "新部门", "region": "110101",
            "roles": ["provider"], "nodes": [{"peer_id": peer.to_string()}]});
        self.authority(node, &json!({"type": "member.admit", "member": member}));
    }

    /// An action of the authority is submitted to a node.
    pub fn authority(&mut self, node: usize, action: &serde_json::Value) {
        let transaction = self.transaction(3, &seeded(9, 1), action);
        let (reply, _) = tokio::sync::oneshot::channel();
        self.feed(node, Input::Submit(Submission { transaction, acknowledged: false, reply }));
    }

    /// The authority and two administrators vote for a version of the rules, from a height on.
    pub fn vote_for_rules(&mut self, node: usize, version: u32, from: u64) {
        let stored = self.nodes[node].ledger.record(PARAMS_KEY).unwrap().expect("parameters");
        let mut params: serde_json::Value = serde_json::from_slice(&stored).expect("JSON");
        params["protocol_version"] = version.into();
        let action = json!({"type": "params.change", "params": params,
            "prev": state::version_hash(&stored), "in_force_from": from});
        let keys = [seeded(9, 1), seeded(0, 3), seeded(1, 3)];
        let transaction = self.signed(3, &keys.each_ref(), &action);
        let (reply, _) = tokio::sync::oneshot::channel();
        self.feed(node, Input::Submit(Submission { transaction, acknowledged: false, reply }));
    }

    /// A node hears that a peer, which need not be one of these nodes, connected.
    pub fn connect_peer(&mut self, node: usize, peer: PeerId) {
        self.feed(node, Input::Connected(peer));
    }

    fn office(&self, department: usize, number: usize) -> Transaction {
        let office = json!({"code": format!("t{number}"), "name": "新处室"});
        let action = json!({"type": "office.establish", "office": office});
        self.transaction(department, &seeded(department, 3), &action)
    }

    fn transaction(
        &self,
        department: usize,
        key: &SigningKey,
        action: &serde_json::Value,
    ) -> Transaction {
        self.signed(department, &[key], action)
    }

    fn signed(
        &self,
        department: usize,
        keys: &[&SigningKey],
        action: &serde_json::Value,
    ) -> Transaction {
        let payload = json!({
            "schema_version": 1, "chain_id": self.chain_id().as_str(),
            "submitter": {"member": DEPARTMENTS[department].uscc}, "valid_until": 5_000,
            "actions": [action],
        });
        let bytes = serde_json::to_vec(&payload).expect("JSON");
        let envelope = Envelope::sign(bytes, keys).expect("an envelope");
        let verified = envelope.verify().expect("signed above");
        Transaction::parse(verified, &self.chain_id()).expect("a transaction")
    }

    pub fn certified(&self, node: usize, heights: RangeInclusive<u64>) -> Vec<CertifiedBlock> {
        let ledger = &self.nodes[node].ledger;
        heights.map(|h| ledger.certified_block(Height(h)).unwrap().expect("committed")).collect()
    }

    pub fn genesis_block(&self) -> Block {
        Block { header: self.founding.block().header.clone(), transactions: Vec::new() }
    }

    /// A proposal that a node made.
    pub fn proposal_of(&self, node: usize) -> WireProposal {
        let key = self.nodes[node].key.public_key();
        self.proposals.iter().rev().find(|p| p.proposer == key).expect("it proposed").clone()
    }

    /// Lets the clock run until every node has the height.
    pub fn run_until_height(&mut self, height: u64, within_ms: u64) {
        self.run_until_height_of(&[0, 1, 2, 3], height, within_ms);
    }

    pub fn run_until_height_of(&mut self, nodes: &[usize], height: u64, within_ms: u64) {
        let end = self.now + within_ms;
        loop {
            let reached = |n: &usize| self.nodes[*n].ledger.height().unwrap() >= Height(height);
            if nodes.iter().all(reached) {
                return;
            }
            if !self.tick(end, None) {
                let heights: Vec<_> =
                    self.nodes.iter().map(|n| n.ledger.height().unwrap().0).collect();
                let status: Vec<_> = self
                    .nodes
                    .iter()
                    .map(|n| n.replica.as_ref().map(|r| (r.status().round, r.status().abstaining)))
                    .collect();
                panic!("stalled below {height}: heights {heights:?}, {status:?}");
            }
        }
    }

    pub fn run_for(&mut self, ms: u64) {
        let end = self.now + ms;
        while self.tick(end, None) {}
        self.now = end;
    }

    /// Only this node's timers run; nothing is delivered.
    pub fn run_alone(&mut self, node: usize, ms: u64) {
        self.events.clear();
        let end = self.now + ms;
        while self.tick(end, Some(node)) {
            self.events.clear();
        }
        self.now = end;
    }

    fn tick(&mut self, end: u64, only: Option<usize>) -> bool {
        let event = self.events.keys().next().copied();
        let timer = (0..self.nodes.len())
            .filter(|n| only.is_none_or(|only| only == *n))
            .filter_map(|n| self.nodes[n].timers.keys().next().map(|key| (*key, n)))
            .min();
        let event_first = match (event, timer) {
            (None, None) => return false,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(event), Some((timer, _))) => event <= timer,
        };
        if event_first {
            let key = event.expect("chosen above");
            if key.0 > end {
                return false;
            }
            self.now = self.now.max(key.0);
            let event = self.events.remove(&key).expect("first key");
            self.happen(event);
        } else {
            let (key, node) = timer.expect("chosen above");
            if key.0 > end {
                return false;
            }
            self.now = self.now.max(key.0);
            let timer = self.nodes[node].timers.remove(&key).expect("first key");
            self.feed(node, Input::Fired(timer));
        }
        true
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Message { from, to, message } => {
                if self.nodes[to].replica.is_none() || !(self.filter)(self.now, from, to, &message)
                {
                    return;
                }
                let message = (self.rewrite)(from, to, *message);
                if let Ok(message) = self.admit(message) {
                    let from = self.nodes[from].peer;
                    self.feed(to, Input::Peer { from, message });
                }
            }
            Event::Connected { node, peer } => {
                let peer = self.nodes[peer].peer;
                self.feed(node, Input::Connected(peer));
            }
            Event::Disconnected { node, peer } => {
                let peer = self.nodes[peer].peer;
                self.feed(node, Input::Disconnected(peer));
            }
            Event::Restart(node) => self.restart(node),
        }
    }

    fn feed(&mut self, node: usize, input: Input) {
        let mut next = Some(input);
        while let Some(input) = next.take() {
            let now = TimeMs(self.now);
            let Some(replica) = self.nodes[node].replica.as_mut() else { return };
            let effects = match replica.step(now, input) {
                Ok(effects) => effects,
                Err(error) if self.stops_expected => {
                    self.nodes[node].stopped = Some(error.to_string());
                    self.kill(node);
                    return;
                }
                Err(error) => panic!("node {node} stops: {error}"),
            };
            for effect in effects {
                let number = self.nodes[node].effects;
                let counts = matters(&effect);
                self.nodes[node].effects += u64::from(counts);
                if let Some(crash) = self.nodes[node].crash.filter(|c| counts && c.effect == number)
                {
                    if let Effect::Persist(frames) = effect {
                        let kept = frames.len().min(crash.torn);
                        self.nodes[node].frames.extend_from_slice(&frames[..kept]);
                    }
                    self.nodes[node].crash = None;
                    self.kill(node);
                    self.at(crash.down_ms, Event::Restart(node));
                    return;
                }
                if self.perform(node, effect) {
                    next = Some(Input::Committed);
                }
            }
        }
    }

    /// Performs an effect; whether it was a commit.
    fn perform(&mut self, node: usize, effect: Effect) -> bool {
        match effect {
            Effect::Persist(frames) => {
                for record in frames.iter().filter_map(|f| LogRecord::from_frame(f).ok()) {
                    let alarm = matches!(record, LogRecord::Alarm(_));
                    assert!(!alarm || self.alarms_expected, "node {node}: {record:?}");
                }
                self.nodes[node].frames.extend(frames);
            }
            Effect::RotateLog(live) => self.nodes[node].frames = live,
            Effect::Commit(decided) => {
                let header = &decided.block.block.header;
                let (height, id) = (header.height, header.id());
                let (first, known) = *self.decided.entry(height).or_insert((node, id));
                assert_eq!(known, id, "nodes {first} and {node} disagree at {height}");
                let ledger = &self.nodes[node].ledger;
                let set = ledger.validator_set(height).unwrap().expect("a set");
                decided.block.certificate.verify(self.founding.chain_id(), &set).expect("a quorum");
                ledger.commit(&decided).expect("a commit");
                self.nodes[node].committed.push(*decided);
                return true;
            }
            Effect::Send(peer, message) => {
                let Some(to) = self.nodes.iter().position(|n| n.peer == peer) else {
                    return false;
                };
                self.say(node, &message);
                self.post(node, to, *message);
            }
            Effect::Broadcast(message) => {
                self.say(node, &message);
                for to in 0..self.nodes.len() {
                    if to != node {
                        self.post(node, to, (*message).clone());
                    }
                }
            }
            Effect::Reply(..) => {}
            Effect::Schedule(timer, after) => {
                self.nodes[node].timers.retain(|_, t| *t != timer);
                self.number += 1;
                let due = self.now + u64::try_from(after.as_millis()).expect("short");
                let number = self.number;
                self.nodes[node].timers.insert((due, number), timer);
            }
            Effect::Cancel(timer) => self.nodes[node].timers.retain(|_, t| *t != timer),
            Effect::CancelConsensusTimers => {
                self.nodes[node].timers.retain(|_, t| !matches!(t, Timer::Consensus(..)));
            }
        }
        false
    }

    fn post(&mut self, from: usize, to: usize, message: PeerMessage) {
        let latency = 1 + self.random(20);
        self.at(latency, Event::Message { from, to, message: Box::new(message) });
    }

    /// What a validator says of its own is durable, and never contradicts what it said before.
    fn say(&mut self, node: usize, message: &PeerMessage) {
        let own = self.nodes[node].key.public_key();
        let (step, block, record) = match message {
            PeerMessage::Vote(vote) if vote.validator == own => {
                let WireVote { height, round, kind, block, .. } = vote.clone();
                let kind = match kind {
                    VoteKind::Prevote => 0,
                    VoteKind::Precommit => 1,
                };
                ((own, height, round, kind), block, LogRecord::Vote(vote.clone()))
            }
            PeerMessage::Proposal(proposal) if proposal.proposer == own => {
                self.proposals.push(proposal.clone());
                let step = (own, proposal.height, proposal.round, 2);
                (step, Some(proposal.block), LogRecord::Proposal(proposal.clone()))
            }
            _ => return,
        };
        let before = *self.said.entry(step).or_insert(block);
        assert_eq!(before, block, "node {node} signs twice: {step:?}");
        let frame = record.to_frame();
        let durable = self.nodes[node].frames.contains(&frame);
        assert!(durable, "node {node} said before it was durable: {record:?}");
    }

    pub fn assert_equal_roots(&self, height: u64) {
        let header = |n: &Node| n.ledger.header(Height(height)).unwrap().expect("committed");
        let first = header(&self.nodes[0]);
        for node in &self.nodes {
            assert_eq!(header(node), first);
        }
    }
}
