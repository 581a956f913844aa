//! Authorizations that hang on others: handed on (`parent`), taking another's place (`replaces`), and
//! the ones that need no answer because everything is shared unconditionally.

use mulu_chain::digest::Digest;

use super::negotiation::{load, require_status, write};
use super::{
    Authorization, AuthorizationRequest, AuthorizationStatus as Status, Counts, Ended, Extent,
    Limits, Window, spent,
};
use crate::call::Call;
use crate::catalog::{Level, PersonalInfo, ShareType};
use crate::entry::Entry;
use crate::limits::{COUNTER_MAX, ONWARD_DEPTH_MAX};
use crate::receipt::ReceiptKind;
use crate::rejection::{Step, require, shown};
use crate::rule::Rule;
use crate::state::authorization_key;

/// The grant that is to be handed on covers what is requested (AUT-17); its consumer and office
/// answer as provider. A grant handed on is not handed on again.
pub(super) fn hands_on(
    call: &mut Call<'_, '_>,
    parent: &Digest,
    action: &AuthorizationRequest,
) -> Step<(String, String)> {
    let parent = require_unspent(call, parent)?;
    let extent = parent.extent();
    let depth = if parent.parent.is_some() { 2 } else { 1 };
    let (items, window, limits) = (&action.items, &action.window, &action.limits);
    let covered = action.entry_id == parent.entry_id
        && action.entry_version == parent.entry_version
        && covers(extent, items, window, limits)
        && action.method == parent.method
        && action.purpose == parent.purpose
        && (extent.recipients.is_empty() || extent.recipients.iter().any(|to| to == call.uscc()));
    require(
        covered && depth <= ONWARD_DEPTH_MAX && !action.onward,
        Rule::AuthorizationOnward,
        || format!("more than {} grants", parent.authorization_id),
    )?;
    let own = parent.consumer == call.uscc();
    require(!own, Rule::AuthorizationSelf, || parent.consumer.clone())?;
    Ok((parent.consumer, parent.consumer_office))
}

/// A request otherwise lies within the grant that it hands on, too (AUT-17).
pub(super) fn holds(call: &mut Call<'_, '_>, parent: &Digest, wanted: &Extent) -> Step {
    let parent = require_unspent(call, parent)?;
    let covered = covers(parent.extent(), &wanted.items, &wanted.window, &wanted.limits);
    require(covered, Rule::AuthorizationOnward, || {
        format!("more than {} grants", parent.authorization_id)
    })
}

fn covers(extent: &Extent, items: &[String], window: &Window, limits: &Limits) -> bool {
    items.iter().all(|item| extent.items.contains(item))
        && items.is_empty() == extent.items.is_empty()
        && extent.window.contains(window)
        && limits.within(&extent.limits)
}

/// A grant in force that may be handed on (AUT-17). What is done with it goes into its history.
pub(crate) fn require_usable(call: &mut Call<'_, '_>, parent: &Digest) -> Step<Authorization> {
    let parent = load(call.overlay, parent)?;
    let usable = parent.status == Status::Finalized && parent.onward;
    require(usable, Rule::AuthorizationOnward, || {
        format!("{} is not in force, or not to be handed on", parent.authorization_id)
    })?;
    call.touch(authorization_key(&parent.authorization_id));
    Ok(parent)
}

/// A grant in force that may be handed on, and of which something is left (AUT-17).
pub(super) fn require_unspent(call: &mut Call<'_, '_>, parent: &Digest) -> Step<Authorization> {
    let parent = require_usable(call, parent)?;
    let limits = parent.extent().limits;
    let all = spent(&parent.totals, &parent.handed_on);
    require(!all.iter().any(|all| limits.used_up(all)), Rule::AuthorizationOnward, || {
        format!("{} is used up", parent.authorization_id)
    })?;
    Ok(parent)
}

/// Counts a receipt of a grant against the grant that it hands on, within whose limits it stays
/// together with all others (RCP-16).
pub(crate) fn count(
    call: &mut Call<'_, '_>,
    parent: &Digest,
    kind: ReceiptKind,
    counts: &Counts,
    replaced: &Counts,
) -> Step {
    let parent = load(call.overlay, parent)?;
    let mut handed_on = parent.handed_on;
    let total = match kind {
        ReceiptKind::Delivered => &mut handed_on.delivered,
        ReceiptKind::Received => &mut handed_on.received,
        ReceiptKind::Used => &mut handed_on.used,
        ReceiptKind::Denied | ReceiptKind::Deleted => return Ok(()),
    };
    *total = total.minus(replaced).plus(counts);
    let limits = parent.extent().limits;
    let with_own = parent.totals.used.plus(total);
    let countable = with_own.calls.max(with_own.records).max(with_own.bytes) <= COUNTER_MAX;
    require(countable && limits.allow(&with_own), Rule::ReceiptOnwardLimits, || {
        let id = parent.authorization_id;
        format!("of {id} would be used {}, granted are {}", shown(&with_own), shown(&limits))
    })?;
    let key = authorization_key(&parent.authorization_id);
    call.overlay.put(key, &Authorization { handed_on, ..parent })
}

/// A grant in force of the same entry and parties (AUT-18).
pub(super) fn replaceable(
    call: &Call<'_, '_>,
    replaced: &Digest,
    entry: &Digest,
    provider: &str,
) -> Step<Authorization> {
    let old = load(call.overlay, replaced)?;
    let same = old.entry_id == *entry && old.consumer == call.uscc() && old.provider == provider;
    require(same, Rule::AuthorizationReplaces, || replaced.to_string())?;
    require_status(&old, &[Status::Finalized, Status::Suspended])?;
    Ok(old)
}

/// Ends the grant that a finalized one takes the place of; it must be in force until then.
pub(super) fn supersede(call: &mut Call<'_, '_>, replaced: &Digest, by: &Authorization) -> Step {
    let old = load(call.overlay, replaced)?;
    require_status(&old, &[Status::Finalized, Status::Suspended])?;
    let (submitter, at_height) = (call.uscc().to_owned(), call.height());
    let ended = Ended { by: submitter, at_height, reason: None, at_ms: None };
    let superseded = Authorization {
        status: Status::Superseded,
        superseded_by: Some(by.authorization_id),
        ended: Some(ended),
        ..old
    };
    write(call, &superseded)
}

/// Whether everything requested is shared unconditionally, and nothing of it is important or
/// sensitive: then the rules agree in the provider's place.
pub(super) fn is_unconditional(entry: &Entry, action: &AuthorizationRequest) -> bool {
    let content = &entry.content;
    let named = content.items.iter().filter(|item| action.items.contains(&item.item_id));
    let open = named.fold(content.share.kind == ShareType::Unconditional, |open, item| {
        open && content.share_of(item) == ShareType::Unconditional
    });
    open && content.level < Level::Important && content.personal_info != PersonalInfo::Sensitive
}
