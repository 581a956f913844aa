//! `mulu export`: entries of the chain for people and for other catalogs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use mulu_contracts::date::date_of;
use mulu_contracts::entry::Entry;
use mulu_contracts::member::Member;
use serde_json::{Value, json};

use crate::context::Context;
use crate::export::{Exported, Naming, data_json, dcat_ap, table};
use crate::failure::{Failure, Outcome};
use crate::records::{self, Stored};
use crate::submit::ChainView;
use crate::{files, text};

/// Most entries exported at once; all of them are held in memory.
const ENTRIES_MAX: usize = 5_000_000;

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ExportFormat {
    /// A table as comma separated values.
    Csv,
    /// A table as a workbook.
    Xlsx,
    /// DCAT-US 1.1.
    DataJson,
    /// DCAT-AP 3 in JSON-LD.
    DcatAp,
}

/// Options of `mulu export`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples 示例:
  mulu export 目录.xlsx --provider 91350100M000100Y43
  mulu export catalog.csv --status all
  mulu export data.json --contact data@example.gov.cn
  mulu export catalog.jsonld --base-url https://catalog.example.gov.cn

The form follows the file's name (.csv, .xlsx, .json for DCAT-US, .jsonld for DCAT-AP) unless --format says
it. Tables have the headers of the 2017 guide and can be imported again; no cell of them is a formula.
DCAT-US requires a mail address that answers: --contact. DCAT-AP needs addresses: those of records begin
with --base-url, the node's unless another is given.")]
pub struct ExportArgs {
    /// Where it is written, `-` for standard output 输出文件
    pub file: PathBuf,
    /// Its form [default: by the file's name] 格式
    #[arg(long, value_enum)]
    pub format: Option<ExportFormat>,
    /// Only entries of this member 提供方
    #[arg(long, value_name = "USCC")]
    pub provider: Option<String>,
    /// Only entries imported from this system 导入来源
    #[arg(long, value_name = "NAME")]
    pub source_system: Option<String>,
    /// Only entries of this status, or all 状态
    #[arg(long, default_value = "published", value_name = "STATUS")]
    pub status: String,
    /// What the addresses of records begin with 记录地址前缀
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// Mail address that answers questions (DCAT-US) 联系邮箱
    #[arg(long, value_name = "MAIL")]
    pub contact: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// Exit 2 for a form that cannot be told or an unwritable file, 4 when the node cannot be reached.
pub fn run(context: &Context, args: &ExportArgs) -> Outcome<()> {
    let format = args.format.map_or_else(|| by_name(args), Ok)?;
    if format == ExportFormat::DataJson && args.contact.is_none() {
        return Err(Failure::usage(text!(
            "DCAT-US requires a mail address that answers",
            "DCAT-US 要求提供联系邮箱"
        ))
        .help(text!("pass --contact data@example.gov.cn", "请用 --contact 指定联系邮箱")));
    }
    let node = context.node()?;
    let view = ChainView::ask(&node)?;
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    node.list("/v1/members", &[], |item: Value| {
        let Stored { value, .. } = records::parse::<Member>(&key_of(&item), &item)?;
        names.insert(value.uscc, value.name);
        Ok(true)
    })?;
    let mut filters = Vec::new();
    filters.extend(args.provider.as_deref().map(|uscc| ("provider", uscc)));
    filters.extend(args.source_system.as_deref().map(|name| ("source_system", name)));
    if args.status != "all" {
        filters.push(("status", args.status.as_str()));
    }
    let mut entries: Vec<Exported> = Vec::new();
    node.list("/v1/entries", &filters, |item: Value| {
        let Stored { value, version } = records::parse::<Entry>(&key_of(&item), &item)?;
        let provider = names.get(&value.provider).cloned().unwrap_or_default();
        entries.push(Exported { entry: value, version, provider });
        if entries.len() > ENTRIES_MAX {
            return Err(Failure::usage(text!(
                "more than {ENTRIES_MAX} entries: export one provider at a time",
                "超过 {ENTRIES_MAX} 条：请按提供方分别导出"
            )));
        }
        Ok(true)
    })?;
    let base_url = args.base_url.clone().unwrap_or_else(|| node.url().to_owned());
    let naming = Naming {
        chain_id: view.chain_id.to_string(),
        base_url: base_url.trim_end_matches('/').to_owned(),
        contact: args.contact.clone(),
        height: view.height,
        today: date_of(mulu_chain::types::TimeMs(view.time_ms)),
    };
    let pretty = |catalog: &Value| serde_json::to_vec_pretty(catalog).unwrap_or_default();
    let bytes = match format {
        ExportFormat::Csv => table::csv(&entries)?,
        ExportFormat::Xlsx => table::xlsx(&entries)?,
        ExportFormat::DataJson => pretty(&data_json::catalog(&entries, &naming)),
        ExportFormat::DcatAp => pretty(&dcat_ap::catalog(&entries, &naming)),
    };
    if args.file.to_str() == Some("-") {
        return write_stdout(&bytes);
    }
    files::write_output(&args.file, &bytes)?;
    let (count, file) = (entries.len(), args.file.display().to_string());
    if context.is_json() {
        context.print_json(&json!({"entries": count, "file": file, "bytes": bytes.len(),
            "height": naming.height}));
    } else {
        let height = naming.height;
        let done = text!(
            "{count} entries at height {height} are in {file}",
            "已将高度 {height} 的 {count} 条目录写入 {file}"
        );
        context.print(done.in_lang(context.lang));
    }
    Ok(())
}

fn write_stdout(bytes: &[u8]) -> Outcome<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|e| {
        Failure::usage(text!("cannot write to standard output: {e}", "无法写入标准输出：{e}"))
    })
}

fn key_of(item: &Value) -> String {
    item.get("key").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn by_name(args: &ExportArgs) -> Outcome<ExportFormat> {
    let extension = args.file.extension().and_then(|e| e.to_str()).unwrap_or_default();
    Ok(match extension.to_ascii_lowercase().as_str() {
        "csv" => ExportFormat::Csv,
        "xlsx" => ExportFormat::Xlsx,
        "json" => ExportFormat::DataJson,
        "jsonld" => ExportFormat::DcatAp,
        _ => {
            return Err(Failure::usage(text!(
                "the file's name does not say its form",
                "无法由文件名判断格式"
            ))
            .help(text!(
                "pass --format csv, xlsx, data-json or dcat-ap",
                "请用 --format 指定 csv、xlsx、data-json 或 dcat-ap"
            )));
        }
    })
}
