//! `mulu operation`: authorised operations, step by step.

use std::path::PathBuf;

use mulu_chain::digest::Digest;
use mulu_contracts::action::Action;
use mulu_contracts::authorization::Window;
use mulu_contracts::operation::{OperationAdvance, OperationMode, OperationPlan, OperationStep};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::entry;
use super::moment::{self, Moment};
use crate::context::Context;
use crate::failure::Outcome;
use crate::files;
use crate::submit::{self, SubmitArgs};

/// Largest document hashed, in bytes.
const DOCUMENT_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Authorised operations.
#[derive(Debug, clap::Subcommand)]
pub enum OperationCommand {
    /// Plan an operation (implementer) 编制方案（实施机构）
    #[command(after_help = "\
Example 示例:
  mulu operation plan --mode scenario --title 企业征信 --entry 307001/000001 \\
       --from 2026-01-01 --to 2026-12-31 --document plan.pdf")]
    Plan {
        /// whole, domain or scenario 模式
        #[arg(long, value_parser = word::<OperationMode>)]
        mode: OperationMode,
        /// Name 名称
        #[arg(long)]
        title: String,
        /// An entry (repeatable) 条目（可重复）
        #[arg(long, required = true, value_name = "ID")]
        entry: Vec<String>,
        /// First day or moment 起始
        #[arg(long, value_name = "DATE", value_parser = moment::parse)]
        from: Moment,
        /// Last day or moment 截止
        #[arg(long, value_name = "DATE", value_parser = moment::parse)]
        to: Moment,
        /// The plan; only its digest goes on the chain 方案文件（仅摘要上链）
        #[arg(long, value_name = "FILE")]
        document: PathBuf,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
    /// Take the next step 进入下一步骤
    #[command(after_help = "\
Steps: approved (authority), selected (implementer, with --operator), signed (officers of both over one
file: --out FILE, `mulu tx sign`), operating (implementer), ended (implementer or authority).")]
    Advance {
        /// The operation 授权运营编号
        id: Digest,
        /// approved, selected, signed, operating or ended 步骤
        #[arg(long, value_parser = word::<OperationStep>)]
        step: OperationStep,
        /// The document that proves it; only its digest goes on the chain 依据文件（仅摘要上链）
        #[arg(long, value_name = "FILE")]
        document: PathBuf,
        /// The member selected 遴选出的运营机构
        #[arg(long, value_name = "USCC")]
        operator: Option<String>,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
}

fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(Value::String(text.to_owned())).map_err(|e| e.to_string())
}

/// Runs the command.
///
/// # Errors
/// Exit 2 to 6.
pub fn run(context: &Context, command: OperationCommand) -> Outcome<()> {
    let digest = |file: &PathBuf| -> Outcome<Digest> {
        Ok(Digest::sha256(&files::read_bounded(file, DOCUMENT_BYTES_MAX)?))
    };
    let (submit, action) = match command {
        OperationCommand::Plan { mode, title, entry, from, to, document, submit } => {
            let mut entries = Vec::new();
            for id in &entry {
                entries.push(entry::current(context, id)?.value.entry_id);
            }
            let window = Window { from_ms: from.first_ms(), to_ms: to.last_ms() };
            let document = digest(&document)?;
            let plan = OperationPlan { mode, title, entries, window, document };
            (submit, Action::OperationPlan(plan))
        }
        OperationCommand::Advance { id, step, document, operator, submit } => {
            let document = digest(&document)?;
            let advance = OperationAdvance { operation_id: id, step, document, operator };
            (submit, Action::OperationAdvance(advance))
        }
    };
    submit::actions(context, &submit, vec![action])
}
