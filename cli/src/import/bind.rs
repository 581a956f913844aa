//! What the entries of an import are bound to: from the options, the profile, or the chain.

use std::collections::BTreeMap;

use mulu_contracts::duty::{Duty, DutyStatus};
use mulu_contracts::member::Member;
use mulu_contracts::state::{local_id, member_key};
use serde_json::Value;

use super::convert::Binding;
use super::plan::Explicit;
use crate::client::Node;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::{records, render, submit, text};

/// Region of a rehearsal without a node.
const REGION_REHEARSAL: &str = "110000";
/// Member of a rehearsal when no one is named: the worked example of GB 32100-2015.
const MEMBER_REHEARSAL: &str = "91350100M000100Y43";

/// The options that bind entries.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Binding 绑定")]
pub struct BindArgs {
    /// Duty the entries rest on [default: the profile's, else the member's first active duty] 职责
    #[arg(long, value_name = "ID")]
    pub duty: Option<String>,
    /// Information system that holds the data [default: the profile's, else none] 信息系统
    #[arg(long, value_name = "ID", conflicts_with = "no_system")]
    pub system: Option<String>,
    /// Why no system is named 未绑定信息系统的原因
    #[arg(long, value_name = "TEXT")]
    pub no_system: Option<String>,
    /// Region, six digits of GB/T 2260 [default: the member's] 行政区划
    #[arg(long, value_name = "CODE")]
    pub region: Option<String>,
    /// Class of derived resource codes: six digits and more 信息资源分类代码
    #[arg(long, default_value = "306001", value_name = "CLASS", value_parser = parse_class)]
    pub class: String,
}

fn parse_class(text: &str) -> Result<String, String> {
    let fits = mulu_contracts::entry::content::is_resource_code(&format!("{text}/000000000000"));
    if fits {
        return Ok(text.to_owned());
    }
    Err("a digit from 1 to 9, five digits, and perhaps letters and digits, such as 306001"
        .to_owned())
}

/// Where the answers come from.
pub enum From<'a> {
    /// The chain, through a node.
    Chain(&'a Node),
    /// Nowhere: a rehearsal.
    Rehearsal,
}

/// Resolves the binding.
///
/// # Errors
/// Exit 2 when nothing says who submits or the member has no active duty.
pub fn resolve(
    context: &Context,
    args: &BindArgs,
    source_system: String,
    now_ms: u64,
    from: &From<'_>,
) -> Outcome<(Binding, Explicit)> {
    let member = match (context.member(), from) {
        (Ok(member), _) => member.to_owned(),
        (Err(_), From::Rehearsal) => MEMBER_REHEARSAL.to_owned(),
        (Err(failure), _) => return Err(failure),
    };
    let full = |id: &String| if id.contains(':') { id.clone() } else { local_id(&member, id) };
    let profile = &context.profile;
    let duty = args.duty.as_ref().or(profile.duty.as_ref()).map(full);
    let office = profile.office.as_ref().map(full);
    let (duty, office, region) = match from {
        From::Chain(node) => on_chain(node, &member, duty, office, args.region.clone(), now_ms)?,
        From::Rehearsal => (
            duty.unwrap_or_else(|| local_id(&member, "duty")),
            office.unwrap_or_else(|| local_id(&member, "office")),
            args.region.clone().unwrap_or_else(|| REGION_REHEARSAL.to_owned()),
        ),
    };
    let explicit = Explicit {
        office: context.flags.office.is_some(),
        region: args.region.is_some(),
        duty: args.duty.is_some(),
        system: args.system.is_some() || args.no_system.is_some(),
    };
    let system = args.system.as_ref().or(profile.system.as_ref()).map(full);
    let binding = Binding {
        class: args.class.clone(),
        office,
        region,
        duty,
        system: system.filter(|_| args.no_system.is_none()),
        no_system: args.no_system.clone().unwrap_or_else(|| {
            "由外部目录导入，来源未登记信息系统 (imported; the source names no system)".to_owned()
        }),
        today: render::date_of_ms(now_ms),
        fetched_at: submit::now(),
        source_system,
    };
    Ok((binding, explicit))
}

fn on_chain(
    node: &Node,
    member: &str,
    duty: Option<String>,
    office: Option<String>,
    region: Option<String>,
    now_ms: u64,
) -> Outcome<(String, String, String)> {
    let mut duties: BTreeMap<String, Duty> = BTreeMap::new();
    node.list("/v1/duties", &[("member", member)], |item: Value| {
        let key = item.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
        let duty = records::parse::<Duty>(&key, &item)?.value;
        duties.insert(duty.id.clone(), duty);
        Ok(true)
    })?;
    let today = render::date_of_ms(now_ms);
    let in_force = |duty: &&Duty| {
        let begun = duty.effective_from <= today;
        let lasts = duty.effective_to.as_ref().is_none_or(|to| today <= *to);
        duty.status == DutyStatus::Active && begun && lasts
    };
    let chosen = match &duty {
        Some(id) => duties.get(id),
        None => duties
            .values()
            .filter(in_force)
            .find(|d| office.as_ref().is_none_or(|office| d.office == *office))
            .or_else(|| duties.values().find(in_force)),
    };
    let Some(chosen) = chosen else {
        let known: Vec<&str> = duties.keys().map(String::as_str).collect();
        let known = known.join(", ");
        return Err(Failure::new(
            Exit::NotFound,
            match duty {
                Some(id) => text!(
                    "{member} has no duty {id}; it has: {known}",
                    "{member} 没有职责 {id}；现有：{known}"
                ),
                None => text!(
                    "{member} has no active duty to bind entries to",
                    "{member} 没有可绑定的有效职责"
                ),
            },
        )
        .help(text!(
            "register one with `mulu duty register FILE`, or pass --duty ID",
            "请用 `mulu duty register FILE` 登记，或用 --duty 指定"
        )));
    };
    let region = match region {
        Some(region) => region,
        None => records::read::<Member>(node, &member_key(member))?.value.region,
    };
    Ok((chosen.id.clone(), office.unwrap_or_else(|| chosen.office.clone()), region))
}
