//! Information system 信息系统 and its tables 库表: where data lives. No address, no credential.

use std::collections::BTreeMap;

use mulu_chain::digest::Digest;
use mulu_chain::types::Height;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::duty;
use crate::field;
use crate::key::KeyRole;
use crate::limits::{
    COMMENT_CHARS_MAX, DUTIES_MAX, LABEL_CHARS_MAX, LEGAL_REFERENCE_CHARS_MAX, NAME_CHARS_MAX,
    SYSTEM_NAME_CHARS_MAX, TABLE_NAME_CHARS_MAX, TABLES_MAX,
};
use crate::office;
use crate::overlay::Overlay;
use crate::rejection::{Step, Stop, require, shown};
use crate::rule::Rule;
use crate::state::{self, duty_key, local_id, member_key, system_key, version_hash};
use crate::uscc;

/// An information system as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InformationSystem {
    /// `<uscc>:<code>`.
    pub id: String,
    /// The member that owns it.
    pub member: String,
    /// Its code within the member.
    pub code: String,
    /// 名称.
    pub name: String,
    /// The office that owns it, as id.
    pub office: String,
    /// 状态.
    pub status: SystemStatus,
    /// 库表.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<Table>,
    /// 等级保护 level, 1 to 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection_level: Option<u8>,
    /// The duties it serves, as ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duties: Vec<String>,
    /// When it was registered.
    pub registered_at_height: Height,
    /// When it was last revised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revised_at_height: Option<Height>,
    /// Tables whose columns changed since they were declared, sorted by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns_changed: Vec<ColumnsChanged>,
    /// Block time of the last revision, if entries must be bound again by a deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revised_at_ms: Option<u64>,
    /// What else is said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// Block time of the revision that stopped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_at_ms: Option<u64>,
}

/// The last change of a table's columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnsChanged {
    /// The table's name.
    pub table: String,
    /// When.
    pub at_height: Height,
    /// Block time, if entries must be bound again by a deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<u64>,
}

/// Life of a system; it goes forward only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SystemStatus {
    /// 规划.
    Planned,
    /// 在建.
    Building,
    /// 运行.
    Running,
    /// 停用: takes no new bindings and delivers nothing new.
    Stopped,
}

/// What else is said of a system. No address and no credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// 运维单位: 统一社会信用代码 of who runs it; it need not be a member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// 等级保护备案号.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filing_no: Option<String>,
    /// 商用密码应用安全性评估.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crypto_review: Option<CryptoReview>,
    /// 部署: the region of the government cloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// 数据库类型.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// 上线日期.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_online: Option<String>,
    /// The system it took over from, of any member, as id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
}

/// 商用密码应用安全性评估.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CryptoReview {
    /// 结论.
    pub result: String,
    /// 日期.
    pub date: String,
}

/// A table of a system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// What it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Digest of its column list; the list itself stays off the chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns_hash: Option<Digest>,
    /// How many rows it has; a claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_claimed: Option<u64>,
}

/// A system to be registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSystem {
    /// 1 to 32 of `a-z`, `0-9` and `-`.
    pub code: String,
    /// 名称.
    pub name: String,
    /// The office that owns it, as id.
    pub office: String,
    /// 状态.
    pub status: SystemStatus,
    /// 库表.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<Table>,
    /// 等级保护 level, 1 to 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection_level: Option<u8>,
    /// The duties it serves, as ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duties: Vec<String>,
    /// What else is said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
}

/// `system.register`: a member registers an information system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystemRegister {
    /// The system.
    pub system: NewSystem,
}

/// `system.revise`: its owner replaces what is said of a system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystemRevise {
    /// Version hash of the record this revision is based on.
    pub prev: Digest,
    /// The system, complete; its code says which.
    pub system: NewSystem,
}

/// The system of an id, the member's own and not stopped (SYS-01 to SYS-03).
pub(crate) fn in_force(overlay: &Overlay<'_>, id: &str, member: &str) -> Step<InformationSystem> {
    let system: Option<InformationSystem> = overlay.get(&system_key(id))?;
    let system = system.ok_or_else(|| Stop::Rule(Rule::SystemUnknown, format!("{id:?}")))?;
    require(system.member == member, Rule::SystemForeign, || format!("{id} is not of {member}"))?;
    let runs = system.status != SystemStatus::Stopped;
    require(runs, Rule::SystemStopped, || id.to_owned())?;
    Ok(system)
}

/// Whether a system was stopped before a moment.
pub(crate) fn stopped_before(overlay: &Overlay<'_>, id: &str, moment_ms: u64) -> Step<bool> {
    #[derive(Deserialize)]
    struct Life {
        status: SystemStatus,
        stopped_at_ms: Option<u64>,
    }
    let life: Option<Life> = overlay.get(&system_key(id))?;
    Ok(life.is_some_and(|life| {
        life.status == SystemStatus::Stopped && life.stopped_at_ms.is_none_or(|at| at < moment_ms)
    }))
}

/// A system of the member (SYS-01, SYS-02).
pub(crate) fn own(overlay: &Overlay<'_>, id: &str, member: &str) -> Step {
    #[derive(Deserialize)]
    struct Owned {
        member: String,
    }
    let owned: Option<Owned> = overlay.get(&system_key(id))?;
    let owned = owned.ok_or_else(|| Stop::Rule(Rule::SystemUnknown, format!("{id:?}")))?;
    require(owned.member == member, Rule::SystemForeign, || format!("{id} is not of {member}"))
}

pub(crate) fn register(call: &mut Call<'_, '_>, action: &SystemRegister) -> Step {
    call.signers.own(&[KeyRole::Administrator], Some(&action.system.office))?;
    let (height, member) = (call.height(), call.uscc().to_owned());
    let system = create(call.overlay, height, &member, &action.system)?;
    call.touch(system_key(&system.id));
    call.touch(member_key(&member));
    for id in &system.duties {
        call.touch(duty_key(id));
    }
    Ok(())
}

pub(crate) fn revise(call: &mut Call<'_, '_>, action: &SystemRevise) -> Step {
    let new = &action.system;
    let member = call.uscc().to_owned();
    let id = local_id(&member, &new.code);
    let value = call.overlay.value(&system_key(&id))?;
    let value = value.ok_or_else(|| Stop::Rule(Rule::SystemUnknown, format!("{id:?}")))?;
    let old: InformationSystem = state::decode(&system_key(&id), &value)?;
    for office in [&old.office, &new.office] {
        call.signers.own(&[KeyRole::Administrator], Some(office))?;
    }
    let version = version_hash(&value);
    require(action.prev == version, Rule::SystemPrev, || {
        format!("prev is {}, the current version is {version}", action.prev)
    })?;
    require(old.status <= new.status, Rule::SystemStatusBack, || {
        format!("from {} to {}", shown(&old.status), shown(&new.status))
    })?;
    let system = checked(call.overlay, old.registered_at_height, &member, new)?;
    let stops = new.status == SystemStatus::Stopped;
    let revised = InformationSystem {
        revised_at_height: Some(call.height()),
        revised_at_ms: call.noted(call.params.deadlines.rebind_days),
        columns_changed: columns_changed(call, &old, new),
        stopped_at_ms: stops.then(|| old.stopped_at_ms.unwrap_or(call.block.time_ms.0)),
        ..system
    };
    call.touch(system_key(&id));
    call.touch(member_key(&member));
    for duty in old.duties.iter().chain(&revised.duties) {
        call.touch(duty_key(duty));
    }
    call.overlay.put(system_key(&id), &revised)
}

/// Changes noted before of tables still there, and those of this revision.
fn columns_changed(
    call: &Call<'_, '_>,
    old: &InformationSystem,
    new: &NewSystem,
) -> Vec<ColumnsChanged> {
    let at_ms = call.noted(call.params.deadlines.rebind_days);
    let mut changes = BTreeMap::new();
    for table in &new.tables {
        let noted = old.columns_changed.iter().find(|change| change.table == table.name);
        let before = old.tables.iter().find(|before| before.name == table.name);
        let changed = before.is_some_and(|before| before.columns_hash != table.columns_hash);
        let now = ColumnsChanged { table: table.name.clone(), at_height: call.height(), at_ms };
        let change = if changed { Some(now) } else { noted.cloned() };
        changes.extend(change.map(|change| (table.name.clone(), change)));
    }
    changes.into_values().collect()
}

/// Checks a new system and writes it.
pub(crate) fn create(
    overlay: &mut Overlay<'_>,
    height: Height,
    member: &str,
    new: &NewSystem,
) -> Step<InformationSystem> {
    let system = checked(overlay, height, member, new)?;
    let at = system_key(&system.id);
    let taken = overlay.has(&at)?;
    require(!taken, Rule::SystemExists, || system.id.clone())?;
    overlay.put(at, &system)?;
    Ok(system)
}

/// The record of a system that is sound by itself and in what it names.
fn checked(
    overlay: &Overlay<'_>,
    registered: Height,
    member: &str,
    new: &NewSystem,
) -> Step<InformationSystem> {
    check_form(new)?;
    office::in_force(overlay, &new.office, member)?;
    for id in &new.duties {
        duty::own(overlay, id, member)?;
    }
    if let Some(previous) = new.profile.as_ref().and_then(|profile| profile.previous.as_ref()) {
        let there = overlay.has(&system_key(previous))?;
        require(there, Rule::SystemUnknown, || format!("{previous:?}"))?;
    }
    Ok(InformationSystem {
        id: local_id(member, &new.code),
        member: member.to_owned(),
        code: new.code.clone(),
        name: new.name.clone(),
        office: new.office.clone(),
        status: new.status,
        tables: new.tables.clone(),
        protection_level: new.protection_level,
        duties: new.duties.clone(),
        registered_at_height: registered,
        revised_at_height: None,
        columns_changed: Vec::new(),
        revised_at_ms: None,
        profile: new.profile.clone(),
        stopped_at_ms: None,
    })
}

fn check_form(new: &NewSystem) -> Step {
    field::code(&new.code)?;
    field::text("name", &new.name, SYSTEM_NAME_CHARS_MAX)?;
    let level = new.protection_level;
    require(level.is_none_or(|level| (1..=4).contains(&level)), Rule::SystemProtection, || {
        format!("protection_level {}", level.unwrap_or_default())
    })?;
    field::count("tables", new.tables.len(), 0, TABLES_MAX)?;
    for table in &new.tables {
        field::text("table name", &table.name, TABLE_NAME_CHARS_MAX)?;
        field::optional("table comment", table.comment.as_ref(), COMMENT_CHARS_MAX)?;
    }
    field::distinct("tables", Rule::FieldDuplicate, new.tables.iter().map(|t| &t.name))?;
    field::count("duties", new.duties.len(), 0, DUTIES_MAX)?;
    field::distinct("duties", Rule::FieldDuplicate, &new.duties)?;
    new.profile.as_ref().map_or(Ok(()), check_profile)
}

fn check_profile(profile: &Profile) -> Step {
    if let Some(operator) = &profile.operator {
        require(uscc::has_form(operator), Rule::MemberUsccForm, || {
            format!("operator {operator:?}")
        })?;
    }
    field::optional("filing_no", profile.filing_no.as_ref(), LEGAL_REFERENCE_CHARS_MAX)?;
    if let Some(CryptoReview { result, date }) = &profile.crypto_review {
        field::text("crypto_review.result", result, LABEL_CHARS_MAX)?;
        field::date("crypto_review.date", date)?;
    }
    field::optional("host", profile.host.as_ref(), NAME_CHARS_MAX)?;
    field::optional("database", profile.database.as_ref(), LABEL_CHARS_MAX)?;
    profile.first_online.as_ref().map_or(Ok(()), |date| field::date("first_online", date))
}
