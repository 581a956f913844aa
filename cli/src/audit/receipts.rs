//! Receipts: each derived again, within its grant, in an unbroken chain, and within the limits.

use std::collections::BTreeMap;

use mulu_chain::digest::Digest;
use mulu_contracts::action::Action;
use mulu_contracts::authorization::{Authorization, Counts, Totals};
use mulu_contracts::receipt::{Receipt, ReceiptKind, ReceiptRecord};
use mulu_contracts::state::{receipt_key, record_id};

use super::authorizations::{corrected, counted};
use super::story::{Act, Story};

/// What of an authorization is known while its receipts are read.
#[derive(Default)]
struct Ledger {
    totals: Totals,
    /// Last number and id by signer.
    chains: BTreeMap<String, (u64, Digest)>,
    /// Digests of deliveries by receipt.
    deliveries: BTreeMap<Digest, Option<Digest>>,
    finalized: bool,
    ended: bool,
    suspended: bool,
}

/// Checks every receipt of every authorization whose history the bundle has.
pub fn within_grants(story: &Story) -> Result<usize, String> {
    let skew_ms = story.params()?.clock_skew_ms;
    let mut checked = 0usize;
    for history in story.histories("authorization/") {
        let authorization: Option<Authorization> = story.record(&history.subject)?;
        let Some(authorization) = authorization else { continue };
        let mut ledger = Ledger::default();
        let mut receipts: BTreeMap<Digest, Receipt> = BTreeMap::new();
        for act in story.acts(history)? {
            match act.action {
                Action::AuthorizationFinalize(finalize) => {
                    let other = Some(finalize.authorization_id);
                    ledger.finalized |= finalize.authorization_id == authorization.authorization_id;
                    ledger.ended |= authorization.superseded_by == other;
                }
                Action::AuthorizationSuspend(_) => ledger.suspended = true,
                Action::AuthorizationResume(_) => ledger.suspended = false,
                Action::AuthorizationRevoke(_) | Action::AuthorizationRelinquish(_) => {
                    ledger.ended = true;
                }
                // A receipt under a grant that hands this one on is told in its own history.
                Action::ReceiptRecord(record)
                    if record.authorization_id == authorization.authorization_id =>
                {
                    let id = record_id(&act.event.transaction, act.event.action);
                    let derived = derived(&act, id, record, &authorization, &ledger);
                    if let Some(old) = record.corrects.and_then(|old| receipts.get_mut(&old)) {
                        old.corrected_by = Some(id);
                    }
                    receipts.insert(id, derived);
                    let replaced = corrected(story, record)?;
                    check(&act, record, &authorization, &mut ledger, (skew_ms, replaced))
                        .map_err(|why| format!("{}: {why}", receipt_key(&id)))?;
                    ledger.chains.insert(act.member().to_owned(), (record.seq, id));
                    if record.kind == ReceiptKind::Delivered {
                        ledger.deliveries.insert(id, record.digest);
                    }
                    checked = checked.saturating_add(1);
                }
                _ => {}
            }
        }
        // A receipt's record is judged last: a later one may have corrected it.
        for (id, receipt) in &receipts {
            story.expect(&receipt_key(id), receipt)?;
        }
        if ledger.totals != authorization.totals {
            return Err(format!(
                "{}: its receipts sum up to {:?}, the record says {:?}",
                history.subject, ledger.totals, authorization.totals
            ));
        }
    }
    Ok(checked)
}

/// The record a receipt's transaction makes.
fn derived(
    act: &Act<'_>,
    id: Digest,
    record: &ReceiptRecord,
    authorization: &Authorization,
    ledger: &Ledger,
) -> Receipt {
    let provides = act.member() == authorization.provider;
    let party_office =
        if provides { &authorization.provider_office } else { &authorization.consumer_office };
    let delivered = record.peer_receipt.and_then(|peer| ledger.deliveries.get(&peer).copied());
    let mismatch = record.kind == ReceiptKind::Received
        && delivered.is_some_and(|delivered| delivered != record.digest);
    Receipt {
        receipt_id: id,
        authorization_id: authorization.authorization_id,
        entry_id: authorization.entry_id,
        signer: act.member().to_owned(),
        office: act.office().unwrap_or(party_office).to_owned(),
        kind: record.kind,
        terms_hash: record.terms_hash,
        items: record.items.clone(),
        purpose: record.purpose.clone(),
        window: record.window,
        counts: record.counts,
        digest: record.digest,
        seq: record.seq,
        prev_receipt: record.prev_receipt,
        peer_receipt: record.peer_receipt,
        lines: record.lines,
        corrects: record.corrects,
        corrected_by: None,
        lineage: record.lineage.clone(),
        system: record.system.clone(),
        operator_hash: record.operator_hash.clone(),
        mismatch,
        recorded_at_height: act.event.height,
    }
}

/// What holds of one receipt; counts it.
fn check(
    act: &Act<'_>,
    record: &ReceiptRecord,
    authorization: &Authorization,
    ledger: &mut Ledger,
    (skew_ms, replaced): (u64, Counts),
) -> Result<(), String> {
    let provides = act.member() == authorization.provider;
    let consumes = act.member() == authorization.consumer;
    let entitled = match record.kind {
        ReceiptKind::Delivered => provides,
        ReceiptKind::Received | ReceiptKind::Used | ReceiptKind::Deleted => consumes,
        ReceiptKind::Denied => provides || consumes,
    };
    require(entitled, "RCP-02: it is not its signer's to say")?;
    let last = ledger.chains.get(act.member()).copied();
    let (seq, previous) = last.map_or((0, None), |(seq, id)| (seq, Some(id)));
    require(record.seq == seq.saturating_add(1), "RCP-09: its number leaves a gap")?;
    require(record.prev_receipt == previous, "RCP-10: it does not follow the receipt before")?;
    let latest = act.told.entry.time_ms.0.saturating_add(skew_ms);
    require(record.window.to_ms <= latest, "RCP-07: its window lies in the future")?;
    if let Some(peer) = &record.peer_receipt {
        let known = match record.kind {
            ReceiptKind::Deleted => true,
            _ => ledger.deliveries.contains_key(peer),
        };
        require(known, "RCP-11: the delivery it answers is none of this authorization")?;
    }
    if record.kind == ReceiptKind::Denied {
        return Ok(());
    }
    let past = record.kind == ReceiptKind::Deleted || record.corrects.is_some();
    let usable = ledger.finalized && (past || !(ledger.ended || ledger.suspended));
    require(usable, "RCP-01: the authorization was not in force")?;
    let granted = authorization.extent();
    require(record.terms_hash == authorization.terms_hash, "RCP-03: it names other terms")?;
    let covered = record.items.iter().all(|item| granted.items.contains(item));
    require(covered, "RCP-04: it names an item that was not granted")?;
    require(record.purpose == authorization.purpose, "RCP-05: it names another purpose")?;
    if record.kind == ReceiptKind::Deleted {
        return Ok(());
    }
    require(granted.window.contains(&record.window), "RCP-06: it lies outside the grant's window")?;
    ledger.totals = counted(ledger.totals, record, replaced);
    let Totals { delivered, received, used } = &ledger.totals;
    let within = [delivered, received, used].iter().all(|total| granted.limits.allow(total));
    require(within, "RCP-08: the total exceeds the grant's limits")
}

fn require(holds: bool, why: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why.to_owned()) }
}
