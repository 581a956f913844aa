//! The file forms of a generated catalog; `mulu import` reads both.

use serde_json::{Value, json};

use super::generate::{Entry, Share};
use crate::failure::{Failure, Outcome};
use crate::text;

/// The byte order mark by which spreadsheets on Windows know UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

const HEADER: [&str; 19] = [
    "信息资源分类",
    "信息资源名称",
    "英文名称",
    "信息资源代码",
    "信息资源提供方",
    "信息资源摘要",
    "信息资源格式",
    "信息项名称",
    "数据类型",
    "共享类型",
    "共享条件",
    "不予共享依据",
    "共享方式",
    "是否向社会开放",
    "更新周期",
    "发布日期",
    "关键词",
    "数据级别",
    "个人信息",
];

/// The catalog as CSV with the columns of the 2017 guide.
///
/// # Errors
/// None but for want of memory.
pub fn csv(entries: impl Iterator<Item = Entry>) -> Outcome<Vec<u8>> {
    let failed = |e: &dyn std::fmt::Display| {
        Failure::usage(text!("cannot write CSV: {e}", "无法写出 CSV：{e}"))
    };
    let mut writer = csv::Writer::from_writer(MARK.to_vec());
    writer.write_record(HEADER).map_err(|e| failed(&e))?;
    for entry in entries {
        let (share, condition, basis, open) = share_words(entry.share);
        let method = if entry.format == "服务接口" { "服务接口" } else { "文件下载" };
        let names: Vec<&str> = entry.items.iter().map(|(name, _)| name.as_str()).collect();
        let types: Vec<String> = entry.items.iter().map(|(_, kind)| kind.to_string()).collect();
        writer
            .write_record([
                &entry.class_path,
                &entry.name,
                &entry.english,
                &entry.code,
                &entry.agency,
                &entry.summary,
                entry.format,
                &names.join("、"),
                &types.join("、"),
                share,
                condition,
                basis,
                method,
                open,
                entry.cycle,
                &entry.published,
                &entry.keywords.join("；"),
                entry.level,
                entry.personal,
            ])
            .map_err(|e| failed(&e))?;
    }
    writer.into_inner().map_err(|e| failed(&e))
}

fn share_words(share: Share) -> (&'static str, &'static str, &'static str, &'static str) {
    match share {
        Share::Unconditional { open: true } => ("无条件共享", "", "", "是"),
        Share::Unconditional { open: false } => ("无条件共享", "", "", "否"),
        Share::Conditional(condition) => ("有条件共享", condition, "", "否"),
        Share::None(basis) => ("不予共享", "", basis, "否"),
    }
}

/// The catalog as DCAT-US 1.1 `data.json`. Its access levels cannot say "shared unconditionally but
/// not open", so such entries are public here.
pub fn data_json(entries: impl Iterator<Item = Entry>) -> Vec<u8> {
    let datasets: Vec<Value> = entries.map(|entry| dataset(&entry)).collect();
    let catalog = json!({
        "@type": "dcat:Catalog",
        "conformsTo": "https://project-open-data.cio.gov/v1.1/schema",
        "dataset": datasets,
    });
    catalog.to_string().into_bytes()
}

fn dataset(entry: &Entry) -> Value {
    let (access, rights) = match entry.share {
        Share::Unconditional { .. } => ("public", ""),
        Share::Conditional(condition) => ("restricted public", condition),
        Share::None(basis) => ("non-public", basis),
    };
    json!({
        "@type": "dcat:Dataset",
        "identifier": entry.code,
        "title": entry.name,
        "description": entry.summary,
        "keyword": entry.keywords,
        "issued": entry.published,
        "modified": entry.published,
        "publisher": { "@type": "org:Organization", "name": entry.agency },
        "accessLevel": access,
        "rights": rights,
        "accrualPeriodicity": entry.cycle,
        "theme": entry.class_path.split('/').collect::<Vec<_>>(),
        "distribution": [{ "@type": "dcat:Distribution", "format": entry.format }],
    })
}

#[cfg(test)]
mod tests;
