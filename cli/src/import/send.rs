//! Sending a plan: several transactions in flight, each repeated until its fate is known.
//!
//! Bounds: at most [`IN_FLIGHT_MAX`] transactions at once, one thread each; a transaction is tried
//! [`ATTEMPTS_MAX`] times while the node is unreachable or busy. Repeating an envelope is safe, and
//! so is running the whole import again after it stopped halfway.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use mulu_chain::signature::SigningKey;
use mulu_chain::transaction::Envelope;
use mulu_contracts::payload::Submitter;
use mulu_contracts::rule::Rule;
use serde_json::Value;

use super::convert::Rejected;
use super::pack::pack;
use super::plan::Planned;
use super::progress::Progress;
use super::rules;
use crate::client::Node;
use crate::failure::{Exit, Failure, Outcome};
use crate::lang::Text;
use crate::submit::{self, ChainView};
use crate::{render, text};

/// Most transactions in flight.
pub const IN_FLIGHT_MAX: u16 = 64;
/// Attempts for one envelope while the node cannot take it.
const ATTEMPTS_MAX: u32 = 20;
/// The rule that names are unique among the entries of a member.
const NAME_TAKEN: &str = "ENT-07";
/// Pause before the second attempt; it doubles up to the longest.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
/// Longest pause between attempts.
const PAUSE_MAX: Duration = Duration::from_secs(8);

/// Who sends, and to whom.
#[derive(Debug)]
pub struct Sender<'a> {
    /// The node.
    pub node: &'a Node,
    /// The chain when the import began.
    pub view: &'a ChainView,
    /// Who submits.
    pub submitter: &'a Submitter,
    /// The key that signs.
    pub key: &'a SigningKey,
    /// Transactions in flight.
    pub in_flight: u16,
}

/// What was sent.
#[derive(Debug, Default)]
pub struct Sent {
    /// New entries.
    pub created: u64,
    /// New versions.
    pub revised: u64,
    /// Names told apart from those of entries that were there before.
    pub renamed: u64,
    /// Rows the chain refused.
    pub rejected: Vec<Rejected>,
    /// Transactions committed.
    pub transactions: u64,
    /// Why it stopped before the end.
    pub stopped: Option<Failure>,
}

/// The fate of one transaction.
enum Fate {
    Accepted { height: u64 },
    Refused { rule: String, action: usize, reason: Text },
    Expired,
}

/// Sends a plan and reports progress as rows are done.
pub fn send(sender: &Sender<'_>, planned: Vec<Planned>, progress: &Progress) -> Sent {
    let sizes: Vec<usize> = planned.iter().map(|p| rules::size(&p.prepared)).collect();
    let mut left = planned.into_iter();
    let mut sent = Sent::default();
    let mut queue: VecDeque<Vec<Planned>> = VecDeque::new();
    for run in pack(&sizes) {
        match run {
            Ok(run) => queue.push_back(left.by_ref().take(run.len()).collect()),
            Err(_) => {
                let large = left.next();
                let large = large.map(|p| rules::rejected(&p.prepared, "TX-02", "one entry alone"));
                sent.rejected.extend(large);
            }
        }
    }
    let shared = Shared {
        queue: Mutex::new(queue),
        sent: Mutex::new(sent),
        stop: AtomicBool::new(false),
        height: AtomicU64::new(sender.view.height),
    };
    std::thread::scope(|scope| {
        for _ in 0..sender.in_flight.clamp(1, IN_FLIGHT_MAX) {
            scope.spawn(|| work(sender, &shared, progress));
        }
    });
    shared.sent.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

struct Shared {
    queue: Mutex<VecDeque<Vec<Planned>>>,
    sent: Mutex<Sent>,
    stop: AtomicBool,
    height: AtomicU64,
}

impl Shared {
    fn next(&self) -> Option<Vec<Planned>> {
        if self.stop.load(Ordering::Relaxed) {
            return None;
        }
        self.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop_front()
    }

    fn update(&self, change: impl FnOnce(&mut Sent)) {
        change(&mut self.sent.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

fn work(sender: &Sender<'_>, shared: &Shared, progress: &Progress) {
    while let Some(mut run) = shared.next() {
        while !run.is_empty() {
            match attempt(sender, shared, &run) {
                Ok(Fate::Accepted { height }) => {
                    shared.height.fetch_max(height, Ordering::Relaxed);
                    progress.done(run.len());
                    let created = run.iter().filter(|p| p.is_new()).count();
                    let revised = run.len().saturating_sub(created);
                    shared.update(|sent| {
                        sent.created = sent.created.saturating_add(as_u64(created));
                        sent.revised = sent.revised.saturating_add(as_u64(revised));
                        sent.transactions = sent.transactions.saturating_add(1);
                    });
                    run.clear();
                }
                // The name is taken by an entry of another source: tell them apart, as within one.
                Ok(Fate::Refused { rule, action, .. })
                    if rule == NAME_TAKEN && run.get_mut(action).is_some_and(Planned::rename) =>
                {
                    shared.update(|sent| sent.renamed = sent.renamed.saturating_add(1));
                }
                Ok(Fate::Refused { rule, action, reason })
                    if rules::is_about_one_row(&rule) && action < run.len() =>
                {
                    let row = run.remove(action);
                    progress.done(1);
                    let rejected = Rejected { reason, ..rules::rejected(&row.prepared, &rule, "") };
                    shared.update(|sent| sent.rejected.push(rejected));
                }
                Ok(Fate::Refused { rule, reason, .. }) => {
                    return stop(shared, refusal_of_all(&rule, reason));
                }
                Ok(Fate::Expired) => {
                    // The chain went on without it; ask how far before building it anew.
                    match ChainView::ask(sender.node) {
                        Ok(view) => {
                            shared.height.fetch_max(view.height, Ordering::Relaxed);
                        }
                        Err(failure) => return stop(shared, failure),
                    }
                }
                Err(failure) => return stop(shared, failure),
            }
        }
    }
}

fn as_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn stop(shared: &Shared, failure: Failure) {
    shared.stop.store(true, Ordering::Relaxed);
    shared.update(|sent| {
        sent.stopped.get_or_insert(failure);
    });
}

/// A refusal that is no single row's fault stops the import, with the rule's help.
fn refusal_of_all(rule: &str, reason: Text) -> Failure {
    let mut failure = Failure::new(Exit::Rejected, reason);
    failure.rule = Some(rule.to_owned());
    if let Some(rule) = Rule::from_id(rule) {
        let (en, zh) = (rule.help_en(), rule.help_zh());
        failure = failure.help(text!("{en}", "{zh}"));
    }
    failure
}

/// Sends a run as one transaction and finds out what became of it.
fn attempt(sender: &Sender<'_>, shared: &Shared, run: &[Planned]) -> Outcome<Fate> {
    let view = ChainView { height: shared.height.load(Ordering::Relaxed), ..sender.view.clone() };
    let actions = run.iter().map(|p| p.action.clone()).collect();
    let payload = submit::payload(&view, sender.submitter.clone(), None, actions);
    let mut draft = submit::draft(&payload)?;
    draft.sign(sender.key);
    let envelope = draft.envelope()?;
    match deliver(sender.node, &envelope) {
        Ok(result) => fate(&result),
        Err(Failure {
            exit: Exit::Rejected, rule: Some(rule), text: Some(reason), action, ..
        }) => {
            if rule == "TX-10" {
                return Ok(Fate::Expired);
            }
            let action = action.and_then(|a| usize::try_from(a).ok()).unwrap_or(0);
            Ok(Fate::Refused { rule, action, reason })
        }
        Err(failure) => Err(failure),
    }
}

/// Delivers an envelope, again and again while the node cannot take it or has not committed it.
fn deliver(node: &Node, envelope: &Envelope) -> Outcome<Value> {
    let mut pause = PAUSE_FIRST;
    let mut attempts = 1u32;
    loop {
        let failure = match submit::deliver(node, envelope, true) {
            Ok(result) if render::text_at(&result, "/status") != "queued" => return Ok(result),
            Ok(_) => {
                let id = envelope.id();
                Failure::new(Exit::Unreachable, text!("{id} is still queued", "{id} 仍在排队"))
            }
            Err(failure) => failure,
        };
        if failure.exit != Exit::Unreachable || attempts >= ATTEMPTS_MAX {
            return Err(failure);
        }
        let asked = failure.retry_after.map(Duration::from_secs).unwrap_or_default();
        std::thread::sleep(pause.max(asked).min(PAUSE_MAX));
        pause = pause.saturating_mul(2).min(PAUSE_MAX);
        attempts = attempts.saturating_add(1);
    }
}

fn fate(result: &Value) -> Outcome<Fate> {
    let text = |pointer: &str| render::text_at(result, pointer);
    match (text("/status").as_str(), text("/outcome/result").as_str()) {
        ("expired", _) => Ok(Fate::Expired),
        (_, "accepted") => {
            Ok(Fate::Accepted { height: result.get("height").and_then(Value::as_u64).unwrap_or(0) })
        }
        (_, "rejected") => {
            let rule = text("/outcome/rule");
            if rule == "TX-10" {
                return Ok(Fate::Expired);
            }
            let action = result.pointer("/outcome/action").and_then(Value::as_u64).unwrap_or(0);
            let action = usize::try_from(action).unwrap_or(usize::MAX);
            let title = text("/outcome/title");
            Ok(Fate::Refused { reason: text!("{rule} {title}", "{rule} {title}"), rule, action })
        }
        (status, _) => Err(Failure::new(
            Exit::Unreachable,
            text!("the node says `{status}`", "节点返回状态 `{status}`"),
        )),
    }
}

#[cfg(test)]
mod tests;
