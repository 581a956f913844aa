//! Member 成员: an organisation of the consortium and the nodes it runs.

use serde::{Deserialize, Serialize};

use mulu_chain::types::Height;

use crate::call::Call;
use crate::date::date_of;
use crate::field;
use crate::key::{self, KeyRole, NewKey};
use crate::limits::{
    FIRST_KEYS_MAX, LABEL_CHARS_MAX, NAME_CHARS_MAX, NODES_MAX, PEER_ID_BYTES_MAX, REASON_CHARS_MAX,
};
use crate::overlay::Overlay;
use crate::rejection::{Step, Stop, require, shown};
use crate::rule::Rule;
use crate::state::{key_key, member_key};
use crate::uscc;
use crate::{region, validator};

/// A member as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// 统一社会信用代码, its id.
    pub uscc: String,
    /// 名称.
    pub name: String,
    /// English name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
    /// 行政区划, six digits.
    pub region: String,
    /// What it takes part as.
    pub roles: Vec<MemberRole>,
    /// The nodes it runs.
    pub nodes: Vec<Node>,
    /// Whether the authority admitted it although its code fails the check symbol.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uscc_check_waived: bool,
    /// Whether it may act.
    pub status: MemberStatus,
    /// When it was admitted.
    pub admitted_at_height: Height,
    /// When it was last suspended or resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_since_height: Option<Height>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
}

/// What a member takes part as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberRole {
    /// 提供方.
    Provider,
    /// 使用方.
    Consumer,
    /// 主管部门: may hold authority keys.
    Authority,
    /// 审计方.
    Auditor,
}

/// Whether a member may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberStatus {
    /// It may.
    Active,
    /// It may not.
    Suspended,
}

/// A node of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Its transport identity.
    pub peer_id: String,
    /// Its public name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A member to be admitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    /// 统一社会信用代码.
    pub uscc: String,
    /// 名称.
    pub name: String,
    /// English name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
    /// 行政区划, six digits.
    pub region: String,
    /// What it takes part as.
    pub roles: Vec<MemberRole>,
    /// The nodes it runs.
    #[serde(default)]
    pub nodes: Vec<Node>,
    /// Admit it although its code fails the check symbol: such codes have been issued.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uscc_check_waived: bool,
}

/// `member.admit`: an authority admits a member, with its first keys if it already has any. Each
/// of those keys signs the envelope, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberAdmit {
    /// The member.
    pub member: NewMember,
    /// Its first keys; if any, one of them an administrator's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<NewKey>,
}

/// `member.suspend`: an authority suspends a member; none of its keys counts until it is resumed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberSuspend {
    /// The member.
    pub uscc: String,
    /// Why.
    pub reason: String,
}

/// `member.resume`: an authority lets a suspended member act again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberResume {
    /// The member.
    pub uscc: String,
    /// Why.
    pub reason: String,
}

/// `member.nodes`: a member replaces the list of its nodes, so that a node or its transport key can be
/// replaced while the others go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberNodes {
    /// All of them.
    pub nodes: Vec<Node>,
}

/// `member.leave`: a member suspends itself; an authority may let it act again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberLeave {
    /// Why.
    pub reason: String,
}

/// The member of a code, able to act (MEM-01, MEM-02).
pub(crate) fn in_force(overlay: &Overlay<'_>, uscc: &str) -> Step<Member> {
    let member: Option<Member> = overlay.get(&member_key(uscc))?;
    let member = member.ok_or_else(|| Stop::Rule(Rule::MemberUnknown, uscc.to_owned()))?;
    let active = member.status == MemberStatus::Active;
    require(active, Rule::MemberInactive, || uscc.to_owned())?;
    Ok(member)
}

pub(crate) fn admit(call: &mut Call<'_, '_>, action: &MemberAdmit) -> Step {
    call.signers.authority(call.params.authority_threshold)?;
    let height = call.height();
    let member = create(call.overlay, height, &action.member)?;
    region::in_force(call.overlay, &member.region, &date_of(call.block.time_ms))?;
    call.touch(member_key(&member.uscc));
    field::count("keys", action.keys.len(), 0, FIRST_KEYS_MAX)?;
    let led = action.keys.is_empty()
        || action.keys.iter().any(|key| key.roles.contains(&KeyRole::Administrator));
    require(led, Rule::MemberNoAdministrator, || format!("{} keys", action.keys.len()))?;
    for key in &action.keys {
        key::create(call.overlay, height, &member, key)?;
        call.signers.possession(&key.public_key)?;
        call.touch(key_key(&key.public_key));
    }
    Ok(())
}

pub(crate) fn suspend(call: &mut Call<'_, '_>, action: &MemberSuspend) -> Step {
    call.signers.authority(call.params.authority_threshold)?;
    let signed = call.signers.has_signed(&action.uscc);
    require(!signed, Rule::MemberSigned, || action.uscc.clone())?;
    // Its vote would go on counting: the consortium takes the validator out first (VAL-06).
    let votes = validator::current(call.overlay)?.iter().any(|v| v.member == action.uscc);
    require(!votes, Rule::MemberVotes, || action.uscc.clone())?;
    set_status(call, &action.uscc, MemberStatus::Suspended, &action.reason)
}

pub(crate) fn resume(call: &mut Call<'_, '_>, action: &MemberResume) -> Step {
    call.signers.authority(call.params.authority_threshold)?;
    set_status(call, &action.uscc, MemberStatus::Active, &action.reason)
}

pub(crate) fn nodes(call: &mut Call<'_, '_>, action: &MemberNodes) -> Step {
    call.signers.own(&[KeyRole::Administrator], None)?;
    check_nodes(&action.nodes)?;
    let member = Member { nodes: action.nodes.clone(), ..call.submitter.clone() };
    let at = member_key(&member.uscc);
    call.touch(at.clone());
    call.overlay.put(at, &member)
}

pub(crate) fn leave(call: &mut Call<'_, '_>, action: &MemberLeave) -> Step {
    call.signers.own(&[KeyRole::Administrator], None)?;
    let uscc = call.uscc().to_owned();
    // Its signature may be one of those that the consortium cannot do without.
    let authority = call.submitter.roles.contains(&MemberRole::Authority);
    require(!authority, Rule::MemberAuthorityLeaves, || uscc.clone())?;
    let votes = validator::current(call.overlay)?.iter().any(|v| v.member == uscc);
    require(!votes, Rule::MemberVotes, || uscc.clone())?;
    set_status(call, &uscc, MemberStatus::Suspended, &action.reason)
}

fn set_status(call: &mut Call<'_, '_>, uscc: &str, status: MemberStatus, reason: &str) -> Step {
    field::text("reason", reason, REASON_CHARS_MAX)?;
    let at = member_key(uscc);
    let member: Option<Member> = call.overlay.get(&at)?;
    let member = member.ok_or_else(|| Stop::Rule(Rule::MemberUnknown, uscc.to_owned()))?;
    require(member.status != status, Rule::MemberStanding, || shown(&status))?;
    let member = Member {
        status,
        status_since_height: Some(call.height()),
        status_reason: Some(reason.to_owned()),
        ..member
    };
    call.touch(at.clone());
    call.overlay.put(at, &member)
}

/// Checks a member and writes it.
pub(crate) fn create(overlay: &mut Overlay<'_>, height: Height, new: &NewMember) -> Step<Member> {
    check_form(new)?;
    let key = member_key(&new.uscc);
    let taken = overlay.has(&key)?;
    require(!taken, Rule::MemberExists, || new.uscc.clone())?;
    let member = Member {
        uscc: new.uscc.clone(),
        name: new.name.clone(),
        name_en: new.name_en.clone(),
        region: new.region.clone(),
        roles: new.roles.clone(),
        nodes: new.nodes.clone(),
        uscc_check_waived: new.uscc_check_waived,
        status: MemberStatus::Active,
        admitted_at_height: height,
        status_since_height: None,
        status_reason: None,
    };
    overlay.put(key, &member)?;
    Ok(member)
}

fn check_form(new: &NewMember) -> Step {
    require(uscc::has_form(&new.uscc), Rule::MemberUsccForm, || new.uscc.clone())?;
    let checked = new.uscc_check_waived || uscc::has_check_symbol(&new.uscc);
    require(checked, Rule::MemberUsccCheck, || new.uscc.clone())?;
    field::text("name", &new.name, NAME_CHARS_MAX)?;
    field::optional("name_en", new.name_en.as_ref(), NAME_CHARS_MAX)?;
    field::region(&new.region)?;
    let roles: std::collections::BTreeSet<_> = new.roles.iter().collect();
    require(!roles.is_empty() && roles.len() == new.roles.len(), Rule::MemberRoles, || {
        shown(&new.roles)
    })?;
    check_nodes(&new.nodes)
}

fn check_nodes(nodes: &[Node]) -> Step {
    field::count("nodes", nodes.len(), 0, NODES_MAX)?;
    for node in nodes {
        check_peer_id(&node.peer_id)?;
        field::optional("node name", node.name.as_ref(), LABEL_CHARS_MAX)?;
    }
    field::distinct("nodes", Rule::FieldDuplicate, nodes.iter().map(|n| &n.peer_id))
}

/// The form of a libp2p peer id in base58 (MEM-07); what lies inside is the transport's business.
fn check_peer_id(peer_id: &str) -> Step {
    let base58 = |b: u8| b.is_ascii_alphanumeric() && !matches!(b, b'0' | b'O' | b'I' | b'l');
    let headed = peer_id.starts_with("12D3KooW") || peer_id.starts_with("Qm");
    let sized = (46..=PEER_ID_BYTES_MAX).contains(&peer_id.len());
    require(headed && sized && peer_id.bytes().all(base58), Rule::MemberPeerId, || {
        format!("{peer_id:?}")
    })
}
