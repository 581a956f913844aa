//! The simulated clients: what they submit, when, and that they try again what they have no answer
//! for.

mod reform;
pub mod story;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use mulu_chain::signature::SigningKey;
use mulu_chain::transaction::{Envelope, TransactionId};
use mulu_contracts::transaction::Transaction;
use mulu_node::replica::handle::SubmitVerdict;
use mulu_node::storage::Ledger;
use serde_json::{Value, json};

use super::consortium::{Consortium, Use, key};
use super::plan::{Plan, Profile};
use super::random::Random;
use story::Story;

/// Offices of which transactions are signed once for all seeds, for each department.
const POOL: usize = 12;

/// The clients of one run.
pub struct Workload {
    random: Random,
    consortium: &'static Consortium,
    wanted: u64,
    story: Option<Story>,
    /// Sent and not known to be committed, in order of sending.
    open: Vec<Transaction>,
    sent: BTreeMap<TransactionId, u64>,
    current: Option<TransactionId>,
    next_pooled: usize,
    /// How often a submission was refused by the rules.
    pub refused: u64,
}

/// Signs a payload of one member.
pub fn sign(
    consortium: &Consortium,
    department: usize,
    office: bool,
    valid_until: u64,
    actions: Value,
    keys: &[&SigningKey],
) -> Transaction {
    let uscc = &consortium.departments[department].uscc;
    let mut submitter = json!({ "member": uscc });
    if office {
        submitter["office"] = json!(format!("{uscc}:{}", super::consortium::OFFICE));
    }
    let payload = json!({
        "schema_version": 1, "chain_id": consortium.chain_id().as_str(),
        "submitter": submitter, "valid_until": valid_until, "actions": actions,
    });
    let bytes = serde_json::to_vec(&payload).expect("JSON");
    let envelope = Envelope::sign(bytes, keys).expect("an envelope");
    let verified = envelope.verify().expect("signed above");
    Transaction::parse(verified, consortium.chain_id()).expect("a transaction of this chain")
}

/// Transactions that establish offices, signed once for all seeds.
fn pool(consortium: &'static Consortium) -> &'static [Transaction] {
    static FOUR: OnceLock<Vec<Transaction>> = OnceLock::new();
    static SEVEN: OnceLock<Vec<Transaction>> = OnceLock::new();
    let make = || {
        let of = |number: usize| {
            let department = number % consortium.validators;
            let action = json!([{"type": "office.establish",
                "office": {"code": format!("t{number}"), "name": "新处室"}}]);
            let key = key(department, Use::Administrator);
            sign(consortium, department, false, 5_000, action, &[&key])
        };
        (0..POOL * consortium.validators).map(of).collect()
    };
    if consortium.validators == 7 { SEVEN.get_or_init(make) } else { FOUR.get_or_init(make) }
}

impl Workload {
    /// The clients of a plan.
    pub fn new(plan: &Plan, consortium: &'static Consortium, mut random: Random) -> Self {
        let story = (plan.profile == Profile::Application)
            .then(|| Story::new(consortium, random.fork(), plan));
        Workload {
            next_pooled: random.index(POOL),
            random,
            consortium,
            wanted: plan.transactions,
            story,
            open: Vec::new(),
            sent: BTreeMap::new(),
            current: None,
            refused: 0,
        }
    }

    /// When clients act before the quiet, in milliseconds from the start.
    pub fn times(&mut self, quiet_at_ms: u64) -> Vec<u64> {
        (0..self.wanted).map(|_| self.random.below(quiet_at_ms)).collect()
    }

    /// The next thing to submit. What was sent and not committed is sent again now and then, always
    /// once the network is quiet.
    pub fn next(
        &mut self,
        ledger: Option<&Ledger>,
        now_ms: u64,
        quiet: bool,
        done: &dyn Fn(&TransactionId) -> bool,
    ) -> Option<Transaction> {
        self.open.retain(|t| !done(&t.id()));
        let again = if quiet { !self.open.is_empty() } else { self.random.chance(1, 3) };
        if again && let Some(transaction) = self.random.pick(&self.open) {
            return Some(transaction.clone());
        }
        let fresh = match &mut self.story {
            Some(story) => story.next(ledger?, now_ms)?,
            None => {
                let pool = pool(self.consortium);
                self.next_pooled += 1;
                pool.get(self.next_pooled % pool.len())?.clone()
            }
        };
        self.open.push(fresh.clone());
        Some(fresh)
    }

    /// A transaction is about to be submitted.
    pub fn sent(&mut self, id: TransactionId) {
        *self.sent.entry(id).or_default() += 1;
        self.current = Some(id);
    }

    /// The node's answer to what was submitted last. What the rules refuse is not tried again.
    pub fn on_reply(&mut self, verdict: &SubmitVerdict) {
        if let SubmitVerdict::Rejected(_) = verdict {
            self.refused += 1;
            let current = self.current.take();
            self.open.retain(|t| Some(t.id()) != current);
        }
    }

    /// Whether everything that was queued somewhere is committed.
    pub fn is_settled(&mut self, done: &dyn Fn(&TransactionId) -> bool) -> bool {
        self.open.retain(|t| !done(&t.id()));
        self.open.is_empty()
    }
}
