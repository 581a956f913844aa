//! The commands that put members, offices, keys, duties and systems on the chain.

use std::path::{Path, PathBuf};

use mulu_chain::limits::PAYLOAD_BYTES_MAX;
use mulu_chain::signature::PublicKey;
use mulu_contracts::action::Action;
use mulu_contracts::duty::DutyRegister;
use mulu_contracts::key::{KeyRegister, KeyRevoke, KeyRole, KeyRotate, NewKey};
use mulu_contracts::member::{MemberAdmit, MemberResume, MemberSuspend};
use mulu_contracts::office::{NewOffice, OfficeDissolve, OfficeEstablish};
use mulu_contracts::state::local_id;
use mulu_contracts::system::SystemRegister;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::context::Context;
use crate::failure::{Failure, Outcome};
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
}

/// Options of `mulu key register`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples 示例:
  mulu key register officer.pem --role officer --bound-office data --profile admin
  mulu key register app.pem --role application --label 核验服务 --profile admin
  mulu key register their-admin.pem --role administrator --for-member USCC --profile authority
The key signs, too, to prove that somebody has it.")]
pub struct KeyRegisterArgs {
    /// Key file of the key to register 要登记的密钥文件
    pub file: PathBuf,
    /// What it may do (repeatable) 角色（可重复）
    #[arg(long, required = true, value_parser = parse_role, value_name = "ROLE")]
    pub role: Vec<KeyRole>,
    /// Bind it to an office 绑定处室
    #[arg(long, value_name = "CODE")]
    pub bound_office: Option<String>,
    /// A name for people 标签
    #[arg(long)]
    pub label: Option<String>,
    /// Another member than the submitter (authority) 为其他成员登记（主管部门）
    #[arg(long, value_name = "USCC")]
    pub for_member: Option<String>,
    /// Submitting.
    #[command(flatten)]
    pub submit: SubmitArgs,
}

/// Options of `mulu key revoke`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example 示例:
  mulu key revoke ed25519:… --reason 设备遗失 --profile admin
A revoked key never counts again; what it signed before stays valid.")]
pub struct KeyRevokeArgs {
    /// The public key 公钥
    pub public_key: PublicKey,
    /// Why 原因
    #[arg(long)]
    pub reason: String,
    /// Submitting.
    #[command(flatten)]
    pub submit: SubmitArgs,
}

/// Options of `mulu key rotate`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example 示例:
  mulu key generate --out officer-2027.pem
  mulu key rotate officer-2027.pem --reason 到期更换 --profile officer
The key of the profile is replaced, or the one named with --old; roles, office and label stay.")]
pub struct KeyRotateArgs {
    /// Key file of the key that takes over 新密钥文件
    pub file: PathBuf,
    /// The key to be replaced, if it is not the one that signs 被替换的公钥
    #[arg(long, value_name = "KEY")]
    pub old: Option<PublicKey>,
    /// Why 原因
    #[arg(long)]
    pub reason: String,
    /// Submitting.
    #[command(flatten)]
    pub submit: SubmitArgs,
}

/// Runs `mulu key rotate`.
///
/// # Errors
/// Exit 2 to 6.
pub fn key_rotate(context: &Context, args: KeyRotateArgs) -> Outcome<()> {
    let new_key = context.open_key(&args.file)?.key.public_key();
    let public_key = match args.old {
        Some(old) => old,
        None => context.key()?.public_key(),
    };
    let mut submit = args.submit;
    submit.cosign_key.push(args.file);
    let action = KeyRotate { public_key, new_key, reason: args.reason };
    submit::actions(context, &submit, vec![Action::KeyRotate(action)])
}

fn parse_role(text: &str) -> Result<KeyRole, String> {
    serde_json::from_value(Value::String(text.to_owned())).map_err(|_| {
        "one of validator, administrator, officer, application, auditor, authority".to_owned()
    })
}

/// Runs `mulu member`.
///
/// # Errors
/// Exit 2 to 6.
pub fn member(context: &Context, command: MemberCommand) -> Outcome<()> {
    let (submit, action) = match command {
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
    let DutyCommand::Register { file, submit } = command;
    let action: DutyRegister = read(&file, "duty")?;
    submit::actions(context, &submit, vec![Action::DutyRegister(action)])
}

/// Runs `mulu system`.
///
/// # Errors
/// Exit 2 to 6.
pub fn system(context: &Context, command: SystemCommand) -> Outcome<()> {
    let SystemCommand::Register { file, submit } = command;
    let action: SystemRegister = read(&file, "system")?;
    submit::actions(context, &submit, vec![Action::SystemRegister(action)])
}

/// Runs `mulu key register`.
///
/// # Errors
/// Exit 2 to 6.
pub fn key_register(context: &Context, args: KeyRegisterArgs) -> Outcome<()> {
    let public_key = context.open_key(&args.file)?.key.public_key();
    let member = match &args.for_member {
        Some(uscc) => uscc.clone(),
        None => context.member()?.to_owned(),
    };
    let office = args
        .bound_office
        .map(|code| if code.contains(':') { code } else { local_id(&member, &code) });
    let key = NewKey {
        public_key,
        roles: args.role,
        office,
        label: args.label,
        valid_from: None,
        valid_to: None,
    };
    let mut submit = args.submit;
    submit.cosign_key.push(args.file);
    let action = KeyRegister { key, member: args.for_member };
    submit::actions(context, &submit, vec![Action::KeyRegister(action)])
}

/// Runs `mulu key revoke`.
///
/// # Errors
/// Exit 2 to 6.
pub fn key_revoke(context: &Context, args: KeyRevokeArgs) -> Outcome<()> {
    let key = args.public_key;
    context.confirm(&text!("Revoke {key} for ever?", "确定永久撤销密钥 {key}？"))?;
    let action = KeyRevoke { public_key: key, reason: args.reason };
    submit::actions(context, &args.submit, vec![Action::KeyRevoke(action)])
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
