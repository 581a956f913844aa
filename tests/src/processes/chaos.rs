//! Seconds of a bad network under load, then a good one: the nodes must be one again in time.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mulu_node::p2p::{HANDSHAKE_TIMEOUT, REDIAL_LONGEST};

use super::ledger_of_acknowledged::{Acknowledged, Verdict};
use super::load::{Load, LoadPlan, LoadReport};
use super::namespaces::Namespaces;
use super::proxy::{Network, NetworkGuard, Trouble};
use super::reader::Reader;
use super::seeded::Seeded;
use super::view::{LOOK_INTERVAL, Views};
use crate::consortium::{Consortium, DEPARTMENTS, name};

/// A few rounds of consensus with their waits grown by failed rounds.
const ROUNDS: Duration = Duration::from_secs(10);
/// After healing all nodes grow within this time: a handshake that began in the bad network runs
/// out, the longest wait before dialling again passes, and a few rounds decide.
pub const HEAL_MAX: Duration =
    HANDSHAKE_TIMEOUT.saturating_add(REDIAL_LONGEST).saturating_add(ROUNDS);
/// Shortest and longest of most faults, in milliseconds.
const FAULT_MS: (u64, u64) = (3_000, 8_000);
/// The same for the others: connections die of unanswered pings, and dialling slows down.
const LONG_FAULT_MS: (u64, u64) = (20_000, 28_000);
/// How many of a hundred faults are long.
const LONG_PERCENT: u64 = 25;

/// What is done to the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Every flow has its own delay of 0 to 2 s.
    Slow,
    /// Every flow carries 2 to 50 KiB a second.
    Narrow,
    /// A node neither hears nor is heard; connections stay open.
    Isolated(usize),
    /// As `Isolated`, with all its connections closed and refused.
    Refused(usize),
    /// Two nodes here, two there.
    Halves(usize, usize),
    /// A node hears everybody, nobody hears it.
    Mute(usize),
    /// A node is heard by everybody and hears nobody.
    Deaf(usize),
    /// One flow between two nodes stands still.
    OneWay(usize, usize),
    /// A node is cut off and joined again several times a second.
    Flapping(usize),
    /// Connections are closed in the middle of whatever they carry.
    Resets,
}

/// What carries the bytes between the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wiring {
    /// Proxies in this process.
    Proxies,
    /// Network namespaces of the kernel; takes privileges.
    Namespaces,
}

enum Wires {
    Proxies(NetworkGuard),
    Namespaces(Namespaces),
}

impl Wires {
    fn set(&self, from: usize, to: usize, trouble: Trouble) {
        match self {
            Wires::Proxies(guard) => guard.0.set(from, to, trouble),
            Wires::Namespaces(namespaces) => namespaces.set(from, to, trouble != Trouble::None),
        }
    }

    fn heal(&self) {
        pairs().for_each(|(from, to)| self.set(from, to, Trouble::None));
    }
}

/// All ordered pairs of nodes.
fn pairs() -> impl Iterator<Item = (usize, usize)> {
    let all = 0..DEPARTMENTS.len();
    all.clone().flat_map(move |from| all.clone().map(move |to| (from, to))).filter(|(f, t)| f != t)
}

impl Fault {
    /// A fault of the given kind, so that a campaign has all kinds before it repeats one. The
    /// first [`Fault::STALLS`] kinds only let flows stand still.
    fn of(kind: u64, random: &mut Seeded) -> Fault {
        let pair = random.nodes(2);
        let (a, b) = (pair[0], pair[1]);
        match kind % Fault::KINDS {
            0 => Fault::Isolated(a),
            1 => Fault::Halves(a, b),
            2 => Fault::Mute(a),
            3 => Fault::Flapping(a),
            4 => Fault::Deaf(a),
            5 => Fault::OneWay(a, b),
            6 => Fault::Slow,
            7 => Fault::Resets,
            8 => Fault::Refused(a),
            _ => Fault::Narrow,
        }
    }

    const KINDS: u64 = 10;
    const STALLS: u64 = 6;

    /// The node that the fault spares the others of: they are a quorum and must go on.
    fn alone(self) -> Option<usize> {
        match self {
            Fault::Isolated(node) | Fault::Refused(node) | Fault::Mute(node) => Some(node),
            Fault::Deaf(node) | Fault::Flapping(node) => Some(node),
            Fault::Slow | Fault::Narrow | Fault::Resets => None,
            Fault::Halves(..) | Fault::OneWay(..) => None,
        }
    }

    /// What the fault does to the flow from one node to another, if anything.
    fn trouble(self, from: usize, to: usize, random: &mut Seeded) -> Option<Trouble> {
        let across = |a, b| [a, b].contains(&from) != [a, b].contains(&to);
        let hit = match self {
            Fault::Slow | Fault::Narrow | Fault::Resets => true,
            Fault::Isolated(node) | Fault::Refused(node) | Fault::Flapping(node) => {
                from == node || to == node
            }
            Fault::Halves(a, b) => across(a, b),
            Fault::Mute(node) => from == node,
            Fault::Deaf(node) => to == node,
            Fault::OneWay(a, b) => (from, to) == (a, b),
        };
        let trouble = match self {
            Fault::Slow => Trouble::Delay(random.millis(0, 2_000)),
            Fault::Narrow => Trouble::Narrow(2_048 + random.below(48 * 1_024)),
            Fault::Resets => Trouble::ResetAfter(random.below(64 * 1_024)),
            Fault::Refused(_) => Trouble::Refuse,
            _ => Trouble::Stall,
        };
        hit.then_some(trouble)
    }

    /// Puts the fault in force.
    fn apply(self, wires: &Wires, random: &mut Seeded) {
        for (from, to) in pairs() {
            if let Some(trouble) = self.trouble(from, to, random) {
                wires.set(from, to, trouble);
            }
        }
    }
}

/// What happened.
#[derive(Debug, Clone, Default)]
pub struct ChaosReport {
    /// The campaign's seed.
    pub seed: u64,
    /// Faults, each healed.
    pub scenarios: u64,
    /// Of them, not followed by growth of all nodes within [`HEAL_MAX`].
    pub stalls: u64,
    /// Faults that left three nodes in good order.
    pub quorum_scenarios: u64,
    /// Of them, those in which the three did not go on.
    pub quorum_stalls: u64,
    /// Longest time from healing until all nodes had grown.
    pub max_recovery_ms: u128,
    /// Each fault with the milliseconds it lasted, the blocks decided meanwhile, and the
    /// milliseconds of recovery.
    pub recoveries: Vec<(Fault, u128, u64, u128)>,
    /// Equivocations in any node's log, status or chain.
    pub equivocations: u64,
    /// Height at the end, equal on all nodes with its state root.
    pub height: u64,
    /// What clients were promised, and what is left of it.
    pub verdict: Verdict,
    /// What became of the load.
    pub load: LoadReport,
    /// Scenarios that this machine cannot run, with the reason; never counted as passed.
    pub not_run: Option<(u64, String)>,
    /// What went wrong, in words.
    pub failures: Vec<String>,
}

impl ChaosReport {
    /// Whether every promise was kept.
    pub fn is_clean(&self) -> bool {
        self.stalls == 0
            && self.quorum_stalls == 0
            && self.equivocations == 0
            && self.verdict.lost == 0
            && self.verdict.contradictions == 0
            && self.load.refused.is_empty()
            && self.load.unresolved == 0
            && self.failures.is_empty()
    }
}

impl fmt::Display for ChaosReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((rounds, why)) = &self.not_run {
            writeln!(f, "chaos: NOT RUN {rounds} scenarios: {why}")?;
        }
        write!(
            f,
            "chaos: stalls {} of {} scenarios (bound {} s after healing), three of four stalled {} \
             of {}; longest recovery {} ms; acknowledged lost {} of {}, contradictions {}; \
             equivocations {}; height {}, sent {}, unresolved {}; seed {}",
            self.stalls,
            self.scenarios,
            HEAL_MAX.as_secs(),
            self.quorum_stalls,
            self.quorum_scenarios,
            self.max_recovery_ms,
            self.verdict.lost,
            self.verdict.acknowledged,
            self.verdict.contradictions,
            self.equivocations,
            self.height,
            self.load.sent,
            self.load.unresolved,
            self.seed,
        )?;
        for (fault, lasting, blocks, millis) in &self.recoveries {
            write!(f, "\n  {fault:?}: {lasting} ms, {blocks} blocks; healed in {millis} ms")?;
        }
        for line in self.failures.iter().chain(&self.verdict.shown).chain(&self.load.refused) {
            write!(f, "\n  {line}")?;
        }
        Ok(())
    }
}

/// Runs so many scenarios, one of each kind before any kind comes again.
pub fn chaos_campaign(wiring: Wiring, rounds: u64, seed: u64) -> ChaosReport {
    let mut report = ChaosReport { seed, ..ChaosReport::default() };
    let mut consortium = Consortium::new();
    let (wires, kinds) = match wiring {
        Wiring::Proxies => (Wires::Proxies(Network::between(&consortium)), Fault::KINDS),
        Wiring::Namespaces => match Namespaces::around(&mut consortium) {
            Ok(namespaces) => (Wires::Namespaces(namespaces), Fault::STALLS),
            Err(why) => {
                report.not_run = Some((rounds, why));
                return report;
            }
        },
    };
    for node in 0..DEPARTMENTS.len() {
        consortium.start(node);
    }
    consortium.wait_ready();
    let views = Views::of(&consortium);
    let acknowledged = Arc::new(Acknowledged::default());
    let plan = LoadPlan { per_second: 30, workers: 8, offices: 1, seed };
    let load = Load::start(&consortium, plan, &acknowledged);
    let reader = Reader::start(&views, &acknowledged);
    let mut random = Seeded::new(seed);
    let first = random.below(kinds);
    for round in 0..rounds {
        let fault = Fault::of((first + round) % kinds, &mut random);
        scenario(fault, &wires, &views, &mut random, &mut report);
        for node in 0..DEPARTMENTS.len() {
            if let Some(status) = consortium.exited(node) {
                let log = consortium.log(node);
                let words = format!("{} ended with {status}:\n{log}", name(node));
                report.failures.push(words);
            }
        }
        if !report.failures.is_empty() {
            break;
        }
    }
    report.load = load.finish();
    drop(reader);
    report.verdict = acknowledged.judge(&views);
    match views.equal_at_common_height() {
        Ok(height) => report.height = height,
        Err(words) => report.failures.push(words),
    }
    report.equivocations = views.equivocations(&consortium);
    report
}

fn scenario(
    fault: Fault,
    wires: &Wires,
    views: &Views,
    random: &mut Seeded,
    report: &mut ChaosReport,
) {
    report.scenarios += 1;
    let others: Vec<usize> =
        (0..DEPARTMENTS.len()).filter(|node| fault.alone() != Some(*node)).collect();
    let before = highest(views, &others);
    let (shortest, longest) = if random.percent(LONG_PERCENT) { LONG_FAULT_MS } else { FAULT_MS };
    let lasting = random.millis(shortest, longest);
    let end = Instant::now() + lasting;
    let mut bad = true;
    fault.apply(wires, random);
    while Instant::now() < end {
        std::thread::sleep(random.millis(100, 600));
        match fault {
            Fault::Flapping(_) if bad => wires.heal(),
            Fault::Flapping(_) | Fault::Resets => fault.apply(wires, random),
            _ => {}
        }
        bad = !bad;
    }
    if fault.alone().is_some() {
        report.quorum_scenarios += 1;
        if highest(views, &others) <= before {
            report.quorum_stalls += 1;
            report.failures.push(format!("{fault:?}: the other three stood still at {before}"));
        }
    }
    let goal = highest(views, &others) + 1;
    wires.heal();
    let grown = || {
        let heights = views.heights();
        heights.is_some_and(|heights| heights.iter().all(|height| *height >= goal))
    };
    match views.wait(HEAL_MAX, grown) {
        Some(took) => {
            let millis = took.as_millis();
            let blocks = goal.saturating_sub(before + 1);
            report.recoveries.push((fault, lasting.as_millis(), blocks, millis));
            report.max_recovery_ms = report.max_recovery_ms.max(millis);
        }
        None => {
            report.stalls += 1;
            let statuses: Vec<_> = (0..DEPARTMENTS.len())
                .map(|node| views.get(node, "/v1/status").map(|(_, status)| status))
                .collect();
            report.failures.push(format!("{fault:?}: not healed after {HEAL_MAX:?}: {statuses:?}"));
        }
    }
    std::thread::sleep(LOOK_INTERVAL);
}

/// The highest height of these nodes.
fn highest(views: &Views, nodes: &[usize]) -> u64 {
    nodes.iter().filter_map(|n| Some(views.status(*n)?.height)).max().unwrap_or_default()
}
