//! An open-loop load: transactions are due by the clock, whether or not the nodes keep up.
//!
//! Each worker takes the next due transaction, signs it, sends it to a random node and waits for
//! its commit. Connection refused, 429, 503 or no commit in time: the same envelope goes to another
//! node, which is always safe, because a transaction id has one outcome for ever.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mulu_chain::signature::SigningKey;
use mulu_chain::transaction::Envelope;
use mulu_genesis::devnet::DEPARTMENTS;
use serde_json::{Value, json};

use super::ledger_of_acknowledged::Acknowledged;
use super::seeded::Seeded;
use super::view::{Place, Views, agent};
use crate::consortium::Consortium;

/// How long a node is asked to wait for the commit, in milliseconds.
const COMMIT_WAIT_MS: u64 = 1_500;
/// Longest wait for any answer to a submission.
const ANSWER_WAIT: Duration = Duration::from_millis(2_500);
/// Before the next attempt.
const RETRY_PAUSE: Duration = Duration::from_millis(20);
/// How long unfinished transactions may take once no new ones are made.
const FINISH_WAIT: Duration = Duration::from_secs(30);
/// Last height of validity: as far ahead of block 0 as the founding document allows.
const VALID_UNTIL: u64 = 100_000;

/// How much load.
#[derive(Debug, Clone, Copy)]
pub struct LoadPlan {
    /// Transactions due in a second.
    pub per_second: u64,
    /// Transactions under way at once.
    pub workers: u64,
    /// Offices established by one transaction: its size is about 300 bytes for each.
    pub offices: u64,
    /// Seed of the choice of nodes and departments.
    pub seed: u64,
}

/// What became of the load.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Transactions signed and sent.
    pub sent: u64,
    /// Attempts, the first ones included.
    pub attempts: u64,
    /// Whose commit nobody confirmed before the end.
    pub unresolved: u64,
    /// What was refused, although every transaction is valid: the first answers.
    pub refused: Vec<String>,
}

struct Shared {
    plan: LoadPlan,
    urls: Vec<String>,
    signers: Vec<(String, SigningKey)>,
    chain_id: String,
    started: Instant,
    next: AtomicU64,
    stop: AtomicBool,
    acknowledged: Arc<Acknowledged>,
    report: Mutex<LoadReport>,
}

/// A running load; dropping it ends it.
pub struct Load {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts the load on a consortium that answers.
    pub fn start(
        consortium: &Consortium,
        plan: LoadPlan,
        acknowledged: &Arc<Acknowledged>,
    ) -> Load {
        let signers = DEPARTMENTS.iter().map(|department| {
            let file = format!("keys/{}-administrator.pem", department.slug);
            let key = mulu_node::keys::load(&consortium.dir.join(file)).expect("a devnet key");
            (department.uscc.to_owned(), key)
        });
        let shared = Arc::new(Shared {
            plan,
            urls: Views::of(consortium).urls().to_vec(),
            signers: signers.collect(),
            chain_id: "mulu-devnet".to_owned(),
            started: Instant::now(),
            next: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            acknowledged: acknowledged.clone(),
            report: Mutex::default(),
        });
        let workers = (0..plan.workers).map(|worker| {
            let shared = shared.clone();
            std::thread::spawn(move || shared.work(worker))
        });
        Load { workers: workers.collect(), shared }
    }

    /// Makes no more transactions, waits for those under way, and reports.
    pub fn finish(mut self) -> LoadReport {
        self.shared.stop.store(true, SeqCst);
        for worker in self.workers.drain(..) {
            worker.join().expect("a load worker does not panic");
        }
        self.shared.report().clone()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.shared.stop.store(true, SeqCst);
    }
}

impl Shared {
    fn report(&self) -> std::sync::MutexGuard<'_, LoadReport> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, worker: u64) {
        let mut random = Seeded::new(self.plan.seed ^ (worker << 32));
        let agent = agent(ANSWER_WAIT);
        while !self.stop.load(SeqCst) {
            let number = self.next.fetch_add(1, SeqCst);
            let due = Duration::from_micros(number * 1_000_000 / self.plan.per_second.max(1));
            while self.started.elapsed() < due {
                if self.stop.load(SeqCst) {
                    return;
                }
                std::thread::sleep((due - self.started.elapsed().min(due)).min(RETRY_PAUSE));
            }
            let envelope = self.envelope(number, &mut random);
            self.report().sent += 1;
            self.deliver(&agent, &envelope, &mut random);
        }
    }

    /// Sends one transaction until its commit is confirmed.
    fn deliver(&self, agent: &ureq::Agent, envelope: &Envelope, random: &mut Seeded) {
        let (id, body) = (envelope.id().to_string(), envelope.to_json().to_string());
        let mut give_up: Option<Instant> = None;
        loop {
            let node = random.index(self.urls.len());
            self.report().attempts += 1;
            match self.attempt(agent, node, &body) {
                Some((200, view)) if view["id"] == id.as_str() => match Place::of(&view) {
                    Some(place) => return self.acknowledged.acknowledge(node, &id, place),
                    None => return self.refuse(format!("unreadable commit: {view}")),
                },
                Some((400..=428 | 430..=499, problem)) => {
                    return self.refuse(format!("{id}: {problem}"));
                }
                // Not reached, queued only, full, not ready: another node, a little later.
                _ => {}
            }
            if self.stop.load(SeqCst) {
                let end = *give_up.get_or_insert_with(|| Instant::now() + FINISH_WAIT);
                if Instant::now() > end {
                    self.report().unresolved += 1;
                    return;
                }
            }
            std::thread::sleep(RETRY_PAUSE);
        }
    }

    fn attempt(&self, agent: &ureq::Agent, node: usize, body: &str) -> Option<(u16, Value)> {
        let url = &self.urls[node];
        let url = format!("{url}/v1/transactions?wait=committed&timeout_ms={COMMIT_WAIT_MS}");
        let mut answer =
            agent.post(url).header("content-type", "application/json").send(body).ok()?;
        Some((answer.status().as_u16(), answer.body_mut().read_json().ok()?))
    }

    fn refuse(&self, why: String) {
        const SHOWN_MAX: usize = 5;
        let mut report = self.report();
        if report.refused.len() < SHOWN_MAX {
            report.refused.push(why);
        }
    }

    /// A transaction that is valid whenever it is committed: offices nobody else establishes.
    fn envelope(&self, number: u64, random: &mut Seeded) -> Envelope {
        let (member, key) = &self.signers[random.index(self.signers.len())];
        let seed = self.plan.seed;
        let actions: Vec<Value> = (0..self.plan.offices)
            .map(|part| {
                let code = format!("l{:x}-{number:x}-{part:x}", seed & 0xffff_ffff);
                let name = format!("压力测试处室 {code} {:0>64}", random.number());
                json!({"type": "office.establish", "office": {"code": code, "name": name}})
            })
            .collect();
        let payload = json!({
            "schema_version": 1, "chain_id": self.chain_id,
            "submitter": {"member": member},
            "valid_until": VALID_UNTIL, "actions": actions,
        });
        Envelope::sign(payload.to_string().into_bytes(), &[key]).expect("a valid envelope")
    }
}
