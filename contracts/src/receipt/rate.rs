//! How fast a grant may be used: so many calls in each period (RCP-19, RCP-20).
//!
//! No rule sees a single call. What it sees is that a receipt counts no more calls than the periods that
//! its window touches allow together, and that receipts of a kind follow each other by whole periods, so
//! that none is counted twice.

use super::{Receipt, ReceiptRecord};
use crate::authorization::{Authorization, RatedTo};
use crate::rejection::{Step, require};
use crate::rule::Rule;

/// Where the receipts of each kind end, with this one; unchanged if there is no rate.
pub(super) fn rated(
    authorization: &Authorization,
    action: &ReceiptRecord,
    corrected: Option<&Receipt>,
) -> Step<Option<RatedTo>> {
    let before = authorization.rated_to_ms;
    let Some(rate) = authorization.extent().limits.rate else { return Ok(before) };
    let (calls, most) = (action.counts.calls, rate.most(&action.window));
    require(calls <= most, Rule::ReceiptRate, || {
        format!("{calls} calls, {} in each {} ms make {most}", rate.calls, rate.per_ms)
    })?;
    let (first, last) = rate.periods(&action.window);
    if let Some(old) = corrected {
        let (from, to) = rate.periods(&old.window);
        require(from <= first && last <= to, Rule::ReceiptPeriods, || {
            format!("periods {first} to {last} are not among those corrected, {from} to {to}")
        })?;
        return Ok(before);
    }
    let rated = before.unwrap_or_default();
    let counted = rated.of(action.kind).and_then(|to_ms| to_ms.checked_div(rate.per_ms));
    require(counted.is_none_or(|counted| counted < first), Rule::ReceiptPeriods, || {
        format!("period {first} is counted, the last one is {}", counted.unwrap_or_default())
    })?;
    Ok(Some(rated.with(action.kind, action.window.to_ms)))
}
