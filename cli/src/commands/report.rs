//! `mulu report`: what follows from the records and is stored nowhere.
//!
//! Each report reads lists page by page and prints its findings as they come, so neither a catalog nor
//! a report need fit into memory; what is kept is at most [`KEPT_MAX`] ids. All reports show the chain
//! as the node has it, without proofs.

mod catalog;
mod overdue;
mod remote;
mod sharing;

use std::collections::BTreeSet;

use mulu_chain::types::TimeMs;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use self::remote::Remote;
use crate::client::{Node, PAGE_ITEMS};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::lang::Text;
use crate::submit::ChainView;
use crate::{records, render, text};

/// Most ids kept while a report is made.
const KEPT_MAX: usize = 2_000_000;
/// Widest name shown in a table, in columns of a terminal.
const NAME_COLUMNS_MAX: usize = 32;

/// The reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Entries bound to what no longer stands 待重新绑定的条目
    RebindDue,
    /// Duties in force that no live entry names 无数据的职责
    DutiesWithoutData,
    /// Systems not stopped that no live entry names 未编目的信息系统
    SystemsWithoutEntries,
    /// Grants whose time has begun and under which nothing was recorded 从未使用的授权
    UnusedGrants,
    /// Deliveries that no reception or use answers 未确认的交付
    UnmatchedDeliveries,
    /// Receptions of another digest than was delivered, not mended since 摘要不符的接收
    Mismatches,
    /// Grants whose obligation to delete or to report is overdue 逾期的义务
    OverdueObligations,
    /// Answers, first deliveries, decisions and rebinding past their deadline 逾期未办事项
    Overdue,
}

/// Options of `mulu report`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples 示例:
  mulu report rebind-due
  mulu report unmatched-deliveries --of 11110000MULU00021K
  mulu report overdue-obligations --output json
MEMBER is who is to act; --of also finds what concerns the other party. 成员：应处理的一方")]
pub struct ReportArgs {
    /// Which 报告名称
    pub report: Kind,
    /// Only what concerns this member 仅限该成员
    #[arg(long = "of", value_name = "USCC")]
    pub of: Option<String>,
}

/// One line of a report.
struct Finding {
    /// State key of the record.
    key: String,
    /// What people call it.
    name: String,
    /// The member that is to act, and the other party if there is one.
    members: [Option<String>; 2],
    /// What is the matter: a stable word, and for people.
    what: (String, Text),
    /// More, for programs.
    detail: Value,
}

/// What a report is made with, and where its findings go.
struct Report<'c> {
    context: &'c Context,
    state: Remote<'c>,
    /// Block time of the tip.
    now: TimeMs,
    of: Option<String>,
    rows: Vec<Vec<String>>,
    count: u64,
}

/// Runs the command.
///
/// # Errors
/// Exit 4 when the node cannot be reached.
pub fn run(context: &Context, args: &ReportArgs) -> Outcome<()> {
    let node = context.node()?;
    let now = TimeMs(ChainView::ask(&node)?.time_ms);
    let state = Remote::of(&node);
    let of = args.of.clone();
    let mut report = Report { context, state, now, of, rows: Vec::new(), count: 0 };
    match args.report {
        Kind::RebindDue => catalog::rebind_due(&mut report)?,
        Kind::DutiesWithoutData => catalog::duties_without_data(&mut report)?,
        Kind::SystemsWithoutEntries => catalog::systems_without_entries(&mut report)?,
        Kind::UnusedGrants => sharing::unused_grants(&mut report)?,
        Kind::UnmatchedDeliveries => sharing::unmatched_deliveries(&mut report)?,
        Kind::Mismatches => sharing::mismatches(&mut report)?,
        Kind::OverdueObligations => sharing::overdue_obligations(&mut report)?,
        Kind::Overdue => overdue::overdue(&mut report)?,
    }
    report.end();
    Ok(())
}

impl Report<'_> {
    fn node(&self) -> &Node {
        self.state.node
    }

    /// Hands each record of a list to `each`, with its key.
    fn each<T: DeserializeOwned>(
        &mut self,
        list: &str,
        mut each: impl FnMut(&mut Self, String, T) -> Outcome<()>,
    ) -> Outcome<()> {
        let node = self.state.node;
        node.list(&format!("/v1/{list}"), &[], |item| {
            let key = render::text_at(&item, "/key");
            let stored = records::parse::<T>(&key, &item)?;
            each(self, key, stored.value)?;
            Ok(true)
        })
    }

    /// Prints a finding, unless it concerns others only.
    fn found(&mut self, finding: Finding) -> Outcome<()> {
        let Finding { key, name, members: [member, other], what: (word, words), detail } = finding;
        let concerns = |of: &String| Some(of) == member.as_ref() || Some(of) == other.as_ref();
        if self.of.as_ref().is_some_and(|of| !concerns(of)) {
            return Ok(());
        }
        if self.context.is_json() {
            let item = json!({ "key": key, "name": name, "member": member, "other": other,
                "what": word, "detail": detail });
            let before = if self.count == 0 { "{\"items\": [\n" } else { ",\n" };
            self.context.print_part(&format!("{before}{item}"));
        } else {
            let member = member.unwrap_or_default();
            let member = self.state.name(&format!("member/{member}"), "/name")?.unwrap_or(member);
            let row = [short_key(&key), render::cut_columns(&name, NAME_COLUMNS_MAX), member];
            let words = words.in_lang(self.context.lang).to_owned();
            self.rows.push(row.into_iter().chain([words]).collect());
        }
        self.count = self.count.saturating_add(1);
        if self.rows.len() == PAGE_ITEMS {
            self.print_rows();
        }
        Ok(())
    }

    fn print_rows(&mut self) {
        let word = |en, zh| self.context.word(en, zh);
        let header = [
            word("RECORD", "记录"),
            word("NAME", "名称"),
            word("MEMBER", "成员"),
            word("WHAT", "事项"),
        ];
        self.context.print(&render::table(&header, &std::mem::take(&mut self.rows)));
    }

    fn end(mut self) {
        let count = self.count;
        if self.context.is_json() {
            let before = if count == 0 { "{\"items\": [" } else { "\n" };
            self.context.print(&format!("{before}], \"count\": {count}}}"));
            return;
        }
        if !self.rows.is_empty() {
            self.print_rows();
        }
        self.context.say(&match count {
            0 => text!("nothing found", "未发现问题"),
            1 => text!("1 finding", "共 1 项"),
            _ => text!("{count} findings", "共 {count} 项"),
        });
    }
}

/// A key of a table: hashes cut to what `mulu show` still finds.
fn short_key(key: &str) -> String {
    match key.split_once('/') {
        Some((kind, id)) => format!("{kind}/{}", render::short(id)),
        None => key.to_owned(),
    }
}

fn kept<T>(found: &BTreeSet<T>) -> Outcome<()> {
    if found.len() <= KEPT_MAX {
        return Ok(());
    }
    Err(Failure::usage(text!(
        "the report needs more than {KEPT_MAX} ids in memory",
        "报告所需编号超过 {KEPT_MAX} 个"
    )))
}
