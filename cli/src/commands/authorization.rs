//! `mulu authorization`: from a request to a grant that both parties signed, and to its end.

mod sign;

use mulu_chain::digest::Digest;
use mulu_contracts::action::Action;
use mulu_contracts::authorization::{
    Authorization, AuthorizationAgree, AuthorizationConfirm, AuthorizationCounter,
    AuthorizationDecide, AuthorizationExamine, AuthorizationOffer, AuthorizationReject,
    AuthorizationRelinquish, AuthorizationRequest, AuthorizationRevoke, AuthorizationStanding,
    AuthorizationWithdraw, Extent, Limits, Purpose, Window,
};
use mulu_contracts::catalog::{ShareMethod, ShareType};
use mulu_contracts::entry::Entry;
use serde_json::Value;

use super::extent::{GroundArgs, LimitArgs, ObligationArgs};
use super::moment::{self, Moment};
use super::{entry, lookup};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::records::{self, Stored};
use crate::submit::{self, SubmitArgs};
use crate::text;

/// Authorizations.
#[derive(Debug, clap::Subcommand)]
pub enum AuthorizationCommand {
    /// Request the use of an entry (consumer) 申请使用（使用方）
    #[command(after_help = "\
Examples 示例:
  mulu authorization request --entry 307001/000001 --item uscc --item name \\
       --basis 《优化营商环境条例》第四十条 --scenario 开办餐饮店并联审批 --scope 审批核验 \\
       --method platform-api --from 2026-01-01 --to 2026-12-31 --calls 10000 --profile health
  mulu authorization request … --onward --recipient USCC --legal-text-file agreement.pdf
Dates are days in Beijing, both included. Without --item every shared item is requested.
The request names the submitting office: the profile needs an office, or pass --office CODE.")]
    Request(RequestArgs),
    /// Offer less than was requested (provider) 提出较小范围（提供方）
    #[command(after_help = "\
Example 示例:
  mulu authorization offer ID --item uscc --to 2026-06-30 --calls 1000
What is not named stays as requested.")]
    Offer(OfferArgs),
    /// Answer an offer, or a return, with another request (consumer) 再次提出申请（使用方）
    #[command(after_help = "\
Example 示例:
  mulu authorization counter ID --item uscc --calls 5000 --to 2026-09-30
What is not named stays as requested before; items can only be left out. How often: the parameter
counter_rounds_max.")]
    Counter(OfferArgs),
    /// Examine a request before its provider answers (authority) 合规审查（主管部门）
    Examine(ExamineArgs),
    /// Agree to the request (provider) or to the offer (consumer) 同意
    Agree(IdArgs),
    /// Sign the agreed terms: officers of BOTH parties sign one payload 双方签署生效
    #[command(after_help = "\
Examples 示例:
  mulu authorization finalize ID --out grant.json --profile provider     first signature
  mulu tx sign grant.json --profile consumer                            second signature
  mulu tx submit grant.json
or, where one person holds both keys (development):
  mulu authorization finalize ID --profile provider --cosign-key consumer-officer.pem")]
    Finalize(IdArgs),
    /// Refuse, with a reason (provider) 拒绝（提供方）
    Reject(ReasonArgs),
    /// Take the request back (consumer) 撤回申请（使用方）
    Withdraw(IdArgs),
    /// End a finalized authorization (provider or authority) 撤销授权（提供方或主管部门）
    Revoke(ReasonArgs),
    /// Give a finalized authorization up (consumer) 放弃授权（使用方）
    Relinquish(IdArgs),
    /// Suspend a grant (either party or authority) 暂停授权
    Suspend(ReasonArgs),
    /// Resume a suspended grant (who suspended it, or authority) 恢复授权
    Resume(ReasonArgs),
    /// Stand by a grant whose entry became stricter (provider) 确认授权（提供方）
    Confirm(IdArgs),
    /// Dispute a refusal (consumer) 对拒绝提出争议（使用方）
    Dispute(ReasonArgs),
    /// Decide a dispute (authority) 裁决争议（主管部门）
    Decide(DecideArgs),
}

/// Options of `mulu authorization decide`.
#[derive(Debug, clap::Args)]
pub struct DecideArgs {
    /// The authorization: id or its first digits 授权编号
    id: String,
    /// The consumer is to have what it requested 支持使用方
    #[arg(long, conflicts_with = "refuse", required_unless_present = "refuse")]
    grant: bool,
    /// The refusal stands 维持拒绝
    #[arg(long)]
    refuse: bool,
    /// Why 原因
    #[arg(long)]
    reason: String,
    /// Submitting.
    #[command(flatten)]
    submit: SubmitArgs,
}

/// Options of `mulu authorization examine`.
#[derive(Debug, clap::Args)]
pub struct ExamineArgs {
    /// The authorization: id or its first digits 授权编号
    id: String,
    /// Nothing is against it 合规
    #[arg(long, conflicts_with = "return_it", required_unless_present = "return_it")]
    compliant: bool,
    /// The consumer is to request otherwise 退回
    #[arg(long = "return")]
    return_it: bool,
    /// Why 原因
    #[arg(long)]
    reason: String,
    /// Submitting.
    #[command(flatten)]
    submit: SubmitArgs,
}

/// Options of `mulu authorization request`.
#[derive(Debug, clap::Args)]
pub struct RequestArgs {
    /// The entry: id, first digits of it, or resource code 条目
    #[arg(long, value_name = "ID")]
    entry: String,
    /// Id of an item (repeatable) 信息项（可重复）
    #[arg(long, value_name = "ITEM")]
    item: Vec<String>,
    /// 使用依据 what the use rests on
    #[arg(long)]
    basis: String,
    /// 使用场景 what it is for
    #[arg(long)]
    scenario: String,
    /// 用途代码 its code in a list the consortium keeps, such as dpv:LegalCompliance
    #[arg(long, value_name = "CODE")]
    purpose_code: Option<String>,
    /// 使用范围 who uses it and how far
    #[arg(long)]
    scope: String,
    /// 共享方式: platform-db, platform-file, platform-api, mail, copy, medium [default: the entry's first]
    #[arg(long, value_parser = parse_method)]
    method: Option<ShareMethod>,
    /// First day or moment 起始
    #[arg(long, value_name = "DATE", value_parser = moment::parse)]
    from: Moment,
    /// Last day or moment 截止
    #[arg(long, value_name = "DATE", value_parser = moment::parse)]
    to: Moment,
    /// Limits.
    #[command(flatten)]
    limits: LimitArgs,
    /// Obligations.
    #[command(flatten)]
    obligations: ObligationArgs,
    /// Recipients, policy and legal text.
    #[command(flatten)]
    grounds: GroundArgs,
    /// A grant of the same entry that this one replaces 要替换的授权
    #[arg(long, value_name = "ID")]
    replaces: Option<Digest>,
    /// A grant whose consumer is to hand it on 上级授权（转授）
    #[arg(long, value_name = "ID")]
    parent: Option<Digest>,
    /// Ask for leave to hand it on 申请允许转授
    #[arg(long)]
    onward: bool,
    /// Agreed at once if everything requested is shared unconditionally 无条件共享自动同意
    #[arg(long)]
    auto_agree: bool,
    /// Submitting.
    #[command(flatten)]
    submit: SubmitArgs,
}

/// Options of `mulu authorization offer` and `mulu authorization counter`.
#[derive(Debug, clap::Args)]
pub struct OfferArgs {
    /// The authorization 授权编号
    id: String,
    /// Id of an item (repeatable) [default: as requested] 信息项（可重复）
    #[arg(long, value_name = "ITEM")]
    item: Vec<String>,
    /// First day or moment [default: as requested] 起始
    #[arg(long, value_name = "DATE", value_parser = moment::parse)]
    from: Option<Moment>,
    /// Last day or moment [default: as requested] 截止
    #[arg(long, value_name = "DATE", value_parser = moment::parse)]
    to: Option<Moment>,
    /// Limits.
    #[command(flatten)]
    limits: LimitArgs,
    /// Obligations [default: as requested].
    #[command(flatten)]
    obligations: ObligationArgs,
    /// Recipients, policy and legal text [default: as requested].
    #[command(flatten)]
    grounds: GroundArgs,
    /// Submitting.
    #[command(flatten)]
    submit: SubmitArgs,
}

/// An authorization.
#[derive(Debug, clap::Args)]
pub struct IdArgs {
    /// The authorization: id or its first digits 授权编号
    id: String,
    /// Submitting.
    #[command(flatten)]
    submit: SubmitArgs,
}

/// An authorization and a reason.
#[derive(Debug, clap::Args)]
pub struct ReasonArgs {
    /// The authorization: id or its first digits 授权编号
    id: String,
    /// Why 原因
    #[arg(long)]
    reason: String,
    /// Submitting.
    #[command(flatten)]
    submit: SubmitArgs,
}

fn parse_method(text: &str) -> Result<ShareMethod, String> {
    serde_json::from_value(Value::String(text.to_owned())).map_err(|_| {
        "one of platform-db, platform-file, platform-api, mail, copy, medium".to_owned()
    })
}

/// Runs the command.
///
/// # Errors
/// Exit 2 to 6.
pub fn run(context: &Context, command: AuthorizationCommand) -> Outcome<()> {
    match command {
        AuthorizationCommand::Request(args) => request(context, args),
        AuthorizationCommand::Offer(args) => offer(context, args),
        AuthorizationCommand::Counter(args) => {
            let authorization = current(context, &args.id)?.value;
            let authorization_id = authorization.authorization_id;
            let submit = args.submit.clone();
            let requested = less(args, authorization.requested)?;
            let action = AuthorizationCounter { authorization_id, requested };
            submit::actions(context, &submit, vec![Action::AuthorizationCounter(action)])
        }
        AuthorizationCommand::Examine(args) => {
            let authorization_id = current(context, &args.id)?.value.authorization_id;
            let (compliant, reason) = (args.compliant, args.reason);
            let action = AuthorizationExamine { authorization_id, compliant, reason };
            submit::actions(context, &args.submit, vec![Action::AuthorizationExamine(action)])
        }
        AuthorizationCommand::Agree(args) => {
            let authorization_id = current(context, &args.id)?.value.authorization_id;
            let action = AuthorizationAgree { authorization_id };
            submit::actions(context, &args.submit, vec![Action::AuthorizationAgree(action)])
        }
        AuthorizationCommand::Finalize(args) => sign::finalize(context, &args.id, &args.submit),
        AuthorizationCommand::Reject(args) => {
            let authorization_id = current(context, &args.id)?.value.authorization_id;
            let action = AuthorizationReject { authorization_id, reason: args.reason };
            submit::actions(context, &args.submit, vec![Action::AuthorizationReject(action)])
        }
        AuthorizationCommand::Withdraw(args) => {
            let authorization_id = current(context, &args.id)?.value.authorization_id;
            let action = AuthorizationWithdraw { authorization_id };
            submit::actions(context, &args.submit, vec![Action::AuthorizationWithdraw(action)])
        }
        AuthorizationCommand::Revoke(args) => {
            let id = current(context, &args.id)?.value.authorization_id;
            context.confirm(&text!("Revoke {id} for ever?", "确定永久撤销授权 {id}？"))?;
            let action = AuthorizationRevoke { authorization_id: id, reason: args.reason };
            submit::actions(context, &args.submit, vec![Action::AuthorizationRevoke(action)])
        }
        AuthorizationCommand::Relinquish(args) => {
            let id = current(context, &args.id)?.value.authorization_id;
            context.confirm(&text!("Give {id} up for ever?", "确定永久放弃授权 {id}？"))?;
            let action = AuthorizationRelinquish { authorization_id: id };
            submit::actions(context, &args.submit, vec![Action::AuthorizationRelinquish(action)])
        }
        AuthorizationCommand::Suspend(args) => {
            standing(context, args, Action::AuthorizationSuspend)
        }
        AuthorizationCommand::Resume(args) => standing(context, args, Action::AuthorizationResume),
        AuthorizationCommand::Confirm(args) => {
            let authorization_id = current(context, &args.id)?.value.authorization_id;
            let action = AuthorizationConfirm { authorization_id };
            submit::actions(context, &args.submit, vec![Action::AuthorizationConfirm(action)])
        }
        AuthorizationCommand::Dispute(args) => {
            standing(context, args, Action::AuthorizationDispute)
        }
        AuthorizationCommand::Decide(args) => {
            let authorization_id = current(context, &args.id)?.value.authorization_id;
            let (grant, reason) = (args.grant, args.reason);
            let action = AuthorizationDecide { authorization_id, grant, reason };
            submit::actions(context, &args.submit, vec![Action::AuthorizationDecide(action)])
        }
    }
}

fn standing(
    context: &Context,
    args: ReasonArgs,
    action: fn(AuthorizationStanding) -> Action,
) -> Outcome<()> {
    let authorization_id = current(context, &args.id)?.value.authorization_id;
    let standing = AuthorizationStanding { authorization_id, reason: args.reason };
    submit::actions(context, &args.submit, vec![action(standing)])
}

/// The authorization a person means, as it stands.
///
/// # Errors
/// Exit 3 when there is none.
pub fn current(context: &Context, id: &str) -> Outcome<Stored<Authorization>> {
    let node = context.node()?;
    let key = lookup::subject(&node, id)?;
    if !key.starts_with("authorization/") {
        return Err(Failure::usage(text!("{key} is no authorization", "{key} 不是授权")));
    }
    records::read(&node, &key)
}

fn request(context: &Context, args: RequestArgs) -> Outcome<()> {
    let entry = entry::current(context, &args.entry)?;
    let items = if args.item.is_empty() { shared_items(&entry.value) } else { args.item };
    let offered = entry.value.content.share.methods.first().copied();
    let offered = offered.unwrap_or(ShareMethod::PlatformApi);
    let mut entry_version = entry.version;
    if let Some(parent) = &args.parent {
        entry_version = current(context, &parent.to_string())?.value.entry_version;
    }
    let extent = args.grounds.over(Extent {
        items,
        window: Window { from_ms: args.from.first_ms(), to_ms: args.to.last_ms() },
        limits: args.limits.over(Limits::default()),
        obligations: args.obligations.obligations(),
        recipients: Vec::new(),
        policy_hash: None,
        legal_text_hash: None,
    })?;
    let (basis, scenario, code) = (args.basis, args.scenario, args.purpose_code);
    let action = AuthorizationRequest {
        entry_id: entry.value.entry_id,
        entry_version,
        items: extent.items,
        purpose: Purpose { basis, scenario, code },
        scope: args.scope,
        method: args.method.unwrap_or(offered),
        window: extent.window,
        limits: extent.limits,
        obligations: extent.obligations,
        recipients: extent.recipients,
        policy_hash: extent.policy_hash,
        legal_text_hash: extent.legal_text_hash,
        replaces: args.replaces,
        parent: args.parent,
        onward: args.onward,
        auto_agree: args.auto_agree,
    };
    submit::actions(context, &args.submit, vec![Action::AuthorizationRequest(action)])
}

/// Ids of the items that are shared at all.
fn shared_items(entry: &Entry) -> Vec<String> {
    let content = &entry.content;
    let shared = content.items.iter().filter(|item| content.share_of(item) != ShareType::None);
    shared.map(|item| item.item_id.clone()).collect()
}

fn offer(context: &Context, args: OfferArgs) -> Outcome<()> {
    let authorization = current(context, &args.id)?.value;
    let (authorization_id, submit) = (authorization.authorization_id, args.submit.clone());
    let granted = less(args, authorization.requested)?;
    let action = AuthorizationOffer { authorization_id, granted };
    submit::actions(context, &submit, vec![Action::AuthorizationOffer(action)])
}

/// What the options name, else as requested.
fn less(args: OfferArgs, requested: Extent) -> Outcome<Extent> {
    args.grounds.over(Extent {
        items: if args.item.is_empty() { requested.items } else { args.item },
        window: Window {
            from_ms: args.from.map_or(requested.window.from_ms, Moment::first_ms),
            to_ms: args.to.map_or(requested.window.to_ms, Moment::last_ms),
        },
        limits: args.limits.over(requested.limits),
        obligations: args.obligations.obligations().or(requested.obligations),
        ..requested
    })
}
