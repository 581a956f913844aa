//! Sharing authorization 授权: who may use which items of an entry, for what, how long, how much.
//!
//! ```text
//! requested -> offered -> agreed -> finalized <-> suspended
//!  ^  |  \________________^  ^          +-> revoked | relinquished | superseded  (suspended, too)
//!  |  +--> compliant         |                      (an authority examined it: as requested)
//!  |  +--> withdrawn         |                      (before agreed)
//!  |  +--> rejected -> disputed -> refused          (before finalized)
//!  +- offered | returned                            (the consumer requests otherwise)
//! ```
//!
//! What is finalized is one set of terms with one hash, signed by both parties in one envelope,
//! on one pinned version of the entry. Expired and exhausted are derived, never stored.

mod actions;
mod counter;
mod counting;
mod extent;
mod form;
mod negotiation;
mod onward;
mod standing;
mod terms;
mod totals;

use mulu_chain::digest::Digest;
use mulu_chain::types::{Height, TimeMs};
use serde::{Deserialize, Serialize};

use crate::catalog::ShareMethod;
pub use actions::{
    AuthorizationAgree, AuthorizationFinalize, AuthorizationOffer, AuthorizationReject,
    AuthorizationRelinquish, AuthorizationRequest, AuthorizationRevoke, AuthorizationWithdraw,
};
pub use counter::{AuthorizationCounter, AuthorizationExamine};
pub(crate) use counter::{counter, examine};
pub(crate) use counting::spent;
pub use extent::{Extent, Limits, Obligations, Rate, Window};
pub(crate) use negotiation::{
    agree, finalize, load, offer, reject, relinquish, request, revoke, withdraw,
};
pub(crate) use onward::{count, require_usable};
pub use standing::{AuthorizationConfirm, AuthorizationDecide, AuthorizationStanding};
pub(crate) use standing::{confirm, decide, dispute, resume, suspend};
pub use terms::{Purpose, Terms};
pub use totals::{Counts, RatedTo, Totals};

/// An authorization as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorization {
    /// Derived from the transaction that requested it.
    pub authorization_id: Digest,
    /// The entry.
    pub entry_id: Digest,
    /// The pinned version of the entry.
    pub entry_version: Digest,
    /// The member that uses.
    pub consumer: String,
    /// Its office, as id.
    pub consumer_office: String,
    /// The member that provides.
    pub provider: String,
    /// Its office, as id.
    pub provider_office: String,
    /// 使用依据 and 使用场景.
    pub purpose: Purpose,
    /// 使用范围.
    pub scope: String,
    /// 共享方式.
    pub method: ShareMethod,
    /// What the consumer asked for.
    pub requested: Extent,
    /// What the provider offered or agreed to; never more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted: Option<Extent>,
    /// Where it stands.
    pub status: AuthorizationStatus,
    /// Hash of the [`Terms`], fixed by the agreement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms_hash: Option<Digest>,
    /// When it was requested.
    pub requested_at_height: Height,
    /// When both signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finalized_at_height: Option<Height>,
    /// Who ended it, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// Totals of the receipts so far.
    #[serde(default)]
    pub totals: Totals,
    /// The grant that this one takes the place of when it is finalized.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Digest>,
    /// The grant that took the place of this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<Digest>,
    /// The grant of the provider that this one hands on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Digest>,
    /// Whether the consumer may hand it on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub onward: bool,
    /// The member that suspended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_by: Option<String>,
    /// Why it was suspended, resumed, disputed or granted by an authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    /// When the provider last stood by it after its entry became stricter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at_height: Option<Height>,
    /// Block time of the request, if its answer has a deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_at_ms: Option<u64>,
    /// Whether that deadline is the one for what is shared unconditionally.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unconditional: bool,
    /// Block time of the finalization, if the first delivery has a deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finalized_at_ms: Option<u64>,
    /// Totals of the receipts under the grants that hand this one on.
    #[serde(default, skip_serializing_if = "Totals::is_nothing")]
    pub handed_on: Totals,
    /// Who provided when the terms were agreed, if the entry was transferred since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed_with: Option<Party>,
    /// How often the consumer requested otherwise.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rounds: u32,
    /// Where the last receipts end that were counted, if there is a rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rated_to_ms: Option<RatedTo>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A member and its office, as a side of an authorization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// 统一社会信用代码.
    pub member: String,
    /// The office, as id.
    pub office: String,
}

/// Where an authorization stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthorizationStatus {
    /// The provider is to answer.
    Requested,
    /// An authority found nothing against it; the provider is to answer.
    Compliant,
    /// An authority gave it back; the consumer is to request otherwise.
    Returned,
    /// The consumer is to answer.
    Offered,
    /// Terms are fixed; both are to sign.
    Agreed,
    /// In force.
    Finalized,
    /// Refused by the provider.
    Rejected,
    /// Taken back by the consumer.
    Withdrawn,
    /// Ended by the provider or an authority.
    Revoked,
    /// Given up by the consumer.
    Relinquished,
    /// Not usable for the time being.
    Suspended,
    /// Its place was taken by another.
    Superseded,
    /// The consumer does not accept the refusal; an authority is to decide.
    Disputed,
    /// Refused by the authority; for ever.
    Refused,
}

/// Who ended an authorization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The member.
    pub by: String,
    /// When.
    pub at_height: Height,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Block time, if it is a refusal and disputing it has a deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<u64>,
}

/// Whether a grant can be used, at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Not finalized, or ended: see the status.
    Inactive,
    /// Finalized; the window has not begun.
    Pending,
    /// Usable.
    Active,
    /// The window is over.
    Expired,
    /// A limit is used up.
    Exhausted,
}

impl Authorization {
    /// What is granted, or would be if the provider agreed now.
    pub fn extent(&self) -> &Extent {
        self.granted.as_ref().unwrap_or(&self.requested)
    }

    /// The authorization once both sides agree to its extent.
    pub fn agreed(self) -> Authorization {
        let granted = Some(self.extent().clone());
        let (status, agreed_with) = (AuthorizationStatus::Agreed, None);
        let mut agreed = Authorization { status, granted, agreed_with, ..self };
        agreed.terms_hash = Some(agreed.terms().hash());
        agreed
    }

    /// The authorization with who provides the entry now; agreed terms go on naming who agreed.
    pub fn followed(self, provider: &str, office: &str) -> Authorization {
        if self.parent.is_some() || self.provider == provider {
            return self;
        }
        let before = Party { member: self.provider, office: self.provider_office };
        let agreed_with = self.agreed_with.or(self.terms_hash.map(|_| before));
        let (provider, provider_office) = (provider.to_owned(), office.to_owned());
        Authorization { provider, provider_office, agreed_with, ..self }
    }

    /// Whether it can be used at a block time.
    pub fn standing(&self, now: TimeMs) -> Standing {
        let Extent { window, limits, .. } = self.extent();
        if self.status != AuthorizationStatus::Finalized {
            Standing::Inactive
        } else if now.0 > window.to_ms {
            Standing::Expired
        } else if spent(&self.totals, &self.handed_on).iter().any(|all| limits.used_up(all)) {
            Standing::Exhausted
        } else if now.0 < window.from_ms {
            Standing::Pending
        } else {
            Standing::Active
        }
    }
}
