//! All invariants of one run, and what the run counts.

use std::collections::BTreeMap;

use mulu_contracts::state::{PARAMS_KEY, VALIDATORS_KEY};
use mulu_node::replica::signing::Verifier;

use super::consortium::Consortium;
use super::invariants::acknowledged::Acknowledged;
use super::invariants::agreement::Agreement;
use super::invariants::certificates::Certificates;
use super::invariants::evidence::EvidenceSeen;
use super::invariants::locking::Locking;
use super::invariants::order::Order;
use super::invariants::revoked::Revoked;
use super::invariants::signing::Signing;
use super::invariants::time::Time;
use super::invariants::uniqueness::Uniqueness;
use super::invariants::{Commit, Verdict};

/// What a run counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Faults that struck, by kind, and how often the consortium changed meanwhile.
    pub faults: BTreeMap<&'static str, u64>,
    /// Messages sent.
    pub messages: u64,
    /// Messages lost.
    pub lost: u64,
    /// Blocks committed by honest nodes.
    pub commits: u64,
    /// Accusations on the chain.
    pub accusations: u64,
    /// Mutations of the final chain that the auditor refused.
    pub mutations_refused: u64,
}

/// The invariants.
pub struct Oracles {
    pub(super) agreement: Agreement,
    pub(super) order: Order,
    pub(super) signing: Signing,
    pub(super) locking: Locking,
    pub(super) time: Time,
    pub(super) certificates: Certificates,
    pub(super) uniqueness: Uniqueness,
    pub(super) acknowledged: Acknowledged,
    pub(super) revoked: Revoked,
    pub(super) evidence: EvidenceSeen,
    pub(super) stats: Stats,
}

impl Oracles {
    /// Before anything happened.
    pub fn new(consortium: &Consortium) -> Self {
        let founding = consortium.founding.block();
        Oracles {
            agreement: Agreement::default(),
            order: Order::default(),
            signing: Signing::default(),
            locking: Locking::default(),
            time: Time::new(consortium.params()),
            certificates: Certificates::new(
                consortium.chain_id().clone(),
                founding.validators.clone(),
            ),
            uniqueness: Uniqueness::default(),
            acknowledged: Acknowledged::default(),
            revoked: Revoked::default(),
            evidence: EvidenceSeen::default(),
            stats: Stats::default(),
        }
    }

    /// An honest node committed a block.
    pub fn on_commit(&mut self, commit: Commit<'_>, verifier: &dyn Verifier) -> Verdict {
        self.stats.commits += 1;
        if commit.header().height > self.agreement.height() {
            let changed = |record: &str| commit.decided.changes.contains_key(record);
            for (record, kind) in
                [(VALIDATORS_KEY, "validators_changed"), (PARAMS_KEY, "parameters_changed")]
            {
                *self.stats.faults.entry(kind).or_default() += u64::from(changed(record));
            }
        }
        self.order.on_commit(&commit)?;
        self.agreement.on_commit(&commit)?;
        self.certificates.on_commit(&commit, verifier)?;
        self.uniqueness.on_commit(&commit)?;
        self.revoked.on_commit(&commit)?;
        self.acknowledged.on_commit(&commit);
        Ok(())
    }
}
