//! What a provider says of an entry: the metadata of the 2017 guide.

use mulu_chain::digest::Digest;
use serde::{Deserialize, Serialize};

use crate::catalog::{
    FormatCategory, ItemType, Level, PersonalInfo, ShareMethod, ShareType, UpdateCycle,
};
use crate::limits::RESOURCE_CODE_BYTES_MAX;

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
    /// 扩展元数据.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<Extension>,
}

/// 扩展元数据: what a region or a department says beyond the guide. No rule looks at what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extension {
    /// 名称.
    pub name: String,
    /// 值.
    pub value: String,
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
