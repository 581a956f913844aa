//! `mulu params` and `mulu validator`: what only the consortium's signatures change.

use mulu_chain::signature::PublicKey;
use mulu_chain::types::Height;
use mulu_chain::validator::Validator;
use mulu_contracts::action::Action;
use mulu_contracts::params::{Params, ParamsChange, ParamsRecord};
use mulu_contracts::protocol::RuleBook;
use mulu_contracts::state::{PARAMS_KEY, VALIDATORS_KEY};
use mulu_contracts::validator::{ValidatorAdmit, ValidatorRetire};
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::records::{self, Stored};
use crate::submit::{self, ChainView, SubmitArgs};
use crate::{render, text};

/// The consortium's parameters.
#[derive(Debug, clap::Subcommand)]
pub enum ParamsCommand {
    /// Show the parameters in force 显示现行参数
    Show,
    /// Propose other parameters 提议修改参数
    #[command(after_help = "\
The change counts once the authority and the administrators of enough members have signed one file:
  mulu params propose --set clock_skew_ms=60000 --set deadlines.dispute_days=15 --out change.json --profile data-bureau
  mulu tx explain change.json                   what one is about to sign 签名前查看内容
  mulu tx sign change.json --profile market-admin
  mulu tx sign change.json --profile health-admin
  mulu tx submit change.json
It is in force from the next height, or from the one that --from names. It is refused if the parameters changed meanwhile (PAR-02).
The version of the rules is a parameter too: protocol_version goes up by one, with --from at least ten heights ahead (PAR-06).")]
    Propose {
        /// A parameter and its new value (repeatable) 参数及新值（可重复）
        #[arg(long, required = true, value_name = "NAME=VALUE", value_parser = parse_setting)]
        set: Vec<(String, Value)>,
        /// First height at which they hold, if not the next one 生效高度（默认下一高度）
        #[arg(long, value_name = "HEIGHT")]
        from: Option<u64>,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
}

/// The validator set.
#[derive(Debug, clap::Subcommand)]
pub enum ValidatorCommand {
    /// List the validators 验证者列表
    List,
    /// Let a registered validator key vote 接纳验证者
    #[command(after_help = "\
Signed like a change of parameters; in force two heights later:
  mulu validator admit ed25519:… --of USCC --power 10 --out admit.json --profile data-bureau
  mulu tx sign admit.json --profile market-admin && mulu tx submit admit.json")]
    Admit {
        /// Its key, registered with the role validator 密钥（须已登记 validator 角色）
        public_key: PublicKey,
        /// The member it belongs to 所属成员
        #[arg(long, value_name = "USCC")]
        of: String,
        /// Its voting power 投票权
        #[arg(long, default_value_t = 1)]
        power: u64,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
    /// Put a registered validator key in the place of another 更换验证者密钥
    #[command(after_help = "\
Both changes in one transaction, in force two heights later; then `mulud rotate validator --activate`:
  mulu validator replace ed25519:OLD… ed25519:NEW… --of USCC --reason 到期更换 --petition --profile data-bureau-authority")]
    Replace {
        /// The key that leaves 旧密钥
        old: PublicKey,
        /// The key that comes, registered with the role validator 新密钥
        new: PublicKey,
        /// The member they belong to 所属成员
        #[arg(long, value_name = "USCC")]
        of: String,
        /// Voting power 投票权
        #[arg(long, default_value_t = 1)]
        power: u64,
        /// Why 原因
        #[arg(long)]
        reason: String,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
    /// Take a validator out of the set 移出验证者
    #[command(after_help = "\
Example 示例:
  mulu validator retire ed25519:… --reason 设备更换 --out retire.json --profile data-bureau")]
    Retire {
        /// Its key 密钥
        public_key: PublicKey,
        /// Why 原因
        #[arg(long)]
        reason: String,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
}

/// A parameter, or a part of one after a dot, and its value as JSON.
fn parse_setting(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    let value = serde_json::from_str(value).map_err(|e| format!("{value}: {e}"))?;
    Ok((name.to_owned(), value))
}

/// Puts a value where a dotted name says.
fn put(fields: &mut Value, name: &str, value: Value) {
    let place = match name.split_once('.') {
        Some((outer, inner)) => fields.get_mut(outer).map(|part| (part, inner)),
        None => Some((&mut *fields, name)),
    };
    match (place, name.split_once('.')) {
        (Some((Value::Object(part), last)), _) => drop(part.insert(last.to_owned(), value)),
        (_, Some((outer, inner))) => fields[outer] = json!({ inner: value }),
        _ => {}
    }
}

/// Runs `mulu params`.
///
/// # Errors
/// Exit 2 to 6.
pub fn params(context: &Context, command: ParamsCommand) -> Outcome<()> {
    let node = context.node()?;
    let stored: Stored<ParamsRecord> = records::read(&node, PARAMS_KEY)?;
    let height = Height(ChainView::ask(&node)?.height).next();
    let (set, from, submit) = match command {
        ParamsCommand::Show => {
            show_params(context, stored, height);
            return Ok(());
        }
        ParamsCommand::Propose { set, from, submit } => (set, from.map(Height), submit),
    };
    let mut fields = json!(stored.value.at(height));
    for (name, value) in set {
        put(&mut fields, &name, value);
    }
    let params: Params = serde_json::from_value(fields)
        .map_err(|e| Failure::usage(text!("the parameters: {e}", "参数有误：{e}")))?;
    let version = params.protocol_version;
    if RuleBook::THIS.rules(version).is_none() {
        let known = RuleBook::THIS.words();
        return Err(Failure::usage(text!(
            "this mulu knows the rules of versions {known}, not {version}; install one that does, on the \
             nodes too, before voting for it: a node that does not know the version in force stops",
            "本程序只认识规则版本 {known}，不认识 {version}；请先在各节点和本机安装支持该版本的程序再提议：\
             不认识现行版本的节点会停止"
        )));
    }
    let change = ParamsChange { params, prev: stored.version, in_force_from: from };
    submit::actions(context, &submit, vec![Action::ParamsChange(change)])
}

/// The parameters in force at a height, and those that wait for theirs.
fn show_params(context: &Context, stored: Stored<ParamsRecord>, height: Height) {
    let waits = stored.value.pending.clone().filter(|pending| pending.in_force_from > height);
    let params = stored.value.at(height);
    if context.is_json() {
        context.print_json(&json!({ "version": stored.version, "value": params,
            "pending": waits }));
        return;
    }
    let mut rows =
        vec![(context.word("version", "版本摘要").to_owned(), stored.version.to_string())];
    let (now, later) = (json!(params), json!(waits.as_ref().map(|waits| &waits.params)));
    for (name, value) in now.as_object().into_iter().flatten() {
        rows.push((name.clone(), value.to_string()));
    }
    let changed =
        later.as_object().into_iter().flatten().filter(|(name, v)| now.get(name) != Some(v));
    for (name, value) in changed {
        let from = waits.as_ref().map(|waits| waits.in_force_from).unwrap_or_default();
        rows.push((format!("{name} ({} {from})", context.word("from", "自")), value.to_string()));
    }
    context.print(&render::fields(&rows));
}

/// Runs `mulu validator`.
///
/// # Errors
/// Exit 2 to 6.
pub fn validator(context: &Context, command: ValidatorCommand) -> Outcome<()> {
    let (submit, action) = match command {
        ValidatorCommand::List => return list_validators(context),
        ValidatorCommand::Admit { public_key, of, power, submit } => {
            let validator = Validator { public_key, power, member: of };
            (submit, Action::ValidatorAdmit(ValidatorAdmit { validator }))
        }
        ValidatorCommand::Replace { old, new, of, power, reason, submit } => {
            let retire = ValidatorRetire { public_key: old, reason };
            let validator = Validator { public_key: new, power, member: of };
            let admit = ValidatorAdmit { validator };
            let actions = vec![Action::ValidatorRetire(retire), Action::ValidatorAdmit(admit)];
            return submit::actions(context, &submit, actions);
        }
        ValidatorCommand::Retire { public_key, reason, submit } => {
            (submit, Action::ValidatorRetire(ValidatorRetire { public_key, reason }))
        }
    };
    submit::actions(context, &submit, vec![action])
}

fn list_validators(context: &Context) -> Outcome<()> {
    let stored: Stored<Vec<Validator>> = records::read(&context.node()?, VALIDATORS_KEY)?;
    if context.is_json() {
        context.print_json(&json!({ "version": stored.version, "value": stored.value }));
        return Ok(());
    }
    let header = [
        context.word("KEY", "公钥"),
        context.word("MEMBER", "成员"),
        context.word("POWER", "投票权"),
    ];
    let row = |v: &Validator| vec![v.public_key.to_string(), v.member.clone(), v.power.to_string()];
    context.print(&render::table(&header, &stored.value.iter().map(row).collect::<Vec<_>>()));
    Ok(())
}
