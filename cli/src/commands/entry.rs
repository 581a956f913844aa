//! `mulu entry`: publishing, revising and withdrawing one catalog entry.

use std::path::PathBuf;

use mulu_contracts::action::Action;
use mulu_contracts::entry::{
    Entry, EntryDecision, EntryPublish, EntryRevise, EntryStanding, EntrySubmit, EntryTransfer,
    EntryWithdraw, Submission,
};
use mulu_contracts::state::submission_key;
use serde_json::Value;

use super::{lookup, registry};
use crate::context::Context;
use crate::failure::Outcome;
use crate::import::pack::pack;
use crate::records::{self, Stored};
use crate::submit::{self, SubmitArgs};
use crate::text;

const FORM: &str = "\
FILE holds the entry, complete:
  {\"codes\": [\"307001/000001\"], \"name\": \"企业登记信息\", \"office\": \"<uscc>:data\", \"region\": \"110000\",
   \"summary\": \"本市企业登记注册信息\", \"formats\": [{\"category\": \"database\", \"type\": \"mysql\"}],
   \"items\": [{\"item_id\": \"uscc\", \"name\": \"统一社会信用代码\", \"type\": \"C\"}],
   \"share\": {\"type\": \"conditional\", \"condition\": \"用于行政审批核验\", \"methods\": [\"platform-api\"]},
   \"open\": {\"is_open\": false}, \"update_cycle\": \"daily\", \"published_at\": \"2026-01-01\",
   \"level\": \"general-2\", \"personal_info\": \"none\",
   \"responsibilities\": [\"<uscc>:registration\"], \"systems\": [{\"system\": \"<uscc>:registry\"}]}
share.type: unconditional conditional none     methods: platform-db platform-file platform-api mail copy medium
category: efile sheet database image media self service     item type: C N Y D T L M G B I F
update_cycle: realtime daily weekly monthly quarterly semiannual yearly irregular
level: general-1 general-2 general-3 general-4 important core     personal_info: none general sensitive
";

/// Catalog entries.
#[derive(Debug, clap::Subcommand)]
pub enum EntryCommand {
    /// Publish an entry 发布目录条目
    #[command(after_help = FORM)]
    Publish {
        /// JSON file, `-` for standard input JSON 文件
        file: PathBuf,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
    /// Publish a new version of an entry 发布条目的新版本
    #[command(after_help = FORM)]
    Revise {
        /// The entry: id, first digits of it, or resource code 条目编号或信息资源代码
        id: String,
        /// JSON file with the complete new version 新版本的 JSON 文件
        file: PathBuf,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
    /// Withdraw an entry: no new requests; grants go on 下架条目
    Withdraw {
        /// The entry: id, first digits of it, or resource code 条目编号或信息资源代码
        id: String,
        /// Why 原因
        #[arg(long)]
        reason: String,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
    /// Submit an entry, or a new version of one, for registration 报送条目（登记后发布）
    #[command(after_help = FORM)]
    Submit {
        /// JSON file with the complete version, `-` for standard input 完整版本的 JSON 文件
        file: PathBuf,
        /// The entry it is a new version of: id or resource code 所修订的条目
        #[arg(long, value_name = "ENTRY")]
        revises: Option<String>,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
    /// Register a submitted version (authority) 登记所报送的版本（主管部门）
    Register(DecisionArgs),
    /// Publish a registered version (authority) 发布已登记的版本（主管部门）
    Release(DecisionArgs),
    /// Pass an entry to another member; both and the authority sign 移交条目
    #[command(after_help = FORM)]
    Transfer {
        /// The entry: id, first digits of it, or resource code 条目编号或信息资源代码
        id: String,
        /// JSON file with the entry as the other member has it 接收方的条目 JSON 文件
        file: PathBuf,
        /// The member it passes to 接收成员
        #[arg(long, value_name = "USCC")]
        to: String,
        /// The decision that says so 依据
        #[arg(long)]
        basis: String,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
    /// Suspend an entry (provider or authority) 暂停条目
    Suspend(StandingArgs),
    /// Publish a suspended or withdrawn entry again 恢复条目
    Resume(StandingArgs),
    /// Retire an entry for ever (provider) 注销条目
    Retire(StandingArgs),
    /// Return an entry with reasons (authority) 退回条目（主管部门）
    Return(StandingArgs),
    /// Reject an entry for ever (authority) 驳回条目（主管部门）
    Reject(StandingArgs),
    /// Freeze an entry by order (authority) 依令冻结条目（主管部门）
    Freeze(StandingArgs),
    /// Lift such an order (authority) 解除冻结（主管部门）
    Lift(StandingArgs),
}

/// Options of the commands that decide on a submitted version.
#[derive(Debug, clap::Args)]
pub struct DecisionArgs {
    /// Its primary resource code, or the entry's id 主信息资源代码或条目编号
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    id: Option<String>,
    /// Everything that waits for it 全部待办报送
    #[arg(long)]
    all: bool,
    /// With --all: of this member only 仅限该提供方
    #[arg(long, value_name = "USCC", requires = "all")]
    provider: Option<String>,
    /// Submitting.
    #[command(flatten)]
    submit: SubmitArgs,
}

/// Options of the commands that change where an entry stands.
#[derive(Debug, clap::Args)]
pub struct StandingArgs {
    /// The entry: id, first digits of it, or resource code 条目编号或信息资源代码
    id: String,
    /// Why; of a freeze, what is ordered by which document 原因或依据文件
    #[arg(long)]
    reason: String,
    /// Return or reject what was submitted of it, not the entry 针对所报送的版本
    #[arg(long)]
    submission: bool,
    /// Submitting.
    #[command(flatten)]
    submit: SubmitArgs,
}

/// Runs the command.
///
/// # Errors
/// Exit 2 to 6.
pub fn run(context: &Context, command: EntryCommand) -> Outcome<()> {
    match command {
        EntryCommand::Publish { file, submit } => {
            let action: EntryPublish = registry::read(&file, "entry")?;
            submit::actions(context, &submit, vec![Action::EntryPublish(Box::new(action))])
        }
        EntryCommand::Revise { id, file, submit } => {
            let content: EntryPublish = registry::read(&file, "entry")?;
            let current = current(context, &id)?;
            let action = EntryRevise {
                entry_id: current.value.entry_id,
                prev: current.version,
                entry: content.entry,
            };
            submit::actions(context, &submit, vec![Action::EntryRevise(Box::new(action))])
        }
        EntryCommand::Withdraw { id, reason, submit } => {
            let current = current(context, &id)?;
            let name = &current.value.content.name;
            context.confirm(&text!("Withdraw “{name}”?", "确定下架“{name}”？"))?;
            let action =
                EntryWithdraw { entry_id: current.value.entry_id, prev: current.version, reason };
            submit::actions(context, &submit, vec![Action::EntryWithdraw(action)])
        }
        EntryCommand::Submit { file, revises, submit } => {
            let content: EntryPublish = registry::read(&file, "entry")?;
            let revised = revises.map(|id| current(context, &id)).transpose()?;
            let prev = revised.map(|revised| revised.version);
            let action = EntrySubmit { prev, entry: content.entry };
            submit::actions(context, &submit, vec![Action::EntrySubmit(Box::new(action))])
        }
        EntryCommand::Register(args) => decide(context, args, "submitted", Action::EntryRegister),
        EntryCommand::Release(args) => decide(context, args, "registered", Action::EntryRelease),
        EntryCommand::Transfer { id, file, to, basis, submit } => {
            let content: EntryPublish = registry::read(&file, "entry")?;
            let Stored { version: prev, value } = current(context, &id)?;
            let (entry_id, entry) = (value.entry_id, content.entry);
            let action = EntryTransfer { entry_id, prev, to, entry, basis };
            submit::actions(context, &submit, vec![Action::EntryTransfer(Box::new(action))])
        }
        EntryCommand::Suspend(args) => standing(context, args, Action::EntrySuspend),
        EntryCommand::Resume(args) => standing(context, args, Action::EntryResume),
        EntryCommand::Retire(args) => {
            context.confirm(&text!("Retire it for ever?", "确定永久注销？"))?;
            standing(context, args, Action::EntryRetire)
        }
        EntryCommand::Return(args) => standing(context, args, Action::EntryReturn),
        EntryCommand::Reject(args) => {
            context.confirm(&text!("Reject it for ever?", "确定永久驳回？"))?;
            standing(context, args, Action::EntryReject)
        }
        EntryCommand::Freeze(args) => standing(context, args, Action::EntryFreeze),
        EntryCommand::Lift(args) => standing(context, args, Action::EntryLift),
    }
}

fn standing(
    context: &Context,
    args: StandingArgs,
    action: fn(EntryStanding) -> Action,
) -> Outcome<()> {
    let StandingArgs { id, reason, submission, submit } = args;
    let (entry_id, prev) = if submission {
        let submitted = submitted(context, &id)?;
        (submitted.value.entry_id, submitted.version)
    } else {
        let current = current(context, &id)?;
        (current.value.entry_id, current.version)
    };
    let standing = EntryStanding { entry_id, prev, reason };
    submit::actions(context, &submit, vec![action(standing)])
}

fn decide(
    context: &Context,
    args: DecisionArgs,
    status: &str,
    action: fn(EntryDecision) -> Action,
) -> Outcome<()> {
    if let Some(id) = &args.id {
        let Stored { version, value } = submitted(context, id)?;
        let decision = EntryDecision { entry_id: value.entry_id, submission: version };
        return submit::actions(context, &args.submit, vec![action(decision)]);
    }
    let actions: Vec<Action> =
        waiting(context, args.provider.as_deref(), status)?.into_iter().map(action).collect();
    let count = actions.len();
    if count == 0 {
        context.say(&text!("nothing is {status}", "没有状态为 {status} 的报送"));
        return Ok(());
    }
    context.confirm(&text!(
        "Decide on {count} submissions as they stand?",
        "确定对 {count} 条报送按现状作出决定？"
    ))?;
    let sizes: Vec<usize> =
        actions.iter().map(|a| serde_json::to_vec(a).map_or(0, |json| json.len())).collect();
    let mut left = actions.into_iter();
    for run in pack(&sizes).into_iter().flatten() {
        submit::actions(context, &args.submit, left.by_ref().take(run.len()).collect())?;
    }
    Ok(())
}

/// What waits for a decision, as it stands.
fn waiting(context: &Context, provider: Option<&str>, status: &str) -> Outcome<Vec<EntryDecision>> {
    let mut filters = vec![("status", status)];
    filters.extend(provider.map(|provider| ("provider", provider)));
    let mut found = Vec::new();
    context.node()?.list("/v1/submissions", &filters, |item: Value| {
        let key = item.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
        let Stored { version, value } = records::parse::<Submission>(&key, &item)?;
        found.push(EntryDecision { entry_id: value.entry_id, submission: version });
        Ok(true)
    })?;
    Ok(found)
}

/// What was last submitted of the entry a person means; there may be no entry yet.
fn submitted(context: &Context, id: &str) -> Outcome<Stored<Submission>> {
    let entry_id = id.parse().unwrap_or_else(|_| mulu_contracts::state::entry_id(id));
    records::read(&context.node()?, &submission_key(&entry_id))
}

/// The entry a person means, as it stands.
///
/// # Errors
/// Exit 3 when there is none.
pub fn current(context: &Context, id: &str) -> Outcome<Stored<Entry>> {
    let node = context.node()?;
    let key = lookup::subject(&node, id)?;
    records::read(&node, &key)
}
