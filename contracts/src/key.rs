//! Key 密钥: what a signature is worth. Roles are on the chain; a key can do nothing else.

use std::collections::BTreeSet;

use mulu_chain::signature::PublicKey;
use mulu_chain::types::Height;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::field;
use crate::limits::{LABEL_CHARS_MAX, REASON_CHARS_MAX};
use crate::member::{self, Member, MemberRole};
use crate::office;
use crate::overlay::Overlay;
use crate::rejection::{Step, Stop, require, shown};
use crate::rule::Rule;
use crate::state::{key_key, member_key};
use crate::validator;

/// A key as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// The public key, its id.
    pub public_key: PublicKey,
    /// The member it belongs to.
    pub member: String,
    /// What it may do.
    pub roles: Vec<KeyRole>,
    /// The office it is bound to, as id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<String>,
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// First height at which it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Height>,
    /// Last height at which it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<Height>,
    /// Whether it counts.
    pub status: KeyStatus,
    /// When it was registered.
    pub registered_at_height: Height,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at_height: Option<Height>,
    /// Why it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_reason: Option<String>,
}

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyRole {
    /// Signs votes and proposals, and reports of equivocation; nothing else.
    Validator,
    /// Manages keys, offices, duties and systems of its member.
    Administrator,
    /// Publishes entries, grants and requests authorizations, records receipts.
    Officer,
    /// A program: requests authorizations, records receipts.
    Application,
    /// Reads; nothing on the chain needs its signature.
    Auditor,
    /// Admits members, revokes keys and authorizations of any member.
    Authority,
}

impl KeyRole {
    /// The role's name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            KeyRole::Validator => "validator",
            KeyRole::Administrator => "administrator",
            KeyRole::Officer => "officer",
            KeyRole::Application => "application",
            KeyRole::Auditor => "auditor",
            KeyRole::Authority => "authority",
        }
    }
}

/// Whether a key counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyStatus {
    /// It does, between its heights.
    Active,
    /// Revoked; for ever.
    Revoked,
}

/// A key to be registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// The public key; canonical and not weak (SIG-01, SIG-02).
    pub public_key: PublicKey,
    /// What it may do.
    pub roles: Vec<KeyRole>,
    /// The office it is bound to, as id; a free key acts for every office of its member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<String>,
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// First height at which it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Height>,
    /// Last height at which it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<Height>,
}

/// `key.register`: a member registers a key, which signs the envelope, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRegister {
    /// The key.
    pub key: NewKey,
    /// Another member than the submitter: an authority gives a member that lost its keys, or has
    /// none yet, an administrator key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
}

/// `key.revoke`: the key's member or an authority revokes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRevoke {
    /// The key.
    pub public_key: PublicKey,
    /// Why.
    pub reason: String,
}

impl Key {
    /// Whether it has one of the roles.
    pub fn has(&self, roles: &[KeyRole]) -> bool {
        self.roles.iter().any(|role| roles.contains(role))
    }
}

pub(crate) fn register(call: &mut Call<'_, '_>, action: &KeyRegister) -> Step {
    let other = action.member.as_deref().filter(|uscc| *uscc != call.uscc());
    let member = match other {
        None => {
            call.signers.own(&[KeyRole::Administrator], None)?;
            call.submitter.clone()
        }
        Some(uscc) => {
            call.signers.authority(call.params.authority_threshold)?;
            let only = action.key.roles == [KeyRole::Administrator];
            require(only, Rule::KeyFirstRole, || format!("roles {}", shown(&action.key.roles)))?;
            member::in_force(call.overlay, uscc)?
        }
    };
    let height = call.height();
    create(call.overlay, height, &member, &action.key)?;
    call.signers.possession(&action.key.public_key)?;
    call.touch(key_key(&action.key.public_key));
    call.touch(member_key(&member.uscc));
    Ok(())
}

pub(crate) fn revoke(call: &mut Call<'_, '_>, action: &KeyRevoke) -> Step {
    let at = key_key(&action.public_key);
    let key: Option<Key> = call.overlay.get(&at)?;
    let key =
        key.ok_or_else(|| Stop::Rule(Rule::KeyRevokeUnknown, action.public_key.to_string()))?;
    if key.member == call.uscc() && call.signers.own_has(KeyRole::Administrator) {
        call.signers.own(&[KeyRole::Administrator], None)?;
    } else {
        call.signers.authority(call.params.authority_threshold)?;
    }
    field::text("reason", &action.reason, REASON_CHARS_MAX)?;
    require(key.status == KeyStatus::Active, Rule::KeyAlreadyRevoked, || {
        format!("{} at height {}", key.public_key, key.revoked_at_height.unwrap_or_default())
    })?;
    // A key that votes must leave the set first, or the chain would count votes of a revoked key.
    let votes = validator::current(call.overlay)?
        .iter()
        .any(|validator| validator.public_key == key.public_key);
    require(!votes, Rule::KeyVotes, || key.public_key.to_string())?;
    let member = key.member.clone();
    let revoked = Key {
        status: KeyStatus::Revoked,
        revoked_at_height: Some(call.height()),
        revocation_reason: Some(action.reason.clone()),
        ..key
    };
    call.overlay.put(at.clone(), &revoked)?;
    call.touch(at);
    call.touch(member_key(&member));
    Ok(())
}

/// Checks a key and writes it.
pub(crate) fn create(
    overlay: &mut Overlay<'_>,
    height: Height,
    member: &Member,
    new: &NewKey,
) -> Step<Key> {
    let at = key_key(&new.public_key);
    let taken = overlay.has(&at)?;
    require(!taken, Rule::KeyExists, || new.public_key.to_string())?;
    let roles: BTreeSet<_> = new.roles.iter().collect();
    require(!roles.is_empty() && roles.len() == new.roles.len(), Rule::KeyRoles, || {
        shown(&new.roles)
    })?;
    let entitled =
        !roles.contains(&KeyRole::Authority) || member.roles.contains(&MemberRole::Authority);
    require(entitled, Rule::KeyAuthorityRole, || member.uscc.clone())?;
    if let Some(id) = &new.office {
        office::in_force(overlay, id, &member.uscc)?;
    }
    field::optional("label", new.label.as_ref(), LABEL_CHARS_MAX)?;
    let (from, to) = (new.valid_from.unwrap_or_default(), new.valid_to);
    require(to.is_none_or(|to| from <= to && height <= to), Rule::KeyHeights, || {
        format!("valid_from {from}, valid_to {}, now {height}", to.unwrap_or_default())
    })?;
    let key = Key {
        public_key: new.public_key,
        member: member.uscc.clone(),
        roles: new.roles.clone(),
        office: new.office.clone(),
        label: new.label.clone(),
        valid_from: new.valid_from,
        valid_to: new.valid_to,
        status: KeyStatus::Active,
        registered_at_height: height,
        revoked_at_height: None,
        revocation_reason: None,
    };
    overlay.put(at, &key)?;
    Ok(key)
}
