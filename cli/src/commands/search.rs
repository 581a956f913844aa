//! `mulu search`: catalog entries by words and facets.

use serde_json::Value;

use crate::context::Context;
use crate::failure::Outcome;
use crate::lang::Lang;
use crate::{render, text};

/// Columns of a name in the table.
const NAME_COLUMNS: usize = 48;
/// Values shown of a facet.
const FACET_VALUES_SHOWN: usize = 6;

/// Options of `mulu search`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples 示例:
  mulu search 企业 登记
  mulu search 许可 --share unconditional --provider 11110000MULU00021K
  mulu search bus stops --output json
Every word must occur in the name, summary, keywords or items of an entry. The index is derived from
the ledger by the node; `mulud index status` says how far it is.")]
pub struct SearchArgs {
    /// Words; none lists everything 检索词
    pub words: Vec<String>,
    /// Only entries of this provider 提供方
    #[arg(long, value_name = "USCC")]
    pub provider: Option<String>,
    /// Only entries of this status 状态
    #[arg(long)]
    pub status: Option<String>,
    /// unconditional, conditional or none 共享类型
    #[arg(long)]
    pub share: Option<String>,
    /// Only entries of this security level 数据级别
    #[arg(long)]
    pub level: Option<String>,
    /// Only entries of this region 行政区划
    #[arg(long)]
    pub region: Option<String>,
    /// Only entries imported from this system 来源系统
    #[arg(long)]
    pub source_system: Option<String>,
    /// Most results 最多结果数
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub limit: u32,
    /// Results to pass over 跳过的结果数
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub offset: u32,
}

/// Runs the command.
///
/// # Errors
/// Exit 2 and 4.
pub fn run(context: &Context, args: &SearchArgs) -> Outcome<()> {
    let words = args.words.join(" ");
    let (limit, offset) = (args.limit.to_string(), args.offset.to_string());
    let mut query = vec![("q", words.as_str()), ("limit", &limit), ("offset", &offset)];
    let facets = [
        ("provider", &args.provider),
        ("status", &args.status),
        ("share", &args.share),
        ("level", &args.level),
        ("region", &args.region),
        ("source_system", &args.source_system),
    ];
    query.extend(facets.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))));
    let answer = context.node()?.get("/v1/search", &query)?;
    if context.is_json() {
        context.print_json(&answer);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = list(&answer, "/items").iter().map(row).collect();
    let header = match context.lang {
        Lang::Zh => ["代码", "名称", "共享", "状态", "提供方"],
        Lang::En => ["CODE", "NAME", "SHARE", "STATUS", "PROVIDER"],
    };
    context.print(&render::table(&header, &rows));
    let (total, height) =
        (render::text_at(&answer, "/total"), render::text_at(&answer, "/index/height"));
    context.say(&text!(
        "{total} found; the index is at height {height}",
        "共 {total} 条；索引到高度 {height}"
    ));
    for facet in ["share", "status", "provider"] {
        let counts: Vec<String> = list(&answer, &format!("/facets/{facet}"))
            .iter()
            .take(FACET_VALUES_SHOWN)
            .map(|c| format!("{} {}", render::text_at(c, "/value"), render::text_at(c, "/count")))
            .collect();
        let counts = counts.join(", ");
        context.say(&text!("  {facet}: {counts}", "  {facet}：{counts}"));
    }
    Ok(())
}

fn row(item: &Value) -> Vec<String> {
    let at = |pointer: &str| render::text_at(item, pointer);
    vec![
        at("/value/content/codes/0"),
        render::cut_columns(&at("/value/content/name"), NAME_COLUMNS),
        at("/value/content/share/type"),
        at("/value/status"),
        at("/value/provider"),
    ]
}

fn list(answer: &Value, pointer: &str) -> Vec<Value> {
    answer.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default()
}
