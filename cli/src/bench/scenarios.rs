//! What is measured, one scenario after another.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;

use super::content::{Author, Size};
use super::http::Connection;
use super::load::{self, Item, Plan};
use super::measure::{Spread, micros, number, ratio};
use super::nodes::{Nodes, status};
use crate::failure::{Exit, Failure, Outcome};
use crate::text;

/// Longest wait for the queues to empty.
const DRAIN_MAX: Duration = Duration::from_secs(120);
/// Transactions of the first, rough look at the rate.
const ROUGH_TRANSACTIONS: u64 = 3_000;
/// Most transactions of one scenario: they are signed beforehand and lie in memory.
const TRANSACTIONS_MAX: u64 = 200_000;
/// Probes of a scenario.
const PROBES: u64 = 400;
/// Connections that read.
const READERS: usize = 4;
/// Records of a batch transaction.
pub const BATCH_RECORDS: u64 = 60;
/// Records of realistic size in one transaction, as an import packs them.
pub const IMPORT_RECORDS: u64 = 12;

/// What one scenario came to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Row {
    /// Its name.
    pub scenario: String,
    /// Transactions offered per second; none: as many as the nodes took.
    pub offered_per_second: Option<u64>,
    /// Transactions committed.
    pub committed: u64,
    /// Per second, without the first and last tenth.
    pub committed_per_second: f64,
    /// Records per second.
    pub records_per_second: f64,
    /// Milliseconds from due to committed.
    pub latency_ms: Spread,
    /// CPU time of all nodes per committed transaction, in µs.
    pub cpu_us_per_transaction: f64,
    /// The same per record.
    pub cpu_us_per_record: f64,
    /// Payload bytes committed.
    pub payload_bytes: u64,
    /// Refused because a node was full.
    pub full: u64,
    /// Refused by a rule, or not answered.
    pub failed: u64,
    /// The first reasons.
    pub reasons: Vec<String>,
    /// Acknowledged, but not committed at the end.
    pub lost: u64,
    /// Largest resident memory of one node at the end, in MiB.
    pub rss_max_mib: f64,
    /// Whether the queues were empty in time.
    pub drained: bool,
}

/// Reads, measured.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Reads {
    /// Records read with proof per second.
    pub per_second: f64,
    /// Milliseconds of one read.
    pub latency_ms: Spread,
    /// CPU time of all nodes per read, in µs.
    pub cpu_us_per_read: f64,
    /// Answers other than 200.
    pub failed: u64,
}

/// A run of `mulu import`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Import {
    /// Entries of the generated catalog.
    pub entries: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// From the command's start to its end, in seconds.
    pub seconds: f64,
    /// Entries per second.
    pub entries_per_second: f64,
    /// CPU time of all nodes per entry, in µs.
    pub cpu_us_per_entry: f64,
}

/// A consortium under measurement.
pub struct Bench<'a> {
    /// The nodes.
    pub nodes: &'a Nodes,
    /// Signs the load.
    pub author: Author,
    addresses: Vec<SocketAddr>,
    /// Whether the node takes batches of transactions.
    pub batched: bool,
    /// How long a scenario lasts.
    pub seconds: u64,
    /// Payload bytes committed so far.
    pub payload_bytes: u64,
    /// Keys of entries that were committed, to read.
    pub entry_keys: Vec<String>,
}

impl<'a> Bench<'a> {
    /// Meets the nodes.
    ///
    /// # Errors
    /// Exit 4 when they do not answer, exit 6 for keys.
    pub fn new(nodes: &'a Nodes, seconds: u64, salt: u64) -> Outcome<Bench<'a>> {
        let addresses = nodes.addresses();
        let (chain_id, height) = chain(addresses[0])?;
        let mut connection = Connection::new(addresses[0]);
        let probe = connection.call("POST", "/v1/transactions/batch", Some(b"{}"));
        let batched = probe.is_ok_and(|answer| !matches!(answer.status, 404 | 405));
        let author = Author::new(nodes, chain_id, height, salt)?;
        let (payload_bytes, entry_keys) = (0, Vec::new());
        Ok(Bench { nodes, author, addresses, batched, seconds, payload_bytes, entry_keys })
    }

    /// Offers items and measures what becomes of them.
    pub fn measure(&mut self, scenario: &str, items: &[Item], plan: Plan) -> Row {
        let drained = Mutex::new(false);
        let before = self.nodes.usage();
        let size_before = self.log_size();
        let mut outcome = load::offer(&self.addresses, items, plan, || {
            let done = self.nodes.drain(DRAIN_MAX);
            *drained.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = done;
        });
        let after = self.nodes.usage();
        let committed = self.log_size().saturating_sub(size_before);
        let cpu = number(after.cpu_us.saturating_sub(before.cpu_us));
        let per_second = outcome.committed_per_second();
        let acknowledged = u64::try_from(outcome.acknowledged.len()).unwrap_or(0);
        let here = load::committed(self.addresses[0], &outcome.acknowledged);
        let sum = |of: fn(&Item) -> u64| items.iter().map(of).sum::<u64>();
        let share = ratio(number(committed), number(items.len() as u64));
        let records = number(sum(|item| item.records)) * share;
        let per_transaction = ratio(records, number(committed));
        let payload = sum(|item| item.payload_bytes);
        let payload = if committed >= items.len() as u64 {
            payload
        } else {
            payload / (items.len() as u64).max(1) * committed
        };
        self.payload_bytes += payload;
        Row {
            scenario: scenario.to_owned(),
            offered_per_second: plan.per_second,
            committed,
            committed_per_second: per_second,
            records_per_second: per_second * per_transaction,
            latency_ms: outcome.latency(),
            cpu_us_per_transaction: ratio(cpu, number(committed)),
            cpu_us_per_record: ratio(cpu, records),
            payload_bytes: payload,
            full: outcome.full,
            failed: outcome.failed,
            reasons: outcome.reasons,
            lost: acknowledged.saturating_sub(here),
            rss_max_mib: number(after.rss_max_kib) / 1024.0,
            drained: drained.into_inner().unwrap_or_default(),
        }
    }

    /// Transactions of so many entries each.
    ///
    /// # Errors
    /// Exit 2 when one is too large.
    pub fn entries(&mut self, transactions: u64, records: u64, size: Size) -> Outcome<Vec<Item>> {
        self.author.height = chain(self.addresses[0])?.1;
        (0..transactions.min(TRANSACTIONS_MAX))
            .map(|_| self.author.entries(records, size))
            .collect()
    }

    /// As many transactions as the nodes take for the scenario's time: first a rough look at the
    /// rate, then the measurement.
    ///
    /// # Errors
    /// Exit 2.
    pub fn saturate(&mut self, scenario: &str, records: u64, size: Size) -> Outcome<Row> {
        let plan = Plan { per_second: None, probe_every: None, batched: self.batched };
        let rough = (ROUGH_TRANSACTIONS / records.min(10)).max(100);
        let items = self.entries(rough, records, size)?;
        let rough = self.measure(scenario, &items, plan).committed_per_second;
        let wanted = Duration::from_secs_f64((rough * number(self.seconds)).clamp(200.0, 1e6));
        let items = self.entries(wanted.as_secs(), records, size)?;
        let row = self.measure(scenario, &items, plan);
        if records == 1 {
            self.entry_keys = self.author.keys();
        }
        Ok(row)
    }

    /// So many transactions per second, by the clock.
    ///
    /// # Errors
    /// Exit 2.
    pub fn at_rate(&mut self, scenario: &str, per_second: u64) -> Outcome<Row> {
        let count = per_second.saturating_mul(self.seconds);
        let items = self.entries(count, 1, Size::Small)?;
        let every = usize::try_from(count / PROBES).unwrap_or(1).max(1);
        let plan = Plan {
            per_second: Some(per_second.max(1)),
            probe_every: Some(every),
            batched: self.batched,
        };
        Ok(self.measure(scenario, &items, plan))
    }

    /// Entries read with their proofs, as fast as the nodes answer.
    pub fn reads(&self) -> Reads {
        let until = Instant::now() + Duration::from_secs(self.seconds.min(10));
        let found: Mutex<(Vec<f64>, u64)> = Mutex::default();
        let before = self.nodes.usage().cpu_us;
        let begun = Instant::now();
        std::thread::scope(|scope| {
            for reader in 0..READERS {
                let (found, keys) = (&found, &self.entry_keys);
                let address = self.addresses[reader % self.addresses.len()];
                scope.spawn(move || {
                    let mut connection = Connection::new(address);
                    let (mut times, mut failed) = (Vec::new(), 0u64);
                    for key in keys.iter().skip(reader).step_by(READERS).cycle() {
                        if Instant::now() > until {
                            break;
                        }
                        let path = format!("/v1/records/{key}?proof=true");
                        let one = Instant::now();
                        let answer = connection.call("GET", &path, None);
                        times.push(micros(one.elapsed()) / 1e3);
                        failed += u64::from(answer.map_or(0, |answer| answer.status) != 200);
                    }
                    let mut found = found.lock().unwrap_or_else(|e| e.into_inner());
                    found.0.append(&mut times);
                    found.1 += failed;
                });
            }
        });
        let seconds = begun.elapsed().as_secs_f64();
        let cpu = number(self.nodes.usage().cpu_us.saturating_sub(before));
        let (mut times, failed) = found.into_inner().unwrap_or_else(|e| e.into_inner());
        let latency_ms = Spread::of(&mut times);
        let count = number(latency_ms.count as u64);
        Reads {
            per_second: ratio(count, seconds),
            latency_ms,
            cpu_us_per_read: ratio(cpu, count),
            failed,
        }
    }

    /// `mulu import` of a generated catalog, as a department runs it.
    ///
    /// # Errors
    /// What the command says.
    pub fn import(&self, entries: u64) -> Outcome<Import> {
        let file = self.nodes.dir.join("bench.csv");
        let shown = file.to_string_lossy().into_owned();
        let (count, profiles) = (entries.to_string(), self.nodes.dir.join("profiles.toml"));
        mulu(&["catalog", "generate", "--count", &count, "--out", &shown])?;
        let profiles = profiles.to_string_lossy().into_owned();
        let before = self.nodes.usage().cpu_us;
        let begun = Instant::now();
        mulu(&[
            "--profiles",
            &profiles,
            "--profile",
            "market-regulation",
            "--yes",
            "--quiet",
            "--timeout",
            "120",
            "import",
            &shown,
            "--source-system",
            "bench",
            "--in-flight",
            "64",
        ])?;
        let seconds = begun.elapsed().as_secs_f64();
        let cpu = number(self.nodes.usage().cpu_us.saturating_sub(before));
        Ok(Import {
            entries,
            file_bytes: std::fs::metadata(&file).map_or(0, |meta| meta.len()),
            seconds,
            entries_per_second: ratio(number(entries), seconds),
            cpu_us_per_entry: ratio(cpu, number(entries)),
        })
    }

    fn log_size(&self) -> u64 {
        let view = status(&mut Connection::new(self.addresses[0])).unwrap_or_default();
        view["log_size"].as_u64().unwrap_or(0)
    }

    /// Submits one transaction and waits for its commit.
    ///
    /// # Errors
    /// Exit 5 when it is refused.
    pub fn commit(&self, item: &Item) -> Outcome<()> {
        let mut connection = Connection::new(self.addresses[0]);
        let path = "/v1/transactions?wait=committed&timeout_ms=20000";
        let answer = connection.call("POST", path, Some(&item.json)).map_err(unreachable)?;
        let view: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if view["outcome"]["result"] == "accepted" {
            return Ok(());
        }
        Err(Failure::new(
            Exit::Rejected,
            text!("a transaction of the preparation: {view}", "准备交易未被接受：{view}"),
        ))
    }

    /// Reads a JSON document of the first node.
    ///
    /// # Errors
    /// Exit 4.
    pub fn get(&self, path: &str) -> Outcome<Value> {
        let mut connection = Connection::new(self.addresses[0]);
        let answer = connection.call("GET", path, None).map_err(unreachable)?;
        Ok(serde_json::from_slice(&answer.body).unwrap_or_default())
    }
}

fn chain(address: SocketAddr) -> Outcome<(mulu_chain::types::ChainId, u64)> {
    let view = status(&mut Connection::new(address)).unwrap_or_default();
    let chain_id = view["chain_id"].as_str().and_then(|id| id.parse().ok());
    let missing = || Failure::new(Exit::Unreachable, text!("a node is silent", "节点无响应"));
    Ok((chain_id.ok_or_else(missing)?, view["height"].as_u64().unwrap_or(0)))
}

#[allow(clippy::needless_pass_by_value)] // For `map_err`.
fn unreachable(error: std::io::Error) -> Failure {
    Failure::new(Exit::Unreachable, text!("a node: {error}", "节点：{error}"))
}

fn mulu(words: &[&str]) -> Outcome<()> {
    let failed = |why: String| Failure::new(Exit::Unreachable, text!("mulu: {why}", "mulu：{why}"));
    let program = std::env::current_exe().map_err(|e| failed(e.to_string()))?;
    let output = Command::new(program).args(words).stdin(Stdio::null()).output();
    let output = output.map_err(|e| failed(e.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
