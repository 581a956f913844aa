//! The signed actions on authorizations.

use mulu_chain::digest::Digest;
use serde::{Deserialize, Serialize};

use super::{Extent, Limits, Obligations, Purpose, Window};
use crate::catalog::ShareMethod;

/// `authorization.request`: the submitter's member and office request the use of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationRequest {
    /// The entry.
    pub entry_id: Digest,
    /// Its current version hash.
    pub entry_version: Digest,
    /// Item ids; none exactly if the entry has no items.
    #[serde(default)]
    pub items: Vec<String>,
    /// 使用依据 and 使用场景.
    pub purpose: Purpose,
    /// 使用范围.
    pub scope: String,
    /// 共享方式.
    pub method: ShareMethod,
    /// 使用时限.
    pub window: Window,
    /// How much.
    #[serde(default)]
    pub limits: Limits,
    /// What else the consumer promises to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obligations: Option<Obligations>,
    /// Members to which the consumer wants to hand it on, with `onward`; none named leaves that to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// Digest of the policy it is to be under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_hash: Option<Digest>,
    /// Digest of the agreement or the articles it rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_text_hash: Option<Digest>,
    /// A grant of the same entry and parties that this one takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Digest>,
    /// A grant whose consumer is to hand it on: it answers as provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Digest>,
    /// Whether the consumer wants to hand it on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub onward: bool,
    /// Agreed at once, without the provider: everything requested is shared unconditionally.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub auto_agree: bool,
}

impl AuthorizationRequest {
    /// How far it goes.
    pub fn extent(&self) -> Extent {
        Extent {
            items: self.items.clone(),
            window: self.window,
            limits: self.limits,
            obligations: self.obligations.clone(),
            recipients: self.recipients.clone(),
            policy_hash: self.policy_hash,
            legal_text_hash: self.legal_text_hash,
        }
    }
}

/// `authorization.offer`: the provider offers no more than was requested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationOffer {
    /// Which.
    pub authorization_id: Digest,
    /// What is offered.
    pub granted: Extent,
}

/// `authorization.agree`: the provider to the request, or the consumer to the offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationAgree {
    /// Which.
    pub authorization_id: Digest,
}

/// `authorization.finalize`: officers of both parties sign this one envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationFinalize {
    /// Which.
    pub authorization_id: Digest,
    /// The hash of the agreed terms.
    pub terms_hash: Digest,
}

/// `authorization.reject`: the provider refuses, with a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationReject {
    /// Which.
    pub authorization_id: Digest,
    /// Why.
    pub reason: String,
}

/// `authorization.withdraw`: the consumer takes its request back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationWithdraw {
    /// Which.
    pub authorization_id: Digest,
}

/// `authorization.revoke`: the provider or an authority ends a finalized authorization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationRevoke {
    /// Which.
    pub authorization_id: Digest,
    /// Why.
    pub reason: String,
}

/// `authorization.relinquish`: the consumer gives a finalized authorization up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationRelinquish {
    /// Which.
    pub authorization_id: Digest,
}
