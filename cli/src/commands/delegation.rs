//! `mulu delegation`, `mulu region` and `mulu class`.

use std::path::PathBuf;

use mulu_contracts::action::Action;
use mulu_contracts::authorization::Window;
use mulu_contracts::class::ClassSet;
use mulu_contracts::delegation::{DELEGABLE, DelegationEnd, DelegationGrant};
use mulu_contracts::region::RegionSet;

use super::moment::{self, Moment};
use super::registry;
use crate::context::Context;
use crate::failure::Outcome;
use crate::submit::{self, SubmitArgs};

/// Delegations.
#[derive(Debug, clap::Subcommand)]
pub enum DelegationCommand {
    /// Let another member act for the own one (administrator) 委托其他成员（管理员）
    #[command(after_help = "\
Example 示例:
  mulu delegation grant USCC --action entry.publish --action entry.revise --to 2027-01-01
The delegate then submits with --on-behalf-of: its keys sign, the records are the own member's. All that is
done under the delegation: mulu history delegation/<own USCC>/<USCC>")]
    Grant {
        /// The member that may act 受托成员
        delegate: String,
        /// An action it may submit (repeatable) 可代为提交的动作（可重复）
        #[arg(long, required = true, value_name = "ACTION", value_parser = DELEGABLE)]
        action: Vec<String>,
        /// From when [default: now] 起始时间
        #[arg(long, value_name = "TIME", value_parser = moment::parse)]
        from: Option<Moment>,
        /// Until when 终止时间
        #[arg(long, value_name = "TIME", value_parser = moment::parse)]
        to: Moment,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
    /// End a delegation (either side, or authority) 终止委托
    End {
        /// The member acted for 委托成员
        principal: String,
        /// The member that could act 受托成员
        delegate: String,
        /// Why 原因
        #[arg(long)]
        reason: String,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
}

/// Division codes.
#[derive(Debug, clap::Subcommand)]
pub enum RegionCommand {
    /// Set division codes (authority) 登记行政区划代码（主管部门）
    #[command(after_help = "\
FILE: [{\"code\": \"110000\", \"name\": \"北京市\", \"from\": \"1949-10-01\"}], at most 500 at a time.
Once any is set, entries and new members name only codes in force.")]
    Set {
        /// JSON file, `-` for standard input JSON 文件
        file: PathBuf,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
}

/// Classes.
#[derive(Debug, clap::Subcommand)]
pub enum ClassCommand {
    /// Set classes of resource codes (authority) 登记信息资源分类（主管部门）
    #[command(after_help = "\
FILE: [{\"code\": \"3\", \"name\": \"部门\"}, {\"code\": \"306\", \"name\": \"…\"},
       {\"code\": \"306001\", \"name\": \"…\"}], at most 500 at a time, each after the one above it:
类 has 1 digit, 项 3, 目 6, 细目 more. Once any is set, resource codes begin with a class on the table.")]
    Set {
        /// JSON file, `-` for standard input JSON 文件
        file: PathBuf,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
}

/// Runs `mulu delegation`.
///
/// # Errors
/// Exit 2 to 6.
pub fn delegation(context: &Context, command: DelegationCommand) -> Outcome<()> {
    let (submit, action) = match command {
        DelegationCommand::Grant { delegate, action, from, to, submit } => {
            let from_ms = match from {
                Some(from) => from.first_ms(),
                None => submit::ChainView::ask(&context.node()?)?.time_ms,
            };
            let window = Window { from_ms, to_ms: to.last_ms() };
            let grant = DelegationGrant { delegate, scope: action, window };
            (submit, Action::DelegationGrant(grant))
        }
        DelegationCommand::End { principal, delegate, reason, submit } => {
            (submit, Action::DelegationEnd(DelegationEnd { principal, delegate, reason }))
        }
    };
    submit::actions(context, &submit, vec![action])
}

/// Runs `mulu region`.
///
/// # Errors
/// Exit 2 to 6.
pub fn region(context: &Context, command: RegionCommand) -> Outcome<()> {
    let RegionCommand::Set { file, submit } = command;
    let action: RegionSet = registry::read(&file, "regions")?;
    submit::actions(context, &submit, vec![Action::RegionSet(action)])
}

/// Runs `mulu class`.
///
/// # Errors
/// Exit 2 to 6.
pub fn class(context: &Context, command: ClassCommand) -> Outcome<()> {
    let ClassCommand::Set { file, submit } = command;
    let action: ClassSet = registry::read(&file, "classes")?;
    submit::actions(context, &submit, vec![Action::ClassSet(action)])
}
