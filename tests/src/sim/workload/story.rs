//! What the clients of an application seed do: departments publish entries, ask for and grant their
//! use, record receipts, revoke keys, go on signing with revoked ones, and change the consortium.
//!
//! Each step is chosen from what one honest node's ledger shows at the time, which may be old: some
//! of it is refused, as in life.

use mulu_chain::digest::Digest;
use mulu_chain::types::Height;
use mulu_contracts::evidence::{Equivocation, EvidenceStep, Statement};
use mulu_contracts::state::{entry_id, entry_key, receipt_chain_key, version_hash};
use mulu_contracts::transaction::Transaction;
use mulu_node::storage::Ledger;
use serde_json::{Value, json};

use super::reform::Reform;
use super::sign;
use crate::sim::consortium::{Consortium, DUTY, OFFICE, SYSTEM, Use, key};
use crate::sim::plan::Plan;
use crate::sim::random::Random;

/// Most authorizations looked at.
const AUTHORIZATIONS_MAX: usize = 64;
/// Heights a transaction stays valid.
const VALID_HEIGHTS: u64 = 2_000;

/// The clients' memory.
pub struct Story {
    consortium: &'static Consortium,
    random: Random,
    seed: u64,
    published: u64,
    offices: u64,
    revoked: Option<usize>,
    reform: Reform,
}

impl Story {
    /// A story that nothing has happened in.
    pub fn new(consortium: &'static Consortium, random: Random, plan: &Plan) -> Self {
        let reform = Reform::new(consortium, plan);
        let seed = plan.seed;
        Story { consortium, random, seed, published: 0, offices: 0, revoked: None, reform }
    }

    /// The next transaction.
    pub fn next(&mut self, ledger: &Ledger, now_ms: u64) -> Option<Transaction> {
        let height = ledger.height().ok()?.0;
        match self.random.below(12) {
            0 | 1 => self.publish(height),
            2 | 3 => self.request(ledger, height, now_ms),
            4..=7 => self.go_on(ledger, height, now_ms).or_else(|| self.publish(height)),
            8 if self.random.chance(1, 3) => self.accuse(height),
            8 => self.revoke(height),
            9 => self.office(height),
            10 => self.reform_validators(ledger, height).or_else(|| self.office(height)),
            _ => self.reform_params(ledger, height),
        }
    }

    fn department(&mut self) -> usize {
        self.random.index(self.consortium.validators)
    }

    fn code(department: usize, number: u64) -> String {
        format!("30600{department}/{number}")
    }

    fn publish(&mut self, height: u64) -> Option<Transaction> {
        let department = self.department();
        self.published += 1;
        let uscc = &self.consortium.departments[department].uscc;
        let action = json!([{"type": "entry.publish", "entry": {
            "codes": [Self::code(department, self.published)],
            "name": format!("法人登记信息{}-{}", self.seed, self.published),
            "office": format!("{uscc}:{OFFICE}"), "region": "110000",
            "summary": "法人单位的登记信息。", "keywords": ["法人"],
            "formats": [{"category": "database", "type": "mysql"}],
            "items": [
                {"item_id": "name", "name": "名称", "type": "C", "length": 200},
                {"item_id": "capital", "name": "注册资本", "type": "N", "level": "general-2"},
            ],
            "share": {"type": "conditional", "condition": "履职所需", "methods": ["platform-api"]},
            "open": {"is_open": false}, "update_cycle": "daily", "published_at": "2025-11-01",
            "level": "general-2", "personal_info": "none",
            "responsibilities": [format!("{uscc}:{DUTY}")],
            "systems": [{"system": format!("{uscc}:{SYSTEM}"), "table": "t1"}],
        }}]);
        let officer = key(department, Use::Officer);
        Some(self.signed(department, false, height, action, &[&officer]))
    }

    fn office(&mut self, height: u64) -> Option<Transaction> {
        let department = self.department();
        self.offices += 1;
        let code = format!("s{}", self.offices);
        let action =
            json!([{"type": "office.establish", "office": {"code": code, "name": "新处室"}}]);
        let administrator = key(department, Use::Administrator);
        Some(self.signed(department, false, height, action, &[&administrator]))
    }

    /// An application key is revoked; from then on its owner signs with it now and then.
    fn revoke(&mut self, height: u64) -> Option<Transaction> {
        match self.revoked {
            None => {
                let department = self.department();
                self.revoked = Some(department);
                let key_ = key(department, Use::Application).public_key().to_string();
                let action = json!([{"type": "key.revoke", "public_key": key_, "reason": "泄露"}]);
                let administrator = key(department, Use::Administrator);
                Some(self.signed(department, false, height, action, &[&administrator]))
            }
            Some(department) => {
                let action = self.request_action(department, 1, &Digest::ZERO, 0);
                let stolen = key(department, Use::Application);
                Some(self.signed(department, true, height, action, &[&stolen]))
            }
        }
    }

    fn reform_validators(&mut self, ledger: &Ledger, height: u64) -> Option<Transaction> {
        let action = self.reform.of_validators(ledger, &mut self.random)?;
        let transaction = self.signed_by_all(height, action);
        self.reform.begun(transaction.id());
        Some(transaction)
    }

    fn reform_params(&mut self, ledger: &Ledger, height: u64) -> Option<Transaction> {
        let action = self.reform.of_params(ledger, &mut self.random)?;
        Some(self.signed_by_all(height, action))
    }

    fn signed_by_all(&self, height: u64, action: Value) -> Transaction {
        let leaders = self.reform.leaders();
        self.signed(0, false, height, action, &leaders.iter().collect::<Vec<_>>())
    }

    /// A department accuses another's validator of what it never signed.
    fn accuse(&mut self, height: u64) -> Option<Transaction> {
        let (department, accused) = (self.department(), self.department());
        let statement = |block| Statement {
            block,
            valid_round: None,
            signature: key(department, Use::Officer).sign(b"never said"),
        };
        let evidence = Equivocation {
            validator: key(accused, Use::Validator).public_key(),
            height: Height(height),
            round: 0,
            step: EvidenceStep::Prevote,
            first: statement(None),
            second: statement(Some(Digest::ZERO)),
        };
        let evidence = evidence.ordered(self.consortium.chain_id());
        let action = json!([{"type": "evidence.record", "evidence": evidence}]);
        let administrator = key(department, Use::Administrator);
        Some(self.signed(department, false, height, action, &[&administrator]))
    }

    fn request_action(&self, owner: usize, number: u64, version: &Digest, from_ms: u64) -> Value {
        let id = entry_id(&Self::code(owner, number));
        json!([{"type": "authorization.request", "entry_id": id, "entry_version": version,
            "items": ["name"], "purpose": purpose(), "scope": "本处室", "method": "platform-api",
            "window": {"from_ms": from_ms, "to_ms": from_ms + 86_400_000},
            "limits": {"calls": 100}}])
    }

    fn request(&mut self, ledger: &Ledger, height: u64, now_ms: u64) -> Option<Transaction> {
        let number = self.random.between(1, self.published.max(1));
        let entries =
            (0..self.consortium.validators).map(|owner| (owner, Self::code(owner, number)));
        let found = entries.into_iter().find_map(|(owner, code)| {
            let value = ledger.record(&entry_key(&entry_id(&code))).ok()??;
            Some((owner, version_hash(&value)))
        });
        let (owner, version) = found?;
        let consumer = (owner + 1 + self.random.index(self.consortium.validators - 1))
            % self.consortium.validators;
        let action = self.request_action(owner, number, &version, now_ms);
        // Half of them by a program, whose key may have been revoked.
        let use_ = if self.random.chance(1, 2) { Use::Application } else { Use::Officer };
        let signer = key(consumer, use_);
        Some(self.signed(consumer, true, height, action, &[&signer]))
    }

    /// Some authorization's next step.
    fn go_on(&mut self, ledger: &Ledger, height: u64, now_ms: u64) -> Option<Transaction> {
        let records = ledger.records("authorization/", None, AUTHORIZATIONS_MAX).ok()?;
        let (_, value) = self.random.pick(&records)?;
        let authorization: Value = serde_json::from_slice(value).ok()?;
        let party = |role: &str| {
            let uscc = authorization[role].as_str()?;
            self.consortium.departments.iter().position(|department| department.uscc == uscc)
        };
        let (provider, consumer) = (party("provider")?, party("consumer")?);
        let (id, terms) = (&authorization["authorization_id"], &authorization["terms_hash"]);
        let (giver, taker) = (key(provider, Use::Officer), key(consumer, Use::Officer));
        match authorization["status"].as_str()? {
            "requested" => {
                let action = json!([{"type": "authorization.agree", "authorization_id": id}]);
                Some(self.signed(provider, true, height, action, &[&giver]))
            }
            "agreed" => {
                let action = json!([{"type": "authorization.finalize", "authorization_id": id,
                    "terms_hash": terms}]);
                Some(self.signed(consumer, true, height, action, &[&taker, &giver]))
            }
            "finalized" => {
                let id: Digest = id.as_str()?.parse().ok()?;
                let uscc = &self.consortium.departments[consumer].uscc;
                let last = ledger.record(&receipt_chain_key(&id, uscc)).ok()?;
                let last: Option<Value> = last.and_then(|v| serde_json::from_slice(&v).ok());
                let seq = last.as_ref().and_then(|last| last["seq"].as_u64()).unwrap_or(0) + 1;
                let mut receipt = json!({"type": "receipt.record", "authorization_id": id,
                    "terms_hash": terms, "kind": "used", "items": ["name"],
                    "purpose": purpose(), "window": {"from_ms": now_ms, "to_ms": now_ms + 1_000},
                    "counts": {"calls": 1 + self.random.below(40), "records": 4}, "seq": seq});
                if let Some(last) = &last {
                    receipt["prev_receipt"] = last["receipt_id"].clone();
                }
                Some(self.signed(consumer, true, height, json!([receipt]), &[&taker]))
            }
            _ => None,
        }
    }

    fn signed(
        &self,
        department: usize,
        office: bool,
        height: u64,
        actions: Value,
        keys: &[&mulu_chain::signature::SigningKey],
    ) -> Transaction {
        sign(self.consortium, department, office, height + VALID_HEIGHTS, actions, keys)
    }
}

fn purpose() -> Value {
    json!({"basis": "行政许可法第十条", "scenario": "许可审查"})
}
