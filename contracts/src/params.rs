//! The consortium's parameters: one record, set by the founding document, changed only by the
//! consortium's signatures.
//!
//! A change holds from the next height, or from a later one that it names; until then the record
//! holds both. At most one change waits: the next one replaces it, and its `prev` says that its
//! signers saw what they replaced. That a change came into force is derived from the height, never
//! stored, so no block writes what no transaction signed.

use mulu_chain::digest::Digest;
use mulu_chain::limits::{BLOCK_BYTES_MAX, BLOCK_TRANSACTIONS_MAX, SIGNATURES_MAX};
use mulu_chain::types::Height;
use serde::{Deserialize, Serialize};

use crate::calendar::{self, Calendar, Deadlines};
use crate::call::Call;
use crate::key::KeyRole;
use crate::limits::{COUNTER_ROUNDS_MAX, PARAMS_AHEAD_HEIGHTS_MAX, PROTOCOL_NOTICE_HEIGHTS_MIN};
use crate::protocol::FIRST_VERSION;
use crate::rejection::{Step, require};
use crate::rule::Rule;
use crate::state::{self, PARAMS_KEY, version_hash};

/// The record under `params`: what holds, and what is to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParamsRecord {
    /// In force until the pending ones are.
    #[serde(flatten)]
    pub params: Params,
    /// The change that waits for its height, or held since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
}

/// Parameters in force from a height on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The first height at which they hold.
    pub in_force_from: Height,
    /// All of them.
    pub params: Params,
}

impl ParamsRecord {
    /// The parameters in force at a height after the one that wrote the record.
    pub fn at(self, height: Height) -> Params {
        match self.pending {
            Some(pending) if pending.in_force_from <= height => pending.params,
            _ => self.params,
        }
    }
}

/// Parameters. Times are in milliseconds, sizes in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// How many heights ahead a transaction's `valid_until` may lie.
    pub valid_heights_max: u64,
    /// How many distinct members' authority keys an authority action needs.
    pub authority_threshold: u32,
    /// How many distinct members' administrators or authorities a change of the consortium needs;
    /// 0 stands for more than two thirds of the members that have validators.
    #[serde(default, skip_serializing_if = "is_default")]
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
    /// Whether an authority registers and publishes what departments submit (ENT-29).
    #[serde(default, skip_serializing_if = "is_default")]
    pub entry_registration: bool,
    /// Whether an authority examines a request before its provider answers (AUT-24).
    #[serde(default, skip_serializing_if = "is_default")]
    pub request_compliance: bool,
    /// How often a consumer may answer an offer with another request (AUT-23).
    #[serde(default = "counter_rounds", skip_serializing_if = "is_counter_rounds")]
    pub counter_rounds_max: u32,
    /// Version of the rules (PAR-06); the header of each block carries it.
    #[serde(default = "first_version", skip_serializing_if = "is_first_version")]
    pub protocol_version: u32,
    /// Until when what is due must be done.
    #[serde(
        default,
        deserialize_with = "crate::shape::object",
        skip_serializing_if = "is_default"
    )]
    pub deadlines: Deadlines,
    /// The days that are not what their weekday says.
    #[serde(
        default,
        deserialize_with = "crate::shape::object",
        skip_serializing_if = "is_default"
    )]
    pub calendar: Calendar,
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
            entry_registration: false,
            request_compliance: false,
            counter_rounds_max: counter_rounds(),
            protocol_version: FIRST_VERSION,
            deadlines: Deadlines::default(),
            calendar: Calendar::default(),
        }
    }
}

/// Rounds if nothing is said: enough to come to terms, too few to keep a provider busy.
fn counter_rounds() -> u32 {
    3
}

fn is_counter_rounds(rounds: &u32) -> bool {
    *rounds == counter_rounds()
}

fn first_version() -> u32 {
    FIRST_VERSION
}

fn is_first_version(version: &u32) -> bool {
    *version == FIRST_VERSION
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Roles of the keys whose signatures count for a change of the consortium.
pub(crate) const LEADING_ROLES: [KeyRole; 2] = [KeyRole::Administrator, KeyRole::Authority];

/// `params.change`: the consortium replaces its parameters, in force from the next height or a later
/// one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParamsChange {
    /// All parameters, changed or not.
    pub params: Params,
    /// Version hash of the record being replaced.
    pub prev: Digest,
    /// The first height at which they hold; the next one if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_force_from: Option<Height>,
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
    if let Some(from) = action.in_force_from {
        check_from(call.height(), from)?;
    }
    check_version(call, action)?;
    let record = match action.in_force_from {
        None => ParamsRecord { params: params.clone(), pending: None },
        Some(from) => {
            let old: ParamsRecord = state::decode(PARAMS_KEY, &stored)?;
            let pending = Some(Pending { in_force_from: from, params: params.clone() });
            ParamsRecord { params: old.at(call.height()), pending }
        }
    };
    call.overlay.put(PARAMS_KEY.to_owned(), &record)?;
    call.touch(PARAMS_KEY.to_owned());
    Ok(())
}

/// The height is ahead, and not so far that the change is forgotten (PAR-04).
fn check_from(now: Height, from: Height) -> Step {
    let last = now.0.saturating_add(PARAMS_AHEAD_HEIGHTS_MAX);
    require(now < from && from.0 <= last, Rule::ParamsFrom, || {
        format!("in_force_from is {from}, allowed are heights after {now} to {last}")
    })
}

/// The rules stay, or go on by one version that everyone can see coming (PAR-06). Which versions this
/// program knows does not matter here: others know more, and the outcome must be theirs.
fn check_version(call: &Call<'_, '_>, action: &ParamsChange) -> Step {
    let (now, next) = (call.params.protocol_version, action.params.protocol_version);
    let earliest = call.height().0.saturating_add(PROTOCOL_NOTICE_HEIGHTS_MIN);
    let in_time = action.in_force_from.is_some_and(|from| from.0 >= earliest);
    let follows = next == now || (now.checked_add(1) == Some(next) && in_time);
    require(follows, Rule::ParamsProtocol, || {
        format!("protocol_version is {next}, in force is {now}; the next one from {earliest} on")
    })
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
    within("block_bytes_max", bytes, size(BLOCK_BYTES_MIN), size(BLOCK_BYTES_MAX))?;
    let rounds = u64::from(params.counter_rounds_max);
    within("counter_rounds_max", rounds, 0, u64::from(COUNTER_ROUNDS_MAX))?;
    within("protocol_version", u64::from(params.protocol_version), 1, u64::from(u32::MAX))?;
    calendar::check(&params.deadlines, &params.calendar)
}
