//! `mulu list`: the records of one kind, filtered and page by page.

use serde_json::{Value, json};

use crate::client::PAGE_ITEMS;
use crate::context::Context;
use crate::failure::Outcome;
use crate::lang::Lang;
use crate::{render, text};

/// Widest cell of a table, in columns of a terminal.
const CELL_COLUMNS_MAX: usize = 34;

/// Options of `mulu list`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples 示例:
  mulu list entries --provider 91350100M000100Y43 --status published --limit 20
  mulu list entries --source-system data.taipei --all --output json
  mulu list authorizations --entry-id sha256:…
  mulu list receipts --authorization-id sha256:…
  mulu list objections --status open          corrections, operations, delegations, evidence, regions, classes
  mulu list entries --limit 100 --cursor …        the next page 下一页")]
pub struct ListArgs {
    /// What to list 类型
    #[arg(value_enum)]
    pub kind: Kind,
    /// Only what is this member's: provided, registered, delegated, implemented 提供方或所属成员
    #[arg(long, value_name = "USCC")]
    pub provider: Option<String>,
    /// Only authorizations of this consumer 使用方
    #[arg(long, value_name = "USCC")]
    pub consumer: Option<String>,
    /// Only receipts of this signer 回执签署方
    #[arg(long, value_name = "USCC")]
    pub signer: Option<String>,
    /// Only those of this status 状态
    #[arg(long, value_name = "STATUS")]
    pub status: Option<String>,
    /// Only entries imported from this system 导入来源
    #[arg(long, value_name = "NAME")]
    pub source_system: Option<String>,
    /// Only authorizations of this entry 条目
    #[arg(long, value_name = "ID")]
    pub entry_id: Option<String>,
    /// Only receipts of this authorization 授权
    #[arg(long, value_name = "ID")]
    pub authorization_id: Option<String>,
    /// Only corrections and objections opened by this member 提出方
    #[arg(long, value_name = "USCC")]
    pub opened_by: Option<String>,
    /// Only objections to this record 异议所涉记录
    #[arg(long, value_name = "KEY")]
    pub subject: Option<String>,
    /// Only delegations to this member 受托成员
    #[arg(long, value_name = "USCC")]
    pub delegate: Option<String>,
    /// Only operations by this operator 运营机构
    #[arg(long, value_name = "USCC")]
    pub operator: Option<String>,
    /// Items per page 每页条数
    #[arg(long, default_value_t = 50, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Where the page begins, as the page before said 游标
    #[arg(long, value_name = "CURSOR")]
    pub cursor: Option<String>,
    /// All pages 全部
    #[arg(long, conflicts_with_all = ["limit", "cursor"])]
    pub all: bool,
}

/// Kinds of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// 成员.
    Members,
    /// 处室.
    Offices,
    /// 密钥.
    Keys,
    /// 职责.
    Duties,
    /// 信息系统.
    Systems,
    /// 目录条目.
    Entries,
    /// 授权.
    Authorizations,
    /// 使用回执.
    Receipts,
    /// 校核纠错.
    Corrections,
    /// 异议.
    Objections,
    /// 授权运营.
    Operations,
    /// 委托.
    Delegations,
    /// 双签证据.
    Evidence,
    /// 行政区划.
    Regions,
    /// 信息资源分类.
    Classes,
    /// 报送.
    Submissions,
}

/// A column: header in Chinese and English, JSON pointer into the record.
type Column = (&'static str, &'static str, &'static str);

impl Kind {
    const fn route(self) -> &'static str {
        match self {
            Kind::Members => "members",
            Kind::Offices => "offices",
            Kind::Keys => "keys",
            Kind::Duties => "duties",
            Kind::Systems => "systems",
            Kind::Entries => "entries",
            Kind::Authorizations => "authorizations",
            Kind::Receipts => "receipts",
            Kind::Corrections => "corrections",
            Kind::Objections => "objections",
            Kind::Operations => "operations",
            Kind::Delegations => "delegations",
            Kind::Evidence => "evidence",
            Kind::Regions => "regions",
            Kind::Classes => "classes",
            Kind::Submissions => "submissions",
        }
    }

    /// The filter by which records of this kind are told apart by member.
    const fn owner_filter(self) -> &'static str {
        match self {
            Kind::Offices | Kind::Keys | Kind::Duties | Kind::Systems | Kind::Evidence => "member",
            Kind::Delegations => "principal",
            Kind::Objections => "opened_by",
            Kind::Operations => "implementer",
            _ => "provider",
        }
    }

    const fn columns(self) -> &'static [Column] {
        match self {
            Kind::Members => &[
                ("统一社会信用代码", "USCC", "/uscc"),
                ("名称", "NAME", "/name"),
                ("角色", "ROLES", "/roles"),
                ("状态", "STATUS", "/status"),
            ],
            Kind::Offices => &[
                ("处室", "OFFICE", "/id"),
                ("名称", "NAME", "/name"),
                ("状态", "STATUS", "/status"),
            ],
            Kind::Keys => &[
                ("公钥", "KEY", "/public_key"),
                ("成员", "MEMBER", "/member"),
                ("角色", "ROLES", "/roles"),
                ("处室", "OFFICE", "/office"),
                ("标签", "LABEL", "/label"),
                ("状态", "STATUS", "/status"),
            ],
            Kind::Duties => &[
                ("职责", "DUTY", "/id"),
                ("名称", "NAME", "/name"),
                ("处室", "OFFICE", "/office"),
                ("类别", "CATEGORY", "/category"),
                ("状态", "STATUS", "/status"),
            ],
            Kind::Systems => &[
                ("信息系统", "SYSTEM", "/id"),
                ("名称", "NAME", "/name"),
                ("处室", "OFFICE", "/office"),
                ("状态", "STATUS", "/status"),
            ],
            Kind::Entries => &[
                ("条目", "ENTRY", "/entry_id"),
                ("代码", "CODE", "/content/codes/0"),
                ("名称", "NAME", "/content/name"),
                ("提供方", "PROVIDER", "/provider"),
                ("共享", "SHARE", "/content/share/type"),
                ("状态", "STATUS", "/status"),
            ],
            Kind::Authorizations => &[
                ("授权", "AUTHORIZATION", "/authorization_id"),
                ("条目", "ENTRY", "/entry_id"),
                ("使用方", "CONSUMER", "/consumer"),
                ("提供方", "PROVIDER", "/provider"),
                ("使用场景", "SCENARIO", "/purpose/scenario"),
                ("状态", "STATUS", "/status"),
            ],
            Kind::Receipts => &[
                ("回执", "RECEIPT", "/receipt_id"),
                ("授权", "AUTHORIZATION", "/authorization_id"),
                ("签署方", "SIGNER", "/signer"),
                ("类型", "KIND", "/kind"),
                ("序号", "SEQ", "/seq"),
                ("调用", "CALLS", "/counts/calls"),
                ("记录", "RECORDS", "/counts/records"),
                ("高度", "HEIGHT", "/recorded_at_height"),
            ],
            Kind::Submissions => &[
                ("条目", "ENTRY", "/entry_id"),
                ("代码", "CODE", "/content/codes/0"),
                ("名称", "NAME", "/content/name"),
                ("提供方", "PROVIDER", "/provider"),
                ("次数", "NUMBER", "/number"),
                ("状态", "STATUS", "/status"),
            ],
            Kind::Classes => &[("代码", "CODE", "/code"), ("名称", "NAME", "/name")],
            Kind::Corrections => &[
                ("纠错", "CORRECTION", "/correction_id"),
                ("条目", "ENTRY", "/entry_id"),
                ("提出方", "OPENED BY", "/opened_by"),
                ("提供方", "PROVIDER", "/provider"),
                ("问题", "FINDING", "/finding"),
                ("状态", "STATUS", "/status"),
            ],
            Kind::Objections => &[
                ("异议", "OBJECTION", "/objection_id"),
                ("所涉记录", "SUBJECT", "/subject"),
                ("提出方", "OPENED BY", "/opened_by"),
                ("理由", "GROUND", "/ground"),
                ("状态", "STATUS", "/status"),
            ],
            Kind::Operations => &[
                ("授权运营", "OPERATION", "/operation_id"),
                ("名称", "TITLE", "/title"),
                ("实施机构", "IMPLEMENTER", "/implementer"),
                ("运营机构", "OPERATOR", "/operator"),
                ("模式", "MODE", "/mode"),
                ("步骤", "STEP", "/step"),
            ],
            Kind::Delegations => &[
                ("委托成员", "PRINCIPAL", "/principal"),
                ("受托成员", "DELEGATE", "/delegate"),
                ("动作", "ACTIONS", "/scope"),
                ("终止时间", "UNTIL", "/window/to_ms"),
                ("状态", "STATUS", "/status"),
            ],
            Kind::Evidence => &[
                ("验证节点公钥", "VALIDATOR", "/validator"),
                ("成员", "MEMBER", "/member"),
                ("高度", "HEIGHT", "/height"),
                ("轮次", "ROUND", "/round"),
                ("步骤", "STEP", "/step"),
                ("报告方", "REPORTER", "/reporter"),
                ("记录高度", "RECORDED AT", "/recorded_at_height"),
            ],
            Kind::Regions => &[
                ("代码", "CODE", "/code"),
                ("名称", "NAME", "/name"),
                ("启用", "FROM", "/from"),
                ("停用", "TO", "/to"),
            ],
        }
    }
}

/// Runs the command.
///
/// # Errors
/// Exit 4 when the node cannot be reached.
pub fn run(context: &Context, args: &ListArgs) -> Outcome<()> {
    let node = context.node()?;
    let path = format!("/v1/{}", args.kind.route());
    let filters: Vec<(&str, &str)> = [
        (args.kind.owner_filter(), &args.provider),
        ("consumer", &args.consumer),
        ("signer", &args.signer),
        ("status", &args.status),
        ("source_system", &args.source_system),
        ("entry_id", &args.entry_id),
        ("authorization_id", &args.authorization_id),
        ("opened_by", &args.opened_by),
        ("subject", &args.subject),
        ("delegate", &args.delegate),
        ("operator", &args.operator),
    ]
    .into_iter()
    .filter_map(|(name, value)| value.as_deref().map(|value| (name, value)))
    .collect();
    let mut items: Vec<Value> = Vec::new();
    let mut next_cursor = None;
    let mut printed = false;
    if args.all {
        node.list(&path, &filters, |item| {
            items.push(item);
            if items.len() == PAGE_ITEMS && !context.is_json() {
                print_page(context, args.kind, &std::mem::take(&mut items));
                printed = true;
            }
            Ok(true)
        })?;
    } else {
        let limit = args.limit.to_string();
        let mut query = filters.clone();
        query.push(("limit", &limit));
        if let Some(cursor) = &args.cursor {
            query.push(("cursor", cursor));
        }
        let mut page = node.get(&path, &query)?;
        if let Some(Value::Array(list)) = page.get_mut("items").map(Value::take) {
            items = list;
        }
        next_cursor = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
    }
    if context.is_json() {
        context.print_json(&json!({ "items": items, "next_cursor": next_cursor }));
        return Ok(());
    }
    if !items.is_empty() {
        print_page(context, args.kind, &items);
    } else if next_cursor.is_none() && !printed {
        context.say(&text!("no records", "没有记录"));
    }
    if let Some(cursor) = next_cursor {
        context.say(&text!("more: --cursor {cursor}", "还有更多：--cursor {cursor}"));
    }
    Ok(())
}

fn print_page(context: &Context, kind: Kind, items: &[Value]) {
    let columns = kind.columns();
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|item| {
            let value = item.get("value").unwrap_or(item);
            columns.iter().map(|(_, _, pointer)| cell(value, pointer)).collect()
        })
        .collect();
    let header: Vec<&str> = columns
        .iter()
        .map(|(zh, en, _)| if context.lang == Lang::Zh { *zh } else { *en })
        .collect();
    context.print(&render::table(&header, &rows));
}

fn cell(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        Some(Value::Number(ms)) if pointer.ends_with("_ms") => {
            ms.as_u64().map(render::time_ms).unwrap_or_default()
        }
        Some(Value::Array(list)) => {
            let words: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            words.join(",")
        }
        _ => {
            render::cut_columns(&render::short(&render::text_at(value, pointer)), CELL_COLUMNS_MAX)
        }
    }
}
