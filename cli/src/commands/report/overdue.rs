//! What is past its deadline at the time of the last block.

use mulu_chain::types::Height;
use mulu_contracts::authorization::Authorization;
use mulu_contracts::correction::Correction;
use mulu_contracts::deadline::{self, Due, Step};
use mulu_contracts::entry::Entry;
use mulu_contracts::objection::Objection;
use mulu_contracts::params::{Params, ParamsRecord};
use mulu_contracts::rebind;
use mulu_contracts::state::{PARAMS_KEY, entry_key};
use serde_json::json;

use super::{Finding, Report};
use crate::failure::{Exit, Failure, Outcome};
use crate::lang::Text;
use crate::submit::ChainView;
use crate::{records, render, text};

/// Every finding, by the parameters in force at the next height.
pub fn overdue(report: &mut Report<'_>) -> Outcome<()> {
    let record = records::read::<ParamsRecord>(report.node(), PARAMS_KEY)?.value;
    let params: Params = record.at(Height(ChainView::ask(report.node())?.height).next());
    report.each("authorizations", |report, key, grant: Authorization| {
        let Some(due) = late(report, deadline::of_authorization(&grant, &params)) else {
            return Ok(());
        };
        let name = report.state.name(&entry_key(&grant.entry_id), "/content/name")?;
        found(report, key, name, Some(grant.consumer), due)
    })?;
    report.each("corrections", |report, key, correction: Correction| {
        let Some(due) = late(report, deadline::of_correction(&correction, &params)) else {
            return Ok(());
        };
        let name = report.state.name(&entry_key(&correction.entry_id), "/content/name")?;
        found(report, key, name, Some(correction.opened_by), due)
    })?;
    report.each("objections", |report, key, objection: Objection| {
        let Some(due) = late(report, deadline::of_objection(&objection, &params)) else {
            return Ok(());
        };
        found(report, key, Some(objection.ground), Some(objection.opened_by), due)
    })?;
    report.each("entries", |report, key, entry: Entry| {
        let all = rebind::due(&report.state, &entry, report.now)
            .map_err(|e| Failure::new(Exit::Unreachable, text!("{e}", "读取状态失败：{e}")))?;
        for due in all {
            let due = deadline::of_rebind(&due, &entry.provider, &params);
            if let Some(due) = late(report, due) {
                found(report, key.clone(), Some(entry.content.name.clone()), None, due)?;
            }
        }
        Ok(())
    })
}

fn late(report: &Report<'_>, due: Option<Due>) -> Option<Due> {
    due.filter(|due| due.due_ms < report.now.0)
}

fn found(
    report: &mut Report<'_>,
    key: String,
    name: Option<String>,
    other: Option<String>,
    due: Due,
) -> Outcome<()> {
    let date = render::date_of_ms(due.due_ms);
    let words: Text = match due.step {
        Step::Answer => text!("to be answered by {date}", "应于 {date} 前答复"),
        Step::Provide => text!("first delivery due by {date}", "应于 {date} 前首次提供"),
        Step::Mend => text!("to be mended by {date}", "应于 {date} 前修正"),
        Step::Decide => text!("an authority was to decide by {date}", "主管部门应于 {date} 前裁决"),
        Step::Rebind => text!("to be bound again by {date}", "应于 {date} 前重新绑定"),
    };
    let detail = json!(due);
    report.found(Finding {
        key,
        name: name.unwrap_or_default(),
        members: [due.member, other],
        what: (render::text_at(&detail, "/step"), words),
        detail,
    })
}
