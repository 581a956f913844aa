//! The commands that register, replace and revoke keys on the chain.

use std::path::PathBuf;

use mulu_chain::signature::PublicKey;
use mulu_contracts::action::Action;
use mulu_contracts::key::{KeyRegister, KeyRevoke, KeyRole, KeyRotate, NewKey};
use mulu_contracts::state::local_id;
use serde_json::Value;

use crate::context::Context;
use crate::failure::Outcome;
use crate::submit::{self, SubmitArgs};
use crate::text;

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
