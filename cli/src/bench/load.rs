//! Offering load by the clock, and what became of it.
//!
//! A transaction is due at a moment whether or not the nodes keep up, and its latency counts from
//! then. Workers send what is due, many at once if the node takes batches; probes send one in so
//! many alone and wait for its commit. A node that is full says so (429): an open-loop load counts
//! the refusal and goes on, a saturating load waits as told and offers it again.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use mulu_chain::transaction::TransactionId;
use serde_json::Value;

use super::http::Connection;
use super::measure::{Spread, micros, number, ratio};
use super::nodes::status;

/// Probes under way at once on one node: fewer than a node lets wait.
const PROBES_PER_NODE: usize = 24;
/// How long a probe waits for its commit, in milliseconds.
const PROBE_WAIT_MS: u64 = 20_000;
/// Workers per node.
const WORKERS_PER_NODE: usize = 2;
/// Most transactions of one batch, and its bytes.
pub const BATCH_TRANSACTIONS_MAX: usize = 64;
const BATCH_BYTES_MAX: usize = 512 * 1024;
/// Pause of a saturating load after a refusal.
const FULL_PAUSE: Duration = Duration::from_millis(50);
/// Pause between two looks at the chain's growth.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// A signed transaction, ready to be sent.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its id.
    pub id: TransactionId,
    /// The envelope in JSON.
    pub json: Vec<u8>,
    /// Bytes of its payload.
    pub payload_bytes: u64,
    /// Records it makes.
    pub records: u64,
    /// Items of one lane are sent by one worker, in order.
    pub lane: Option<usize>,
}

/// How load is offered.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Transactions due in a second; none: as many as the nodes take.
    pub per_second: Option<u64>,
    /// One in so many is a probe; none: no probes.
    pub probe_every: Option<usize>,
    /// Whether workers send many at once.
    pub batched: bool,
}

/// What became of a load.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Transactions offered.
    pub offered: u64,
    /// Acknowledged by a node.
    pub acknowledged: Vec<TransactionId>,
    /// Refused because the node was full.
    pub full: u64,
    /// Refused by a rule, or not answered: the first reasons.
    pub failed: u64,
    /// Why the first of them failed.
    pub reasons: Vec<String>,
    /// Milliseconds from when it was due to its commit, of the probes.
    pub latencies_ms: Vec<f64>,
    /// When the log had how many entries, from the start.
    pub growth: Vec<(Duration, u64)>,
    /// When the last was answered.
    pub answered_after: Duration,
}

impl Outcome {
    /// Percentiles of the latency.
    pub fn latency(&mut self) -> Spread {
        Spread::of(&mut self.latencies_ms)
    }

    /// Transactions committed per second: between the first tenth of the growth and the last if it
    /// came in many steps, else over all of the time it took.
    pub fn committed_per_second(&self) -> f64 {
        const STEPS_MIN: usize = 12;
        let (Some(&(_, first)), Some(&(_, last))) = (self.growth.first(), self.growth.last())
        else {
            return 0.0;
        };
        let reached = |size: u64| self.growth.iter().find(|(_, found)| *found >= size).copied();
        let mut steps: Vec<u64> = self.growth.iter().map(|(_, size)| *size).collect();
        steps.dedup();
        let tenth = last.saturating_sub(first) / 10;
        let (from, to) = if steps.len() >= STEPS_MIN {
            (reached(first.saturating_add(tenth)), reached(last.saturating_sub(tenth)))
        } else {
            (Some((Duration::ZERO, first)), reached(last))
        };
        let (Some((from, low)), Some((to, high))) = (from, to) else { return 0.0 };
        ratio(number(high.saturating_sub(low)), to.saturating_sub(from).as_secs_f64())
    }
}

struct Shared<'a> {
    plan: Plan,
    started: Instant,
    outcome: Mutex<Outcome>,
    done: AtomicBool,
    items: &'a [Item],
}

/// Offers all items to the nodes and returns when each was answered and `drain` is done.
pub fn offer(
    addresses: &[SocketAddr],
    items: &[Item],
    plan: Plan,
    drain: impl FnOnce(),
) -> Outcome {
    let workers = addresses.len() * WORKERS_PER_NODE;
    let mut lanes: Vec<VecDeque<usize>> = vec![VecDeque::new(); workers];
    let mut probes: Vec<VecDeque<usize>> = vec![VecDeque::new(); addresses.len()];
    for (index, item) in items.iter().enumerate() {
        let probe = plan.probe_every.is_some_and(|every| index % every == 0);
        match item.lane {
            Some(lane) => lanes[lane % workers].push_back(index),
            None if probe => {
                let node = index / plan.probe_every.unwrap_or(1) % addresses.len();
                probes[node].push_back(index);
            }
            None => lanes[index % workers].push_back(index),
        }
    }
    let shared = Shared {
        plan,
        started: Instant::now(),
        outcome: Mutex::default(),
        done: AtomicBool::new(false),
        items,
    };
    std::thread::scope(|scope| {
        scope.spawn(|| shared.watch(addresses[0]));
        let mut senders = Vec::new();
        for (worker, lane) in lanes.into_iter().enumerate() {
            let address = addresses[worker % addresses.len()];
            let shared = &shared;
            senders.push(scope.spawn(move || shared.work(address, lane)));
        }
        for (address, queue) in addresses.iter().zip(probes) {
            let queue = std::sync::Arc::new(Mutex::new(queue));
            for _ in 0..PROBES_PER_NODE {
                let (shared, queue) = (&shared, queue.clone());
                senders.push(scope.spawn(move || shared.probe(*address, &queue)));
            }
        }
        for sender in senders {
            // A sender that panicked sent less; the totals show it.
            drop(sender.join());
        }
        shared.note(|outcome| outcome.answered_after = shared.started.elapsed());
        drain();
        shared.done.store(true, Ordering::Relaxed);
    });
    shared.outcome.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Shared<'_> {
    fn note(&self, change: impl FnOnce(&mut Outcome)) {
        change(&mut self.outcome.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn due(&self, index: usize) -> Duration {
        let Some(rate) = self.plan.per_second else { return Duration::ZERO };
        let index = u64::try_from(index).unwrap_or(u64::MAX);
        Duration::from_micros(index.saturating_mul(1_000_000) / rate.max(1))
    }

    fn wait_until_due(&self, index: usize) {
        let left = self.due(index).saturating_sub(self.started.elapsed());
        if !left.is_zero() {
            std::thread::sleep(left);
        }
    }

    fn work(&self, address: SocketAddr, mut lane: VecDeque<usize>) {
        let mut connection = Connection::new(address);
        while let Some(&first) = lane.front() {
            self.wait_until_due(first);
            let now = self.started.elapsed();
            let mut batch = Vec::new();
            let mut bytes = 0;
            let most = if self.plan.batched { BATCH_TRANSACTIONS_MAX } else { 1 };
            while let Some(&next) = lane.front() {
                bytes += self.items[next].json.len();
                let full = batch.len() >= most || bytes > BATCH_BYTES_MAX && !batch.is_empty();
                if full || self.due(next) > now {
                    break;
                }
                batch.push(next);
                lane.pop_front();
            }
            let left = self.send(&mut connection, &batch);
            if !left.is_empty() && self.plan.per_second.is_none() {
                for index in left.into_iter().rev() {
                    lane.push_front(index);
                }
                std::thread::sleep(FULL_PAUSE);
            } else {
                let refused = u64::try_from(left.len()).unwrap_or(0);
                let offered = u64::try_from(batch.len()).unwrap_or(0);
                self.note(|outcome| {
                    outcome.full += refused;
                    outcome.offered += offered;
                });
            }
        }
    }

    /// Sends a batch and returns what the node had no room for.
    fn send(&self, connection: &mut Connection, batch: &[usize]) -> Vec<usize> {
        if !self.plan.batched {
            let mut left = Vec::new();
            for index in batch {
                let item = &self.items[*index];
                match connection.call("POST", "/v1/transactions", Some(&item.json)) {
                    Ok(answer) if matches!(answer.status, 200 | 202) => self.acknowledge(item),
                    Ok(answer) if matches!(answer.status, 429 | 503) => left.push(*index),
                    Ok(answer) => self.fail(&String::from_utf8_lossy(&answer.body)),
                    Err(error) => self.fail(&error.to_string()),
                }
            }
            return left;
        }
        let mut body = Vec::new();
        for index in batch {
            body.extend_from_slice(&self.items[*index].json);
            body.push(b'\n');
        }
        let answer = match connection.call("POST", "/v1/transactions/batch", Some(&body)) {
            Ok(answer) if answer.status == 200 => answer,
            Ok(answer) if matches!(answer.status, 429 | 503) => return batch.to_vec(),
            Ok(answer) => {
                batch.iter().for_each(|_| self.fail(&String::from_utf8_lossy(&answer.body)));
                return Vec::new();
            }
            Err(error) => {
                batch.iter().for_each(|_| self.fail(&error.to_string()));
                return Vec::new();
            }
        };
        let view: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let mut left = Vec::new();
        let results = view.get("results").and_then(Value::as_array);
        for (index, result) in batch.iter().zip(results.into_iter().flatten()) {
            match result.get("http_status").and_then(Value::as_u64) {
                Some(200 | 202) => self.acknowledge(&self.items[*index]),
                Some(429 | 503) => left.push(*index),
                _ => self.fail(&result.to_string()),
            }
        }
        left
    }

    fn probe(&self, address: SocketAddr, queue: &Mutex<VecDeque<usize>>) {
        let mut connection = Connection::new(address);
        let path = format!("/v1/transactions?wait=committed&timeout_ms={PROBE_WAIT_MS}");
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(index) = next else { return };
            self.wait_until_due(index);
            let item = &self.items[index];
            let answer = loop {
                match connection.call("POST", &path, Some(&item.json)) {
                    Ok(answer) if answer.status == 429 && self.plan.per_second.is_none() => {
                        std::thread::sleep(FULL_PAUSE);
                    }
                    done => break done,
                }
            };
            let took = self.started.elapsed().saturating_sub(self.due(index));
            let alone = self.plan.per_second.is_some();
            self.note(|outcome| outcome.offered += 1);
            match answer {
                Ok(answer) if answer.status == 200 => {
                    self.acknowledge(item);
                    if alone {
                        self.note(|outcome| outcome.latencies_ms.push(micros(took) / 1e3));
                    }
                }
                Ok(answer) if answer.status == 202 => self.acknowledge(item),
                Ok(answer) if matches!(answer.status, 429 | 503) => {
                    self.note(|outcome| outcome.full += 1);
                }
                Ok(answer) => self.fail(&String::from_utf8_lossy(&answer.body)),
                Err(error) => self.fail(&error.to_string()),
            }
        }
    }

    fn acknowledge(&self, item: &Item) {
        self.note(|outcome| outcome.acknowledged.push(item.id));
    }

    fn fail(&self, why: &str) {
        const SHOWN_MAX: usize = 3;
        self.note(|outcome| {
            outcome.failed += 1;
            if outcome.reasons.len() < SHOWN_MAX {
                outcome.reasons.push(why.chars().take(400).collect());
            }
        });
    }

    /// Notes how the log grows.
    fn watch(&self, address: SocketAddr) {
        let mut connection = Connection::new(address);
        while !self.done.load(Ordering::Relaxed) {
            let at = self.started.elapsed();
            if let Some(size) = status(&mut connection).and_then(|v| v["log_size"].as_u64()) {
                self.note(|outcome| outcome.growth.push((at, size)));
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
    }
}

/// How many of these the nodes have committed, asked one by one over a few connections.
pub fn committed(address: SocketAddr, ids: &[TransactionId]) -> u64 {
    const ASKING: usize = 4;
    let found = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for part in ids.chunks(ids.len().div_ceil(ASKING).max(1)) {
            let found = &found;
            scope.spawn(move || {
                let mut connection = Connection::new(address);
                for id in part {
                    let path = format!("/v1/transactions/{id}");
                    let answer = connection.call("GET", &path, None);
                    let body = answer.map(|answer| answer.body).unwrap_or_default();
                    let view: Value = serde_json::from_slice(&body).unwrap_or_default();
                    if view["status"] == "committed" {
                        found.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    found.into_inner()
}
