//! The consortium's parameters: one record, set by the founding document, changed only by the
//! consortium's signatures.

use mulu_chain::digest::Digest;
use mulu_chain::limits::{BLOCK_BYTES_MAX, BLOCK_TRANSACTIONS_MAX, SIGNATURES_MAX};
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::key::KeyRole;
use crate::rejection::{Step, require};
use crate::rule::Rule;
use crate::state::{PARAMS_KEY, version_hash};

/// The parameters in force. Times are in milliseconds, sizes in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// How many heights ahead a transaction's `valid_until` may lie.
    pub valid_heights_max: u64,
    /// How many distinct members' authority keys an authority action needs.
    pub authority_threshold: u32,
    /// How many distinct members' administrators or authorities a change of the consortium needs;
    /// 0 stands for more than two thirds of the members that have validators.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub consortium_threshold: u32,
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
            consortium_threshold: 0,
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

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Roles of the keys whose signatures count for a change of the consortium.
pub(crate) const LEADING_ROLES: [KeyRole; 2] = [KeyRole::Administrator, KeyRole::Authority];

/// `params.change`: the consortium replaces its parameters, in force from the next height.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParamsChange {
    /// All parameters, changed or not.
    pub params: Params,
    /// Version hash of the parameters being replaced.
    pub prev: Digest,
}

pub(crate) fn change(call: &mut Call<'_, '_>, action: &ParamsChange) -> Step {
    let signed = call.signers.consortium(call.params, call.overlay)?;
    let stored = call.overlay.value(PARAMS_KEY)?.unwrap_or_default();
    let version = version_hash(&stored);
    require(action.prev == version, Rule::ParamsPrev, || {
        format!("prev is {}, the parameters' version {version}", action.prev)
    })?;
    let params = &action.params;
    check(params)?;
    // Who could sign once can sign again; more could be out of reach for ever.
    for (name, threshold, signed) in [
        ("authority_threshold", params.authority_threshold, signed.authorities),
        ("consortium_threshold", params.consortium_threshold, signed.members),
    ] {
        require(threshold <= signed, Rule::ParamsThreshold, || {
            format!("{name} is {threshold}, {signed} members signed this change")
        })?;
    }
    call.overlay.put(PARAMS_KEY.to_owned(), params)?;
    call.touch(PARAMS_KEY.to_owned());
    Ok(())
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
    within("authority_threshold", u64::from(params.authority_threshold), 1, size(SIGNATURES_MAX))?;
    let members = u64::from(params.consortium_threshold);
    within("consortium_threshold", members, 0, size(SIGNATURES_MAX))?;
    within("block_time_drift_ms", params.block_time_drift_ms, 1, DAY_MS)?;
    within("heartbeat_ms", params.heartbeat_ms, 100, DAY_MS)?;
    within("grant_window_ms_max", params.grant_window_ms_max, 1, 36_600 * DAY_MS)?;
    within("clock_skew_ms", params.clock_skew_ms, 0, DAY_MS)?;
    let transactions = u64::from(params.block_transactions_max);
    within("block_transactions_max", transactions, 1, size(BLOCK_TRANSACTIONS_MAX))?;
    let bytes = u64::from(params.block_bytes_max);
    within("block_bytes_max", bytes, size(BLOCK_BYTES_MIN), size(BLOCK_BYTES_MAX))
}
