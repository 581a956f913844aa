//! `mulu key`: key files, and their registration on the chain.

use std::path::PathBuf;

use serde_json::json;

use super::key_registry::{self, KeyRegisterArgs, KeyRevokeArgs, KeyRotateArgs};
use crate::context::Context;
use crate::failure::Outcome;
use crate::keyfile::{self, Protection};
use crate::{render, text};

/// Keys.
#[derive(Debug, clap::Subcommand)]
pub enum KeyCommand {
    /// Make a new Ed25519 key file 生成新的密钥文件
    #[command(after_help = "\
Examples 示例:
  mulu key generate --out officer.pem               asks for a passphrase 询问口令
  mulu key generate --out app.pem --passphrase-file /run/secrets/pass
  mulu key generate --out test.pem --unencrypted    for tests only 仅用于测试
The file is PKCS#8 PEM (PBES2: scrypt, AES-256-CBC), mode 0600, and is never overwritten.
`openssl pkey -in officer.pem -text` reads it; keys of `openssl genpkey -algorithm ed25519` work here.")]
    Generate {
        /// The file to make 要生成的文件
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Do not encrypt it 不加密
        #[arg(long)]
        unencrypted: bool,
    },
    /// Show the public key of a key file 显示公钥
    #[command(after_help = "\
Examples 示例:
  mulu key show officer.pem
  mulu --output json key show officer.pem | jq -r .public_key")]
    Show {
        /// The key file 密钥文件
        file: PathBuf,
    },
    /// Register a key of a member on the chain 在链上登记密钥
    Register(KeyRegisterArgs),
    /// Revoke a key on the chain, for ever 在链上撤销密钥
    Revoke(KeyRevokeArgs),
    /// Replace a key by another of the same standing 更换密钥
    Rotate(KeyRotateArgs),
}

/// Runs the command.
///
/// # Errors
/// Exit 2 to 6.
pub fn run(context: &Context, command: KeyCommand) -> Outcome<()> {
    match command {
        KeyCommand::Generate { out, unencrypted } => {
            let passphrase = if unencrypted { None } else { Some(context.new_passphrase()?) };
            let key = keyfile::generate()?;
            keyfile::save(&out, &key, passphrase.as_ref().map(|p| p.as_str()))?;
            let shown = out.display();
            context.say(&text!("wrote {shown}", "已写入 {shown}"));
            let protection =
                if passphrase.is_some() { Protection::Scrypt } else { Protection::None };
            show(context, &key.public_key().to_string(), protection);
        }
        KeyCommand::Show { file } => {
            let loaded = context.open_key(&file)?;
            show(context, &loaded.key.public_key().to_string(), loaded.protection);
        }
        KeyCommand::Register(args) => key_registry::key_register(context, args)?,
        KeyCommand::Revoke(args) => key_registry::key_revoke(context, args)?,
        KeyCommand::Rotate(args) => key_registry::key_rotate(context, args)?,
    }
    Ok(())
}

fn show(context: &Context, public_key: &str, protection: Protection) {
    let described = match protection {
        Protection::None => context.word("not encrypted", "未加密").to_owned(),
        Protection::Scrypt => "scrypt".to_owned(),
        Protection::Pbkdf2(iterations) => format!("PBKDF2 × {iterations}"),
    };
    if context.is_json() {
        context.print_json(&json!({
            "public_key": public_key,
            "protection": described,
            "weak": protection.is_weak(),
        }));
        return;
    }
    context.print(&render::fields(&[
        (context.word("public key", "公钥").to_owned(), public_key.to_owned()),
        (context.word("protection", "保护方式").to_owned(), described),
    ]));
}
