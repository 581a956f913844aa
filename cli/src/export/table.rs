//! Entries as a table: CSV with a byte order mark, or a workbook. The headers are those of the 2017 guide,
//! so `mulu import` reads the table again. No cell begins a spreadsheet formula: in CSV such a cell gets an
//! apostrophe, in a workbook every cell is text.

use std::collections::BTreeSet;

use rust_xlsxwriter::{Format, Workbook};

use super::{Exported, cycle_names, share_name, word};
use crate::failure::{Failure, Outcome};
use crate::import::columns::EXTENSION_PREFIXES;
use crate::text;

/// What begins a formula in a spreadsheet, or ends the cell before it.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];
/// Most characters of a workbook's cell.
const CELL_CHARS_MAX: usize = 32_767;
/// Most rows of a workbook's sheet, the header among them.
const SHEET_ROWS_MAX: usize = 1_048_576;

/// The columns.
pub const HEADER: [&str; 25] = [
    "信息资源代码",
    "信息资源名称",
    "别名",
    "信息资源提供方",
    "信息资源提供方代码",
    "信息资源分类",
    "信息资源摘要",
    "信息资源格式",
    "信息项名称",
    "数据类型",
    "共享类型",
    "共享条件",
    "不予共享依据",
    "共享方式",
    "是否向社会开放",
    "开放条件",
    "更新周期",
    "发布日期",
    "关键词",
    "关联资源代码",
    "数据级别",
    "个人信息",
    "处室",
    "状态",
    "版本",
];

/// A row of the table.
pub fn row(exported: &Exported) -> [String; 25] {
    let Exported { entry, provider, .. } = exported;
    let content = &entry.content;
    let share = &content.share;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let join = |list: Vec<String>| list.join(";");
    [
        join(content.codes.clone()),
        content.name.clone(),
        text(&content.alias),
        provider.clone(),
        entry.provider.clone(),
        content.class_path.join("/"),
        content.summary.clone(),
        join(content.formats.iter().map(|format| format.kind.clone()).collect()),
        join(content.items.iter().map(|item| item.name.clone()).collect()),
        join(content.items.iter().map(|item| word(&item.kind)).collect()),
        share_name(share.kind).to_owned(),
        text(&share.condition),
        text(&share.no_share_basis),
        join(share.methods.iter().map(word).collect()),
        if content.open.is_open { "是" } else { "否" }.to_owned(),
        text(&content.open.condition),
        cycle_names(content.update_cycle).0.to_owned(),
        content.published_at.clone(),
        join(content.keywords.clone()),
        join(content.related.clone()),
        word(&content.level),
        word(&content.personal_info),
        content.office.clone(),
        word(&entry.status),
        entry.version.to_string(),
    ]
}

/// Most columns of extended metadata; a name beyond them, in the order of names, is not written.
const EXTENSION_COLUMNS_MAX: usize = 1_000;

/// Names of extended metadata of any entry, in order.
fn extensions(entries: &[Exported]) -> BTreeSet<&str> {
    let all = entries.iter().flat_map(|exported| &exported.entry.content.extensions);
    let names: BTreeSet<&str> = all.map(|extension| extension.name.as_str()).collect();
    names.into_iter().take(EXTENSION_COLUMNS_MAX).collect()
}

/// The header with the columns of extended metadata.
fn header(extensions: &BTreeSet<&str>) -> Vec<String> {
    let [prefix, ..] = EXTENSION_PREFIXES;
    let more = extensions.iter().map(|name| format!("{prefix}{name}"));
    HEADER.iter().map(|name| (*name).to_owned()).chain(more).collect()
}

/// A row with its extended metadata.
fn cells(exported: &Exported, extensions: &BTreeSet<&str>) -> Vec<String> {
    let own = &exported.entry.content.extensions;
    let value = |name: &&str| own.iter().find(|extension| extension.name == *name);
    let more =
        extensions.iter().map(|name| value(name).map_or_else(String::new, |e| e.value.clone()));
    row(exported).into_iter().chain(more).collect()
}

/// CSV with a byte order mark.
///
/// # Errors
/// None but for want of memory.
pub fn csv(entries: &[Exported]) -> Outcome<Vec<u8>> {
    let failed = |e: &dyn std::fmt::Display| {
        Failure::usage(text!("cannot write CSV: {e}", "无法写出 CSV：{e}"))
    };
    let mut writer = csv::Writer::from_writer(b"\xef\xbb\xbf".to_vec());
    let extensions = extensions(entries);
    writer.write_record(header(&extensions)).map_err(|e| failed(&e))?;
    for exported in entries {
        let cells = cells(exported, &extensions);
        writer.write_record(cells.iter().map(|cell| harmless(cell))).map_err(|e| failed(&e))?;
    }
    writer.into_inner().map_err(|e| failed(&e))
}

fn harmless(cell: &str) -> String {
    if cell.starts_with(FORMULA_STARTS) { format!("'{cell}") } else { cell.to_owned() }
}

/// A workbook of one sheet, all of whose cells are text.
///
/// # Errors
/// Exit 2 when there are more entries than a sheet has rows.
pub fn xlsx(entries: &[Exported]) -> Outcome<Vec<u8>> {
    if entries.len() >= SHEET_ROWS_MAX {
        let count = entries.len();
        return Err(Failure::usage(text!(
            "{count} entries are more than the rows of a sheet",
            "{count} 条超过工作表行数上限"
        ))
        .help(text!(
            "export to CSV, or one provider at a time",
            "请导出为 CSV，或按提供方分别导出"
        )));
    }
    let failed = |e: &dyn std::fmt::Display| {
        Failure::usage(text!("cannot write the workbook: {e}", "无法写出工作簿：{e}"))
    };
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let bold = Format::new().set_bold();
    sheet.set_name("目录").map_err(|e| failed(&e))?;
    sheet.set_freeze_panes(1, 0).map_err(|e| failed(&e))?;
    let extensions = extensions(entries);
    for (column, header) in (0u16..).zip(header(&extensions)) {
        sheet.write_string_with_format(0, column, header, &bold).map_err(|e| failed(&e))?;
    }
    for (number, exported) in (1u32..).zip(entries) {
        for (column, cell) in (0u16..).zip(cells(exported, &extensions)) {
            let cell: String = cell.chars().take(CELL_CHARS_MAX).collect();
            sheet.write_string(number, column, cell).map_err(|e| failed(&e))?;
        }
    }
    workbook.save_to_buffer().map_err(|e| failed(&e))
}
