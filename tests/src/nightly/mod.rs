//! The night's work: every campaign within a budget of time, and the ledger of what it counted.
//!
//! Two lanes run side by side: real processes, which mostly wait, and computation on all cores. A
//! lane that ran out of time says how far it came; nothing is counted that was not done.

mod ledger;

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::damage::{self, Damage};
use crate::fuzz::{runner, targets};
use crate::processes::chaos::{ChaosReport, Wiring, chaos_campaign};
use crate::processes::flips::{FlipPlan, FlipReport, flip_campaign};
use crate::processes::full_disk::{FullDiskReport, full_disk_campaign};
use crate::processes::kills::{KillPlan, KillReport, kill_campaign};
use crate::sim::campaign::{Report, campaign};
use crate::sim::plan::Profile;

pub use ledger::Ledger;

/// Kills of one consortium before a new one is made.
const KILLS_PER_CONSORTIUM: u64 = 250;
/// Transactions due in a second while nodes are killed.
const LOAD_PER_SECOND: u64 = 50;
/// Seeds run before the clock is looked at and progress told.
const SEEDS_PER_LOOK: u64 = 10_000;

/// How much to do at most, and in what time.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The first seed; a night after the other takes other seeds.
    pub seed: u64,
    /// The time for all of it.
    pub budget: Duration,
    /// Seeds of the core profile.
    pub core_seeds: u64,
    /// Seeds of the application profile.
    pub application_seeds: u64,
    /// Kills of real processes.
    pub kills: u64,
    /// Disks that run full.
    pub full_disks: u64,
    /// Damages to a real node's files.
    pub flips: u64,
    /// Scenarios of a bad network between real processes.
    pub chaos: u64,
    /// Executions of fuzz targets.
    pub fuzz_executions: u64,
    /// Whether the planted bugs are looked for.
    pub planted: bool,
}

/// What was done.
#[derive(Debug, Default)]
pub struct Night {
    /// Core seeds.
    pub core: Report,
    /// Application seeds.
    pub application: Report,
    /// Every bit and length of the small durable files, in memory.
    pub damage: Damage,
    /// Executions and crashes of each fuzz target.
    pub fuzz: Vec<(&'static str, u64, u64)>,
    /// The planted bugs' own report, as it printed it.
    pub planted: Option<Value>,
    /// Kills.
    pub kills: Vec<KillReport>,
    /// Full disks.
    pub full_disk: FullDiskReport,
    /// Damaged files.
    pub flips: FlipReport,
    /// Bad networks, through proxies and through namespaces.
    pub chaos: Vec<ChaosReport>,
    /// The commit under test, as it was when the night began.
    pub commit: String,
    /// All of it, in seconds.
    pub seconds: f64,
}

/// Does the night's work and tells of it on standard error.
pub fn run(plan: &Plan) -> Night {
    let began = Instant::now();
    let end = began + plan.budget;
    let mut night = Night { commit: ledger::commit(), ..Night::default() };
    std::thread::scope(|scope| {
        let processes = scope.spawn(|| processes(plan, end));
        computation(plan, end, &mut night);
        if let Ok((kills, full_disk, flips, chaos)) = processes.join() {
            (night.kills, night.full_disk, night.flips, night.chaos) =
                (kills, full_disk, flips, chaos);
        }
    });
    night.seconds = began.elapsed().as_secs_f64();
    night
}

type Processes = (Vec<KillReport>, FullDiskReport, FlipReport, Vec<ChaosReport>);

fn processes(plan: &Plan, end: Instant) -> Processes {
    let full_disk = full_disk_campaign(plan.full_disks, plan.seed);
    eprintln!("{full_disk}");
    let votes = plan.flips * 2 / 5;
    let flips = flip_campaign(FlipPlan { ledger: plan.flips - votes, votes, seed: plan.seed });
    eprintln!("{flips}");
    let wirings = [Wiring::Proxies, Wiring::Namespaces];
    // A campaign of nothing would judge what nobody waited for.
    let chaos = wirings.into_iter().filter(|_| plan.chaos > 0).map(|wiring| {
        let report = chaos_campaign(wiring, plan.chaos.div_ceil(2), plan.seed);
        eprintln!("{report}");
        report
    });
    let chaos = chaos.collect();
    let mut kills = Vec::new();
    let mut done = 0;
    while done < plan.kills && Instant::now() < end {
        // Two consortiums at once: each waits most of the time.
        let lanes: Vec<KillPlan> = (0..2)
            .map(|lane| KillPlan {
                kills: (plan.kills - done).div_ceil(2).min(KILLS_PER_CONSORTIUM),
                seed: plan.seed + done + lane,
                load_per_second: LOAD_PER_SECOND,
            })
            .collect();
        std::thread::scope(|scope| {
            let running: Vec<_> =
                lanes.iter().map(|lane| scope.spawn(|| kill_campaign(*lane))).collect();
            for report in running.into_iter().flat_map(std::thread::ScopedJoinHandle::join) {
                eprintln!("{report}");
                done += report.kills;
                kills.push(report);
            }
        });
    }
    (kills, full_disk, flips, chaos)
}

fn computation(plan: &Plan, end: Instant, night: &mut Night) {
    night.damage = all_damage();
    if plan.planted {
        night.planted = planted();
    }
    night.fuzz = fuzz(plan);
    night.application = seeds(Profile::Application, plan.seed, plan.application_seeds, end);
    night.core = seeds(Profile::Core, plan.seed, plan.core_seeds, end);
}

fn seeds(profile: Profile, first: u64, count: u64, end: Instant) -> Report {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut sum = Report::default();
    while sum.seeds < count && Instant::now() < end {
        let from = first + sum.seeds;
        let to = from + SEEDS_PER_LOOK.min(count - sum.seeds);
        let left = end.saturating_duration_since(Instant::now());
        sum.merge(campaign(profile, from..to, threads, left));
        eprintln!("{}: {}", profile.name(), sum.summary(profile));
    }
    sum
}

/// Every bit and every length of the small durable files.
pub fn all_damage() -> Damage {
    let parts = [
        damage::flip_every_bit(),
        damage::truncate_everywhere(),
        damage::flip_every_bit_of_a_key(),
    ];
    let mut sum = Damage::default();
    for part in parts {
        sum.tried += part.tried;
        sum.silent += part.silent;
        sum.doubt += part.doubt;
        sum.harmless += part.harmless;
    }
    sum
}

fn fuzz(plan: &Plan) -> Vec<(&'static str, u64, u64)> {
    let shares: u64 = targets().map(|target| u64::from(target.share)).sum();
    let run = |target: &'static crate::fuzz::target::Target| {
        let executions = plan.fuzz_executions * u64::from(target.share) / shares.max(1);
        let report = runner::run_bounded(target, executions, plan.seed);
        (target.name, report.executions, report.crashes)
    };
    targets().map(run).collect()
}

/// The planted bugs live in another build of the same sources; that program prints its table. It
/// stands beside this one.
fn planted() -> Option<Value> {
    let program = std::env::current_exe().ok()?.with_file_name("planted");
    let output = Command::new(program).arg("--json").output().ok()?;
    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).ok()
}
