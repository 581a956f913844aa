//! `mulu correction` and `mulu objection`.

use mulu_chain::digest::Digest;
use mulu_contracts::action::Action;
use mulu_contracts::correction::Correction;
use mulu_contracts::correction::{
    CorrectionAnswer, CorrectionFix, CorrectionOpen, CorrectionWithdraw,
};
use mulu_contracts::objection::{ObjectionDecide, ObjectionOpen, ObjectionWithdraw};
use mulu_contracts::state::{correction_key, entry_key};
use serde_json::Value;

use super::{entry, lookup};
use crate::context::Context;
use crate::failure::Outcome;
use crate::records::{self, Stored};
use crate::submit::{self, SubmitArgs};

/// Corrections of entries.
#[derive(Debug, clap::Subcommand)]
pub enum CorrectionCommand {
    /// Say what is wrong with an entry 提出纠错
    #[command(after_help = "\
Example 示例:
  mulu correction open 307001/000001 --item uscc --finding 代码位数有误")]
    Open {
        /// The entry: id, first digits of it, or resource code 条目
        entry: String,
        /// Id of the item it is about 信息项
        #[arg(long)]
        item: Option<String>,
        /// What is wrong; no data, no names of people 问题说明（勿含数据和个人信息）
        #[arg(long)]
        finding: String,
        /// Digest of what shows it 佐证材料摘要
        #[arg(long, value_name = "sha256:…")]
        proof: Option<Digest>,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
    /// Accept or decline (provider) 受理或不予受理（提供方）
    Answer {
        /// The correction 纠错编号
        id: Digest,
        /// There is a fault 受理
        #[arg(long, conflicts_with = "decline", required_unless_present = "decline")]
        accept: bool,
        /// There is none 不予受理
        #[arg(long)]
        decline: bool,
        /// What the provider says to it 答复
        #[arg(long)]
        answer: String,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
    /// Show that the entry's current version mends it (provider) 以当前版本修正（提供方）
    Fix {
        /// The correction 纠错编号
        id: Digest,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
    /// Take it back 撤回纠错
    Withdraw {
        /// The correction 纠错编号
        id: Digest,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
}

/// Objections to records.
#[derive(Debug, clap::Subcommand)]
pub enum ObjectionCommand {
    /// Contest a record 提出异议
    #[command(after_help = "\
Example 示例:
  mulu objection open authorization/sha256:… --ground 超出使用范围")]
    Open {
        /// Key, id or code of the record 记录的键、编号或代码
        subject: String,
        /// Why 理由
        #[arg(long)]
        ground: String,
        /// Digest of what shows it 佐证材料摘要
        #[arg(long, value_name = "sha256:…")]
        proof: Option<Digest>,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
    /// Decide (authority) 裁决（主管部门）
    Decide {
        /// The objection 异议编号
        id: Digest,
        /// It is right 成立
        #[arg(long, conflicts_with = "dismiss", required_unless_present = "dismiss")]
        uphold: bool,
        /// It is not 不成立
        #[arg(long)]
        dismiss: bool,
        /// Why 理由
        #[arg(long)]
        reason: String,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
    /// Take it back 撤回异议
    Withdraw {
        /// The objection 异议编号
        id: Digest,
        /// Submitting.
        #[command(flatten)]
        submit: SubmitArgs,
    },
}

/// Runs `mulu correction`.
///
/// # Errors
/// Exit 2 to 6.
pub fn correction(context: &Context, command: CorrectionCommand) -> Outcome<()> {
    let (submit, action) = match command {
        CorrectionCommand::Open { entry, item, finding, proof, submit } => {
            let entry_id = entry::current(context, &entry)?.value.entry_id;
            let open = CorrectionOpen { entry_id, item, finding, proof };
            (submit, Action::CorrectionOpen(open))
        }
        CorrectionCommand::Answer { id, accept, answer, submit, .. } => {
            let answer = CorrectionAnswer { correction_id: id, accept, answer };
            (submit, Action::CorrectionAnswer(answer))
        }
        CorrectionCommand::Fix { id, submit } => {
            let node = context.node()?;
            let stored: Stored<Correction> = records::read(&node, &correction_key(&id))?;
            let entry: Stored<Value> = records::read(&node, &entry_key(&stored.value.entry_id))?;
            let fix = CorrectionFix { correction_id: id, entry_version: entry.version };
            (submit, Action::CorrectionFix(fix))
        }
        CorrectionCommand::Withdraw { id, submit } => {
            (submit, Action::CorrectionWithdraw(CorrectionWithdraw { correction_id: id }))
        }
    };
    submit::actions(context, &submit, vec![action])
}

/// Runs `mulu objection`.
///
/// # Errors
/// Exit 2 to 6.
pub fn objection(context: &Context, command: ObjectionCommand) -> Outcome<()> {
    let (submit, action) = match command {
        ObjectionCommand::Open { subject, ground, proof, submit } => {
            let subject = lookup::subject(&context.node()?, &subject)?;
            (submit, Action::ObjectionOpen(ObjectionOpen { subject, ground, proof }))
        }
        ObjectionCommand::Decide { id, uphold, reason, submit, .. } => {
            let decide = ObjectionDecide { objection_id: id, uphold, reason };
            (submit, Action::ObjectionDecide(decide))
        }
        ObjectionCommand::Withdraw { id, submit } => {
            (submit, Action::ObjectionWithdraw(ObjectionWithdraw { objection_id: id }))
        }
    };
    submit::actions(context, &submit, vec![action])
}
