//! Use receipt 使用回执: what a party says was delivered, received, used or denied.
//!
//! Receipts of a member under an authorization form a chain without gaps (`seq`, `prev_receipt`).
//! What they count stays within the grant, or they are rejected. `denied` is evidence of a refused
//! attempt and is recorded whatever the authorization's status; it counts nothing. A receipt that
//! `corrects` an earlier one replaces its counts; both stay. `deleted` says that what was received is
//! gone. A digest over call lines (`lines`) lets the department prove a single call later.

mod rate;
mod run;

use std::collections::BTreeSet;

use mulu_chain::digest::Digest;
use mulu_chain::types::Height;
use serde::{Deserialize, Serialize};

use crate::authorization::{self, Authorization, AuthorizationStatus, Counts, Purpose, Window};
use crate::call::Call;
use crate::entry::{self, Entry};
use crate::field;
use crate::key::KeyRole;
use crate::limits::{COUNTER_MAX, ITEM_ID_CHARS_MAX, ITEMS_MAX, PURPOSE_CHARS_MAX};
use crate::rejection::{Step, Stop, require, shown};
use crate::rule::Rule;
use crate::state::{authorization_key, entry_key, office_key, receipt_chain_key, receipt_key};
use crate::system;
pub use run::{Dataset, Job, Lineage, OPERATOR_HASH_PREFIX};

/// A receipt as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Derived from the transaction that recorded it.
    pub receipt_id: Digest,
    /// The authorization.
    pub authorization_id: Digest,
    /// Its entry.
    pub entry_id: Digest,
    /// The member that says so.
    pub signer: String,
    /// Its office, as id.
    pub office: String,
    /// What happened.
    pub kind: ReceiptKind,
    /// The terms it happened under; may lack for `denied`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms_hash: Option<Digest>,
    /// Item ids.
    pub items: Vec<String>,
    /// For what.
    pub purpose: Purpose,
    /// When.
    pub window: Window,
    /// How much.
    pub counts: Counts,
    /// Digest of what was delivered, or Merkle root over the call lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Its number in the signer's chain, from 1.
    pub seq: u64,
    /// The receipt before in the signer's chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev_receipt: Option<Digest>,
    /// The delivery that this reception or use answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_receipt: Option<Digest>,
    /// How many call lines `digest` is the RFC 6962 root of; one line per call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<u64>,
    /// The signer's receipt of the same kind whose counts this one replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<Digest>,
    /// The receipt that replaced this one's counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected_by: Option<Digest>,
    /// The run of OpenLineage that did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lineage: Option<Lineage>,
    /// The signer's information system that did it, as id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Who did it, as a keyed hash: `hmac-sha256:` and 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_hash: Option<String>,
    /// Whether the digests of delivery and reception differ.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mismatch: bool,
    /// When it was recorded.
    pub recorded_at_height: Height,
}

/// What a receipt says happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReceiptKind {
    /// The provider delivered.
    Delivered,
    /// The consumer received.
    Received,
    /// The consumer used.
    Used,
    /// A party refused an attempt.
    Denied,
    /// The consumer deleted what it received.
    Deleted,
}

/// The last receipt of a member under an authorization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptChain {
    /// Its number.
    pub seq: u64,
    /// Its id.
    pub receipt_id: Digest,
}

/// `receipt.record`: a party records a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptRecord {
    /// The authorization.
    pub authorization_id: Digest,
    /// Hash of its terms; required unless `denied`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms_hash: Option<Digest>,
    /// What happened.
    pub kind: ReceiptKind,
    /// Item ids.
    #[serde(default)]
    pub items: Vec<String>,
    /// Must be the granted purpose unless `denied`.
    pub purpose: Purpose,
    /// When.
    pub window: Window,
    /// How much.
    #[serde(default)]
    pub counts: Counts,
    /// Digest of what was delivered, or Merkle root over the call lines; required for `delivered`
    /// and `received`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// One more than the signer's last receipt under this authorization; 1 for the first.
    pub seq: u64,
    /// The signer's last receipt under this authorization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev_receipt: Option<Digest>,
    /// The delivery that this reception or use answers, or the reception that is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_receipt: Option<Digest>,
    /// How many call lines `digest` is the RFC 6962 root of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<u64>,
    /// The signer's receipt of the same kind whose counts this one replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<Digest>,
    /// The run of OpenLineage that did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lineage: Option<Lineage>,
    /// The signer's information system that did it, as id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Who did it, as a keyed hash: `hmac-sha256:` and 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_hash: Option<String>,
}

pub(crate) fn record(call: &mut Call<'_, '_>, action: &ReceiptRecord) -> Step {
    call.signers.own(&[KeyRole::Officer, KeyRole::Application], None)?;
    let authorization = authorization::load(call.overlay, &action.authorization_id)?;
    let party_office = check_signer(call, &authorization, action.kind)?;
    let office = call.office().map_or(party_office, str::to_owned);
    check_form(call, action)?;
    let corrected = check_corrected(call, action)?;
    let mut rated_to_ms = authorization.rated_to_ms;
    let totals = match action.kind {
        ReceiptKind::Denied => authorization.totals,
        ReceiptKind::Deleted => {
            check_past(&authorization, action)?;
            authorization.totals
        }
        _ => {
            match &corrected {
                Some(_) => check_past(&authorization, action)?,
                None => check_usable(call, &authorization, action)?,
            }
            check_window(&authorization, action)?;
            let replaced = corrected.as_ref().map(|old| old.counts).unwrap_or_default();
            let totals = counted(&authorization, action, &replaced)?;
            rated_to_ms = rate::rated(&authorization, action, corrected.as_ref())?;
            if let Some(parent) = &authorization.parent {
                authorization::count(call, parent, action.kind, &action.counts, &replaced)?;
            }
            totals
        }
    };
    let chain_key = receipt_chain_key(&action.authorization_id, call.uscc());
    let last: Option<ReceiptChain> = call.overlay.get(&chain_key)?;
    check_chain(last.as_ref(), action)?;
    let receipt = Receipt {
        receipt_id: call.new_record_id(receipt_key)?,
        authorization_id: action.authorization_id,
        entry_id: authorization.entry_id,
        signer: call.uscc().to_owned(),
        office,
        kind: action.kind,
        terms_hash: action.terms_hash,
        items: action.items.clone(),
        purpose: action.purpose.clone(),
        window: action.window,
        counts: action.counts,
        digest: action.digest,
        seq: action.seq,
        prev_receipt: action.prev_receipt,
        peer_receipt: action.peer_receipt,
        lines: action.lines,
        corrects: action.corrects,
        corrected_by: None,
        lineage: action.lineage.clone(),
        system: action.system.clone(),
        operator_hash: action.operator_hash.clone(),
        mismatch: check_peer(call, action)?,
        recorded_at_height: call.height(),
    };
    if let Some(old) = corrected {
        let old = Receipt { corrected_by: Some(receipt.receipt_id), ..old };
        call.overlay.put(receipt_key(&old.receipt_id), &old)?;
    }
    let link = ReceiptChain { seq: receipt.seq, receipt_id: receipt.receipt_id };
    call.overlay.put(chain_key, &link)?;
    call.overlay.put(receipt_key(&receipt.receipt_id), &receipt)?;
    if let Some(parent) = &authorization.parent {
        call.touch(authorization_key(parent));
    }
    let key = authorization_key(&action.authorization_id);
    if totals != authorization.totals || rated_to_ms != authorization.rated_to_ms {
        let counted = Authorization { totals, rated_to_ms, ..authorization };
        call.overlay.put(key.clone(), &counted)?;
    }
    call.touch(key);
    call.touch(entry_key(&receipt.entry_id));
    call.touch(office_key(&receipt.office));
    Ok(())
}

/// The submitter is the party that can say this (RCP-02); its office in the authorization.
fn check_signer(
    call: &Call<'_, '_>,
    authorization: &Authorization,
    kind: ReceiptKind,
) -> Step<String> {
    let provides = call.uscc() == authorization.provider;
    let consumes = call.uscc() == authorization.consumer;
    let entitled = match kind {
        ReceiptKind::Delivered => provides,
        ReceiptKind::Received | ReceiptKind::Used | ReceiptKind::Deleted => consumes,
        ReceiptKind::Denied => provides || consumes,
    };
    let other = if provides { &authorization.consumer } else { &authorization.provider };
    let entitled = entitled && call.delegate() != Some(other.as_str());
    require(entitled, Rule::ReceiptSigner, || format!("{} says {kind:?}", call.uscc()))?;
    // A member that the entry passed to may be both parties; then the kind says which one speaks.
    let provider = provides && matches!(kind, ReceiptKind::Delivered | ReceiptKind::Denied);
    let office =
        if provider { &authorization.provider_office } else { &authorization.consumer_office };
    Ok(office.clone())
}

/// What holds of every receipt, whatever the authorization's status (RCP-06, RCP-07, RCP-12, RCP-15,
/// RCP-17, RCP-18).
fn check_form(call: &Call<'_, '_>, action: &ReceiptRecord) -> Step {
    field::text("purpose.basis", &action.purpose.basis, PURPOSE_CHARS_MAX)?;
    field::text("purpose.scenario", &action.purpose.scenario, PURPOSE_CHARS_MAX)?;
    field::count("items", action.items.len(), 0, ITEMS_MAX)?;
    for item in &action.items {
        field::text("item", item, ITEM_ID_CHARS_MAX)?;
    }
    field::distinct("items", Rule::FieldDuplicate, &action.items)?;
    let Window { from_ms, to_ms } = action.window;
    require(from_ms <= to_ms, Rule::ReceiptWindow, || format!("{from_ms} to {to_ms}"))?;
    let now = call.block.time_ms;
    let latest = now.0.saturating_add(call.params.clock_skew_ms);
    require(to_ms <= latest, Rule::ReceiptFuture, || format!("window.to_ms {to_ms}, now {now}"))?;
    let lines = action.lines.is_none_or(|lines| lines == action.counts.calls && lines > 0);
    require(
        lines && (action.lines.is_none() || action.digest.is_some()),
        Rule::ReceiptLines,
        || format!("lines {}, calls {}", shown(&action.lines), action.counts.calls),
    )?;
    let digested = action.digest.is_some()
        || !matches!(action.kind, ReceiptKind::Delivered | ReceiptKind::Received);
    require(digested, Rule::ReceiptDigest, || format!("{} without digest", shown(&action.kind)))?;
    run::check(call, action)
}

/// The grant is in force, and so is all it hangs on (RCP-01, ENT-26, RCP-13, AUT-17).
fn check_usable(
    call: &mut Call<'_, '_>,
    authorization: &Authorization,
    action: &ReceiptRecord,
) -> Step {
    let finalized = authorization.status == AuthorizationStatus::Finalized;
    require(finalized, Rule::ReceiptGrant, || format!("it is {}", shown(&authorization.status)))?;
    check_terms(authorization, action)?;
    let (entry, _) = entry::current(call.overlay, &authorization.entry_id)?;
    entry::require_free(&entry)?;
    check_entry(authorization, &entry)?;
    if let Some(parent) = &authorization.parent {
        let parent = authorization::require_usable(call, parent)?;
        check_entry(&parent, &entry)?;
    } else if action.kind == ReceiptKind::Delivered {
        check_systems(call, &entry, action)?;
    }
    Ok(())
}

/// What is delivered comes from a system that was not stopped before (RCP-21).
fn check_systems(call: &Call<'_, '_>, entry: &Entry, action: &ReceiptRecord) -> Step {
    for binding in &entry.content.systems {
        if !system::stopped_before(call.overlay, &binding.system, action.window.from_ms)? {
            return Ok(());
        }
    }
    let systems = &entry.content.systems;
    require(systems.is_empty(), Rule::ReceiptSystems, || {
        format!(
            "stopped are all of {}",
            shown(&systems.iter().map(|b| &b.system).collect::<Vec<_>>())
        )
    })
}

/// The grant was in force once: what is said of the past may be said later (RCP-01).
fn check_past(authorization: &Authorization, action: &ReceiptRecord) -> Step {
    let finalized = authorization.finalized_at_height.is_some();
    require(finalized, Rule::ReceiptGrant, || "it was never finalized".to_owned())?;
    check_terms(authorization, action)
}

/// What was done is what was granted (RCP-03 to RCP-05).
fn check_terms(authorization: &Authorization, action: &ReceiptRecord) -> Step {
    require(action.terms_hash == authorization.terms_hash, Rule::ReceiptTerms, || {
        format!(
            "found {}, signed were {}",
            shown(&action.terms_hash),
            shown(&authorization.terms_hash)
        )
    })?;
    let granted = authorization.extent();
    let items: BTreeSet<&String> = granted.items.iter().collect();
    let other = action.items.iter().find(|item| !items.contains(item));
    require(other.is_none(), Rule::ReceiptItems, || shown(&other))?;
    require(action.purpose == authorization.purpose, Rule::ReceiptPurpose, || {
        format!("granted is {}", shown(&authorization.purpose))
    })
}

/// It happened within the grant's window (RCP-06).
fn check_window(authorization: &Authorization, action: &ReceiptRecord) -> Step {
    let granted = authorization.extent().window;
    require(granted.contains(&action.window), Rule::ReceiptWindow, || {
        format!("{} is not within {}", shown(&action.window), shown(&granted))
    })
}

/// The receipt to be corrected: the signer's own, of this kind and authorization, counted, and not
/// corrected before (RCP-14).
fn check_corrected(call: &Call<'_, '_>, action: &ReceiptRecord) -> Step<Option<Receipt>> {
    let Some(id) = &action.corrects else { return Ok(None) };
    let old: Option<Receipt> = call.overlay.get(&receipt_key(id))?;
    let old = old.filter(|old| {
        old.authorization_id == action.authorization_id
            && old.signer == call.uscc()
            && old.kind == action.kind
            && !matches!(old.kind, ReceiptKind::Denied | ReceiptKind::Deleted)
            && old.corrected_by.is_none()
    });
    old.map(Some).ok_or_else(|| Stop::Rule(Rule::ReceiptCorrects, id.to_string()))
}

/// A grant made before its entry became stricter needs the provider's word (RCP-13).
fn check_entry(authorization: &Authorization, entry: &Entry) -> Step {
    let stands = authorization.confirmed_at_height.max(authorization.finalized_at_height);
    let stricter = entry.stricter_since_height;
    require(stricter.is_none_or(|since| stands >= Some(since)), Rule::ReceiptStricter, || {
        format!("since height {}", stricter.unwrap_or_default())
    })
}

/// The totals after this receipt, within the limits (RCP-08).
fn counted(
    authorization: &Authorization,
    action: &ReceiptRecord,
    replaced: &Counts,
) -> Step<authorization::Totals> {
    let mut totals = authorization.totals;
    let total = match action.kind {
        ReceiptKind::Delivered => &mut totals.delivered,
        ReceiptKind::Received => &mut totals.received,
        ReceiptKind::Used => &mut totals.used,
        ReceiptKind::Denied | ReceiptKind::Deleted => return Ok(totals),
    };
    // Sums that leave the I-JSON range saturate above COUNTER_MAX and are refused with the limits.
    *total = total.minus(replaced).plus(&action.counts);
    let total = *total;
    let limits = authorization.extent().limits;
    let countable = [total.calls, total.records, total.bytes].iter().all(|n| *n <= COUNTER_MAX);
    let spent = authorization::spent(&totals, &authorization.handed_on);
    let within = limits.allow(&total) && spent.iter().all(|all| limits.allow(all));
    require(countable && within, Rule::ReceiptLimits, || {
        format!("the total would be {}, granted are {}", shown(&total), shown(&limits))
    })?;
    Ok(totals)
}

/// The signer's chain has no gap and no fork (RCP-09, RCP-10).
fn check_chain(last: Option<&ReceiptChain>, action: &ReceiptRecord) -> Step {
    let expected = last.map_or(0, |last| last.seq).saturating_add(1);
    require(action.seq == expected, Rule::ReceiptSequence, || {
        format!("found {}, expected {expected}", action.seq)
    })?;
    let previous = last.map(|last| last.receipt_id);
    require(action.prev_receipt == previous, Rule::ReceiptPrevious, || {
        format!("found {}, expected {}", shown(&action.prev_receipt), shown(&previous))
    })
}

/// The delivery, or the reception deleted, is one of this authorization (RCP-11); whether the digests
/// of delivery and reception differ.
fn check_peer(call: &Call<'_, '_>, action: &ReceiptRecord) -> Step<bool> {
    let Some(id) = &action.peer_receipt else { return Ok(false) };
    let peer: Option<Receipt> = call.overlay.get(&receipt_key(id))?;
    let answered = match action.kind {
        ReceiptKind::Received | ReceiptKind::Used => Some(ReceiptKind::Delivered),
        ReceiptKind::Deleted => Some(ReceiptKind::Received),
        ReceiptKind::Delivered | ReceiptKind::Denied => None,
    };
    let delivery = peer.filter(|peer| {
        Some(peer.kind) == answered && peer.authorization_id == action.authorization_id
    });
    require(delivery.is_some(), Rule::ReceiptPeer, || id.to_string())?;
    let delivered = delivery.and_then(|delivery| delivery.digest);
    Ok(action.kind == ReceiptKind::Received && delivered != action.digest)
}
