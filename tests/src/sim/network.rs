//! The simulated network: which links are cut, how long messages take, which are lost or doubled.

use super::plan::Plan;
use super::random::Random;

/// Longest way of a message once faults have stopped, in milliseconds.
pub const QUIET_LATENCY_MS_MAX: u64 = 40;

/// The links.
#[derive(Debug)]
pub struct Network {
    nodes: usize,
    cuts: Vec<u32>,
    loss_percent: u64,
    duplicate_percent: u64,
    latency_ms_max: u64,
}

impl Network {
    /// A whole network with the plan's weather.
    pub fn new(plan: &Plan, nodes: usize) -> Self {
        Network {
            nodes,
            cuts: vec![0; nodes * nodes],
            loss_percent: plan.loss_percent,
            duplicate_percent: plan.duplicate_percent,
            latency_ms_max: plan.latency_ms_max,
        }
    }

    /// Cuts a direction once more.
    pub fn cut(&mut self, from: usize, to: usize) {
        if let Some(count) = self.cuts.get_mut(from * self.nodes + to) {
            *count += 1;
        }
    }

    /// Heals one cut of a direction.
    pub fn heal(&mut self, from: usize, to: usize) {
        if let Some(count) = self.cuts.get_mut(from * self.nodes + to) {
            *count = count.saturating_sub(1);
        }
    }

    /// From now on nothing is lost and nothing is slow.
    pub fn calm(&mut self) {
        self.cuts.fill(0);
        self.loss_percent = 0;
        self.duplicate_percent = 0;
        self.latency_ms_max = QUIET_LATENCY_MS_MAX;
    }

    /// Whether anything passes from one to the other.
    pub fn is_open(&self, from: usize, to: usize) -> bool {
        self.cuts.get(from * self.nodes + to).is_none_or(|count| *count == 0)
    }

    /// When the copies of a message arrive, in milliseconds from now: none if it is lost.
    pub fn arrivals(&self, from: usize, to: usize, random: &mut Random) -> [Option<u64>; 2] {
        if !self.is_open(from, to) || random.chance(self.loss_percent, 100) {
            return [None, None];
        }
        let way = |random: &mut Random| Some(1 + random.below(self.latency_ms_max));
        let first = way(random);
        let second = if random.chance(self.duplicate_percent, 100) { way(random) } else { None };
        [first, second]
    }
}
