//! Writing: block 0, then one decided block after another, each in one synced batch.
//!
//! A block is prepared (its roots computed) when it is proposed or judged, and committed when it
//! is decided. The commit checks everything it is given against the tip and against the
//! preparation, so that a bug elsewhere stops the node instead of reaching the disk.

use std::collections::BTreeMap;

use mulu_chain::block::{BlockId, CertifiedBlock};
use mulu_chain::codec;
use mulu_chain::digest::Digest;
use mulu_chain::log::{LogEntry, LogFrontier};
use mulu_chain::state::key_hash;
use mulu_chain::types::Height;
use mulu_chain::validator::ValidatorSet;
use mulu_contracts::execution::SubjectEvent;
use mulu_genesis::GenesisBlock;
use sha2::{Digest as _, Sha256};

use super::error::StorageError;
use super::keys;
use super::kv::{Batch, Column};
use super::ledger::{KEY_TIP, Ledger, Tip, TipPointer};
use super::log_tree::{self, LogUpdate};
use super::tree::{self, TreeUpdate};

/// The roots a block will have, and the tree and log nodes behind them. Nothing is on disk yet.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// State root after the block.
    pub state_root: Digest,
    /// The log's right edge after the block.
    pub frontier: LogFrontier,
    height: Height,
    parent: BlockId,
    changes: Digest,
    leaves: Vec<Digest>,
    tree_nodes: Vec<(Vec<u8>, Vec<u8>)>,
    stale_nodes: Vec<Vec<u8>>,
    log_nodes: Vec<(Vec<u8>, Vec<u8>)>,
}

/// A decided block with everything its commit writes.
#[derive(Debug, Clone)]
pub struct Decided {
    /// The block and its certificate.
    pub block: CertifiedBlock,
    /// Its log entries, one per transaction.
    pub entries: Vec<LogEntry>,
    /// The state keys it changed, with their new values.
    pub changes: BTreeMap<String, Vec<u8>>,
    /// The events it added to histories.
    pub events: Vec<SubjectEvent>,
    /// What [`Ledger::prepare`] returned for `changes` and `entries`.
    pub prepared: Prepared,
    /// The set that decides the next height.
    pub next_validators: ValidatorSet,
}

impl Ledger {
    /// Writes block 0 into an empty ledger; does nothing if it is there already.
    ///
    /// # Errors
    /// [`StorageError::ForeignData`] if another block 0 is there, [`StorageError::Mismatch`] if the
    /// genesis block contradicts itself, [`StorageError::Write`].
    pub fn initialize(&self, genesis: &GenesisBlock) -> Result<(), StorageError> {
        let header = &genesis.header;
        let expected = header.id();
        if let Some(first) = self.header(Height::GENESIS)? {
            let found = first.id();
            let path = self.kv.path().to_owned();
            let same = found == expected;
            return if same {
                Ok(())
            } else {
                Err(StorageError::ForeignData { path, found, expected })
            };
        }
        let frontier = LogFrontier::default();
        let tree = tree::update(&*self.kv, Height::GENESIS, &genesis.state)?;
        let check = Check { height: header.height };
        check.same("height", header.height, Height::GENESIS)?;
        check.same("state root", header.state_root, tree.root)?;
        check.same("body", header.body, mulu_chain::block::body_hash(&[]))?;
        check.same("log size", header.log_size, 0)?;
        check.same("log root", header.log_root, frontier.root())?;
        check.same("validator set", genesis.validators.hash(), header.validator_set_hash)?;
        check.same(
            "next validator set",
            genesis.validators.hash(),
            header.next_validator_set_hash,
        )?;

        let mut batch = Batch::default();
        let (key, schema) = Ledger::schema_pair();
        batch.put(Column::Meta, key, schema);
        batch.put(Column::Headers, keys::height(Height::GENESIS), codec::encode(header));
        put_validators(&mut batch, Height::GENESIS, &genesis.validators);
        put_changes(&mut batch, Height::GENESIS, &genesis.state);
        put_all(&mut batch, Column::StateNodes, &tree.nodes);
        self.finish(batch, Tip { header: header.clone(), frontier })
    }

    /// Computes the roots of the block after `parent`; writes nothing.
    ///
    /// # Errors
    /// [`StorageError::Mismatch`] if `parent` is not the tip; read errors and damage.
    pub fn prepare(
        &self,
        parent: &Tip,
        changes: &BTreeMap<String, Vec<u8>>,
        entries: &[LogEntry],
    ) -> Result<Prepared, StorageError> {
        let height = parent.header.height.next();
        let parent_id = parent.header.id();
        let check = Check { height };
        check.same("parent", parent_id, self.tip()?.header.id())?;
        let root = tree::root(&*self.kv, parent.header.height)?;
        check.same("parent's state root", root, parent.header.state_root)?;
        let TreeUpdate { root: state_root, nodes: tree_nodes, stale: stale_nodes } =
            tree::update(&*self.kv, height, changes)?;
        let LogUpdate { frontier, leaves, nodes: log_nodes } =
            log_tree::update(&parent.frontier, entries);
        Ok(Prepared {
            state_root,
            frontier,
            height,
            parent: parent_id,
            changes: changes_digest(changes),
            leaves,
            tree_nodes,
            stale_nodes,
            log_nodes,
        })
    }

    /// Writes a decided block: one batch, on stable storage when this returns.
    ///
    /// # Errors
    /// [`StorageError::Mismatch`] for anything but the block after the tip with the prepared roots
    /// (nothing is written then); [`StorageError::Write`], after which the process must stop.
    pub fn commit(&self, decided: &Decided) -> Result<(), StorageError> {
        let tip = self.tip()?;
        check_decided(&tip, decided)?;
        self.check_new(decided)?;

        let Decided { block, entries, changes, events, prepared, next_validators } = decided;
        let header = &block.block.header;
        let height = header.height;
        let mut batch = Batch::default();
        batch.put(Column::Headers, keys::height(height), codec::encode(header));
        batch.put(Column::Certificates, keys::height(height), codec::encode(&block.certificate));
        let transactions = block.block.transactions.iter().zip(entries);
        for ((envelope, entry), log_index) in transactions.zip(tip.frontier.size()..) {
            batch.put(Column::Bodies, keys::body(height, entry.index), codec::encode(envelope));
            batch.put(Column::LogEntries, keys::log_entry(log_index), entry.leaf_bytes());
            let id = *entry.transaction.as_bytes();
            batch.put(Column::Transactions, id, codec::encode(&log_index));
        }
        put_all(&mut batch, Column::LogNodes, &prepared.log_nodes);
        put_all(&mut batch, Column::StateNodes, &prepared.tree_nodes);
        for node in &prepared.stale_nodes {
            batch.put(Column::StaleNodes, keys::stale_node(height.0, node), []);
        }
        put_changes(&mut batch, height, changes);
        for SubjectEvent { subject, number, event } in events {
            if mulu_chain::planted!("planted-history-event-lost") && *number > 0 {
                continue;
            }
            batch.put(Column::History, keys::history(subject, *number), codec::encode(event));
        }
        if header.next_validator_set_hash != header.validator_set_hash {
            put_validators(&mut batch, height.next(), next_validators);
        }
        self.finish(batch, Tip { header: header.clone(), frontier: prepared.frontier.clone() })
    }

    /// No transaction is committed twice: its first result stands for ever.
    fn check_new(&self, decided: &Decided) -> Result<(), StorageError> {
        for entry in &decided.entries {
            if self.kv.get(Column::Transactions, entry.transaction.as_bytes())?.is_some() {
                return Err(StorageError::Mismatch {
                    height: entry.height,
                    what: "transaction",
                    found: format!("{}, committed before", entry.transaction),
                    expected: "new".to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Adds the tip pointer, writes, and only then shows the new tip.
    fn finish(&self, mut batch: Batch, tip: Tip) -> Result<(), StorageError> {
        let pointer = TipPointer { height: tip.header.height, frontier: tip.frontier.clone() };
        if !(mulu_chain::planted!("planted-tip-not-written") && tip.header.height > Height(2)) {
            batch.put(Column::Meta, KEY_TIP, codec::encode(&pointer));
        }
        self.kv.write(batch)?;
        self.set_tip(tip);
        Ok(())
    }
}

/// Everything the caller claims of the block agrees with the tip and the preparation.
fn check_decided(tip: &Tip, decided: &Decided) -> Result<(), StorageError> {
    let Decided { block, entries, changes, prepared, next_validators, .. } = decided;
    let header = &block.block.header;
    let (id, parent) = (header.id(), tip.header.id());
    let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);

    let check = Check { height: header.height };
    check.same("height", header.height, tip.header.height.next())?;
    check.same("chain", &header.chain_id, &tip.header.chain_id)?;
    check.same("parent", header.parent, parent)?;
    check.same("prepared height", prepared.height, header.height)?;
    check.same("prepared parent", prepared.parent, parent)?;
    check.same("state root", header.state_root, prepared.state_root)?;
    check.same("log size", header.log_size, prepared.frontier.size())?;
    check.same("log root", header.log_root, prepared.frontier.root())?;
    check.same("validator set", header.validator_set_hash, tip.header.next_validator_set_hash)?;
    check.same("next validator set", next_validators.hash(), header.next_validator_set_hash)?;
    check.same("certificate's height", block.certificate.height, header.height)?;
    check.same("certificate's block", block.certificate.block, id)?;
    check.same("changes", changes_digest(changes), prepared.changes)?;
    check.same("number of log entries", count, header.transactions)?;
    check.same("number of transactions", block.block.transactions.len(), entries.len())?;
    check.same("number of prepared log entries", prepared.leaves.len(), entries.len())?;
    for ((entry, leaf), index) in entries.iter().zip(&prepared.leaves).zip(0u32..) {
        check.same("log entry", entry.leaf_hash(), *leaf)?;
        check.same("log entry's height", entry.height, header.height)?;
        check.same("log entry's position", entry.index, index)?;
    }
    for (envelope, entry) in block.block.transactions.iter().zip(entries) {
        check.same("transaction", envelope.digest(), entry.envelope)?;
        check.same("transaction id", envelope.id(), entry.transaction)?;
    }
    Ok(())
}

/// Compares the parts of a block.
struct Check {
    height: Height,
}

impl Check {
    fn same<T: PartialEq + ToString>(
        &self,
        what: &'static str,
        found: T,
        expected: T,
    ) -> Result<(), StorageError> {
        if found == expected {
            return Ok(());
        }
        let (found, expected) = (found.to_string(), expected.to_string());
        Err(StorageError::Mismatch { height: self.height, what, found, expected })
    }
}

/// One digest over all changes, to recognize them at the commit.
fn changes_digest(changes: &BTreeMap<String, Vec<u8>>) -> Digest {
    let mut hasher = Sha256::new();
    for (key, value) in changes {
        for part in [key.as_bytes(), value.as_slice()] {
            hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hasher.update(part);
        }
    }
    Digest::from_bytes(hasher.finalize().into())
}

fn put_changes(batch: &mut Batch, height: Height, changes: &BTreeMap<String, Vec<u8>>) {
    for (key, value) in changes {
        batch.put(Column::StateValues, keys::state_value(&key_hash(key), height), value.as_slice());
        batch.put(Column::Records, key.as_bytes(), codec::encode(&height));
    }
}

fn put_validators(batch: &mut Batch, from: Height, set: &ValidatorSet) {
    batch.put(Column::Validators, keys::height(from), codec::encode(set));
}

fn put_all(batch: &mut Batch, column: Column, pairs: &[(Vec<u8>, Vec<u8>)]) {
    for (key, value) in pairs {
        batch.put(column, key.as_slice(), value.as_slice());
    }
}
