//! The state of a node's house: space, sizes, what is kept, what was found damaged; and the rule of the
//! floor.
//!
//! With less free space than the floor the node is **read-only**: it answers reads, refuses
//! transactions, and takes no part in consensus, because taking part writes. To the others it is as
//! if it had been cut off; the chain goes on without it, and it catches up when there is room again,
//! a quarter above the floor, without anybody's help. It stops before the disk is full, since
//! RocksDB does not always survive that.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use mulu_chain::types::Height;
use serde::Serialize;

use crate::storage::Damage;

/// Damages remembered.
pub const DAMAGES_MAX: usize = 16;
const MIB: u64 = 1024 * 1024;

/// What the node tells of its disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct HouseReport {
    /// Whether the node is read-only because the disk is nearly full.
    pub read_only: bool,
    /// Free bytes of the disk under the data folder.
    pub free_bytes: u64,
    /// Its size.
    pub disk_bytes: u64,
    /// Below this the node is read-only.
    pub free_bytes_min: u64,
    /// Bytes of the ledger's files.
    pub ledger_bytes: u64,
    /// Bytes of the vote log.
    pub votes_bytes: u64,
    /// Bodies of this and later blocks are in the ledger.
    pub bodies_from: Height,
    /// States of this and later heights can be proved.
    pub state_from: Height,
    /// Values of records at this and later heights are in the ledger.
    pub values_from: Height,
    /// Files in the archive folder.
    pub archive_files: u64,
    /// Their bytes.
    pub archive_bytes: u64,
    /// Why archiving does not work, if it does not.
    pub archive_problem: Option<String>,
    /// Height the walk that looks for damage has come to.
    pub scrub_height: Height,
    /// Walks completed since the start.
    pub scrubs_done: u64,
    /// Damage found since the start.
    pub damages: Vec<Damage>,
}

/// The report, shared by the keeper, the replica's thread and the API.
#[derive(Debug, Default)]
pub struct House {
    read_only: AtomicBool,
    report: Mutex<HouseReport>,
}

impl House {
    /// Whether the node must not write.
    pub fn is_read_only(&self) -> bool {
        self.read_only.load(Ordering::Acquire)
    }

    /// The report as it is now.
    pub fn report(&self) -> HouseReport {
        self.report.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the report.
    pub fn update(&self, change: impl FnOnce(&mut HouseReport)) {
        change(&mut self.report.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Remembers a damage.
    pub fn damaged(&self, damage: Damage) {
        self.update(|report| {
            if report.damages.len() < DAMAGES_MAX && !report.damages.contains(&damage) {
                report.damages.push(damage);
            }
        });
    }

    /// Looks at the free space, and decides whether the node may write.
    pub fn measure(&self, home: &Path, free_mib_min: u64) {
        let data = home.join("data");
        let Some((free, all)) = free_space(&data).or_else(|| free_space(home)) else { return };
        let floor = free_mib_min.saturating_mul(MIB);
        let was = self.is_read_only();
        let now = is_low(was, free, floor);
        self.read_only.store(now, Ordering::Release);
        self.update(|report| {
            report.read_only = now;
            (report.free_bytes, report.disk_bytes, report.free_bytes_min) = (free, all, floor);
        });
        if now != was {
            let (free_mib, floor_mib) = (free / MIB, floor / MIB);
            match now {
                true => tracing::error!(
                    free_mib,
                    floor_mib,
                    "READ-ONLY: the disk is nearly full; free some space: the node goes on by itself"
                ),
                false => {
                    tracing::info!(free_mib, floor_mib, "there is room again: the node goes on")
                }
            }
        }
    }
}

impl HouseReport {
    /// Why the node is read-only, in English.
    pub fn why_read_only(&self) -> String {
        format!(
            "read-only: the disk has {} MiB free, less than the floor of {} MiB ([storage] free_mib_min); \
             free some space, the node goes on by itself",
            self.free_bytes / MIB,
            self.free_bytes_min / MIB
        )
    }

    /// As [`HouseReport::why_read_only`], in Chinese.
    pub fn why_read_only_zh(&self) -> String {
        format!(
            "只读：磁盘剩余 {} MiB，低于下限 {} MiB（[storage] free_mib_min）；请释放空间，节点会自动恢复",
            self.free_bytes / MIB,
            self.free_bytes_min / MIB
        )
    }
}

/// Low below the floor, and until there is a quarter more than it.
fn is_low(was_low: bool, free: u64, floor: u64) -> bool {
    free < if was_low { floor.saturating_add(floor / 4) } else { floor }
}

/// Free and all bytes of the disk under a path.
pub fn free_space(path: &Path) -> Option<(u64, u64)> {
    let found = rustix::fs::statvfs(path).ok()?;
    let block = found.f_frsize;
    Some((found.f_bavail.saturating_mul(block), found.f_blocks.saturating_mul(block)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_below_the_floor_until_a_quarter_above_it() {
        assert!(!is_low(false, 100, 100));
        assert!(is_low(false, 99, 100));
        assert!(is_low(true, 124, 100));
        assert!(!is_low(true, 125, 100));
        assert!(!is_low(true, 0, 0), "a floor of nothing is no floor");
    }
}
