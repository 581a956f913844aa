//! A simulated node: what survives a crash, what does not, and how it starts.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_malachitebft_core_types::LinearTimeouts;
use libp2p::PeerId;
use mulu_chain::types::TimeMs;
use mulu_contracts::protocol::RuleBook;
use mulu_node::replica::core::{Replica, ReplicaConfig, ReplicaError};
use mulu_node::replica::guard::LogRecord;
use mulu_node::replica::io::Timer;
use mulu_node::replica::signing::Verifier;
use mulu_node::storage::{Ledger, StorageError};
use mulu_node::vote_log::{self, Opened, VoteLog, VoteLogError};

use super::consortium::{Consortium, Use, seed};
use super::disk::{SimDisk, SimDiskImage};
use super::kv::{SimKv, SimKvImage};
use super::plan::{Behaviour, Damage};
use super::signatures::Scheme;

/// Where the vote log lies on the simulated disk.
pub const VOTES: &str = "/data/votes";

/// What lives until the process dies.
pub struct Running {
    /// The production replica.
    pub replica: Replica,
    /// The production vote log; none on an observer.
    pub log: Option<VoteLog>,
    /// The production ledger.
    pub ledger: Ledger,
}

/// A node.
pub struct Node {
    /// Its department.
    pub department: usize,
    /// How it lies, if it does.
    pub behaviour: Option<Behaviour>,
    /// Whether it has no validator key.
    pub observer: bool,
    /// The vote log's disk.
    pub disk: SimDisk,
    /// The ledger's store.
    pub kv: SimKv,
    /// The process, if it runs.
    pub running: Option<Running>,
    /// Counts starts; timers and restarts of earlier lives are void.
    pub incarnation: u64,
    /// Timers set, with the number of the event that fires each.
    pub timers: Vec<(Timer, u64)>,
    /// How far its clock is off, in milliseconds.
    pub skew_ms: i64,
    /// Effects until it is killed.
    pub kill_after: Option<u64>,
    /// What happens to its files when it is killed so.
    pub damage_then: Option<Damage>,
    /// How long it stays down after the next death that a fault brings, in milliseconds.
    pub down_ms: u64,
    /// Whether an error of its disk is the simulator's doing.
    pub disk_may_fail: bool,
    /// Whether its disk forgot something since the last start.
    pub forgot: bool,
    /// Whether it was ever put back to an image that is at one with itself.
    pub forgetful: bool,
    /// An older image of its disks.
    pub image: Option<(SimDiskImage, SimKvImage)>,
}

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The ledger.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The vote log.
    #[error(transparent)]
    VoteLog(#[from] VoteLogError),
    /// The replica.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
}

impl StartError {
    /// Whether the disk refused an operation.
    pub fn is_disk(&self) -> bool {
        matches!(self, StartError::VoteLog(_) | StartError::Storage(StorageError::Write { .. }))
    }
}

/// The timeouts of a node with the default configuration.
pub fn replica_config(node: PeerId) -> ReplicaConfig {
    let (vote, delta) = (Duration::from_millis(400), Duration::from_millis(100));
    ReplicaConfig {
        timeouts: LinearTimeouts {
            propose: Duration::from_millis(800),
            propose_delta: delta,
            prevote: vote,
            prevote_delta: delta,
            precommit: vote,
            precommit_delta: delta,
            rebroadcast: Duration::from_millis(500),
            max_timeout: Duration::from_secs(3),
        },
        block_interval_min: Duration::from_millis(100),
        node,
        rules: RuleBook::THIS,
    }
}

impl Node {
    /// A new machine, as `mulud init` leaves it.
    pub fn new(consortium: &Consortium, department: usize, observer: bool, chance: u64) -> Node {
        let mut node = Node {
            department,
            behaviour: None,
            observer,
            disk: SimDisk::new(chance),
            kv: SimKv::holding(&consortium.block_0),
            running: None,
            incarnation: 0,
            timers: Vec::new(),
            skew_ms: 0,
            kill_after: None,
            damage_then: None,
            down_ms: 0,
            disk_may_fail: false,
            forgot: false,
            forgetful: false,
            image: None,
        };
        node.forget_votes();
        node
    }

    /// The vote log's folder becomes what `mulud init` leaves.
    pub fn forget_votes(&mut self) {
        for file in self.disk.files() {
            self.disk.erase(&file);
        }
        self.disk.replace(&Path::new(VOTES).join(vote_log::FRESH_MARKER), Vec::new());
    }

    /// Its clock.
    pub fn clock(&self, now_ms: u64) -> TimeMs {
        TimeMs(now_ms.saturating_add_signed(self.skew_ms))
    }

    /// Starts the process: what `run.rs` does.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(
        &mut self,
        consortium: &Consortium,
        scheme: Scheme,
        verifier: &Arc<dyn Verifier>,
        now_ms: u64,
    ) -> Result<Vec<Vec<u8>>, StartError> {
        let ledger = Ledger::over(Arc::new(self.kv.clone()))?;
        ledger.initialize(consortium.founding.block())?;
        let mut frames = Vec::new();
        let mut log = None;
        let mut signer = None;
        if !self.observer {
            let key = seed(self.department, Use::Validator);
            let own = scheme.signer(&key);
            let chain = consortium.chain_id().as_str();
            let owner = vote_log::owner(chain, own.public_key().as_bytes());
            let disk = Arc::new(self.disk.clone());
            let (opened, found) =
                VoteLog::open(disk, Path::new(VOTES), owner, LogRecord::doubt_frame)?;
            frames = match found {
                Opened::Intact(frames) => frames,
                Opened::InDoubt(reason) => vec![LogRecord::doubt_frame(&reason)],
            };
            log = Some(opened);
            signer = Some(own);
        }
        let replica = Replica::new(
            ledger.clone(),
            signer,
            verifier.clone(),
            replica_config(consortium.departments[self.department].peer),
            &frames,
            self.clock(now_ms),
        )?;
        self.running = Some(Running { replica, log, ledger });
        self.timers.clear();
        self.kill_after = None;
        self.damage_then = None;
        Ok(frames)
    }
}
