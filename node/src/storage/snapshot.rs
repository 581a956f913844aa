//! Snapshots: the state, the log and the histories at one certified height, in parts, so that a
//! newcomer need not execute the whole past.
//!
//! Nothing is prepared: every version of every value is kept, so parts at a height are read off the
//! live ledger while it goes on. Each part proves itself against the head it belongs to:
//!
//! | part | holds | verified by |
//! |---|---|---|
//! | state | records in the order of their keys | a state proof each; that none is missing, by the root of the tree rebuilt from them |
//! | log | entries in order | a consistency proof from the log so far to the head's |
//! | history | events in order of subject and number | the chain of events against the subject's leaf in the state |
//!
//! A [`Restore`] writes into a store of its own, which becomes a ledger only when all of it fits; a
//! liar is noticed with the part that lies, or, if it left something out, at the end. Bodies,
//! headers and certificates below the head are not part of it: [`Ledger::base`] says from where on
//! this node has them.

use std::collections::BTreeMap;
use std::sync::Arc;

use bincode::{Decode, Encode};
use mulu_chain::codec;
use mulu_chain::digest::Digest;
use mulu_chain::head::CertifiedHead;
use mulu_chain::limits::STATE_KEY_BYTES_MAX;
use mulu_chain::log::{ConsistencyProof, LogEntry, LogFrontier};
use mulu_chain::state::{HistoryEvent, HistoryLeaf, StateProof, history_key, key_hash};
use mulu_chain::types::Height;
use mulu_chain::validator::ValidatorSet;
use mulu_genesis::GenesisBlock;

use super::error::StorageError;
use super::keys;
use super::kv::{Batch, Column, Kv};
use super::ledger::{HISTORY_EVENT_BYTES_MAX, KEY_TIP, Ledger, Tip, TipPointer};
use super::tree;

pub(super) const KEY_BASE: &[u8] = b"base";

/// Most items of one part.
pub const PART_ITEMS_MAX: usize = 4_096;
/// Bytes of a part beyond which no more is added.
pub const PART_BYTES_MAX: usize = 1024 * 1024;
/// Most changes of the validator set between what a newcomer trusts and a head.
pub const STEPS_MAX: usize = 256;

/// A record of the state with its proof.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct StateRecord {
    /// The state key.
    pub key: String,
    /// Its value.
    pub value: Vec<u8>,
    /// Under the head's state root.
    pub proof: StateProof,
}

/// What leads from a trusted validator set to a head.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Heads {
    /// Heads that change the set of the next height, oldest first.
    pub steps: Vec<CertifiedHead>,
    /// The head of the snapshot.
    pub head: CertifiedHead,
    /// The set that decides the height after it.
    pub next: ValidatorSet,
}

/// Why a part, or a snapshot as a whole, is refused.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotInvalid {
    /// The sender's doing.
    #[error("the snapshot lies or has gaps: {0}")]
    Lie(&'static str),
    /// This node's disk.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Heads {
    /// Checks the way from a trusted set to the head; each step is decided by the set before it.
    ///
    /// # Errors
    /// [`SnapshotInvalid::Lie`].
    pub fn check(
        &self,
        chain_id: &mulu_chain::types::ChainId,
        trusted: Digest,
        from: Height,
    ) -> Result<(), SnapshotInvalid> {
        let lie = |why| Err(SnapshotInvalid::Lie(why));
        if self.steps.len() > STEPS_MAX {
            return lie("too many changes of the validator set");
        }
        let (mut set, mut height) = (trusted, from);
        for step in self.steps.iter().chain([&self.head]) {
            if step.header.height < height || step.header.validator_set_hash != set {
                return lie("a head is not decided by the set before it");
            }
            if step.check(chain_id).is_err() {
                return lie("a head's certificate does not hold");
            }
            (set, height) = (step.header.next_validator_set_hash, step.header.height);
        }
        if self.next.hash() != set {
            return lie("the next validator set is another one");
        }
        Ok(())
    }
}

impl Ledger {
    /// The height from which on this node has blocks; everything, if there is none. Below it there
    /// are state, log and histories, but no bodies, headers or certificates.
    ///
    /// # Errors
    /// Read errors and damage.
    pub fn base(&self) -> Result<Option<Height>, StorageError> {
        keys::read::<Height, 8>(&*self.kv, Column::Meta, KEY_BASE)
    }

    /// The way from height `from` to the tip; nothing when this node does not have it.
    ///
    /// # Errors
    /// Read errors and damage.
    pub fn heads(&self, from: Height) -> Result<Option<Heads>, StorageError> {
        let tip = self.tip()?.header.height;
        if self.base()?.is_some_and(|base| from < base) {
            return Ok(None);
        }
        let mut steps = Vec::new();
        let after = keys::height(from);
        for (key, _) in self.kv.scan(Column::Validators, &[], Some(&after), STEPS_MAX + 1)? {
            let Ok(bytes) = <[u8; 8]>::try_from(key.as_slice()) else { continue };
            let changed = Height(u64::from_be_bytes(bytes).saturating_sub(1));
            if changed < tip
                && let Some(step) = self.head(changed)?
            {
                steps.push(step);
            }
        }
        let (head, next) = (self.head(tip)?, self.validator_set(tip.next())?);
        Ok(head.zip(next).map(|(head, next)| Heads { steps, head, next }))
    }

    /// The certified head at a height.
    fn head(&self, height: Height) -> Result<Option<CertifiedHead>, StorageError> {
        let (header, certificate) = (self.header(height)?, self.certificate(height)?);
        let validators = self.validator_set(height)?;
        Ok(match (header, certificate, validators) {
            (Some(header), Some(certificate), Some(validators)) => {
                Some(CertifiedHead { header, certificate, validators })
            }
            _ => None,
        })
    }

    /// Records of the state at a height after a key, with proofs; and where to go on, if that is not
    /// the end.
    ///
    /// # Errors
    /// Read errors and damage.
    pub fn state_part(
        &self,
        height: Height,
        after: Option<&str>,
    ) -> Result<(Vec<StateRecord>, Option<String>), StorageError> {
        let after = after.map(str::as_bytes);
        let pairs = self.kv.scan(Column::Records, &[], after, PART_ITEMS_MAX)?;
        let mut more = pairs.len() == PART_ITEMS_MAX;
        let (mut records, mut bytes, mut seen) = (Vec::new(), 0usize, None);
        for (key, _) in pairs {
            if bytes >= PART_BYTES_MAX {
                more = true;
                break;
            }
            let Ok(key) = String::from_utf8(key) else { continue };
            // A key that came later is no part of that state.
            if let (Some(value), proof) = self.state_proof(&key, height)? {
                bytes += key.len() + value.len() + proof.siblings.len() * 33 + 128;
                records.push(StateRecord { key: key.clone(), value, proof });
            }
            seen = Some(key);
        }
        Ok((records, seen.filter(|_| more)))
    }

    /// Log entries from an index on, below a size, with the proof that the log up to the last of
    /// them is a beginning of it.
    ///
    /// # Errors
    /// Read errors and damage.
    pub fn log_part(
        &self,
        from: u64,
        size: u64,
    ) -> Result<(Vec<LogEntry>, ConsistencyProof), StorageError> {
        let most = u64::try_from(PART_ITEMS_MAX).unwrap_or(u64::MAX);
        let to = from.saturating_add(most).min(size);
        let entries = (from..to).map(|index| self.log_entry(index)).collect::<Result<_, _>>()?;
        let proof = match to == size || to == 0 {
            true => ConsistencyProof { hashes: Vec::new() },
            false => self.consistency_proof(to, size)?,
        };
        Ok((entries, proof))
    }

    /// Events after a place, those above any height included; and where to go on, if that is not the
    /// end.
    ///
    /// # Errors
    /// Read errors and damage.
    pub fn history_part(&self, after: Option<(&str, u64)>) -> Result<HistoryPart, StorageError> {
        let after = after.map(|(subject, number)| keys::history(subject, number));
        let pairs = self.kv.scan(Column::History, &[], after.as_deref(), PART_ITEMS_MAX)?;
        let more = pairs.len() == PART_ITEMS_MAX;
        let (mut events, mut seen) = (Vec::new(), None);
        for (key, bytes) in pairs {
            let event: HistoryEvent = keys::decode::<_, HISTORY_EVENT_BYTES_MAX>(
                &*self.kv,
                Column::History,
                &key,
                &bytes,
            )?;
            // Subject, a zero byte, and eight bytes of number.
            let Some((subject, number)) = key.split_last_chunk::<8>() else { continue };
            let subject = subject.strip_suffix(&[0]).unwrap_or(subject);
            let Ok(subject) = String::from_utf8(subject.to_vec()) else { continue };
            seen = Some((subject.clone(), u64::from_be_bytes(*number)));
            events.push((subject, event));
        }
        Ok((events, seen.filter(|_| more)))
    }
}

/// Events with their subjects, and the place to go on from.
pub type HistoryPart = (Vec<(String, HistoryEvent)>, Option<(String, u64)>);

/// A ledger being made of parts.
pub struct Restore {
    kv: Arc<dyn Kv>,
    heads: Heads,
    /// Version of the tree after the last part.
    version: Height,
    after: Option<String>,
    frontier: LogFrontier,
    /// The subject under way and its events so far.
    subject: Option<(String, HistoryLeaf)>,
    subjects: u64,
    histories: u64,
}

impl Restore {
    /// Begins in an empty store.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn begin(
        kv: Arc<dyn Kv>,
        genesis: &GenesisBlock,
        heads: Heads,
    ) -> Result<Self, StorageError> {
        Ledger::over(kv.clone())?.initialize(genesis)?;
        Ok(Restore {
            kv,
            heads,
            version: Height::GENESIS,
            after: None,
            frontier: LogFrontier::default(),
            subject: None,
            subjects: 0,
            histories: 0,
        })
    }

    /// The height it will have.
    pub fn height(&self) -> Height {
        self.heads.head.header.height
    }

    /// Takes a part of the state.
    ///
    /// # Errors
    /// [`SnapshotInvalid`].
    pub fn state(&mut self, records: Vec<StateRecord>) -> Result<(), SnapshotInvalid> {
        let root = self.heads.head.header.state_root;
        let height = self.height();
        let mut changes = BTreeMap::new();
        let mut batch = Batch::default();
        for StateRecord { key, value, proof } in records {
            if key.len() > STATE_KEY_BYTES_MAX || self.after.as_deref() >= Some(key.as_str()) {
                return Err(SnapshotInvalid::Lie("records are not in order"));
            }
            if proof.verify(&root, &key, Some(&value)).is_err() {
                return Err(SnapshotInvalid::Lie("a record is not in the state"));
            }
            self.histories += u64::from(key.starts_with("history/"));
            batch.put(
                Column::StateValues,
                keys::state_value(&key_hash(&key), height),
                value.as_slice(),
            );
            batch.put(Column::Records, key.as_bytes(), codec::encode(&height));
            self.after = Some(key.clone());
            changes.insert(key, value);
        }
        if changes.is_empty() {
            return Ok(());
        }
        self.version = self.version.next();
        if self.version >= height {
            return Err(SnapshotInvalid::Lie(
                "the state comes in more parts than there are heights",
            ));
        }
        let update = tree::update(&*self.kv, self.version, &changes)?;
        for (key, node) in update.nodes {
            batch.put(Column::StateNodes, key, node);
        }
        self.kv.write(batch)?;
        Ok(())
    }

    /// Where the log goes on.
    pub fn log_size(&self) -> u64 {
        self.frontier.size()
    }

    /// Whether the log is complete.
    pub fn log_is_complete(&self) -> bool {
        self.frontier.size() == self.heads.head.header.log_size
    }

    /// Takes a part of the log.
    ///
    /// # Errors
    /// [`SnapshotInvalid`].
    pub fn log(
        &mut self,
        entries: &[LogEntry],
        proof: &ConsistencyProof,
    ) -> Result<(), SnapshotInvalid> {
        let header = &self.heads.head.header;
        let first = self.frontier.size();
        let update = super::log_tree::update(&self.frontier, entries);
        let (size, root) = (update.frontier.size(), update.frontier.root());
        let fits = size <= header.log_size
            && size > first
            && proof.verify((size, &root), (header.log_size, &header.log_root)).is_ok();
        if !fits {
            return Err(SnapshotInvalid::Lie("the log is not a beginning of the head's"));
        }
        let mut batch = Batch::default();
        for (entry, index) in entries.iter().zip(first..) {
            batch.put(Column::LogEntries, keys::log_entry(index), entry.leaf_bytes());
            batch.put(Column::Transactions, *entry.transaction.as_bytes(), codec::encode(&index));
        }
        for (key, node) in update.nodes {
            batch.put(Column::LogNodes, key, node);
        }
        self.frontier = update.frontier;
        self.kv.write(batch)?;
        Ok(())
    }

    /// Takes a part of the histories; the state must be complete.
    ///
    /// # Errors
    /// [`SnapshotInvalid`].
    pub fn history(&mut self, events: Vec<(String, HistoryEvent)>) -> Result<(), SnapshotInvalid> {
        let height = self.height();
        let mut batch = Batch::default();
        for (subject, event) in events {
            if event.height > height {
                continue;
            }
            let known = self.subject.as_ref().is_some_and(|(known, _)| *known == subject);
            if !known {
                if self.subject.as_ref().is_some_and(|(before, _)| *before >= subject) {
                    return Err(SnapshotInvalid::Lie("histories are not in order"));
                }
                self.close_subject()?;
                self.subject = Some((subject.clone(), HistoryLeaf::default()));
            }
            let Some((_, leaf)) = &mut self.subject else { continue };
            batch.put(Column::History, keys::history(&subject, leaf.count), codec::encode(&event));
            *leaf = leaf.append(&event);
        }
        self.kv.write(batch)?;
        Ok(())
    }

    /// The events of the subject under way are those that the state counts.
    fn close_subject(&mut self) -> Result<(), SnapshotInvalid> {
        let Some((subject, leaf)) = self.subject.take() else { return Ok(()) };
        let at = keys::state_value(&key_hash(&history_key(&subject)), self.height());
        let stored = self.kv.get(Column::StateValues, &at)?;
        if stored != Some(codec::encode(&leaf)) {
            return Err(SnapshotInvalid::Lie("a history is not the one that the state counts"));
        }
        self.subjects += 1;
        Ok(())
    }

    /// Makes the store a ledger, if everything is there.
    ///
    /// # Errors
    /// [`SnapshotInvalid`].
    pub fn finish(mut self) -> Result<(), SnapshotInvalid> {
        self.close_subject()?;
        if self.subjects != self.histories {
            return Err(SnapshotInvalid::Lie("histories are missing"));
        }
        let Heads { head, next, .. } = &self.heads;
        let (header, height) = (&head.header, head.header.height);
        if tree::root(&*self.kv, self.version)? != header.state_root {
            return Err(SnapshotInvalid::Lie("records are missing"));
        }
        if self.frontier.size() != header.log_size || self.frontier.root() != header.log_root {
            return Err(SnapshotInvalid::Lie("the log is incomplete"));
        }
        let mut batch = Batch::default();
        let root = keys::state_node(self.version.0, &[]);
        let node = keys::state_node(height.0, &[]);
        let bytes = self.kv.get(Column::StateNodes, &root)?.unwrap_or_default();
        batch.put(Column::StateNodes, node, bytes);
        batch.put(Column::Headers, keys::height(height), codec::encode(header));
        batch.put(Column::Certificates, keys::height(height), codec::encode(&head.certificate));
        batch.put(Column::Validators, keys::height(height), codec::encode(&head.validators));
        batch.put(Column::Validators, keys::height(height.next()), codec::encode(next));
        batch.put(Column::Meta, KEY_BASE, codec::encode(&height.next()));
        let pointer = TipPointer { height, frontier: self.frontier.clone() };
        batch.put(Column::Meta, KEY_TIP, codec::encode(&pointer));
        self.kv.write(batch)?;
        // Opening it checks that tip, state, log and the ends of all columns agree.
        let ledger = Ledger::over(self.kv.clone())?;
        let tip: Tip = ledger.tip()?;
        if tip.header.id() != header.id() {
            return Err(SnapshotInvalid::Lie("the tip is another block"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
