//! `mulu versions` and `mulu diff`: what a record was, and what changed.

use serde_json::Value;

use super::lookup;
use crate::context::Context;
use crate::failure::Outcome;
use crate::lang::Lang;
use crate::{render, text};

/// Columns of a value in a line.
const VALUE_COLUMNS: usize = 100;

/// Options of `mulu versions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example 示例:
  mulu versions 307017/demo0001")]
pub struct VersionsArgs {
    /// Key, id or code of a record 记录的键、编号或代码
    pub subject: String,
}

/// Options of `mulu diff`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples 示例:
  mulu diff 307017/demo0001                    the last change 最近一次变化
  mulu diff 307017/demo0001 --from 12 --to 80  between two heights 两个高度之间
  mulu diff 307017/demo0001 --from sha256:…    since a version 自某版本以来")]
pub struct DiffArgs {
    /// Key, id or code of a record 记录的键、编号或代码
    pub subject: String,
    /// Height or version hash [default: the version before] 起始版本
    #[arg(long, value_name = "VERSION")]
    pub from: Option<String>,
    /// Height or version hash [default: the last version] 目标版本
    #[arg(long, value_name = "VERSION")]
    pub to: Option<String>,
}

/// Runs `mulu versions`.
///
/// # Errors
/// Exit 3 when there is no such record.
pub fn versions(context: &Context, args: &VersionsArgs) -> Outcome<()> {
    let node = context.node()?;
    let subject = lookup::subject(&node, &args.subject)?;
    let mut items: Vec<Value> = Vec::new();
    node.list(&format!("/v1/versions/{subject}"), &[], |item| {
        items.push(item);
        Ok(true)
    })?;
    if context.is_json() {
        context.print_json(&serde_json::json!({ "key": subject, "items": items }));
        return Ok(());
    }
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|item| {
            let time = item.get("time_ms").and_then(Value::as_u64).map(render::time_ms);
            let changed = item.get("changed").and_then(Value::as_array).into_iter().flatten();
            let changed: Vec<&str> = changed.filter_map(Value::as_str).collect();
            vec![
                render::text_at(item, "/height"),
                time.unwrap_or_default(),
                render::text_at(item, "/version"),
                render::cut_columns(&changed.join(" "), VALUE_COLUMNS),
            ]
        })
        .collect();
    let header = match context.lang {
        Lang::Zh => ["高度", "出块时间", "版本", "变化之处"],
        Lang::En => ["HEIGHT", "BLOCK TIME", "VERSION", "CHANGED"],
    };
    context.print(&render::table(&header, &rows));
    Ok(())
}

/// Runs `mulu diff`.
///
/// # Errors
/// Exit 2 when there is no such version, exit 3 when there is no such record.
pub fn diff(context: &Context, args: &DiffArgs) -> Outcome<()> {
    let node = context.node()?;
    let subject = lookup::subject(&node, &args.subject)?;
    let sides = [("from", args.from.as_deref()), ("to", args.to.as_deref())];
    let query: Vec<_> = sides.iter().filter_map(|(name, side)| Some((*name, (*side)?))).collect();
    let answer = node.get(&format!("/v1/diff/{subject}"), &query)?;
    if context.is_json() {
        context.print_json(&answer);
        return Ok(());
    }
    let (from, to) =
        (render::text_at(&answer, "/from/height"), render::text_at(&answer, "/to/height"));
    context.say(&text!(
        "{subject}: from height {from} to height {to}",
        "{subject}：从高度 {from} 到高度 {to}"
    ));
    for change in answer.get("changes").and_then(Value::as_array).into_iter().flatten() {
        context.print(&render::safe(&render::text_at(change, "/path")));
        for (sign, side) in [("-", "/from"), ("+", "/to")] {
            if change.pointer(side).is_some() {
                let value = render::cut_columns(&render::text_at(change, side), VALUE_COLUMNS);
                context.print(&render::safe(&format!("  {sign} {value}")));
            }
        }
    }
    Ok(())
}
