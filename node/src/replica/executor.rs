//! Executes a block on top of the tip: to propose it, and to judge one that was proposed.
//!
//! Both ways run the same code, so a proposer and its voters cannot disagree about a block's roots
//! unless one of them is damaged. Nothing is written here; the result waits until the block is
//! decided.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use mulu_chain::block::{Block, BlockId, HEADER_VERSION, Header, body_hash};
use mulu_chain::certificate::CommitCertificate;
use mulu_chain::log::{LOG_ENTRY_VERSION, LogEntry};
use mulu_chain::signature::PublicKey;
use mulu_chain::transaction::{Envelope, TransactionId};
use mulu_chain::types::{Height, TimeMs};
use mulu_chain::validator::ValidatorSet;
use mulu_contracts::execution::{BlockContext, SubjectEvent, execute_block};
use mulu_contracts::protocol::Rules;
use mulu_contracts::state::StateReadError;
use mulu_contracts::transaction::Transaction;

use super::divergence::Divergence;
use super::known::Known;
use crate::storage::{Decided, Ledger, Prepared, StorageError, Tip};

/// A block with everything its commit will write.
#[derive(Debug, Clone)]
pub struct Executed {
    /// The block id.
    pub id: BlockId,
    /// The block.
    pub block: Block,
    entries: Vec<LogEntry>,
    changes: BTreeMap<String, Vec<u8>>,
    events: Vec<SubjectEvent>,
    prepared: Prepared,
    next_validators: ValidatorSet,
}

/// The rules in force at the height after the tip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InForce {
    /// Their version, which the header carries.
    pub version: u32,
    /// What this program knows them as.
    pub rules: Rules,
}

/// Why a proposed block gets no vote from us.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockRejection {
    /// BLK-01
    #[error("BLK-01: the block is larger than the parameters allow")]
    Size,
    /// BLK-03
    #[error("BLK-03: the block does not follow block {0} of this chain")]
    Parent(Height),
    /// BLK-04
    #[error("BLK-04: the block's proposer is not in the validator set")]
    Proposer,
    /// BLK-05
    #[error(
        "BLK-05: block time {found} is not after its parent's {parent}, or too far from now ({now})"
    )]
    Time {
        /// The parent's time.
        parent: TimeMs,
        /// The block's time.
        found: TimeMs,
        /// This node's time.
        now: TimeMs,
    },
    /// BLK-06
    #[error("BLK-06: transaction {0} is already in the chain, or twice in the block")]
    Duplicate(TransactionId),
    /// BLK-07
    #[error("BLK-07: {0}")]
    Header(Box<Divergence>),
}

/// The world failed while executing.
#[derive(Debug, thiserror::Error)]
pub enum ExecutionError {
    /// A read or a preparation failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The state could not be read.
    #[error(transparent)]
    State(#[from] StateReadError),
    /// The ledger holds no validator set where it must.
    #[error(
        "the ledger has no validator set for height {0}; restore the data folder from a backup or re-sync"
    )]
    NoValidators(Height),
}

/// Builds a block of these transactions on the tip. Transactions that are in the chain already
/// are left out.
///
/// # Errors
/// [`ExecutionError`].
pub fn build(
    ledger: &Ledger,
    tip: &Tip,
    rules: InForce,
    time_ms: TimeMs,
    proposer: PublicKey,
    transactions: &[Transaction],
) -> Result<Executed, ExecutionError> {
    let mut fresh = Vec::with_capacity(transactions.len());
    let mut seen = BTreeSet::new();
    for transaction in transactions {
        let id = transaction.id();
        let known = ledger.is_committed(&id)?;
        if seen.insert(id) && (!known || mulu_chain::planted!("planted-transactions-again")) {
            fresh.push(transaction.clone());
        }
    }
    let time_ms = time_ms.max(TimeMs(tip.header.time_ms.0 + 1));
    execute(ledger, tip, rules, time_ms, proposer, &fresh)
}

/// Executes a proposed block and compares every field of its header.
///
/// # Errors
/// [`ExecutionError`] if the world failed; the inner result is the verdict.
pub fn judge(
    ledger: &Ledger,
    tip: &Tip,
    rules: InForce,
    block: &Block,
    transactions: &[Transaction],
) -> Result<Result<Executed, BlockRejection>, ExecutionError> {
    let header = &block.header;
    let height = tip.header.height.next();
    if header.height != height
        || header.parent != tip.header.id()
        || header.chain_id != tip.header.chain_id
    {
        return Ok(Err(BlockRejection::Parent(tip.header.height)));
    }
    let set = ledger.validator_set(height)?.ok_or(ExecutionError::NoValidators(height))?;
    let Some(proposer) = header.proposer.filter(|key| set.get(key).is_some()) else {
        return Ok(Err(BlockRejection::Proposer));
    };
    if header.time_ms <= tip.header.time_ms {
        return Ok(Err(BlockRejection::Time {
            parent: tip.header.time_ms,
            found: header.time_ms,
            now: header.time_ms,
        }));
    }
    let params = mulu_contracts::state::params(ledger, height)?;
    let bytes_max = usize::try_from(params.block_bytes_max).unwrap_or(usize::MAX);
    let count_max = usize::try_from(params.block_transactions_max).unwrap_or(usize::MAX);
    if block.size_bound() > bytes_max || transactions.len() > count_max {
        return Ok(Err(BlockRejection::Size));
    }
    let mut seen = BTreeSet::new();
    for transaction in transactions {
        let id = transaction.id();
        let known = ledger.is_committed(&id)?;
        let again = !seen.insert(id) || known;
        if again && !mulu_chain::planted!("planted-transactions-again") {
            return Ok(Err(BlockRejection::Duplicate(id)));
        }
    }
    let executed = execute(ledger, tip, rules, header.time_ms, proposer, transactions)?;
    let same =
        executed.block.header == *header && executed.block.transactions == block.transactions;
    if !same && !mulu_chain::planted!("planted-header-not-compared") {
        let ours = &executed.block.header;
        let divergence = Divergence::between(header, ours, &executed.changes);
        return Ok(Err(BlockRejection::Header(Box::new(divergence))));
    }
    Ok(Ok(executed))
}

fn execute(
    ledger: &Ledger,
    tip: &Tip,
    rules: InForce,
    time_ms: TimeMs,
    proposer: PublicKey,
    transactions: &[Transaction],
) -> Result<Executed, ExecutionError> {
    let height = tip.header.height.next();
    let chain_id = tip.header.chain_id.clone();
    let context = BlockContext { chain_id: chain_id.clone(), height, time_ms, rules: rules.rules };
    // The records that many transactions ask for are read once a block.
    let known = Known::default();
    let execution = execute_block(&context, transactions, &known.over(ledger))?;
    let entries: Vec<LogEntry> = transactions
        .iter()
        .zip(&execution.outcomes)
        .zip(0u32..)
        .map(|((transaction, outcome), index)| LogEntry {
            version: LOG_ENTRY_VERSION,
            height,
            index,
            time_ms,
            transaction: transaction.id(),
            envelope: transaction.envelope().digest(),
            outcome: outcome.clone(),
        })
        .collect();
    let prepared = ledger.prepare(tip, &execution.changes, &entries)?;
    // The set in force at the next height is what the state said before this block: a change
    // takes effect two heights after the block that made it.
    let next_validators = if mulu_chain::planted!("planted-set-a-height-late") {
        ledger.validator_set(height)?
    } else {
        ledger.next_validators()?
    };
    let next_validators = next_validators.ok_or(ExecutionError::NoValidators(height.next()))?;
    let envelopes: Vec<Envelope> = transactions.iter().map(|t| t.envelope().clone()).collect();
    let header = Header {
        version: HEADER_VERSION,
        chain_id,
        protocol_version: rules.version,
        height,
        time_ms,
        parent: tip.header.id(),
        proposer: Some(proposer),
        transactions: u32::try_from(transactions.len()).unwrap_or(u32::MAX),
        body: body_hash(&envelopes),
        log_size: prepared.frontier.size(),
        log_root: prepared.frontier.root(),
        state_root: prepared.state_root,
        validator_set_hash: tip.header.next_validator_set_hash,
        next_validator_set_hash: next_validators.hash(),
    };
    let block = Block { header, transactions: envelopes };
    Ok(Executed {
        id: block.id(),
        block,
        entries,
        changes: execution.changes,
        events: execution.events,
        prepared,
        next_validators,
    })
}

impl Executed {
    /// Whether it writes a record whose key begins so.
    pub fn changes(&self, prefix: &str) -> bool {
        let mut from = self.changes.range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        from.next().is_some_and(|(key, _)| key.starts_with(prefix))
    }

    /// Joins the certificate that decided this block.
    pub fn decided_by(self, certificate: CommitCertificate) -> Decided {
        Decided {
            block: mulu_chain::block::CertifiedBlock { block: self.block, certificate },
            entries: self.entries,
            changes: self.changes,
            events: self.events,
            prepared: self.prepared,
            next_validators: self.next_validators,
        }
    }
}
