//! Which rules the next height is executed by, and what a node does that does not know them.
//!
//! The parameters name the version in force (SPEC 11.4). A node that does not know it stops before
//! that height, whether it votes or only follows: whatever it computed could only differ. It warns as
//! soon as the change is on the chain. Installed anew over the same folder it goes on where it stopped.

use mulu_chain::types::Height;
use mulu_contracts::action::Action;
use mulu_contracts::params::ParamsRecord;
use mulu_contracts::protocol::RuleBook;
use mulu_contracts::rejection::Rejection;
use mulu_contracts::rule::Rule;
use mulu_contracts::state::{self, PARAMS_KEY};
use mulu_contracts::transaction::Transaction;

use super::core::ReplicaError;
use super::executor::{ExecutionError, InForce};
use crate::storage::Ledger;

/// The rules in force at a height, if this program knows them.
pub(super) fn in_force(
    ledger: &Ledger,
    book: RuleBook,
    height: Height,
) -> Result<InForce, ReplicaError> {
    let version = state::params(ledger, height).map_err(ExecutionError::State)?.protocol_version;
    let rules = book.rules(version).ok_or_else(|| ReplicaError::UnknownRules {
        version,
        height,
        known: book.words(),
    })?;
    Ok(InForce { version, rules })
}

/// Says so in the log if a change waits to a version that this program does not know.
pub(super) fn warn(ledger: &Ledger, book: RuleBook) -> Result<(), ReplicaError> {
    let record: Option<ParamsRecord> =
        state::get(ledger, PARAMS_KEY).map_err(ExecutionError::State)?;
    let Some(pending) = record.and_then(|record| record.pending) else { return Ok(()) };
    let (version, from) = (pending.params.protocol_version, pending.in_force_from);
    if book.rules(version).is_none() {
        let known = book.words();
        tracing::warn!(version, %from, known, "the consortium voted for rules that this program does not \
            know; it will stop before that height: install a mulud that knows them");
    }
    Ok(())
}

/// Refuses to queue a vote for a version that this program does not know: whoever votes here would
/// stop their own node. In a block it is judged by the rules alone.
pub(super) fn refuse_unknown(book: RuleBook, transaction: &Transaction) -> Result<(), Rejection> {
    for (action, content) in (0u32..).zip(&transaction.payload().actions) {
        let Action::ParamsChange(change) = content else { continue };
        let version = change.params.protocol_version;
        if book.rules(version).is_none() {
            let known = book.words();
            let detail = format!(
                "this node knows the rules of versions {known}, not {version}; install a mulud that \
                 knows it, then vote"
            );
            return Err(Rejection { rule: Rule::ParamsProtocol, action, detail });
        }
    }
    Ok(())
}
