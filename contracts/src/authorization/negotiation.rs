//! From request to grant and to its end: one function per action.

use std::collections::BTreeSet;

use mulu_chain::digest::Digest;

use super::form::{check_extent, check_items, check_size};
use super::{
    Authorization, AuthorizationAgree, AuthorizationFinalize, AuthorizationOffer,
    AuthorizationReject, AuthorizationRelinquish, AuthorizationRequest, AuthorizationRevoke,
    AuthorizationStatus as Status, AuthorizationWithdraw, Ended, Totals, onward,
};
use crate::call::Call;
use crate::catalog::ShareType;
use crate::entry::{self, Entry};
use crate::field;
use crate::key::KeyRole;
use crate::limits::{PURPOSE_CHARS_MAX, REASON_CHARS_MAX};
use crate::member::MemberRole;
use crate::overlay::Overlay;
use crate::rejection::{Step, Stop, refuse, require, shown};
use crate::rule::Rule;
use crate::state::{authorization_key, entry_key, office_key};

/// The authorization of an id (AUT-01), of who provides its entry now.
pub(crate) fn load(overlay: &Overlay<'_>, id: &Digest) -> Step<Authorization> {
    let authorization: Option<Authorization> = overlay.get(&authorization_key(id))?;
    let authorization =
        authorization.ok_or_else(|| Stop::Rule(Rule::AuthorizationUnknown, id.to_string()))?;
    let (provider, office) = entry::provider(overlay, &authorization.entry_id)?;
    Ok(authorization.followed(&provider, &office))
}

pub(crate) fn request(call: &mut Call<'_, '_>, action: &AuthorizationRequest) -> Step {
    let Some(office) = call.office().map(str::to_owned) else {
        return refuse(Rule::AuthorizationOffice, "submitter.office is missing");
    };
    call.signers.own(&[KeyRole::Officer, KeyRole::Application], Some(&office))?;
    let consumes = call.submitter.roles.contains(&MemberRole::Consumer);
    require(consumes, Rule::AuthorizationConsumerRole, || call.uscc().to_owned())?;
    let (entry, version) = entry::current(call.overlay, &action.entry_id)?;
    let own = entry.provider == call.uscc();
    require(!own, Rule::AuthorizationSelf, || entry.provider.clone())?;
    entry::require_published(&entry)?;
    let (provider, provider_office) = match &action.parent {
        Some(parent) => onward::hands_on(call, parent, action)?,
        None => {
            require(version == action.entry_version, Rule::AuthorizationVersion, || {
                format!("entry_version is {}, the current one {version}", action.entry_version)
            })?;
            check_shared(&entry, action)?;
            (entry.provider.clone(), entry.content.office.clone())
        }
    };
    let requested = action.extent();
    check_extent(call, &requested, action.onward)?;
    if let Some(replaced) = &action.replaces {
        onward::replaceable(call, replaced, &action.entry_id, &provider)?;
    }
    let unconditional = action.parent.is_none() && onward::is_unconditional(&entry, action);
    require(unconditional || !action.auto_agree, Rule::AuthorizationAutomatic, || {
        entry.entry_id.to_string()
    })?;
    let examined = !call.params.request_compliance || !action.auto_agree;
    require(examined, Rule::AuthorizationExamined, || "request_compliance is true".to_owned())?;
    action.purpose.check()?;
    field::text("scope", &action.scope, PURPOSE_CHARS_MAX)?;
    let answer_days = call.params.deadlines.answer_days(unconditional);
    let authorization = Authorization {
        authorization_id: call.new_record_id(authorization_key)?,
        entry_id: action.entry_id,
        entry_version: action.entry_version,
        consumer: call.uscc().to_owned(),
        consumer_office: office,
        provider,
        provider_office,
        purpose: action.purpose.clone(),
        scope: action.scope.clone(),
        method: action.method,
        requested,
        granted: None,
        status: Status::Requested,
        terms_hash: None,
        requested_at_height: call.height(),
        finalized_at_height: None,
        ended: None,
        totals: Totals::default(),
        replaces: action.replaces,
        superseded_by: None,
        parent: action.parent,
        onward: action.onward,
        suspended_by: None,
        status_reason: None,
        confirmed_at_height: None,
        requested_at_ms: call.noted(answer_days),
        unconditional: unconditional && answer_days > 0,
        finalized_at_ms: None,
        handed_on: Totals::default(),
        agreed_with: None,
        rounds: 0,
        rated_to_ms: None,
    };
    check_size(call, &authorization)?;
    if action.auto_agree {
        return write(call, &authorization.agreed());
    }
    write(call, &authorization)
}

pub(crate) fn offer(call: &mut Call<'_, '_>, action: &AuthorizationOffer) -> Step {
    let authorization = load(call.overlay, &action.authorization_id)?;
    provider_acts(call, &authorization)?;
    require_answerable(call, &authorization, &[Status::Requested, Status::Compliant])?;
    let (granted, requested) = (&action.granted, &authorization.requested);
    check_items(&granted.items)?;
    check_extent(call, granted, authorization.onward)?;
    let asked: BTreeSet<&String> = requested.items.iter().collect();
    let more = granted.items.iter().find(|item| !asked.contains(item));
    require(more.is_none(), Rule::AuthorizationWider, || format!("item {more:?}"))?;
    let emptied = granted.items.is_empty() && !requested.items.is_empty();
    require(!emptied, Rule::AuthorizationItems, || "no item is offered".to_owned())?;
    let inside = requested.window.contains(&granted.window);
    require(inside, Rule::AuthorizationWider, || shown(&granted.window))?;
    let stricter = granted.limits.within(&requested.limits);
    require(stricter, Rule::AuthorizationWider, || shown(&granted.limits))?;
    let (all, some) = (&requested.recipients, &granted.recipients);
    let fewer = all.is_empty() || (!some.is_empty() && some.iter().all(|one| all.contains(one)));
    require(fewer, Rule::AuthorizationWider, || format!("recipients {some:?}"))?;
    let offered =
        Authorization { status: Status::Offered, granted: Some(granted.clone()), ..authorization };
    write(call, &offered)
}

pub(crate) fn agree(call: &mut Call<'_, '_>, action: &AuthorizationAgree) -> Step {
    let authorization = load(call.overlay, &action.authorization_id)?;
    let answered = &[Status::Requested, Status::Compliant, Status::Offered];
    require_answerable(call, &authorization, answered)?;
    match authorization.status {
        Status::Offered => consumer_acts(call, &authorization)?,
        _ => provider_acts(call, &authorization)?,
    }
    write(call, &authorization.agreed())
}

pub(crate) fn finalize(call: &mut Call<'_, '_>, action: &AuthorizationFinalize) -> Step {
    let authorization = load(call.overlay, &action.authorization_id)?;
    let Authorization { consumer, provider, .. } = &authorization;
    let party = call.uscc() == consumer || call.uscc() == provider;
    require(party, Rule::AuthorizationParty, || format!("{} is no party", call.uscc()))?;
    require_status(&authorization, &[Status::Agreed])?;
    require(authorization.terms_hash == Some(action.terms_hash), Rule::AuthorizationTerms, || {
        format!("found {}, agreed were {}", action.terms_hash, shown(&authorization.terms_hash))
    })?;
    for (member, office) in
        [(consumer, &authorization.consumer_office), (provider, &authorization.provider_office)]
    {
        let signed = call.signers.party(member, KeyRole::Officer, office);
        require(signed, Rule::AuthorizationBoth, || format!("no officer of {member} signed"))?;
    }
    let (entry, _) = entry::current(call.overlay, &authorization.entry_id)?;
    entry::require_free(&entry)?;
    let (to, now) = (authorization.extent().window.to_ms, call.block.time_ms);
    require(to >= now.0, Rule::AuthorizationOver, || format!("window.to_ms {to}, now {now}"))?;
    if let Some(parent) = &authorization.parent {
        onward::require_unspent(call, parent)?;
    }
    if let Some(replaced) = &authorization.replaces {
        onward::supersede(call, replaced, &authorization)?;
    }
    let finalized = Authorization {
        status: Status::Finalized,
        finalized_at_height: Some(call.height()),
        finalized_at_ms: call.noted(call.params.deadlines.provision_days),
        ..authorization
    };
    write(call, &finalized)
}

pub(crate) fn reject(call: &mut Call<'_, '_>, action: &AuthorizationReject) -> Step {
    let authorization = load(call.overlay, &action.authorization_id)?;
    provider_acts(call, &authorization)?;
    let open = [Status::Requested, Status::Compliant, Status::Returned, Status::Offered];
    require_status(&authorization, &[open.as_slice(), &[Status::Agreed]].concat())?;
    end(call, authorization, Status::Rejected, Some(&action.reason))
}

pub(crate) fn withdraw(call: &mut Call<'_, '_>, action: &AuthorizationWithdraw) -> Step {
    let authorization = load(call.overlay, &action.authorization_id)?;
    consumer_acts(call, &authorization)?;
    let open = [Status::Requested, Status::Compliant, Status::Returned, Status::Offered];
    require_status(&authorization, &open)?;
    end(call, authorization, Status::Withdrawn, None)
}

pub(crate) fn revoke(call: &mut Call<'_, '_>, action: &AuthorizationRevoke) -> Step {
    let authorization = load(call.overlay, &action.authorization_id)?;
    if call.uscc() == authorization.provider && call.signers.own_has(KeyRole::Officer) {
        provider_acts(call, &authorization)?;
    } else if call.signers.own_has(KeyRole::Authority) {
        call.signers.authority(call.params.authority_threshold)?;
    } else {
        provider_acts(call, &authorization)?;
    }
    require_status(&authorization, &[Status::Finalized, Status::Suspended])?;
    end(call, authorization, Status::Revoked, Some(&action.reason))
}

pub(crate) fn relinquish(call: &mut Call<'_, '_>, action: &AuthorizationRelinquish) -> Step {
    let authorization = load(call.overlay, &action.authorization_id)?;
    consumer_acts(call, &authorization)?;
    require_status(&authorization, &[Status::Finalized, Status::Suspended])?;
    end(call, authorization, Status::Relinquished, None)
}

/// The entry shares what is requested, in the way requested (AUT-05 to AUT-07, AUT-11).
fn check_shared(entry: &Entry, action: &AuthorizationRequest) -> Step {
    let content = &entry.content;
    let shared = content.share.kind != ShareType::None;
    require(shared, Rule::AuthorizationNotShared, || entry.entry_id.to_string())?;
    check_items(&action.items)?;
    let named = action.items.is_empty() == content.items.is_empty();
    require(named, Rule::AuthorizationItems, || {
        format!("{} items named, the entry has {}", action.items.len(), content.items.len())
    })?;
    for id in &action.items {
        let Some(item) = content.items.iter().find(|item| item.item_id == *id) else {
            return refuse(Rule::AuthorizationItems, format!("the entry has no item {id:?}"));
        };
        let shared = content.share_of(item) != ShareType::None;
        require(shared, Rule::AuthorizationItemNotShared, || id.clone())?;
    }
    let methods = &content.share.methods;
    let offered = methods.is_empty() || methods.contains(&action.method);
    require(offered, Rule::AuthorizationMethod, || {
        format!("{} is not among {methods:?}", action.method.name())
    })
}

/// A status that the provider or the consumer may answer (AUT-03), examined before if that is what
/// the consortium does (AUT-24).
fn require_answerable(
    call: &Call<'_, '_>,
    authorization: &Authorization,
    allowed: &[Status],
) -> Step {
    require_status(authorization, allowed)?;
    let waits = call.params.request_compliance && authorization.status == Status::Requested;
    require(!waits, Rule::AuthorizationExamined, || "request_compliance is true".to_owned())
}

pub(super) fn provider_acts(call: &Call<'_, '_>, authorization: &Authorization) -> Step {
    let alone = call.delegate() != Some(authorization.consumer.as_str());
    require(alone && call.uscc() == authorization.provider, Rule::AuthorizationParty, || {
        format!("the provider is {}", authorization.provider)
    })?;
    call.signers.own(&[KeyRole::Officer], Some(&authorization.provider_office))
}

pub(super) fn consumer_acts(call: &Call<'_, '_>, authorization: &Authorization) -> Step {
    let alone = call.delegate() != Some(authorization.provider.as_str());
    require(alone && call.uscc() == authorization.consumer, Rule::AuthorizationParty, || {
        format!("the consumer is {}", authorization.consumer)
    })?;
    call.signers.own(&[KeyRole::Officer], Some(&authorization.consumer_office))
}

pub(super) fn require_status(authorization: &Authorization, allowed: &[Status]) -> Step {
    require(allowed.contains(&authorization.status), Rule::AuthorizationStatus, || {
        format!("it is {}, must be one of {}", shown(&authorization.status), shown(allowed))
    })
}

pub(super) fn end(
    call: &mut Call<'_, '_>,
    authorization: Authorization,
    status: Status,
    reason: Option<&String>,
) -> Step {
    field::optional("reason", reason, REASON_CHARS_MAX)?;
    let disputable = status == Status::Rejected;
    let ended = Ended {
        by: call.uscc().to_owned(),
        at_height: call.height(),
        reason: reason.cloned(),
        at_ms: call.noted(call.params.deadlines.dispute_days).filter(|_| disputable),
    };
    write(call, &Authorization { status, ended: Some(ended), ..authorization })
}

pub(super) fn write(call: &mut Call<'_, '_>, authorization: &Authorization) -> Step {
    let key = authorization_key(&authorization.authorization_id);
    call.touch(key.clone());
    call.touch(entry_key(&authorization.entry_id));
    call.touch(office_key(&authorization.consumer_office));
    call.touch(office_key(&authorization.provider_office));
    call.overlay.put(key, authorization)
}
