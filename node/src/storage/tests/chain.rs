//! A small chain with real certificates: random blocks, and blocks that tell a story.

use std::collections::BTreeMap;

use mulu_chain::block::{Block, BlockId, CertifiedBlock, HEADER_VERSION, Header, PROTOCOL_VERSION};
use mulu_chain::certificate::{CommitCertificate, CommitSignature, VoteKind, VoteStatement};
use mulu_chain::codec;
use mulu_chain::digest::Digest;
use mulu_chain::log::{LOG_ENTRY_VERSION, LogEntry, LogFrontier, Outcome};
use mulu_chain::signature::SigningKey;
use mulu_chain::state::{HistoryEvent, HistoryLeaf, history_key, key_hash, root_of, value_hash};
use mulu_chain::transaction::{Envelope, TransactionId};
use mulu_chain::types::{ChainId, Height, TimeMs};
use mulu_chain::validator::{Validator, ValidatorSet};
use mulu_contracts::execution::SubjectEvent;
use mulu_genesis::GenesisBlock;

use crate::storage::{Decided, Ledger};

/// SplitMix64: the same numbers on every machine.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

pub fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32])
}

pub fn validators(numbers: &[u8]) -> ValidatorSet {
    let validators = numbers.iter().map(|number| Validator {
        public_key: key(*number).public_key(),
        power: 1,
        member: format!("member-{number}"),
    });
    ValidatorSet::new(validators.collect()).expect("a valid set")
}

pub fn genesis(name: &str, state: BTreeMap<String, Vec<u8>>) -> GenesisBlock {
    let validators = validators(&[1, 2, 3, 4]);
    let pairs = state.iter().map(|(key, value)| (key_hash(key), value_hash(value)));
    let header = Header {
        version: HEADER_VERSION,
        chain_id: name.parse::<ChainId>().expect("a chain id"),
        protocol_version: PROTOCOL_VERSION,
        height: Height::GENESIS,
        time_ms: TimeMs(1_700_000_000_000),
        parent: Digest::ZERO,
        proposer: None,
        transactions: 0,
        body: mulu_chain::block::body_hash(&[]),
        log_size: 0,
        log_root: LogFrontier::default().root(),
        state_root: root_of(pairs),
        validator_set_hash: validators.hash(),
        next_validator_set_hash: validators.hash(),
    };
    GenesisBlock { header, state, validators }
}

/// One transaction of a test block.
pub struct Step {
    pub payload: String,
    pub signer: u8,
    /// Subjects its action 0 touches.
    pub subjects: Vec<String>,
    pub outcome: Outcome,
}

impl Step {
    pub fn new(payload: impl Into<String>, subjects: &[&str]) -> Step {
        let subjects = subjects.iter().map(|s| (*s).to_owned()).collect();
        Step { payload: payload.into(), signer: 9, subjects, outcome: Outcome::Accepted }
    }

    pub fn envelope(&self) -> Envelope {
        Envelope::sign(self.payload.clone().into_bytes(), &[&key(self.signer)]).expect("it signs")
    }

    pub fn id(&self) -> TransactionId {
        self.envelope().id()
    }
}

/// What the next block is made of.
#[derive(Default)]
pub struct Plan {
    pub steps: Vec<Step>,
    pub changes: BTreeMap<String, Vec<u8>>,
    pub next_validators: Option<(ValidatorSet, Vec<u8>)>,
}

/// Builds blocks on a ledger's tip. `signers` is the set in force by key number.
pub struct Chain {
    pub genesis: GenesisBlock,
    signers: Vec<u8>,
}

impl Chain {
    pub fn new(genesis: GenesisBlock) -> Chain {
        Chain { genesis, signers: vec![1, 2, 3, 4] }
    }

    pub fn start(&self, ledger: &Ledger) {
        ledger.initialize(&self.genesis).expect("block 0 is written");
    }

    pub fn digest(&self) -> BlockId {
        self.genesis.header.id()
    }

    /// The decided block that follows the tip.
    pub fn decide(&mut self, ledger: &Ledger, plan: Plan) -> Decided {
        let tip = ledger.tip().expect("a tip");
        let height = tip.header.height.next();
        let time_ms = TimeMs(tip.header.time_ms.0 + 1000);
        let envelopes: Vec<_> = plan.steps.iter().map(Step::envelope).collect();
        let entries: Vec<_> = plan
            .steps
            .iter()
            .zip(&envelopes)
            .zip(0u32..)
            .map(|((step, envelope), index)| LogEntry {
                version: LOG_ENTRY_VERSION,
                height,
                index,
                time_ms,
                transaction: envelope.id(),
                envelope: envelope.digest(),
                outcome: step.outcome.clone(),
            })
            .collect();
        let mut changes = plan.changes;
        let events = histories(ledger, &plan.steps, &entries, &mut changes);
        let prepared = ledger.prepare(&tip, &changes, &entries).expect("it prepares");
        let current = validators(&self.signers);
        let next = plan.next_validators.as_ref().map_or_else(|| current.clone(), |n| n.0.clone());
        let header = Header {
            version: HEADER_VERSION,
            chain_id: tip.header.chain_id.clone(),
            protocol_version: PROTOCOL_VERSION,
            height,
            time_ms,
            parent: tip.header.id(),
            proposer: Some(key(1).public_key()),
            transactions: u32::try_from(entries.len()).expect("few transactions"),
            body: mulu_chain::block::body_hash(&envelopes),
            log_size: prepared.frontier.size(),
            log_root: prepared.frontier.root(),
            state_root: prepared.state_root,
            validator_set_hash: current.hash(),
            next_validator_set_hash: next.hash(),
        };
        let certificate = certify(&header, &self.signers);
        if let Some((_, signers)) = plan.next_validators {
            self.signers = signers;
        }
        let block = Block { header, transactions: envelopes };
        Decided {
            block: CertifiedBlock { block, certificate },
            entries,
            changes,
            events,
            prepared,
            next_validators: next,
        }
    }

    pub fn commit(&mut self, ledger: &Ledger, plan: Plan) {
        let decided = self.decide(ledger, plan);
        ledger.commit(&decided).expect("it commits");
    }
}

/// Appends each accepted step to the histories of its subjects.
fn histories(
    ledger: &Ledger,
    steps: &[Step],
    entries: &[LogEntry],
    changes: &mut BTreeMap<String, Vec<u8>>,
) -> Vec<SubjectEvent> {
    let mut events = Vec::new();
    for (step, entry) in steps.iter().zip(entries) {
        for subject in step.subjects.iter().filter(|_| step.outcome.is_accepted()) {
            let leaf_key = history_key(subject);
            let before = match changes.get(&leaf_key) {
                Some(bytes) => Some(bytes.clone()),
                None => ledger.record(&leaf_key).expect("it reads"),
            };
            let leaf = before.map_or_else(HistoryLeaf::default, |bytes| {
                codec::decode::<_, 64>(&bytes).expect("a leaf")
            });
            let event = HistoryEvent {
                height: entry.height,
                index: entry.index,
                action: 0,
                transaction: entry.transaction,
            };
            changes.insert(leaf_key, codec::encode(&leaf.append(&event)));
            events.push(SubjectEvent { subject: subject.clone(), number: leaf.count, event });
        }
    }
    events
}

fn certify(header: &Header, signers: &[u8]) -> CommitCertificate {
    let block = header.id();
    let statement = VoteStatement {
        chain_id: header.chain_id.clone(),
        height: header.height,
        round: 0,
        kind: VoteKind::Precommit,
        block: Some(block),
    };
    let message = statement.signed_bytes();
    let signatures = signers.iter().map(|number| {
        let key = key(*number);
        CommitSignature { validator: key.public_key(), signature: key.sign(&message) }
    });
    CommitCertificate::new(header.height, 0, block, signatures.collect())
}

/// A random block: up to 6 transactions, up to 20 changes over 60 keys; sometimes nothing at all.
pub fn random_plan(random: &mut Random) -> Plan {
    let mut plan = Plan::default();
    for _ in 0..random.below(7) {
        let subject = format!("entry/{}", random.below(10));
        let payload = format!("{{\"nonce\":\"{}\"}}", random.next());
        let mut step = Step::new(payload, &[&subject]);
        if random.below(4) == 0 {
            step.outcome = Outcome::Rejected { rule: "ENT-03".to_owned(), action: 0 };
        }
        plan.steps.push(step);
    }
    if random.below(3) > 0 {
        for _ in 0..random.below(20) {
            let value = vec![0x5a; usize::try_from(random.below(300)).expect("small")];
            let mut value: Vec<u8> = value;
            value.extend(random.next().to_be_bytes());
            plan.changes.insert(format!("office/{}", random.below(60)), value);
        }
    }
    plan
}
