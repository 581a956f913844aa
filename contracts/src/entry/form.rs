//! What is checked of a content without looking at any other record (content checks 1 to 7).

use super::content::{EntryContent, Extension, Item, Registration, is_resource_code};
use crate::catalog::{PersonalInfo, ShareType};
use crate::class;
use crate::field;
use crate::limits::{
    ALIAS_CHARS_MAX, BINDINGS_MAX, CLASS_LEVELS_MAX, CODES_MAX, CONDITION_CHARS_MAX, DUTIES_MAX,
    ENTRY_NAME_CHARS_MAX, EXTENSIONS_BYTES_MAX, EXTENSIONS_MAX, FORMAT_NOTE_CHARS_MAX,
    FORMAT_TYPE_CHARS_MAX, FORMATS_MAX, ITEM_DESCRIPTION_CHARS_MAX, ITEM_ID_CHARS_MAX, ITEMS_MAX,
    KEYWORD_CHARS_MAX, KEYWORDS_MAX, LABEL_CHARS_MAX, METHODS_MAX, NAME_CHARS_MAX,
    REASON_CHARS_MAX, RELATED_MAX, SOURCE_CHARS_MAX, STANDARD_ITEMS_MAX, SUMMARY_CHARS_MAX,
    TABLE_NAME_CHARS_MAX,
};
use crate::rejection::{Step, require, shown};
use crate::rule::Rule;

/// Checks a content by itself; `today` is the block's date.
pub(crate) fn check(content: &EntryContent, today: &str) -> Step {
    require(!content.secret, Rule::EntrySecret, || "secret is true".to_owned())?;
    check_names(content)?;
    check_formats_and_items(content)?;
    check_share(content)?;
    check_levels(content)?;
    check_bindings(content)?;
    field::date("published_at", &content.published_at)?;
    let past = content.published_at.as_str() <= today;
    require(past, Rule::EntryPublishedAt, || {
        format!("published_at is {}, the block's date {today}", content.published_at)
    })
}

fn check_names(content: &EntryContent) -> Step {
    field::count("codes", content.codes.len(), 1, CODES_MAX)?;
    for code in content.codes.iter().chain(&content.related) {
        require(is_resource_code(code), Rule::EntryCodeForm, || format!("found {code:?}"))?;
    }
    field::distinct("codes", Rule::FieldDuplicate, &content.codes)?;
    field::text("name", &content.name, ENTRY_NAME_CHARS_MAX)?;
    field::optional("alias", content.alias.as_ref(), ALIAS_CHARS_MAX)?;
    field::count("keywords", content.keywords.len(), 0, KEYWORDS_MAX)?;
    for keyword in &content.keywords {
        field::text("keyword", keyword, KEYWORD_CHARS_MAX)?;
    }
    field::region(&content.region)?;
    field::text("summary", &content.summary, SUMMARY_CHARS_MAX)?;
    field::count("related", content.related.len(), 0, RELATED_MAX)?;
    let itself = content.related.iter().find(|code| content.codes.contains(code));
    require(itself.is_none(), Rule::EntryRelatedSelf, || format!("{itself:?}"))?;
    field::count("class_path", content.class_path.len(), 0, CLASS_LEVELS_MAX)?;
    for name in &content.class_path {
        field::text("class_path", name, NAME_CHARS_MAX)?;
    }
    class::check_path(content)?;
    field::count("authoritative_for", content.authoritative_for.len(), 0, STANDARD_ITEMS_MAX)?;
    for item in &content.authoritative_for {
        field::text("standard item", item, ITEM_ID_CHARS_MAX)?;
    }
    field::distinct("authoritative_for", Rule::FieldDuplicate, &content.authoritative_for)?;
    check_source(content)?;
    check_registration(content)?;
    check_extensions(&content.extensions)
}

fn check_registration(content: &EntryContent) -> Step {
    let Some(Registration { code, date, valid_to, .. }) = &content.registration else {
        return Ok(());
    };
    field::text("registration.code", code, ITEM_ID_CHARS_MAX)?;
    field::date("registration.date", date)?;
    let Some(to) = valid_to else { return Ok(()) };
    field::date("registration.valid_to", to)?;
    require(date <= to, Rule::FieldDates, || format!("registration: {date} to {to}"))
}

fn check_extensions(extensions: &[Extension]) -> Step {
    field::count("extensions", extensions.len(), 0, EXTENSIONS_MAX)?;
    for Extension { name, value } in extensions {
        field::text("extension name", name, LABEL_CHARS_MAX)?;
        field::text("extension value", value, CONDITION_CHARS_MAX)?;
    }
    field::distinct("extensions", Rule::FieldDuplicate, extensions.iter().map(|e| &e.name))?;
    let lengths = extensions.iter().map(|e| e.name.len().saturating_add(e.value.len()));
    let bytes = lengths.fold(0, usize::saturating_add);
    require(bytes <= EXTENSIONS_BYTES_MAX, Rule::EntryExtensions, || format!("{bytes} bytes"))
}

fn check_source(content: &EntryContent) -> Step {
    let Some(source) = &content.source else { return Ok(()) };
    field::text("source.system", &source.system, SOURCE_CHARS_MAX)?;
    field::text("source.identifier", &source.identifier, SOURCE_CHARS_MAX)?;
    field::optional("source.fetched_at", source.fetched_at.as_ref(), FORMAT_NOTE_CHARS_MAX)
}

fn check_formats_and_items(content: &EntryContent) -> Step {
    field::count("formats", content.formats.len(), 1, FORMATS_MAX)?;
    for format in &content.formats {
        field::text("format type", &format.kind, FORMAT_TYPE_CHARS_MAX)?;
        field::optional("format note", format.note.as_ref(), FORMAT_NOTE_CHARS_MAX)?;
    }
    field::count("items", content.items.len(), 0, ITEMS_MAX)?;
    for item in &content.items {
        field::text("item_id", &item.item_id, ITEM_ID_CHARS_MAX)?;
        field::optional("item code", item.code.as_ref(), ITEM_ID_CHARS_MAX)?;
        field::text("item name", &item.name, ITEM_ID_CHARS_MAX)?;
        field::optional("item desc", item.desc.as_ref(), ITEM_DESCRIPTION_CHARS_MAX)?;
        field::optional("item table", item.table.as_ref(), TABLE_NAME_CHARS_MAX)?;
        field::optional("item column", item.column.as_ref(), TABLE_NAME_CHARS_MAX)?;
    }
    let ids = content.items.iter().map(|item| &item.item_id);
    field::distinct("items", Rule::EntryItemTwice, ids)?;
    let plain = content.formats.iter().all(|format| format.category.may_lack_items());
    require(!content.items.is_empty() || plain, Rule::EntryNoItems, || {
        format!("formats {}", shown(&content.formats))
    })
}

fn check_share(content: &EntryContent) -> Step {
    let share = &content.share;
    field::optional("share.condition", share.condition.as_ref(), CONDITION_CHARS_MAX)?;
    field::optional("share.no_share_basis", share.no_share_basis.as_ref(), CONDITION_CHARS_MAX)?;
    field::count("share.methods", share.methods.len(), 0, METHODS_MAX)?;
    let names = share.methods.iter().map(|method| method.name());
    field::distinct("share.methods", Rule::FieldDuplicate, names)?;
    field::optional("open.condition", content.open.condition.as_ref(), CONDITION_CHARS_MAX)?;
    let (condition, basis) = (share.condition.is_some(), share.no_share_basis.is_some());
    let kind = share.kind;
    let conditional = kind == ShareType::Conditional;
    require(condition || !conditional, Rule::EntryCondition, || "no condition".to_owned())?;
    require(basis || kind != ShareType::None, Rule::EntryNoShareBasis, || "no basis".to_owned())?;
    let surplus = (condition && !conditional) || (basis && kind != ShareType::None);
    require(!surplus, Rule::EntryShareSurplus, || {
        format!("type {kind:?}, condition {condition}, no_share_basis {basis}")
    })?;
    require(!content.open.is_open || kind != ShareType::None, Rule::EntryOpen, || {
        "open.is_open is true and share.type none".to_owned()
    })?;
    let unshared = |item: &&Item| content.share_of(item) == ShareType::None;
    let item = content.items.iter().filter(unshared).find(|item| item.open == Some(true));
    require(item.is_none(), Rule::EntryOpen, || {
        format!("item {}", item.map(|item| item.item_id.as_str()).unwrap_or_default())
    })
}

fn check_levels(content: &EntryContent) -> Step {
    for item in &content.items {
        require(item.level.is_none_or(|level| level <= content.level), Rule::EntryLevel, || {
            let (own, of_entry) = (shown(&item.level), shown(&content.level));
            format!("item {} is {own}, the entry {of_entry}", item.item_id)
        })?;
        let personal = item.personal_info.unwrap_or(content.personal_info);
        let open = content.share_of(item) == ShareType::Unconditional;
        require(personal != PersonalInfo::Sensitive || !open, Rule::EntrySensitive, || {
            format!("item {}", item.item_id)
        })?;
    }
    let open = content.share.kind == ShareType::Unconditional;
    let sensitive = content.personal_info == PersonalInfo::Sensitive;
    require(!sensitive || !open, Rule::EntrySensitive, || "the entry".to_owned())
}

fn check_bindings(content: &EntryContent) -> Step {
    field::count("responsibilities", content.responsibilities.len(), 1, DUTIES_MAX)?;
    field::distinct("responsibilities", Rule::FieldDuplicate, &content.responsibilities)?;
    field::count("systems", content.systems.len(), 0, BINDINGS_MAX)?;
    field::optional("no_system", content.no_system.as_ref(), REASON_CHARS_MAX)?;
    let either = content.systems.is_empty() == content.no_system.is_some();
    require(either, Rule::EntrySystems, || {
        format!("{} systems, no_system {}", content.systems.len(), shown(&content.no_system))
    })?;
    for item in &content.items {
        let Some(system) = &item.system else { continue };
        let bound = content.systems.iter().any(|binding| binding.system == *system);
        require(bound, Rule::EntryItemSystem, || format!("item {}: {system}", item.item_id))?;
    }
    Ok(())
}
