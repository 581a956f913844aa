//! `mulud votes`: what a stopped validator's vote log says, and ending doubt or alarm by hand.
//!
//! A validator in doubt comes back by itself once a quorum without it has moved on. If more
//! validators than may be faulty are in doubt at once, there is no such quorum, and people must
//! decide: they know which machines ran, and what became of the old disks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mulu_chain::digest::Digest;
use mulu_chain::signature::PublicKey;
use mulu_chain::types::Height;
use serde::Serialize;

use crate::disk::OsDisk;
use crate::explain::{Explain, Language};
use crate::keys::{self, KeyError, KeyFile};
use crate::replica::guard::LogRecord;
use crate::replica::standing::{Recollection, Standing};
use crate::run::NodeError;
use crate::storage::Ledger;
use crate::vote_log::{self, Opened, VoteLog};

/// What the vote log says of its validator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VotesReport {
    /// The validator's key.
    pub validator: PublicKey,
    /// What binds the log to chain and key.
    pub owner: Digest,
    /// Frames in the log.
    pub frames: usize,
    /// Highest height the log knows.
    pub last_height: Height,
    /// Last block in the ledger.
    pub committed_height: Height,
    /// `sure`, `doubt` or `alarm`.
    pub standing: &'static str,
    /// Why it abstains, if it does.
    pub reason: Option<String>,
}

/// Why the vote log was not shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum VotesError {
    /// Keys, ledger or vote log cannot be used.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// There is no ledger yet.
    #[error("{0} holds no ledger: this node has never been started")]
    NeverStarted(PathBuf),
    /// A record does not decode.
    #[error(
        "the vote log holds a record this version does not know; run the version that wrote it"
    )]
    Record,
    /// It is neither in doubt nor in alarm.
    #[error("this validator is neither in doubt nor in alarm: there is nothing to resume from")]
    Sure,
    /// The log knows more than the ledger.
    #[error(
        "the vote log knows height {log}, the ledger only {ledger}: start the node and let it catch up first"
    )]
    LedgerBehind {
        /// Highest height in the log.
        log: Height,
        /// Last block.
        ledger: Height,
    },
    /// The operator has not confirmed.
    #[error(
        "if this validator signed something that its vote log does not hold, or if its key is used \
         elsewhere, signing again can make it contradict itself: that is recorded on the chain for \
         ever, and with more than a third of the power it can split the chain. Make sure that no \
         other node runs with this key and, if the old disk is lost, that the chain has moved on \
         past everything it may have signed. Then give --yes"
    )]
    Unconfirmed,
}

impl Explain for VotesError {
    fn chinese(&self) -> String {
        match self {
            VotesError::Node(error) => error.chinese(),
            VotesError::NeverStarted(home) => {
                format!("{} 中没有账本：该节点从未启动过", home.display())
            }
            VotesError::Record => {
                "投票日志中有本版本不认识的记录；请使用写入它的版本".to_owned()
            }
            VotesError::Sure => "该验证者既无存疑也无警报，无需恢复".to_owned(),
            VotesError::LedgerBehind { log, ledger } => {
                format!("投票日志已到高度 {log}，账本只到 {ledger}：请先启动节点并等它追上")
            }
            VotesError::Unconfirmed => "如果该验证者签过投票日志中没有的内容，或其密钥在别处使用，\
                 恢复签名可能使它自相矛盾：这会永久记录在链上；若涉及超过三分之一的投票权，\
                 可能使链分叉。请确认没有其他节点使用该密钥；若旧磁盘已丢失，请确认链已越过它可能签过的\
                 所有高度。然后加上 --yes"
                .to_owned(),
        }
    }
}

struct Open {
    log: VoteLog,
    report: VotesReport,
}

/// Reads the vote log of a stopped node.
///
/// # Errors
/// [`VotesError`]; a running node holds the ledger.
pub fn show(home: &Path) -> Result<VotesReport, VotesError> {
    Ok(open(home)?.report)
}

/// Ends doubt or alarm, for the reason the operator gives.
///
/// # Errors
/// [`VotesError`].
pub fn resume(home: &Path, reason: &str, confirmed: bool) -> Result<VotesReport, VotesError> {
    let Open { mut log, report } = open(home)?;
    let VotesReport { last_height, committed_height, standing, .. } = report;
    if standing == "sure" {
        return Err(VotesError::Sure);
    }
    if last_height > committed_height.next() {
        return Err(VotesError::LedgerBehind { log: last_height, ledger: committed_height });
    }
    if !confirmed {
        return Err(VotesError::Unconfirmed);
    }
    let record = LogRecord::cleared(last_height.max(committed_height), reason);
    log.append(&[record.to_frame()]).map_err(NodeError::from)?;
    drop(log);
    show(home)
}

/// Opens ledger and log as a start does; the ledger's lock keeps a running node's log untouched.
fn open(home: &Path) -> Result<Open, VotesError> {
    let key = keys::load_validator(home).map_err(NodeError::from)?;
    let key = key.ok_or_else(|| KeyError::Observer { path: KeyFile::Validator.path(home) });
    let validator = key.map_err(NodeError::from)?.public_key();
    let data = home.join("data");
    if !data.join("ledger").exists() {
        return Err(VotesError::NeverStarted(home.to_path_buf()));
    }
    let ledger = Ledger::open(&data.join("ledger")).map_err(NodeError::from)?;
    let tip = ledger.tip().map_err(NodeError::from)?.header;
    let owner = vote_log::owner(tip.chain_id.as_str(), validator.as_bytes());
    let folder = data.join("votes");
    let (log, opened) = VoteLog::open(Arc::new(OsDisk), &folder, owner, LogRecord::doubt_frame)
        .map_err(NodeError::from)?;
    let frames = match opened {
        Opened::Intact(frames) => frames,
        Opened::InDoubt(reason) => vec![LogRecord::doubt_frame(&reason)],
    };
    let mut recollection = Recollection::default();
    for frame in &frames {
        recollection.take(&LogRecord::from_frame(frame).map_err(|_| VotesError::Record)?);
    }
    let last_height = recollection.highest;
    let (standing, reason) = match recollection.standing(tip.height) {
        Standing::Sure => ("sure", None),
        Standing::Doubt { reason, .. } => ("doubt", Some(reason)),
        Standing::Alarm(reason) => ("alarm", Some(reason)),
    };
    let frames = frames.len();
    let committed_height = tip.height;
    let report =
        VotesReport { validator, owner, frames, last_height, committed_height, standing, reason };
    Ok(Open { log, report })
}

impl VotesReport {
    /// The report for a reader.
    pub fn text(&self, language: Language) -> String {
        let chinese = language == Language::Chinese;
        let standing = match (self.standing, chinese) {
            ("doubt", true) => "存疑：暂不签名",
            ("alarm", true) => "警报：不再签名，等待管理员处理",
            (_, true) => "正常",
            ("doubt", false) => "in doubt: it abstains for now",
            ("alarm", false) => "ALARM: it signs nothing until an operator decides",
            (_, false) => "sure",
        };
        let rows = [
            ("validator", "验证者", self.validator.to_string()),
            ("owner", "日志归属", self.owner.to_string()),
            ("frames", "记录数", self.frames.to_string()),
            ("last height", "最后高度", self.last_height.to_string()),
            ("ledger height", "账本高度", self.committed_height.to_string()),
            ("standing", "状态", standing.to_owned()),
            ("reason", "原因", self.reason.clone().unwrap_or_default()),
        ];
        let lines = rows.iter().filter(|(_, _, value)| !value.is_empty()).map(|(en, zh, value)| {
            if chinese { format!("{zh}：{value}") } else { format!("{en}: {value}") }
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}
