//! The lock rule: a validator that precommitted a block prevotes another one at the same height only
//! if more than two thirds prevoted that other block in a later round than its precommit's.

use std::collections::{BTreeMap, BTreeSet};

use mulu_chain::digest::Digest;
use mulu_chain::signature::PublicKey;
use mulu_chain::types::Height;
use mulu_chain::validator::ValidatorSet;
use mulu_node::replica::wire::WirePolka;

use super::{Verdict, violated};
use crate::sim::statement::{Statement, Step};

/// Who prevoted what, and what each validator is locked on.
#[derive(Debug, Default)]
pub struct Locking {
    prevotes: BTreeMap<(Height, u32, Digest), BTreeSet<PublicKey>>,
    locks: BTreeMap<(PublicKey, Height), (u32, Digest)>,
}

impl Locking {
    /// A node showed a quorum of prevotes. Liars show what their own replica found before they
    /// change it.
    pub fn on_polka(&mut self, polka: &WirePolka) {
        let voters = polka.signatures.iter().map(|(validator, _)| *validator);
        self.prevotes.entry((polka.height, polka.round, polka.block)).or_default().extend(voters);
    }

    /// Anybody, liars too, said something.
    pub fn on_any_said(&mut self, statement: &Statement) {
        if let (Step::Prevote, Some(block)) = (statement.step, statement.block) {
            let place = (statement.height, statement.round, block);
            self.prevotes.entry(place).or_default().insert(statement.validator);
        }
    }

    /// An honest validator says something; `set` decides its height.
    pub fn on_said(&mut self, statement: &Statement, set: &ValidatorSet) -> Verdict {
        let Some(block) = statement.block else { return Ok(()) };
        let key = (statement.validator, statement.height);
        match statement.step {
            Step::Proposal => Ok(()),
            Step::Precommit => {
                let lock = self.locks.entry(key).or_insert((statement.round, block));
                if statement.round >= lock.0 {
                    *lock = (statement.round, block);
                }
                Ok(())
            }
            Step::Prevote => {
                let Some((round, locked)) = self.locks.get(&key).copied() else { return Ok(()) };
                if locked == block || statement.round <= round {
                    return Ok(());
                }
                let released = (round..statement.round).any(|later| {
                    let voters = self.prevotes.get(&(statement.height, later, block));
                    voters.is_some_and(|voters| {
                        let power = |voter| set.get(voter).map_or(0, |validator| validator.power);
                        let total: u64 = set.validators().iter().map(|v| v.power).sum();
                        voters.iter().map(power).sum::<u64>() * 3 > total * 2
                    })
                });
                if released {
                    return Ok(());
                }
                violated("lock rule", format!("{statement:?} though locked on {locked} in {round}"))
            }
        }
    }
}
