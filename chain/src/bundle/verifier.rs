//! Verification in one pass: frames go in, checked contents come out, a report at the end.
//!
//! What is kept between frames is bounded by the number of histories, not of events: the covers'
//! edges, and a count and a hash for each history. An item handed out is believed only if the
//! report at the end says so, for a root is known to match when everything under it was read.
//! `chain`, `state`, `log` and `asked` make the checks; this file keeps the order of the frames.

mod asked;
mod chain;
mod log;
mod state;

use std::collections::BTreeMap;

use super::frame::{Frame, Touch};
use super::log_cover::LogCover;
use super::question::Question;
use super::state_cover::StateCover;
use super::{BUNDLE_VERSION, BundleInvalid, Check};
use crate::block::{BlockId, CertifiedHeader, Header};
use crate::log::{LOG_ENTRY_VERSION, LogEntry};
use crate::state::HistoryLeaf;
use crate::transaction::VerifiedEnvelope;
use crate::types::{ChainId, Height};
use crate::validator::ValidatorSet;

/// What a frame told, if its proofs hold.
#[derive(Debug)]
pub enum Item {
    /// What the bundle is about.
    Head {
        /// The chain.
        chain_id: ChainId,
        /// The question, as text.
        question: String,
    },
    /// The set in force changed at a height.
    SetChange(Height),
    /// The header everything is proved under.
    Tip(Box<CertifiedHeader>),
    /// A record, or that there is none.
    Record {
        /// State key.
        key: String,
        /// Value; none if the key is absent.
        value: Option<Vec<u8>>,
    },
    /// A history that is complete.
    History {
        /// Its subject.
        subject: String,
    },
    /// A transaction in its place.
    Transaction(Box<Told>),
}

/// A transaction of a bundle.
#[derive(Debug)]
pub struct Told {
    /// 0-based index in the log.
    pub log_index: u64,
    /// Its log entry, made of the frame.
    pub entry: LogEntry,
    /// The envelope, if its signatures verify.
    pub envelope: Option<VerifiedEnvelope>,
    /// Which histories it is an event of.
    pub events: Vec<Touch>,
}

/// Parts of a bundle, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Nothing,
    Head,
    SetChanges,
    Tip,
    State,
    Histories,
    Log,
}

/// What stands before the next log item, seen from a range asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Start,
    Unknown,
    Earlier,
    InRange,
    Later,
}

struct History {
    proved: HistoryLeaf,
    told: HistoryLeaf,
}

/// A verification under way.
pub struct Verifier {
    trusted: BlockId,
    part: Part,
    frames: u64,
    chain_id: Option<ChainId>,
    question: Option<Question>,
    set: Option<ValidatorSet>,
    set_height: Height,
    tip: Option<Header>,
    state: StateCover,
    log: LogCover,
    leaves: BTreeMap<String, HistoryLeaf>,
    histories: Vec<History>,
    last_subject: Option<String>,
    last_absent: Option<String>,
    needs_absent: bool,
    last_place: Option<(Height, u32)>,
    before: Before,
    answered: Answered,
    checks: Checks,
}

#[derive(Default)]
struct Answered {
    record: bool,
    history: bool,
    transaction: bool,
    beyond: bool,
    gap: Option<String>,
}

struct Checks {
    form: Check,
    genesis: Check,
    sets: Check,
    tip: Check,
    records: Check,
    signatures: Check,
    entries: Check,
    inclusion: Check,
    histories: Check,
    question: Check,
}

impl Verifier {
    /// A verification against the genesis digest the auditor trusts.
    pub fn new(trusted_genesis: BlockId) -> Self {
        Verifier {
            trusted: trusted_genesis,
            part: Part::Nothing,
            frames: 0,
            chain_id: None,
            question: None,
            set: None,
            set_height: Height::GENESIS,
            tip: None,
            state: StateCover::default(),
            log: LogCover::default(),
            leaves: BTreeMap::new(),
            histories: Vec::new(),
            last_subject: None,
            last_absent: None,
            needs_absent: false,
            last_place: None,
            before: Before::Start,
            answered: Answered::default(),
            checks: Checks {
                form: Check::new("bundle-form", "BND-01..03, ENC-01..03"),
                genesis: Check::new("genesis", "SPEC 10.5 (1)"),
                sets: Check::new("validator-sets", "SPEC 10.5 (2), CRT-01..04"),
                tip: Check::new("tip-certificate", "SPEC 10.5 (3), CRT-01..04"),
                records: Check::new("state-records", "SPEC 8, 10.2, STA-01..03"),
                signatures: Check::new("signatures", "RFC 8032, DSSE v1, TX-05"),
                entries: Check::new("log-entries", "SPEC 7"),
                inclusion: Check::new("log-inclusion", "RFC 6962 2.1, LOG-01"),
                histories: Check::new("histories-complete", "SPEC 8.3"),
                question: Check::new("question", "SPEC 10.4"),
            },
        }
    }

    /// Takes the next frame.
    ///
    /// # Errors
    /// BND-02 or BND-03, after which nothing more can be said; what is otherwise wrong is in the
    /// report.
    pub fn push(&mut self, frame: Frame) -> Result<Option<Item>, BundleInvalid> {
        let number = self.frames;
        self.frames = self.frames.saturating_add(1);
        self.enter(&frame).map_err(|reason| BundleInvalid::Order { frame: number, reason })?;
        self.checks.form.note(Ok(()));
        Ok(match frame {
            Frame::Head(head) => {
                if head.version != BUNDLE_VERSION {
                    let reason = format!("version {}", head.version);
                    return Err(BundleInvalid::Malformed { frame: number, reason });
                }
                let question =
                    head.question.parse().map_err(|invalid: super::QuestionInvalid| {
                        BundleInvalid::Malformed { frame: number, reason: invalid.to_string() }
                    })?;
                Some(self.head(head, question))
            }
            Frame::SetChange(change) => {
                let height = change.announced_by.header.height;
                let result = self.set_change(change);
                self.checks.sets.note(result);
                Some(Item::SetChange(height))
            }
            Frame::Tip(tip) => {
                let (certified, fits) = (self.certified(&tip), self.tip_fits(&tip.header));
                self.checks.tip.note(certified.and(fits));
                self.tip = Some(tip.header.clone());
                Some(Item::Tip(Box::new(tip)))
            }
            Frame::Stub { depth, hash } => {
                let covered = self.state.stub(depth, hash);
                self.covered(covered);
                None
            }
            Frame::Record { depth, key, value } => Some(self.record(depth, key, value)),
            Frame::Leaf { depth, leaf } => {
                self.needs_absent = true;
                let covered = self.state.leaf(depth, &leaf);
                self.covered(covered);
                None
            }
            Frame::Empty { depth } => {
                self.needs_absent = true;
                let covered = self.state.empty(depth);
                self.covered(covered);
                None
            }
            Frame::Absent { key } => Some(self.absent(key)),
            Frame::History { subject } => Some(self.history(subject)),
            Frame::LogStub { level, hash } => {
                self.stub_beside_range();
                let covered = self.log.stub(level, hash);
                self.logged(covered);
                None
            }
            Frame::LogLeaf(entry) => {
                self.range(&entry, false);
                self.entry(&entry);
                let covered = self.log.leaf(entry.leaf_hash());
                self.logged(covered);
                None
            }
            Frame::Transaction { height, index, time_ms, outcome, envelope, events } => {
                let (transaction, digest) = (envelope.id(), envelope.digest());
                let version = LOG_ENTRY_VERSION;
                let entry = LogEntry {
                    version,
                    height,
                    index,
                    time_ms,
                    transaction,
                    envelope: digest,
                    outcome,
                };
                Some(self.transaction(entry, envelope, events))
            }
            Frame::End { .. } => None,
        })
    }

    /// Keeps the frames in order.
    fn enter(&mut self, frame: &Frame) -> Result<(), &'static str> {
        let absent = matches!(frame, Frame::Absent { .. });
        if self.needs_absent && !absent {
            return Err(
                "another key's leaf or an empty subtree without a key that is absent there",
            );
        }
        let (part, after) = match frame {
            Frame::Head(_) => (Part::Head, Part::Nothing),
            Frame::SetChange(_) => (Part::SetChanges, Part::Head),
            Frame::Tip(_) => (Part::Tip, Part::Head),
            Frame::Stub { .. }
            | Frame::Record { .. }
            | Frame::Leaf { .. }
            | Frame::Empty { .. }
            | Frame::Absent { .. } => (Part::State, Part::Tip),
            Frame::History { .. } => (Part::Histories, Part::State),
            Frame::LogStub { .. } | Frame::LogLeaf(_) | Frame::Transaction { .. } => {
                (Part::Log, Part::State)
            }
            Frame::End { .. } => return Err("the last frame among others"),
        };
        let repeats = !matches!(part, Part::Head | Part::Tip) && self.part == part;
        if !(repeats || (self.part >= after && self.part < part)) {
            return Err("frames are not in the order of their parts");
        }
        if !absent {
            self.last_absent = None;
        }
        self.needs_absent = false;
        self.part = part;
        Ok(())
    }

    /// The report: every check, in the order of SPEC 10.5.
    pub fn finish(mut self) -> Vec<Check> {
        self.close();
        let Checks {
            form,
            genesis,
            sets,
            tip,
            records,
            signatures,
            entries,
            inclusion,
            histories,
            question,
        } = self.checks;
        vec![form, genesis, sets, tip, records, signatures, entries, inclusion, histories, question]
    }

    /// Compares the roots and the histories, and whether the question is answered.
    fn close(&mut self) {
        if self.needs_absent || self.part < Part::State {
            self.checks.form.fail("BND-03: the bundle ends too early");
        }
        if self.checks.genesis.count == 0 {
            self.checks.genesis.fail("there is no genesis");
        }
        let Some(tip) = self.tip.take() else {
            self.checks.tip.fail("there is no tip");
            return;
        };
        let state = self.state.root() == Some(tip.state_root);
        if !state && !crate::planted!("planted-auditor-state-proofs") {
            self.checks.records.fail("STA-01: the records do not lead to the tip's state root");
        }
        let log = self.log.size() == tip.log_size && self.log.root() == tip.log_root;
        if !log && !crate::planted!("planted-auditor-inclusion") {
            self.checks
                .inclusion
                .fail("LOG-01: the transactions do not lead to the tip's log root");
        }
        let broken = self.histories.iter().position(|history| history.proved != history.told);
        if let Some(number) = broken.filter(|_| !crate::planted!("planted-auditor-histories"))
            && let Some(History { proved, told }) = self.histories.get(number)
        {
            self.checks.histories.fail(format!(
                "history {number}: {} events are told, the state commits to {} others",
                told.count, proved.count
            ));
        }
        let result = self.answer(&tip);
        self.checks.question.note(result);
    }
}
