//! `[storage]`: what is kept, where the rest goes, and how much of the disk stays free.

use std::ops::RangeInclusive;

use mulu_chain::limits::ARCHIVE_BLOCKS_MAX;
use serde::Deserialize;
use toml::Spanned;

use super::error::Problem;
use super::reader::{Check, Text, problem};

/// Longest path of the archive folder, in bytes.
const PATH_BYTES_MAX: usize = 1_024;

/// What becomes of the bodies of old blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyPolicy {
    /// They stay.
    Keep,
    /// They move to the archive folder.
    Archive,
    /// They are deleted.
    Drop,
}

impl BodyPolicy {
    /// As it is written in the file.
    pub const fn name(self) -> &'static str {
        match self {
            BodyPolicy::Keep => "keep",
            BodyPolicy::Archive => "archive",
            BodyPolicy::Drop => "drop",
        }
    }
}

/// `[storage]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageSection {
    /// What becomes of old bodies.
    pub bodies: BodyPolicy,
    /// How many of the newest blocks keep their bodies whatever the policy.
    pub bodies_kept: u64,
    /// The archive folder; a relative path counts from the home folder.
    pub archive: String,
    /// Blocks in one archive file.
    pub archive_blocks: u64,
    /// For how many of the newest heights the state tree is kept, and so proofs; 0 keeps all.
    pub state_heights: u64,
    /// Whether values of records that later ones replaced stay when the tree goes.
    pub keep_old_values: bool,
    /// With less free space than this, in MiB, the node is read-only.
    pub free_mib_min: u64,
}

impl Default for StorageSection {
    fn default() -> Self {
        StorageSection {
            bodies: BodyPolicy::Keep,
            bodies_kept: 100_000,
            archive: "archive".to_owned(),
            archive_blocks: 1_000,
            state_heights: 10_000,
            keep_old_values: true,
            free_mib_min: 512,
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStorage {
    bodies: Option<Text>,
    bodies_kept: Option<Spanned<u64>>,
    archive: Option<Text>,
    archive_blocks: Option<Spanned<u64>>,
    state_heights: Option<Spanned<u64>>,
    keep_old_values: Option<bool>,
    free_mib_min: Option<Spanned<u64>>,
}

const BLOCKS: RangeInclusive<u64> = 1..=1_000_000_000_000;

impl Check<'_> {
    pub(super) fn storage(&mut self, raw: &RawStorage) -> StorageSection {
        let default = StorageSection::default();
        StorageSection {
            bodies: self.optional(&raw.bodies, bodies, default.bodies),
            bodies_kept: self.count(&raw.bodies_kept, BLOCKS, default.bodies_kept),
            archive: self.optional(&raw.archive, archive, default.archive),
            archive_blocks: self.count(
                &raw.archive_blocks,
                1..=ARCHIVE_BLOCKS_MAX as u64,
                default.archive_blocks,
            ),
            state_heights: self.count(&raw.state_heights, 0..=*BLOCKS.end(), default.state_heights),
            keep_old_values: raw.keep_old_values.unwrap_or(default.keep_old_values),
            free_mib_min: self.count(&raw.free_mib_min, 0..=1 << 24, default.free_mib_min),
        }
    }

    fn count(
        &mut self,
        given: &Option<Spanned<u64>>,
        range: RangeInclusive<u64>,
        default: u64,
    ) -> u64 {
        let Some(given) = given else { return default };
        let value = *given.get_ref();
        if !range.contains(&value) {
            let (first, last) = range.into_inner();
            self.report(given.span(), out_of_range(&value.to_string(), first, last, default));
        }
        value
    }
}

fn out_of_range(value: &str, first: u64, last: u64, default: u64) -> Problem {
    problem(
        format!("`{value}` is out of range"),
        format!("`{value}` 超出范围"),
        format!("write a number from {first} to {last}; the default is {default}"),
        format!("请写 {first} 到 {last} 之间的数字，默认 {default}"),
    )
}

fn bodies(text: &str) -> Result<BodyPolicy, Problem> {
    let all = [BodyPolicy::Keep, BodyPolicy::Archive, BodyPolicy::Drop];
    all.into_iter().find(|policy| policy.name() == text).ok_or_else(|| {
        problem(
            format!("`{text}` is not a policy for old bodies"),
            format!("`{text}` 不是旧区块正文的处理方式"),
            "write keep, archive or drop",
            "请写 keep（保留）、archive（归档）或 drop（删除）",
        )
    })
}

fn archive(text: &str) -> Result<String, Problem> {
    if !text.is_empty() && text.len() <= PATH_BYTES_MAX && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(problem(
        "an empty path, a very long one, or one with control characters",
        "路径为空、过长或含控制字符",
        "write the archive folder, such as archive or /srv/mulu-archive",
        "请写归档目录，如 archive 或 /srv/mulu-archive",
    ))
}

/// Reads `MULU_FREE_MIB_MIN`.
pub(super) fn free_mib_min(text: &str) -> Result<u64, Problem> {
    let default = StorageSection::default().free_mib_min;
    text.parse()
        .ok()
        .filter(|value| *value <= 1 << 24)
        .ok_or_else(|| out_of_range(text, 0, 1 << 24, default))
}
