//! Use receipt 使用回执: what a party says was delivered, received, used or denied.
//!
//! Receipts of a member under an authorization form a chain without gaps (`seq`, `prev_receipt`).
//! What they count stays within the grant, or they are rejected. `denied` is evidence of a refused
//! attempt and is recorded whatever the authorization's status; it counts nothing. A receipt that
//! `corrects` an earlier one replaces its counts; both stay. `deleted` says that what was received is
//! gone. A digest over call lines (`lines`) lets the department prove a single call later.

mod checks;
mod rate;
mod run;

use mulu_chain::digest::Digest;
use mulu_chain::types::Height;
use serde::{Deserialize, Serialize};

use crate::authorization::{self, Authorization, Counts, Purpose, Window};
use crate::call::Call;
use crate::key::KeyRole;
use crate::rejection::Step;
use crate::state::{authorization_key, entry_key, office_key, receipt_chain_key, receipt_key};
use checks::{
    check_chain, check_corrected, check_form, check_past, check_peer, check_signer, check_usable,
    check_window, counted,
};
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
