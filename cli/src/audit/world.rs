//! A chain for tests: the development consortium, real keys, real rules, real proofs.

use std::collections::BTreeMap;

use mulu_chain::block::{
    Block, CertifiedBlock, CertifiedHeader, HEADER_VERSION, Header, PROTOCOL_VERSION, body_hash,
};
use mulu_chain::bundle::build::{log_frames, state_frames};
use mulu_chain::bundle::{BUNDLE_VERSION, Bundle, Frame, Head, Touch};
use mulu_chain::certificate::{CommitCertificate, CommitSignature, VoteKind, VoteStatement};
use mulu_chain::digest::Digest;
use mulu_chain::log::{LOG_ENTRY_VERSION, LogEntry, LogFrontier};
use mulu_chain::signature::SigningKey;
use mulu_chain::state::{HistoryEvent, history_key, key_hash, root_of, value_hash};
use mulu_chain::transaction::{Envelope, TransactionId};
use mulu_chain::types::{Height, TimeMs};
use mulu_contracts::action::Action;
use mulu_contracts::execution::{BlockContext, execute_block};
use mulu_contracts::payload::{Payload, SCHEMA_VERSION, Submitter};
use mulu_contracts::protocol::Rules;
use mulu_contracts::state::{StateRead, StateReadError};
use mulu_contracts::transaction::Transaction;
use mulu_genesis::devnet::{DEPARTMENTS, DepartmentKeys, DevnetKeys, founding_text};
use mulu_genesis::{Founding, parse};

/// What a key of the consortium is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Votes.
    Validator = 1,
    /// Acts for its department.
    Officer = 2,
    /// A program.
    Application = 3,
}

/// The key of a department in a role.
pub fn key(department: usize, role: Role) -> SigningKey {
    let mut seed = [7u8; 32];
    seed[0] = u8::try_from(department).expect("four departments");
    seed[1] = role as u8;
    SigningKey::from_seed(&seed)
}

/// Code of a department.
pub fn uscc(department: usize) -> String {
    DEPARTMENTS[department].uscc.to_owned()
}

/// Id of a department's first office.
pub fn office(department: usize) -> String {
    format!("{}:{}", uscc(department), DEPARTMENTS[department].offices[0].code)
}

/// Id of a department's first duty.
pub fn duty(department: usize) -> String {
    format!("{}:{}", uscc(department), DEPARTMENTS[department].duties[0].code)
}

/// The chain.
pub struct World {
    founding: Founding,
    /// State under the tip.
    pub state: BTreeMap<String, Vec<u8>>,
    histories: BTreeMap<String, Vec<HistoryEvent>>,
    transactions: Vec<(Envelope, LogEntry)>,
    /// Height of the tip.
    pub height: u64,
    /// Time of the tip.
    pub time_ms: u64,
}

struct View<'a>(&'a BTreeMap<String, Vec<u8>>);

impl StateRead for View<'_> {
    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StateReadError> {
        Ok(self.0.get(key).cloned())
    }
}

impl World {
    /// The consortium's chain at block 0.
    pub fn new() -> World {
        let public = |department, number: u8| {
            let mut seed = [9u8; 32];
            seed[0] = u8::try_from(department).expect("four departments");
            seed[1] = number;
            SigningKey::from_seed(&seed).public_key()
        };
        let departments = [0, 1, 2, 3].map(|department| DepartmentKeys {
            node: public(department, 1),
            validator: key(department, Role::Validator).public_key(),
            administrator: public(department, 2),
            officer: key(department, Role::Officer).public_key(),
            application: key(department, Role::Application).public_key(),
        });
        let keys = DevnetKeys { departments, authority: public(9, 1), auditor: public(9, 2) };
        let text = founding_text("mulu-test", "2026-01-01T00:00:00Z", &keys);
        let founding = parse(&text, "genesis.toml").expect("a founding document");
        let block = founding.block();
        World {
            state: block.state.clone(),
            time_ms: block.header.time_ms.0,
            founding,
            histories: BTreeMap::new(),
            transactions: Vec::new(),
            height: 0,
        }
    }

    /// The genesis digest.
    pub fn genesis(&self) -> Digest {
        self.founding.digest()
    }

    /// Executes one transaction in a block of its own, a second after the block before, and
    /// returns its id; the rules must accept it.
    pub fn commit(
        &mut self,
        department: usize,
        signers: &[&SigningKey],
        action: Action,
    ) -> TransactionId {
        self.height += 1;
        self.time_ms += 1_000;
        let chain_id = self.founding.chain_id().clone();
        let payload = Payload {
            schema_version: SCHEMA_VERSION,
            chain_id: chain_id.clone(),
            submitter: Submitter { member: uscc(department), office: Some(office(department)) },
            on_behalf_of: None,
            created_at: None,
            valid_until: self.height,
            nonce: None,
            actions: vec![action],
        };
        let bytes = serde_json::to_vec(&payload).expect("JSON");
        let envelope = Envelope::sign(bytes, signers).expect("small");
        let verified = envelope.clone().verify().expect("signed");
        let transaction = Transaction::parse(verified, &chain_id).expect("parses");
        let id = transaction.id();
        let block = BlockContext {
            chain_id,
            height: Height(self.height),
            time_ms: TimeMs(self.time_ms),
            rules: Rules::First,
        };
        let execution = execute_block(&block, &[transaction], &View(&self.state)).expect("reads");
        let outcome = execution.outcomes.into_iter().next().expect("one outcome");
        assert!(outcome.is_accepted(), "{outcome:?}");
        self.state.extend(execution.changes);
        for event in execution.events {
            self.histories.entry(event.subject).or_default().push(event.event);
        }
        let entry = LogEntry {
            version: LOG_ENTRY_VERSION,
            height: Height(self.height),
            index: 0,
            time_ms: TimeMs(self.time_ms),
            transaction: id,
            envelope: envelope.digest(),
            outcome,
        };
        self.transactions.push((envelope, entry));
        id
    }

    /// Empty blocks.
    pub fn idle(&mut self, blocks: u64) {
        self.height += blocks;
        self.time_ms += 1_000 * blocks;
    }

    /// The leaves of the log.
    pub fn leaves(&self) -> Vec<Digest> {
        self.transactions.iter().map(|(_, entry)| entry.leaf_hash()).collect()
    }

    /// A bundle of everything on the chain, asked about `subject`.
    pub fn bundle(&self, subject: &str) -> Bundle {
        let leaves = self.leaves();
        let mut frontier = LogFrontier::default();
        for leaf in &leaves {
            frontier.append(*leaf);
        }
        let pairs: BTreeMap<Digest, Digest> =
            self.state.iter().map(|(k, v)| (key_hash(k), value_hash(v))).collect();
        let block = self.founding.block();
        let header = Header {
            version: HEADER_VERSION,
            chain_id: self.founding.chain_id().clone(),
            protocol_version: PROTOCOL_VERSION,
            height: Height(self.height),
            time_ms: TimeMs(self.time_ms),
            parent: Digest::ZERO,
            proposer: None,
            transactions: 1,
            body: Digest::ZERO,
            log_size: frontier.size(),
            log_root: frontier.root(),
            state_root: root_of(pairs.clone()),
            validator_set_hash: block.validators.hash(),
            next_validator_set_hash: block.validators.hash(),
        };
        let told =
            |subject: &str| subject.starts_with("entry/") || subject.starts_with("authorization/");
        let own = subject.to_owned();
        let mut histories: Vec<&String> = self.histories.keys().filter(|s| told(s)).collect();
        if !histories.contains(&&own) {
            histories.push(&own);
            histories.sort();
        }
        let log = self.transactions.iter().zip(0u64..).map(|((envelope, entry), index)| {
            let mut events = Vec::new();
            for (subject, history) in histories.iter().zip(0u32..) {
                let own = self.histories.get(*subject).into_iter().flatten();
                let own = own.filter(|event| event.transaction == entry.transaction);
                events.extend(own.map(|event| Touch { action: event.action, history }));
            }
            events.sort_unstable();
            let entry = entry.clone();
            let frame = Frame::Transaction {
                height: entry.height,
                index: entry.index,
                time_ms: entry.time_ms,
                outcome: entry.outcome,
                envelope: envelope.clone(),
                events,
            };
            (index, frame)
        });
        let wanted = |key: &str| !key.starts_with("history/") || told(&key["history/".len()..]);
        let mut keys: std::collections::BTreeSet<String> =
            self.state.keys().filter(|key| wanted(key)).cloned().collect();
        keys.insert(history_key(subject));
        let mut frames = vec![
            Frame::Head(Head {
                version: BUNDLE_VERSION,
                chain_id: self.founding.chain_id().clone(),
                question: subject.to_owned(),
                genesis: block.header.clone(),
                genesis_validators: block.validators.clone(),
            }),
            Frame::Tip(CertifiedHeader { certificate: self.certify(&header), header }),
        ];
        frames.extend(state_frames(&self.state, &keys));
        let subjects = histories.iter().map(|subject| (*subject).clone());
        frames.extend(subjects.map(|subject| Frame::History { subject }));
        frames.extend(log_frames(&leaves, log.collect()));
        Bundle { frames }
    }

    /// The founding document.
    pub fn founding(&self) -> &Founding {
        &self.founding
    }

    /// The blocks, one for each transaction, as nodes would have decided them. `change` may forge a
    /// header before the validators sign it.
    pub fn blocks(&self, change: impl Fn(&mut Header)) -> Vec<CertifiedBlock> {
        let founding = self.founding.block();
        let mut parent = founding.header.clone();
        let (mut state, mut frontier) = (founding.state.clone(), LogFrontier::default());
        let blocks = self.transactions.iter().map(|(envelope, entry)| {
            let chain_id = self.founding.chain_id().clone();
            let verified = envelope.clone().verify().expect("signed");
            let transaction = Transaction::parse(verified, &chain_id).expect("parses");
            let (height, time_ms) = (entry.height, entry.time_ms);
            let context =
                BlockContext { chain_id: chain_id.clone(), height, time_ms, rules: Rules::First };
            let execution = execute_block(&context, &[transaction], &View(&state)).expect("reads");
            state.extend(execution.changes);
            frontier.append(entry.leaf_hash());
            let pairs: BTreeMap<Digest, Digest> =
                state.iter().map(|(k, v)| (key_hash(k), value_hash(v))).collect();
            let mut header = Header {
                version: HEADER_VERSION,
                chain_id,
                protocol_version: PROTOCOL_VERSION,
                height,
                time_ms,
                parent: parent.id(),
                proposer: Some(key(0, Role::Validator).public_key()),
                transactions: 1,
                body: body_hash(std::slice::from_ref(envelope)),
                log_size: frontier.size(),
                log_root: frontier.root(),
                state_root: root_of(pairs),
                validator_set_hash: founding.validators.hash(),
                next_validator_set_hash: founding.validators.hash(),
            };
            change(&mut header);
            parent = header.clone();
            let certificate = self.certify(&header);
            CertifiedBlock {
                block: Block { header, transactions: vec![envelope.clone()] },
                certificate,
            }
        });
        blocks.collect()
    }

    fn certify(&self, header: &Header) -> CommitCertificate {
        let statement = VoteStatement {
            chain_id: header.chain_id.clone(),
            height: header.height,
            round: 0,
            kind: VoteKind::Precommit,
            block: Some(header.id()),
        };
        let message = statement.signed_bytes();
        let mut signatures: Vec<CommitSignature> = (0..4)
            .map(|department| key(department, Role::Validator))
            .map(|key| CommitSignature {
                validator: key.public_key(),
                signature: key.sign(&message),
            })
            .collect();
        signatures.sort_by_key(|s| s.validator);
        CommitCertificate { height: header.height, round: 0, block: header.id(), signatures }
    }
}
