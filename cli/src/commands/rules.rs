//! `mulu rules`: the table of rules, from this program, without a node.

use mulu_contracts::rule::Rule;
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::lang::Lang;
use crate::{render, text};

/// Options of `mulu rules`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples 示例:
  mulu rules                 every rule 全部规则
  mulu rules ENT             the rules about entries 条目相关规则
  mulu rules AUT-07          one rule with its help 单条规则及处理办法")]
pub struct RulesArgs {
    /// Id of a rule such as AUT-07, or its first letters 规则编号或前缀
    pub id: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// Exit 3 when no rule has that id.
pub fn run(context: &Context, args: &RulesArgs) -> Outcome<()> {
    let wanted = args.id.as_deref().unwrap_or_default().to_ascii_uppercase();
    let rules: Vec<Rule> = Rule::ALL
        .iter()
        .copied()
        .filter(|rule| {
            rule.id() == wanted || (!wanted.contains('-') && rule.subject().starts_with(&wanted))
        })
        .collect();
    if rules.is_empty() {
        return Err(Failure::new(
            Exit::NotFound,
            text!("there is no rule `{wanted}`", "没有规则 `{wanted}`"),
        )
        .help(text!("`mulu rules` lists them all", "`mulu rules` 可列出全部规则")));
    }
    let zh = context.lang == Lang::Zh;
    if context.is_json() {
        let list: Vec<Value> = rules
            .iter()
            .map(|rule| {
                json!({
                    "id": rule.id(),
                    "subject": rule.subject(),
                    "condition": { "en": rule.title_en(), "zh": rule.title_zh() },
                    "message": { "en": rule.help_en(), "zh": rule.help_zh() },
                    "spec": format!("SPEC.md{}", rule.spec_anchor()),
                })
            })
            .collect();
        context.print_json(&Value::Array(list));
        return Ok(());
    }
    if let [rule] = rules.as_slice() {
        let (title, help) =
            if zh { (rule.title_zh(), rule.help_zh()) } else { (rule.title_en(), rule.help_en()) };
        context.print(&render::fields(&[
            (context.word("rule", "规则").to_owned(), rule.id().to_owned()),
            (context.word("broken when", "违反情形").to_owned(), title.to_owned()),
            (context.word("help", "处理办法").to_owned(), help.to_owned()),
        ]));
        return Ok(());
    }
    let rows: Vec<Vec<String>> = rules
        .iter()
        .map(|rule| {
            let title = if zh { rule.title_zh() } else { rule.title_en() };
            vec![rule.id().to_owned(), title.to_owned()]
        })
        .collect();
    let header = if zh { ["规则", "违反情形"] } else { ["RULE", "BROKEN WHEN"] };
    context.print(&render::table(&header, &rows));
    Ok(())
}
