//! How the consortium changes itself while faults strike: validators come and go, parameters change.
//!
//! A set of validators is chosen so that the chain's promise still holds for it: the liars and the
//! departments whose disks forget have less than a third of its power. One change of the set is
//! under way at a time, so that what one node's old view suggests cannot add up to more.

use mulu_chain::signature::{PublicKey, SigningKey};
use mulu_chain::transaction::TransactionId;
use mulu_chain::validator::{Validator, ValidatorSet};
use mulu_contracts::params::{Params, ParamsRecord};
use mulu_contracts::state::{PARAMS_KEY, version_hash};
use mulu_node::storage::Ledger;
use serde_json::{Value, json};

use crate::sim::consortium::{Consortium, Use, key};
use crate::sim::plan::Plan;
use crate::sim::random::Random;

/// The change of the set under way, and who must not get a third of the power.
pub struct Reform {
    consortium: &'static Consortium,
    faulty: Vec<PublicKey>,
    /// Departments whose nodes have a validator key.
    eligible: usize,
    under_way: Option<TransactionId>,
}

impl Reform {
    /// Nothing has changed yet.
    pub fn new(consortium: &'static Consortium, plan: &Plan) -> Self {
        let validator = |department: &usize| consortium.departments[*department].validator;
        let liars = plan.byzantine.iter().map(|(department, _)| department);
        Reform {
            consortium,
            faulty: liars.chain(&plan.damaged).map(validator).collect(),
            eligible: plan.validators + usize::from(plan.candidate),
            under_way: None,
        }
    }

    /// A change of the set was signed.
    pub fn begun(&mut self, id: TransactionId) {
        self.under_way = Some(id);
    }

    /// Who signs: the authority and every department's administrator.
    pub fn leaders(&self) -> Vec<SigningKey> {
        let departments = 0..self.consortium.departments.len();
        let administrators = departments.map(|department| key(department, Use::Administrator));
        administrators.chain([key(0, Use::Authority)]).collect()
    }

    /// A validator that goes or one that comes.
    pub fn of_validators(&self, ledger: &Ledger, random: &mut Random) -> Option<Value> {
        let settled = |id: &TransactionId| matches!(ledger.transaction(id), Ok(Some(_)));
        if !self.under_way.as_ref().is_none_or(settled) {
            return None;
        }
        let set = ledger.next_validators().ok()??;
        let departments = &self.consortium.departments[..self.eligible];
        let outside: Vec<Validator> = departments
            .iter()
            .filter(|department| set.get(&department.validator).is_none())
            .map(|department| Validator {
                member: department.uscc.clone(),
                public_key: department.validator,
                power: random.between(1, 2),
            })
            .filter(|new| self.holds(set.validators().iter().chain([new])))
            .collect();
        let leaving: Vec<&Validator> = set
            .validators()
            .iter()
            .filter(|old| self.holds(set.validators().iter().filter(|v| v != old)))
            .collect();
        let accused = leaving.iter().find(|old| {
            let prefix = format!("evidence/{}/", old.public_key);
            ledger.records(&prefix, None, 1).is_ok_and(|found| !found.is_empty())
        });
        let admit = |new: &Validator| json!([{"type": "validator.admit", "validator": new}]);
        let retire = |old: &Validator| json!([{"type": "validator.retire", "public_key": old.public_key, "reason": "轮换"}]);
        match accused {
            Some(old) => Some(retire(old)),
            None if random.chance(1, 2) => random.pick(&leaving).map(|old| retire(old)),
            None => random.pick(&outside).map(admit),
        }
    }

    /// Whether the chain's promise holds for a set: three validators at least, and the faulty ones
    /// have less than a third of the power.
    fn holds<'a>(&self, validators: impl Iterator<Item = &'a Validator> + Clone) -> bool {
        let Ok(set) = ValidatorSet::new(validators.clone().cloned().collect()) else {
            return false;
        };
        let faulty = validators.filter(|v| self.faulty.contains(&v.public_key));
        let faulty: u64 = faulty.map(|v| v.power).sum();
        set.validators().len() >= 3 && 3 * faulty < set.total_power()
    }

    /// One parameter becomes another, now or some heights later.
    pub fn of_params(&self, ledger: &Ledger, random: &mut Random) -> Option<Value> {
        let stored = ledger.record(PARAMS_KEY).ok()??;
        let height = ledger.height().ok()?;
        let record: ParamsRecord = serde_json::from_slice(&stored).ok()?;
        let mut params = record.at(height);
        match random.below(5) {
            0 => params.block_transactions_max = u32::try_from(random.between(1, 5)).ok()?,
            1 => params.block_transactions_max = Params::default().block_transactions_max,
            2 => {
                let bytes = random.between(128 * 1024, 2 * 1024 * 1024);
                params.block_bytes_max = u32::try_from(bytes).ok()?;
            }
            3 => params.heartbeat_ms = random.between(5_000, 30_000),
            _ => params.block_time_drift_ms = random.between(4_000, 8_000),
        }
        let prev = version_hash(&stored);
        let mut action = json!({"type": "params.change", "params": params, "prev": prev});
        if random.chance(1, 3) {
            action["in_force_from"] = json!(height.0 + random.between(2, 12));
        }
        Some(json!([action]))
    }
}
