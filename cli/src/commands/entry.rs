//! `mulu entry`: publishing, revising and withdrawing one catalog entry.

use std::path::PathBuf;

use mulu_contracts::action::Action;
use mulu_contracts::entry::{Entry, EntryPublish, EntryRevise, EntryWithdraw};

use super::{lookup, registry};
use crate::context::Context;
use crate::failure::Outcome;
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
    }
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
