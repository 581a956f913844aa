//! A ledger in memory with a small block 0, a fake replica that commits what it is told to, and a
//! client that talks to the router.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use mulu_chain::block::{Block, CertifiedBlock, HEADER_VERSION, Header, PROTOCOL_VERSION};
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
use mulu_contracts::rejection::Rejection;
use mulu_contracts::rule::Rule;
use mulu_genesis::GenesisBlock;
use mulu_node::api::{self, Access, ApiState, FoundingInfo, HostPolicy, NodeInfo, Receipts};
use mulu_node::journal::Journal;
use mulu_node::metrics::Metrics;
use mulu_node::replica::handle::{ReplicaHandle, Status, Submission, SubmitVerdict};
use mulu_node::search::Search;
use mulu_node::storage::{Decided, Ledger};
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt as _;

pub const CHAIN: &str = "mulu-api-test";
pub const MEMBER: &str = "11330100MB0123456X";
/// A subject with slashes, a colon and Chinese, to try every kind of character in a path.
pub const SUBJECT: &str = "system/11330100MB0123456X:企业登记/库";
pub const ENTRIES: usize = 25;
/// One record of each kind that block 0 does not have otherwise, short of what no filter reads.
pub const OTHER_RECORDS: [(&str, &str); 6] = [
    ("delegation/A/B", r#"{"principal":"A","delegate":"B","status":"active"}"#),
    ("correction/sha256:01", r#"{"entry_id":"E","opened_by":"A","provider":"B","status":"open"}"#),
    ("objection/sha256:02", r#"{"subject":"entry/E","opened_by":"A","status":"upheld"}"#),
    ("operation/sha256:03", r#"{"implementer":"A","operator":"B","step":"signed"}"#),
    ("evidence/ed25519:04/7/0/prevote", r#"{"member":"A"}"#),
    ("region/110000", r#"{"code":"110000","name":"北京市"}"#),
];

/// What the fake replica does with a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Commit,
    CommitRejected,
    Queue,
    Reject,
    Full,
    NotReady,
}

/// Everything a test needs.
pub struct World {
    pub router: Router,
    pub ledger: Ledger,
    pub stopping: Arc<watch::Sender<bool>>,
    pub mode: Arc<Mutex<Mode>>,
    pub status: Arc<watch::Sender<Status>>,
    pub genesis: Header,
    pub validators: ValidatorSet,
}

/// An answer, read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    /// Asserts a problem of this status and code, complete as RFC 9457 and our rules want it.
    pub fn problem(&self, status: u16, code: &str) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status.as_u16(), status, "{text}");
        assert_eq!(self.headers["content-type"], "application/problem+json", "{text}");
        assert_eq!(self.headers["x-content-type-options"], "nosniff");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{text}");
        assert_eq!(problem["status"], status);
        for member in ["type", "title", "detail", "help", "instance"] {
            assert!(problem[member].as_str().is_some_and(|s| !s.is_empty()), "{member}: {text}");
        }
        problem
    }

    pub fn ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }
}

impl Default for World {
    fn default() -> World {
        World::new()
    }
}

impl World {
    pub fn new() -> World {
        World::with_access(Access::default())
    }

    /// A world whose readers are judged.
    pub fn with_access(access: Access) -> World {
        let validators = ValidatorSet::new(vec![Validator {
            public_key: validator_key().public_key(),
            power: 1,
            member: MEMBER.to_owned(),
        }])
        .expect("one validator is a set");
        let genesis = genesis(&validators);
        let header = genesis.header.clone();
        let ledger = Ledger::in_memory();
        ledger.initialize(&genesis).expect("block 0 is consistent");
        let first = Status { height: Height(0), block: header.id(), ..Status::default() };
        let (status, seen) = watch::channel(first);
        let (status, mode) = (Arc::new(status), Arc::new(Mutex::new(Mode::Commit)));
        let (submissions, incoming) = crossbeam_channel::bounded::<Submission>(64);
        let replica = FakeReplica {
            ledger: ledger.clone(),
            mode: mode.clone(),
            status: status.clone(),
            validators: validators.clone(),
        };
        std::thread::spawn(move || incoming.iter().for_each(|s| replica.answer(s)));
        let stopping = Arc::new(watch::Sender::new(false));
        let loopback = "127.0.0.1:26701".parse().expect("an address");
        let state = ApiState {
            house: Arc::default(),
            ledger: ledger.clone(),
            replica: ReplicaHandle::new(submissions, seen, Arc::default()),
            receipts: Receipts {
                key: Arc::new(node_key()),
                journal: Journal::none(),
                recovered: Arc::default(),
            },
            founding: Arc::new(FoundingInfo {
                text: "# 创始文件\n".to_owned(),
                digest: header.id(),
                chain_id: chain_id(),
            }),
            node: NodeInfo {
                moniker: "market-regulation".to_owned(),
                member: MEMBER.to_owned(),
                peer_id: "12D3KooWtest".to_owned(),
                validator_key: Some(validator_key().public_key()),
                version: "0.1.0".to_owned(),
            },
            metrics: Arc::new(Metrics::new("0.1.0")),
            hosts: HostPolicy::for_listener(loopback, &["node.example".to_owned()]),
            access,
            search: Search::unavailable("a test"),
            stopping: stopping.subscribe(),
            network: None,
        };
        World {
            router: api::router(state),
            ledger,
            mode,
            status,
            stopping,
            genesis: header,
            validators,
        }
    }

    pub fn set(&self, mode: Mode) {
        *self.mode.lock().expect("no test panics while holding it") = mode;
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response =
            self.router.clone().oneshot(request).await.expect("the router is infallible");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("the body is whole").to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(request("GET", path).body(Body::empty()).expect("a request")).await
    }

    pub async fn post(&self, query: &str, body: impl Into<Body>) -> Answer {
        let request = request("POST", &format!("/v1/transactions{query}"))
            .header("content-type", "application/json");
        self.send(request.body(body.into()).expect("a request")).await
    }

    pub async fn submit(&self, query: &str, envelope: &Envelope) -> Answer {
        self.post(query, envelope.to_json().to_string()).await
    }
}

pub fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header("host", "127.0.0.1:26701")
}

pub fn chain_id() -> ChainId {
    CHAIN.parse().expect("a chain id")
}

pub fn validator_key() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

pub fn node_key() -> SigningKey {
    SigningKey::from_seed(&[11; 32])
}

pub fn officer_key() -> SigningKey {
    SigningKey::from_seed(&[9; 32])
}

/// A payload the parser takes; whether the rules do is the fake replica's mode.
pub fn payload(chain: &str, nonce: &str, valid_until: u64) -> Vec<u8> {
    json!({
        "schema_version": 1,
        "chain_id": chain,
        "submitter": { "member": MEMBER },
        "valid_until": valid_until,
        "nonce": nonce,
        "actions": [{
            "type": "key.revoke",
            "public_key": officer_key().public_key().to_string(),
            "reason": "岗位变动",
        }],
    })
    .to_string()
    .into_bytes()
}

pub fn envelope(nonce: &str) -> Envelope {
    Envelope::sign(payload(CHAIN, nonce, 100), &[&officer_key()]).expect("a small envelope")
}

fn genesis(validators: &ValidatorSet) -> GenesisBlock {
    let mut state = BTreeMap::new();
    state.insert("params".to_owned(), br#"{"b":2,"a":1}"#.to_vec());
    for number in 0..ENTRIES {
        let status = if number % 5 == 0 { "withdrawn" } else { "published" };
        let value = json!({ "name": format!("目录{number}"), "status": status });
        state.insert(entry_key(number), value.to_string().into_bytes());
    }
    for (key, value) in OTHER_RECORDS {
        state.insert(key.to_owned(), value.as_bytes().to_vec());
    }
    let pairs = state.iter().map(|(key, value)| (key_hash(key), value_hash(value)));
    let header = Header {
        version: HEADER_VERSION,
        chain_id: chain_id(),
        protocol_version: PROTOCOL_VERSION,
        height: Height(0),
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
    GenesisBlock { header, state, validators: validators.clone() }
}

pub fn entry_key(number: usize) -> String {
    format!("entry/{}", Digest::sha256(&[u8::try_from(number).expect("few entries")]))
}

struct FakeReplica {
    ledger: Ledger,
    mode: Arc<Mutex<Mode>>,
    status: Arc<watch::Sender<Status>>,
    validators: ValidatorSet,
}

impl FakeReplica {
    fn answer(&self, submission: Submission) {
        let Submission { transaction, reply, .. } = submission;
        let id = transaction.id();
        let mode = *self.mode.lock().expect("no test panics while holding it");
        let known = self.ledger.transaction(&id).expect("memory reads").is_some();
        let verdict = match mode {
            _ if known => SubmitVerdict::AlreadyCommitted,
            Mode::Commit | Mode::CommitRejected | Mode::Queue => SubmitVerdict::Queued,
            Mode::Reject => SubmitVerdict::Rejected(Rejection {
                rule: Rule::KeyUnknown,
                action: 0,
                detail: "nobody registered it".to_owned(),
            }),
            Mode::Full => SubmitVerdict::Full,
            Mode::NotReady => SubmitVerdict::NotReady("the disk is almost full".to_owned()),
        };
        // The asker may have left.
        drop(reply.send(verdict));
        let outcome = match mode {
            Mode::Commit => Outcome::Accepted,
            Mode::CommitRejected => {
                Outcome::Rejected { rule: Rule::KeyUnknown.id().to_owned(), action: 0 }
            }
            _ => return,
        };
        if !known {
            std::thread::sleep(Duration::from_millis(30));
            self.commit(transaction.envelope().clone(), id, outcome);
        }
    }

    /// One block with one transaction, which touches [`SUBJECT`].
    fn commit(&self, envelope: Envelope, id: TransactionId, outcome: Outcome) {
        let tip = self.ledger.tip().expect("block 0 is there");
        let height = tip.header.height.next();
        let entry = LogEntry {
            version: LOG_ENTRY_VERSION,
            height,
            index: 0,
            time_ms: TimeMs(tip.header.time_ms.0 + 1000),
            transaction: id,
            envelope: envelope.digest(),
            outcome,
        };
        let key = history_key(SUBJECT);
        let before = self
            .ledger
            .record(&key)
            .expect("memory reads")
            .map_or_else(HistoryLeaf::default, |value| {
                codec::decode::<HistoryLeaf, 64>(&value).expect("a leaf we wrote")
            });
        let event = HistoryEvent { height, index: 0, action: 0, transaction: id };
        let after = before.append(&event);
        let record = json!({ "name": "企业登记", "version": after.count, "status": "active" });
        let changes = BTreeMap::from([
            (SUBJECT.to_owned(), record.to_string().into_bytes()),
            (key, codec::encode(&after)),
        ]);
        let events =
            vec![SubjectEvent { subject: SUBJECT.to_owned(), number: before.count, event }];
        let entries = vec![entry];
        let prepared =
            self.ledger.prepare(&tip, &changes, &entries).expect("the tip is the parent");
        let header = Header {
            height,
            time_ms: entries[0].time_ms,
            parent: tip.header.id(),
            proposer: Some(validator_key().public_key()),
            transactions: 1,
            body: mulu_chain::block::body_hash(std::slice::from_ref(&envelope)),
            log_size: prepared.frontier.size(),
            log_root: prepared.frontier.root(),
            state_root: prepared.state_root,
            ..tip.header
        };
        let (time_ms, block) = (header.time_ms.0, header.id());
        let certificate = certificate(&header);
        let block_of = Block { header, transactions: vec![envelope] };
        let decided = Decided {
            block: CertifiedBlock { block: block_of, certificate },
            entries,
            changes,
            events,
            prepared,
            next_validators: self.validators.clone(),
        };
        self.ledger.commit(&decided).expect("the block follows the tip");
        self.status.send_modify(|status| {
            (status.height, status.block, status.time_ms) = (height, block, time_ms);
        });
    }
}

fn certificate(header: &Header) -> CommitCertificate {
    let statement = VoteStatement {
        chain_id: chain_id(),
        height: header.height,
        round: 0,
        kind: VoteKind::Precommit,
        block: Some(header.id()),
    };
    let key = validator_key();
    let signature = key.sign(&statement.signed_bytes());
    let signatures = vec![CommitSignature { validator: key.public_key(), signature }];
    CommitCertificate::new(header.height, 0, header.id(), signatures)
}
