//! What a content must be to be published by a provider: sound by itself, in what it refers to, and in
//! what it takes for itself.

use std::collections::{BTreeMap, BTreeSet};

use mulu_chain::digest::Digest;

use super::{EntryContent, current, form};
use crate::call::Call;
use crate::date::date_of;
use crate::rejection::{Step, Stop, require, shown};
use crate::rule::Rule;
use crate::state::{authoritative_key, code_key, entry_name_key, source_key};
use crate::{class, duty, office, region, system};

/// Checks the content by itself, then its signers (ENT-22), then what it refers to.
pub(super) fn check_content(
    call: &mut Call<'_, '_>,
    content: &EntryContent,
    provider: &str,
) -> Step {
    form::check(content, &date_of(call.block.time_ms))?;
    if content.needs_authority() {
        let signed = call.signers.authorities(call.params.authority_threshold);
        signed.map_err(|stop| match stop {
            Stop::Rule(_, detail) => Stop::Rule(Rule::EntryCore, detail),
            world => world,
        })?;
    }
    check_references(call, content, provider)
}

/// Office, region, classes, duties, systems and related codes stand; what is the provider's to have
/// is its own.
pub(super) fn check_references(
    call: &Call<'_, '_>,
    content: &EntryContent,
    provider: &str,
) -> Step {
    let overlay = &*call.overlay;
    office::in_force(overlay, &content.office, provider)?;
    let today = date_of(call.block.time_ms);
    region::in_force(overlay, &content.region, &today)?;
    class::check_codes(overlay, content)?;
    for id in &content.responsibilities {
        duty::in_force(overlay, id, provider, &today)?;
    }
    let mut declared: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for binding in &content.systems {
        let system = system::in_force(overlay, &binding.system, provider)?;
        let tables = system.tables.into_iter().map(|table| table.name).collect();
        let tables = declared.entry(system.id).or_insert(tables);
        let there = binding.table.as_ref().is_none_or(|table| tables.contains(table));
        require(there, Rule::SystemTable, || format!("{:?} of {}", binding.table, binding.system))?;
    }
    for item in &content.items {
        let Some(table) = &item.table else { continue };
        let tables = item.system.as_ref().and_then(|system| declared.get(system));
        let there = tables.is_some_and(|tables| tables.contains(table));
        require(there, Rule::SystemTable, || {
            format!("item {}: {table:?} of {}", item.item_id, shown(&item.system))
        })?;
    }
    for code in &content.related {
        let there = overlay.has(&code_key(code))?;
        require(there, Rule::EntryRelated, || format!("no entry has {code}"))?;
    }
    Ok(())
}

/// Whether an entry takes its codes for the first time, or may already have them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    First,
    Again,
}

/// Takes the entry's codes, name, standard items and source for it.
pub(super) fn claim(
    call: &mut Call<'_, '_>,
    id: &Digest,
    content: &EntryContent,
    claim: Claim,
    provider: &str,
) -> Step {
    check_claims(call, id, content, claim, provider)?;
    for code in &content.codes {
        call.overlay.put(code_key(code), id)?;
    }
    call.overlay.put(entry_name_key(provider, &content.name), id)?;
    for item in &content.authoritative_for {
        call.overlay.put(authoritative_key(item), id)?;
    }
    let Some(source) = &content.source else { return Ok(()) };
    call.overlay.put(source_key(&source.system, &source.identifier), id)
}

/// Codes, name, standard items and source are free, or the entry's own (ENT-06, ENT-07, ENT-25,
/// ENT-20).
pub(super) fn check_claims(
    call: &Call<'_, '_>,
    id: &Digest,
    content: &EntryContent,
    claim: Claim,
    provider: &str,
) -> Step {
    for code in &content.codes {
        // An entry's id is the hash of its first code: a second publication of that code would
        // have the id of the first and must not be taken for its revision.
        let owner: Option<Digest> = call.overlay.get(&code_key(code))?;
        let free = owner.is_none_or(|owner| claim == Claim::Again && owner == *id);
        require(free, Rule::EntryCodeTaken, || format!("{code} belongs to {owner:?}"))?;
    }
    if let Some(other) = call.overlay.get::<Digest>(&entry_name_key(provider, &content.name))?
        && other != *id
    {
        // The index keeps names that were given up; only a live entry of that name counts.
        let (entry, _) = current(call.overlay, &other)?;
        let same = entry.provider == provider && entry.content.name == content.name;
        let live = entry.status.is_live() && same;
        require(!live, Rule::EntryNameTaken, || format!("{} is {other}", content.name))?;
    }
    for item in &content.authoritative_for {
        if let Some(other) = call.overlay.get::<Digest>(&authoritative_key(item))?
            && other != *id
        {
            let (entry, _) = current(call.overlay, &other)?;
            let holds = entry.status.is_live() && entry.content.authoritative_for.contains(item);
            require(!holds, Rule::EntryAuthoritative, || format!("{item} is {other}'s"))?;
        }
    }
    let Some(source) = &content.source else { return Ok(()) };
    let owner: Option<Digest> =
        call.overlay.get(&source_key(&source.system, &source.identifier))?;
    require(owner.is_none_or(|owner| owner == *id), Rule::EntrySourceTaken, || {
        format!("{} {} is {owner:?}", source.system, source.identifier)
    })
}
