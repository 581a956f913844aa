//! Options that say how far a request or a grant goes.

use std::path::{Path, PathBuf};

use mulu_chain::digest::Digest;
use mulu_contracts::authorization::{Extent, Limits, Obligations, Rate};

use super::moment::{self, Moment};
use crate::failure::Outcome;
use crate::files;

/// Largest policy or legal text that is hashed, in bytes.
const DOCUMENT_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How much.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct LimitArgs {
    /// Most calls in all 调用次数上限
    #[arg(long, value_name = "N")]
    calls: Option<u64>,
    /// Most records in all 记录条数上限
    #[arg(long, value_name = "N")]
    records: Option<u64>,
    /// Most bytes in all 字节数上限
    #[arg(long, value_name = "N")]
    bytes: Option<u64>,
    /// Calls in each period, such as 100/hour or 5/1000 (milliseconds) 每周期调用次数上限
    #[arg(long, value_name = "N/PERIOD", value_parser = parse_rate)]
    rate: Option<Rate>,
}

/// `100/hour`: a number, and second, minute, hour, day or a number of milliseconds.
fn parse_rate(text: &str) -> Result<Rate, String> {
    let wrong =
        || "a number, /, and second, minute, hour, day or milliseconds: 100/hour".to_owned();
    let (calls, period) = text.split_once('/').ok_or_else(wrong)?;
    let per_ms = match period {
        "second" => Ok(1_000),
        "minute" => Ok(60_000),
        "hour" => Ok(3_600_000),
        "day" => Ok(86_400_000),
        other => other.parse::<u64>().map_err(|_| wrong()),
    }?;
    Ok(Rate { calls: calls.parse().map_err(|_| wrong())?, per_ms })
}

impl LimitArgs {
    /// What is named here, else as in `base`.
    pub fn over(self, base: Limits) -> Limits {
        Limits {
            calls: self.calls.or(base.calls),
            records: self.records.or(base.records),
            bytes: self.bytes.or(base.bytes),
            rate: self.rate.or(base.rate),
        }
    }
}

/// What else the consumer must do.
#[derive(Debug, Clone, clap::Args)]
pub struct ObligationArgs {
    /// Until when what was received must be deleted 删除期限
    #[arg(long, value_name = "DATE", value_parser = moment::parse)]
    delete_by: Option<Moment>,
    /// How often a receipt of use is due, in milliseconds 报告周期（毫秒）
    #[arg(long, value_name = "MS")]
    report_every: Option<u64>,
    /// Item to be shown masked only (repeatable) 脱敏信息项（可重复）
    #[arg(long, value_name = "ITEM")]
    mask: Vec<String>,
}

impl ObligationArgs {
    /// What is named here, if anything.
    pub fn obligations(self) -> Option<Obligations> {
        let named =
            self.delete_by.is_some() || self.report_every.is_some() || !self.mask.is_empty();
        named.then(|| Obligations {
            delete_by_ms: self.delete_by.map(Moment::last_ms),
            report_every_ms: self.report_every,
            mask_items: self.mask,
        })
    }
}

/// To whom it may be handed on, and what it rests on.
#[derive(Debug, Clone, clap::Args)]
pub struct GroundArgs {
    /// Member it may be handed on to, by its 统一社会信用代码 (repeatable) [default: any] 转授对象（可重复）
    #[arg(long, value_name = "USCC")]
    recipient: Vec<String>,
    /// Digest of the policy it is under, such as an ODRL policy 使用策略摘要
    #[arg(long, value_name = "sha256:…", conflicts_with = "policy_file")]
    policy: Option<Digest>,
    /// File with that policy; only its SHA-256 is sent 使用策略文件（只提交摘要）
    #[arg(long, value_name = "FILE")]
    policy_file: Option<PathBuf>,
    /// Digest of the agreement or articles it rests on 法律文本摘要
    #[arg(long, value_name = "sha256:…", conflicts_with = "legal_text_file")]
    legal_text: Option<Digest>,
    /// File with that text; only its SHA-256 is sent 法律文本文件（只提交摘要）
    #[arg(long, value_name = "FILE")]
    legal_text_file: Option<PathBuf>,
}

impl GroundArgs {
    /// An extent with what is named here, else as it is.
    ///
    /// # Errors
    /// Exit 2: a file that cannot be read, or is too large.
    pub fn over(self, extent: Extent) -> Outcome<Extent> {
        let policy = digest(self.policy, self.policy_file.as_deref())?;
        let legal_text = digest(self.legal_text, self.legal_text_file.as_deref())?;
        Ok(Extent {
            recipients: if self.recipient.is_empty() { extent.recipients } else { self.recipient },
            policy_hash: policy.or(extent.policy_hash),
            legal_text_hash: legal_text.or(extent.legal_text_hash),
            ..extent
        })
    }
}

fn digest(given: Option<Digest>, file: Option<&Path>) -> Outcome<Option<Digest>> {
    let Some(file) = file else { return Ok(given) };
    Ok(Some(Digest::sha256(&files::read_bounded(file, DOCUMENT_BYTES_MAX)?)))
}
