//! The commands that put members, offices, duties and systems on the chain.

use std::path::{Path, PathBuf};

use mulu_chain::limits::PAYLOAD_BYTES_MAX;
use mulu_contracts::action::Action;
use mulu_contracts::duty::{DutyAbolish, DutyRegister, DutyTransfer};
use mulu_contracts::member::{MemberAdmit, MemberResume, MemberSuspend};
use mulu_contracts::office::{NewOffice, OfficeDissolve, OfficeEstablish};
use mulu_contracts::state::{local_id, system_key};
use mulu_contracts::system::{SystemRegister, SystemRevise};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::commands::membership;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::records::{self, Stored};
use crate::submit::{self, SubmitArgs};
use crate::{files, text};

/// Members.
#[derive(Debug, clap::Subcommand)]
pub enum MemberCommand {
    /// Admit a member (authority) 接纳成员（主管部门）
    #[command(after_help = "\
FILE holds the member, with its first keys if it already has any:
  {\"member\": {\"uscc\": \"…\", \"name\": \"某某局\", \"region\": \"110000\", \"roles\": [\"provider\", \"consumer\"],
              \"nodes\": [{\"peer_id\": \"12D3KooW…\"}]},
   \"keys\": [{\"public_key\": \"ed25519:…\", \"roles\": [\"administrator\"]}]}
Each of those keys signs, too (proof of possession): pass --cosign-key for each, or --out FILE and
let the others add theirs with `mulu tx sign`.
Example 示例:
  mulu member admit new-member.json --profile authority --cosign-key new-admin.pem")]
    Admit {
        /// JSON file, `-` for standard input JSON 文件
        file: PathBuf,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
    /// Invite a newcomer: one file with all it needs (administrator) 邀请新成员（管理员）
    Invite(membership::InviteArgs),
    /// What waits for signatures, and whose are missing 待签请求
    Pending,
    /// Sign what waits, on this machine (administrator, authority) 签署待签请求
    Approve(membership::ApproveArgs),
    /// Say which nodes the own member runs (administrator) 更新本成员的节点（管理员）
    Nodes(membership::NodesArgs),
    /// Leave the consortium (administrator) 退出联盟（管理员）
    Leave(membership::LeaveArgs),
    /// Suspend a member: its keys stop counting (authority) 停用成员（主管部门）
    Suspend(StandingArgs),
    /// Let a suspended member act again (authority) 恢复成员（主管部门）
    Resume(StandingArgs),
}

/// Options of `mulu member suspend` and `mulu member resume`.
#[derive(Debug, clap::Args)]
pub struct StandingArgs {
    /// The member 统一社会信用代码
    uscc: String,
    /// Why 原因
    #[arg(long)]
    reason: String,
    /// Submitting.
    #[command(flatten)]
    submit: SubmitArgs,
}

/// Offices.
#[derive(Debug, clap::Subcommand)]
pub enum OfficeCommand {
    /// Establish an office of the own member (administrator) 设立处室（管理员）
    #[command(after_help = "\
Example 示例:
  mulu office establish --code data --name 数据管理处 --name-en \"Data Office\"")]
    Establish {
        /// Code within the member: a-z, 0-9 and - 处室代码
        #[arg(long)]
        code: String,
        /// Name 名称
        #[arg(long)]
        name: String,
        /// English name 英文名称
        #[arg(long)]
        name_en: Option<String>,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
    /// Dissolve an office of the own member (administrator) 撤销处室（管理员）
    Dissolve {
        /// Code within the member 处室代码
        code: String,
        /// Code of the office that takes its work over 承接处室的代码
        #[arg(long, value_name = "CODE")]
        successor: Option<String>,
        /// Why 原因
        #[arg(long)]
        reason: String,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
}

/// Duties.
#[derive(Debug, clap::Subcommand)]
pub enum DutyCommand {
    /// Register a duty of the own member (administrator) 登记职责（管理员）
    #[command(after_help = "\
FILE:
  {\"code\": \"registration\", \"name\": \"企业登记注册\", \"office\": \"<uscc>:data\", \"category\": \"license\",
   \"legal_basis\": [{\"kind\": \"law\", \"title\": \"中华人民共和国公司法\", \"article\": \"第二十九条\"}],
   \"effective_from\": \"2024-07-01\"}
kind: charter law regulation rule document
category: license penalty coercion levy payment inspection confirmation reward adjudication other")]
    Register {
        /// JSON file, `-` for standard input JSON 文件
        file: PathBuf,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
    /// Pass a duty to another member (both and the authority sign) 移交职责
    #[command(after_help = "\
FILE holds the duty as the other member has it from now on, as for `mulu duty register`:
  mulu duty transfer USCC:registration --to USCC --file successor.json --basis 机构改革方案 --out move.json
  mulu tx sign move.json --profile their-admin && mulu tx sign move.json --profile authority
  mulu tx submit move.json
Entries bound to it are then due for a revision: mulu report rebind-due")]
    Transfer {
        /// The duty 职责
        duty: String,
        /// The member it passes to 接收成员
        #[arg(long, value_name = "USCC")]
        to: String,
        /// JSON file of its successor 承接职责的 JSON 文件
        #[arg(long)]
        file: PathBuf,
        /// The decision that says so 依据
        #[arg(long)]
        basis: String,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
    /// End a duty (its member and the authority sign) 废止职责
    Abolish {
        /// The duty 职责
        duty: String,
        /// The decision that says so 依据
        #[arg(long)]
        basis: String,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
}

/// Information systems.
#[derive(Debug, clap::Subcommand)]
pub enum SystemCommand {
    /// Register an information system of the own member (administrator) 登记信息系统（管理员）
    #[command(after_help = "\
FILE:
  {\"code\": \"registry\", \"name\": \"企业登记系统\", \"office\": \"<uscc>:data\", \"status\": \"running\",
   \"tables\": [{\"name\": \"t_enterprise\", \"comment\": \"企业主体\"}], \"duties\": [\"<uscc>:registration\"]}
status: planned building running stopped")]
    Register {
        /// JSON file, `-` for standard input JSON 文件
        file: PathBuf,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
    /// Replace what is said of a system: status, tables, column hashes (administrator) 修订信息系统
    Revise {
        /// JSON file, complete, as for `register` JSON 文件
        file: PathBuf,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
}

/// Runs `mulu member`.
///
/// # Errors
/// Exit 2 to 6.
pub fn member(context: &Context, command: MemberCommand) -> Outcome<()> {
    let (submit, action) = match command {
        MemberCommand::Invite(args) => return membership::invite(context, args),
        MemberCommand::Pending => return membership::pending(context),
        MemberCommand::Approve(args) => return membership::approve(context, &args),
        MemberCommand::Nodes(args) => return membership::nodes(context, args),
        MemberCommand::Leave(args) => return membership::leave(context, args),
        MemberCommand::Admit { file, submit } => {
            (submit, Action::MemberAdmit(read::<MemberAdmit>(&file, "member")?))
        }
        MemberCommand::Suspend(StandingArgs { uscc, reason, submit }) => {
            (submit, Action::MemberSuspend(MemberSuspend { uscc, reason }))
        }
        MemberCommand::Resume(StandingArgs { uscc, reason, submit }) => {
            (submit, Action::MemberResume(MemberResume { uscc, reason }))
        }
    };
    submit::actions(context, &submit, vec![action])
}

/// Runs `mulu office`.
///
/// # Errors
/// Exit 2 to 6.
pub fn office(context: &Context, command: OfficeCommand) -> Outcome<()> {
    let (submit, action) = match command {
        OfficeCommand::Establish { code, name, name_en, submit } => {
            let office = NewOffice { code, name, name_en };
            (submit, Action::OfficeEstablish(OfficeEstablish { office }))
        }
        OfficeCommand::Dissolve { code, successor, reason, submit } => {
            let member = context.member()?;
            let office = local_id(member, &code);
            let successor = successor.map(|code| local_id(member, &code));
            (submit, Action::OfficeDissolve(OfficeDissolve { office, successor, reason }))
        }
    };
    submit::actions(context, &submit, vec![action])
}

/// Runs `mulu duty`.
///
/// # Errors
/// Exit 2 to 6.
pub fn duty(context: &Context, command: DutyCommand) -> Outcome<()> {
    let (submit, action) = match command {
        DutyCommand::Register { file, submit } => {
            (submit, Action::DutyRegister(read::<DutyRegister>(&file, "duty")?))
        }
        DutyCommand::Transfer { duty, to, file, basis, submit } => {
            let DutyRegister { duty: successor } = read(&file, "duty")?;
            (submit, Action::DutyTransfer(DutyTransfer { duty, to, successor, basis }))
        }
        DutyCommand::Abolish { duty, basis, submit } => {
            (submit, Action::DutyAbolish(DutyAbolish { duty, basis }))
        }
    };
    submit::actions(context, &submit, vec![action])
}

/// Runs `mulu system`.
///
/// # Errors
/// Exit 2 to 6.
pub fn system(context: &Context, command: SystemCommand) -> Outcome<()> {
    let (submit, action) = match command {
        SystemCommand::Register { file, submit } => {
            (submit, Action::SystemRegister(read::<SystemRegister>(&file, "system")?))
        }
        SystemCommand::Revise { file, submit } => {
            let SystemRegister { system } = read(&file, "system")?;
            let key = system_key(&local_id(context.member()?, &system.code));
            let stored: Stored<Value> = records::read(&context.node()?, &key)?;
            (submit, Action::SystemRevise(SystemRevise { prev: stored.version, system }))
        }
    };
    submit::actions(context, &submit, vec![action])
}

/// Reads an action's body from a JSON file: the whole action (with or without its `type`), or just
/// the object it carries under `inner`.
///
/// # Errors
/// Exit 2 naming what is wrong.
pub fn read<T: DeserializeOwned>(path: &Path, inner: &str) -> Outcome<T> {
    let limit = u64::try_from(PAYLOAD_BYTES_MAX).unwrap_or(u64::MAX);
    let bytes = files::read_bounded(path, limit)?;
    let shown = path.display();
    parse(&bytes, inner).map_err(|e| {
        Failure::usage(text!("{shown}: {e}", "{shown}：{e}")).help(text!(
            "`mulu … --help` shows the form of the file",
            "`mulu … --help` 给出文件格式"
        ))
    })
}

/// Parses an action's body; see [`read`].
///
/// # Errors
/// What serde says.
pub fn parse<T: DeserializeOwned>(bytes: &[u8], inner: &str) -> Result<T, serde_json::Error> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut value: Value = serde_json::from_slice(bytes)?;
    let carries = value.get(inner).is_some_and(Value::is_object);
    if !carries {
        value = Value::Object(Map::from_iter([(inner.to_owned(), value)]));
    } else if let Some(object) = value.as_object_mut() {
        object.remove("type");
    }
    serde_json::from_value(value)
}
