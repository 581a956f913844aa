//! A record of the source, before it means anything: the fields of the catalog as text.

use std::collections::BTreeMap;

/// A field of a source record.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Identifier in the source system, stable over its exports.
    Identifier,
    /// 信息资源代码.
    Code,
    /// 信息资源名称.
    Name,
    /// 别名 or a name in another language.
    Alias,
    /// 信息资源摘要.
    Summary,
    /// 提供方 as the source names it.
    Agency,
    /// 信息资源提供方代码.
    ProviderCode,
    /// 信息资源分类, the names 类/项/目/细目.
    ClassPath,
    /// 信息资源格式.
    Formats,
    /// 信息项名称, one or several.
    Items,
    /// 数据类型 of the items.
    ItemTypes,
    /// 共享类型, by name.
    Share,
    /// 共享条件.
    ShareCondition,
    /// 不予共享依据.
    NoShareBasis,
    /// 共享方式.
    ShareMethods,
    /// 是否向社会开放.
    Open,
    /// 开放条件.
    OpenCondition,
    /// 更新周期.
    UpdateCycle,
    /// 发布日期.
    PublishedAt,
    /// 关键词.
    Keywords,
    /// 关联资源代码.
    Related,
    /// 数据级别.
    Level,
    /// 个人信息.
    PersonalInfo,
    /// 涉密属性.
    Secret,
}

impl Field {
    /// Every field.
    pub const ALL: [Field; 24] = [
        Field::Identifier,
        Field::Code,
        Field::Name,
        Field::Alias,
        Field::Summary,
        Field::Agency,
        Field::ProviderCode,
        Field::ClassPath,
        Field::Formats,
        Field::Items,
        Field::ItemTypes,
        Field::Share,
        Field::ShareCondition,
        Field::NoShareBasis,
        Field::ShareMethods,
        Field::Open,
        Field::OpenCondition,
        Field::UpdateCycle,
        Field::PublishedAt,
        Field::Keywords,
        Field::Related,
        Field::Level,
        Field::PersonalInfo,
        Field::Secret,
    ];

    /// Its name in mapping files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Field::Identifier => "identifier",
            Field::Code => "code",
            Field::Name => "name",
            Field::Alias => "alias",
            Field::Summary => "summary",
            Field::Agency => "agency",
            Field::ProviderCode => "provider_code",
            Field::ClassPath => "class_path",
            Field::Formats => "formats",
            Field::Items => "items",
            Field::ItemTypes => "item_types",
            Field::Share => "share",
            Field::ShareCondition => "share_condition",
            Field::NoShareBasis => "no_share_basis",
            Field::ShareMethods => "share_methods",
            Field::Open => "open",
            Field::OpenCondition => "open_condition",
            Field::UpdateCycle => "update_cycle",
            Field::PublishedAt => "published_at",
            Field::Keywords => "keywords",
            Field::Related => "related",
            Field::Level => "level",
            Field::PersonalInfo => "personal_info",
            Field::Secret => "secret",
        }
    }
}

/// A record of the source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// 1-based line (CSV, JSON lines) or position (data.json) in the source.
    pub line: u64,
    /// Cleaned, non-empty fields.
    pub fields: BTreeMap<Field, String>,
    /// Further item cells, of lines that continue this record: names and types.
    pub more_items: Vec<(String, String)>,
    /// 扩展元数据: names and what the source says, never empty.
    pub extensions: Vec<(String, String)>,
    /// Why the source itself says this record is not to be imported.
    pub excluded: Option<&'static str>,
}

impl Row {
    /// A field, if it is there.
    pub fn get(&self, field: Field) -> Option<&str> {
        self.fields.get(&field).map(String::as_str)
    }

    /// Sets a field unless the text is empty.
    pub fn set(&mut self, field: Field, text: String) {
        if !text.is_empty() {
            self.fields.insert(field, text);
        }
    }
}
