//! Reports on what the catalog is bound to.

use std::collections::BTreeSet;

use mulu_contracts::date::date_of;
use mulu_contracts::duty::{Duty, DutyStatus};
use mulu_contracts::entry::Entry;
use mulu_contracts::rebind::{self, Cause, RebindDue};
use mulu_contracts::system::{InformationSystem, SystemStatus};
use serde_json::{Value, json};

use super::{Finding, Report, kept};
use crate::failure::{Exit, Failure, Outcome};
use crate::lang::Text;
use crate::{render, text};

/// Entries bound to what no longer stands; their providers are to revise them.
pub fn rebind_due(report: &mut Report<'_>) -> Outcome<()> {
    report.each("entries", |report, key, entry: Entry| {
        let due = rebind::due(&report.state, &entry, report.now)
            .map_err(|e| Failure::new(Exit::Unreachable, text!("{e}", "读取状态失败：{e}")))?;
        for due in due {
            let detail = json!(due);
            report.found(Finding {
                key: key.clone(),
                name: entry.content.name.clone(),
                members: [Some(entry.provider.clone()), None],
                what: (render::text_at(&detail, "/cause"), words(&due)),
                detail,
            })?;
        }
        Ok(())
    })
}

fn words(due: &RebindDue) -> Text {
    let id = due.record.split_once('/').map_or(due.record.as_str(), |(_, id)| id);
    let table = due.table.as_deref().unwrap_or_default();
    let said = match due.cause {
        Cause::OfficeDissolved => text!("its office {id} was dissolved", "处室 {id} 已撤销"),
        Cause::DutyTransferred => text!("its duty {id} was transferred", "职责 {id} 已移交"),
        Cause::DutyAbolished => text!("its duty {id} was abolished", "职责 {id} 已废止"),
        Cause::DutyNotInForce => text!("its duty {id} is not in force", "职责 {id} 不在有效期内"),
        Cause::SystemStopped => text!("its system {id} was stopped", "信息系统 {id} 已停用"),
        Cause::TableGone => {
            text!("{id} no longer declares {table}", "信息系统 {id} 不再登记库表 {table}")
        }
        Cause::ColumnsChanged => {
            text!(
                "the columns of {table} in {id} changed",
                "信息系统 {id} 库表 {table} 的字段已变更"
            )
        }
    };
    match &due.successor {
        None => said,
        Some(successor) => {
            let Text { en, zh } = said;
            text!("{en}: bind to {successor}", "{zh}，应改绑 {successor}")
        }
    }
}

/// Ids of duties and systems that live entries name.
fn named_by_entries(report: &mut Report<'_>) -> Outcome<(BTreeSet<String>, BTreeSet<String>)> {
    let (mut duties, mut systems) = (BTreeSet::new(), BTreeSet::new());
    report.each("entries", |_, _, entry: Entry| {
        if entry.status.is_live() {
            duties.extend(entry.content.responsibilities);
            systems.extend(entry.content.systems.into_iter().map(|binding| binding.system));
        }
        kept(&duties)?;
        kept(&systems)
    })?;
    Ok((duties, systems))
}

/// Duties in force that no live entry names.
pub fn duties_without_data(report: &mut Report<'_>) -> Outcome<()> {
    let (named, _) = named_by_entries(report)?;
    let today = date_of(report.now);
    report.each("duties", |report, key, duty: Duty| {
        let in_force = duty.status == DutyStatus::Active && duty.covers(&today);
        if !in_force || named.contains(&duty.id) {
            return Ok(());
        }
        let words = text!("no live entry names this duty", "没有目录条目登记该职责的数据");
        report.found(Finding {
            key,
            name: duty.name,
            members: [Some(duty.member), None],
            what: ("no-data".to_owned(), words),
            detail: Value::Null,
        })
    })
}

/// Systems not stopped that no live entry names.
pub fn systems_without_entries(report: &mut Report<'_>) -> Outcome<()> {
    let (_, named) = named_by_entries(report)?;
    report.each("systems", |report, key, system: InformationSystem| {
        if system.status == SystemStatus::Stopped || named.contains(&system.id) {
            return Ok(());
        }
        let words = text!("no live entry names this system", "没有目录条目来自该系统");
        report.found(Finding {
            key,
            name: system.name,
            members: [Some(system.member), None],
            what: ("no-entries".to_owned(), words),
            detail: Value::Null,
        })
    })
}
