//! Duty 职责: what a member is charged with by law, and so why it holds data.

use mulu_chain::types::Height;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::field;
use crate::key::KeyRole;
use crate::limits::{
    DUTY_DESCRIPTION_CHARS_MAX, DUTY_NAME_CHARS_MAX, LEGAL_BASES_MAX, LEGAL_REFERENCE_CHARS_MAX,
    LEGAL_TITLE_CHARS_MAX, REASON_CHARS_MAX,
};
use crate::overlay::Overlay;
use crate::rejection::{Step, Stop, require, shown};
use crate::rule::Rule;
use crate::state::{duty_key, local_id, member_key};
use crate::{member, office};

/// A duty as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// `<uscc>:<code>`.
    pub id: String,
    /// The member charged with it.
    pub member: String,
    /// Its code within the member.
    pub code: String,
    /// 名称.
    pub name: String,
    /// 描述.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// 法律依据, at least one.
    pub legal_basis: Vec<LegalBasis>,
    /// The office in charge, as id.
    pub office: String,
    /// 职责类别.
    pub category: DutyCategory,
    /// First date in force.
    pub effective_from: String,
    /// Last date in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_to: Option<String>,
    /// Whether it stands.
    pub status: DutyStatus,
    /// When it was registered.
    pub registered_at_height: Height,
    /// The duty that this one continues, as id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<String>,
    /// When it was transferred or abolished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at_height: Option<Height>,
    /// On what ground.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_basis: Option<String>,
    /// The duty that continues this one, as id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<String>,
    /// Block time of that, if entries must be bound again by a deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at_ms: Option<u64>,
}

/// What a duty rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegalBasis {
    /// The kind of document.
    pub kind: LegalKind,
    /// 标题.
    pub title: String,
    /// 文号.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_no: Option<String>,
    /// 条款.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub article: Option<String>,
}

/// Kinds of legal documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LegalKind {
    /// 三定: the charter that fixes a department's functions, organs and staff.
    Charter,
    /// 法律.
    Law,
    /// 法规.
    Regulation,
    /// 规章.
    Rule,
    /// 文件.
    Document,
}

/// Categories of duties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DutyCategory {
    /// 行政许可.
    License,
    /// 行政处罚.
    Penalty,
    /// 行政强制.
    Coercion,
    /// 行政征收.
    Levy,
    /// 行政给付.
    Payment,
    /// 行政检查.
    Inspection,
    /// 行政确认.
    Confirmation,
    /// 行政奖励.
    Reward,
    /// 行政裁决.
    Adjudication,
    /// 其他.
    Other,
}

/// Whether a duty stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DutyStatus {
    /// It does.
    Active,
    /// Transferred to another member.
    Transferred,
    /// Abolished.
    Abolished,
}

/// A duty to be registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewDuty {
    /// 1 to 32 of `a-z`, `0-9` and `-`.
    pub code: String,
    /// 名称.
    pub name: String,
    /// 描述.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// 法律依据, at least one.
    pub legal_basis: Vec<LegalBasis>,
    /// The office in charge, as id.
    pub office: String,
    /// 职责类别.
    pub category: DutyCategory,
    /// First date in force.
    pub effective_from: String,
    /// Last date in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_to: Option<String>,
}

/// `duty.register`: a member registers a duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DutyRegister {
    /// The duty.
    pub duty: NewDuty,
}

/// `duty.transfer`: a duty passes to another member; both members and the authority sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DutyTransfer {
    /// The duty, as id.
    pub duty: String,
    /// The member it passes to.
    pub to: String,
    /// The duty as that member has it from now on.
    pub successor: NewDuty,
    /// The decision that says so.
    pub basis: String,
}

/// `duty.abolish`: a duty ends; its member and the authority sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DutyAbolish {
    /// The duty, as id.
    pub duty: String,
    /// The decision that says so.
    pub basis: String,
}

impl Duty {
    /// Whether a date lies within its dates.
    pub fn covers(&self, today: &str) -> bool {
        let lasts = self.effective_to.as_deref().is_none_or(|to| today <= to);
        self.effective_from.as_str() <= today && lasts
    }
}

/// The duty of an id, the member's own (DUT-01, DUT-02).
pub(crate) fn own(overlay: &Overlay<'_>, id: &str, member: &str) -> Step<Duty> {
    let duty: Option<Duty> = overlay.get(&duty_key(id))?;
    let duty = duty.ok_or_else(|| Stop::Rule(Rule::DutyUnknown, format!("{id:?}")))?;
    require(duty.member == member, Rule::DutyForeign, || format!("{id} is not of {member}"))?;
    Ok(duty)
}

/// The duty of an id, the member's own and in force on a date (DUT-01 to DUT-03).
pub(crate) fn in_force(overlay: &Overlay<'_>, id: &str, member: &str, today: &str) -> Step<Duty> {
    let duty = own(overlay, id, member)?;
    let stands = duty.status == DutyStatus::Active && duty.covers(today);
    require(stands, Rule::DutyNotInForce, || {
        let to = duty.effective_to.as_deref().unwrap_or("open");
        format!(
            "{id} is {}, in force {} to {to}, today {today}",
            shown(&duty.status),
            duty.effective_from
        )
    })?;
    Ok(duty)
}

pub(crate) fn register(call: &mut Call<'_, '_>, action: &DutyRegister) -> Step {
    call.signers.own(&[KeyRole::Administrator], Some(&action.duty.office))?;
    let (height, member) = (call.height(), call.uscc().to_owned());
    let duty = create(call.overlay, height, &member, &action.duty)?;
    call.touch(duty_key(&duty.id));
    call.touch(member_key(&member));
    Ok(())
}

pub(crate) fn transfer(call: &mut Call<'_, '_>, action: &DutyTransfer) -> Step {
    let old = standing(call.overlay, &action.duty)?;
    require(old.member != action.to, Rule::DutyTransferSelf, || old.member.clone())?;
    call.signers.authorities(call.params.authority_threshold)?;
    let to = member::in_force(call.overlay, &action.to)?;
    for (member, office) in [(&old.member, &old.office), (&action.to, &action.successor.office)] {
        let signed = call.signers.party(member, KeyRole::Administrator, office);
        require(signed, Rule::DutyParties, || format!("no administrator of {member} signed"))?;
    }
    let height = call.height();
    let new = create(call.overlay, height, &to.uscc, &action.successor)?;
    let new = Duty { supersedes: Some(old.id.clone()), ..new };
    call.overlay.put(duty_key(&new.id), &new)?;
    call.touch(duty_key(&new.id));
    call.touch(member_key(&new.member));
    end(call, old, DutyStatus::Transferred, &action.basis, Some(new.id))
}

pub(crate) fn abolish(call: &mut Call<'_, '_>, action: &DutyAbolish) -> Step {
    let old = standing(call.overlay, &action.duty)?;
    call.signers.authorities(call.params.authority_threshold)?;
    let signed = call.signers.party(&old.member, KeyRole::Administrator, &old.office);
    require(signed, Rule::DutyParties, || format!("no administrator of {} signed", old.member))?;
    end(call, old, DutyStatus::Abolished, &action.basis, None)
}

/// The duty of an id, neither transferred nor abolished (DUT-01, DUT-06).
fn standing(overlay: &Overlay<'_>, id: &str) -> Step<Duty> {
    let duty: Option<Duty> = overlay.get(&duty_key(id))?;
    let duty = duty.ok_or_else(|| Stop::Rule(Rule::DutyUnknown, format!("{id:?}")))?;
    require(duty.status == DutyStatus::Active, Rule::DutyEnded, || {
        format!("{id} is {}", shown(&duty.status))
    })?;
    Ok(duty)
}

/// Ends a duty. What is bound to it stays bound: see [`crate::rebind`].
fn end(
    call: &mut Call<'_, '_>,
    duty: Duty,
    status: DutyStatus,
    basis: &str,
    successor: Option<String>,
) -> Step {
    field::text("basis", basis, REASON_CHARS_MAX)?;
    let ended = Duty {
        status,
        ended_at_height: Some(call.height()),
        end_basis: Some(basis.to_owned()),
        successor,
        ended_at_ms: call.noted(call.params.deadlines.rebind_days),
        ..duty
    };
    let at = duty_key(&ended.id);
    call.touch(at.clone());
    call.touch(member_key(&ended.member));
    call.overlay.put(at, &ended)
}

/// Checks a duty and writes it.
pub(crate) fn create(
    overlay: &mut Overlay<'_>,
    height: Height,
    member: &str,
    new: &NewDuty,
) -> Step<Duty> {
    check_form(new)?;
    office::in_force(overlay, &new.office, member)?;
    let id = local_id(member, &new.code);
    let taken = overlay.has(&duty_key(&id))?;
    require(!taken, Rule::DutyExists, || id.clone())?;
    let duty = Duty {
        id: id.clone(),
        member: member.to_owned(),
        code: new.code.clone(),
        name: new.name.clone(),
        description: new.description.clone(),
        legal_basis: new.legal_basis.clone(),
        office: new.office.clone(),
        category: new.category,
        effective_from: new.effective_from.clone(),
        effective_to: new.effective_to.clone(),
        status: DutyStatus::Active,
        registered_at_height: height,
        supersedes: None,
        ended_at_height: None,
        end_basis: None,
        successor: None,
        ended_at_ms: None,
    };
    overlay.put(duty_key(&id), &duty)?;
    Ok(duty)
}

fn check_form(new: &NewDuty) -> Step {
    field::code(&new.code)?;
    field::text("name", &new.name, DUTY_NAME_CHARS_MAX)?;
    field::optional("description", new.description.as_ref(), DUTY_DESCRIPTION_CHARS_MAX)?;
    field::count("legal_basis", new.legal_basis.len(), 1, LEGAL_BASES_MAX)?;
    for basis in &new.legal_basis {
        field::text("legal_basis.title", &basis.title, LEGAL_TITLE_CHARS_MAX)?;
        let document_no = basis.document_no.as_ref();
        field::optional("legal_basis.document_no", document_no, LEGAL_REFERENCE_CHARS_MAX)?;
        let article = basis.article.as_ref();
        field::optional("legal_basis.article", article, LEGAL_REFERENCE_CHARS_MAX)?;
    }
    field::date("effective_from", &new.effective_from)?;
    if let Some(to) = &new.effective_to {
        field::date("effective_to", to)?;
        let ordered = new.effective_from <= *to;
        require(ordered, Rule::DutyDates, || format!("{} to {to}", new.effective_from))?;
    }
    Ok(())
}
