//! The terms of an authorization: what both parties sign.

use mulu_chain::digest::{Digest, Domain};
use serde::{Deserialize, Serialize};

use super::{Authorization, Limits, Obligations, Window};
use crate::catalog::ShareMethod;
use crate::field;
use crate::limits::{LABEL_CHARS_MAX, PURPOSE_CHARS_MAX};
use crate::rejection::Step;
use crate::state;

/// Why a use is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purpose {
    /// 使用依据.
    pub basis: String,
    /// 使用场景.
    pub scenario: String,
    /// 用途代码, of a list that the consortium keeps elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl Purpose {
    /// The bounds of its texts (FLD-01).
    pub(crate) fn check(&self) -> Step {
        field::text("purpose.basis", &self.basis, PURPOSE_CHARS_MAX)?;
        field::text("purpose.scenario", &self.scenario, PURPOSE_CHARS_MAX)?;
        field::optional("purpose.code", self.code.as_ref(), LABEL_CHARS_MAX)
    }
}

/// What both parties sign. Its hash is over the compact JSON of this struct, in this field order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The authorization.
    pub authorization_id: Digest,
    /// The entry.
    pub entry_id: Digest,
    /// The pinned version.
    pub entry_version: Digest,
    /// The member that uses.
    pub consumer: String,
    /// Its office.
    pub consumer_office: String,
    /// The member that provides.
    pub provider: String,
    /// Its office.
    pub provider_office: String,
    /// For what.
    pub purpose: Purpose,
    /// 使用范围.
    pub scope: String,
    /// 共享方式.
    pub method: ShareMethod,
    /// Item ids.
    pub items: Vec<String>,
    /// 使用时限.
    pub window: Window,
    /// How much.
    pub limits: Limits,
    /// What else the consumer must do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obligations: Option<Obligations>,
    /// The grant that this one takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Digest>,
    /// The grant that this one hands on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Digest>,
    /// Whether the consumer may hand it on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub onward: bool,
    /// To whom it may be handed on; none named leaves that to the consumer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// Digest of the policy 使用策略 that the grant is under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_hash: Option<Digest>,
    /// Digest of the legal text 法律文本 that the grant rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_text_hash: Option<Digest>,
}

impl Terms {
    /// The hash both parties sign.
    pub fn hash(&self) -> Digest {
        Digest::of(Domain::AuthorizationTerms, &state::encode(self))
    }
}

impl Authorization {
    /// The terms as they stand.
    pub fn terms(&self) -> Terms {
        let extent = self.extent();
        let own = (&self.provider, &self.provider_office);
        let agreed = self.agreed_with.as_ref().map(|with| (&with.member, &with.office));
        let (provider, provider_office) = agreed.unwrap_or(own);
        Terms {
            authorization_id: self.authorization_id,
            entry_id: self.entry_id,
            entry_version: self.entry_version,
            consumer: self.consumer.clone(),
            consumer_office: self.consumer_office.clone(),
            provider: provider.clone(),
            provider_office: provider_office.clone(),
            purpose: self.purpose.clone(),
            scope: self.scope.clone(),
            method: self.method,
            items: extent.items.clone(),
            window: extent.window,
            limits: extent.limits,
            obligations: extent.obligations.clone(),
            replaces: self.replaces,
            parent: self.parent,
            onward: self.onward,
            recipients: extent.recipients.clone(),
            policy_hash: extent.policy_hash,
            legal_text_hash: extent.legal_text_hash,
        }
    }
}
