//! What receipts count, by kind.

use serde::{Deserialize, Serialize};

/// Calls, records and bytes of a receipt, or of all receipts of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Calls.
    #[serde(default)]
    pub calls: u64,
    /// Records.
    #[serde(default)]
    pub records: u64,
    /// Bytes.
    #[serde(default)]
    pub bytes: u64,
}

/// Totals by kind of receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// What the provider says it delivered.
    pub delivered: Counts,
    /// What the consumer says it received.
    pub received: Counts,
    /// What the consumer says it used.
    pub used: Counts,
}

/// The last moment of the last receipt of each kind that a rate was asked of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RatedTo {
    /// Of deliveries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<u64>,
    /// Of receptions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<u64>,
    /// Of uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<u64>,
}
