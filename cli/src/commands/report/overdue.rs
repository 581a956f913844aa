//! What is past its deadline at the time of the last block.

use mulu_chain::types::{Height, TimeMs};
use mulu_contracts::authorization::Authorization;
use mulu_contracts::correction::Correction;
use mulu_contracts::deadline::{self, Due};
use mulu_contracts::entry::Entry;
use mulu_contracts::objection::Objection;
use mulu_contracts::params::{Params, ParamsRecord};
use mulu_contracts::rebind;
use mulu_contracts::state::PARAMS_KEY;
use serde_json::json;

use super::{Finding, Remote, each};
use crate::client::Node;
use crate::failure::{Exit, Failure, Outcome};
use crate::submit::ChainView;
use crate::{records, render, text};

/// Every finding, by the parameters in force at the next height.
pub(super) fn overdue(node: &Node, now: TimeMs) -> Outcome<Vec<Finding>> {
    let record = records::read::<ParamsRecord>(node, PARAMS_KEY)?.value;
    let params: Params = record.at(Height(ChainView::ask(node)?.height).next());
    let mut findings = Vec::new();
    let mut add = |key: &str, due: Option<Due>| {
        let Some(due) = due.filter(|due| due.due_ms < now.0) else { return };
        let (detail, member) = (json!(due), due.member.unwrap_or_default());
        let what = format!("{} {}", render::text_at(&detail, "/step"), render::time_ms(due.due_ms));
        findings.push(Finding { key: key.to_owned(), member, what, detail });
    };
    each(node, "authorizations", |key, authorization: Authorization| {
        add(&key, deadline::of_authorization(&authorization, &params));
        Ok(())
    })?;
    each(node, "corrections", |key, correction: Correction| {
        add(&key, deadline::of_correction(&correction, &params));
        Ok(())
    })?;
    each(node, "objections", |key, objection: Objection| {
        add(&key, deadline::of_objection(&objection, &params));
        Ok(())
    })?;
    let state = Remote::of(node);
    each(node, "entries", |key, entry: Entry| {
        let due = rebind::due(&state, &entry, now)
            .map_err(|e| Failure::new(Exit::Unreachable, text!("{e}", "读取状态失败：{e}")))?;
        for due in due {
            add(&key, deadline::of_rebind(&due, &entry.provider, &params));
        }
        Ok(())
    })?;
    Ok(findings)
}
