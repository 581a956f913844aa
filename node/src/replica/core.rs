//! The replica: one synchronous step function over consensus, mempool, execution and sync.
//!
//! `step(now, input)` changes the replica and returns effects for the caller to perform in order.
//! Time, randomness, network and disk arrive as inputs and leave as effects; the ledger is only
//! read. The same code runs in a simulator.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use arc_malachitebft_core_consensus as consensus;
use arc_malachitebft_core_types::{LinearTimeouts, Round, ThresholdParams, ValuePayload};
use arc_malachitebft_metrics::Metrics as CoreMetrics;
use libp2p::PeerId;
use mulu_chain::block::BlockId;
use mulu_chain::signature::{PublicKey, SigningKey};
use mulu_chain::types::{ChainId, Height, TimeMs};
use mulu_chain::validator::ValidatorSet;
use mulu_contracts::protocol::RuleBook;
use mulu_contracts::transaction::Transaction;

use super::candidates::Candidates;
use super::checkpoints::Checkpoints;
use super::context::{Address, CoreHeight, CoreValidatorSet, MuluContext};
use super::divergence::Divergence;
use super::evidence::Watch;
use super::executor::{Executed, ExecutionError, InForce};
use super::guard::{LogRecord, SignerGuard};
use super::handle::{PeerStatus, Status};
use super::io::{Effect, Input, Timer};
use super::known::Known;
use super::mempool::Mempool;
use super::peers;
use super::rules;
use super::serving::Served;
use super::signing::{Signer, Verifier};
use super::standing::Standing;
use super::sync::SyncState;
use super::wire::{PeerMessage, WireIdentity};
use crate::storage::{Ledger, StorageError, Tip};

/// Heights ahead of ours for which the core buffers messages.
pub const CORE_QUEUE_HEIGHTS_MAX: usize = 8;
/// Messages it buffers for each.
pub const CORE_QUEUE_MESSAGES_MAX: usize = 2_000;
/// How often peers hear our height, and we look whether we are behind.
pub const STATUS_INTERVAL: Duration = Duration::from_millis(1_000);

/// How this replica behaves; nothing here may differ in what it decides, only in when.
#[derive(Debug, Clone)]
pub struct ReplicaConfig {
    /// Timeouts of the consensus steps.
    pub timeouts: LinearTimeouts,
    /// Shortest time between two blocks.
    pub block_interval_min: Duration,
    /// This node's identity in the network.
    pub node: PeerId,
    /// The versions of the rules it knows; [`RuleBook::THIS`] of this program.
    pub rules: RuleBook,
}

/// A failure after which the node must stop.
#[derive(Debug, thiserror::Error)]
pub enum ReplicaError {
    /// The ledger could not be read or a block could not be executed.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// The ledger could not be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The consensus core stopped: replaying the vote log led to another vote than it records.
    #[error("consensus stopped at height {height}: {reason}")]
    Core {
        /// Height under way.
        height: Height,
        /// The core's words.
        reason: String,
    },
    /// A quorum decided a block that gives another result here.
    #[error(
        "{0}; the ledger is damaged or this program differs from the others: name the record with \
         mulu audit diverged divergence.json --node URL of another node, then restore from a \
         backup or sync anew（本节点执行已决区块的结果与其他节点不同，\
         账本损坏或程序不一致：请用上述命令定位记录，再从备份恢复或重新同步）"
    )]
    Diverged(Box<Divergence>),
    /// The consortium voted for rules that this program does not have.
    #[error(
        "from height {height} on this chain runs version {version} of the rules; this mulud knows \
         {known} and stops before it: install a mulud that knows version {version} over the same data \
         folder and start it again（从高度 {height} 起本链执行规则版本 {version}，本程序只认识 {known}，\
         因此在此之前停止：请安装支持该版本的 mulud，沿用原数据目录重新启动）"
    )]
    UnknownRules {
        /// The version in force.
        version: u32,
        /// From this height on.
        height: Height,
        /// What this program knows.
        known: String,
    },
    /// A frame of the vote log, whose checksum held, does not decode.
    #[error(
        "the vote log holds a record this version does not know: {0}; run the version that wrote it"
    )]
    LogRecord(String),
}

/// Where the replica stands between two blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The next height has not begun: there is nothing to decide.
    Waiting,
    /// Consensus works on the next height.
    Working,
    /// A decided block is on its way to disk.
    Committing,
}

/// The replica.
pub struct Replica {
    pub(super) core: consensus::State<MuluContext>,
    core_metrics: CoreMetrics,
    pub(super) inner: Inner,
}

/// Everything but the core, so that the core's effects can change it while the core runs.
pub(super) struct Inner {
    pub(super) chain_id: ChainId,
    pub(super) config: ReplicaConfig,
    /// None on an observer, which signs nothing.
    pub(super) signer: Option<Box<dyn Signer>>,
    pub(super) verifier: Arc<dyn Verifier>,
    /// Whether the core works on a certificate, whose votes nobody has verified yet.
    pub(super) unverified_input: bool,
    pub(super) ledger: Ledger,
    pub(super) tip: Tip,
    /// In force at the height after the tip.
    pub(super) rules: InForce,
    pub(super) validators: CoreValidatorSet,
    /// The set of the height after the one under way.
    pub(super) upcoming: ValidatorSet,
    pub(super) guard: SignerGuard,
    pub(super) mempool: Mempool,
    /// Records of the committed state read since the last block.
    pub(super) known: Known,
    pub(super) phase: Phase,
    /// The wall clock: for block times.
    pub(super) now: TimeMs,
    /// Time that has passed, by the wall clock's steps forward: for everything that waits. A clock
    /// set back does not stop it.
    pub(super) elapsed: TimeMs,
    pub(super) candidates: Candidates,
    pub(super) sync: SyncState,
    pub(super) peers: BTreeMap<PeerId, Peer>,
    pub(super) effects: Vec<Effect>,
    /// Inputs for the core that an effect of the core gave rise to.
    pub(super) deferred: VecDeque<consensus::Input<MuluContext>>,
    /// The core asked for a value in this round; answered when no input is being processed.
    pub(super) value_wanted: Option<Round>,
    pub(super) decided: Option<Box<(Executed, mulu_chain::certificate::CommitCertificate)>>,
    /// Frames not yet asked to be durable.
    pub(super) unpersisted: Vec<Vec<u8>>,
    /// Bytes in the vote log since it was last rewritten, by our count.
    pub(super) log_bytes: u64,
    pub(super) replaying: bool,
    /// Frames the vote log held at the start: what replay derives again need not be written again.
    pub(super) replayed: BTreeSet<Vec<u8>>,
    /// Blocks whose bodies must not be forgotten: the core holds them valid or locked, or may
    /// yet lock them.
    pub(super) keep: BTreeSet<BlockId>,
    /// A decision whose body is not here yet.
    pub(super) undelivered: Option<mulu_chain::certificate::CommitCertificate>,
    /// Whether this validator still waits to hear from the others before it says anything.
    pub(super) listening: bool,
    pub(super) fatal: Option<ReplicaError>,
    pub(super) to_push: Vec<Transaction>,
    /// Which validator this node speaks for, signed; none on an observer.
    pub(super) identity: Option<WireIdentity>,
    pub(super) identity_said: TimeMs,
    pub(super) checkpoints: Checkpoints,
    /// Whether the block on its way to disk changes members.
    pub(super) members_changed: bool,
    /// Whether it changes the parameters.
    pub(super) params_changed: bool,
    pub(super) committed_at: TimeMs,
    pub(super) round: Option<u32>,
    pub(super) watch: Watch,
    /// Why this validator must stop signing, until it is written down.
    pub(super) alarm: Option<String>,
}

/// What we know of a connected peer.
#[derive(Debug, Clone, Default)]
pub(super) struct Peer {
    pub(super) height: Height,
    /// Whether the peer has told its height since it connected.
    pub(super) reported: bool,
    pub(super) member: Option<String>,
    /// The validator it speaks for, proved.
    pub(super) validator: Option<PublicKey>,
    /// What it may ask of us.
    pub(super) served: Served,
}

impl Replica {
    /// Builds the replica on an opened ledger; without a `signer` it only follows. `frames` are the
    /// vote log's, oldest first.
    ///
    /// # Errors
    /// [`ReplicaError`] if the ledger or the log cannot be read.
    pub fn new(
        ledger: Ledger,
        signer: Option<Box<dyn Signer>>,
        verifier: Arc<dyn Verifier>,
        config: ReplicaConfig,
        frames: &[Vec<u8>],
        now: TimeMs,
    ) -> Result<Self, ReplicaError> {
        let tip = ledger.tip()?;
        let height = tip.header.height.next();
        let set = ledger.validator_set(height)?.ok_or(ExecutionError::NoValidators(height))?;
        let rules = rules::in_force(&ledger, config.rules, height)?;
        rules::warn(&ledger, config.rules)?;
        let chain_id = tip.header.chain_id.clone();
        let validators = CoreValidatorSet::new(set);
        let upcoming = super::height::upcoming(&ledger)?;
        // An observer needs an address too; its own key is in no set, so any other will do.
        let address = match &signer {
            Some(signer) => Address(signer.public_key()),
            None => Address(SigningKey::from_seed(&[0x4d; 32]).public_key()),
        };
        let params = consensus::Params {
            address,
            threshold_params: thresholds(),
            value_payload: ValuePayload::ProposalAndParts,
            enabled: signer.is_some(),
        };
        let core = consensus::State::new(
            MuluContext { chain_id: chain_id.clone() },
            CoreHeight(height),
            validators.clone(),
            params,
            CORE_QUEUE_HEIGHTS_MAX,
            CORE_QUEUE_MESSAGES_MAX,
        );
        let identity =
            signer.as_ref().map(|signer| peers::identity(&chain_id, config.node, &**signer));
        let inner = Inner {
            chain_id,
            config,
            signer,
            verifier,
            unverified_input: false,
            ledger,
            committed_at: tip.header.time_ms,
            tip,
            rules,
            validators,
            upcoming,
            guard: SignerGuard::new(Standing::Sure),
            mempool: Mempool::default(),
            known: Known::default(),
            phase: Phase::Waiting,
            now,
            elapsed: now,
            candidates: Candidates::default(),
            sync: SyncState::default(),
            peers: BTreeMap::new(),
            effects: Vec::new(),
            deferred: VecDeque::new(),
            value_wanted: None,
            decided: None,
            unpersisted: Vec::new(),
            log_bytes: 0,
            replaying: false,
            replayed: BTreeSet::new(),
            keep: BTreeSet::new(),
            undelivered: None,
            listening: false,
            fatal: None,
            to_push: Vec::new(),
            identity,
            identity_said: now,
            checkpoints: Checkpoints::default(),
            members_changed: false,
            params_changed: false,
            round: None,
            watch: Watch::default(),
            alarm: None,
        };
        let mut replica = Replica { core, core_metrics: CoreMetrics::new(), inner };
        // Also one that is in no set yet: it may be in that of a height it has to catch up to.
        replica.inner.listening = replica.inner.own_key().is_some();
        if mulu_chain::planted!("planted-listening-skipped") {
            replica.inner.listening = false;
        }
        replica.recover(frames)?;
        Ok(replica)
    }

    /// Feeds one input and returns what it asks of the world.
    ///
    /// # Errors
    /// [`ReplicaError`]: the node must stop.
    pub fn step(&mut self, now: TimeMs, input: Input) -> Result<Vec<Effect>, ReplicaError> {
        self.inner.tell_time(now);
        match input {
            Input::Start => {
                self.inner.schedule(Timer::Status, STATUS_INTERVAL);
                self.may_speak()?;
            }
            Input::Submit(submission) => self.inner.submit(submission)?,
            Input::Peer { from, message } => self.on_peer(from, message)?,
            Input::Connected(peer) => self.inner.on_connected(peer)?,
            Input::Disconnected(peer) => {
                self.inner.peers.remove(&peer);
                self.inner.sync.forget(&peer);
            }
            Input::Fired(timer) => self.on_timer(timer)?,
            Input::Committed => self.on_committed()?,
        }
        self.advance()?;
        if let Some(fatal) = self.inner.fatal.take() {
            return Err(fatal);
        }
        Ok(std::mem::take(&mut self.inner.effects))
    }

    /// What the node shows of itself.
    pub fn status(&self) -> Status {
        let inner = &self.inner;
        let best = inner.peers.values().map(|p| p.height).max().unwrap_or_default();
        let working = inner.tip.header.height.next();
        Status {
            height: inner.tip.header.height,
            block: inner.tip.header.id(),
            time_ms: inner.tip.header.time_ms.0,
            working_height: working,
            round: inner.round.filter(|_| inner.phase == Phase::Working),
            syncing: best > working,
            best_peer_height: best,
            mempool_transactions: inner.mempool.len(),
            mempool_bytes: inner.mempool.bytes(),
            is_validator: inner.is_validator(),
            read_only: None,
            equivocations: inner.watch.total(),
            checkpoint: inner.checkpoints.served(),
            alarm: matches!(inner.guard.standing, Standing::Alarm(_)),
            abstaining: inner.guard.standing.abstains(working).map(str::to_owned),
            peers: inner
                .peers
                .iter()
                .map(|(id, peer)| PeerStatus {
                    peer_id: id.to_string(),
                    member: peer.member.clone(),
                    height: peer.height,
                })
                .collect(),
        }
    }

    /// Runs one input through the core, then whatever that gave rise to.
    pub(super) fn run_core(
        &mut self,
        input: consensus::Input<MuluContext>,
    ) -> Result<(), ReplicaError> {
        self.inner.deferred.push_back(input);
        self.raise_alarm();
        while let Some(input) = self.inner.deferred.pop_front() {
            self.inner.unverified_input = matches!(
                input,
                consensus::Input::PolkaCertificate(_) | consensus::Input::RoundCertificate(_)
            );
            let (core, inner, metrics) = (&mut self.core, &mut self.inner, &self.core_metrics);
            let result: Result<(), consensus::Error<MuluContext>> = consensus::process!(
                input: input, state: core, metrics: metrics, with: effect => inner.on_effect(effect)
            );
            match result {
                Ok(()) => {}
                Err(error @ consensus::Error::ReplayDivergence(..)) => {
                    let height = self.core.height().0;
                    return Err(ReplicaError::Core { height, reason: error.to_string() });
                }
                Err(
                    error @ (consensus::Error::UnexpectedResume(..)
                    | consensus::Error::DecisionNotFound(..)),
                ) => {
                    let height = self.core.height().0;
                    let reason = error.to_string();
                    self.inner.fatal.get_or_insert(ReplicaError::Core { height, reason });
                }
                // The rest are verdicts on what a peer sent; the core has dropped it.
                Err(error) => tracing::warn!(%error, "the core refused an input"),
            }
            self.inner.round = self.core.round().as_u32();
            self.note_in_play();
            if let Some(fatal) = self.inner.fatal.take() {
                return Err(fatal);
            }
        }
        Ok(())
    }

    /// Answers the core's wish for a value and hands decided blocks to the disk.
    fn advance(&mut self) -> Result<(), ReplicaError> {
        loop {
            self.raise_alarm();
            if self.inner.decided.is_some() && self.inner.phase == Phase::Working {
                self.inner.commit_decided();
                return Ok(());
            }
            if self.tell_near()? {
                continue;
            }
            let Some(round) = self.inner.value_wanted.take() else { return Ok(()) };
            let current = self.inner.phase == Phase::Working && self.core.round() == round;
            if current && let Some(input) = self.inner.propose(round)? {
                self.run_core(input)?;
            }
        }
    }
}

/// More than two thirds decide; more than one third holds one that is not faulty.
fn thresholds() -> ThresholdParams {
    let mut params = ThresholdParams::default();
    if mulu_chain::planted!("planted-quorum-of-a-third") {
        params.quorum = params.honest;
    }
    if mulu_chain::planted!("planted-quorum-of-a-half") {
        params.quorum.denominator = 4;
    }
    params
}

impl Inner {
    fn tell_time(&mut self, now: TimeMs) {
        let step = now.0.saturating_sub(self.now.0);
        self.elapsed = TimeMs(self.elapsed.0.saturating_add(step));
        self.now = now;
    }

    /// The key this node signs with, if it signs at all.
    pub(super) fn own_key(&self) -> Option<PublicKey> {
        self.signer.as_ref().map(|signer| signer.public_key())
    }

    pub(super) fn is_validator(&self) -> bool {
        self.own_key().is_some_and(|key| self.validators.chain_set().get(&key).is_some())
    }

    pub(super) fn schedule(&mut self, timer: Timer, after: Duration) {
        self.effects.push(Effect::Schedule(timer, after));
    }

    pub(super) fn broadcast(&mut self, message: PeerMessage) {
        self.effects.push(Effect::Broadcast(Box::new(message)));
    }

    /// Notes a record for the vote log; [`Inner::persist`] makes it durable.
    pub(super) fn log(&mut self, record: &LogRecord) {
        let frame = record.to_frame();
        if !(self.replaying && self.replayed.contains(&frame)) {
            self.unpersisted.push(frame);
        }
    }

    /// Everything noted so far becomes durable before any later effect.
    pub(super) fn persist(&mut self) {
        if !self.unpersisted.is_empty() {
            let frames = std::mem::take(&mut self.unpersisted);
            if mulu_chain::planted!("planted-nothing-persisted") {
                return;
            }
            self.log_bytes += frames.iter().map(|f| f.len() as u64).sum::<u64>();
            self.effects.push(Effect::Persist(frames));
        }
    }

    pub(super) fn candidate_known(&self, id: &BlockId) -> bool {
        self.candidates.body(id).is_some()
    }
}
