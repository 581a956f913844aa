//! SIGKILL at random moments under load, of one node, two or all, while they run or start.
//!
//! A round strikes and starts the struck nodes again after a random pause. Some rounds follow
//! each other at once, so that nodes are hit anywhere in their recovery; after at most
//! `ROUNDS_UNSETTLED_MAX` of them everything must settle: all nodes answer and all of them grow
//! beyond the highest height there was.

mod report;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ledger_of_acknowledged::Acknowledged;
use super::load::{Load, LoadPlan};
use super::reader::Reader;
use super::seeded::Seeded;
use super::tool::tail;
use super::view::{LOOK_INTERVAL, Views};
use crate::consortium::{Consortium, DEPARTMENTS, name};

pub use report::KillReport;

/// A started node answers within this time, or its restart has failed.
const RECOVERY_MAX: Duration = Duration::from_secs(30);
/// All nodes grow within this time after the last strike, or the consortium is stalled.
const GROWTH_MAX: Duration = Duration::from_secs(60);
/// Rounds in a row that may strike before everything was seen to settle.
const ROUNDS_UNSETTLED_MAX: u64 = 3;
/// Longest time without a strike after everything has settled, in milliseconds.
const CALM_MS_MAX: u64 = 700;
/// Last lines shown of the log of a node that ended on its own.
const LOG_LINES_SHOWN: usize = 30;

/// How much to kill.
#[derive(Debug, Clone, Copy)]
pub struct KillPlan {
    /// SIGKILLs to deliver, at least.
    pub kills: u64,
    /// What is struck, when, for how long.
    pub seed: u64,
    /// Transactions due in a second.
    pub load_per_second: u64,
}

#[derive(Debug, Clone, Copy)]
enum Strike {
    Running(usize),
    InStartUp(usize),
    Stop,
}

struct Campaign {
    consortium: Consortium,
    views: Views,
    acknowledged: Arc<Acknowledged>,
    random: Seeded,
    report: KillReport,
    /// Moments of starts whose first answer has not been seen, with the height promised before.
    starting: [Option<(Instant, u64)>; DEPARTMENTS.len()],
}

/// Kills nodes until the plan is fulfilled, then judges.
pub fn kill_campaign(plan: KillPlan) -> KillReport {
    let consortium = Consortium::started();
    let views = Views::of(&consortium);
    let acknowledged = Arc::new(Acknowledged::default());
    let load_plan =
        LoadPlan { per_second: plan.load_per_second, workers: 12, offices: 1, seed: plan.seed };
    let load = Load::start(&consortium, load_plan, &acknowledged);
    let reader = Reader::start(&views, &acknowledged);
    let mut campaign = Campaign {
        consortium,
        views,
        acknowledged,
        random: Seeded::new(plan.seed),
        report: KillReport { seed: plan.seed, ..KillReport::default() },
        starting: Default::default(),
    };
    let started = Instant::now();
    let mut unsettled = 0;
    while campaign.report.kills < plan.kills && campaign.report.failures.is_empty() {
        campaign.round();
        unsettled += 1;
        if unsettled > ROUNDS_UNSETTLED_MAX || campaign.random.percent(40) {
            campaign.settle();
            // Work between the strikes, so that there is something to lose.
            std::thread::sleep(campaign.random.millis(0, CALM_MS_MAX));
            unsettled = 0;
        }
    }
    campaign.settle();
    campaign.report.seconds = started.elapsed().as_secs_f64();
    campaign.report.load = load.finish();
    drop(reader);
    campaign.judge()
}

impl Campaign {
    fn round(&mut self) {
        let strike = match self.random.below(100) {
            0..50 => Strike::Running(1),
            50..60 => Strike::Running(2),
            60..70 => Strike::Running(DEPARTMENTS.len()),
            70..90 => Strike::InStartUp(1),
            90..95 => Strike::InStartUp(2),
            _ => Strike::Stop,
        };
        match strike {
            Strike::Running(count) => {
                let nodes = self.random.nodes(count);
                self.strike(&nodes);
                self.start_again(&nodes);
            }
            Strike::InStartUp(count) => {
                let nodes = self.random.nodes(count);
                self.strike(&nodes);
                for _ in 0..=self.random.below(3) {
                    self.start_again(&nodes);
                    std::thread::sleep(self.random.millis(10, 300));
                    let killed = self.strike(&nodes);
                    self.report.kills_in_startup += killed;
                }
                self.start_again(&nodes);
            }
            Strike::Stop => {
                let node = self.random.nodes(1)[0];
                if self.is_running(node) {
                    self.consortium.signal(node, "STOP");
                    self.report.stops += 1;
                    std::thread::sleep(self.random.millis(100, 1_500));
                    self.consortium.signal(node, "CONT");
                }
            }
        }
    }

    /// Whether a node runs; one that ended on its own is reported.
    fn is_running(&mut self, node: usize) -> bool {
        if let Some(status) = self.consortium.exited(node) {
            self.report.ended_on_their_own += 1;
            self.starting[node] = None;
            let tail = self.log_tail(node);
            let words = format!("{} ended with {status}:\n{tail}", name(node));
            self.report.failures.push(words);
        }
        self.consortium.is_started(node)
    }

    fn log_tail(&self, node: usize) -> String {
        tail(&self.consortium.log(node), LOG_LINES_SHOWN)
    }

    /// Kills what runs of these nodes; how many that were.
    fn strike(&mut self, nodes: &[usize]) -> u64 {
        let running = (0..DEPARTMENTS.len()).filter(|n| self.consortium.is_started(*n)).count();
        let mut killed = 0;
        for node in nodes {
            if self.is_running(*node) {
                self.consortium.kill(*node);
                self.starting[*node] = None;
                killed += 1;
            }
        }
        self.report.kills += killed;
        if running as u64 - killed < 3 {
            self.report.kills_below_quorum += killed;
        }
        killed
    }

    fn start_again(&mut self, nodes: &[usize]) {
        for node in nodes {
            if self.random.percent(60) {
                std::thread::sleep(self.random.millis(0, 150));
            }
            if !self.consortium.is_started(*node) {
                let promised = self.acknowledged.durable_height(*node);
                self.consortium.start(*node);
                self.acknowledged.restarted(*node);
                self.starting[*node] = Some((Instant::now(), promised));
                self.report.restarts += 1;
            }
        }
    }

    /// Looks after the nodes that were started: whether all of them have answered.
    fn look(&mut self) -> bool {
        for node in 0..DEPARTMENTS.len() {
            if !self.is_running(node) {
                return false;
            }
            let Some((since, promised)) = self.starting[node] else { continue };
            if let Some(status) = self.views.status(node) {
                self.starting[node] = None;
                self.acknowledged.came_back(node, promised, status.height);
                let took = since.elapsed().as_millis();
                self.report.max_recovery_ms = self.report.max_recovery_ms.max(took);
            } else if since.elapsed() > RECOVERY_MAX {
                self.starting[node] = None;
                self.report.restarts_failed += 1;
                let tail = self.log_tail(node);
                let words = format!("{} does not answer after its start:\n{tail}", name(node));
                self.report.failures.push(words);
            }
        }
        self.starting.iter().all(Option::is_none)
    }

    /// Everything comes back and grows.
    fn settle(&mut self) {
        let started = Instant::now();
        self.report.settled += 1;
        let mut goal = None;
        while self.report.failures.is_empty() {
            if self.look()
                && let Some(heights) = self.views.heights()
            {
                let highest = heights.iter().copied().max().unwrap_or_default();
                let goal = *goal.get_or_insert(highest + 1);
                if heights.iter().all(|height| *height >= goal) {
                    let took = started.elapsed().as_millis();
                    self.report.max_growth_ms = self.report.max_growth_ms.max(took);
                    return;
                }
            }
            if started.elapsed() > GROWTH_MAX {
                self.report.stalls += 1;
                let statuses: Vec<_> = (0..DEPARTMENTS.len())
                    .map(|node| self.views.get(node, "/v1/status").map(|(_, status)| status))
                    .collect();
                self.report.failures.push(format!("no growth in {GROWTH_MAX:?}: {statuses:?}"));
                return;
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
    }

    fn judge(mut self) -> KillReport {
        if self.report.failures.is_empty() {
            self.report.verdict = self.acknowledged.judge(&self.views);
            let (views, mut equal) = (&self.views, Err(String::new()));
            views.wait(RECOVERY_MAX, || {
                equal = views.equal_at_common_height();
                equal.is_ok()
            });
            match equal {
                Ok(height) => self.report.height = height,
                Err(words) => self.report.failures.push(words),
            }
        }
        self.report.equivocations = self.views.equivocations(&self.consortium);
        for node in 0..DEPARTMENTS.len() {
            let log = self.consortium.log(node);
            self.report.votes_given_again += log.matches("giving the earlier vote again").count();
            self.report.doubts += log.matches("in doubt").count();
            if let Some(why) = self.views.status(node).and_then(|status| status.abstaining) {
                self.report.failures.push(format!("{} abstains: {why}", name(node)));
            }
            if log.contains("this is a bug") {
                let tail = self.log_tail(node);
                self.report.failures.push(format!("{} panicked:\n{tail}", name(node)));
            }
        }
        self.report
    }
}
