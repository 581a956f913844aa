//! Who signed a transaction, and what that entitles them to (rules KEY-01 to KEY-08, KEY-17, KEY-18).
//!
//! Every signature must be needed: by a key of the submitter's member, by a co-signer an action
//! asks for, or by a key that the transaction registers (proof of possession). Keys are judged by
//! the state before the transaction, at the block's height: revocation acts by block order.

use std::collections::BTreeSet;

use mulu_chain::signature::PublicKey;

use crate::action::Action;
use crate::execution::BlockContext;
use crate::key::{Key, KeyRole, KeyStatus};
use crate::member;
use crate::overlay::Overlay;
use crate::params::{LEADING_ROLES, Params};
use crate::rejection::{Step, refuse, require, shown};
use crate::rule::Rule;
use crate::state::key_key;
use crate::transaction::Transaction;
use crate::validator;

pub(crate) struct Signers {
    member: String,
    office: Option<String>,
    registered: Vec<Key>,
    newcomers: BTreeSet<PublicKey>,
    needed: BTreeSet<PublicKey>,
}

/// How many distinct members signed for the consortium.
pub(crate) struct Consortium {
    /// With authority keys.
    pub(crate) authorities: u32,
    /// With administrator or authority keys.
    pub(crate) members: u32,
}

impl Signers {
    /// Looks every signer up: KEY-01, KEY-02, MEM-02; then KEY-03 and KEY-17.
    pub(crate) fn resolve(
        block: &BlockContext,
        transaction: &Transaction,
        overlay: &Overlay<'_>,
    ) -> Step<Signers> {
        let submitter = &transaction.payload().submitter;
        let newcomers = keys_registered(&transaction.payload().actions);
        let mut registered = Vec::new();
        for signer in transaction.signers() {
            match overlay.get::<Key>(&key_key(signer))? {
                Some(key) => registered.push(in_force(key, block, overlay)?),
                None if newcomers.contains(signer) => {}
                None => return refuse(Rule::KeyUnknown, signer.to_string()),
            }
        }
        let signers = Signers {
            member: submitter.member.clone(),
            office: submitter.office.clone(),
            registered,
            newcomers: transaction.signers().filter(|s| newcomers.contains(s)).copied().collect(),
            needed: BTreeSet::new(),
        };
        let own = signers.registered.iter().any(|key| key.member == signers.member);
        require(own, Rule::KeySubmitterUnsigned, || {
            format!("the submitter is {}", signers.member)
        })?;
        let report = |action: &Action| matches!(action, Action::EvidenceRecord(_));
        if !transaction.payload().actions.iter().all(report) {
            let votes = signers.registered.iter().find(|key| key.has(&[KeyRole::Validator]));
            require(votes.is_none(), Rule::KeyVotesOnly, || {
                votes.map(|key| key.public_key.to_string()).unwrap_or_default()
            })?;
        }
        Ok(signers)
    }

    /// A key of the submitter's member has one of the roles (KEY-04) and may act for the
    /// submitter's office and the office the action is about (KEY-05).
    pub(crate) fn own(&self, roles: &[KeyRole], about: Option<&str>) -> Step {
        let in_role: Vec<&Key> =
            self.registered.iter().filter(|k| k.member == self.member && k.has(roles)).collect();
        require(!in_role.is_empty(), Rule::KeyRole, || {
            format!("needed is a key of {} with role {}", self.member, role_names(roles))
        })?;
        let may_act = |key: &&Key| {
            let bound = key.office.as_deref();
            bound.is_none() || (bound == self.office.as_deref() && bound_to(key, about))
        };
        require(in_role.iter().any(may_act), Rule::KeyOffice, || {
            let bound = in_role.first().and_then(|key| key.office.as_deref()).unwrap_or("");
            let office = self.office.as_deref().unwrap_or("none");
            format!("the key is of {bound}; submitter.office is {office}, the record's {about:?}")
        })
    }

    /// Whether a key of the submitter's member has the role, whatever its office.
    pub(crate) fn own_has(&self, role: KeyRole) -> bool {
        self.registered.iter().any(|key| key.member == self.member && key.has(&[role]))
    }

    /// Whether a registered key of a member signed.
    pub(crate) fn has_signed(&self, member: &str) -> bool {
        self.registered.iter().any(|key| key.member == member)
    }

    /// Whether a key of the submitter's member signed that is this one.
    pub(crate) fn own_signed(&self, key: &PublicKey) -> bool {
        self.registered.iter().any(|k| k.member == self.member && k.public_key == *key)
    }

    /// Whether a key of any member with the role, free or of the office, signed.
    pub(crate) fn party(&mut self, member: &str, role: KeyRole, office: &str) -> bool {
        let found: Vec<PublicKey> = self
            .registered
            .iter()
            .filter(|k| k.member == member && k.has(&[role]) && bound_to(k, Some(office)))
            .map(|key| key.public_key)
            .collect();
        self.needed.extend(found.iter().copied());
        !found.is_empty()
    }

    /// Authority keys of enough distinct members signed, one of them the submitter's (KEY-04,
    /// KEY-07).
    pub(crate) fn authority(&mut self, threshold: u32) -> Step {
        self.own(&[KeyRole::Authority], None)?;
        self.authorities(threshold).map(drop)
    }

    /// Authority keys of enough distinct members signed, whoever submits (KEY-07); of how many.
    pub(crate) fn authorities(&mut self, threshold: u32) -> Step<u32> {
        let keys: Vec<&Key> =
            self.registered.iter().filter(|key| key.has(&[KeyRole::Authority])).collect();
        let members: BTreeSet<&str> = keys.iter().map(|key| key.member.as_str()).collect();
        let found = u32::try_from(members.len()).unwrap_or(u32::MAX);
        self.needed.extend(keys.iter().map(|key| key.public_key));
        require(found >= threshold, Rule::KeyThreshold, || {
            format!("{found} members signed as authority, needed are {threshold}")
        })?;
        Ok(found)
    }

    /// The consortium signed, whoever submits: the authority (KEY-07), and administrators or
    /// authorities of as many members as the parameters want (KEY-18).
    pub(crate) fn consortium(
        &mut self,
        params: &Params,
        overlay: &Overlay<'_>,
    ) -> Step<Consortium> {
        let authorities = self.authorities(params.authority_threshold)?;
        let keys: Vec<&Key> = self
            .registered
            .iter()
            .filter(|key| key.has(&LEADING_ROLES) && key.office.is_none())
            .collect();
        let members: BTreeSet<&str> = keys.iter().map(|key| key.member.as_str()).collect();
        let (found, needed) = match params.consortium_threshold {
            0 => {
                let validators = validator::current(overlay)?;
                let all: BTreeSet<&str> = validators.iter().map(|v| v.member.as_str()).collect();
                let quorum = all.len().saturating_mul(2).div_euclid(3).saturating_add(1);
                (all.intersection(&members).count(), quorum)
            }
            fixed => (members.len(), usize::try_from(fixed).unwrap_or(usize::MAX)),
        };
        let signed = u32::try_from(members.len()).unwrap_or(u32::MAX);
        self.needed.extend(keys.iter().map(|key| key.public_key));
        require(found >= needed, Rule::KeyConsortium, || {
            format!("administrators of {found} members signed, needed are {needed}")
        })?;
        Ok(Consortium { authorities, members: signed })
    }

    /// A key that is being registered signed, too (KEY-08).
    pub(crate) fn possession(&self, key: &PublicKey) -> Step {
        require(self.newcomers.contains(key), Rule::KeyPossession, || key.to_string())
    }

    /// No signature was superfluous (KEY-06).
    pub(crate) fn all_needed(&self) -> Step {
        let needed =
            |key: &&Key| key.member == self.member || self.needed.contains(&key.public_key);
        match self.registered.iter().find(|key| !needed(key)) {
            None => Ok(()),
            Some(key) => refuse(Rule::KeyForeign, format!("{} of {}", key.public_key, key.member)),
        }
    }
}

/// Whether a key is free, or bound to the office in question (if one is).
fn bound_to(key: &Key, about: Option<&str>) -> bool {
    match (key.office.as_deref(), about) {
        (Some(bound), Some(about)) => bound == about,
        _ => true,
    }
}

fn in_force(key: Key, block: &BlockContext, overlay: &Overlay<'_>) -> Step<Key> {
    let height = block.height;
    let begun = key.valid_from.is_none_or(|from| from <= height);
    let lasts = key.valid_to.is_none_or(|to| height <= to);
    let active =
        key.status == KeyStatus::Active || mulu_chain::planted!("planted-revoked-key-accepted");
    require(active && begun && lasts, Rule::KeyNotInForce, || {
        let from = key.valid_from.unwrap_or_default();
        let to = key.valid_to.map_or("open".to_owned(), |to| to.to_string());
        let status = shown(&key.status);
        format!("{} is {status}, valid {from} to {to}, at height {height}", key.public_key)
    })?;
    member::in_force(overlay, &key.member)?;
    Ok(key)
}

fn keys_registered(actions: &[Action]) -> BTreeSet<PublicKey> {
    let mut keys = BTreeSet::new();
    for action in actions {
        match action {
            Action::KeyRegister(register) => {
                keys.insert(register.key.public_key);
            }
            Action::KeyRotate(rotate) => {
                keys.insert(rotate.new_key);
            }
            Action::MemberAdmit(admit) => keys.extend(admit.keys.iter().map(|k| k.public_key)),
            _ => {}
        }
    }
    keys
}

fn role_names(roles: &[KeyRole]) -> String {
    roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(" or ")
}
