//! Which column of a CSV file is which field: guessed from its headers, or said by a mapping file.
//!
//! A header is compared without blanks, without `*` and without what stands in brackets, ignoring
//! letter case and whether its characters are traditional or simplified. The four columns 类, 项, 目
//! and 细目 together are the classification. A header such as `扩展：服务对象` or `ext:audience` is extended metadata
//! of that name. Of several columns for one field the first name in the list below wins, so the
//! dataset's address (a lasting identifier) is taken before a running number.

use std::collections::BTreeMap;

use super::han::simplified;
use super::mapping::Mapping;
use super::row::Field;
use crate::failure::{Failure, Outcome};
use crate::text;

/// Headers by field, best first: the 2017 guide, the open-data lists of Taiwan, common English.
const HEADERS: &[(Field, &[&str])] = &[
    (
        Field::Identifier,
        &[
            "标识符",
            "资源标识",
            "数据集ID",
            "資料連結網址",
            "資料集識別碼",
            "identifier",
            "uuid",
            "id",
            "编号",
            "編號",
        ],
    ),
    (
        Field::Code,
        &[
            "信息资源代码",
            "政务信息资源代码",
            "政务数据资源代码",
            "数据资源代码",
            "资源代码",
            "信息资源编码",
            "目录代码",
            "resource code",
            "code",
        ],
    ),
    (
        Field::Name,
        &[
            "信息资源名称",
            "政务信息资源名称",
            "政务数据资源名称",
            "数据资源名称",
            "资源名称",
            "目录名称",
            "数据集名称",
            "資料集名稱",
            "資料名稱",
            "名称",
            "名稱",
            "title",
            "name",
        ],
    ),
    (Field::Alias, &["别名", "英文名称", "alias", "english name", "name en", "name_en"]),
    (
        Field::Summary,
        &[
            "信息资源摘要",
            "资源摘要",
            "摘要",
            "資料集描述",
            "描述",
            "简介",
            "summary",
            "description",
            "notes",
        ],
    ),
    (
        Field::Agency,
        &[
            "信息资源提供方",
            "政务信息资源提供方",
            "资源提供方",
            "数据提供方",
            "提供方",
            "提供单位",
            "提供部门",
            "提供机关",
            "数源部门",
            "來源機關",
            "提供機關名稱",
            "資料集提供機關",
            "資料來源",
            "provider",
            "agency",
            "publisher",
            "organization",
        ],
    ),
    (
        Field::ProviderCode,
        &[
            "信息资源提供方代码",
            "政务信息资源提供方代码",
            "资源提供方代码",
            "提供方代码",
            "提供单位代码",
            "提供部门代码",
            "提供机关代码",
            "提供方统一社会信用代码",
            "provider code",
        ],
    ),
    (
        Field::ClassPath,
        &[
            "信息资源分类",
            "政务信息资源分类",
            "资源分类",
            "分類及編號",
            "分类",
            "分類",
            "category",
            "theme",
        ],
    ),
    (
        Field::Formats,
        &["信息资源格式", "资源格式", "檔案格式", "文件格式", "格式", "formats", "format"],
    ),
    (
        Field::Items,
        &[
            "信息项名称",
            "信息项信息",
            "信息项",
            "数据项名称",
            "数据项",
            "主要欄位說明",
            "主要字段",
            "字段",
            "items",
            "fields",
            "columns",
        ],
    ),
    (
        Field::ItemTypes,
        &["数据类型", "信息项类型", "信息项数据类型", "字段类型", "item types", "types"],
    ),
    (Field::Share, &["共享类型", "共享属性", "share type", "share"]),
    (Field::ShareCondition, &["共享条件", "share condition"]),
    (Field::NoShareBasis, &["不予共享依据", "不予共享理由", "no share basis"]),
    (Field::ShareMethods, &["共享方式", "share methods", "share method"]),
    (Field::Open, &["是否向社会开放", "向社会开放", "是否开放", "开放类型", "开放属性", "open"]),
    (Field::OpenCondition, &["开放条件", "授权方式", "授权", "open condition", "license"]),
    (
        Field::UpdateCycle,
        &["更新周期", "更新频率", "update cycle", "frequency", "accrual periodicity"],
    ),
    (
        Field::PublishedAt,
        &[
            "发布日期",
            "發布日期",
            "上架日",
            "建立日期",
            "published at",
            "published",
            "issued",
            "date",
        ],
    ),
    (Field::Keywords, &["关键词", "关键字", "標籤/關鍵字", "标签", "keywords", "keyword", "tags"]),
    (Field::Related, &["关联资源代码", "关联信息资源代码", "related codes", "related"]),
    (Field::Level, &["数据级别", "数据分级", "安全级别", "level"]),
    (
        Field::PersonalInfo,
        &["个人信息", "是否涉及个人信息", "personal info", "personal information"],
    ),
    (Field::Secret, &["涉密属性", "是否涉密", "涉密", "密级", "secret"]),
];

/// What the header of a column of extended metadata begins with; `mulu export` writes the first.
pub const EXTENSION_PREFIXES: [&str; 4] = ["扩展：", "扩展:", "擴展：", "ext:"];

/// The parts of the classification, in order.
const CLASS_PARTS: [&str; 4] = ["类", "项", "目", "细目"];

/// Which column is which field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// Column index by field.
    pub of: BTreeMap<Field, usize>,
    /// Columns that together are the classification, if there is no one column for it.
    pub class_parts: Vec<usize>,
    /// 扩展元数据: names, and where they stand.
    pub extensions: Vec<(String, usize)>,
    /// Headers that no field takes, in file order.
    pub unused: Vec<String>,
}

impl Columns {
    /// Finds the columns of a header line.
    ///
    /// # Errors
    /// Exit 2: the mapping names a header that is not there, or no column is a name.
    pub fn find(header: &[String], mapping: &Mapping) -> Outcome<Columns> {
        let mut columns = Columns::default();
        for (field, wanted) in &mapping.columns {
            let index = header.iter().position(|h| same(h, wanted));
            let index = index.ok_or_else(|| missing(wanted, header))?;
            columns.of.insert(*field, index);
        }
        for (field, names) in HEADERS {
            if columns.of.contains_key(field) {
                continue;
            }
            let free = |index: &usize| !columns.of.values().any(|used| used == index);
            let index = names
                .iter()
                .find_map(|name| header.iter().position(|h| same(h, name)).filter(free));
            if let Some(index) = index {
                columns.of.insert(*field, index);
            }
        }
        let parts = CLASS_PARTS.iter().filter_map(|part| header.iter().position(|h| same(h, part)));
        let parts: Vec<usize> =
            parts.filter(|index| !columns.of.values().any(|used| used == index)).collect();
        // A heading above them may have been read as the whole.
        if !parts.is_empty() {
            columns.of.remove(&Field::ClassPath);
        }
        columns.class_parts = parts;
        columns.extensions = extensions(header, mapping)?;
        let used = |index: &usize| {
            columns.of.values().any(|used| used == index)
                || columns.class_parts.contains(index)
                || columns.extensions.iter().any(|(_, used)| used == index)
        };
        columns.unused = header
            .iter()
            .enumerate()
            .filter(|(index, _)| !used(index))
            .map(|(_, name)| name.clone())
            .filter(|name| !name.is_empty())
            .collect();
        if !columns.of.contains_key(&Field::Name) {
            let found = header.join(", ");
            return Err(Failure::usage(text!(
                "no column is recognised as the name of the resource; the file has: {found}",
                "未识别出信息资源名称所在的列；文件中的列为：{found}",
            ))
            .help(text!(
                "write a mapping file with `[columns]` and `name = \"HEADER\"` and pass --mapping FILE",
                "请编写映射文件（`[columns]` 下写 `name = \"列名\"`）并用 --mapping FILE 指定",
            )));
        }
        Ok(columns)
    }
}

/// Columns of extended metadata: those the mapping names, then those whose header says so.
fn extensions(header: &[String], mapping: &Mapping) -> Outcome<Vec<(String, usize)>> {
    let mut found = Vec::new();
    for (name, wanted) in &mapping.extensions {
        let index = header.iter().position(|h| same(h, wanted));
        found.push((name.clone(), index.ok_or_else(|| missing(wanted, header))?));
    }
    for (index, heading) in header.iter().enumerate() {
        let name = EXTENSION_PREFIXES.iter().find_map(|prefix| heading.strip_prefix(prefix));
        let name = name.map(str::trim).filter(|name| !name.is_empty());
        if let Some(name) = name.filter(|name| !found.iter().any(|(known, _)| known == name)) {
            found.push((name.to_owned(), index));
        }
    }
    Ok(found)
}

fn missing(wanted: &str, header: &[String]) -> Failure {
    let found = header.join(", ");
    Failure::usage(text!(
        "the mapping wants a column `{wanted}`; the file has: {found}",
        "映射文件要求列 `{wanted}`，文件中的列为：{found}",
    ))
}

fn same(header: &str, name: &str) -> bool {
    plain(header) == plain(name)
}

/// A header without blanks, `*`, `_` and bracketed remarks, in lower case.
fn plain(header: &str) -> String {
    let mut depth = 0usize;
    let mut kept = String::new();
    for c in header.chars() {
        match c {
            '(' | '（' | '[' | '【' => depth = depth.saturating_add(1),
            ')' | '）' | ']' | '】' => depth = depth.saturating_sub(1),
            c if depth > 0 || c.is_whitespace() || matches!(c, '*' | '_' | '＊') => {}
            c => kept.extend(c.to_lowercase()),
        }
    }
    simplified(&kept)
}

/// Whether a header is one that any field, or a part of the classification, goes by.
pub fn is_known(header: &str) -> bool {
    let names = HEADERS.iter().flat_map(|(_, names)| names.iter()).chain(&CLASS_PARTS);
    names.into_iter().any(|name| same(header, name))
}

#[cfg(test)]
mod tests;
