//! How far a request or a grant goes: items, window, limits, obligations, and what it rests on.

use mulu_chain::digest::Digest;
use serde::{Deserialize, Serialize};

/// What a provider may grant less of than was requested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extent {
    /// Item ids; none exactly if the entry has no items.
    #[serde(default)]
    pub items: Vec<String>,
    /// 使用时限.
    pub window: Window,
    /// How much.
    #[serde(default)]
    pub limits: Limits,
    /// What else the consumer must do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obligations: Option<Obligations>,
    /// 转授对象: members to which the consumer may hand it on; none named leaves that to the consumer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// 使用策略: digest of the policy (an ODRL policy, say) it is under; the policy stays off the chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_hash: Option<Digest>,
    /// 法律文本: digest of the agreement or the articles it rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_text_hash: Option<Digest>,
}

/// What a consumer must do besides keeping within the grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Obligations {
    /// 删除期限: until when what was received must be deleted, with a `deleted` receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_by_ms: Option<u64>,
    /// How often a `used` receipt is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_every_ms: Option<u64>,
    /// 脱敏: items to be shown masked only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mask_items: Vec<String>,
}

/// A span of time in milliseconds, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// First moment.
    pub from_ms: u64,
    /// Last moment.
    pub to_ms: u64,
}

/// How much may be used; what is not named is not limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Calls in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// Records in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// Bytes in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Calls in each period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
}

/// How many calls in each period; periods are counted from the beginning of 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Calls.
    pub calls: u64,
    /// Length of a period.
    pub per_ms: u64,
}
