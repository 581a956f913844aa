//! Exporting entries to other systems: a table for people, DCAT-US and DCAT-AP for catalogs. Each form is a
//! function of the records; only reading them needs a node.

pub mod data_json;
pub mod dcat_ap;
pub mod table;

use mulu_chain::digest::Digest;
use mulu_contracts::catalog::{ShareType, UpdateCycle};
use mulu_contracts::entry::Entry;
use serde::Serialize;

/// An entry to be exported.
#[derive(Debug, Clone)]
pub struct Exported {
    /// The record.
    pub entry: Entry,
    /// Its version hash.
    pub version: Digest,
    /// The provider's name.
    pub provider: String,
}

/// What the consortium and this export are called elsewhere.
#[derive(Debug, Clone)]
pub struct Naming {
    /// Chain id.
    pub chain_id: String,
    /// What the addresses of records begin with, without a slash at the end.
    pub base_url: String,
    /// Mail address that answers questions, if one was given.
    pub contact: Option<String>,
    /// The height the export was made at.
    pub height: u64,
    /// The day of that height's block time.
    pub today: String,
}

impl Naming {
    /// The address of an entry's record.
    pub fn record(&self, entry: &Entry) -> String {
        format!("{}/v1/records/entry/{}", self.base_url, entry.entry_id)
    }
}

/// The wire word of an enumeration's value.
pub fn word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// 共享类型, by the name that any import reads.
pub const fn share_name(kind: ShareType) -> &'static str {
    match kind {
        ShareType::Unconditional => "无条件共享",
        ShareType::Conditional => "有条件共享",
        ShareType::None => "不予共享",
    }
}

/// 更新周期: its name, ISO 8601 as DCAT-US wants it, and the EU's frequency.
pub const fn cycle_names(cycle: UpdateCycle) -> (&'static str, &'static str, &'static str) {
    match cycle {
        UpdateCycle::Realtime => ("实时", "R/PT1S", "UPDATE_CONT"),
        UpdateCycle::Daily => ("每日", "R/P1D", "DAILY"),
        UpdateCycle::Weekly => ("每周", "R/P1W", "WEEKLY"),
        UpdateCycle::Monthly => ("每月", "R/P1M", "MONTHLY"),
        UpdateCycle::Quarterly => ("每季度", "R/P3M", "QUARTERLY"),
        UpdateCycle::Semiannual => ("每半年", "R/P6M", "ANNUAL_2"),
        UpdateCycle::Yearly => ("每年", "R/P1Y", "ANNUAL"),
        UpdateCycle::Irregular => ("不定期", "irregular", "IRREG"),
    }
}

#[cfg(test)]
mod tests;
