//! Authorizations, derived again from request to end, and that none is missing.

use mulu_chain::digest::Digest;
use mulu_contracts::action::Action;
use mulu_contracts::authorization::{
    Authorization, AuthorizationRequest, AuthorizationStatus as Status, Counts, Ended, RatedTo,
    Totals,
};
use mulu_contracts::catalog::ShareType;
use mulu_contracts::receipt::{Receipt, ReceiptKind, ReceiptRecord};
use mulu_contracts::state::{authorization_key, receipt_key, record_id};

use super::entries::Versions;
use super::story::{Act, Story};

/// Derives every authorization whose history the bundle has and compares it with the proved record.
pub fn derive(story: &Story, versions: Option<&Versions>) -> Result<usize, String> {
    let mut derived = 0usize;
    for history in story.histories("authorization/") {
        let subject = &history.subject;
        let recorded: Option<Authorization> = story.record(subject)?;
        let Some(recorded) = recorded else {
            if history.events.is_empty() {
                continue;
            }
            return Err(format!("{subject} has a history but no record"));
        };
        let mut current: Option<Authorization> = None;
        for act in story.acts(history)? {
            let step = match (act.action, current.take()) {
                (Action::AuthorizationRequest(request), None) => {
                    requested(&act, request, &recorded, versions)
                }
                (_, Some(authorization)) => {
                    let authorization = followed(&act, authorization, &recorded, versions);
                    next(&act, authorization, &recorded, story)
                }
                (_, None) => Err("its history does not begin with a request".to_owned()),
            };
            current = Some(step.map_err(|why| format!("{subject}: {why}"))?);
        }
        let current = current.ok_or_else(|| format!("{subject} has a record but no history"))?;
        if authorization_key(&current.authorization_id) != *subject {
            return Err(format!("{subject}: its request made another authorization"));
        }
        story.expect(subject, &current)?;
        derived = derived.saturating_add(1);
    }
    Ok(derived)
}

/// The authorization a request makes. Provider and its office come from the entry's version where
/// the bundle tells it, else from the record.
fn requested(
    act: &Act<'_>,
    request: &AuthorizationRequest,
    recorded: &Authorization,
    versions: Option<&Versions>,
) -> Result<Authorization, String> {
    let office = act.office().ok_or("it was requested without an office")?;
    // A grant that is handed on was checked against its parent, not against the entry.
    let told = versions.filter(|versions| versions.tells(&request.entry_id));
    let told = told.filter(|_| request.parent.is_none());
    let with = recorded.agreed_with.as_ref();
    let mut provider = with.map_or(&recorded.provider, |with| &with.member);
    let mut provider_office = with.map_or(&recorded.provider_office, |with| &with.office);
    if let Some(versions) = told {
        let version = versions
            .before(&request.entry_id, act.place())
            .ok_or("it was requested before its entry was published")?;
        if version.hash != request.entry_version {
            return Err(format!(
                "it pins {}, the entry stood at {}",
                request.entry_version, version.hash
            ));
        }
        let content = &version.entry.content;
        let shares = |id: &String| {
            let item = content.items.iter().find(|item| item.item_id == *id);
            item.is_some_and(|item| content.share_of(item) != ShareType::None)
        };
        if let Some(item) = request.items.iter().find(|item| !shares(item)) {
            return Err(format!("it names the item {item}, which the entry does not share"));
        }
        (provider, provider_office) = (&version.entry.provider, &content.office);
    }
    let made = Authorization {
        authorization_id: record_id(&act.event.transaction, act.event.action),
        entry_id: request.entry_id,
        entry_version: request.entry_version,
        consumer: act.member().to_owned(),
        consumer_office: office.to_owned(),
        provider: provider.clone(),
        provider_office: provider_office.clone(),
        purpose: request.purpose.clone(),
        scope: request.scope.clone(),
        method: request.method,
        requested: request.extent(),
        granted: None,
        status: Status::Requested,
        terms_hash: None,
        requested_at_height: act.event.height,
        finalized_at_height: None,
        ended: None,
        totals: Totals::default(),
        replaces: request.replaces,
        superseded_by: None,
        parent: request.parent,
        onward: request.onward,
        suspended_by: None,
        status_reason: None,
        confirmed_at_height: None,
        requested_at_ms: act.noted(recorded.requested_at_ms),
        unconditional: recorded.unconditional,
        finalized_at_ms: None,
        handed_on: Totals::default(),
        agreed_with: None,
        rounds: 0,
        rated_to_ms: None,
    };
    Ok(if request.auto_agree { made.agreed() } else { made })
}

/// The authorization of who provided its entry when an action wrote it.
fn followed(
    act: &Act<'_>,
    before: Authorization,
    recorded: &Authorization,
    versions: Option<&Versions>,
) -> Authorization {
    let writes = match act.action {
        Action::ObjectionOpen(_) | Action::ObjectionDecide(_) | Action::ObjectionWithdraw(_) => {
            false
        }
        Action::AuthorizationRequest(_) => false,
        Action::AuthorizationCounter(counter) => {
            counter.authorization_id == before.authorization_id
        }
        Action::AuthorizationFinalize(finalize) => {
            let own = finalize.authorization_id == before.authorization_id;
            own || recorded.superseded_by == Some(finalize.authorization_id)
        }
        Action::ReceiptRecord(r) => !matches!(r.kind, ReceiptKind::Denied | ReceiptKind::Deleted),
        _ => true,
    };
    if !writes {
        return before;
    }
    match versions.and_then(|versions| versions.before(&before.entry_id, act.place())) {
        Some(version) => before.followed(&version.entry.provider, &version.entry.content.office),
        None if recorded.agreed_with.is_some() && act.member() == recorded.provider => {
            before.followed(&recorded.provider, &recorded.provider_office)
        }
        None => before,
    }
}

/// The other authorization that an action is about: one that hands this one on, or replaces it. Its
/// request, finalization and receipts are events of this one, too.
fn about_another(action: &Action, id: &Digest) -> Option<Option<Digest>> {
    match action {
        Action::AuthorizationRequest(request) => (request.parent == Some(*id)).then_some(None),
        Action::AuthorizationCounter(counter) => {
            Some(Some(counter.authorization_id)).filter(|other| *other != Some(*id))
        }
        Action::AuthorizationFinalize(finalize) => {
            Some(Some(finalize.authorization_id)).filter(|other| *other != Some(*id))
        }
        Action::ReceiptRecord(receipt) => {
            Some(Some(receipt.authorization_id)).filter(|other| *other != Some(*id))
        }
        _ => None,
    }
}

/// This authorization after an action about another one: superseded by it, or as before.
fn another(
    act: &Act<'_>,
    before: Authorization,
    recorded: &Authorization,
    other: Option<Digest>,
) -> Authorization {
    let finalized = matches!(act.action, Action::AuthorizationFinalize(_));
    if !finalized || recorded.superseded_by != other {
        return before;
    }
    let before = Authorization { superseded_by: other, ..before };
    end(act, before, Status::Superseded, None)
}

/// The authorization after one more action.
fn next(
    act: &Act<'_>,
    before: Authorization,
    recorded: &Authorization,
    story: &Story,
) -> Result<Authorization, String> {
    let id = before.authorization_id;
    if let (Action::ReceiptRecord(receipt), Some(_)) =
        (act.action, about_another(act.action, &id).flatten())
    {
        let handed_on = counted(before.handed_on, receipt, corrected(story, receipt)?);
        return Ok(Authorization { handed_on, ..before });
    }
    if let Some(other) = about_another(act.action, &id) {
        return Ok(another(act, before, recorded, other));
    }
    let about = |found: &Digest| {
        if *found == id {
            Ok(())
        } else {
            Err(format!("an action about {found} is in its history"))
        }
    };
    let by_party = |party: &str, who: &str| {
        if act.member() == party {
            Ok(())
        } else {
            Err(format!("{} acted, who is not the {who}", act.member()))
        }
    };
    let from = |allowed: &[Status]| {
        let name = act.action.name();
        if allowed.contains(&before.status) {
            Ok(())
        } else {
            Err(format!("{name} on an authorization that is {:?}", before.status))
        }
    };
    let open = [Status::Requested, Status::Compliant, Status::Returned, Status::Offered];
    match act.action {
        Action::AuthorizationExamine(examine) => {
            about(&examine.authorization_id)?;
            from(&[Status::Requested])?;
            let status = if examine.compliant { Status::Compliant } else { Status::Returned };
            Ok(Authorization { status, status_reason: Some(examine.reason.clone()), ..before })
        }
        Action::AuthorizationCounter(counter) => {
            about(&counter.authorization_id)?;
            by_party(&before.consumer, "consumer")?;
            from(&[Status::Offered, Status::Returned])?;
            let asked = &counter.requested;
            if !asked.items.iter().all(|item| before.requested.items.contains(item)) {
                return Err("an item is requested that was not requested before".to_owned());
            }
            Ok(Authorization {
                requested: asked.clone(),
                granted: None,
                status: Status::Requested,
                rounds: before.rounds.saturating_add(1),
                requested_at_ms: act.noted(recorded.requested_at_ms),
                ..before
            })
        }
        Action::AuthorizationOffer(offer) => {
            about(&offer.authorization_id)?;
            by_party(&before.provider, "provider")?;
            from(&[Status::Requested, Status::Compliant])?;
            let (granted, asked) = (&offer.granted, &before.requested);
            let narrower = granted.items.iter().all(|item| asked.items.contains(item))
                && asked.window.contains(&granted.window)
                && granted.limits.within(&asked.limits);
            if !narrower {
                return Err("more is offered than was requested".to_owned());
            }
            Ok(Authorization { status: Status::Offered, granted: Some(granted.clone()), ..before })
        }
        Action::AuthorizationAgree(agree) => {
            about(&agree.authorization_id)?;
            match before.status {
                Status::Offered => by_party(&before.consumer, "consumer")?,
                _ => by_party(&before.provider, "provider")?,
            }
            from(&[Status::Requested, Status::Compliant, Status::Offered])?;
            Ok(before.agreed())
        }
        Action::AuthorizationFinalize(finalize) => {
            about(&finalize.authorization_id)?;
            from(&[Status::Agreed])?;
            if before.terms_hash != Some(finalize.terms_hash) {
                return Err("other terms were finalized than agreed".to_owned());
            }
            let finalized_at_height = Some(act.event.height);
            let finalized_at_ms = act.noted(recorded.finalized_at_ms);
            let status = Status::Finalized;
            Ok(Authorization { status, finalized_at_height, finalized_at_ms, ..before })
        }
        Action::AuthorizationReject(reject) => {
            about(&reject.authorization_id)?;
            by_party(&before.provider, "provider")?;
            from(&[open.as_slice(), &[Status::Agreed]].concat())?;
            let refused = recorded.ended.as_ref().and_then(|ended| ended.at_ms);
            let mut rejected = end(act, before, Status::Rejected, Some(&reject.reason));
            rejected.ended = rejected.ended.map(|e| Ended { at_ms: act.noted(refused), ..e });
            Ok(rejected)
        }
        Action::AuthorizationWithdraw(withdraw) => {
            about(&withdraw.authorization_id)?;
            by_party(&before.consumer, "consumer")?;
            from(&open)?;
            Ok(end(act, before, Status::Withdrawn, None))
        }
        Action::AuthorizationRevoke(revoke) => {
            about(&revoke.authorization_id)?;
            from(&[Status::Finalized, Status::Suspended])?;
            Ok(end(act, before, Status::Revoked, Some(&revoke.reason)))
        }
        Action::AuthorizationRelinquish(relinquish) => {
            about(&relinquish.authorization_id)?;
            by_party(&before.consumer, "consumer")?;
            from(&[Status::Finalized, Status::Suspended])?;
            Ok(end(act, before, Status::Relinquished, None))
        }
        Action::AuthorizationSuspend(suspend) => {
            about(&suspend.authorization_id)?;
            from(&[Status::Finalized])?;
            let suspended_by = Some(act.member().to_owned());
            let status_reason = Some(suspend.reason.clone());
            Ok(Authorization { status: Status::Suspended, suspended_by, status_reason, ..before })
        }
        Action::AuthorizationResume(resume) => {
            about(&resume.authorization_id)?;
            from(&[Status::Suspended])?;
            let status_reason = Some(resume.reason.clone());
            let (status, suspended_by) = (Status::Finalized, None);
            Ok(Authorization { status, suspended_by, status_reason, ..before })
        }
        Action::AuthorizationConfirm(confirm) => {
            about(&confirm.authorization_id)?;
            by_party(&before.provider, "provider")?;
            from(&[Status::Finalized, Status::Suspended])?;
            Ok(Authorization { confirmed_at_height: Some(act.event.height), ..before })
        }
        Action::AuthorizationDispute(dispute) => {
            about(&dispute.authorization_id)?;
            by_party(&before.consumer, "consumer")?;
            from(&[Status::Rejected])?;
            let status_reason = Some(dispute.reason.clone());
            Ok(Authorization { status: Status::Disputed, status_reason, ..before })
        }
        Action::AuthorizationDecide(decide) => {
            about(&decide.authorization_id)?;
            from(&[Status::Disputed])?;
            if !decide.grant {
                return Ok(end(act, before, Status::Refused, Some(&decide.reason)));
            }
            let granted = Some(before.requested.clone());
            let status_reason = Some(decide.reason.clone());
            Ok(Authorization { granted, status_reason, ended: None, ..before }.agreed())
        }
        Action::ReceiptRecord(receipt) => {
            about(&receipt.authorization_id)?;
            Ok(Authorization {
                totals: counted(before.totals, receipt, corrected(story, receipt)?),
                rated_to_ms: rated(&before, receipt),
                ..before
            })
        }
        // Contested, not changed.
        Action::ObjectionOpen(_) | Action::ObjectionDecide(_) | Action::ObjectionWithdraw(_) => {
            Ok(before)
        }
        other => Err(format!("{} is in its history", other.name())),
    }
}

/// The counts that a receipt replaces: those of the receipt it corrects.
pub fn corrected(story: &Story, receipt: &ReceiptRecord) -> Result<Counts, String> {
    let Some(id) = &receipt.corrects else { return Ok(Counts::default()) };
    let old: Option<Receipt> = story.record(&receipt_key(id))?;
    old.map(|old| old.counts).ok_or_else(|| format!("{id} is corrected, but not in the bundle"))
}

/// Where the receipts of each kind end after one more, if there is a rate; a correction moves nothing.
fn rated(before: &Authorization, receipt: &ReceiptRecord) -> Option<RatedTo> {
    let counts = !matches!(receipt.kind, ReceiptKind::Denied | ReceiptKind::Deleted);
    if before.extent().limits.rate.is_none() || receipt.corrects.is_some() || !counts {
        return before.rated_to_ms;
    }
    Some(before.rated_to_ms.unwrap_or_default().with(receipt.kind, receipt.window.to_ms))
}

/// Totals after one more receipt, which replaces some counts; an attempt denied or a deletion counts
/// nothing.
pub fn counted(mut totals: Totals, receipt: &ReceiptRecord, replaced: Counts) -> Totals {
    let total = match receipt.kind {
        ReceiptKind::Delivered => &mut totals.delivered,
        ReceiptKind::Received => &mut totals.received,
        ReceiptKind::Used => &mut totals.used,
        ReceiptKind::Denied | ReceiptKind::Deleted => return totals,
    };
    *total = Counts {
        calls: total.calls.saturating_sub(replaced.calls).saturating_add(receipt.counts.calls),
        records: total
            .records
            .saturating_sub(replaced.records)
            .saturating_add(receipt.counts.records),
        bytes: total.bytes.saturating_sub(replaced.bytes).saturating_add(receipt.counts.bytes),
    };
    totals
}

fn end(
    act: &Act<'_>,
    before: Authorization,
    status: Status,
    reason: Option<&String>,
) -> Authorization {
    let by = act.member().to_owned();
    let ended = Ended { by, at_height: act.event.height, reason: reason.cloned(), at_ms: None };
    Authorization { status, ended: Some(ended), ..before }
}

/// Every authorization that an entry's complete history created is in the bundle with its own
/// complete history: these are all of them.
pub fn complete(story: &Story) -> Result<usize, String> {
    let mut found = 0usize;
    for history in story.histories("entry/") {
        for act in story.acts(history)? {
            if !matches!(act.action, Action::AuthorizationRequest(_)) {
                continue;
            }
            let id = record_id(&act.event.transaction, act.event.action);
            let subject = authorization_key(&id);
            let told = story.histories.iter().any(|history| history.subject == subject);
            if !told {
                return Err(format!("{}: {subject} is missing", history.subject));
            }
            found = found.saturating_add(1);
        }
    }
    Ok(found)
}
