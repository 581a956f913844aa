//! `mulu show` and `mulu history`: one thing, and what happened to it.

use serde_json::Value;

use super::lookup::{self, Found};
use crate::context::Context;
use crate::failure::Outcome;
use crate::lang::Lang;
use crate::{render, submit, text};

/// Options of `mulu show`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples 示例:
  mulu show entry/sha256:5f…         a record by its key 按键查询
  mulu show 5f3a9c                   by the first digits of its hash 按哈希前几位
  mulu show 307001/9b1c2d3e4f50      an entry by its resource code 按信息资源代码
  mulu show 91350100M000100Y43       a member 成员
  mulu show 91350100M000100Y43:data  an office, duty or system 处室、职责或信息系统
  mulu show sha256:…                 an entry, authorization, receipt or transaction
  mulu show 42                       a block 区块")]
pub struct ShowArgs {
    /// Key, id, code or height 键、编号、代码或高度
    pub what: String,
}

/// Options of `mulu history`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples 示例:
  mulu history 307001/9b1c2d3e4f50
  mulu history member/91350100M000100Y43 --output json")]
pub struct HistoryArgs {
    /// Key, id or code of a record 记录的键、编号或代码
    pub subject: String,
    /// Most events shown 最多显示的事件数
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub limit: usize,
}

/// Runs `mulu show`.
///
/// # Errors
/// Exit 3 when there is no such thing.
pub fn show(context: &Context, args: &ShowArgs) -> Outcome<()> {
    let node = context.node()?;
    match lookup::find(&node, &args.what)? {
        Found::Transaction(answer) => {
            let _ = submit::report(context, &answer);
            if !context.is_json() {
                print_payload(context, &answer);
            }
        }
        Found::Block(answer) => {
            if context.is_json() {
                context.print_json(&answer);
            } else {
                print_block(context, &answer);
            }
        }
        Found::Record { key, answer } => {
            if context.is_json() {
                context.print_json(&answer);
                return Ok(());
            }
            let head = [
                (context.word("key", "键"), key),
                (context.word("version", "版本摘要"), render::text_at(&answer, "/version")),
                (context.word("at height", "查询高度"), render::text_at(&answer, "/height")),
            ];
            context.print(&render::fields(&head.map(|(name, value)| (name.to_owned(), value))));
            context.print("");
            let mut rows = Vec::new();
            flatten("", answer.get("value").unwrap_or(&Value::Null), &mut rows);
            context.print(&render::fields(&rows));
        }
    }
    Ok(())
}

/// Lists the leaves of a record as `path: value`; lists of objects one line per object.
fn flatten(path: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(object) => {
            for (name, inner) in object {
                flatten(&at(name), inner, rows);
            }
        }
        Value::Array(list) if list.iter().all(|v| !v.is_object() && !v.is_array()) => {
            let joined: Vec<String> = list.iter().map(plain).collect();
            rows.push((path.to_owned(), joined.join("、")));
        }
        Value::Array(list) => {
            for (inner, number) in list.iter().zip(0u32..) {
                let line = match inner {
                    Value::Object(object) => object
                        .iter()
                        .map(|(name, value)| format!("{name}={}", plain(value)))
                        .collect::<Vec<_>>()
                        .join("  "),
                    other => plain(other),
                };
                rows.push((format!("{path}[{number}]"), line));
            }
        }
        other => rows.push((path.to_owned(), plain(other))),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn print_payload(context: &Context, answer: &Value) {
    use base64::Engine as _;
    let payload = render::text_at(answer, "/envelope/payload");
    let decoded = base64::engine::general_purpose::STANDARD.decode(payload).unwrap_or_default();
    if let Ok(payload) = serde_json::from_slice::<Value>(&decoded) {
        context.print("");
        context.print(&render::safe(&format!("{payload:#}")));
    }
}

fn print_block(context: &Context, answer: &Value) {
    let text = |pointer: &str| render::text_at(answer, pointer);
    let time = answer.pointer("/header/time_ms").and_then(Value::as_u64).map(render::time_ms);
    let signatures = answer.pointer("/certificate/signatures").and_then(Value::as_array);
    let rows = [
        (context.word("height", "高度"), text("/header/height")),
        (context.word("block", "区块"), text("/block")),
        (context.word("parent", "上一区块"), text("/header/parent")),
        (context.word("block time", "出块时间"), time.unwrap_or_default()),
        (context.word("proposer", "提议者"), text("/header/proposer")),
        (context.word("state root", "状态根"), text("/header/state_root")),
        (context.word("log root", "日志根"), text("/header/log_root")),
        (context.word("log size", "日志长度"), text("/header/log_size")),
        (
            context.word("signed by", "签名数"),
            signatures.map(|s| s.len().to_string()).unwrap_or_default(),
        ),
    ];
    context.print(&render::fields(&rows.map(|(name, value)| (name.to_owned(), value))));
    let transactions = answer.get("transactions").and_then(Value::as_array);
    let rows: Vec<Vec<String>> = transactions
        .into_iter()
        .flatten()
        .map(|t| {
            ["/id", "/outcome/result", "/outcome/rule"].map(|p| render::text_at(t, p)).to_vec()
        })
        .collect();
    if !rows.is_empty() {
        let header = match context.lang {
            Lang::Zh => ["交易", "结果", "规则"],
            Lang::En => ["TRANSACTION", "OUTCOME", "RULE"],
        };
        context.print("");
        context.print(&render::table(&header, &rows));
    }
}

/// Runs `mulu history`.
///
/// # Errors
/// Exit 3 when there is no such subject.
pub fn history(context: &Context, args: &HistoryArgs) -> Outcome<()> {
    let node = context.node()?;
    let subject = lookup::subject(&node, &args.subject)?;
    let path = format!("/v1/history/{subject}");
    let mut events: Vec<Value> = Vec::new();
    node.list(&path, &[], |event| {
        events.push(event);
        Ok(events.len() < args.limit)
    })?;
    if context.is_json() {
        context.print_json(&serde_json::json!({ "subject": subject, "items": events }));
        return Ok(());
    }
    let count = events.len();
    context.say(&text!("{subject}: {count} event(s)", "{subject}：{count} 个事件"));
    let rows: Vec<Vec<String>> = events
        .iter()
        .map(|event| {
            let time = event.get("time_ms").and_then(Value::as_u64).map(render::time_ms);
            let submitter = match event.get("submitter") {
                Some(Value::String(text)) => text.clone(),
                Some(object) => {
                    let office = render::text_at(object, "/office");
                    if office.is_empty() { render::text_at(object, "/member") } else { office }
                }
                None => String::new(),
            };
            vec![
                render::text_at(event, "/number"),
                render::text_at(event, "/height"),
                time.unwrap_or_default(),
                render::text_at(event, "/type"),
                submitter,
                render::short(&render::text_at(event, "/transaction")).into_owned(),
            ]
        })
        .collect();
    let header = match context.lang {
        Lang::Zh => ["序号", "高度", "出块时间", "操作", "提交方", "交易"],
        Lang::En => ["NO", "HEIGHT", "BLOCK TIME", "ACTION", "SUBMITTER", "TRANSACTION"],
    };
    context.print(&render::table(&header, &rows));
    Ok(())
}
