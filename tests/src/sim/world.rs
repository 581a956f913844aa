//! The world of one seed: a queue of events, the nodes, and what lies between them.
//!
//! Everything happens in one thread and one order that the seed decides. The replica, vote log,
//! ledger, contracts and codec are the production code; what is simulated is the clock, the
//! network, the disks, the clients and the liars.

use std::cmp::Ordering;
use std::collections::{BTreeSet, BinaryHeap};
use std::sync::Arc;

use mulu_chain::types::Height;
use mulu_node::ingest::{VerifiedCache, admit};
use mulu_node::replica::guard::LogRecord;
use mulu_node::replica::handle::Submission;
use mulu_node::replica::io::{Effect, Input, Timer};
use mulu_node::replica::signing::Verifier;
use mulu_node::replica::wire::PeerMessage;

use super::byzantine::Liar;
use super::consortium::{Consortium, Use, key};
use super::invariants::{Commit, Violation};
use super::network::Network;
use super::node::Node;
use super::oracles::Oracles;
use super::plan::{Behaviour, Fault, Plan, Profile};
use super::random::Random;
use super::signatures::Scheme;
use super::statement::Statement;
use super::trace::Trace;
use super::workload::Workload;

/// What one event is.
pub(super) enum Event {
    Deliver { from: usize, to: usize, message: Arc<PeerMessage> },
    Fire { node: usize, incarnation: u64, timer: Timer },
    Connected { node: usize, peer: usize },
    Disconnected { node: usize, peer: usize },
    Restart { node: usize, incarnation: u64 },
    Fault(usize),
    Heal { links: Vec<(usize, usize)>, noticed: bool },
    DiskFree(usize),
    Image,
    Client,
    Flood(usize),
    Quiet,
}

struct Scheduled {
    at: u64,
    number: u64,
    event: Event,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}
impl Eq for Scheduled {}
impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Scheduled {
    // The heap gives its greatest first: the earliest event.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

/// A running simulation.
pub struct World {
    pub(super) plan: Plan,
    pub(super) consortium: &'static Consortium,
    pub(super) scheme: Scheme,
    pub(super) verifier: Arc<dyn Verifier>,
    pub(super) cache: VerifiedCache,
    pub(super) random: Random,
    /// Milliseconds since the epoch.
    pub(super) now: u64,
    queue: BinaryHeap<Scheduled>,
    number: u64,
    pub(super) nodes: Vec<Node>,
    pub(super) network: Network,
    pub(super) liars: Vec<Option<Liar>>,
    pub(super) oracles: Oracles,
    pub(super) workload: Workload,
    pub(super) trace: Trace,
    pub(super) quiet_since: Option<u64>,
    pub(super) goal: Height,
    /// Events handled.
    pub(super) events: u64,
}

/// What ends a run early.
pub(super) type Happened = Result<(), Violation>;

impl World {
    /// The world of a plan, before anything happened.
    pub fn new(plan: Plan, print: bool) -> World {
        let consortium = Consortium::of(plan.validators);
        let scheme = match plan.profile {
            Profile::Core => Scheme::Cheap,
            Profile::Application => Scheme::Real,
        };
        let mut random = Random::new(plan.seed);
        let mut nodes: Vec<Node> = (0..plan.validators + usize::from(plan.observer))
            .map(|department| {
                let observer = department >= plan.validators && !plan.candidate;
                Node::new(consortium, department, observer, random.next_u64())
            })
            .collect();
        for (department, behaviour) in &plan.byzantine {
            nodes[*department].behaviour = Some(*behaviour);
            if *behaviour == Behaviour::Twin {
                let mut twin = Node::new(consortium, *department, false, random.next_u64());
                twin.behaviour = Some(Behaviour::Twin);
                nodes.push(twin);
            }
        }
        let liars = nodes
            .iter()
            .map(|node| {
                let behaviour = node.behaviour.filter(|b| *b != Behaviour::Twin)?;
                let signer =
                    scheme.signer(&super::consortium::seed(node.department, Use::Validator));
                Some(Liar::new(behaviour, signer, consortium, random.fork()))
            })
            .collect();
        let network = Network::new(&plan, nodes.len());
        let workload = Workload::new(&plan, consortium, random.fork());
        World {
            network,
            consortium,
            scheme,
            verifier: scheme.verifier(),
            cache: VerifiedCache::default(),
            random,
            now: consortium.start_ms() + 1_000,
            queue: BinaryHeap::new(),
            number: 0,
            nodes,
            liars,
            oracles: Oracles::new(consortium),
            workload,
            trace: Trace::new(plan.seed, print),
            quiet_since: None,
            goal: Height(u64::MAX),
            events: 0,
            plan,
        }
    }

    pub(super) fn at(&mut self, after_ms: u64, event: Event) -> u64 {
        self.number += 1;
        let (at, number) = (self.now + after_ms, self.number);
        self.queue.push(Scheduled { at, number, event });
        number
    }

    /// Takes the next event, and moves the clock to it.
    pub(super) fn next_event(&mut self) -> Option<(u64, Event)> {
        let Scheduled { at, number, event } = self.queue.pop()?;
        self.now = self.now.max(at);
        self.events += 1;
        Some((number, event))
    }

    pub(super) fn happen(&mut self, number: u64, event: Event) -> Happened {
        match event {
            Event::Deliver { from, to, message } => self.deliver(from, to, &message),
            Event::Fire { node, incarnation, timer } => {
                let own = &mut self.nodes[node];
                let set = own.timers.iter().position(|(t, n)| *t == timer && *n == number);
                match set.filter(|_| own.incarnation == incarnation) {
                    Some(index) => {
                        own.timers.swap_remove(index);
                        self.feed(node, Input::Fired(timer))
                    }
                    None => Ok(()),
                }
            }
            Event::Connected { node, peer } => {
                if self.nodes[peer].running.is_none() {
                    return Ok(());
                }
                let peer = self.peer_of(peer);
                self.feed(node, Input::Connected(peer))
            }
            Event::Disconnected { node, peer } => {
                // A loss that was noticed late: by now the ends have dialled again.
                if self.is_quiet() && self.nodes[peer].running.is_some() {
                    return Ok(());
                }
                let peer = self.peer_of(peer);
                self.feed(node, Input::Disconnected(peer))
            }
            Event::Restart { node, incarnation } => {
                let due = self.nodes[node].incarnation == incarnation;
                if due && self.nodes[node].running.is_none() { self.start(node) } else { Ok(()) }
            }
            Event::Fault(index) => {
                let fault = self.plan.faults[index].1.clone();
                self.strike(&fault)
            }
            Event::Heal { links, noticed } => {
                self.heal(&links, noticed);
                Ok(())
            }
            Event::DiskFree(node) => {
                self.nodes[node].disk.set_full(false);
                self.nodes[node].kv.set_full(false);
                Ok(())
            }
            Event::Image => {
                self.take_images();
                Ok(())
            }
            Event::Client => self.client(),
            Event::Flood(node) => self.flood(node),
            Event::Quiet => self.calm(),
        }
    }

    fn peer_of(&self, node: usize) -> libp2p::PeerId {
        self.consortium.departments[self.nodes[node].department].peer
    }

    fn deliver(&mut self, from: usize, to: usize, message: &PeerMessage) -> Happened {
        let Some(running) = &self.nodes[to].running else { return Ok(()) };
        let working = running.ledger.height().unwrap_or_default().next();
        let message = match self.plan.profile {
            Profile::Core => message.clone(),
            // What arrives was bytes on the way.
            Profile::Application => match PeerMessage::from_frame(&message.to_frame()) {
                Ok(message) => message,
                Err(_) => return Ok(()),
            },
        };
        let heard = message.clone();
        let chain_id = self.consortium.chain_id();
        let Ok(input) = admit(message, chain_id, &*self.verifier, &self.cache) else {
            return Ok(());
        };
        // An observer has no key to report with.
        if self.nodes[to].behaviour.is_none() && !self.nodes[to].observer {
            self.oracles.evidence.on_heard(to, working, &heard);
        }
        let from = self.peer_of(from);
        self.feed(to, Input::Peer { from, message: input })
    }

    /// Starts a node, and connects it with all that run and can be reached.
    pub(super) fn start(&mut self, node: usize) -> Happened {
        let own = &mut self.nodes[node];
        own.incarnation += 1;
        let started = own.start(self.consortium, self.scheme, &self.verifier, self.now);
        self.trace
            .say(self.now, || format!("node {node} starts: {:?}", started.as_ref().map(Vec::len)));
        match started {
            Ok(frames) => {
                for frame in &frames {
                    self.trace.say(self.now, || {
                        let record = LogRecord::from_frame(frame);
                        format!(
                            "  node {node} remembers {}",
                            record.map_or_else(|e| e.to_string(), |r| brief(&r))
                        )
                    });
                }
                let forgot = std::mem::take(&mut own.forgot);
                let height = own.running.as_ref().and_then(|r| r.ledger.height().ok());
                if own.behaviour.is_none() {
                    self.oracles.order.on_open(node, height.unwrap_or_default(), forgot)?;
                    self.oracles.signing.on_open(node, &frames);
                }
            }
            Err(error) if own.disk_may_fail && error.is_disk() => {
                return self.disk_refused(node).map(drop);
            }
            Err(error) if own.behaviour.is_none() => {
                return Err(Violation {
                    invariant: "an honest node starts",
                    detail: format!("node {node}: {error}"),
                });
            }
            Err(_) => return Ok(()),
        }
        self.feed(node, Input::Start)?;
        for peer in 0..self.nodes.len() {
            let other = self.nodes[peer].department != self.nodes[node].department;
            if other && self.nodes[peer].running.is_some() {
                self.connect(node, peer, 5);
            }
        }
        Ok(())
    }

    pub(super) fn connect(&mut self, node: usize, peer: usize, after_ms: u64) {
        if self.network.is_open(node, peer) && self.network.is_open(peer, node) {
            self.at(after_ms, Event::Connected { node, peer });
            self.at(after_ms, Event::Connected { node: peer, peer: node });
        }
    }

    /// The process is gone. `again`: it comes back after its pause.
    pub(super) fn die(&mut self, node: usize, again: bool) -> Happened {
        let own = &mut self.nodes[node];
        own.running = None;
        own.timers.clear();
        own.kill_after = None;
        own.incarnation += 1;
        let (incarnation, down_ms) = (own.incarnation, own.down_ms.max(10));
        self.oracles.evidence.on_stop(node);
        if again {
            self.at(down_ms, Event::Restart { node, incarnation });
        }
        for peer in 0..self.nodes.len() {
            if self.nodes[peer].running.is_some() && peer != node {
                self.at(2, Event::Disconnected { node: peer, peer: node });
            }
        }
        Ok(())
    }

    /// Feeds a node one input, and performs what it asks for: what `driver.rs` does.
    pub(super) fn feed(&mut self, node: usize, input: Input) -> Happened {
        let mut next = Some(input);
        while let Some(input) = next.take() {
            let clock = self.nodes[node].clock(self.now);
            let Some(running) = &mut self.nodes[node].running else { return Ok(()) };
            let effects = match running.replica.step(clock, input) {
                Ok(effects) => effects,
                Err(error) if self.nodes[node].behaviour.is_none() => {
                    return Err(Violation {
                        invariant: "an honest node goes on",
                        detail: format!("node {node}: {error}"),
                    });
                }
                Err(_) => return self.die(node, true),
            };
            for effect in effects {
                match self.perform(node, effect)? {
                    Performed::Done => {}
                    Performed::Committed => next = Some(Input::Committed),
                    Performed::Died => return Ok(()),
                }
            }
        }
        self.check_bounds(node)
    }

    fn perform(&mut self, node: usize, effect: Effect) -> Result<Performed, Violation> {
        let own = &mut self.nodes[node];
        if let Some(left) = &mut own.kill_after {
            match left.checked_sub(1) {
                Some(fewer) => *left = fewer,
                None => {
                    self.trace.say(self.now, || format!("node {node} is killed before {effect:?}"));
                    self.die(node, true)?;
                    if let Some(damage) = self.nodes[node].damage_then.take() {
                        self.damage(node, damage);
                    }
                    return Ok(Performed::Died);
                }
            }
        }
        let honest = own.behaviour.is_none();
        let Some(running) = &mut own.running else { return Ok(Performed::Died) };
        match effect {
            Effect::Persist(frames) => {
                let Some(log) = &mut running.log else { return Ok(Performed::Done) };
                if log.append(&frames).is_err() {
                    return self.disk_refused(node);
                }
                self.oracles.signing.on_durable(node, &frames);
            }
            Effect::RotateLog(live) => {
                let Some(log) = &mut running.log else { return Ok(Performed::Done) };
                if log.rotate(&live).is_err() {
                    return self.disk_refused(node);
                }
                self.oracles.signing.on_durable(node, &live);
            }
            Effect::Commit(decided) => {
                if running.ledger.commit(&decided).is_err() {
                    return self.disk_refused(node);
                }
                let header = &decided.block.block.header;
                self.trace.note(&[node as u64, header.height.0, self.now]);
                self.trace.bytes(header.id().as_bytes());
                self.trace.say(self.now, || {
                    format!(
                        "node {node} commits {} with {} transactions",
                        header.height, header.transactions
                    )
                });
                if honest {
                    let clocks = self.nodes.iter().filter(|n| n.behaviour.is_none());
                    let latest = clocks.map(|n| n.clock(self.now)).max().unwrap_or_default();
                    let commit = Commit { node, decided: &decided };
                    self.oracles.time.on_commit(&commit, latest)?;
                    self.oracles.on_commit(Commit { node, decided: &decided }, &*self.verifier)?;
                }
                return Ok(Performed::Committed);
            }
            Effect::Send(peer, message) => {
                let to: Vec<usize> = (0..self.nodes.len())
                    .filter(|n| self.peer_of(*n) == peer && *n != node)
                    .collect();
                self.say(node, &to, *message)?;
            }
            Effect::Broadcast(message) => {
                let own = self.nodes[node].department;
                let to: Vec<usize> =
                    (0..self.nodes.len()).filter(|n| self.nodes[*n].department != own).collect();
                self.say(node, &to, *message)?;
            }
            Effect::Reply(_, verdict) => {
                self.trace.say(self.now, || format!("node {node} answers the client: {verdict:?}"));
                self.workload.on_reply(&verdict);
            }
            Effect::Schedule(timer, after) => {
                let incarnation = own.incarnation;
                own.timers.retain(|(t, _)| *t != timer);
                let after = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
                let number = self.at(after, Event::Fire { node, incarnation, timer });
                self.nodes[node].timers.push((timer, number));
            }
            Effect::Cancel(timer) => own.timers.retain(|(t, _)| *t != timer),
            Effect::CancelConsensusTimers => {
                own.timers.retain(|(t, _)| !matches!(t, Timer::Consensus(..)));
            }
        }
        Ok(Performed::Done)
    }

    /// A write or sync failed: the process ends, as it must.
    fn disk_refused(&mut self, node: usize) -> Result<Performed, Violation> {
        if !self.nodes[node].disk_may_fail {
            return Err(Violation {
                invariant: "a sound disk does not refuse",
                detail: format!("node {node}"),
            });
        }
        self.trace.say(self.now, || format!("node {node} stops: its disk refuses"));
        if self.nodes[node].disk.is_off() {
            self.nodes[node].running = None;
            self.nodes[node].disk.crash();
        }
        self.die(node, true)?;
        Ok(Performed::Died)
    }

    fn say(&mut self, node: usize, to: &[usize], message: PeerMessage) -> Happened {
        let own = &self.nodes[node];
        if own.behaviour.is_none() {
            let key = self.consortium.departments[own.department].validator;
            self.oracles.signing.on_said(node, &key, &message, own.forgetful)?;
            let own_words = Statement::of(&message).filter(|s| s.validator == key);
            if let Some(statement) = own_words {
                let set = self.oracles.certificates.set_of(node, &statement)?;
                if !own.forgetful {
                    self.oracles.locking.on_said(&statement, set)?;
                }
            }
        }
        if let PeerMessage::Polka(polka) = &message {
            self.oracles.locking.on_polka(polka);
        }
        self.trace.note(&[node as u64, self.now]);
        self.trace.bytes(&message.to_frame());
        if !matches!(message, PeerMessage::Status(_)) {
            self.trace
                .say(self.now, || format!("node {node} says to {to:?}: {}", summary(&message)));
        }
        let message = Arc::new(message);
        for to in to {
            match &mut self.liars[node] {
                None => self.post(node, *to, message.clone()),
                Some(liar) => {
                    for lie in liar.says(&message) {
                        self.post(node, *to, lie);
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn post(&mut self, from: usize, to: usize, message: Arc<PeerMessage>) {
        if let Some(statement) = Statement::of(&message) {
            self.oracles.locking.on_any_said(&statement);
        }
        self.oracles.stats.messages += 1;
        let arrivals = self.network.arrivals(from, to, &mut self.random);
        if arrivals[0].is_none() {
            self.oracles.stats.lost += 1;
        }
        for after in arrivals.into_iter().flatten() {
            self.at(after, Event::Deliver { from, to, message: message.clone() });
        }
    }

    fn flood(&mut self, node: usize) -> Happened {
        if self.nodes[node].running.is_some() {
            let peers: Vec<usize> = (0..self.nodes.len()).filter(|to| *to != node).collect();
            let junk = self.liars[node].as_mut().map(Liar::junk).unwrap_or_default();
            for message in junk {
                for to in &peers {
                    self.post(node, *to, message.clone());
                }
            }
        }
        let after = self.random.between(200, 2_000);
        self.at(after, Event::Flood(node));
        Ok(())
    }

    /// A liar that its own node has silenced (it saw its key used elsewhere) starts anew without a
    /// memory: an attacker minds no guard.
    fn unleash_liars(&mut self) -> Happened {
        for node in 0..self.nodes.len() {
            let own = &mut self.nodes[node];
            let silenced = own.behaviour.is_some()
                && own.running.as_ref().is_some_and(|r| r.replica.status().abstaining.is_some());
            if silenced {
                own.forget_votes();
                self.die(node, true)?;
            }
        }
        Ok(())
    }

    /// A client submits something somewhere.
    fn client(&mut self) -> Happened {
        self.unleash_liars()?;
        let up: Vec<usize> =
            (0..self.nodes.len()).filter(|n| self.nodes[*n].running.is_some()).collect();
        let Some(node) = self.random.pick(&up).copied() else { return Ok(()) };
        let honest: Vec<usize> =
            up.iter().copied().filter(|n| self.nodes[*n].behaviour.is_none()).collect();
        let view = self.random.pick(&honest).and_then(|n| self.nodes[*n].running.as_ref());
        let ledger = view.map(|running| running.ledger.clone());
        let now = self.now;
        let quiet = self.quiet_since.is_some();
        let done = |id: &_| self.oracles.acknowledged.contains(id);
        let Some(transaction) = self.workload.next(ledger.as_ref(), now, quiet, &done) else {
            return Ok(());
        };
        self.trace
            .say(self.now, || format!("a client submits {} to node {node}", transaction.id()));
        self.workload.sent(transaction.id());
        let (reply, _) = tokio::sync::oneshot::channel();
        self.feed(node, Input::Submit(Submission { transaction, acknowledged: false, reply }))
    }

    /// The validator keys of all liars.
    pub(super) fn liar_keys(&self) -> BTreeSet<mulu_chain::signature::PublicKey> {
        let liars = self.nodes.iter().filter(|node| node.behaviour.is_some() || node.forgetful);
        liars.map(|node| key(node.department, Use::Validator).public_key()).collect()
    }
}

enum Performed {
    Done,
    Committed,
    Died,
}

fn brief(record: &LogRecord) -> String {
    match record {
        LogRecord::Vote(vote) => {
            summary(&PeerMessage::Vote(vote.clone())) + &format!(" by {}", vote.validator)
        }
        LogRecord::Proposal(proposal) => summary(&PeerMessage::Proposal(proposal.clone())),
        LogRecord::Body { height, bytes } => format!("body of {height}, {} bytes", bytes.len()),
        other => format!("{other:?}"),
    }
}

fn summary(message: &PeerMessage) -> String {
    match message {
        PeerMessage::Blocks(blocks) => format!("{} blocks", blocks.len()),
        PeerMessage::Block(block) => {
            format!("block {} of {}", block.header.id(), block.header.height)
        }
        PeerMessage::Transactions(list) => format!("{} transactions", list.len()),
        PeerMessage::Vote(vote) => {
            format!("{:?} {} round {} {:?}", vote.kind, vote.height, vote.round, vote.block)
        }
        PeerMessage::Proposal(p) => {
            format!("proposal {} round {} {} valid {:?}", p.height, p.round, p.block, p.valid_round)
        }
        other => format!("{other:?}"),
    }
}

impl World {
    /// Whether any fault of the plan is still to come is nobody's concern after the quiet.
    pub(super) fn schedule_plan(&mut self) {
        let faults: Vec<u64> = self.plan.faults.iter().map(|(at, _)| *at).collect();
        for (index, at) in faults.into_iter().enumerate() {
            self.at(at, Event::Fault(index));
        }
        for at in self.workload.times(self.plan.quiet_at_ms) {
            self.at(at, Event::Client);
        }
        for at in [2_000, 8_000, 25_000] {
            self.at(at, Event::Image);
        }
        let flooders: Vec<usize> = (0..self.nodes.len())
            .filter(|n| self.nodes[*n].behaviour == Some(Behaviour::Flooder))
            .collect();
        for node in flooders {
            self.at(1_000, Event::Flood(node));
        }
        self.at(self.plan.quiet_at_ms, Event::Quiet);
    }

    /// A fault of the plan that only counts before the quiet.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet_since.is_some()
    }

    /// Counts a fault.
    pub(super) fn count(&mut self, fault: &Fault) {
        *self.oracles.stats.faults.entry(fault.kind()).or_default() += 1;
    }
}
