//! `mulu report`: what follows from the records and is stored nowhere.
//!
//! Each report reads lists page by page, so a catalog need not fit into memory; what is kept is at most
//! [`KEPT_MAX`] ids. All reports show the chain as the node has it, without proofs.

mod overdue;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use mulu_chain::digest::Digest;
use mulu_chain::types::TimeMs;
use mulu_contracts::authorization::{Authorization, AuthorizationStatus, Counts};
use mulu_contracts::duty::{Duty, DutyStatus};
use mulu_contracts::entry::Entry;
use mulu_contracts::rebind;
use mulu_contracts::receipt::{Receipt, ReceiptKind};
use mulu_contracts::state::{StateRead, StateReadError, encode};
use mulu_contracts::system::{InformationSystem, SystemStatus};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::client::Node;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::records;
use crate::submit::ChainView;
use crate::{render, text};

/// Most ids kept while a report is made.
const KEPT_MAX: usize = 2_000_000;

/// Reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Report {
    /// Entries bound to what no longer stands 待重新绑定的条目
    RebindDue,
    /// Duties in force that no live entry names 无数据的职责
    DutiesWithoutData,
    /// Systems not stopped that no live entry names 未编目的信息系统
    SystemsWithoutEntries,
    /// Grants in force under which nothing was ever recorded 从未使用的授权
    UnusedGrants,
    /// Deliveries that no reception answers 未确认的交付
    UnmatchedDeliveries,
    /// Receptions of another digest than was delivered 摘要不符的接收
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
  mulu report unmatched-deliveries --output json")]
pub struct ReportArgs {
    /// Which 报告名称
    pub report: Report,
    /// Only what concerns this member 仅限该成员
    #[arg(long = "of", value_name = "USCC")]
    pub of: Option<String>,
}

/// One line of a report: the record, the member it concerns, and what is the matter.
struct Finding {
    key: String,
    member: String,
    what: String,
    detail: Value,
}

/// Runs the command.
///
/// # Errors
/// Exit 4 when the node cannot be reached.
pub fn run(context: &Context, args: &ReportArgs) -> Outcome<()> {
    let node = context.node()?;
    let now = TimeMs(ChainView::ask(&node)?.time_ms);
    let mut findings = match args.report {
        Report::RebindDue => rebind_due(&node, now)?,
        Report::DutiesWithoutData => duties_without_data(&node)?,
        Report::SystemsWithoutEntries => systems_without_entries(&node)?,
        Report::UnusedGrants => unused_grants(&node, now)?,
        Report::UnmatchedDeliveries => unmatched_deliveries(&node)?,
        Report::Mismatches => mismatches(&node)?,
        Report::OverdueObligations => overdue_obligations(&node, now)?,
        Report::Overdue => overdue::overdue(&node, now)?,
    };
    if let Some(of) = &args.of {
        findings.retain(|finding| finding.member == *of);
    }
    if context.is_json() {
        let items = findings.iter().map(|finding| {
            json!({ "key": finding.key, "member": finding.member, "what": finding.what,
                "detail": finding.detail })
        });
        context.print_json(&json!({ "items": items.collect::<Vec<_>>() }));
        return Ok(());
    }
    let header = [
        context.word("RECORD", "记录"),
        context.word("MEMBER", "成员"),
        context.word("WHAT", "事项"),
    ];
    let row = |f: &Finding| vec![f.key.clone(), f.member.clone(), f.what.clone()];
    context.print(&render::table(&header, &findings.iter().map(row).collect::<Vec<_>>()));
    let count = findings.len();
    context.say(&text!("{count} finding(s)", "共 {count} 项"));
    Ok(())
}

/// Hands each record of a list to `each`, with its key.
fn each<T: DeserializeOwned>(
    node: &Node,
    list: &str,
    mut each: impl FnMut(String, T) -> Outcome<()>,
) -> Outcome<()> {
    node.list(&format!("/v1/{list}"), &[], |item| {
        let key = render::text_at(&item, "/key");
        let stored = records::parse::<T>(&key, &item)?;
        each(key, stored.value)?;
        Ok(true)
    })
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

fn rebind_due(node: &Node, now: TimeMs) -> Outcome<Vec<Finding>> {
    let state = Remote::of(node);
    let mut findings = Vec::new();
    each(node, "entries", |key, entry: Entry| {
        let due = rebind::due(&state, &entry, now)
            .map_err(|e| Failure::new(Exit::Unreachable, text!("{e}", "读取状态失败：{e}")))?;
        for due in due {
            let detail = json!(due);
            let what = format!("{} {}", render::text_at(&detail, "/cause"), due.record);
            let (key, member) = (key.clone(), entry.provider.clone());
            findings.push(Finding { key, member, what, detail });
        }
        Ok(())
    })?;
    Ok(findings)
}

/// The state as the node has it, each record asked for once.
struct Remote<'n> {
    node: &'n Node,
    read: RefCell<BTreeMap<String, Option<Vec<u8>>>>,
}

impl<'n> Remote<'n> {
    fn of(node: &'n Node) -> Self {
        Remote { node, read: RefCell::default() }
    }
}

impl StateRead for Remote<'_> {
    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StateReadError> {
        if let Some(known) = self.read.borrow().get(key) {
            return Ok(known.clone());
        }
        let stored = records::find::<Value>(self.node, key);
        let stored = stored.map_err(|failure| {
            let why = failure.text.map(|text| text.en).unwrap_or_default();
            StateReadError::new(format!("{key}: {why}"))
        })?;
        let value = stored.map(|stored| encode(&stored.value));
        self.read.borrow_mut().insert(key.to_owned(), value.clone());
        Ok(value)
    }
}

/// Ids of duties and systems that live entries name.
fn named_by_entries(node: &Node) -> Outcome<(BTreeSet<String>, BTreeSet<String>)> {
    let (mut duties, mut systems) = (BTreeSet::new(), BTreeSet::new());
    each(node, "entries", |_, entry: Entry| {
        if entry.status.is_live() {
            duties.extend(entry.content.responsibilities);
            systems.extend(entry.content.systems.into_iter().map(|binding| binding.system));
        }
        kept(&duties)?;
        kept(&systems)
    })?;
    Ok((duties, systems))
}

fn duties_without_data(node: &Node) -> Outcome<Vec<Finding>> {
    let (named, _) = named_by_entries(node)?;
    let mut findings = Vec::new();
    each(node, "duties", |key, duty: Duty| {
        if duty.status == DutyStatus::Active && !named.contains(&duty.id) {
            let (member, what) = (duty.member, duty.name);
            findings.push(Finding { key, member, what, detail: Value::Null });
        }
        Ok(())
    })?;
    Ok(findings)
}

fn systems_without_entries(node: &Node) -> Outcome<Vec<Finding>> {
    let (_, named) = named_by_entries(node)?;
    let mut findings = Vec::new();
    each(node, "systems", |key, system: InformationSystem| {
        if system.status != SystemStatus::Stopped && !named.contains(&system.id) {
            let (member, what) = (system.member, system.name);
            findings.push(Finding { key, member, what, detail: Value::Null });
        }
        Ok(())
    })?;
    Ok(findings)
}

fn unused_grants(node: &Node, now: TimeMs) -> Outcome<Vec<Finding>> {
    let mut findings = Vec::new();
    each(node, "authorizations", |key, authorization: Authorization| {
        let totals = authorization.totals;
        let used = [totals.delivered, totals.received, totals.used].iter().any(|c| *c != NOTHING);
        if authorization.status == AuthorizationStatus::Finalized && !used {
            let what = format!("{:?}", authorization.standing(now)).to_lowercase();
            let detail = json!({ "entry_id": authorization.entry_id,
                "finalized_at_height": authorization.finalized_at_height });
            findings.push(Finding { key, member: authorization.consumer, what, detail });
        }
        Ok(())
    })?;
    Ok(findings)
}

const NOTHING: Counts = Counts { calls: 0, records: 0, bytes: 0 };

fn unmatched_deliveries(node: &Node) -> Outcome<Vec<Finding>> {
    let mut answered: BTreeSet<Digest> = BTreeSet::new();
    each(node, "receipts", |_, receipt: Receipt| {
        if receipt.kind == ReceiptKind::Received {
            answered.extend(receipt.peer_receipt);
        }
        kept(&answered)
    })?;
    let mut findings = Vec::new();
    each(node, "receipts", |key, receipt: Receipt| {
        let counts = receipt.kind == ReceiptKind::Delivered && receipt.corrected_by.is_none();
        // A corrected delivery is answered if the one it corrects was.
        let ids = [Some(receipt.receipt_id), receipt.corrects];
        if counts && !ids.iter().flatten().any(|id| answered.contains(id)) {
            let what = format!("authorization/{}", receipt.authorization_id);
            let detail = json!({ "recorded_at_height": receipt.recorded_at_height });
            findings.push(Finding { key, member: receipt.signer, what, detail });
        }
        Ok(())
    })?;
    Ok(findings)
}

fn mismatches(node: &Node) -> Outcome<Vec<Finding>> {
    let mut findings = Vec::new();
    each(node, "receipts", |key, receipt: Receipt| {
        if receipt.mismatch {
            let delivery = receipt.peer_receipt.map(|id| id.to_string()).unwrap_or_default();
            let detail = json!({ "digest": receipt.digest, "delivery": delivery });
            let what = format!("receipt/{delivery}");
            findings.push(Finding { key, member: receipt.signer, what, detail });
        }
        Ok(())
    })?;
    Ok(findings)
}

fn overdue_obligations(node: &Node, now: TimeMs) -> Outcome<Vec<Finding>> {
    let mut deleted: BTreeSet<Digest> = BTreeSet::new();
    let mut reported: BTreeMap<Digest, u64> = BTreeMap::new();
    each(node, "receipts", |_, receipt: Receipt| {
        match receipt.kind {
            ReceiptKind::Deleted => {
                deleted.insert(receipt.authorization_id);
            }
            ReceiptKind::Used => {
                let last = reported.entry(receipt.authorization_id).or_default();
                *last = (*last).max(receipt.window.to_ms);
            }
            _ => {}
        }
        kept(&deleted)
    })?;
    let mut findings = Vec::new();
    each(node, "authorizations", |key, authorization: Authorization| {
        let id = authorization.authorization_id;
        let extent = authorization.extent();
        let Some(obligations) = &extent.obligations else { return Ok(()) };
        let received = authorization.totals.received != NOTHING;
        let delete_by = obligations.delete_by_ms.filter(|by| *by < now.0 && received);
        let mut found = |what: String, detail: Value| {
            let (key, member) = (key.clone(), authorization.consumer.clone());
            findings.push(Finding { key, member, what, detail });
        };
        if let Some(by) = delete_by.filter(|_| !deleted.contains(&id)) {
            found(format!("delete-by {}", render::time_ms(by)), json!({ "delete_by_ms": by }));
        }
        let last = reported.get(&id).copied().unwrap_or(extent.window.from_ms);
        let due = obligations.report_every_ms.map(|every| last.saturating_add(every));
        let running = authorization.status == AuthorizationStatus::Finalized;
        if let Some(due) = due.filter(|due| running && *due < now.0.min(extent.window.to_ms)) {
            found(format!("report due {}", render::time_ms(due)), json!({ "due_ms": due }));
        }
        Ok(())
    })?;
    Ok(findings)
}
