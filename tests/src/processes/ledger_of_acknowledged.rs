//! What clients were promised, remembered outside the nodes, and compared with what nodes hold.
//!
//! The promise: a node that answers `committed` with height, index and outcome (a submission with
//! `wait=committed`, or a read) has that block on disk, and every node will for ever say the same.
//! `queued` promises nothing: it means one node's memory. So an id counts as acknowledged when the
//! first answer said committed.
//!
//! The comparison reads whole blocks: after every restart of a node from a little below the height
//! it was read to, at the end from block 1 on every node.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::view::{BlockView, Place, Views};
use crate::consortium::{DEPARTMENTS, name};

/// Blocks below the last one read that are read again after a restart.
const REREAD_BLOCKS: u64 = 16;
/// At the end every node has what any node acknowledged within this time.
const LEVEL_MAX: Duration = Duration::from_secs(30);
/// Violations kept word for word; all are counted.
const SHOWN_MAX: usize = 20;

#[derive(Default)]
struct Table {
    acknowledged: BTreeMap<String, Place>,
    /// Where any node's blocks have each transaction; a second place is a violation.
    committed: BTreeMap<String, Place>,
    /// The first answer for each height.
    blocks: BTreeMap<u64, BlockView>,
    violations: Vec<String>,
    violation_count: u64,
}

/// The ledger of acknowledged transactions; shared by threads.
#[derive(Default)]
pub struct Acknowledged {
    table: Mutex<Table>,
    /// The highest height each node acknowledged: it must not come back below.
    durable: [AtomicU64; DEPARTMENTS.len()],
    /// How often each node was started again.
    restarts: [AtomicU64; DEPARTMENTS.len()],
}

/// How far one node has been read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Walk {
    next: u64,
    restarts: u64,
}

/// The result of the last comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Ids acknowledged.
    pub acknowledged: u64,
    /// Of them, missing from the blocks.
    pub lost: u64,
    /// Different answers: two places for an id, two blocks for a height, a node that came back
    /// below a height it had acknowledged.
    pub contradictions: u64,
    /// The first of them.
    pub shown: Vec<String>,
}

impl Acknowledged {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A node said that a transaction is committed.
    pub fn acknowledge(&self, node: usize, id: &str, place: Place) {
        self.durable[node].fetch_max(place.height, SeqCst);
        let mut table = self.table();
        let known = table.acknowledged.entry(id.to_owned()).or_insert_with(|| place.clone());
        if *known != place {
            let words = format!("{id} was acknowledged at {known:?}, now at {place:?}");
            table.violation(words);
        }
    }

    /// A node was started again: what it holds is read again.
    pub fn restarted(&self, node: usize) {
        self.restarts[node].fetch_add(1, SeqCst);
    }

    /// A node answers again after a crash, from this height.
    pub fn came_back(&self, node: usize, durable_before: u64, height: u64) {
        if height < durable_before {
            let words = format!(
                "{} had acknowledged height {durable_before} and came back at {height}",
                name(node)
            );
            self.table().violation(words);
        }
    }

    /// The highest height a node acknowledged.
    pub fn durable_height(&self, node: usize) -> u64 {
        self.durable[node].load(SeqCst)
    }

    /// Ids acknowledged so far.
    pub fn count(&self) -> u64 {
        self.table().acknowledged.len() as u64
    }

    /// Notes something that must not be.
    pub fn violation(&self, words: String) {
        self.table().violation(words);
    }

    /// Reads one more block of a node, if it has one and answers; whether it did.
    pub fn follow(&self, views: &Views, node: usize, walk: &mut Walk) -> bool {
        let restarts = self.restarts[node].load(SeqCst);
        if restarts != walk.restarts {
            walk.next = walk.next.saturating_sub(REREAD_BLOCKS);
            walk.restarts = restarts;
        }
        let height = walk.next.max(1);
        let Some(block) = views.block(node, height) else { return false };
        self.table().compare(node, height, block);
        walk.next = height + 1;
        true
    }

    /// Waits until every node has the highest height acknowledged, reads all their blocks from
    /// block 1 to the lowest tip, and judges.
    pub fn judge(&self, views: &Views) -> Verdict {
        let promised = (0..DEPARTMENTS.len()).map(|node| self.durable_height(node)).max();
        let mut tip = None;
        views.wait(LEVEL_MAX, || {
            tip = views.heights().and_then(|heights| heights.into_iter().min());
            tip >= promised
        });
        let Some(tip) = tip.filter(|tip| Some(*tip) >= promised) else {
            self.violation(format!("at the end not all nodes reach {promised:?}: {tip:?}"));
            return self.verdict();
        };
        std::thread::scope(|scope| {
            for node in 0..DEPARTMENTS.len() {
                scope.spawn(move || {
                    let restarts = self.restarts[node].load(SeqCst);
                    let mut walk = Walk { restarts, ..Walk::default() };
                    while walk.next <= tip {
                        // Twice: one answer may be lost without anything being wrong.
                        if !self.follow(views, node, &mut walk)
                            && !self.follow(views, node, &mut walk)
                        {
                            let name = name(node);
                            return self.violation(format!(
                                "{name} does not serve block {} of {tip}",
                                walk.next.max(1)
                            ));
                        }
                    }
                });
            }
        });
        self.verdict()
    }

    fn verdict(&self) -> Verdict {
        let mut table = self.table();
        let mut lost = 0;
        let mut wrong = Vec::new();
        for (id, place) in &table.acknowledged {
            match table.committed.get(id) {
                None => {
                    lost += 1;
                    wrong.push(format!("{id} was acknowledged at {place:?} and is in no block"));
                }
                Some(found) if found != place => {
                    wrong.push(format!("{id} was acknowledged at {place:?}, blocks: {found:?}"));
                }
                Some(_) => {}
            }
        }
        for words in wrong {
            table.violation(words);
        }
        Verdict {
            acknowledged: table.acknowledged.len() as u64,
            lost,
            contradictions: table.violation_count - lost,
            shown: table.violations.clone(),
        }
    }
}

impl Table {
    fn violation(&mut self, words: String) {
        self.violation_count += 1;
        if self.violations.len() < SHOWN_MAX {
            self.violations.push(words);
        }
    }

    /// Every node's block at a height is the first node's; every id has one place.
    fn compare(&mut self, node: usize, height: u64, block: BlockView) {
        if let Some(known) = self.blocks.get(&height) {
            if *known != block {
                let words = format!("{} at height {height}: {block:?}, not {known:?}", name(node));
                self.violation(words);
            }
            return;
        }
        for (index, (id, place)) in (0..).zip(&block.transactions) {
            if (place.height, place.index) != (height, index) {
                self.violation(format!("block {height} says that {id} stands at {place:?}"));
            }
            if let Some(other) = self.committed.insert(id.clone(), place.clone()) {
                self.violation(format!("{id} is committed twice: {other:?} and {place:?}"));
            }
        }
        self.blocks.insert(height, block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(height: u64, index: u64) -> Place {
        Place { height, index, outcome: "accepted".to_owned() }
    }

    fn block(height: u64, ids: &[&str]) -> BlockView {
        let transactions = (0..).zip(ids).map(|(i, id)| ((*id).to_owned(), place(height, i)));
        BlockView {
            id: format!("block {height} of {ids:?}"),
            state_root: String::new(),
            transactions: transactions.collect(),
        }
    }

    /// Lost transactions and contradictions after two blocks, `a` and `b` in 1 and `c` in 2.
    fn judged(wrong: impl Fn(&Acknowledged)) -> (u64, u64) {
        let acknowledged = Acknowledged::default();
        acknowledged.acknowledge(0, "a", place(1, 0));
        acknowledged.acknowledge(1, "c", place(2, 0));
        acknowledged.acknowledge(2, "c", place(2, 0));
        for node in 0..DEPARTMENTS.len() {
            acknowledged.table().compare(node, 1, block(1, &["a", "b"]));
            acknowledged.table().compare(node, 2, block(2, &["c"]));
        }
        wrong(&acknowledged);
        let verdict = acknowledged.verdict();
        (verdict.lost, verdict.contradictions)
    }

    #[test]
    fn every_broken_promise_is_seen() {
        assert_eq!(judged(|_| {}), (0, 0));
        assert_eq!(judged(|a| a.acknowledge(0, "lost", place(2, 1))), (1, 0));
        assert_eq!(judged(|a| a.acknowledge(0, "a", place(2, 1))), (0, 1));
        assert_eq!(judged(|a| a.acknowledge(3, "b", place(2, 1))), (0, 1), "another place");
        assert_eq!(judged(|a| a.table().compare(3, 2, block(2, &["d"]))), (0, 1), "a fork");
        assert_eq!(judged(|a| a.table().compare(3, 3, block(3, &["b"]))), (0, 1), "twice");
        let came_back = |height| judged(move |a| a.came_back(1, 2, height));
        assert_eq!((came_back(2), came_back(1)), ((0, 0), (0, 1)));
    }
}
