//! A small consortium for tests: an authority, a provider and a consumer, with blocks executed one
//! after the other on a map. Every block is executed twice and must come out the same, and every
//! history leaf must be that of the events handed out.
#![allow(dead_code, clippy::unwrap_used)]

use std::collections::BTreeMap;

use mulu_chain::codec;
use mulu_chain::log::Outcome;
use mulu_chain::signature::SigningKey;
use mulu_chain::state::{HistoryEvent, HistoryLeaf, history_key};
use mulu_chain::transaction::Envelope;
use mulu_chain::types::{ChainId, Height, TimeMs};
use mulu_chain::validator::Validator;
use mulu_contracts::authorization::Authorization;
use mulu_contracts::execution::{BlockContext, check, execute_block};
use mulu_contracts::genesis_state::{Founding, genesis_state};
use mulu_contracts::params::Params;
use mulu_contracts::protocol::Rules;
use mulu_contracts::rejection::Rejection;
use mulu_contracts::rule::Rule;
use mulu_contracts::state::{self, StateRead, StateReadError, entry_id, entry_key, version_hash};
use mulu_contracts::transaction::{Transaction, TransactionInvalid};
use serde_json::{Value, json};

pub const AUTHORITY: &str = "91110000802100433B";
pub const PROVIDER: &str = "12100000400002259P";
pub const CONSUMER: &str = "12100000400000624D";
pub const NEWCOMER: &str = "91512081MA62K0260E";
pub const CODE: &str = "306001/1";
pub const PEER: &str = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";
/// 2025-11-21T00:00:00Z.
pub const START_MS: u64 = 1_763_683_200_000;
pub const DAY_MS: u64 = 86_400_000;

/// Who holds which key: the number is the seed.
pub const AUTHORITY_KEY: u8 = 1;
pub const PROVIDER_ADMIN: u8 = 2;
pub const PROVIDER_OFFICER: u8 = 3;
pub const PROVIDER_APP: u8 = 4;
pub const CONSUMER_ADMIN: u8 = 5;
pub const CONSUMER_OFFICER: u8 = 6;
pub const CONSUMER_APP: u8 = 7;
pub const VALIDATOR: u8 = 8;
/// Bound to the provider's office `gov`.
pub const PROVIDER_BOUND: u8 = 9;
/// Not registered.
pub const STRANGER: u8 = 99;

pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

pub fn key_text(seed: u8) -> String {
    key(seed).public_key().to_string()
}

pub fn data_office() -> String {
    format!("{PROVIDER}:data")
}

pub fn use_office() -> String {
    format!("{CONSUMER}:use")
}

pub fn chain_id() -> ChainId {
    "mulu-test".parse().unwrap()
}

#[derive(Clone)]
pub struct World {
    pub state: BTreeMap<String, Vec<u8>>,
    pub histories: BTreeMap<String, Vec<HistoryEvent>>,
    pub height: u64,
    pub time_ms: u64,
    nonce: u64,
}

impl StateRead for World {
    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StateReadError> {
        // A store need not know longer keys.
        assert!(key.len() <= mulu_chain::limits::STATE_KEY_BYTES_MAX, "{key}");
        Ok(self.state.get(key).cloned())
    }
}

fn from<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

pub fn founding() -> Founding {
    let member = |uscc: &str, name: &str, roles: Value| {
        from(json!({"uscc": uscc, "name": name, "region": "110000", "roles": roles}))
    };
    let office = |uscc: &str, code: &str| {
        (uscc.to_owned(), from(json!({"code": code, "name": format!("{code} 处")})))
    };
    let key = |uscc: &str, seed: u8, role: &str, office: Option<String>| {
        let key = json!({"public_key": key_text(seed), "roles": [role], "office": office});
        (uscc.to_owned(), from(key))
    };
    let duty = |uscc: &str, code: &str, office: &str, to: Option<&str>| {
        (uscc.to_owned(), from(new_duty(code, &format!("{uscc}:{office}"), to)))
    };
    let system = |uscc: &str, code: &str, office: &str, status: &str| {
        let office = format!("{uscc}:{office}");
        (
            uscc.to_owned(),
            from(json!({"code": code, "name": "系统", "office": office,
            "status": status, "tables": [{"name": "t1"}], "protection_level": 3})),
        )
    };
    Founding {
        params: Params::default(),
        members: vec![
            member(AUTHORITY, "主管部门", json!(["authority", "auditor"])),
            member(PROVIDER, "提供部门", json!(["provider", "consumer"])),
            member(CONSUMER, "使用部门", json!(["consumer"])),
        ],
        offices: vec![office(PROVIDER, "data"), office(PROVIDER, "gov"), office(CONSUMER, "use")],
        keys: vec![
            key(AUTHORITY, AUTHORITY_KEY, "authority", None),
            key(PROVIDER, PROVIDER_ADMIN, "administrator", None),
            key(PROVIDER, PROVIDER_OFFICER, "officer", None),
            key(PROVIDER, PROVIDER_APP, "application", None),
            key(CONSUMER, CONSUMER_ADMIN, "administrator", None),
            key(CONSUMER, CONSUMER_OFFICER, "officer", None),
            key(CONSUMER, CONSUMER_APP, "application", None),
            key(PROVIDER, VALIDATOR, "validator", None),
            key(PROVIDER, PROVIDER_BOUND, "officer", Some(format!("{PROVIDER}:gov"))),
        ],
        duties: vec![
            duty(PROVIDER, "register", "data", None),
            duty(PROVIDER, "past", "data", Some("2024-12-31")),
            duty(CONSUMER, "check", "use", None),
        ],
        systems: vec![
            system(PROVIDER, "main", "data", "running"),
            system(PROVIDER, "old", "data", "stopped"),
            system(CONSUMER, "desk", "use", "running"),
        ],
        validators: vec![Validator {
            public_key: self::key(VALIDATOR).public_key(),
            power: 1,
            member: PROVIDER.to_owned(),
        }],
    }
}

pub fn new_duty(code: &str, office: &str, to: Option<&str>) -> Value {
    let basis = json!([{"kind": "law", "title": "登记法", "document_no": "第 1 号"}]);
    json!({"code": code, "name": "登记", "office": office, "category": "license",
        "legal_basis": basis, "effective_from": "2020-01-01", "effective_to": to})
}

pub fn content() -> Value {
    json!({
        "codes": [CODE], "name": "法人登记信息", "office": data_office(), "region": "110000",
        "summary": "法人单位的登记信息。", "keywords": ["法人"],
        "formats": [{"category": "database", "type": "mysql"}],
        "items": [
            {"item_id": "name", "name": "名称", "type": "C", "length": 200},
            {"item_id": "capital", "name": "注册资本", "type": "N", "level": "general-2"},
            {"item_id": "phone", "name": "电话", "type": "C", "share": "none"},
        ],
        "share": {"type": "conditional", "condition": "履职所需", "methods": ["platform-api"]},
        "open": {"is_open": false}, "update_cycle": "daily", "published_at": "2025-11-01",
        "level": "general-2", "personal_info": "general",
        "responsibilities": [format!("{PROVIDER}:register")],
        "systems": [{"system": format!("{PROVIDER}:main"), "table": "t1"}],
    })
}

/// A value with one member replaced; `path` is a JSON pointer whose last part may be new.
pub fn with(mut value: Value, path: &str, new: Value) -> Value {
    let (parent, name) = path.rsplit_once('/').unwrap();
    let parent = value.pointer_mut(parent).unwrap();
    match parent {
        Value::Array(list) => list[name.parse::<usize>().unwrap()] = new,
        object => object[name] = new,
    }
    value
}

pub fn publish(content: Value) -> Value {
    json!({"type": "entry.publish", "entry": content})
}

impl World {
    pub fn new() -> World {
        let state = genesis_state(&founding()).unwrap();
        World { state, histories: BTreeMap::new(), height: 1, time_ms: START_MS, nonce: 0 }
    }

    pub fn context(&self) -> BlockContext {
        BlockContext {
            chain_id: chain_id(),
            height: Height(self.height),
            time_ms: TimeMs(self.time_ms),
            rules: Rules::First,
        }
    }

    pub fn payload(&mut self, member: &str, office: Option<String>, actions: Vec<Value>) -> Value {
        self.nonce += 1;
        let mut submitter = json!({"member": member});
        if let Some(office) = office {
            submitter["office"] = json!(office);
        }
        json!({"schema_version": 1, "chain_id": "mulu-test", "submitter": submitter,
            "valid_until": self.height + 100, "nonce": self.nonce.to_string(),
            "actions": actions})
    }

    /// A transaction of a member without office.
    pub fn by(&mut self, member: &str, keys: &[u8], action: Value) -> Transaction {
        let payload = self.payload(member, None, vec![action]);
        sign(&payload, keys)
    }

    /// A transaction of the consumer's office `use`.
    pub fn by_consumer(&mut self, action: Value) -> Transaction {
        let payload = self.payload(CONSUMER, Some(use_office()), vec![action]);
        sign(&payload, &[CONSUMER_OFFICER])
    }

    /// A transaction of the provider's officer.
    pub fn by_provider(&mut self, action: Value) -> Transaction {
        self.by(PROVIDER, &[PROVIDER_OFFICER], action)
    }

    /// Executes a block, applies it, and moves one block and one second on.
    pub fn run(&mut self, transactions: &[Transaction]) -> Vec<Outcome> {
        let context = self.context();
        let execution = execute_block(&context, transactions, self).unwrap();
        assert_eq!(execution, execute_block(&context, transactions, self).unwrap());
        for event in &execution.events {
            let events = self.histories.entry(event.subject.clone()).or_default();
            assert_eq!(u64::try_from(events.len()).unwrap(), event.number);
            events.push(event.event.clone());
        }
        self.state.extend(execution.changes);
        self.assert_histories();
        self.height += 1;
        self.time_ms += 1000;
        execution.outcomes
    }

    pub fn accept(&mut self, transaction: Transaction) {
        assert_eq!(self.verdict(&transaction), Ok(()));
        assert_eq!(self.run(&[transaction]), vec![Outcome::Accepted]);
    }

    /// The rule a transaction breaks; a block agrees with the dry run and changes nothing.
    pub fn refuse(&mut self, transaction: &Transaction) -> Rule {
        let rejection = self.verdict(transaction).unwrap_err();
        let execution = execute_block(&self.context(), std::slice::from_ref(transaction), self);
        let execution = execution.unwrap();
        let Rejection { rule, action, .. } = rejection;
        let expected = Outcome::Rejected { rule: rule.id().to_owned(), action };
        assert_eq!(execution.outcomes, vec![expected]);
        assert!(execution.changes.is_empty() && execution.events.is_empty());
        rule
    }

    pub fn verdict(&self, transaction: &Transaction) -> Result<(), Rejection> {
        check(&self.context(), transaction, self).unwrap()
    }

    /// Every stored leaf is the leaf of the complete list of events, and no list lacks a leaf.
    pub fn assert_histories(&self) {
        let leaves = self.state.keys().filter(|key| key.starts_with("history/")).count();
        assert_eq!(leaves, self.histories.len());
        for (subject, events) in &self.histories {
            let leaf = codec::encode(&HistoryLeaf::of(events));
            assert_eq!(self.state.get(&history_key(subject)), Some(&leaf), "{subject}");
        }
    }

    /// Overwrites a field of a stored record.
    pub fn patch(&mut self, key: &str, path: &str, new: Value) {
        let record: Value = serde_json::from_slice(&self.state[key]).unwrap();
        self.state.insert(key.to_owned(), serde_json::to_vec(&with(record, path, new)).unwrap());
    }

    /// The version hash of a stored record.
    pub fn version(&self, key: &str) -> String {
        version_hash(&self.state[key]).to_string()
    }

    /// A world whose only validator has power 10, and whose provider has a second validator key
    /// (seed 20) that does not vote.
    pub fn validators() -> World {
        let mut founding = founding();
        founding.validators[0].power = 10;
        let key = json!({"public_key": key_text(20), "roles": ["validator"]});
        founding.keys.push((PROVIDER.to_owned(), from(key)));
        World { state: genesis_state(&founding).unwrap(), ..World::new() }
    }

    pub fn entry_version(&self) -> String {
        self.version(&entry_key(&entry_id(CODE)))
    }

    pub fn only_authorization(&self) -> Authorization {
        let mut records = self.state.iter().filter(|(key, _)| key.starts_with("authorization/"));
        let (key, value) = records.next().unwrap();
        assert!(records.next().is_none());
        state::decode(key, value).unwrap()
    }

    // The stages of a life, each from the one before.

    pub fn published() -> World {
        let mut world = World::new();
        let transaction = world.by_provider(publish(content()));
        world.accept(transaction);
        world
    }

    pub fn request_action(&self) -> Value {
        json!({"type": "authorization.request", "entry_id": entry_id(CODE).to_string(),
            "entry_version": self.entry_version(), "items": ["name", "capital"],
            "purpose": purpose(), "scope": "本处室", "method": "platform-api",
            "window": {"from_ms": START_MS, "to_ms": START_MS + 30 * DAY_MS},
            "limits": {"calls": 100}})
    }

    pub fn requested() -> World {
        let mut world = World::published();
        let action = world.request_action();
        let transaction = world.by_consumer(action);
        world.accept(transaction);
        world
    }

    pub fn about(&self, action: &str) -> Value {
        let id = self.only_authorization().authorization_id.to_string();
        json!({"type": format!("authorization.{action}"), "authorization_id": id})
    }

    pub fn agreed() -> World {
        let mut world = World::requested();
        let action = world.about("agree");
        let transaction = world.by_provider(action);
        world.accept(transaction);
        world
    }

    pub fn finalize_action(&self) -> Value {
        let hash = self.only_authorization().terms_hash.unwrap().to_string();
        with(self.about("finalize"), "/terms_hash", json!(hash))
    }

    pub fn finalized() -> World {
        let mut world = World::agreed();
        let action = world.finalize_action();
        let transaction = world.by(CONSUMER, &[CONSUMER_OFFICER, PROVIDER_OFFICER], action);
        world.accept(transaction);
        world
    }

    pub fn receipt_action(&self, kind: &str) -> Value {
        let authorization = self.only_authorization();
        json!({"type": "receipt.record", "authorization_id": authorization.authorization_id,
            "terms_hash": authorization.terms_hash, "kind": kind, "items": ["name"],
            "purpose": purpose(), "window": {"from_ms": START_MS, "to_ms": START_MS + 1000},
            "counts": {"calls": 40, "records": 400}, "digest": format!("sha256:{:064}", 7),
            "seq": 1})
    }
}

pub fn purpose() -> Value {
    json!({"basis": "行政许可法第十条", "scenario": "许可审查"})
}

pub fn parse(payload: &[u8], keys: &[u8]) -> Result<Transaction, TransactionInvalid> {
    let keys: Vec<SigningKey> = keys.iter().map(|seed| key(*seed)).collect();
    let keys: Vec<&SigningKey> = keys.iter().collect();
    let envelope = Envelope::sign(payload.to_vec(), &keys).unwrap().verify().unwrap();
    Transaction::parse(envelope, &chain_id())
}

pub fn sign(payload: &Value, keys: &[u8]) -> Transaction {
    parse(&serde_json::to_vec(payload).unwrap(), keys).unwrap()
}
