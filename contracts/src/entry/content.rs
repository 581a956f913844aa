//! What a provider says of an entry: the metadata of the 2017 guide, and what is checked of it
//! without looking at any other record.

use mulu_chain::digest::Digest;
use serde::{Deserialize, Serialize};

use crate::catalog::{
    FormatCategory, ItemType, Level, PersonalInfo, ShareMethod, ShareType, UpdateCycle,
};
use crate::class;
use crate::field;
use crate::limits::{
    ALIAS_CHARS_MAX, BINDINGS_MAX, CLASS_LEVELS_MAX, CODES_MAX, CONDITION_CHARS_MAX, DUTIES_MAX,
    ENTRY_NAME_CHARS_MAX, FORMAT_NOTE_CHARS_MAX, FORMAT_TYPE_CHARS_MAX, FORMATS_MAX,
    ITEM_DESCRIPTION_CHARS_MAX, ITEM_ID_CHARS_MAX, ITEMS_MAX, KEYWORD_CHARS_MAX, KEYWORDS_MAX,
    METHODS_MAX, NAME_CHARS_MAX, REASON_CHARS_MAX, RELATED_MAX, RESOURCE_CODE_BYTES_MAX,
    SOURCE_CHARS_MAX, STANDARD_ITEMS_MAX, SUMMARY_CHARS_MAX, TABLE_NAME_CHARS_MAX,
};
use crate::rejection::{Step, require, shown};
use crate::rule::Rule;

/// The content of one version of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryContent {
    /// 信息资源代码, the primary one first.
    pub codes: Vec<String>,
    /// 类, 项, 目 and 细目 of the primary code, by their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class_path: Vec<String>,
    /// 名称.
    pub name: String,
    /// 别名.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// 关键字.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// 处室, as id.
    pub office: String,
    /// 行政区划, six digits.
    pub region: String,
    /// 摘要.
    pub summary: String,
    /// 格式.
    pub formats: Vec<Format>,
    /// 信息项.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
    /// 共享属性.
    pub share: Share,
    /// 开放属性.
    pub open: Open,
    /// 更新周期.
    pub update_cycle: UpdateCycle,
    /// 发布日期.
    pub published_at: String,
    /// 关联资源代码.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<String>,
    /// 数据级别.
    pub level: Level,
    /// 个人信息.
    pub personal_info: PersonalInfo,
    /// 涉密: must be false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// 职责, as ids.
    pub responsibilities: Vec<String>,
    /// 信息系统 and 库表.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub systems: Vec<Binding>,
    /// Why no system holds the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_system: Option<String>,
    /// 一数一源: standard items for which this entry is the one source, by their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authoritative_for: Vec<String>,
    /// 导入来源.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// 公共数据资源登记.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Registration>,
}

/// The entry's registration as a public data resource, as its certificate says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// 登记类型.
    #[serde(rename = "type")]
    pub kind: RegistrationType,
    /// 登记编码.
    pub code: String,
    /// 登记日期.
    pub date: String,
    /// Last date of the certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<String>,
}

/// 登记类型.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegistrationType {
    /// 首次登记.
    First,
    /// 变更登记.
    Change,
    /// 更正登记.
    Correction,
    /// 注销登记.
    Cancellation,
}

/// 格式.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Format {
    /// 分类.
    pub category: FormatCategory,
    /// 类型, such as `xlsx`.
    #[serde(rename = "type")]
    pub kind: String,
    /// 说明.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// 信息项.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its id within the entry; keeps its meaning over versions.
    pub item_id: String,
    /// 代码.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// 名称.
    pub name: String,
    /// 描述.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desc: Option<String>,
    /// 数据类型.
    #[serde(rename = "type")]
    pub kind: ItemType,
    /// 长度.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u32>,
    /// Stricter sharing than the entry's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<ShareType>,
    /// Whether it is open, if otherwise than the entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<bool>,
    /// 更新周期, if otherwise than the entry's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_cycle: Option<UpdateCycle>,
    /// 数据级别, at most the entry's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// 个人信息.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personal_info: Option<PersonalInfo>,
    /// 信息系统, one of the entry's, as id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// 库表.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// 字段.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
}

/// 共享属性.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// 共享类型.
    #[serde(rename = "type")]
    pub kind: ShareType,
    /// 共享条件: for conditional sharing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// 不予共享依据: for data not shared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_share_basis: Option<String>,
    /// 共享方式; none named leaves the way to the authorization.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<ShareMethod>,
}

/// 开放属性.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// 是否向社会开放.
    pub is_open: bool,
    /// 开放条件.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
}

/// A system, and a table of it, that holds the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// System id.
    pub system: String,
    /// A table the system declares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
}

/// Where an entry was imported from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The foreign catalog.
    pub system: String,
    /// The identifier there.
    pub identifier: String,
    /// When it was fetched; a claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched_at: Option<String>,
    /// Digest of the record as fetched.
    pub content_hash: Digest,
}

impl EntryContent {
    /// The primary code; empty only if the content was never checked.
    pub fn first_code(&self) -> &str {
        self.codes.first().map_or("", String::as_str)
    }

    /// How an item is shared: the stricter of the entry's and the item's own type.
    pub fn share_of(&self, item: &Item) -> ShareType {
        item.share.map_or(self.share.kind, |share| share.max(self.share.kind))
    }

    /// Whether an authority must sign, too: core data that is shared (ENT-22).
    pub fn needs_authority(&self) -> bool {
        self.level == Level::Core && self.share.kind != ShareType::None
    }
}

/// Whether a text has the form of a resource code:
/// `^[1-9][0-9]{2}[0-9]{3}[0-9A-Za-z]*/[0-9A-Za-z]+$`, at most 64 characters.
pub fn is_resource_code(code: &str) -> bool {
    let Some((class, sequence)) = code.split_once('/') else { return false };
    let alphanumeric = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric());
    let digits = class.bytes().take(6).filter(u8::is_ascii_digit).count();
    code.len() <= RESOURCE_CODE_BYTES_MAX
        && digits == 6
        && !class.starts_with('0')
        && alphanumeric(class)
        && !sequence.is_empty()
        && alphanumeric(sequence)
}

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
    let Some(Registration { code, date, valid_to, .. }) = &content.registration else {
        return Ok(());
    };
    field::text("registration.code", code, ITEM_ID_CHARS_MAX)?;
    field::date("registration.date", date)?;
    let Some(to) = valid_to else { return Ok(()) };
    field::date("registration.valid_to", to)?;
    require(date <= to, Rule::FieldDates, || format!("registration: {date} to {to}"))
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
