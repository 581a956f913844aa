//! Office 处室: the smallest unit that shares.

use mulu_chain::types::Height;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::field;
use crate::key::KeyRole;
use crate::limits::{NAME_CHARS_MAX, REASON_CHARS_MAX};
use crate::overlay::Overlay;
use crate::rejection::{Step, Stop, require};
use crate::rule::Rule;
use crate::state::{local_id, member_key, office_key};

/// An office as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Office {
    /// `<uscc>:<code>`.
    pub id: String,
    /// The member it belongs to.
    pub member: String,
    /// Its code within the member.
    pub code: String,
    /// 名称.
    pub name: String,
    /// English name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
    /// Whether it may act.
    pub status: OfficeStatus,
    /// When it was established.
    pub established_at_height: Height,
    /// When it was dissolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dissolved_at_height: Option<Height>,
    /// The office that took its work over, as id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<String>,
    /// Block time of its dissolution, if entries must be bound again by a deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dissolved_at_ms: Option<u64>,
}

/// Whether an office may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OfficeStatus {
    /// It may.
    Active,
    /// It was dissolved: nothing new is bound to it.
    Dissolved,
}

/// An office to be established.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewOffice {
    /// 1 to 32 of `a-z`, `0-9` and `-`.
    pub code: String,
    /// 名称.
    pub name: String,
    /// English name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
}

/// `office.establish`: a member establishes an office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfficeEstablish {
    /// The office.
    pub office: NewOffice,
}

/// `office.dissolve`: a member dissolves an office. What is bound to it stays as it is, for its
/// owner to bind again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfficeDissolve {
    /// The office, as id.
    pub office: String,
    /// The office that takes its work over, as id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<String>,
    /// Why.
    pub reason: String,
}

/// The office of an id, the member's own and able to act (OFF-01 to OFF-03).
pub(crate) fn in_force(overlay: &Overlay<'_>, id: &str, member: &str) -> Step<Office> {
    let office: Option<Office> = overlay.get(&office_key(id))?;
    let office = office.ok_or_else(|| Stop::Rule(Rule::OfficeUnknown, format!("{id:?}")))?;
    require(office.member == member, Rule::OfficeForeign, || format!("{id} is not of {member}"))?;
    let active = office.status == OfficeStatus::Active;
    require(active, Rule::OfficeInactive, || id.to_owned())?;
    Ok(office)
}

pub(crate) fn establish(call: &mut Call<'_, '_>, action: &OfficeEstablish) -> Step {
    call.signers.own(&[KeyRole::Administrator], None)?;
    let (height, member) = (call.height(), call.uscc().to_owned());
    let office = create(call.overlay, height, &member, &action.office)?;
    call.touch(office_key(&office.id));
    call.touch(member_key(&member));
    Ok(())
}

pub(crate) fn dissolve(call: &mut Call<'_, '_>, action: &OfficeDissolve) -> Step {
    call.signers.own(&[KeyRole::Administrator], None)?;
    let office = in_force(call.overlay, &action.office, call.uscc())?;
    if let Some(successor) = &action.successor {
        require(*successor != office.id, Rule::OfficeSuccessor, || office.id.clone())?;
        in_force(call.overlay, successor, call.uscc())?;
        call.touch(office_key(successor));
    }
    field::text("reason", &action.reason, REASON_CHARS_MAX)?;
    let dissolved = Office {
        status: OfficeStatus::Dissolved,
        dissolved_at_height: Some(call.height()),
        successor: action.successor.clone(),
        dissolved_at_ms: call.noted(call.params.deadlines.rebind_days),
        ..office
    };
    call.touch(office_key(&dissolved.id));
    call.touch(member_key(&dissolved.member));
    call.overlay.put(office_key(&dissolved.id), &dissolved)
}

/// Checks an office and writes it.
pub(crate) fn create(
    overlay: &mut Overlay<'_>,
    height: Height,
    member: &str,
    new: &NewOffice,
) -> Step<Office> {
    field::code(&new.code)?;
    field::text("name", &new.name, NAME_CHARS_MAX)?;
    field::optional("name_en", new.name_en.as_ref(), NAME_CHARS_MAX)?;
    let id = local_id(member, &new.code);
    let taken = overlay.has(&office_key(&id))?;
    require(!taken, Rule::OfficeExists, || id.clone())?;
    let office = Office {
        id: id.clone(),
        member: member.to_owned(),
        code: new.code.clone(),
        name: new.name.clone(),
        name_en: new.name_en.clone(),
        status: OfficeStatus::Active,
        established_at_height: height,
        dissolved_at_height: None,
        successor: None,
        dissolved_at_ms: None,
    };
    overlay.put(office_key(&id), &office)?;
    Ok(office)
}
