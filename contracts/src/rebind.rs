//! Rebind due 待重新绑定: what an entry is bound to and no longer stands. Derived, never stored.
//!
//! When a duty is transferred, an office dissolved or a system stopped, nothing happens to the
//! entries bound to it: their providers are shown what is due and revise them.

use std::collections::BTreeSet;

use mulu_chain::types::{Height, TimeMs};
use serde::Serialize;

use crate::date::date_of;
use crate::duty::{Duty, DutyStatus};
use crate::entry::{Entry, EntryStatus};
use crate::office::{Office, OfficeStatus};
use crate::state::{self, StateRead, StateReadError, duty_key, office_key, system_key};
use crate::system::{InformationSystem, SystemStatus};

/// Something an entry is bound to that no longer stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RebindDue {
    /// What is wrong.
    pub cause: Cause,
    /// State key of the record it is about.
    pub record: String,
    /// The table of a system it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// Since when, if the chain recorded a height.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_height: Option<Height>,
    /// Block time of that, if the chain recorded it because there is a deadline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<u64>,
    /// Id of what to bind to instead, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successor: Option<String>,
}

/// Why a binding must be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The office was dissolved.
    OfficeDissolved,
    /// The duty was transferred.
    DutyTransferred,
    /// The duty was abolished.
    DutyAbolished,
    /// The duty's last date is past, or its first date ahead.
    DutyNotInForce,
    /// The system was stopped.
    SystemStopped,
    /// The system no longer declares the table.
    TableGone,
    /// The table's columns changed after the entry's last version.
    ColumnsChanged,
}

/// What is due for an entry at a block time; nothing for one that is retired.
///
/// # Errors
/// [`StateReadError`] if the state cannot be read.
pub fn due(
    state: &dyn StateRead,
    entry: &Entry,
    now: TimeMs,
) -> Result<Vec<RebindDue>, StateReadError> {
    let mut found = Vec::new();
    if entry.status == EntryStatus::Retired {
        return Ok(found);
    }
    let record = office_key(&entry.content.office);
    let office: Option<Office> = state::get(state, &record)?;
    if let Some(office) = office.filter(|office| office.status == OfficeStatus::Dissolved) {
        found.push(RebindDue {
            cause: Cause::OfficeDissolved,
            record,
            table: None,
            since_height: office.dissolved_at_height,
            since_ms: office.dissolved_at_ms,
            successor: office.successor,
        });
    }
    let today = date_of(now);
    for id in &entry.content.responsibilities {
        let record = duty_key(id);
        let duty: Option<Duty> = state::get(state, &record)?;
        found.extend(duty.and_then(|duty| due_of_duty(record, duty, &today)));
    }
    for binding in &entry.content.systems {
        let record = system_key(&binding.system);
        let system: Option<InformationSystem> = state::get(state, &record)?;
        let table = binding.table.as_ref();
        found.extend(system.and_then(|system| due_of_system(record, &system, table, entry)));
    }
    for (system, table) in tables_of_items(entry) {
        let record = system_key(system);
        let stored: Option<InformationSystem> = state::get(state, &record)?;
        let running = stored.filter(|system| system.status != SystemStatus::Stopped);
        found.extend(running.and_then(|of| due_of_system(record, &of, Some(table), entry)));
    }
    Ok(found)
}

/// The tables that items lie in, beside those the entry itself is bound to.
fn tables_of_items(entry: &Entry) -> BTreeSet<(&String, &String)> {
    let bindings = &entry.content.systems;
    let bound: BTreeSet<(&String, &String)> =
        bindings.iter().filter_map(|b| Some((&b.system, b.table.as_ref()?))).collect();
    let items = entry.content.items.iter();
    let tables = items.filter_map(|item| Some((item.system.as_ref()?, item.table.as_ref()?)));
    tables.filter(|table| !bound.contains(table)).collect()
}

fn due_of_duty(record: String, duty: Duty, today: &str) -> Option<RebindDue> {
    let cause = match duty.status {
        DutyStatus::Transferred => Cause::DutyTransferred,
        DutyStatus::Abolished => Cause::DutyAbolished,
        DutyStatus::Active if duty.covers(today) => return None,
        DutyStatus::Active => Cause::DutyNotInForce,
    };
    let (since_height, since_ms, successor) =
        (duty.ended_at_height, duty.ended_at_ms, duty.successor);
    Some(RebindDue { cause, record, table: None, since_height, since_ms, successor })
}

fn due_of_system(
    record: String,
    system: &InformationSystem,
    table: Option<&String>,
    entry: &Entry,
) -> Option<RebindDue> {
    let due = |cause, since_height, since_ms| {
        let table = table.cloned();
        Some(RebindDue { cause, record, table, since_height, since_ms, successor: None })
    };
    if system.status == SystemStatus::Stopped {
        return due(Cause::SystemStopped, system.revised_at_height, system.revised_at_ms);
    }
    let table = table?;
    if !system.tables.iter().any(|declared| declared.name == *table) {
        return due(Cause::TableGone, system.revised_at_height, system.revised_at_ms);
    }
    let changed = system.columns_changed.iter().find(|change| change.table == *table)?;
    let later = changed.at_height > entry.updated_at_height;
    if later { due(Cause::ColumnsChanged, Some(changed.at_height), changed.at_ms) } else { None }
}
