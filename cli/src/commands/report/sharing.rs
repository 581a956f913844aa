//! Reports on grants and on what was recorded under them.

use std::collections::{BTreeMap, BTreeSet};

use mulu_chain::digest::Digest;
use mulu_chain::types::Height;
use mulu_contracts::authorization::{Authorization, AuthorizationStatus, Obligations, Standing};
use mulu_contracts::receipt::{Receipt, ReceiptKind};
use mulu_contracts::state::{authorization_key, entry_key, receipt_key};
use serde_json::{Value, json};

use super::{Finding, KEPT_MAX, Report, kept};
use crate::failure::Outcome;
use crate::lang::Text;
use crate::{render, text};

/// Most corrections of one receipt that are followed.
const CORRECTIONS_MAX: usize = 10_000;

/// Finalized grants whose window has begun and under which nothing was counted; their consumers are
/// to use them or give them up.
pub fn unused_grants(report: &mut Report<'_>) -> Outcome<()> {
    report.each("authorizations", |report, key, grant: Authorization| {
        let words = match grant.standing(report.now) {
            Standing::Active => ("active", text!("in force, never used", "生效中，从未使用")),
            Standing::Expired => ("expired", text!("over, never used", "已到期，从未使用")),
            Standing::Inactive | Standing::Pending | Standing::Exhausted => return Ok(()),
        };
        if !grant.totals.is_nothing() || !grant.handed_on.is_nothing() {
            return Ok(());
        }
        let detail = json!({ "entry_id": grant.entry_id, "window": grant.extent().window,
            "finalized_at_height": grant.finalized_at_height });
        found(report, key, &grant, words, detail)
    })
}

/// A finding about a grant, for its consumer to act on.
fn found(
    report: &mut Report<'_>,
    key: String,
    grant: &Authorization,
    (word, words): (&str, Text),
    detail: Value,
) -> Outcome<()> {
    let name = report.state.name(&entry_key(&grant.entry_id), "/content/name")?;
    report.found(Finding {
        key,
        name: name.unwrap_or_default(),
        members: [Some(grant.consumer.clone()), Some(grant.provider.clone())],
        what: (word.to_owned(), words),
        detail,
    })
}

/// A finding about a receipt, for the consumer to act on.
fn found_receipt(
    report: &mut Report<'_>,
    key: String,
    receipt: &Receipt,
    what: (&str, Text),
    detail: Value,
) -> Outcome<()> {
    let grant = report.state.get::<Authorization>(&authorization_key(&receipt.authorization_id))?;
    // Receipts are recorded under an authorization; there is one.
    let Some(grant) = grant else { return Ok(()) };
    found(report, key, &grant, what, detail)
}

/// Which receipt each correction replaced.
#[derive(Default)]
struct Corrections(BTreeMap<Digest, Digest>);

impl Corrections {
    fn add(&mut self, receipt: &Receipt) {
        if let Some(old) = receipt.corrects.filter(|_| self.0.len() < KEPT_MAX) {
            self.0.insert(receipt.receipt_id, old);
        }
    }

    /// The receipt and those it replaced, newest first.
    fn line(&self, newest: Digest) -> impl Iterator<Item = Digest> {
        let line = std::iter::successors(Some(newest), |id| self.0.get(id).copied());
        line.take(CORRECTIONS_MAX)
    }
}

/// Deliveries that no reception and no use names; their consumers are to confirm them. A corrected
/// delivery is answered if one that it replaced was.
pub fn unmatched_deliveries(report: &mut Report<'_>) -> Outcome<()> {
    let mut answered: BTreeSet<Digest> = BTreeSet::new();
    let mut corrections = Corrections::default();
    report.each("receipts", |_, _, receipt: Receipt| {
        match receipt.kind {
            ReceiptKind::Received | ReceiptKind::Used => answered.extend(receipt.peer_receipt),
            ReceiptKind::Delivered => corrections.add(&receipt),
            ReceiptKind::Denied | ReceiptKind::Deleted => {}
        }
        kept(&answered)
    })?;
    report.each("receipts", |report, key, receipt: Receipt| {
        let counts = receipt.kind == ReceiptKind::Delivered && receipt.corrected_by.is_none();
        if !counts || corrections.line(receipt.receipt_id).any(|id| answered.contains(&id)) {
            return Ok(());
        }
        let at = receipt.recorded_at_height;
        let words = text!("delivered at height {at}, not confirmed", "高度 {at} 交付，未确认");
        let detail = json!({ "authorization_id": receipt.authorization_id,
            "recorded_at_height": at, "counts": receipt.counts });
        found_receipt(report, key, &receipt, ("unconfirmed", words), detail)
    })
}

/// Receptions of another digest than the delivery says, also after its corrections.
pub fn mismatches(report: &mut Report<'_>) -> Outcome<()> {
    report.each("receipts", |report, key, receipt: Receipt| {
        let Some(peer) = receipt.peer_receipt.filter(|_| receipt.mismatch) else { return Ok(()) };
        if receipt.corrected_by.is_some() {
            return Ok(());
        }
        let mut delivery: Option<Receipt> = report.state.get(&receipt_key(&peer))?;
        for _ in 0..CORRECTIONS_MAX {
            let Some(next) = delivery.as_ref().and_then(|delivery| delivery.corrected_by) else {
                break;
            };
            delivery = report.state.get(&receipt_key(&next))?;
        }
        let delivered = delivery.and_then(|delivery| delivery.digest);
        if delivered == receipt.digest {
            return Ok(());
        }
        let [sent, got] = [delivered, receipt.digest].map(|digest| {
            digest.map(|digest| render::short(&digest.to_string()).into_owned()).unwrap_or_default()
        });
        let words = text!("received {got}, delivered {sent}", "接收 {got}，交付 {sent}");
        let detail = json!({ "authorization_id": receipt.authorization_id, "delivery": peer,
            "delivered": delivered, "received": receipt.digest });
        found_receipt(report, key, &receipt, ("mismatch", words), detail)
    })
}

/// What is known of a grant with obligations.
struct Watched {
    key: String,
    grant: Authorization,
    obligations: Obligations,
    /// Receptions that count, with their heights.
    received: BTreeMap<Digest, Height>,
    /// Receptions named by a deletion, and the height of the last deletion that names none.
    deleted: BTreeSet<Digest>,
    all_deleted: Option<Height>,
    /// End of the last reported use.
    reported_ms: Option<u64>,
}

/// Grants under which something received is not deleted in time, or a report of use is late.
pub fn overdue_obligations(report: &mut Report<'_>) -> Outcome<()> {
    let mut watched: BTreeMap<Digest, Watched> = BTreeMap::new();
    let mut size: BTreeSet<Digest> = BTreeSet::new();
    report.each("authorizations", |_, key, grant: Authorization| {
        let obligations = grant.extent().obligations.clone();
        let Some(obligations) = obligations.filter(|_| grant.finalized_at_height.is_some()) else {
            return Ok(());
        };
        size.insert(grant.authorization_id);
        let (received, deleted) = Default::default();
        let (all_deleted, reported_ms) = (None, None);
        let id = grant.authorization_id;
        let new = Watched { key, grant, obligations, received, deleted, all_deleted, reported_ms };
        watched.insert(id, new);
        kept(&size)
    })?;
    let mut corrections = Corrections::default();
    report.each("receipts", |_, _, receipt: Receipt| {
        let Some(grant) = watched.get_mut(&receipt.authorization_id) else { return Ok(()) };
        let id = receipt.receipt_id;
        match receipt.kind {
            ReceiptKind::Received => {
                corrections.add(&receipt);
                if receipt.corrected_by.is_none() {
                    grant.received.insert(id, receipt.recorded_at_height);
                    size.insert(id);
                }
            }
            ReceiptKind::Deleted => match receipt.peer_receipt {
                Some(peer) => drop(grant.deleted.insert(peer)),
                None => {
                    grant.all_deleted = grant.all_deleted.max(Some(receipt.recorded_at_height));
                }
            },
            ReceiptKind::Used => {
                grant.reported_ms = grant.reported_ms.max(Some(receipt.window.to_ms));
            }
            ReceiptKind::Delivered | ReceiptKind::Denied => {}
        }
        kept(&size)
    })?;
    for watched in watched.into_values() {
        deletion(report, &watched, &corrections)?;
        reporting(report, &watched)?;
    }
    Ok(())
}

fn deletion(report: &mut Report<'_>, watched: &Watched, corrections: &Corrections) -> Outcome<()> {
    let now = report.now.0;
    let Some(by) = watched.obligations.delete_by_ms.filter(|by| *by < now) else { return Ok(()) };
    let left: Vec<&Digest> = watched
        .received
        .iter()
        .filter(|(id, at)| {
            let named = corrections.line(**id).any(|id| watched.deleted.contains(&id));
            !named && Some(**at) > watched.all_deleted
        })
        .map(|(id, _)| id)
        .collect();
    if left.is_empty() {
        return Ok(());
    }
    let (date, count) = (render::date_of_ms(by), left.len());
    let words =
        text!("{count} received, to be deleted by {date}", "{count} 次接收应于 {date} 前删除");
    let detail = json!({ "delete_by_ms": by, "received": left });
    found(report, watched.key.clone(), &watched.grant, ("delete-overdue", words), detail)
}

fn reporting(report: &mut Report<'_>, watched: &Watched) -> Outcome<()> {
    let grant = &watched.grant;
    let window = grant.extent().window;
    let running = grant.status == AuthorizationStatus::Finalized;
    let Some(every) = watched.obligations.report_every_ms.filter(|_| running) else {
        return Ok(());
    };
    let until = report.now.0.min(window.to_ms);
    let late = |since: u64| Some(since.saturating_add(every)).filter(|due| *due < until);
    let due = match watched.reported_ms {
        Some(last) => late(last),
        // Nothing to report before both had signed.
        None if late(window.from_ms).is_none() => None,
        None => late(window.from_ms.max(signed_ms(report, grant)?)),
    };
    let Some(due) = due else { return Ok(()) };
    let date = render::date_of_ms(due);
    let words = text!("a report of use was due on {date}", "使用情况报告应于 {date} 前提交");
    let detail = json!({ "due_ms": due, "last_reported_ms": watched.reported_ms });
    found(report, watched.key.clone(), grant, ("report-overdue", words), detail)
}

/// Block time at which a grant was finalized.
fn signed_ms(report: &Report<'_>, grant: &Authorization) -> Outcome<u64> {
    let height = grant.finalized_at_height.unwrap_or_default();
    let block = report.node().get(&format!("/v1/blocks/{height}"), &[])?;
    Ok(block.pointer("/header/time_ms").and_then(Value::as_u64).unwrap_or_default())
}
