//! The whole chain once more, from block 0, in memory: every rule, root and certificate.
//!
//! A [`Replay`] holds what a node holds without a disk: records, the state tree, the log's right edge,
//! the validator set in force. It takes one decided block after another, whose signatures were
//! verified when its transactions were parsed, executes it and compares every field of its header. The first
//! difference is named by height, record and field, and ends it. Pure: bytes come from anywhere.
//! Source: SPEC sections 6 to 9 and 11.

// A difference ends an audit: it is made once, and its size costs nothing.
#![allow(clippy::result_large_err)]

use std::collections::{BTreeMap, BTreeSet};

use mulu_chain::block::{CertifiedBlock, HEADER_VERSION, Header};
use mulu_chain::log::{LOG_ENTRY_VERSION, LogEntry, LogFrontier};
use mulu_chain::state::{key_hash, value_hash};
use mulu_chain::state_tree::StateTree;
use mulu_chain::transaction::TransactionId;
use mulu_chain::types::Height;
use mulu_chain::validator::ValidatorSet;

use crate::execution::{BlockContext, execute_block};
use crate::protocol::{RuleBook, Rules};
use crate::state::{self, StateRead, StateReadError};
use crate::transaction::Transaction;

/// Where a chain is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("height {height}: {record}: {field}: {rule}: expected {expected}, found {found}")]
pub struct Difference {
    /// The block.
    pub height: Height,
    /// Which part of it.
    pub record: String,
    /// Which field of that.
    pub field: &'static str,
    /// The rule it breaks.
    pub rule: &'static str,
    /// What the rules give.
    pub expected: String,
    /// What stands there.
    pub found: String,
    /// State keys the block writes: where a differing state root comes from.
    pub changed: Vec<String>,
}

/// What a replay goes on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The last block.
    pub header: Header,
    /// The log after it.
    pub frontier: LogFrontier,
    /// The set that decides the next block.
    pub validators: ValidatorSet,
    /// Every record.
    pub records: Vec<(String, Vec<u8>)>,
    /// Every transaction.
    pub transactions: Vec<TransactionId>,
}

/// Records in memory.
#[derive(Debug, Default)]
struct Records(BTreeMap<String, Vec<u8>>);

impl StateRead for Records {
    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StateReadError> {
        Ok(self.0.get(key).cloned())
    }
}

/// A replay under way.
#[derive(Debug)]
pub struct Replay {
    header: Header,
    frontier: LogFrontier,
    validators: ValidatorSet,
    records: Records,
    tree: StateTree,
    transactions: BTreeSet<TransactionId>,
}

impl Replay {
    /// Goes on from a standing: block 0's, or one that was kept.
    ///
    /// # Errors
    /// A [`Difference`] if the standing contradicts its own header.
    pub fn new(standing: Standing) -> Result<Self, Difference> {
        let Standing { header, frontier, validators, records, transactions } = standing;
        let mut tree = StateTree::default();
        let pairs: BTreeMap<_, _> =
            records.iter().map(|(key, value)| (key_hash(key), value_hash(value))).collect();
        tree.update(&pairs.into_iter().collect::<Vec<_>>());
        let expect = Expect { height: header.height, changed: &[] };
        expect.header("state_root", "BLK-07", tree.root(), header.state_root)?;
        expect.header("log_root", "BLK-07", frontier.root(), header.log_root)?;
        let set = validators.hash();
        expect.header("next_validator_set_hash", "BLK-07", set, header.next_validator_set_hash)?;
        Ok(Replay {
            header,
            frontier,
            validators,
            records: Records(records.into_iter().collect()),
            tree,
            transactions: transactions.into_iter().collect(),
        })
    }

    /// The last block.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The set that decides the next block.
    pub fn validators(&self) -> &ValidatorSet {
        &self.validators
    }

    /// The value of a record after the last block.
    pub fn record(&self, key: &str) -> Option<&[u8]> {
        self.records.0.get(key).map(Vec::as_slice)
    }

    /// Records so far.
    pub fn records(&self) -> usize {
        self.records.0.len()
    }

    /// What another replay may go on from.
    pub fn standing(&self) -> Standing {
        Standing {
            header: self.header.clone(),
            frontier: self.frontier.clone(),
            validators: self.validators.clone(),
            records: self.records.0.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
            transactions: self.transactions.iter().copied().collect(),
        }
    }

    /// Takes the next block, whose form was checked ([`mulu_chain::block::Block::check_form`]) and
    /// whose transactions are parsed; `certified_by` is the set its certificate was verified
    /// against, if it was.
    ///
    /// # Errors
    /// The first [`Difference`].
    pub fn next(
        &mut self,
        block: &CertifiedBlock,
        transactions: &[Transaction],
        certified_by: Option<&ValidatorSet>,
    ) -> Result<(), Difference> {
        let CertifiedBlock { block, certificate } = block;
        let header = &block.header;
        let height = self.header.height.next();
        let expect = Expect { height, changed: &[] };
        expect.header("height", "BLK-03", height, header.height)?;
        expect.header("version", "BLK-02", HEADER_VERSION, header.version)?;
        let rules = self.rules(&expect, header)?;
        expect.header("chain_id", "BLK-03", &self.header.chain_id, &header.chain_id)?;
        expect.header("parent", "BLK-03", self.header.id(), header.parent)?;
        let set = self.validators.hash();
        expect.header("validator_set_hash", "BLK-07", set, header.validator_set_hash)?;
        if header.time_ms <= self.header.time_ms {
            let after = format!("after {}", self.header.time_ms);
            return expect.differ("header", "time_ms", "BLK-05", after, header.time_ms);
        }
        if header.proposer.is_none_or(|key| self.validators.get(&key).is_none()) {
            let found = header.proposer.map_or("none".to_owned(), |key| key.to_string());
            return expect.differ("header", "proposer", "BLK-04", "a validator".into(), found);
        }
        expect.same("certificate", "height", "CRT-03", height, certificate.height)?;
        expect.same("certificate", "block", "CRT-03", header.id(), certificate.block)?;
        if certified_by != Some(&self.validators)
            && let Err(invalid) = certificate.verify(&header.chain_id, &self.validators)
        {
            let quorum = "a quorum's precommits".to_owned();
            return expect.differ("certificate", "signatures", "CRT-01..04", quorum, invalid);
        }
        self.bounds(&expect, block, transactions)?;
        self.execute(&expect, header, transactions, rules)
    }

    /// The rules in force, which the header names and this program must know.
    fn rules(&self, expect: &Expect<'_>, header: &Header) -> Result<Rules, Difference> {
        let params = state::params(&self.records, expect.height);
        let version = params.map_err(|error| expect.broken("params", error))?.protocol_version;
        expect.header("protocol_version", "BLK-07", version, header.protocol_version)?;
        let Some(rules) = RuleBook::THIS.rules(version) else {
            let known = format!("a version this program knows ({})", RuleBook::THIS.words());
            return expect.differ("params", "protocol_version", "PAR-06", known, version);
        };
        Ok(rules)
    }

    /// BLK-01 and BLK-06.
    fn bounds(
        &self,
        expect: &Expect<'_>,
        block: &mulu_chain::block::Block,
        transactions: &[Transaction],
    ) -> Result<(), Difference> {
        let params = state::params(&self.records, expect.height);
        let params = params.map_err(|error| expect.broken("params", error))?;
        let bytes_max = usize::try_from(params.block_bytes_max).unwrap_or(usize::MAX);
        let count_max = usize::try_from(params.block_transactions_max).unwrap_or(usize::MAX);
        if block.size_bound() > bytes_max || transactions.len() > count_max {
            let bounds = format!("at most {count_max} transactions and {bytes_max} bytes");
            let found = format!("{} and {}", transactions.len(), block.size_bound());
            return expect.differ("block", "size", "BLK-01", bounds, found);
        }
        let mut seen = BTreeSet::new();
        for (index, transaction) in transactions.iter().enumerate() {
            let id = transaction.id();
            if !seen.insert(id) || self.transactions.contains(&id) {
                let record = format!("transaction {index}");
                return expect.differ(&record, "id", "BLK-06", "new".into(), id);
            }
        }
        Ok(())
    }

    fn execute(
        &mut self,
        expect: &Expect<'_>,
        header: &Header,
        transactions: &[Transaction],
        rules: Rules,
    ) -> Result<(), Difference> {
        let (height, time_ms) = (header.height, header.time_ms);
        let context = BlockContext { chain_id: header.chain_id.clone(), height, time_ms, rules };
        let execution = execute_block(&context, transactions, &self.records);
        let execution = execution.map_err(|error| expect.broken("execution", error))?;
        let mut frontier = self.frontier.clone();
        for ((transaction, outcome), index) in
            transactions.iter().zip(&execution.outcomes).zip(0u32..)
        {
            let entry = LogEntry {
                version: LOG_ENTRY_VERSION,
                height,
                index,
                time_ms,
                transaction: transaction.id(),
                envelope: transaction.envelope().digest(),
                outcome: outcome.clone(),
            };
            frontier.append(entry.leaf_hash());
        }
        let count = u32::try_from(transactions.len()).unwrap_or(u32::MAX);
        expect.header("transactions", "BLK-01", count, header.transactions)?;
        expect.header("log_size", "BLK-07", frontier.size(), header.log_size)?;
        expect.header("log_root", "BLK-07", frontier.root(), header.log_root)?;
        // The set after the next block is what the state said before this one.
        let next = state::validator_set(&self.records);
        let next = next.map_err(|error| expect.broken("validators", error))?;
        let Some(next) = next else {
            return expect.differ("state", "validators", "VAL-01", "a set".into(), "none");
        };
        let hash = next.hash();
        expect.header("next_validator_set_hash", "BLK-07", hash, header.next_validator_set_hash)?;
        let pairs: BTreeMap<_, _> = execution
            .changes
            .iter()
            .map(|(key, value)| (key_hash(key), value_hash(value)))
            .collect();
        self.tree.update(&pairs.into_iter().collect::<Vec<_>>());
        let changed: Vec<String> = execution.changes.keys().cloned().collect();
        self.records.0.extend(execution.changes);
        let expect = Expect { height, changed: &changed };
        expect.header("state_root", "BLK-07", self.tree.root(), header.state_root)?;
        self.frontier = frontier;
        self.transactions.extend(transactions.iter().map(Transaction::id));
        self.validators = next;
        self.header = header.clone();
        Ok(())
    }
}

/// Compares what a block says with what it should say.
struct Expect<'a> {
    height: Height,
    changed: &'a [String],
}

impl Expect<'_> {
    fn header<T: PartialEq + ToString>(
        &self,
        field: &'static str,
        rule: &'static str,
        expected: T,
        found: T,
    ) -> Result<(), Difference> {
        self.same("header", field, rule, expected, found)
    }

    fn same<T: PartialEq + ToString>(
        &self,
        record: &str,
        field: &'static str,
        rule: &'static str,
        expected: T,
        found: T,
    ) -> Result<(), Difference> {
        if expected == found {
            return Ok(());
        }
        self.differ(record, field, rule, expected.to_string(), found)
    }

    fn differ<T>(
        &self,
        record: &str,
        field: &'static str,
        rule: &'static str,
        expected: String,
        found: impl ToString,
    ) -> Result<T, Difference> {
        Err(Difference {
            height: self.height,
            record: record.to_owned(),
            field,
            rule,
            expected,
            found: found.to_string(),
            changed: self.changed.to_vec(),
        })
    }

    fn broken(&self, record: &str, error: StateReadError) -> Difference {
        Difference {
            height: self.height,
            record: record.to_owned(),
            field: "state",
            rule: "SPEC 11",
            expected: "records that can be read".to_owned(),
            found: error.to_string(),
            changed: Vec::new(),
        }
    }
}
