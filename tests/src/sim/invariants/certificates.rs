//! Every commit certificate holds more than two thirds of the power of the set that the chain itself
//! says decides its height, each signer once, each signature valid. Counted here anew, not with the
//! node's own code.

use std::collections::{BTreeMap, BTreeSet};

use mulu_chain::certificate::{VoteKind, VoteStatement};
use mulu_chain::types::{ChainId, Height};
use mulu_chain::validator::ValidatorSet;
use mulu_node::replica::signing::Verifier;

use super::{Commit, Verdict, violated};

/// The set of each height, from block 0 and what committed blocks say.
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
        let sets = BTreeMap::from([(Height(1), founding)]);
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
        let fits = set.hash() == header.validator_set_hash && certificate.block == header.id();
        if power * 3 <= total * 2 || !fits {
            return violated(
                "certificates",
                format!("node {} committed {} with {power} of {total}", commit.node, header.height),
            );
        }
        self.sets
            .entry(header.height.next())
            .or_insert_with(|| commit.decided.next_validators.clone());
        Ok(())
    }
}
