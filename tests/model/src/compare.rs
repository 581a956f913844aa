//! Contracts and model side by side: the same commands on the same state, block after block.

use std::collections::BTreeMap;
use std::fmt;

use mulu_chain::digest::Digest;
use mulu_chain::json as strict;
use mulu_chain::limits::PAYLOAD_BYTES_MAX;
use mulu_chain::log::Outcome;
use mulu_chain::transaction::Envelope;
use mulu_chain::types::{ChainId, Height, TimeMs};
use mulu_contracts::execution::{BlockContext, execute_block};
use mulu_contracts::protocol::Rules;
use mulu_contracts::state::{StateRead, StateReadError};
use mulu_contracts::transaction::Transaction;
use serde_json::{Value, json};

use crate::commands::cast::{CHAIN, GENESIS, START_MS};
use crate::commands::{Command, DAY_MS, Generator, spoil};
use crate::frame::{Formed, form, judge};
use crate::random::Random;
use crate::spec::SPEC;
use crate::store::{Store, Stored};
use crate::{Block, Verdict, text};

/// Commands of a sequence.
pub const SEQUENCE: u64 = 400;
/// Earlier commands that can be replayed.
const REPLAY_MAX: usize = 40;

/// How often each action was accepted and rejected, and each rule broken.
#[derive(Debug, Default, Clone)]
pub struct Coverage {
    /// Commands judged.
    pub commands: u64,
    /// By the type of the first action, or of the one that broke a rule: accepted, rejected.
    pub actions: BTreeMap<String, (u64, u64)>,
    /// Rule id to commands that broke it.
    pub rules: BTreeMap<String, u64>,
}

impl Coverage {
    /// Adds another's counts.
    pub fn add(&mut self, other: &Coverage) {
        self.commands += other.commands;
        for (action, (accepted, rejected)) in &other.actions {
            let count = self.actions.entry(action.clone()).or_default();
            count.0 += accepted;
            count.1 += rejected;
        }
        for (rule, count) in &other.rules {
            *self.rules.entry(rule.clone()).or_default() += count;
        }
    }

    fn count(&mut self, command: &Command, verdict: Result<(), (&str, u32)>) {
        self.commands += 1;
        let at = verdict.err().map_or(0, |(_, action)| action as usize);
        let kind = text(&command.payload["actions"][at]["type"]).to_owned();
        let kind = if SPEC.actions.contains_key(&kind) { kind } else { "(none)".to_owned() };
        let count = self.actions.entry(kind).or_default();
        match verdict {
            Ok(()) => count.0 += 1,
            Err((rule, _)) => {
                count.1 += 1;
                *self.rules.entry(rule.to_owned()).or_default() += 1;
            }
        }
    }
}

/// The first command on which contracts and model differ.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The seed.
    pub seed: u64,
    /// Number of the sequence under the seed.
    pub sequence: u64,
    /// Number of the command in the sequence.
    pub command: u64,
    /// The commands of its block.
    pub commands: Vec<Command>,
    /// What contracts said, or stored.
    pub contracts: String,
    /// What the model said, or stored.
    pub model: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { seed, sequence, command, .. } = self;
        writeln!(f, "seed {seed}, sequence {sequence}, command {command}")?;
        for command in &self.commands {
            writeln!(f, "command: {}", command.payload)?;
            let keys: Vec<&str> = command.keys.iter().map(String::as_str).collect();
            writeln!(f, "signed by: {}", keys.join(" "))?;
        }
        writeln!(f, "contracts: {}\nmodel:     {}", self.contracts, self.model)?;
        write!(f, "replay: {}", self.replay())
    }
}

impl Difference {
    /// One command that finds it again.
    pub fn replay(&self) -> String {
        let Difference { seed, sequence, .. } = self;
        format!("cargo run -p mulu-model --bin model -- --seed {seed} --sequence {sequence}")
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let command = |command: &Command| json!({"payload": command.payload, "keys": command.keys});
        json!({"seed": self.seed, "sequence": self.sequence, "command": self.command,
            "commands": self.commands.iter().map(command).collect::<Vec<_>>(),
            "contracts": self.contracts, "model": self.model, "replay": self.replay()})
    }
}

struct State(BTreeMap<String, Vec<u8>>);

impl StateRead for State {
    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StateReadError> {
        Ok(self.0.get(key).cloned())
    }
}

/// One consortium, twice.
struct Pair {
    state: State,
    store: Store,
    block: Block,
    chain_id: ChainId,
}

/// What contracts and model say, if it is not the same.
type Differ = (String, String);
/// A transaction, for both, if it has the form of one.
type Judged = (Option<Transaction>, Option<Formed>);

impl Pair {
    /// At block 0, of one founding document in four cases of five, else of another.
    fn new(sequence: u64) -> Pair {
        let genesis = &GENESIS[usize::from(sequence % 5 == 4)];
        let record = |(key, bytes): (&String, &Vec<u8>)| {
            let value = serde_json::from_slice(bytes).expect("block 0 holds JSON");
            (key.clone(), Stored::Json(value, bytes.clone()))
        };
        let before = genesis.iter().map(record).collect();
        let block = Block { chain_id: CHAIN.to_owned(), height: 1, time_ms: START_MS };
        let chain_id = CHAIN.parse().expect("a chain id");
        Pair {
            state: State(genesis.clone()),
            store: Store { before, ..Store::default() },
            block,
            chain_id,
        }
    }

    /// Form, by both; `Err` with what each says if they differ.
    fn formed(&self, command: &Command) -> Result<(Judged, Verdict), Differ> {
        let payload = serde_json::to_vec(&command.payload).expect("a value is JSON");
        if payload.len() > PAYLOAD_BYTES_MAX || command.keys.is_empty() {
            return Ok((
                (None, None),
                Err(if command.keys.is_empty() { "TX-04" } else { "TX-02" }),
            ));
        }
        let signers = command.keys.iter().cloned().collect();
        let envelope = Envelope::sign(payload.clone(), &command.signing_keys());
        let verified = envelope.and_then(Envelope::verify).expect("an envelope that we signed");
        let id: Digest = verified.id();
        let found = Transaction::parse(verified, &self.chain_id);
        let expected = match strict::check(&payload) {
            Err(invalid) => Err(invalid.rule.id()),
            Ok(_) => form(&self.block, id, &command.payload, signers),
        };
        match (found, expected) {
            (Ok(transaction), Ok(formed)) => Ok(((Some(transaction), Some(formed)), Ok(()))),
            (Err(found), Err(rule)) if found.rule().id() == rule => Ok(((None, None), Err(rule))),
            (found, expected) => Err((
                found.map_or_else(|invalid| invalid.to_string(), |_| "is a transaction".to_owned()),
                expected.map_or_else(str::to_owned, |_| "is a transaction".to_owned()),
            )),
        }
    }

    /// Executes a block by both.
    fn run(&mut self, commands: &[Command], coverage: &mut Coverage) -> Result<(), Differ> {
        let (mut transactions, mut formed, mut judged) = (Vec::new(), Vec::new(), Vec::new());
        for command in commands {
            match self.formed(command)? {
                ((Some(transaction), Some(form)), _) => {
                    transactions.push(transaction);
                    formed.push(form);
                    judged.push(command);
                }
                (_, verdict) => coverage.count(command, verdict.map_err(|rule| (rule, 0))),
            }
        }
        let context = BlockContext {
            chain_id: self.chain_id.clone(),
            height: Height(self.block.height),
            time_ms: TimeMs(self.block.time_ms),
            rules: Rules::First,
        };
        let execution = execute_block(&context, &transactions, &self.state)
            .map_err(|error| (error.to_string(), "a state that can be read".to_owned()))?;
        let mut happened = Vec::new();
        let both = formed.iter().zip(&execution.outcomes).zip(&judged);
        for (index, ((formed, outcome), command)) in (0..).zip(both) {
            let verdict = judge(&self.block, formed, index, &mut self.store);
            let expected = match &verdict {
                Ok(_) => Outcome::Accepted,
                Err((rule, action)) => {
                    Outcome::Rejected { rule: (*rule).to_owned(), action: *action }
                }
            };
            if *outcome != expected {
                let why = mulu_contracts::execution::check(
                    &context,
                    &transactions[index as usize],
                    &self.state,
                );
                let why = why.map_or_else(|e| e.to_string(), |v| format!("{v:?}"));
                return Err((format!("{outcome:?} ({why})"), format!("{expected:?}")));
            }
            coverage.count(command, verdict.as_ref().map(|_| ()).map_err(|error| *error));
            happened.extend(verdict.unwrap_or_default().into_iter().map(|event| (index, event)));
        }
        self.same_values(&execution.changes, false)?;
        let mut events: Vec<_> = execution
            .events
            .iter()
            .map(|event| {
                (event.event.index, (event.subject.clone(), event.number, event.event.action))
            })
            .collect();
        events.sort();
        happened.sort();
        if events != happened {
            return Err((format!("{events:?}"), format!("{happened:?}")));
        }
        self.same_values(&execution.changes, true)?;
        self.state.0.extend(execution.changes);
        let changes = std::mem::take(&mut self.store.block);
        self.store.before.extend(changes);
        Ok(())
    }

    /// Every record, or every history, as the block leaves it.
    fn same_values(
        &self,
        changes: &BTreeMap<String, Vec<u8>>,
        histories: bool,
    ) -> Result<(), Differ> {
        let show = |key: &str, bytes: Option<&[u8]>| match bytes {
            Some(bytes) => format!("{key} = {}", String::from_utf8_lossy(bytes)),
            None => format!("{key} is not written"),
        };
        let written = &self.store.block;
        let keys = changes.keys().chain(written.keys());
        let keys = keys.filter(|key| key.starts_with("history/") == histories);
        for key in keys {
            // Who writes what is there already says nothing.
            let before = self.state.0.get(key);
            let model = written.get(key).map(Stored::bytes).or_else(|| before.cloned());
            let contracts = changes.get(key).or(before);
            if contracts != model.as_ref() {
                let model = show(key, model.as_deref());
                return Err((show(key, contracts.map(Vec::as_slice)), model));
            }
        }
        Ok(())
    }
}

/// Runs one sequence of a seed; its counts.
///
/// # Errors
/// The first difference.
pub fn sequence(seed: u64, sequence: u64) -> (Coverage, Result<(), Box<Difference>>) {
    let mut random =
        Random::new(crate::random::mix(seed) ^ crate::random::mix(sequence.wrapping_mul(31)));
    let mut pair = Pair::new(sequence);
    let mut coverage = Coverage::default();
    let mut earlier: Vec<Command> = Vec::new();
    while coverage.commands < SEQUENCE {
        let mut commands = Vec::new();
        let count = if random.chance(1, 5) { random.between(2, 4) } else { 1 };
        for _ in 0..count {
            let mut of = Generator { random: &mut random, store: &pair.store, block: &pair.block };
            let mut command = of.command();
            while of.random.chance(1, 3) {
                spoil(&mut of, &mut command);
            }
            // The same action again, by a transaction of its own: a race, or an attempt to repeat.
            if of.random.chance(1, 12) && !earlier.is_empty() {
                let last = earlier.len() - 1;
                let at = if of.random.chance(1, 2) { last } else { of.random.index(earlier.len()) };
                command = earlier[at].clone();
                if of.random.chance(1, 2) {
                    command.payload["nonce"] = json!(of.random.next_u64().to_string());
                }
            }
            if earlier.len() >= REPLAY_MAX {
                earlier.remove(0);
            }
            earlier.push(command.clone());
            commands.push(command);
        }
        let number = coverage.commands;
        if let Err((contracts, model)) = pair.run(&commands, &mut coverage) {
            let difference =
                Difference { seed, sequence, command: number, commands, contracts, model };
            return (coverage, Err(Box::new(difference)));
        }
        pair.block.height += match random.below(60) {
            0 => random.between(1, 60),
            1 if random.chance(1, 60) => 1_000_000,
            _ => 1,
        };
        pair.block.time_ms += match random.below(25) {
            0 => random.below(6) * DAY_MS,
            _ => random.between(1, 2_000),
        };
    }
    (coverage, Ok(()))
}
