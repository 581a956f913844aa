//! Every commit certificate holds more than two thirds of the power of the set that decides its
//! height, each signer once, each signature valid; and no honest node speaks as a validator that it
//! is not. The sets are derived here anew from the records that blocks wrote, and the power is
//! counted here, not with the node's own code.

use std::collections::{BTreeMap, BTreeSet};

use mulu_chain::certificate::{VoteKind, VoteStatement};
use mulu_chain::types::{ChainId, Height};
use mulu_chain::validator::{Validator, ValidatorSet};
use mulu_contracts::state::VALIDATORS_KEY;
use mulu_node::replica::signing::Verifier;

use super::{Commit, Verdict, Violation, violated};
use crate::sim::statement::Statement;

/// The set of each height: what block *h* writes decides height *h* + 2.
#[derive(Debug)]
pub struct Certificates {
    chain_id: ChainId,
    sets: BTreeMap<Height, ValidatorSet>,
    /// Certificates counted.
    pub counted: u64,
}

impl Certificates {
    /// Begins with the founding set.
    pub fn new(chain_id: ChainId, founding: ValidatorSet) -> Self {
        let sets = BTreeMap::from([(Height(1), founding.clone()), (Height(2), founding)]);
        Certificates { chain_id, sets, counted: 0 }
    }

    /// A node committed a block.
    pub fn on_commit(&mut self, commit: &Commit<'_>, verifier: &dyn Verifier) -> Verdict {
        let header = commit.header();
        let certificate = &commit.decided.block.certificate;
        let Some(set) = self.sets.get(&header.height) else {
            return violated("certificates", format!("no set is known for {}", header.height));
        };
        let mut signers = BTreeSet::new();
        let mut power = 0;
        for signature in &certificate.signatures {
            let statement = VoteStatement {
                chain_id: self.chain_id.clone(),
                height: header.height,
                round: certificate.round,
                kind: VoteKind::Precommit,
                block: Some(header.id()),
            };
            let valid = verifier.verify(
                &signature.validator,
                &statement.signed_bytes(),
                &signature.signature,
            );
            if valid && signers.insert(signature.validator) {
                power += set.get(&signature.validator).map_or(0, |v| v.power);
            }
        }
        self.counted += 1;
        let total: u64 = set.validators().iter().map(|v| v.power).sum();
        let next = self.sets.get(&header.height.next());
        let fits = set.hash() == header.validator_set_hash
            && next.map(ValidatorSet::hash) == Some(header.next_validator_set_hash)
            && next == Some(&commit.decided.next_validators)
            && certificate.block == header.id();
        if power * 3 <= total * 2 || !fits {
            return violated(
                "certificates",
                format!("node {} committed {} with {power} of {total}", commit.node, header.height),
            );
        }
        let written = commit.decided.changes.get(VALIDATORS_KEY);
        let after = match written.map(|bytes| serde_json::from_slice::<Vec<Validator>>(bytes)) {
            Some(list) => list.ok().and_then(|list| ValidatorSet::new(list).ok()),
            None => next.cloned(),
        };
        let Some(after) = after else {
            return violated("certificates", format!("block {} writes no set", header.height));
        };
        self.sets.entry(header.height.next().next()).or_insert(after);
        Ok(())
    }

    /// The set that decides the height of what an honest node says; it must hold the speaker.
    pub fn set_of(&self, node: usize, said: &Statement) -> Result<&ValidatorSet, Violation> {
        let set = self.sets.get(&said.height);
        set.filter(|set| set.get(&said.validator).is_some()).ok_or_else(|| Violation {
            invariant: "only validators speak",
            detail: format!("node {node}: {said:?}"),
        })
    }
}
