//! Audit bundles: one question's complete evidence, gathered at one height.
//!
//! A bundle is built from a subject's history outwards: its events name transactions, a
//! transaction's actions created authorizations and receipts ([`record_id`]), those have histories
//! of their own, and every transaction names the keys that signed it. All reads are at the height
//! of the tip taken first, so a commit in between changes nothing. Every proof is verified while
//! it is gathered; damage is an error here, never a bundle that fails at the auditor's.

use std::collections::{BTreeMap, BTreeSet};

use mulu_chain::block::{CertifiedHeader, Header};
use mulu_chain::bundle::{
    BUNDLE_VERSION, Bundle, BundledHistory, BundledRecord, BundledTransaction, SetChange,
};
use mulu_chain::certificate::CommitCertificate;
use mulu_chain::codec;
use mulu_chain::limits::{BUNDLE_BYTES_MAX, STATE_KEY_BYTES_MAX};
use mulu_chain::log::LogEntry;
use mulu_chain::state::{HistoryEvent, HistoryLeaf, history_key};
use mulu_chain::transaction::Envelope;
use mulu_chain::types::Height;
use mulu_contracts::state::{PARAMS_KEY, VALIDATORS_KEY, key_key};

use super::error::StorageError;
use super::keys::{self, corrupt};
use super::kv::Column;
use super::ledger::Ledger;
use super::log_tree::LogProver;
use super::related;

/// Most transactions in one bundle.
pub const BUNDLE_TRANSACTIONS_MAX: usize = 100_000;
/// History events read at a time.
const EVENTS_PER_READ: usize = 1000;
/// Validator sets read at a time.
const SETS_PER_READ: usize = 100;
/// Bytes of an encoded history leaf, at most.
const HISTORY_LEAF_BYTES_MAX: usize = 64;
/// Bytes a transaction, a record or a history takes beside its content and its hashes, at most:
/// log entry, lengths, tags.
const OVERHEAD_BYTES: usize = 512;
/// Bytes of an encoded digest.
const DIGEST_BYTES: usize = 33;

impl Ledger {
    /// Everything an auditor needs to check one subject offline, proved under the last block. A
    /// subject that was never recorded gets a bundle that proves just that.
    ///
    /// `None` if there is nothing to prove under: no block after block 0 yet, or a text that cannot
    /// be a subject.
    ///
    /// # Errors
    /// [`StorageError::BundleTooLarge`]; read errors and damage.
    pub fn bundle(&self, subject: &str) -> Result<Option<Bundle>, StorageError> {
        let subject_bytes_max = STATE_KEY_BYTES_MAX - history_key("").len();
        if subject.is_empty() || subject.len() > subject_bytes_max || subject.contains('\0') {
            return Ok(None);
        }
        let tip = self.tip()?.header;
        let Some(certificate) = self.certificate(tip.height)? else { return Ok(None) };
        let mut gathered = Gathered::new(self, tip, subject);
        related::gather(&mut gathered, subject)?;
        gathered.into_bundle(certificate).map(Some)
    }

    /// The founding set, then every change that a header below `tip` announced.
    fn set_changes(&self, tip: Height) -> Result<Vec<SetChange>, StorageError> {
        let mut changes = Vec::new();
        let mut after = keys::height(Height::GENESIS);
        loop {
            let pairs = self.kv.scan(Column::Validators, &[], Some(&after), SETS_PER_READ)?;
            let Some((last, _)) = pairs.last() else { return Ok(changes) };
            after.clone_from(last);
            for (key, bytes) in pairs {
                let first = <[u8; 8]>::try_from(key.as_slice())
                    .map_err(|_| corrupt(&*self.kv, Column::Validators, &key, "not a height"))?;
                let Some(announced) = Height(u64::from_be_bytes(first)).previous() else {
                    return Err(corrupt(&*self.kv, Column::Validators, &key, "before block 0"));
                };
                if announced >= tip {
                    return Ok(changes);
                }
                changes.push(SetChange {
                    announced_by: self.certified_header(announced)?,
                    next: self.validator_set_of(&key, &bytes)?,
                });
            }
        }
    }

    fn certified_header(&self, height: Height) -> Result<CertifiedHeader, StorageError> {
        let key = keys::height(height);
        let missing = |column| corrupt(&*self.kv, column, &key, "it is missing");
        Ok(CertifiedHeader {
            header: self.header(height)?.ok_or_else(|| missing(Column::Headers))?,
            certificate: self.certificate(height)?.ok_or_else(|| missing(Column::Certificates))?,
        })
    }
}

/// What a bundle will hold, so far.
pub(super) struct Gathered<'a> {
    ledger: &'a Ledger,
    tip: Header,
    subject: String,
    keys: BTreeSet<String>,
    histories: BTreeMap<String, Vec<HistoryEvent>>,
    transactions: BTreeMap<u64, (Envelope, LogEntry)>,
    bytes: usize,
}

impl<'a> Gathered<'a> {
    fn new(ledger: &'a Ledger, tip: Header, subject: &str) -> Self {
        Gathered {
            ledger,
            tip,
            subject: subject.to_owned(),
            keys: [PARAMS_KEY, VALIDATORS_KEY].map(str::to_owned).into(),
            histories: BTreeMap::new(),
            transactions: BTreeMap::new(),
            bytes: 0,
        }
    }

    /// The value of a key under the tip.
    pub fn value(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError> {
        self.ledger.record_at(key, self.tip.height)
    }

    /// Adds a record, present or absent.
    pub fn record(&mut self, key: &str) {
        self.keys.insert(key.to_owned());
    }

    /// Adds a record if there is one.
    pub fn record_if_present(&mut self, key: &str) -> Result<bool, StorageError> {
        let present = self.value(key)?.is_some();
        if present {
            self.record(key);
        }
        Ok(present)
    }

    /// Adds a subject: its record, its complete history and every transaction in that. Returns the
    /// events, or none if the subject was added before.
    pub fn subject(&mut self, subject: &str) -> Result<Vec<HistoryEvent>, StorageError> {
        if self.histories.contains_key(subject) {
            return Ok(Vec::new());
        }
        self.record(subject);
        self.record(&history_key(subject));
        let events = self.complete_history(subject)?;
        for event in &events {
            self.transaction(subject, event)?;
        }
        self.histories.insert(subject.to_owned(), events.clone());
        Ok(events)
    }

    /// The events that the state under the tip commits to.
    fn complete_history(&mut self, subject: &str) -> Result<Vec<HistoryEvent>, StorageError> {
        let key = history_key(subject);
        let Some(leaf) = self.value(&key)? else { return Ok(Vec::new()) };
        let damaged =
            |reason: String| corrupt(&*self.ledger.kv, Column::History, subject.as_bytes(), reason);
        let leaf = codec::decode::<HistoryLeaf, HISTORY_LEAF_BYTES_MAX>(&leaf)
            .map_err(|error| damaged(error.to_string()))?;
        let mut events = Vec::new();
        for from in (0..leaf.count).step_by(EVENTS_PER_READ) {
            events.extend(self.ledger.history(subject, from, EVENTS_PER_READ)?);
        }
        // Events of blocks committed since the tip was taken.
        events.truncate(usize::try_from(leaf.count).unwrap_or(usize::MAX));
        if HistoryLeaf::of(&events) != leaf {
            return Err(damaged("the events do not match the history leaf".to_owned()));
        }
        self.grow(events.len().saturating_mul(OVERHEAD_BYTES / 4))?;
        Ok(events)
    }

    fn transaction(&mut self, subject: &str, event: &HistoryEvent) -> Result<(), StorageError> {
        let damaged =
            |reason: &str| corrupt(&*self.ledger.kv, Column::History, subject.as_bytes(), reason);
        let committed = self
            .ledger
            .transaction(&event.transaction)?
            .ok_or_else(|| damaged("it names a transaction that is missing"))?;
        if self.transactions.contains_key(&committed.log_index) {
            return Ok(());
        }
        let entry = committed.entry;
        if (entry.height, entry.index) != (event.height, event.index) {
            return Err(damaged("it names another place than the transaction's"));
        }
        let envelope = self
            .ledger
            .envelope(entry.height, entry.index)?
            .ok_or_else(|| damaged("it names a transaction without an envelope"))?;
        if envelope.digest() != entry.envelope {
            return Err(damaged("the envelope is not the one in the log"));
        }
        for signature in envelope.signatures() {
            self.keys.insert(key_key(&signature.key));
        }
        self.grow(envelope.encoded_len().saturating_add(OVERHEAD_BYTES))?;
        self.transactions.insert(committed.log_index, (envelope, entry));
        if self.transactions.len() > BUNDLE_TRANSACTIONS_MAX {
            return Err(self.too_large(BUNDLE_TRANSACTIONS_MAX, "transactions"));
        }
        Ok(())
    }

    /// Counts bytes and refuses a bundle that no auditor's tool would read.
    fn grow(&mut self, bytes: usize) -> Result<(), StorageError> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > BUNDLE_BYTES_MAX {
            return Err(self.too_large(BUNDLE_BYTES_MAX, "bytes"));
        }
        Ok(())
    }

    fn too_large(&self, limit: usize, unit: &'static str) -> StorageError {
        StorageError::BundleTooLarge { subject: self.subject.clone(), limit, unit }
    }

    /// Proves everything gathered against the tip.
    fn into_bundle(mut self, certificate: CommitCertificate) -> Result<Bundle, StorageError> {
        let ledger = self.ledger;
        let missing = |column: Column| {
            corrupt(&*ledger.kv, column, &keys::height(Height::GENESIS), "it is missing")
        };
        let genesis = ledger.header(Height::GENESIS)?.ok_or_else(|| missing(Column::Headers))?;
        let genesis_validators =
            ledger.validator_set(Height::GENESIS)?.ok_or_else(|| missing(Column::Validators))?;
        let records = self.prove_records()?;
        let transactions = self.prove_transactions()?;
        let histories = std::mem::take(&mut self.histories)
            .into_iter()
            .map(|(subject, events)| BundledHistory { subject, events });
        Ok(Bundle {
            version: BUNDLE_VERSION,
            chain_id: self.tip.chain_id.clone(),
            genesis,
            genesis_validators,
            set_changes: ledger.set_changes(self.tip.height)?,
            transactions,
            records,
            histories: histories.collect(),
            subject: self.subject,
            tip: CertifiedHeader { header: self.tip, certificate },
        })
    }

    fn prove_records(&mut self) -> Result<Vec<BundledRecord>, StorageError> {
        let mut records = Vec::with_capacity(self.keys.len());
        for key in std::mem::take(&mut self.keys) {
            let (value, proof) =
                self.ledger.state_proof_under(&self.tip.state_root, &key, self.tip.height)?;
            let hashes = proof.siblings.len().saturating_mul(DIGEST_BYTES);
            let content = value.as_ref().map_or(0, Vec::len).saturating_add(key.len());
            self.grow(hashes.saturating_add(content).saturating_add(OVERHEAD_BYTES))?;
            records.push(BundledRecord { key, value, proof });
        }
        Ok(records)
    }

    fn prove_transactions(&mut self) -> Result<Vec<BundledTransaction>, StorageError> {
        let mut prover = LogProver::new(&*self.ledger.kv, self.tip.log_size);
        let mut transactions = Vec::with_capacity(self.transactions.len());
        for (index, (envelope, entry)) in std::mem::take(&mut self.transactions) {
            let inclusion = prover.inclusion(index)?;
            inclusion.verify(&entry.leaf_bytes(), self.tip.log_size, &self.tip.log_root).map_err(
                |error| {
                    let key = keys::log_entry(index);
                    corrupt(&*self.ledger.kv, Column::LogEntries, &key, error)
                },
            )?;
            self.grow(inclusion.hashes.len().saturating_mul(DIGEST_BYTES))?;
            transactions.push(BundledTransaction { envelope, entry, inclusion });
        }
        Ok(transactions)
    }
}
