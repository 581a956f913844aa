//! A small chain made of a seed, and a bundle about it: everything in it is as a node would have
//! written it, and the keys of all its validators are at hand.

use std::collections::{BTreeMap, BTreeSet};

use mulu_chain::block::{BlockId, CertifiedHeader, HEADER_VERSION, Header, PROTOCOL_VERSION};
use mulu_chain::bundle::{BUNDLE_VERSION, Frame, Head, SetChange, Touch, build};
use mulu_chain::certificate::{CommitCertificate, CommitSignature, VoteKind, VoteStatement};
use mulu_chain::codec;
use mulu_chain::digest::Digest;
use mulu_chain::log::{LOG_ENTRY_VERSION, LogEntry, LogFrontier, Outcome};
use mulu_chain::signature::SigningKey;
use mulu_chain::state::{HistoryEvent, HistoryLeaf, history_key, key_hash, root_of, value_hash};
use mulu_chain::transaction::Envelope;
use mulu_chain::types::{ChainId, Height, TimeMs};
use mulu_chain::validator::{Validator, ValidatorSet};

use super::{Mutant, Random};

const TIME: u64 = 1_767_225_600_000;
/// Height whose header announces another set.
const CHANGE: u64 = 2;
const SUBJECTS: usize = 4;

/// What a bundle is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// A record and its history.
    Record,
    /// That there is no such record, and no history.
    Absent,
    /// A transaction.
    Transaction,
    /// Heights.
    Heights,
    /// Times.
    Times,
}

/// A transaction with its place.
#[derive(Debug, Clone)]
pub struct Logged {
    /// Its entry.
    pub entry: LogEntry,
    /// Its envelope.
    pub envelope: Envelope,
    /// The subjects its actions touched.
    pub touched: Vec<usize>,
}

/// The chain.
pub struct World {
    /// What the bundle asks.
    pub asked: Asked,
    /// Its chain id.
    pub chain_id: ChainId,
    /// Keys of the founding validators.
    pub old_keys: Vec<SigningKey>,
    /// Keys of those after the change.
    pub new_keys: Vec<SigningKey>,
    /// Headers by height.
    pub headers: Vec<Header>,
    /// States by height.
    pub states: Vec<BTreeMap<String, Vec<u8>>>,
    /// The log.
    pub log: Vec<Logged>,
    frames: Vec<Frame>,
}

/// A set of these keys.
pub fn set_of(keys: &[SigningKey]) -> ValidatorSet {
    let validator = |key: &SigningKey| Validator {
        public_key: key.public_key(),
        power: 1,
        member: "11110000MB0000010W".to_owned(),
    };
    ValidatorSet::new(keys.iter().map(validator).collect()).expect("keys of seeds are a set")
}

/// A certificate by these keys, in a round.
pub fn certify(header: Header, keys: &[SigningKey], round: u32) -> CertifiedHeader {
    let vote = VoteStatement {
        chain_id: header.chain_id.clone(),
        height: header.height,
        round,
        kind: VoteKind::Precommit,
        block: Some(header.id()),
    };
    certify_vote(header, keys, &vote)
}

/// A certificate whose signatures cover this vote.
pub fn certify_vote(header: Header, keys: &[SigningKey], vote: &VoteStatement) -> CertifiedHeader {
    let signed = vote.signed_bytes();
    let sign = |key: &SigningKey| CommitSignature {
        validator: key.public_key(),
        signature: key.sign(&signed),
    };
    let mut signatures: Vec<CommitSignature> = keys.iter().map(sign).collect();
    signatures.sort_by_key(|signature| signature.validator);
    let (height, block) = (header.height, header.id());
    let certificate = CommitCertificate { height, round: vote.round, block, signatures };
    CertifiedHeader { header, certificate }
}

fn subject(number: usize) -> String {
    format!("entry/{}", Digest::sha256(format!("subject {number}").as_bytes()))
}

fn keys(random: &mut Random, count: usize) -> Vec<SigningKey> {
    let seed = |random: &mut Random| {
        let mut seed = [0u8; 32];
        seed.chunks_mut(8).for_each(|part| part.copy_from_slice(&random.next_u64().to_le_bytes()));
        seed
    };
    (0..count).map(|_| SigningKey::from_seed(&seed(random))).collect()
}

impl World {
    /// Makes a chain and a bundle about it.
    pub fn new(seed: u64, asked: Asked) -> World {
        World::with(seed, asked, |envelope| envelope)
    }

    /// As [`World::new`], the validators having let other envelopes than the signers' pass.
    pub fn with(seed: u64, asked: Asked, tamper: fn(Envelope) -> Envelope) -> World {
        let mut random = Random::new(seed);
        let (old_keys, new_keys) = (keys(&mut random, 4), keys(&mut random, 5));
        let signers = keys(&mut random, 3);
        let chain_id: ChainId = format!("world-{}", seed % 1000).parse().expect("a chain id");
        let mut state: BTreeMap<String, Vec<u8>> = (0..20)
            .map(|n| (format!("member/{n}"), random.next_u64().to_le_bytes().to_vec()))
            .collect();
        state.insert("params".to_owned(), b"{\"a\":0}".to_vec());
        let mut world = World {
            asked,
            chain_id,
            old_keys,
            new_keys,
            headers: Vec::new(),
            states: Vec::new(),
            log: Vec::new(),
            frames: Vec::new(),
        };
        let mut frontier = LogFrontier::default();
        world.seal(&frontier, &state, 0);
        for height in 1..=6u64 {
            let count = 2 + random.index(3);
            for index in 0..count {
                let nonce = random.next_u64();
                let touched: Vec<usize> =
                    (0..1 + random.index(2)).map(|_| random.index(SUBJECTS)).collect();
                let logged = world.transaction(height, index, nonce, touched, &signers, tamper);
                frontier.append(logged.entry.leaf_hash());
                world.touch(&logged, &mut state);
                world.log.push(logged);
            }
            state.insert("params".to_owned(), format!("{{\"a\":{height}}}").into_bytes());
            world.seal(&frontier, &state, u32::try_from(count).expect("few"));
        }
        world.frames = world.bundle(&mut random);
        world
    }

    fn transaction(
        &self,
        height: u64,
        index: usize,
        nonce: u64,
        touched: Vec<usize>,
        signers: &[SigningKey],
        tamper: fn(Envelope) -> Envelope,
    ) -> Logged {
        let payload = format!(r#"{{"nonce":"{nonce:x}","actions":{}}}"#, touched.len());
        let both = [&signers[0], &signers[1]];
        let by = if nonce.is_multiple_of(2) { &both[..] } else { &both[..1] };
        let envelope = tamper(Envelope::sign(payload.into_bytes(), by).expect("a small payload"));
        let rejected = nonce.is_multiple_of(5);
        let outcome = if rejected {
            Outcome::Rejected { rule: "AUT-07".to_owned(), action: 0 }
        } else {
            Outcome::Accepted
        };
        let entry = LogEntry {
            version: LOG_ENTRY_VERSION,
            height: Height(height),
            index: u32::try_from(index).expect("few"),
            time_ms: TimeMs(TIME + height * 1000),
            transaction: envelope.id(),
            envelope: envelope.digest(),
            outcome,
        };
        Logged { entry, envelope, touched: if rejected { Vec::new() } else { touched } }
    }

    fn touch(&self, logged: &Logged, state: &mut BTreeMap<String, Vec<u8>>) {
        for (action, number) in logged.touched.iter().enumerate() {
            let key = history_key(&subject(*number));
            let leaf = state.get(&key).map_or_else(HistoryLeaf::default, |bytes| {
                codec::decode::<HistoryLeaf, 64>(bytes).expect("we wrote it")
            });
            let event = event_of(&logged.entry, action);
            state.insert(key, codec::encode(&leaf.append(&event)));
            state.insert(
                subject(*number),
                format!("{{\"at\":\"{}\"}}", logged.entry.transaction).into_bytes(),
            );
        }
    }

    fn seal(&mut self, frontier: &LogFrontier, state: &BTreeMap<String, Vec<u8>>, count: u32) {
        let height = self.headers.len() as u64;
        let set = |keys: &[SigningKey]| set_of(keys).hash();
        let (old, new) = (set(&self.old_keys), set(&self.new_keys));
        let decided_by = if height <= CHANGE { old } else { new };
        self.headers.push(Header {
            version: HEADER_VERSION,
            chain_id: self.chain_id.clone(),
            protocol_version: PROTOCOL_VERSION,
            height: Height(height),
            time_ms: TimeMs(TIME + height * 1000),
            parent: self.headers.last().map_or(Digest::ZERO, Header::id),
            proposer: (height > 0).then(|| self.old_keys[0].public_key()),
            transactions: count,
            body: Digest::sha256(&height.to_le_bytes()),
            log_size: frontier.size(),
            log_root: frontier.root(),
            state_root: root_of(state.iter().map(|(k, v)| (key_hash(k), value_hash(v)))),
            validator_set_hash: decided_by,
            next_validator_set_hash: if height < CHANGE { old } else { new },
        });
        self.states.push(state.clone());
    }

    /// The last header.
    pub fn tip(&self) -> &Header {
        self.headers.last().expect("there is block 0")
    }

    /// The genesis digest.
    pub fn genesis(&self) -> BlockId {
        self.headers[0].id()
    }

    /// The bundle, not changed yet.
    pub fn mutant(&self) -> Mutant {
        Mutant { frames: self.frames.clone(), genesis: self.genesis(), bytes: None }
    }

    fn bundle(&self, random: &mut Random) -> Vec<Frame> {
        let present: Vec<usize> =
            (0..SUBJECTS).filter(|n| self.states[6].contains_key(&subject(*n))).collect();
        let (from, to) = (2 + random.index(2) as u64, 4 + random.index(2) as u64);
        let told = random.index(self.log.len());
        let question = match self.asked {
            Asked::Record => subject(present[0]),
            Asked::Absent => "entry/none".to_owned(),
            Asked::Transaction => format!("transaction/{}", self.log[told].entry.transaction),
            Asked::Heights => format!("heights/{from}-{to}"),
            Asked::Times => format!("times/{}-{}", TIME + from * 1000, TIME + to * 1000),
        };
        let subjects: Vec<String> = match self.asked {
            Asked::Record => {
                let mut all: Vec<String> = present.iter().take(2).map(|n| subject(*n)).collect();
                all.sort_unstable();
                all
            }
            Asked::Absent => vec![question.clone()],
            _ => Vec::new(),
        };
        let mut wanted: BTreeSet<String> = BTreeSet::from(["params".to_owned()]);
        for subject in &subjects {
            wanted.insert(history_key(subject));
            wanted.insert(subject.clone());
        }
        let mut frames = self.head(question);
        frames.extend(build::state_frames(&self.states[6], &wanted));
        frames.extend(subjects.iter().map(|s| Frame::History { subject: s.clone() }));
        let leaves: Vec<Digest> = self.log.iter().map(|l| l.entry.leaf_hash()).collect();
        frames.extend(build::log_frames(&leaves, self.told(&subjects, (from, to), told)));
        frames
    }

    fn head(&self, question: String) -> Vec<Frame> {
        let head = Head {
            version: BUNDLE_VERSION,
            chain_id: self.chain_id.clone(),
            question,
            genesis: self.headers[0].clone(),
            genesis_validators: set_of(&self.old_keys),
        };
        let announced_by = certify(self.headers[CHANGE as usize].clone(), &self.old_keys, 0);
        let change = SetChange { announced_by, next: set_of(&self.new_keys) };
        let tip = certify(self.tip().clone(), &self.new_keys[..4], 1);
        vec![Frame::Head(head), Frame::SetChange(change), Frame::Tip(tip)]
    }

    fn told(&self, subjects: &[String], range: (u64, u64), one: usize) -> BTreeMap<u64, Frame> {
        let mut told = BTreeMap::new();
        for (at, logged) in self.log.iter().enumerate() {
            let mut events = Vec::new();
            for (action, number) in logged.touched.iter().enumerate() {
                let subject = subject(*number);
                if let Some(history) = subjects.iter().position(|s| *s == subject) {
                    let number = |n| u32::try_from(n).expect("few");
                    events.push(Touch { action: number(action), history: number(history) });
                }
            }
            let height = logged.entry.height.0;
            let in_range = (range.0..=range.1).contains(&height);
            let ranged = matches!(self.asked, Asked::Heights | Asked::Times);
            let beside = self.log.get(at + 1).is_some_and(|l| l.entry.height.0 == range.0)
                || (at > 0 && self.log[at - 1].entry.height.0 == range.1);
            let whole = !events.is_empty()
                || (ranged && in_range)
                || (self.asked == Asked::Transaction && at == one)
                // Rejections are told too, so that they can be passed off as events.
                || (self.asked == Asked::Record && !logged.entry.outcome.is_accepted());
            if whole {
                told.insert(at as u64, logged.frame(events));
            } else if ranged && beside {
                told.insert(at as u64, Frame::LogLeaf(logged.entry.clone()));
            }
        }
        told
    }
}

fn event_of(entry: &LogEntry, action: usize) -> HistoryEvent {
    HistoryEvent {
        height: entry.height,
        index: entry.index,
        action: u32::try_from(action).expect("few"),
        transaction: entry.transaction,
    }
}

impl Logged {
    /// Its frame.
    pub fn frame(&self, events: Vec<Touch>) -> Frame {
        Frame::Transaction {
            height: self.entry.height,
            index: self.entry.index,
            time_ms: self.entry.time_ms,
            outcome: self.entry.outcome.clone(),
            envelope: self.envelope.clone(),
            events,
        }
    }
}
