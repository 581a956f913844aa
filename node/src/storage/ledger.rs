//! The ledger: opening it, its block 0, and what can be read from it.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use bincode::{Decode, Encode};
use mulu_chain::block::{Block, CertifiedBlock, Header};
use mulu_chain::certificate::CommitCertificate;
use mulu_chain::codec;
use mulu_chain::limits::STATE_VALUE_BYTES_MAX;
use mulu_chain::log::{LogEntry, LogFrontier};
use mulu_chain::state::{HistoryEvent, key_hash};
use mulu_chain::transaction::{Envelope, TransactionId};
use mulu_chain::types::Height;
use mulu_chain::validator::ValidatorSet;
use mulu_contracts::state::{StateRead, StateReadError, VALIDATORS_KEY};

use super::archive::ArchiveFolder;
use super::ends;
use super::error::StorageError;
use super::kept::{self, Kept};
use super::keys::{self, corrupt};
use super::kv::{Column, Kv};
use super::last_decoded::LastDecoded;
use super::memory::MemoryKv;
use super::rocks::RocksKv;
use super::tree;

/// The one layout this program reads and writes.
pub const SCHEMA_VERSION: u32 = 1;

const KEY_SCHEMA: &[u8] = b"schema";
pub(super) const KEY_TIP: &[u8] = b"tip";

/// Largest encodings, in bytes: a header, a certificate or validator set of 128, a log entry, a
/// history event, the tip pointer with 64 peaks.
const HEADER_BYTES_MAX: usize = 4 * 1024;
const CERTIFICATE_BYTES_MAX: usize = 64 * 1024;
const VALIDATOR_SET_BYTES_MAX: usize = 64 * 1024;
pub(super) const LOG_ENTRY_BYTES_MAX: usize = 1024;
pub(super) const HISTORY_EVENT_BYTES_MAX: usize = 128;
const TIP_BYTES_MAX: usize = 4 * 1024;

/// The last block: what the next one is built on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    /// Its header.
    pub header: Header,
    /// The log's right edge after it.
    pub frontier: LogFrontier,
}

/// What `meta` says of the tip. Byte layout: height `u64`, then the frontier.
#[derive(Debug, Clone, Encode, Decode)]
pub(super) struct TipPointer {
    pub height: Height,
    pub frontier: LogFrontier,
}

/// A transaction's place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedTransaction {
    /// Height, position, time and outcome.
    pub entry: LogEntry,
    /// 0-based index of the entry in the log.
    pub log_index: u64,
}

/// The ledger. Clones share one store; any thread reads, exactly one writes.
#[derive(Clone)]
pub struct Ledger {
    pub(super) kv: Arc<dyn Kv>,
    tip: Arc<RwLock<Option<Tip>>>,
    pub(super) kept: Arc<RwLock<Kept>>,
    pub(super) archive: Arc<RwLock<Option<ArchiveFolder>>>,
    set: Arc<LastDecoded<ValidatorSet>>,
    next_validators: Arc<LastDecoded<ValidatorSet>>,
}

impl Ledger {
    /// Opens the ledger in a folder, creating an empty one if there is none.
    ///
    /// # Errors
    /// [`StorageError::InUse`], [`StorageError::Open`], [`StorageError::UnknownSchema`], or
    /// [`StorageError::Corrupt`] if the tip does not hold together.
    pub fn open(path: &Path) -> Result<Ledger, StorageError> {
        Ledger::over(Arc::new(RocksKv::open(path)?))
    }

    /// An empty ledger in memory.
    pub fn in_memory() -> Ledger {
        Ledger::over(Arc::new(MemoryKv::default())).expect("an empty store in memory cannot fail")
    }

    /// A ledger over a store: what [`Ledger::open`] does after opening RocksDB.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn over(kv: Arc<dyn Kv>) -> Result<Ledger, StorageError> {
        let ledger = Ledger {
            kv,
            tip: Arc::default(),
            kept: Arc::default(),
            archive: Arc::default(),
            set: Arc::default(),
            next_validators: Arc::default(),
        };
        ledger.check_schema()?;
        if let Some(pointer) = ledger.read::<TipPointer, TIP_BYTES_MAX>(Column::Meta, KEY_TIP)? {
            let tip = ledger.check_tip(pointer)?;
            let kept = kept::read(&*ledger.kv)?;
            ends::check(&*ledger.kv, &tip, kept)?;
            *ledger.kept.write().unwrap_or_else(PoisonError::into_inner) = kept;
            ledger.set_tip(tip);
        }
        Ok(ledger)
    }

    /// An empty folder gets its schema with block 0.
    fn check_schema(&self) -> Result<(), StorageError> {
        let known = codec::encode(&SCHEMA_VERSION);
        let found = match self.kv.get(Column::Meta, KEY_SCHEMA)? {
            Some(found) if found == known => return Ok(()),
            None if self.kv.get(Column::Meta, KEY_TIP)?.is_none() => return Ok(()),
            Some(found) => match codec::decode::<u32, 4>(&found) {
                Ok(version) => version.to_string(),
                Err(_) => "unreadable".to_owned(),
            },
            None => "missing".to_owned(),
        };
        let path = self.kv.path().to_owned();
        Err(StorageError::UnknownSchema { path, found, supported: SCHEMA_VERSION })
    }

    /// The tip's header, log and state agree: a start on damaged data fails here, not in a vote.
    fn check_tip(&self, pointer: TipPointer) -> Result<Tip, StorageError> {
        let TipPointer { height, frontier } = pointer;
        let damaged = |reason: &str| corrupt(&*self.kv, Column::Meta, KEY_TIP, reason);
        let header =
            self.header(height)?.ok_or_else(|| damaged("the header it points at is missing"))?;
        if !frontier.is_well_formed()
            || frontier.size() != header.log_size
            || frontier.root() != header.log_root
        {
            return Err(damaged("the log's right edge does not match the header's log root"));
        }
        if tree::root(&*self.kv, height)? != header.state_root {
            return Err(damaged("the state tree's root does not match the header's"));
        }
        if height > Height::GENESIS && self.certificate(height)?.is_none() {
            return Err(damaged("the certificate of the last block is missing"));
        }
        Ok(Tip { header, frontier })
    }

    /// The schema as a put of block 0.
    pub(super) fn schema_pair() -> (&'static [u8], Vec<u8>) {
        (KEY_SCHEMA, codec::encode(&SCHEMA_VERSION))
    }

    /// Bytes of each column in table files, where the store knows; what was written last is still in
    /// the write-ahead log.
    pub fn column_bytes(&self) -> Vec<(&'static str, u64)> {
        let bytes = |column: &Column| Some((column.name(), self.kv.column_bytes(*column)?));
        Column::ALL.iter().filter_map(bytes).collect()
    }

    /// The last committed block.
    ///
    /// # Errors
    /// [`StorageError::Empty`] before [`Ledger::initialize`].
    pub fn tip(&self) -> Result<Tip, StorageError> {
        let tip = self.tip.read().unwrap_or_else(PoisonError::into_inner);
        tip.clone().ok_or_else(|| StorageError::Empty { path: self.kv.path().to_owned() })
    }

    pub(super) fn set_tip(&self, tip: Tip) {
        *self.tip.write().unwrap_or_else(PoisonError::into_inner) = Some(tip);
    }

    /// Height of the last committed block.
    ///
    /// # Errors
    /// [`StorageError::Empty`].
    pub fn height(&self) -> Result<Height, StorageError> {
        let tip = self.tip.read().unwrap_or_else(PoisonError::into_inner);
        match tip.as_ref() {
            Some(tip) => Ok(tip.header.height),
            None => Err(StorageError::Empty { path: self.kv.path().to_owned() }),
        }
    }

    /// The header at a height.
    ///
    /// # Errors
    /// Read errors and damage.
    pub fn header(&self, height: Height) -> Result<Option<Header>, StorageError> {
        self.read::<_, HEADER_BYTES_MAX>(Column::Headers, &keys::height(height))
    }

    /// The certificate that decided a height; block 0 has none.
    ///
    /// # Errors
    /// Read errors and damage.
    pub fn certificate(&self, height: Height) -> Result<Option<CommitCertificate>, StorageError> {
        self.read::<_, CERTIFICATE_BYTES_MAX>(Column::Certificates, &keys::height(height))
    }

    /// The block at a height with its certificate: what sync sends. Block 0 is not among them, nor
    /// those whose bodies are no longer within this node's reach.
    ///
    /// # Errors
    /// Read errors and damage.
    pub fn certified_block(&self, height: Height) -> Result<Option<CertifiedBlock>, StorageError> {
        if self.base()?.is_some_and(|base| height < base) {
            return Ok(None);
        }
        let Some(certificate) = self.certificate(height)? else { return Ok(None) };
        let key = keys::height(height);
        let header = self
            .header(height)?
            .ok_or_else(|| corrupt(&*self.kv, Column::Headers, &key, "it is missing"))?;
        if height < self.kept().bodies_from {
            return self.archived_block(&header);
        }
        let mut transactions = Vec::new();
        for index in 0..header.transactions {
            let envelope = self.envelope_here(height, index)?;
            if envelope.is_none() && height < self.kept().bodies_from {
                return self.archived_block(&header);
            }
            transactions.push(envelope.ok_or_else(|| {
                corrupt(&*self.kv, Column::Bodies, &keys::body(height, index), "it is missing")
            })?);
        }
        Ok(Some(CertifiedBlock { block: Block { header, transactions }, certificate }))
    }

    /// The set that decides a height, known up to the one after the tip.
    ///
    /// # Errors
    /// Read errors and damage.
    pub fn validator_set(&self, height: Height) -> Result<Option<ValidatorSet>, StorageError> {
        if height > self.height()?.next() {
            return Ok(None);
        }
        let found = self.kv.last_up_to(Column::Validators, &[], &keys::height(height))?;
        let Some((key, bytes)) = found else { return Ok(None) };
        self.set.of(&bytes, || self.validator_set_of(&key, &bytes)).map(Some)
    }

    /// The validators that the state names after the tip: they decide the height after the next.
    ///
    /// # Errors
    /// Read errors and damage.
    pub fn next_validators(&self) -> Result<Option<ValidatorSet>, StateReadError> {
        let Some(bytes) = StateRead::read(self, VALIDATORS_KEY)? else { return Ok(None) };
        self.next_validators
            .of(&bytes, || {
                mulu_contracts::state::validator_set(self)
                    .transpose()
                    .unwrap_or_else(|| Err(StateReadError("there are no validators".to_owned())))
            })
            .map(Some)
    }

    pub(super) fn validator_set_of(
        &self,
        key: &[u8],
        bytes: &[u8],
    ) -> Result<ValidatorSet, StorageError> {
        keys::decode::<_, VALIDATOR_SET_BYTES_MAX>(&*self.kv, Column::Validators, key, bytes)
    }

    /// Where a transaction stands, if it was committed.
    ///
    /// # Errors
    /// Read errors and damage.
    pub fn transaction(
        &self,
        id: &TransactionId,
    ) -> Result<Option<CommittedTransaction>, StorageError> {
        let Some(log_index) = self.read::<u64, 8>(Column::Transactions, id.as_bytes())? else {
            return Ok(None);
        };
        let entry = self.log_entry(log_index)?;
        Ok(Some(CommittedTransaction { entry, log_index }))
    }

    /// Whether a transaction was committed.
    ///
    /// # Errors
    /// Read errors and damage.
    pub fn is_committed(&self, id: &TransactionId) -> Result<bool, StorageError> {
        Ok(self.kv.get(Column::Transactions, id.as_bytes())?.is_some())
    }

    /// A log entry that another value says is there.
    pub(super) fn log_entry(&self, index: u64) -> Result<LogEntry, StorageError> {
        let key = keys::log_entry(index);
        keys::expect::<_, LOG_ENTRY_BYTES_MAX>(&*self.kv, Column::LogEntries, &key)
    }

    /// The log entries of a block, in order; none if there is no such block.
    ///
    /// # Errors
    /// Read errors and damage.
    pub fn log_entries(&self, height: Height) -> Result<Vec<LogEntry>, StorageError> {
        let Some(header) = self.header(height)? else { return Ok(Vec::new()) };
        let first = header.log_size.saturating_sub(u64::from(header.transactions));
        (first..header.log_size).map(|index| self.log_entry(index)).collect()
    }

    /// The envelope at a position of a block, from the archive if it was moved there.
    ///
    /// # Errors
    /// [`StorageError::BodyMoved`] if it is out of this node's reach; read errors and damage.
    pub fn envelope(&self, height: Height, index: u32) -> Result<Option<Envelope>, StorageError> {
        match self.envelope_here(height, index)? {
            None if height > Height::GENESIS && height < self.kept().bodies_from => {
                self.archived_envelope(height, index)
            }
            found => Ok(found),
        }
    }

    /// The envelope at a position of a block, if it is in the store.
    fn envelope_here(&self, height: Height, index: u32) -> Result<Option<Envelope>, StorageError> {
        let key = keys::body(height, index);
        let Some(bytes) = self.kv.get(Column::Bodies, &key)? else { return Ok(None) };
        Envelope::from_bytes(&bytes)
            .map(Some)
            .map_err(|error| corrupt(&*self.kv, Column::Bodies, &key, error))
    }

    /// The value of a state key after the last block.
    ///
    /// # Errors
    /// Read errors and damage.
    pub fn record(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError> {
        match self.read::<Height, 8>(Column::Records, key.as_bytes())? {
            Some(version) => self.value(key, version).map(Some),
            None => Ok(None),
        }
    }

    /// The value of a state key after block `height`.
    ///
    /// # Errors
    /// [`StorageError::Beyond`] above the tip, [`StorageError::StatePruned`] below what is kept; read
    /// errors and damage.
    pub fn record_at(&self, key: &str, height: Height) -> Result<Option<Vec<u8>>, StorageError> {
        self.check_height(height)?;
        self.while_kept(
            height,
            |kept| kept.values_from,
            || match self.read::<Height, 8>(Column::Records, key.as_bytes())? {
                None => Ok(None),
                Some(version) if version <= height => self.value(key, version).map(Some),
                Some(_) => tree::value_at(&*self.kv, &key_hash(key), height),
            },
        )
    }

    /// At most `limit` keys that begin with `prefix` and lie after `after`, with their values.
    ///
    /// # Errors
    /// Read errors and damage.
    pub fn records(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, StorageError> {
        let after = after.map(str::as_bytes);
        let pairs = self.kv.scan(Column::Records, prefix.as_bytes(), after, limit)?;
        let mut records = Vec::with_capacity(pairs.len());
        for (key, version) in pairs {
            let version = keys::decode::<Height, 8>(&*self.kv, Column::Records, &key, &version)?;
            let key = String::from_utf8(key)
                .map_err(|e| corrupt(&*self.kv, Column::Records, e.as_bytes(), "not UTF-8"))?;
            let value = self.value(&key, version)?;
            records.push((key, value));
        }
        Ok(records)
    }

    /// The value written at this height, the last change of its key as far as a reader knows. A later
    /// one may have been committed since, and this one pruned: then the newest is read.
    fn value(&self, key: &str, version: Height) -> Result<Vec<u8>, StorageError> {
        let hash = key_hash(key);
        let place = keys::state_value(&hash, version);
        let mut value = self.kv.get(Column::StateValues, &place)?;
        if value.is_none() && version < self.kept().values_from {
            value = tree::value_at(&*self.kv, &hash, self.height()?)?;
        }
        value
            .filter(|value| value.len() <= STATE_VALUE_BYTES_MAX)
            .ok_or_else(|| corrupt(&*self.kv, Column::StateValues, &place, "it is missing"))
    }

    /// At most `limit` events of a subject from number `from` on, in order.
    ///
    /// # Errors
    /// Read errors and damage.
    pub fn history(
        &self,
        subject: &str,
        from: u64,
        limit: usize,
    ) -> Result<Vec<HistoryEvent>, StorageError> {
        let prefix = keys::history_prefix(subject);
        let after = from.checked_sub(1).map(|number| keys::history(subject, number));
        let pairs = self.kv.scan(Column::History, &prefix, after.as_deref(), limit)?;
        let events = pairs.iter().map(|(key, bytes)| {
            keys::decode::<_, HISTORY_EVENT_BYTES_MAX>(&*self.kv, Column::History, key, bytes)
        });
        events.collect()
    }

    /// Refuses heights above the tip.
    pub(super) fn check_height(&self, height: Height) -> Result<(), StorageError> {
        let last = self.height()?;
        if height > last {
            return Err(StorageError::Beyond { what: "height", asked: height.0, last: last.0 });
        }
        Ok(())
    }

    pub(super) fn read<T: Encode + Decode<()>, const LIMIT: usize>(
        &self,
        column: Column,
        key: &[u8],
    ) -> Result<Option<T>, StorageError> {
        keys::read::<T, LIMIT>(&*self.kv, column, key)
    }
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("path", &self.kv.path()).finish_non_exhaustive()
    }
}

impl StateRead for Ledger {
    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StateReadError> {
        self.record(key).map_err(StateReadError::new)
    }
}
