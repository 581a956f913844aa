//! Petitions: taking them, adding signatures, and saying what is still missing.

use std::collections::{BTreeMap, BTreeSet};

use libp2p::PeerId;
use mulu_chain::signature::PublicKey;
use mulu_chain::transaction::{Envelope, TransactionId};
use mulu_chain::types::{Height, TimeMs};
use mulu_contracts::action::Action;
use mulu_contracts::execution::{BlockContext, check};
use mulu_contracts::key::{Key, KeyRole, KeyStatus};
use mulu_contracts::member::{Member, MemberStatus};
use mulu_contracts::payload::Payload;
use mulu_contracts::protocol::{FIRST_VERSION, RuleBook, Rules};
use mulu_contracts::rejection::Rejection;
use mulu_contracts::rule::Rule;
use mulu_contracts::state::{self, member_key};
use mulu_contracts::transaction::{Transaction, TransactionInvalid};
use serde::Serialize;

use super::{Lobby, PETITIONS_MAX, PETITIONS_PER_PEER_MAX, Petition, Role, registered, store};
use crate::storage::{Ledger, StorageError};

/// Most keys looked at to say who could sign.
const KEYS_MAX: usize = 20_000;

/// What became of a petition that came.
#[derive(Debug, Clone)]
pub(super) enum Taken {
    /// Nothing new.
    Known,
    /// New, or with new signatures; these are all of them now.
    Changed(Envelope),
}

/// Why a petition is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PetitionRefused {
    /// It is no transaction of this chain.
    #[error("{0}")]
    Invalid(TransactionInvalid),
    /// A signature does not verify, or the form is wrong.
    #[error("{0}")]
    Envelope(mulu_chain::transaction::EnvelopeInvalid),
    /// It was committed before.
    #[error("the transaction was committed before")]
    Committed,
    /// More signatures would not help: a rule refuses it.
    #[error("{}: {}", .0.rule.id(), .0.detail)]
    Rejected(Rejection),
    /// The signature added counts for nothing here.
    #[error("the signature by {0} does not count for this petition: {1}")]
    Signature(PublicKey, &'static str),
    /// A newcomer may ask for its own membership only.
    #[error("a newcomer may ask for its own membership and nothing else")]
    NotItsOwn,
    /// The pass serves another node.
    #[error("the pass was used by another node; it serves one only")]
    PassUsed,
    /// Too many wait.
    #[error("too many petitions wait; sign, or wait until some have expired")]
    Full,
}

/// Last height at which a petition can be committed.
pub(super) fn valid_until(envelope: &Envelope) -> Option<Height> {
    let payload: Payload = serde_json::from_slice(envelope.payload()).ok()?;
    Some(Height(payload.valid_until))
}

/// Whether more signatures may cure it.
fn is_awaited(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::KeySubmitterUnsigned | Rule::KeyThreshold | Rule::KeyConsortium | Rule::KeyRole
    )
}

/// Whether the consortium signs it, or only the authority and parties.
fn is_of_consortium(payload: &Payload) -> bool {
    payload.actions.iter().any(|action| {
        matches!(
            action,
            Action::ParamsChange(_) | Action::ValidatorAdmit(_) | Action::ValidatorRetire(_)
        )
    })
}

/// Whether a registered key's signature may count.
fn counts(key: &Key, payload: &Payload) -> Result<(), &'static str> {
    if key.status != KeyStatus::Active {
        return Err("the key was revoked");
    }
    let has = |role| key.roles.contains(&role);
    let leads = has(KeyRole::Authority)
        || (is_of_consortium(payload) && key.office.is_none() && has(KeyRole::Administrator));
    match leads || key.member == payload.submitter.member {
        true => Ok(()),
        false if is_of_consortium(payload) => Err("an administrator or authority signs this"),
        false => Err("an authority signs this"),
    }
}

/// The newcomer and its node, if this asks for a membership.
pub(super) fn newcomer(payload: &Payload) -> Option<(&str, PeerId)> {
    let [Action::MemberAdmit(admit)] = payload.actions.as_slice() else { return None };
    let [node] = admit.member.nodes.as_slice() else { return None };
    Some((&admit.member.uscc, node.peer_id.parse().ok()?))
}

fn context(lobby: &Lobby, ledger: &Ledger, now: TimeMs) -> Result<BlockContext, StorageError> {
    let tip = ledger.tip()?.header;
    let time_ms = now.max(TimeMs(tip.time_ms.0.saturating_add(1)));
    let (chain_id, height) = (lobby.chain_id.clone(), tip.height.next());
    // A node that cannot read its parameters, or does not know the version in force, has stopped.
    let version = state::params(ledger, height).map_or(FIRST_VERSION, |p| p.protocol_version);
    let rules = RuleBook::THIS.rules(version).unwrap_or(Rules::First);
    Ok(BlockContext { chain_id, height, time_ms, rules })
}

/// What the rules say of a petition now.
fn judge(
    lobby: &Lobby,
    ledger: &Ledger,
    transaction: &Transaction,
    now: TimeMs,
) -> Result<Result<(), Rejection>, StorageError> {
    let context = context(lobby, ledger, now)?;
    match check(&context, transaction, ledger) {
        Ok(verdict) => Ok(verdict),
        Err(error) => {
            // The ledger is read by everybody; who must stop for it is the replica.
            tracing::error!(%error, "a petition cannot be judged");
            Ok(Err(Rejection {
                rule: Rule::PayloadShape,
                action: 0,
                detail: "the ledger cannot be read".to_owned(),
            }))
        }
    }
}

impl Lobby {
    /// Takes a petition, or the signatures of one that is known.
    pub(super) fn take_petition(
        &self,
        envelope: Envelope,
        from: Option<(PeerId, Role)>,
        ledger: &Ledger,
        now: TimeMs,
    ) -> Result<Result<Taken, PetitionRefused>, StorageError> {
        let refuse = |refused| Ok(Err(refused));
        let verified = match envelope.verify() {
            Ok(verified) => verified,
            Err(invalid) => return refuse(PetitionRefused::Envelope(invalid)),
        };
        let transaction = match Transaction::parse(verified, &self.chain_id) {
            Ok(transaction) => transaction,
            Err(invalid) => return refuse(PetitionRefused::Invalid(invalid)),
        };
        let id = transaction.id();
        if ledger.transaction(&id)?.is_some() {
            return refuse(PetitionRefused::Committed);
        }
        let payload = transaction.payload();
        match (newcomer(payload), from) {
            (Some((member, node)), Some((_, Role::Pass(pass)))) => {
                if !self.bind(member, node, Some(pass)) {
                    return refuse(PetitionRefused::PassUsed);
                }
            }
            (Some((_, node)), Some((peer, Role::Guest))) if node == peer => {}
            (_, Some((_, Role::Pass(_) | Role::Guest))) => {
                return refuse(PetitionRefused::NotItsOwn);
            }
            (Some((member, node)), _) => drop(self.bind(member, node, None)),
            (None, _) => {}
        }
        let known = self.lock().petitions.get(&id).map(|petition| petition.envelope.clone());
        let mut signatures = known.as_ref().map_or_else(Vec::new, |e| e.signatures().to_vec());
        for added in transaction.envelope().signatures() {
            if signatures.iter().any(|s| s.key == added.key) {
                continue;
            }
            match registered(ledger, &added.key)? {
                // The rules say whether it is one of the keys that the petition registers.
                None if known.is_none() => {}
                None => {
                    return refuse(PetitionRefused::Signature(added.key, "it is not registered"));
                }
                Some(key) => {
                    if let Err(why) = counts(&key, payload) {
                        return refuse(PetitionRefused::Signature(added.key, why));
                    }
                }
            }
            signatures.push(added.clone());
        }
        if known.as_ref().is_some_and(|known| known.signatures().len() == signatures.len()) {
            return Ok(Ok(Taken::Known));
        }
        let merged = Envelope::new(transaction.envelope().payload().to_vec(), signatures);
        let merged = match merged {
            Ok(merged) => merged,
            Err(invalid) => return refuse(PetitionRefused::Envelope(invalid)),
        };
        if let Err(rejection) = self.judge_envelope(&merged, ledger, now)?
            && !is_awaited(rejection.rule)
        {
            return refuse(PetitionRefused::Rejected(rejection));
        }
        let peer = from.map(|(peer, _)| peer);
        let mut state = self.lock();
        if known.is_none() {
            let brought = state.petitions.values().filter(|petition| petition.from == peer).count();
            if state.petitions.len() >= PETITIONS_MAX || brought >= PETITIONS_PER_PEER_MAX {
                return refuse(PetitionRefused::Full);
            }
        }
        let place = state.petitions.entry(id);
        place.or_insert(Petition { envelope: merged.clone(), from: peer }).envelope =
            merged.clone();
        store::save(&self.path, &state);
        Ok(Ok(Taken::Changed(merged)))
    }

    /// What the rules say of an envelope whose signatures were verified before.
    pub(super) fn judge_envelope(
        &self,
        envelope: &Envelope,
        ledger: &Ledger,
        now: TimeMs,
    ) -> Result<Result<(), Rejection>, StorageError> {
        match self.parse(envelope) {
            Some(transaction) => judge(self, ledger, &transaction, now),
            None => Ok(Ok(())),
        }
    }

    /// The transaction of a kept envelope.
    pub(super) fn parse(&self, envelope: &Envelope) -> Option<Transaction> {
        Transaction::parse(envelope.clone().verify().ok()?, &self.chain_id).ok()
    }

    /// What waits, oldest id first.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn petitions(
        &self,
        ledger: &Ledger,
        now: TimeMs,
    ) -> Result<Vec<PetitionView>, StorageError> {
        let kept: Vec<Envelope> =
            self.lock().petitions.values().map(|petition| petition.envelope.clone()).collect();
        let mut views = Vec::with_capacity(kept.len());
        for envelope in kept {
            let Some(transaction) = self.parse(&envelope) else { continue };
            views.push(self.view(&transaction, ledger, now)?);
        }
        Ok(views)
    }

    fn view(
        &self,
        transaction: &Transaction,
        ledger: &Ledger,
        now: TimeMs,
    ) -> Result<PetitionView, StorageError> {
        let payload = transaction.payload();
        let mut signatures = Vec::new();
        for key in transaction.signers() {
            let found = registered(ledger, key)?;
            signatures.push(SignerView { key: *key, member: found.map(|key| key.member) });
        }
        let signed: BTreeSet<&str> =
            signatures.iter().filter_map(|signer| signer.member.as_deref()).collect();
        let could_sign = could_sign(ledger, payload, &signed)?;
        let missing = judge(self, ledger, transaction, now)?
            .err()
            .map(|rejection| Missing { rule: rejection.rule.id(), detail: rejection.detail });
        let raw = transaction.envelope().to_json();
        let text = String::from_utf8_lossy(transaction.envelope().payload()).into_owned();
        Ok(PetitionView {
            id: transaction.id(),
            actions: payload.actions.iter().map(Action::name).collect(),
            submitter: payload.submitter.member.clone(),
            valid_until: Height(payload.valid_until),
            signatures,
            missing,
            could_sign,
            payload: serde_json::from_str(&text).unwrap_or_default(),
            envelope: raw,
        })
    }
}

/// Members in good standing, with a key whose signature would count, that have not signed.
fn could_sign(
    ledger: &Ledger,
    payload: &Payload,
    signed: &BTreeSet<&str>,
) -> Result<BTreeMap<String, String>, StorageError> {
    let mut members = BTreeMap::new();
    for (_, value) in ledger.records("key/", None, KEYS_MAX)? {
        let Ok(key) = serde_json::from_slice::<Key>(&value) else { continue };
        let leads = key.roles.contains(&KeyRole::Authority)
            || (is_of_consortium(payload)
                && key.office.is_none()
                && key.roles.contains(&KeyRole::Administrator));
        let waits = leads && counts(&key, payload).is_ok() && !signed.contains(key.member.as_str());
        if !waits || members.contains_key(&key.member) {
            continue;
        }
        let record = ledger.record(&member_key(&key.member))?;
        let member = record.and_then(|value| serde_json::from_slice::<Member>(&value).ok());
        if let Some(member) = member.filter(|member| member.status == MemberStatus::Active) {
            members.insert(member.uscc, member.name);
        }
    }
    Ok(members)
}

/// A petition as the API shows it.
#[derive(Debug, Clone, Serialize)]
pub struct PetitionView {
    /// The transaction id.
    pub id: TransactionId,
    /// What it does.
    pub actions: Vec<&'static str>,
    /// Under whose name.
    pub submitter: String,
    /// Last height at which it can be committed.
    pub valid_until: Height,
    /// Who signed.
    pub signatures: Vec<SignerView>,
    /// What the rules still miss; nothing if it is on its way into a block.
    pub missing: Option<Missing>,
    /// Members whose signature would count: code and name.
    pub could_sign: BTreeMap<String, String>,
    /// What is signed.
    pub payload: serde_json::Value,
    /// The envelope so far.
    pub envelope: serde_json::Value,
}

/// A signature of a petition.
#[derive(Debug, Clone, Serialize)]
pub struct SignerView {
    /// The key.
    pub key: PublicKey,
    /// Its member; none for a key that the petition itself registers.
    pub member: Option<String>,
}

/// What is still missing.
#[derive(Debug, Clone, Serialize)]
pub struct Missing {
    /// The rule that misses it.
    pub rule: &'static str,
    /// In its words.
    pub detail: String,
}
