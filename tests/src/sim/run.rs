//! One seed from beginning to end.

use std::collections::BTreeSet;

use mulu_chain::signature::PublicKey;
use mulu_chain::types::Height;
use mulu_node::storage::Ledger;

use super::invariants::roots::Roots;
use super::invariants::{Violation, auditor, bounds};
use super::oracles::Stats;
use super::plan::{Plan, Profile};
use super::world::{Event, Happened, World};

/// After the faults stop, every honest node must have committed three more blocks and everything
/// that was submitted within this, in milliseconds of simulated time.
pub const RECOVERY_MS_MAX: u64 = 120_000;
/// More events than this are a run that runs away.
const EVENTS_MAX: u64 = 5_000_000;

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// Hash over all events: the same for the same seed.
    pub hash: u64,
    /// Simulated time, in milliseconds.
    pub simulated_ms: u64,
    /// From the end of the faults until every honest node had caught up, in milliseconds.
    pub recovery_ms: u64,
    /// Events handled.
    pub events: u64,
    /// Blocks of the chain.
    pub height: u64,
    /// Transactions acknowledged.
    pub acknowledged: u64,
    /// What else was counted.
    pub stats: Stats,
    /// A broken invariant.
    pub violation: Option<Violation>,
    /// Whether progress did not return in time.
    pub stalled: Option<String>,
}

impl Outcome {
    /// Whether everything held.
    pub fn is_good(&self) -> bool {
        self.violation.is_none() && self.stalled.is_none()
    }
}

/// Runs a seed; `print` shows what happens.
pub fn run(seed: u64, profile: Profile, print: bool) -> Outcome {
    let plan = Plan::new(seed, profile);
    if print {
        println!("{plan:#?}");
    }
    let mut world = World::new(plan, print);
    let start = world.now;
    let mut stalled = None;
    let violation = world.play(&mut stalled).err();
    let recovery_ms = world.quiet_since.map_or(0, |since| world.now - since);
    Outcome {
        seed,
        hash: world.trace.hash(),
        simulated_ms: world.now - start,
        recovery_ms,
        events: world.events,
        height: world.oracles.agreement.height().0,
        acknowledged: world.oracles.acknowledged.len() as u64,
        stats: world.oracles.stats.clone(),
        violation,
        stalled,
    }
}

impl World {
    fn play(&mut self, stalled: &mut Option<String>) -> Happened {
        self.schedule_plan();
        for node in 0..self.nodes.len() {
            let after = self.random.below(500);
            let incarnation = self.nodes[node].incarnation;
            self.at(after, Event::Restart { node, incarnation });
        }
        while let Some((number, event)) = self.next_event() {
            self.happen(number, event)?;
            let Some(since) = self.quiet_since else { continue };
            if self.events.is_multiple_of(16) && self.is_settled() {
                return self.at_end();
            }
            if self.now > since + RECOVERY_MS_MAX || self.events > EVENTS_MAX {
                break;
            }
        }
        *stalled = Some(self.standing());
        Ok(())
    }

    fn honest(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.nodes.len()).filter(|node| self.nodes[*node].behaviour.is_none())
    }

    fn ledger(&self, node: usize) -> Option<&Ledger> {
        self.nodes[node].running.as_ref().map(|running| &running.ledger)
    }

    fn height(&self, node: usize) -> Option<Height> {
        self.ledger(node)?.height().ok()
    }

    /// Every honest node stands at one height, beyond the goal, and nothing submitted is open.
    fn is_settled(&mut self) -> bool {
        let heights: BTreeSet<Option<Height>> = self.honest().map(|n| self.height(n)).collect();
        let reached = heights.len() == 1 && heights.first().is_some_and(|h| *h >= Some(self.goal));
        let acknowledged = &self.oracles.acknowledged;
        reached
            && self.workload.is_settled(&|id| acknowledged.contains(id))
            && self.is_accounted_for()
    }

    /// Whoever can be proved to have signed twice is accused on the chain. What the cheap
    /// signatures sign proves nothing to the contracts.
    fn is_accounted_for(&self) -> bool {
        let first = self.honest().next().and_then(|node| self.ledger(node));
        let accused = first.map(|ledger| self.accused(ledger)).unwrap_or_default();
        self.plan.profile == Profile::Core || self.oracles.evidence.missing(&accused).is_none()
    }

    fn at_end(&mut self) -> Happened {
        let mut roots = Roots::default();
        let genesis = self.consortium.founding.digest();
        let mut accused = BTreeSet::new();
        for node in self.honest().collect::<Vec<_>>() {
            let Some(running) = &self.nodes[node].running else { continue };
            let ledger = running.ledger.clone();
            self.oracles.acknowledged.at_end(node, &ledger)?;
            if self.plan.profile == Profile::Application || self.plan.seed.is_multiple_of(16) {
                roots.at_end(node, &self.nodes[node].kv)?;
            }
            accused.extend(self.accused(&ledger));
            if self.plan.profile == Profile::Application {
                let subjects = ledger.records("entry/", None, 4).unwrap_or_default();
                let subject = self.random.pick(&subjects).map(|(key, _)| key.clone());
                let subject = subject
                    .unwrap_or_else(|| format!("member/{}", self.consortium.departments[0].uscc));
                let refused = auditor::audit(node, &ledger, &genesis, &subject, &mut self.random)?;
                self.oracles.stats.mutations_refused += refused;
            }
        }
        self.oracles.stats.accusations = accused.len() as u64;
        self.oracles.evidence.at_end(&accused, &self.liar_keys())
    }

    /// The validator keys that the chain accuses of signing twice.
    fn accused(&self, ledger: &Ledger) -> BTreeSet<PublicKey> {
        let records = ledger.records("evidence/", None, 1_000).unwrap_or_default();
        let keys = records.iter().filter_map(|(key, _)| key.split('/').nth(1)?.parse().ok());
        keys.collect()
    }

    pub(super) fn check_bounds(&self, node: usize) -> Happened {
        if !self.events.is_multiple_of(64) {
            return Ok(());
        }
        match &self.nodes[node].running {
            Some(running) => bounds::check(node, &running.replica.bounds()),
            None => Ok(()),
        }
    }

    /// Where everybody stands, for a run that stalled.
    fn standing(&self) -> String {
        let node = |node: usize| match &self.nodes[node].running {
            None => format!("node {node} is down"),
            Some(running) => {
                let status = running.replica.status();
                format!(
                    "node {node}{} at {} round {:?} abstaining {:?}",
                    self.nodes[node].behaviour.map_or(String::new(), |b| format!(" ({b:?})")),
                    status.height,
                    status.round,
                    status.abstaining
                )
            }
        };
        let nodes: Vec<String> = (0..self.nodes.len()).map(node).collect();
        let first = self.honest().next().and_then(|node| self.ledger(node));
        let accused = first.map(|ledger| self.accused(ledger)).unwrap_or_default();
        let unaccused = self.oracles.evidence.missing(&accused);
        let nodes = nodes.join("; ");
        format!("goal {}: {nodes}; signed twice and not accused: {unaccused:?}", self.goal)
    }
}
