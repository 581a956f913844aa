//! What a receipt must be to be recorded: by whom, of what form, within which grant, in which chain.

use std::collections::BTreeSet;

use super::{Receipt, ReceiptChain, ReceiptKind, ReceiptRecord, run};
use crate::authorization::{self, Authorization, AuthorizationStatus, Counts, Window};
use crate::call::Call;
use crate::entry::{self, Entry};
use crate::field;
use crate::limits::{COUNTER_MAX, ITEM_ID_CHARS_MAX, ITEMS_MAX};
use crate::rejection::{Step, Stop, require, shown};
use crate::rule::Rule;
use crate::state::receipt_key;
use crate::system;

/// The submitter is the party that can say this (RCP-02); its office in the authorization.
pub(super) fn check_signer(
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
pub(super) fn check_form(call: &Call<'_, '_>, action: &ReceiptRecord) -> Step {
    action.purpose.check()?;
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
pub(super) fn check_usable(
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
pub(super) fn check_past(authorization: &Authorization, action: &ReceiptRecord) -> Step {
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
pub(super) fn check_window(authorization: &Authorization, action: &ReceiptRecord) -> Step {
    let granted = authorization.extent().window;
    require(granted.contains(&action.window), Rule::ReceiptWindow, || {
        format!("{} is not within {}", shown(&action.window), shown(&granted))
    })
}

/// The receipt to be corrected: the signer's own, of this kind and authorization, counted, and not
/// corrected before (RCP-14).
pub(super) fn check_corrected(
    call: &Call<'_, '_>,
    action: &ReceiptRecord,
) -> Step<Option<Receipt>> {
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
pub(super) fn counted(
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
pub(super) fn check_chain(last: Option<&ReceiptChain>, action: &ReceiptRecord) -> Step {
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
pub(super) fn check_peer(call: &Call<'_, '_>, action: &ReceiptRecord) -> Step<bool> {
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
