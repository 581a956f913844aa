//! The signed payload: who submits, until when it counts, and what it does.

use mulu_chain::types::ChainId;
use serde::{Deserialize, Serialize};

use crate::action::Action;

/// Version of the payload's shape; another one is refused (TX-08).
pub const SCHEMA_VERSION: u32 = 1;

/// The payload of a transaction envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payload {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The chain this is meant for.
    pub chain_id: ChainId,
    /// Who submits.
    pub submitter: Submitter,
    /// The member acted for, by a delegation (TX-13); then the office is one of that member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// When the submitter says it was made; a claim, never judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// Last height at which it may be committed.
    pub valid_until: u64,
    /// Makes two otherwise equal payloads differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// What it does: all of it or nothing.
    pub actions: Vec<Action>,
}

/// The submitting member and, if one acts, its office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submitter {
    /// 统一社会信用代码.
    pub member: String,
    /// Office id `<uscc>:<code>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<String>,
}
