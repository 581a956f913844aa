//! Both ends of every column are there: looked at when a ledger is opened.
//!
//! RocksDB notices damaged bytes, but a cut in its list of files (the MANIFEST) can leave a column
//! without the files it had, and nothing else would notice before somebody asks for what was there.

use mulu_chain::log::LogEntry;
use mulu_chain::state::key_hash;
use mulu_chain::types::Height;
use mulu_contracts::state::PARAMS_KEY;

use super::error::StorageError;
use super::kept::Kept;
use super::keys::{self, corrupt};
use super::kv::{Column, Kv};
use super::ledger::{LOG_ENTRY_BYTES_MAX, Tip};
use super::snapshot::KEY_BASE;

/// What the records of histories begin with.
const HISTORY_LEAVES: &str = "history/";

/// Checks that what block 0 and the first and last transactions wrote is there, up to the tip.
///
/// # Errors
/// [`StorageError::Corrupt`] naming the column; read errors.
pub(super) fn check(kv: &dyn Kv, tip: &Tip, kept: Kept) -> Result<(), StorageError> {
    let Tip { header, .. } = tip;
    let (first, last) = (keys::height(Height::GENESIS), keys::height(header.height));
    must_hold(kv, Column::Headers, &first)?;
    must_hold(kv, Column::Headers, &last)?;
    let base = keys::read::<Height, 8>(kv, Column::Meta, KEY_BASE)?;
    if header.height > Height::GENESIS {
        let oldest = base.map_or(Height::GENESIS.next(), |base| base.min(header.height));
        must_hold(kv, Column::Certificates, &keys::height(oldest))?;
        must_hold(kv, Column::Certificates, &last)?;
    }
    must_hold(kv, Column::Validators, &first)?;
    must_hold(kv, Column::StateNodes, &keys::state_node(kept.state_from.0, &[]))?;
    must_hold(kv, Column::StateNodes, &keys::state_node(header.height.0, &[]))?;
    let params = key_hash(PARAMS_KEY);
    if kv.scan(Column::StateValues, params.as_bytes(), None, 1)?.is_empty() {
        let key = keys::state_value(&params, Height::GENESIS);
        return Err(corrupt(kv, Column::StateValues, &key, MISSING));
    }
    must_hold(kv, Column::Records, PARAMS_KEY.as_bytes())?;
    if let Some(newest) = header.log_size.checked_sub(1) {
        check_log(kv, 0, kept)?;
        check_log(kv, newest, kept)?;
        if kv.scan(Column::LogNodes, &[], None, 1)?.is_empty() {
            return Err(corrupt(kv, Column::LogNodes, &[], MISSING));
        }
    }
    let leaf = kv.scan(Column::Records, HISTORY_LEAVES.as_bytes(), None, 1)?;
    if let Some((key, _)) = leaf.first() {
        let subject = key.get(HISTORY_LEAVES.len()..).unwrap_or_default();
        let event = keys::history(&String::from_utf8_lossy(subject), 0);
        must_hold(kv, Column::History, &event)?;
    }
    Ok(())
}

const MISSING: &str = "it is missing, though later data is there";

fn must_hold(kv: &dyn Kv, column: Column, key: &[u8]) -> Result<(), StorageError> {
    match kv.get(column, key)? {
        Some(_) => Ok(()),
        None => Err(corrupt(kv, column, key, MISSING)),
    }
}

/// A log entry, its transaction's place and its envelope.
fn check_log(kv: &dyn Kv, index: u64, kept: Kept) -> Result<(), StorageError> {
    let key = keys::log_entry(index);
    let entry: LogEntry = keys::expect::<_, LOG_ENTRY_BYTES_MAX>(kv, Column::LogEntries, &key)?;
    must_hold(kv, Column::Transactions, entry.transaction.as_bytes())?;
    if entry.height < kept.bodies_from {
        return Ok(());
    }
    must_hold(kv, Column::Bodies, &keys::body(entry.height, entry.index))
}
