//! The consortium's parameters: one record, set by the founding document.

use mulu_chain::limits::{BLOCK_BYTES_MAX, BLOCK_TRANSACTIONS_MAX};
use serde::{Deserialize, Serialize};

use crate::rejection::{Step, require};
use crate::rule::Rule;

/// The parameters in force. Times are in milliseconds, sizes in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Params {
    /// How many heights ahead a transaction's `valid_until` may lie.
    pub valid_heights_max: u64,
    /// How many distinct members' authority keys an authority action needs.
    pub authority_threshold: u32,
    /// How far a block's time may lie from a voter's clock.
    pub block_time_drift_ms: u64,
    /// How long an idle chain waits before an empty block.
    pub heartbeat_ms: u64,
    /// Longest window of a grant.
    pub grant_window_ms_max: u64,
    /// How far a receipt's window may lie ahead of block time.
    pub clock_skew_ms: u64,
    /// Most transactions in a block.
    pub block_transactions_max: u32,
    /// Largest block.
    pub block_bytes_max: u32,
}

impl Default for Params {
    fn default() -> Self {
        Params {
            valid_heights_max: 100_000,
            authority_threshold: 1,
            block_time_drift_ms: 5_000,
            heartbeat_ms: 60_000,
            // Three years of 365 days and the leap day they may hold.
            grant_window_ms_max: 1_096 * 24 * 60 * 60 * 1_000,
            clock_skew_ms: 120_000,
            block_transactions_max: 2_000,
            block_bytes_max: 2 * 1024 * 1024,
        }
    }
}

/// Smallest block that still takes the largest transaction.
const BLOCK_BYTES_MIN: usize = 128 * 1024;

/// Checks parameters against the bounds of the chain (PAR-01).
pub(crate) fn check(params: &Params) -> Step {
    let within = |name: &str, value: u64, least: u64, most: u64| {
        require((least..=most).contains(&value), Rule::ParamsForm, || {
            format!("{name} is {value}, allowed are {least} to {most}")
        })
    };
    const DAY_MS: u64 = 86_400_000;
    let size = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
    within("valid_heights_max", params.valid_heights_max, 1, 1_000_000_000)?;
    within("authority_threshold", u64::from(params.authority_threshold), 1, 64)?;
    within("block_time_drift_ms", params.block_time_drift_ms, 1, DAY_MS)?;
    within("heartbeat_ms", params.heartbeat_ms, 100, DAY_MS)?;
    within("grant_window_ms_max", params.grant_window_ms_max, 1, 36_600 * DAY_MS)?;
    within("clock_skew_ms", params.clock_skew_ms, 0, DAY_MS)?;
    let transactions = u64::from(params.block_transactions_max);
    within("block_transactions_max", transactions, 1, size(BLOCK_TRANSACTIONS_MAX))?;
    let bytes = u64::from(params.block_bytes_max);
    within("block_bytes_max", bytes, size(BLOCK_BYTES_MIN), size(BLOCK_BYTES_MAX))
}
