//! What a seed means: the consortium's size, who lies, and which faults come when.
//!
//! Byzantine departments and departments whose disks forget or lie count against the same bound f;
//! crashes, power cuts, full disks, partitions and lost messages may strike everybody.

use super::random::Random;

/// How much of the world a seed simulates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Consensus, execution, storage and vote log; cheap signatures, few transactions.
    Core,
    /// Everything: Ed25519, the life of entries, grants and receipts, revocations, validators that
    /// come and go, changing parameters, and an auditor at the end.
    Application,
}

impl Profile {
    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Profile::Core => "core",
            Profile::Application => "application",
        }
    }
}

/// How a Byzantine department behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Two honest copies with one key, each with its own disk.
    Twin,
    /// Changes a field of what it says, and signs the lie.
    Mutator,
    /// Says nothing.
    Silent,
    /// Lies about heights and answers requests for blocks with damaged ones.
    SyncLiar,
    /// Proposes blocks that break a rule, the same to everybody, and votes for them.
    Forger,
    /// Says far more than was asked, mostly about other heights and rounds.
    Flooder,
}

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The process dies; what it wrote is in the system's hands and survives.
    Kill {
        /// Who.
        node: usize,
        /// Until the restart, in milliseconds.
        down_ms: u64,
    },
    /// The process dies right before the n-th next effect.
    KillAtEffect {
        /// Who.
        node: usize,
        /// Which effect from now.
        effects: u64,
        /// Until the restart, in milliseconds.
        down_ms: u64,
    },
    /// The machine loses power: what was not synced may be gone, or torn.
    PowerCut {
        /// Who.
        node: usize,
        /// Until the restart, in milliseconds.
        down_ms: u64,
    },
    /// The machine loses power in the middle of the n-th next disk operation.
    PowerCutInDisk {
        /// Who.
        node: usize,
        /// Which operation from now.
        operations: u64,
        /// Until the restart, in milliseconds.
        down_ms: u64,
    },
    /// All machines lose power at once.
    Blackout {
        /// Until the restarts begin, in milliseconds.
        down_ms: u64,
    },
    /// The disk is full for a while.
    DiskFull {
        /// Who.
        node: usize,
        /// For how long, in milliseconds.
        for_ms: u64,
    },
    /// The next sync fails, and the data with it may be lost.
    SyncFails {
        /// Who.
        node: usize,
        /// Until the restart, in milliseconds.
        down_ms: u64,
    },
    /// The node is stopped, its files are damaged, and it starts again.
    Damage {
        /// Who.
        node: usize,
        /// How.
        damage: Damage,
        /// Right before which effect from now it is stopped.
        effects: u64,
        /// Until the restart, in milliseconds.
        down_ms: u64,
    },
    /// Links are cut for a while.
    Cut {
        /// Directed pairs; nothing passes from the first to the second.
        links: Vec<(usize, usize)>,
        /// For how long, in milliseconds.
        for_ms: u64,
        /// Whether the ends notice.
        noticed: bool,
    },
    /// A clock jumps.
    Clock {
        /// Whose.
        node: usize,
        /// By how much, in milliseconds.
        by_ms: i64,
    },
}

/// What happens to the files of a stopped node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// A bit of the vote log's files flips.
    FlipBit,
    /// The vote log is cut somewhere.
    Truncate,
    /// The vote log's folder is lost.
    WipeLog,
    /// Everything is lost but the keys.
    WipeAll,
    /// Everything is put back to an older image.
    Rollback,
}

impl Fault {
    /// Its kind, for the count of faults.
    pub const fn kind(&self) -> &'static str {
        match self {
            Fault::Kill { .. } => "kill",
            Fault::KillAtEffect { .. } => "kill_at_effect",
            Fault::PowerCut { .. } => "power_cut",
            Fault::PowerCutInDisk { .. } => "power_cut_in_disk",
            Fault::Blackout { .. } => "blackout",
            Fault::DiskFull { .. } => "disk_full",
            Fault::SyncFails { .. } => "sync_fails",
            Fault::Damage { damage, .. } => match damage {
                Damage::FlipBit => "log_bit_flip",
                Damage::Truncate => "log_truncated",
                Damage::WipeLog => "log_wiped",
                Damage::WipeAll => "disk_wiped",
                Damage::Rollback => "old_backup_restored",
            },
            Fault::Cut { .. } => "partition",
            Fault::Clock { .. } => "clock_jump",
        }
    }
}

/// A whole run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The seed it was made from.
    pub seed: u64,
    /// How much is simulated.
    pub profile: Profile,
    /// Validators; an observer comes on top.
    pub validators: usize,
    /// Whether the observer runs.
    pub observer: bool,
    /// Whether the observer has a validator key, and may be admitted.
    pub candidate: bool,
    /// Who lies, and how.
    pub byzantine: Vec<(usize, Behaviour)>,
    /// Whose disk may forget or lie.
    pub damaged: Vec<usize>,
    /// Percent of messages lost before the quiet.
    pub loss_percent: u64,
    /// Percent delivered twice.
    pub duplicate_percent: u64,
    /// Longest way of a message before the quiet, in milliseconds.
    pub latency_ms_max: u64,
    /// When the faults stop, in milliseconds from the start.
    pub quiet_at_ms: u64,
    /// The faults, by time in milliseconds from the start.
    pub faults: Vec<(u64, Fault)>,
    /// How many transactions clients submit before the quiet.
    pub transactions: u64,
}

const SECOND: u64 = 1_000;

impl Plan {
    /// The plan of a seed.
    pub fn new(seed: u64, profile: Profile) -> Plan {
        let mut random = Random::new(seed ^ 0x6d75_6c75);
        let validators = if random.chance(1, 6) { 7 } else { 4 };
        let faulty_max = (validators - 1) / 3;
        let liars = random.below(faulty_max as u64 + 1);
        let mut departments: Vec<usize> = (0..validators).collect();
        shuffle(&mut random, &mut departments);
        let mut byzantine = Vec::new();
        let mut damaged = Vec::new();
        for (taken, department) in departments.iter().take(faulty_max).enumerate() {
            if (taken as u64) < liars {
                byzantine.push((*department, behaviour(&mut random)));
            } else if random.chance(2, 3) {
                damaged.push(*department);
            }
        }
        let quiet_at_ms = random.between(5 * SECOND, 40 * SECOND);
        let mut plan = Plan {
            seed,
            profile,
            validators,
            observer: random.chance(1, 5),
            candidate: false,
            byzantine,
            damaged,
            loss_percent: if random.chance(1, 2) { random.below(31) } else { 0 },
            duplicate_percent: if random.chance(1, 3) { random.below(11) } else { 0 },
            latency_ms_max: *random.pick(&[5, 50, 400, 2_000]).unwrap_or(&50),
            quiet_at_ms,
            faults: Vec::new(),
            transactions: match profile {
                Profile::Core => random.between(2, 8),
                Profile::Application => random.between(12, 40),
            },
        };
        for _ in 0..random.between(2, 10) {
            let at = random.below(quiet_at_ms);
            let fault = plan.fault(&mut random);
            plan.faults.push((at, fault));
        }
        for node in plan.damaged.clone() {
            for _ in 0..random.between(1, 3) {
                let at = random.below(quiet_at_ms);
                plan.faults.push((at, damage(&mut random, node)));
            }
        }
        if profile == Profile::Application {
            plan.invite(Random::new(seed ^ 0x6a6f_696e));
        }
        plan.faults.sort_by_key(|(at, _)| *at);
        plan
    }

    /// Half of the time the observer may become a validator; then faults strike it as well.
    fn invite(&mut self, mut random: Random) {
        self.candidate = random.chance(1, 2);
        self.observer |= self.candidate;
        if !self.candidate {
            return;
        }
        let node = self.validators;
        for _ in 0..random.below(4) {
            let at = random.below(self.quiet_at_ms);
            let down_ms = random.between(10, 10 * SECOND);
            let fault = match random.below(4) {
                0 => Fault::Kill { node, down_ms },
                1 => Fault::KillAtEffect { node, effects: random.below(60), down_ms },
                2 => Fault::PowerCutInDisk { node, operations: random.below(40), down_ms },
                _ => Fault::PowerCut { node, down_ms },
            };
            self.faults.push((at, fault));
        }
    }

    fn fault(&self, random: &mut Random) -> Fault {
        let node = random.index(self.validators);
        let down_ms = random.between(10, 10 * SECOND);
        match random.below(15) {
            0 | 1 => Fault::Kill { node, down_ms },
            2 | 3 => Fault::KillAtEffect { node, effects: random.below(60), down_ms },
            4 => Fault::PowerCut { node, down_ms },
            5 | 6 => Fault::PowerCutInDisk { node, operations: random.below(40), down_ms },
            7 => Fault::Blackout { down_ms },
            8 => Fault::DiskFull { node, for_ms: down_ms },
            9 => Fault::SyncFails { node, down_ms },
            10 | 11 => match random.pick(&self.damaged) {
                Some(node) => damage(random, *node),
                None => self.cut(random),
            },
            12 | 13 => self.cut(random),
            _ => {
                let most = if random.chance(1, 8) { 3_600 * SECOND } else { 4 * SECOND };
                let by = i64::try_from(random.below(2 * most)).unwrap_or(0);
                Fault::Clock { node, by_ms: by - i64::try_from(most).unwrap_or(0) }
            }
        }
    }

    fn cut(&self, random: &mut Random) -> Fault {
        let count = self.validators + 1;
        let mut links = Vec::new();
        match random.below(4) {
            // Two sides.
            0 | 1 => {
                let side: Vec<bool> = (0..count).map(|_| random.chance(1, 2)).collect();
                for from in 0..count {
                    links.extend(
                        (0..count).filter(|to| side[from] != side[*to]).map(|to| (from, to)),
                    );
                }
            }
            // One that hears nothing, or is not heard.
            2 => {
                let one = random.index(count);
                let deaf = random.chance(1, 2);
                let others = (0..count).filter(|other| *other != one);
                links.extend(others.map(|other| if deaf { (other, one) } else { (one, other) }));
            }
            // Single directions.
            _ => {
                for _ in 0..random.between(1, 6) {
                    links.push((random.index(count), random.index(count)));
                }
            }
        }
        Fault::Cut { links, for_ms: random.between(100, 20 * SECOND), noticed: random.chance(1, 2) }
    }

    /// How a department behaves, if it is Byzantine.
    pub fn behaviour(&self, department: usize) -> Option<Behaviour> {
        self.byzantine.iter().find(|(who, _)| *who == department).map(|(_, how)| *how)
    }
}

fn damage(random: &mut Random, node: usize) -> Fault {
    let kinds =
        [Damage::FlipBit, Damage::Truncate, Damage::WipeLog, Damage::WipeAll, Damage::Rollback];
    let damage = *random.pick(&kinds).unwrap_or(&Damage::FlipBit);
    // Often back at once, while the height in which it voted is still under way.
    let down_ms = if random.chance(1, 2) { 10 } else { random.between(10, 10 * SECOND) };
    Fault::Damage { node, damage, effects: random.below(60), down_ms }
}

fn behaviour(random: &mut Random) -> Behaviour {
    match random.below(10) {
        0..=2 => Behaviour::Twin,
        3 | 4 => Behaviour::Mutator,
        5 => Behaviour::Silent,
        6 => Behaviour::SyncLiar,
        7 | 8 => Behaviour::Forger,
        _ => Behaviour::Flooder,
    }
}

fn shuffle(random: &mut Random, list: &mut [usize]) {
    for last in (1..list.len()).rev() {
        list.swap(last, random.index(last + 1));
    }
}
