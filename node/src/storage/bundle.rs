//! Audit bundles: one question's complete evidence, gathered at one height, written frame by frame.
//!
//! A bundle is planned from a subject's history outwards: its events name transactions, a
//! transaction's actions created authorizations and receipts ([`record_id`]), those have histories
//! of their own, and every transaction names the keys that signed it. The plan holds keys and places
//! only; values and envelopes are read while it is written, so its memory is bounded by
//! [`BUNDLE_TRANSACTIONS_MAX`], not by what they hold. All reads are at the height of one header, so a
//! commit in between changes nothing. What is written is covered and compared with that header's
//! roots as it goes: damage is an error here, and the bundle then lacks its last frame.
//!
//! [`record_id`]: mulu_contracts::state::record_id

use std::collections::BTreeMap;

use mulu_chain::block::{CertifiedHeader, Header};
use mulu_chain::bundle::{Bundle, Question, SetChange};
use mulu_chain::codec;
use mulu_chain::digest::Digest;
use mulu_chain::limits::BUNDLE_HISTORIES_MAX;
use mulu_chain::log::LogEntry;
use mulu_chain::state::{HistoryEvent, HistoryLeaf, history_key, key_hash};
use mulu_chain::transaction::{Envelope, TransactionId};
use mulu_chain::types::{Height, TimeMs};
use mulu_contracts::state::{PARAMS_KEY, VALIDATORS_KEY, key_key};

mod write;

use super::error::StorageError;
use super::keys::{self, corrupt};
use super::kv::Column;
use super::ledger::Ledger;
use super::related;

/// Most transactions in one bundle.
pub const BUNDLE_TRANSACTIONS_MAX: usize = 250_000;
/// Most records in one bundle.
const BUNDLE_RECORDS_MAX: usize = 500_000;
/// History events read at a time.
const EVENTS_PER_READ: usize = 1000;
/// Validator sets read at a time.
const SETS_PER_READ: usize = 100;
/// Bytes of an encoded history leaf, at most.
const HISTORY_LEAF_BYTES_MAX: usize = 64;

impl Ledger {
    /// Finds everything an auditor needs to check one question offline, proved under the block at a
    /// height, or the last one. A subject that was never recorded gets a bundle that proves just that.
    ///
    /// `None` if there is nothing to prove under: no block after block 0 at that height, no such
    /// transaction, or a range that ends after it.
    ///
    /// # Errors
    /// [`StorageError::BundleTooLarge`]; read errors and damage.
    pub fn plan_bundle(
        &self,
        question: &Question,
        at: Option<Height>,
    ) -> Result<Option<BundlePlan>, StorageError> {
        let last = self.tip()?.header;
        let tip = match at {
            None => last,
            Some(height) if height > last.height => return Ok(None),
            Some(height) => match self.header(height)? {
                Some(header) => header,
                None if self.is_before_base(height)? => {
                    return Err(StorageError::BodyMoved { height, archive: None });
                }
                None => return Ok(None),
            },
        };
        let Some(certificate) = self.certificate(tip.height)? else { return Ok(None) };
        let mut gathered = Gathered::new(self, tip, question);
        if !related::gather(&mut gathered, question)? {
            return Ok(None);
        }
        gathered.into_plan(certificate).map(Some)
    }

    /// A bundle as a whole in memory, proved under the last block; `None` also for a text that is
    /// no question.
    ///
    /// # Errors
    /// As [`Ledger::plan_bundle`].
    pub fn bundle(&self, question: &str) -> Result<Option<Bundle>, StorageError> {
        let Ok(question) = question.parse() else { return Ok(None) };
        let Some(plan) = self.plan_bundle(&question, None)? else { return Ok(None) };
        let mut frames = Vec::new();
        plan.write(&mut |frame| -> Result<(), StorageError> {
            frames.push(frame);
            Ok(())
        })?;
        Ok(Some(Bundle { frames }))
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
        if self.header(height)?.is_none() && self.is_before_base(height)? {
            return Err(StorageError::BodyMoved { height, archive: None });
        }
        let missing = |column| corrupt(&*self.kv, column, &key, "it is missing");
        Ok(CertifiedHeader {
            header: self.header(height)?.ok_or_else(|| missing(Column::Headers))?,
            certificate: self.certificate(height)?.ok_or_else(|| missing(Column::Certificates))?,
        })
    }

    /// Whether this node began with a snapshot after that height and never had its block.
    fn is_before_base(&self, height: Height) -> Result<bool, StorageError> {
        Ok(height > Height::GENESIS && self.base()?.is_some_and(|base| height < base))
    }

    /// The first height, up to `last`, whose block time is at least `time`; the one after `last` if
    /// none is.
    fn height_at(&self, time: TimeMs, last: Height) -> Result<Height, StorageError> {
        let (mut from, mut to) = (Height::GENESIS, last.next());
        while from < to {
            let middle = Height(from.0 + (to.0 - from.0) / 2);
            let key = keys::height(middle);
            let header = match self.header(middle)? {
                Some(header) => header,
                None if self.is_before_base(middle)? => {
                    from = middle.next();
                    continue;
                }
                None => return Err(corrupt(&*self.kv, Column::Headers, &key, "it is missing")),
            };
            if header.time_ms < time { from = middle.next() } else { to = middle }
        }
        // Whether a block before the snapshot is late enough, this node cannot tell.
        match from.previous() {
            Some(before) if self.is_before_base(before)? => {
                Err(StorageError::BodyMoved { height: before, archive: None })
            }
            _ => Ok(from),
        }
    }
}

/// How a log entry is told.
enum Wanted {
    /// Its entry alone.
    Leaf,
    /// With its envelope, and the actions that are events of histories.
    Transaction(Vec<(u32, u32)>),
}

/// What a bundle will hold, so far.
pub(super) struct Gathered<'a> {
    ledger: &'a Ledger,
    tip: Header,
    question: Question,
    keys: BTreeMap<Digest, String>,
    /// Subject to the order in which it was found.
    histories: BTreeMap<String, u32>,
    log: BTreeMap<u64, Wanted>,
}

impl<'a> Gathered<'a> {
    fn new(ledger: &'a Ledger, tip: Header, question: &Question) -> Self {
        let keys = [PARAMS_KEY, VALIDATORS_KEY].map(|key| (key_hash(key), key.to_owned()));
        Gathered {
            ledger,
            tip,
            question: question.clone(),
            keys: keys.into(),
            histories: BTreeMap::new(),
            log: BTreeMap::new(),
        }
    }

    /// The value of a key under the tip.
    pub fn value(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError> {
        self.ledger.record_at(key, self.tip.height)
    }

    /// Adds a record, present or absent.
    pub fn record(&mut self, key: &str) -> Result<(), StorageError> {
        self.keys.insert(key_hash(key), key.to_owned());
        if self.keys.len() > BUNDLE_RECORDS_MAX {
            return Err(self.too_large(BUNDLE_RECORDS_MAX, "records"));
        }
        Ok(())
    }

    /// Adds a record if there is one.
    pub fn record_if_present(&mut self, key: &str) -> Result<bool, StorageError> {
        let present = self.value(key)?.is_some();
        if present {
            self.record(key)?;
        }
        Ok(present)
    }

    /// Adds a subject: its record, its complete history and every transaction in that. Returns the
    /// events, or none if the subject was added before.
    pub fn subject(&mut self, subject: &str) -> Result<Vec<HistoryEvent>, StorageError> {
        if self.histories.contains_key(subject) {
            return Ok(Vec::new());
        }
        self.record(subject)?;
        self.record(&history_key(subject))?;
        if self.histories.len() >= BUNDLE_HISTORIES_MAX {
            return Err(self.too_large(BUNDLE_HISTORIES_MAX, "histories"));
        }
        let number = u32::try_from(self.histories.len()).unwrap_or(u32::MAX);
        self.histories.insert(subject.to_owned(), number);
        let events = self.complete_history(subject)?;
        for event in &events {
            self.event(subject, number, event)?;
        }
        Ok(events)
    }

    /// The events that the state under the tip commits to.
    fn complete_history(&self, subject: &str) -> Result<Vec<HistoryEvent>, StorageError> {
        let key = history_key(subject);
        let Some(leaf) = self.value(&key)? else { return Ok(Vec::new()) };
        let damaged =
            |reason: String| corrupt(&*self.ledger.kv, Column::History, subject.as_bytes(), reason);
        let leaf = codec::decode::<HistoryLeaf, HISTORY_LEAF_BYTES_MAX>(&leaf)
            .map_err(|error| damaged(error.to_string()))?;
        if leaf.count > BUNDLE_TRANSACTIONS_MAX as u64 {
            return Err(self.too_large(BUNDLE_TRANSACTIONS_MAX, "events"));
        }
        let mut events = Vec::new();
        for from in (0..leaf.count).step_by(EVENTS_PER_READ) {
            events.extend(self.ledger.history(subject, from, EVENTS_PER_READ)?);
        }
        // Events of blocks committed since the tip was taken.
        events.truncate(usize::try_from(leaf.count).unwrap_or(usize::MAX));
        if HistoryLeaf::of(&events) != leaf {
            return Err(damaged("the events do not match the history leaf".to_owned()));
        }
        Ok(events)
    }

    fn event(
        &mut self,
        subject: &str,
        history: u32,
        event: &HistoryEvent,
    ) -> Result<(), StorageError> {
        let damaged =
            |reason: &str| corrupt(&*self.ledger.kv, Column::History, subject.as_bytes(), reason);
        let committed = self
            .ledger
            .transaction(&event.transaction)?
            .ok_or_else(|| damaged("it names a transaction that is missing"))?;
        if (committed.entry.height, committed.entry.index) != (event.height, event.index) {
            return Err(damaged("it names another place than the transaction's"));
        }
        self.transaction(committed.log_index, &committed.entry)?;
        if let Some(Wanted::Transaction(events)) = self.log.get_mut(&committed.log_index) {
            events.push((event.action, history));
        }
        Ok(())
    }

    /// Adds a transaction by its id; none if it was not committed up to the tip.
    pub fn transaction_of(&mut self, id: &TransactionId) -> Result<Option<Envelope>, StorageError> {
        let committed = self.ledger.transaction(id)?;
        let Some(committed) = committed.filter(|c| c.log_index < self.tip.log_size) else {
            return Ok(None);
        };
        self.transaction(committed.log_index, &committed.entry).map(Some)
    }

    /// Adds all transactions of some heights, and the entries beside them.
    pub fn heights(&mut self, from: Height, to: Height) -> Result<bool, StorageError> {
        if to > self.tip.height {
            return Ok(false);
        }
        let size = |height: Height| -> Result<u64, StorageError> {
            let key = keys::height(height);
            let header = self.ledger.header(height)?;
            let missing = || corrupt(&*self.ledger.kv, Column::Headers, &key, "it is missing");
            Ok(header.ok_or_else(missing)?.log_size)
        };
        let first = from.previous().map_or(Ok(0), size)?;
        let end = size(to.min(self.tip.height))?.max(first);
        if end - first > BUNDLE_TRANSACTIONS_MAX as u64 {
            return Err(self.too_large(BUNDLE_TRANSACTIONS_MAX, "transactions"));
        }
        for index in first..end {
            let entry = self.ledger.log_entry(index)?;
            self.transaction(index, &entry)?;
        }
        let beside = [first.checked_sub(1), Some(end).filter(|end| *end < self.tip.log_size)];
        for index in beside.into_iter().flatten() {
            self.log.entry(index).or_insert(Wanted::Leaf);
        }
        Ok(true)
    }

    /// Adds all transactions with block times in a range.
    pub fn times(&mut self, from: TimeMs, to: TimeMs) -> Result<bool, StorageError> {
        let last = self.tip.height;
        if to > self.tip.time_ms {
            return Ok(false);
        }
        let first = self.ledger.height_at(from, last)?;
        let end = self.ledger.height_at(TimeMs(to.0.saturating_add(1)), last)?;
        if first < end {
            return self.heights(first, end.previous().unwrap_or(first));
        }
        // Nothing: the entries around the place where something would be.
        let size = self.ledger.header(first.previous().unwrap_or(first))?.map_or(0, |h| h.log_size);
        let beside = [size.checked_sub(1), Some(size).filter(|size| *size < self.tip.log_size)];
        for index in beside.into_iter().flatten() {
            self.log.entry(index).or_insert(Wanted::Leaf);
        }
        Ok(true)
    }

    fn transaction(&mut self, log_index: u64, entry: &LogEntry) -> Result<Envelope, StorageError> {
        let key = keys::log_entry(log_index);
        let damaged = |reason| corrupt(&*self.ledger.kv, Column::LogEntries, &key, reason);
        let envelope = self
            .ledger
            .envelope(entry.height, entry.index)?
            .ok_or_else(|| damaged("it names a transaction without an envelope"))?;
        if matches!(self.log.get(&log_index), Some(Wanted::Transaction(_))) {
            return Ok(envelope);
        }
        for signature in envelope.signatures() {
            self.record(&key_key(&signature.key))?;
        }
        self.log.insert(log_index, Wanted::Transaction(Vec::new()));
        if self.log.len() > BUNDLE_TRANSACTIONS_MAX {
            return Err(self.too_large(BUNDLE_TRANSACTIONS_MAX, "transactions"));
        }
        Ok(envelope)
    }

    fn too_large(&self, limit: usize, unit: &'static str) -> StorageError {
        StorageError::BundleTooLarge { subject: self.question.to_string(), limit, unit }
    }

    fn into_plan(
        self,
        certificate: mulu_chain::certificate::CommitCertificate,
    ) -> Result<BundlePlan, StorageError> {
        // From the order in which histories were found to that of their names.
        let mut order = vec![0u32; self.histories.len()];
        for (number, found) in (0u32..).zip(self.histories.values()) {
            if let Some(place) = order.get_mut(*found as usize) {
                *place = number;
            }
        }
        let mut log = self.log;
        for wanted in log.values_mut() {
            if let Wanted::Transaction(events) = wanted {
                for (_, history) in events.iter_mut() {
                    *history = order.get(*history as usize).copied().unwrap_or(u32::MAX);
                }
                events.sort_unstable();
            }
        }
        Ok(BundlePlan {
            set_changes: self.ledger.set_changes(self.tip.height)?,
            ledger: self.ledger.clone(),
            question: self.question,
            tip: CertifiedHeader { header: self.tip, certificate },
            keys: self.keys.into_iter().collect(),
            histories: self.histories.into_keys().collect(),
            log,
        })
    }
}

/// What a bundle holds, ready to be written.
pub struct BundlePlan {
    ledger: Ledger,
    question: Question,
    set_changes: Vec<SetChange>,
    tip: CertifiedHeader,
    keys: Vec<(Digest, String)>,
    histories: Vec<String>,
    log: BTreeMap<u64, Wanted>,
}
