//! `mulu profile`: who I am and which node I ask, under a name.

use serde_json::json;

use crate::context::Context;
use crate::failure::Outcome;
use crate::profile::{Profile, Profiles};
use crate::{render, text};

/// Profiles.
#[derive(Debug, clap::Subcommand)]
pub enum ProfileCommand {
    /// List the profiles 列出配置档
    List,
    /// Make or change a profile from the global options 新建或修改配置档
    #[command(after_help = "\
Examples 示例:
  mulu profile set market --node http://127.0.0.1:26701 --key officer.pem \\
       --member 11110000000000001A --office 010
  mulu profile set market --genesis sha256:…        what `audit verify` trusts
  mulu --profile market status
Only what is given changes. A relative key path is kept as an absolute one.")]
    Set {
        /// Name of the profile 名称
        name: String,
        /// sha256:… of the genesis block, or the founding document 创世区块摘要或创世文件
        #[arg(long, value_name = "DIGEST|FILE")]
        genesis: Option<String>,
        /// Duty that imported entries are bound to 导入条目绑定的职责
        #[arg(long, value_name = "ID")]
        duty: Option<String>,
        /// Information system that imported entries are bound to 导入条目绑定的信息系统
        #[arg(long, value_name = "ID")]
        system: Option<String>,
    },
    /// Show a profile, with the options and variables over it 显示配置档
    Show {
        /// Name [default: the profile in use] 名称
        name: Option<String>,
    },
}

/// Runs the command.
///
/// # Errors
/// Exit 2 or 6.
pub fn run(context: &Context, command: ProfileCommand) -> Outcome<()> {
    let mut profiles = Profiles::read(&context.profiles_path)?;
    match command {
        ProfileCommand::List => {
            list(context, &profiles);
            Ok(())
        }
        ProfileCommand::Set { name, genesis, duty, system } => {
            let shown = context.profiles_path.display();
            let absolute = |path: &std::path::PathBuf| std::path::absolute(path).ok();
            let flags = &context.flags;
            let old = profiles.profile.remove(&name).unwrap_or_default();
            let new = Profile {
                node: flags.node.clone().or(old.node),
                key: flags.key.as_ref().and_then(absolute).or(old.key),
                member: flags.member.clone().or(old.member),
                office: flags.office.clone().or(old.office),
                genesis: genesis.or(old.genesis),
                duty: duty.or(old.duty),
                system: system.or(old.system),
            };
            profiles.profile.insert(name.clone(), new);
            profiles.write(&context.profiles_path)?;
            context.say(&text!(
                "profile `{name}` written to {shown}",
                "配置档 `{name}` 已写入 {shown}"
            ));
            Ok(())
        }
        ProfileCommand::Show { name } => {
            let (name, profile) = match name {
                Some(name) => profiles.select(Some(&name))?.unwrap_or_default(),
                None => (context.profile_name.clone().unwrap_or_default(), context.profile.clone()),
            };
            show(context, &name, &profile);
            Ok(())
        }
    }
}

fn list(context: &Context, profiles: &Profiles) {
    if context.is_json() {
        context.print_json(&json!({
            "file": context.profiles_path,
            "in_use": context.profile_name,
            "profile": profiles.profile,
        }));
        return;
    }
    if profiles.profile.is_empty() {
        let shown = context.profiles_path.display();
        context.say(&text!(
            "no profiles in {shown}; `mulu profile set NAME --node URL --key FILE --member USCC` makes one",
            "{shown} 中没有配置档；可用 `mulu profile set NAME --node URL --key FILE --member USCC` 新建"
        ));
        return;
    }
    let rows: Vec<Vec<String>> = profiles
        .profile
        .iter()
        .map(|(name, profile)| {
            let in_use = context.profile_name.as_ref() == Some(name);
            vec![
                format!("{}{name}", if in_use { "* " } else { "  " }),
                profile.node.clone().unwrap_or_default(),
                profile.member.clone().unwrap_or_default(),
                profile.office.clone().unwrap_or_default(),
                profile.key.as_ref().map(|k| k.display().to_string()).unwrap_or_default(),
            ]
        })
        .collect();
    let header = match context.lang {
        crate::lang::Lang::Zh => ["  名称", "节点", "成员", "处室", "密钥"],
        crate::lang::Lang::En => ["  NAME", "NODE", "MEMBER", "OFFICE", "KEY"],
    };
    context.print(&render::table(&header, &rows));
}

fn show(context: &Context, name: &str, profile: &Profile) {
    if context.is_json() {
        context.print_json(&json!({ "name": name, "profile": profile }));
        return;
    }
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let key = profile.key.as_ref().map(|k| k.display().to_string());
    let rows = [
        (
            context.word("profile", "配置档"),
            if name.is_empty() { "-".to_owned() } else { name.to_owned() },
        ),
        (context.word("node", "节点"), text(&profile.node)),
        (context.word("key", "密钥"), text(&key)),
        (context.word("member", "成员"), text(&profile.member)),
        (context.word("office", "处室"), text(&profile.office)),
        (context.word("genesis", "创世"), text(&profile.genesis)),
        (context.word("duty", "职责"), text(&profile.duty)),
        (context.word("system", "信息系统"), text(&profile.system)),
    ];
    context.print(&render::fields(&rows.map(|(name, value)| (name.to_owned(), value))));
}
