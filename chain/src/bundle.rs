//! An audit bundle: everything an auditor needs to check one question offline.
//!
//! File layout: the 8 bytes `MULUBND1`, then the bincode of [`Bundle`]. The auditor brings two
//! things along: the file and the genesis digest. Nothing in a bundle is believed; [`verify`]
//! derives trust step by step and reports every step with the rule or RFC it rests on:
//! genesis digest → genesis validator set → certified set changes → the certified tip header →
//! log root and state root → transactions, records and complete histories. Source: SPEC section 10.

use std::collections::{BTreeMap, BTreeSet};

use bincode::{Decode, Encode};
use serde::Serialize;

use crate::block::{BlockId, CertifiedHeader, HEADER_VERSION, Header};
use crate::codec;
use crate::limits::{BUNDLE_BYTES_MAX, STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX};
use crate::log::{InclusionProof, LogEntry};
use crate::state::{HistoryEvent, HistoryLeaf, StateProof, history_key};
use crate::transaction::Envelope;
use crate::types::{ChainId, Height};
use crate::validator::ValidatorSet;

/// First bytes of a bundle file.
pub const BUNDLE_MAGIC: &[u8; 8] = b"MULUBND1";
/// Layout version of [`Bundle`].
pub const BUNDLE_VERSION: u16 = 1;

/// A change of the validator set: the header that announces it, certified by the set before.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SetChange {
    /// Its `next_validator_set_hash` is the hash of `next`.
    pub announced_by: CertifiedHeader,
    /// The set that decides from the following height on.
    pub next: ValidatorSet,
}

/// A transaction with its place in the log.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct BundledTransaction {
    /// The signed envelope, verbatim.
    pub envelope: Envelope,
    /// Its log entry: height, block time, outcome.
    pub entry: LogEntry,
    /// That the entry stands in the log of the tip header.
    pub inclusion: InclusionProof,
}

/// A state key with its value (or absence) under the tip's state root.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct BundledRecord {
    /// State key.
    pub key: String,
    /// Value; none proves absence.
    pub value: Option<Vec<u8>>,
    /// The proof.
    pub proof: StateProof,
}

/// The complete history of a subject up to the tip.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct BundledHistory {
    /// The subject, such as `entry/sha256:…`; its leaf is a record of the bundle.
    pub subject: String,
    /// All its events, in order.
    pub events: Vec<HistoryEvent>,
}

/// A bundle.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Bundle {
    /// Layout version, 1.
    pub version: u16,
    /// The chain.
    pub chain_id: ChainId,
    /// The subject asked about, such as `entry/sha256:…`.
    pub subject: String,
    /// Block 0's header.
    pub genesis: Header,
    /// The set that decides the first block.
    pub genesis_validators: ValidatorSet,
    /// Every change of the validator set up to the tip, in order of height.
    pub set_changes: Vec<SetChange>,
    /// The header everything below is proved against.
    pub tip: CertifiedHeader,
    /// Transactions, in log order.
    pub transactions: Vec<BundledTransaction>,
    /// Records, in key order.
    pub records: Vec<BundledRecord>,
    /// Histories, in subject order.
    pub histories: Vec<BundledHistory>,
}

/// One step of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Stable name of the check.
    pub name: &'static str,
    /// The rule or RFC it rests on.
    pub basis: &'static str,
    /// How many things were checked.
    pub count: usize,
    /// What is wrong; nothing if the check passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl Check {
    /// Whether it passed.
    pub fn passed(&self) -> bool {
        self.failure.is_none()
    }
}

/// Why a file is not a bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleInvalid {
    /// BND-01
    #[error("BND-01: not a Mulu audit bundle: the file does not begin with MULUBND1")]
    Magic,
    /// BND-02
    #[error("BND-02: the bundle is damaged or of another version: {0}")]
    Malformed(String),
}

impl Bundle {
    /// Writes the file form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = BUNDLE_MAGIC.to_vec();
        bytes.extend_from_slice(&codec::encode(self));
        bytes
    }

    /// Reads the file form: bounded and canonical; nothing is verified yet.
    ///
    /// # Errors
    /// BND-01 or BND-02.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BundleInvalid> {
        let body = bytes.strip_prefix(BUNDLE_MAGIC.as_slice()).ok_or(BundleInvalid::Magic)?;
        let bundle: Bundle = codec::decode::<_, BUNDLE_BYTES_MAX>(body)
            .map_err(|error| BundleInvalid::Malformed(error.to_string()))?;
        if bundle.version != BUNDLE_VERSION {
            return Err(BundleInvalid::Malformed(format!("version {}", bundle.version)));
        }
        Ok(bundle)
    }

    /// The proved value of a key, if the bundle has the record.
    pub fn record(&self, key: &str) -> Option<&BundledRecord> {
        let index = self.records.binary_search_by(|r| r.key.as_str().cmp(key)).ok()?;
        self.records.get(index)
    }
}

/// Verifies a bundle against the genesis digest the auditor trusts. Every check is made even if
/// an earlier one failed, so that a report shows all that is wrong. The result depends on nothing
/// but the arguments.
pub fn verify(bundle: &Bundle, trusted_genesis: &BlockId) -> Vec<Check> {
    vec![
        check("genesis", "SPEC 10 (1)", 1, genesis(bundle, trusted_genesis)),
        check(
            "validator-sets",
            "SPEC 10 (2), CRT-01..04",
            bundle.set_changes.len(),
            set_chain(bundle),
        ),
        check("tip-certificate", "SPEC 10 (3), CRT-01..04", 1, tip(bundle)),
        check(
            "signatures",
            "RFC 8032, DSSE v1, TX-05",
            bundle.transactions.len(),
            signatures(bundle),
        ),
        check("log-entries", "SPEC 7", bundle.transactions.len(), log_entries(bundle)),
        check(
            "log-inclusion",
            "RFC 6962 2.1.1, LOG-01",
            bundle.transactions.len(),
            inclusion(bundle),
        ),
        check("state-records", "SPEC 8, STA-01..03", bundle.records.len(), records(bundle)),
        check("histories-complete", "SPEC 8.3", bundle.histories.len(), histories(bundle)),
        check("subject", "SPEC 10 (9)", 1, subject(bundle)),
    ]
}

fn check(
    name: &'static str,
    basis: &'static str,
    count: usize,
    result: Result<(), String>,
) -> Check {
    Check { name, basis, count, failure: result.err() }
}

fn genesis(bundle: &Bundle, trusted: &BlockId) -> Result<(), String> {
    let header = &bundle.genesis;
    let found = header.id();
    if found != *trusted && !crate::planted!("planted-auditor-any-genesis") {
        return Err(format!("the bundle's genesis is {found}, the auditor trusts {trusted}"));
    }
    if header.height != Height::GENESIS || header.chain_id != bundle.chain_id {
        return Err("the genesis header is not block 0 of this chain".to_owned());
    }
    bundle.genesis_validators.check().map_err(|e| e.to_string())?;
    if bundle.genesis_validators.hash() != header.next_validator_set_hash {
        return Err("the validators given are not those the genesis commits to".to_owned());
    }
    Ok(())
}

/// Verifies a certified header against the set in force.
fn certified(
    bundle: &Bundle,
    certified: &CertifiedHeader,
    set: &ValidatorSet,
) -> Result<(), String> {
    let CertifiedHeader { header, certificate } = certified;
    let at = header.height;
    if header.version != HEADER_VERSION || header.chain_id != bundle.chain_id {
        return Err(format!("header {at} is of another version or chain"));
    }
    if certificate.height != at || certificate.block != header.id() {
        return Err(format!("the certificate at {at} is for another block"));
    }
    if header.validator_set_hash != set.hash() {
        return Err(format!("header {at} names another validator set than the one in force"));
    }
    certificate.verify(&bundle.chain_id, set).map_err(|e| format!("certificate at {at}: {e}"))
}

/// The set in force at the tip, each change certified by the set before it.
fn set_chain(bundle: &Bundle) -> Result<(), String> {
    let mut set = &bundle.genesis_validators;
    let mut height = Height::GENESIS;
    for change in &bundle.set_changes {
        let header = &change.announced_by.header;
        if header.height <= height || header.height >= bundle.tip.header.height {
            return Err(format!("set change at {} is out of order", header.height));
        }
        certified(bundle, &change.announced_by, set)?;
        change.next.check().map_err(|e| e.to_string())?;
        if change.next.hash() != header.next_validator_set_hash {
            return Err(format!("header {} announces another set", header.height));
        }
        set = &change.next;
        height = header.height;
    }
    Ok(())
}

fn tip(bundle: &Bundle) -> Result<(), String> {
    let set = bundle.set_changes.last().map_or(&bundle.genesis_validators, |change| &change.next);
    if bundle.tip.header.height == Height::GENESIS {
        return Err("the tip must be a decided block".to_owned());
    }
    certified(bundle, &bundle.tip, set)
}

fn signatures(bundle: &Bundle) -> Result<(), String> {
    for transaction in &bundle.transactions {
        let id = transaction.entry.transaction;
        transaction.envelope.clone().verify().map_err(|e| format!("{id}: {e}"))?;
    }
    Ok(())
}

fn log_entries(bundle: &Bundle) -> Result<(), String> {
    let mut previous = None;
    for BundledTransaction { envelope, entry, inclusion } in &bundle.transactions {
        let id = entry.transaction;
        if !entry.is_well_formed() {
            return Err(format!("{id}: malformed log entry"));
        }
        let fits = envelope.id() == id && envelope.digest() == entry.envelope;
        if !fits && !crate::planted!("planted-auditor-other-envelope") {
            return Err(format!("{id}: the log entry is of another envelope"));
        }
        if entry.height > bundle.tip.header.height {
            return Err(format!("{id}: committed after the tip"));
        }
        if previous.is_some_and(|index| index >= inclusion.index) {
            return Err(format!("{id}: transactions are not in log order"));
        }
        previous = Some(inclusion.index);
    }
    Ok(())
}

fn inclusion(bundle: &Bundle) -> Result<(), String> {
    let header = &bundle.tip.header;
    for transaction in &bundle.transactions {
        if crate::planted!("planted-auditor-inclusion") {
            continue;
        }
        transaction
            .inclusion
            .verify(&transaction.entry.leaf_bytes(), header.log_size, &header.log_root)
            .map_err(|e| format!("{}: {e}", transaction.entry.transaction))?;
    }
    Ok(())
}

fn records(bundle: &Bundle) -> Result<(), String> {
    let root = &bundle.tip.header.state_root;
    if !bundle.records.is_sorted_by(|a, b| a.key < b.key) {
        return Err("records are not in key order".to_owned());
    }
    for BundledRecord { key, value, proof } in &bundle.records {
        if key.len() > STATE_KEY_BYTES_MAX
            || value.as_ref().is_some_and(|v| v.len() > STATE_VALUE_BYTES_MAX)
        {
            return Err("a record exceeds its bound".to_owned());
        }
        if !crate::planted!("planted-auditor-state-proofs") {
            proof.verify(root, key, value.as_deref()).map_err(|e| format!("{key}: {e}"))?;
        }
    }
    Ok(())
}

/// Each history equals its proved leaf, and each of its events is an accepted transaction of the
/// bundle at just that place.
fn histories(bundle: &Bundle) -> Result<(), String> {
    let transactions: BTreeMap<(Height, u32), &LogEntry> =
        bundle.transactions.iter().map(|t| ((t.entry.height, t.entry.index), &t.entry)).collect();
    let mut named = BTreeSet::new();
    for BundledHistory { subject, events } in &bundle.histories {
        if !named.insert(subject) {
            return Err(format!("{subject}: given twice"));
        }
        let proved = history_leaf(bundle, subject)?;
        let given = HistoryLeaf::of(events);
        if proved != given && !crate::planted!("planted-auditor-histories") {
            return Err(format!(
                "{subject}: {} events are given, the state commits to {} others",
                given.count, proved.count
            ));
        }
        for event in events {
            let entry = transactions.get(&(event.height, event.index)).ok_or_else(|| {
                format!("{subject}: transaction {} is missing", event.transaction)
            })?;
            if entry.transaction != event.transaction || !entry.outcome.is_accepted() {
                return Err(format!(
                    "{subject}: event {} does not match its log entry",
                    event.transaction
                ));
            }
        }
    }
    Ok(())
}

/// The proved leaf of a subject; an absent leaf is an empty history.
fn history_leaf(bundle: &Bundle, subject: &str) -> Result<HistoryLeaf, String> {
    let key = history_key(subject);
    let record =
        bundle.record(&key).ok_or_else(|| format!("{subject}: its history leaf is missing"))?;
    match &record.value {
        None => Ok(HistoryLeaf::default()),
        Some(bytes) => codec::decode::<_, 64>(bytes).map_err(|e| format!("{subject}: {e}")),
    }
}

/// The bundle answers the question it names: the subject's record and complete history are in it.
fn subject(bundle: &Bundle) -> Result<(), String> {
    if bundle.record(&bundle.subject).is_none() {
        return Err(format!("the record {} is missing", bundle.subject));
    }
    if !bundle.histories.iter().any(|h| h.subject == bundle.subject) {
        return Err(format!("the history of {} is missing", bundle.subject));
    }
    Ok(())
}
