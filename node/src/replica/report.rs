//! Putting equivocations on the chain: a validator that noticed one reports it with its own key. So
//! does one that has left the set or is not in it yet: what it heard is as good.

use mulu_chain::transaction::{Envelope, EnvelopeSignature, pae};
use mulu_chain::types::Height;
use mulu_contracts::evidence::{Equivocation, is_recorded, transaction_payload};
use mulu_contracts::key::Key;
use mulu_contracts::limits::EVIDENCE_HEIGHTS_MAX;
use mulu_contracts::state::{self, key_key};
use mulu_contracts::transaction::Transaction;

use super::core::{Inner, ReplicaError};
use super::executor::ExecutionError;
use super::handle::SubmitVerdict;
use super::standing::Standing;

/// Heights for which a report may be committed; after them it is made again.
pub const REPORT_HEIGHTS_MAX: u64 = 100;
/// How long each validator leaves the report to those before it in the set, in milliseconds: all
/// notice the same, one report is enough.
pub const REPORT_TURN_MS: u64 = 3_000;

impl Inner {
    /// Reports what is found and not on the chain yet, if this node has a registered validator key
    /// and it is its turn: the set's validators by their places, then all others.
    pub(super) fn report_equivocations(&mut self) -> Result<(), ReplicaError> {
        if mulu_chain::planted!("planted-evidence-not-reported") {
            return Ok(());
        }
        let Some(own) = self.own_key() else { return Ok(()) };
        let pending = self.watch.pending();
        if pending.is_empty() || self.guard.standing != Standing::Sure || self.listening {
            return Ok(());
        }
        let key: Option<Key> =
            state::get(&self.ledger, &key_key(&own)).map_err(ExecutionError::State)?;
        let Some(Key { member: reporter, .. }) = key else { return Ok(()) };
        let validators = self.validators.chain_set().validators();
        let place = validators.iter().position(|v| v.public_key == own);
        let patience = REPORT_TURN_MS.saturating_mul(place.unwrap_or(validators.len()) as u64);
        let tip = self.tip.header.height;
        for found in pending {
            let equivocation = &found.equivocation;
            let known = is_recorded(&self.ledger, equivocation).map_err(ExecutionError::State)?;
            let old = equivocation.height.0.saturating_add(EVIDENCE_HEIGHTS_MAX) < tip.0;
            if known || old {
                self.watch.settle(equivocation);
                continue;
            }
            // One try a height: a report that the rules refuse now is refused until the next.
            let waits = found
                .report
                .is_some_and(|(report, made)| made == tip || self.mempool.contains(&report));
            if waits || self.elapsed.0.saturating_sub(found.since.0) < patience {
                continue;
            }
            let Some(report) = self.make_report(&reporter, equivocation) else {
                self.watch.settle(equivocation);
                continue;
            };
            self.watch.reported(equivocation, report.id(), tip);
            match self.queue(report)? {
                SubmitVerdict::Queued | SubmitVerdict::AlreadyQueued => {}
                refused => tracing::warn!(?refused, "the report of an equivocation waits"),
            }
        }
        Ok(())
    }

    /// A signed report; none if this node's signatures are not the chain's, as in a simulator.
    fn make_report(&self, reporter: &str, equivocation: &Equivocation) -> Option<Transaction> {
        let signer = self.signer.as_ref()?;
        let until = Height(self.tip.header.height.0.saturating_add(REPORT_HEIGHTS_MAX));
        let payload = transaction_payload(&self.chain_id, reporter, until, equivocation.clone());
        let signature = signer.sign(&pae(&payload));
        let signature = EnvelopeSignature { key: signer.public_key(), signature };
        let verified = Envelope::new(payload, vec![signature]).ok()?.verify().ok()?;
        Transaction::parse(verified, &self.chain_id).ok()
    }
}
