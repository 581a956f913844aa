//! Verification in one pass: frames go in, checked contents come out, a report at the end.
//!
//! What is kept between frames is bounded by the number of histories, not of events: the covers'
//! edges, and a count and a hash for each history. An item handed out is believed only if the
//! report at the end says so, for a root is known to match when everything under it was read.

use std::collections::BTreeMap;

use super::frame::{Frame, Head, SetChange, Touch};
use super::log_cover::LogCover;
use super::question::Question;
use super::state_cover::{CoverInvalid, StateCover};
use super::{BUNDLE_VERSION, BundleInvalid, Check};
use crate::block::{BlockId, CertifiedHeader, HEADER_VERSION, Header};
use crate::codec;
use crate::limits::{BUNDLE_HISTORIES_MAX, STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX};
use crate::log::{LOG_ENTRY_VERSION, LogEntry};
use crate::state::{HistoryEvent, HistoryLeaf, StateLeaf, history_key, key_hash, value_hash};
use crate::transaction::{Envelope, VerifiedEnvelope};
use crate::types::{ChainId, Height};
use crate::validator::ValidatorSet;

/// Bytes of an encoded history leaf, and room for the decoder's count of them.
const HISTORY_LEAF_BYTES_MAX: usize = 64;

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
                let result = self.certified(&tip).and_then(|()| self.tip_fits(&tip.header));
                self.checks.tip.note(result);
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

    fn head(&mut self, head: Head, question: Question) -> Item {
        let result = self.genesis(&head);
        self.checks.genesis.note(result);
        self.chain_id = Some(head.chain_id.clone());
        self.question = Some(question);
        self.set = Some(head.genesis_validators);
        Item::Head { chain_id: head.chain_id, question: head.question }
    }

    fn genesis(&self, head: &Head) -> Result<(), String> {
        let found = head.genesis.id();
        let trusted = self.trusted;
        if found != trusted && !crate::planted!("planted-auditor-any-genesis") {
            return Err(format!("the bundle's genesis is {found}, the auditor trusts {trusted}"));
        }
        if head.genesis.height != Height::GENESIS || head.genesis.chain_id != head.chain_id {
            return Err("the genesis header is not block 0 of this chain".to_owned());
        }
        head.genesis_validators.check().map_err(|e| e.to_string())?;
        if head.genesis_validators.hash() != head.genesis.next_validator_set_hash {
            return Err("the validators given are not those the genesis commits to".to_owned());
        }
        Ok(())
    }

    /// Verifies a certified header against the set in force.
    fn certified(&self, certified: &CertifiedHeader) -> Result<(), String> {
        let CertifiedHeader { header, certificate } = certified;
        let at = header.height;
        let (Some(chain_id), Some(set)) = (&self.chain_id, &self.set) else {
            return Err("there is no set in force".to_owned());
        };
        if header.version != HEADER_VERSION || header.chain_id != *chain_id {
            return Err(format!("header {at} is of another version or chain"));
        }
        if certificate.height != at || certificate.block != header.id() {
            return Err(format!("the certificate at {at} is for another block"));
        }
        if header.validator_set_hash != set.hash() {
            return Err(format!("header {at} names another validator set than the one in force"));
        }
        certificate.verify(chain_id, set).map_err(|e| format!("certificate at {at}: {e}"))
    }

    fn set_change(&mut self, change: SetChange) -> Result<(), String> {
        let header = &change.announced_by.header;
        let height = header.height;
        let ordered = height > self.set_height;
        let certified = self.certified(&change.announced_by);
        let announced = change.next.hash() == header.next_validator_set_hash;
        let changes = header.next_validator_set_hash != header.validator_set_hash;
        let form = change.next.check();
        self.set_height = height;
        self.set = Some(change.next);
        if !ordered {
            return Err(format!("set change at {height} is out of order"));
        }
        certified?;
        form.map_err(|e| e.to_string())?;
        if !announced {
            return Err(format!("header {height} announces another set"));
        }
        if !changes {
            return Err(format!("header {height} announces no change"));
        }
        Ok(())
    }

    fn tip_fits(&mut self, tip: &Header) -> Result<(), String> {
        if tip.height == Height::GENESIS {
            return Err("the tip must be a decided block".to_owned());
        }
        if self.set_height >= tip.height {
            self.checks.sets.fail(format!("set change at {} is after the tip", self.set_height));
        }
        Ok(())
    }

    fn covered(&mut self, covered: Result<(), CoverInvalid>) {
        if let Err(invalid) = covered
            && !crate::planted!("planted-auditor-state-proofs")
        {
            self.checks.records.fail(format!("STA-01: {invalid}"));
        }
    }

    fn record(&mut self, depth: u16, key: String, value: Vec<u8>) -> Item {
        let leaf = StateLeaf { key_hash: key_hash(&key), value_hash: value_hash(&value) };
        let covered = self.state.leaf(depth, &leaf);
        let result = match covered {
            Err(invalid) if !crate::planted!("planted-auditor-state-proofs") => {
                Err(format!("STA-01, STA-02: {key}: {invalid}"))
            }
            _ => self.bounds(&key, &value),
        };
        self.checks.records.note(result);
        self.seen(&key, Some(&value));
        Item::Record { key, value: Some(value) }
    }

    fn bounds(&self, key: &str, value: &[u8]) -> Result<(), String> {
        if key.len() > STATE_KEY_BYTES_MAX || value.len() > STATE_VALUE_BYTES_MAX {
            return Err("a record exceeds its bound".to_owned());
        }
        Ok(())
    }

    fn absent(&mut self, key: String) -> Item {
        let result = match self.state.absent(&key) {
            Err(invalid) if !crate::planted!("planted-auditor-state-proofs") => {
                Err(format!("STA-03: {key}: {invalid}"))
            }
            _ if self.last_absent.as_ref().is_some_and(|last| *last >= key) => {
                Err(format!("{key}: absent keys are not in order"))
            }
            _ => self.bounds(&key, &[]),
        };
        self.checks.records.note(result);
        self.last_absent = Some(key.clone());
        self.seen(&key, None);
        Item::Record { key, value: None }
    }

    /// Notes history leaves, and the record asked about.
    fn seen(&mut self, key: &str, value: Option<&[u8]>) {
        if let Some(subject) = key.strip_prefix("history/") {
            let leaf = match value {
                None => Ok(HistoryLeaf::default()),
                Some(bytes) => codec::decode::<HistoryLeaf, HISTORY_LEAF_BYTES_MAX>(bytes),
            };
            match leaf {
                Ok(leaf) => drop(self.leaves.insert(subject.to_owned(), leaf)),
                Err(error) => self.checks.histories.fail(format!("{subject}: {error}")),
            }
        }
        let asked = self.question.as_ref().and_then(Question::subject);
        self.answered.record |= asked.as_deref() == Some(key);
    }

    fn history(&mut self, subject: String) -> Item {
        let leaf = self.leaves.remove(&subject);
        let mut result = Ok(());
        if leaf.is_none() {
            result = Err(format!("{}: its history leaf is missing", history_key(&subject)));
        }
        if self.last_subject.as_ref().is_some_and(|last| *last >= subject) {
            result = Err(format!("{subject}: histories are not in order"));
        }
        if self.histories.len() >= BUNDLE_HISTORIES_MAX {
            result = Err(format!("more than {BUNDLE_HISTORIES_MAX} histories"));
        } else {
            let proved = leaf.unwrap_or_default();
            self.histories.push(History { proved, told: HistoryLeaf::default() });
        }
        self.checks.histories.note(result);
        let asked = self.question.as_ref().and_then(Question::subject);
        self.answered.history |= asked.as_deref() == Some(&subject);
        self.last_subject = Some(subject.clone());
        Item::History { subject }
    }

    fn logged(&mut self, covered: Result<(), CoverInvalid>) {
        if let Err(invalid) = covered
            && !crate::planted!("planted-auditor-inclusion")
        {
            self.checks.inclusion.fail(format!("LOG-01: {invalid}"));
        }
    }

    /// Checks an entry's form and place.
    fn entry(&mut self, entry: &LogEntry) {
        let id = entry.transaction;
        let mut result = Ok(());
        let place = (entry.height, entry.index);
        if !entry.is_well_formed() {
            result = Err(format!("{id}: malformed log entry"));
        } else if self.tip.as_ref().is_none_or(|tip| entry.height > tip.height) {
            result = Err(format!("{id}: committed after the tip"));
        } else if self.last_place.is_some_and(|last| last >= place) {
            result = Err(format!("{id}: transactions are not in log order"));
        }
        self.last_place = Some(place);
        self.checks.entries.note(result);
    }

    fn transaction(&mut self, entry: LogEntry, envelope: Envelope, events: Vec<Touch>) -> Item {
        self.range(&entry, true);
        self.entry(&entry);
        let id = entry.transaction;
        self.answered.transaction |= self.question == Some(Question::Transaction(id));
        let log_index = self.log.size();
        let covered = self.log.leaf(entry.leaf_hash());
        self.logged(covered);
        self.checks.inclusion.note(Ok(()));
        let verified = envelope.verify().map_err(|e| format!("{id}: {e}"));
        self.checks.signatures.note(verified.as_ref().map(|_| ()).map_err(Clone::clone));
        self.events(&entry, &events);
        Item::Transaction(Box::new(Told { log_index, entry, envelope: verified.ok(), events }))
    }

    fn events(&mut self, entry: &LogEntry, events: &[Touch]) {
        let id = entry.transaction;
        if !events.is_empty() && !entry.outcome.is_accepted() {
            self.checks.histories.fail(format!("{id}: a rejected transaction is no event"));
        }
        if !events.is_sorted_by(|a, b| a < b) {
            self.checks.histories.fail(format!("{id}: its events are not in order"));
        }
        for Touch { action, history } in events {
            let at = usize::try_from(*history).unwrap_or(usize::MAX);
            let Some(history) = self.histories.get_mut(at) else {
                self.checks.histories.fail(format!("{id}: an event of no history"));
                continue;
            };
            let event = HistoryEvent {
                height: entry.height,
                index: entry.index,
                action: *action,
                transaction: id,
            };
            history.told = history.told.append(&event);
        }
    }

    /// Follows a range that was asked about: everything in it is told, up to its neighbours.
    fn range(&mut self, entry: &LogEntry, told: bool) {
        let (value, from, to) = match &self.question {
            Some(Question::Heights(from, to)) => (entry.height.0, from.0, to.0),
            Some(Question::Times(from, to)) => (entry.time_ms.0, from.0, to.0),
            _ => return,
        };
        let now = match value {
            value if value < from => Before::Earlier,
            value if value > to => Before::Later,
            _ => Before::InRange,
        };
        let (id, follows) = (entry.transaction, self.before != Before::Unknown);
        if now == Before::InRange && !told {
            self.gap(format!("{id} is in the range, but only named"));
        }
        let enters = now == Before::InRange || (now == Before::Later && !self.answered.beyond);
        if enters && !follows {
            self.gap(format!("what lies before {id} is not told"));
        }
        self.answered.beyond |= now == Before::Later;
        self.before = now;
    }

    fn stub_beside_range(&mut self) {
        if self.before == Before::InRange {
            self.gap("what follows the last transaction told is not told".to_owned());
        }
        self.before = Before::Unknown;
    }

    fn gap(&mut self, why: String) {
        self.answered.gap.get_or_insert(why);
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

    /// Whether what was asked about is there.
    fn answer(&self, tip: &Header) -> Result<(), String> {
        let Some(question) = &self.question else { return Err("nothing was asked".to_owned()) };
        match question {
            Question::Transaction(id) => {
                let told = self.answered.transaction;
                if told { Ok(()) } else { Err(format!("the transaction {id} is missing")) }
            }
            Question::Heights(_, to) if *to > tip.height => {
                Err(format!("the range ends at {to}, after the tip"))
            }
            Question::Times(_, to) if *to > tip.time_ms => {
                Err(format!("the range ends at {to}, after the tip's time"))
            }
            Question::Heights(..) | Question::Times(..) => {
                if let Some(gap) = &self.answered.gap {
                    return Err(gap.clone());
                }
                if self.before == Before::Unknown && !self.answered.beyond {
                    return Err("what follows the range is not told".to_owned());
                }
                Ok(())
            }
            _ => {
                let subject = question.subject().unwrap_or_default();
                if !self.answered.record {
                    return Err(format!("the record {subject} is missing"));
                }
                if !self.answered.history {
                    return Err(format!("the history of {subject} is missing"));
                }
                Ok(())
            }
        }
    }
}
