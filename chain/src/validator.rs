//! Validators, their set, and the quorum.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::codec;
use crate::digest::{Digest, Domain};
use crate::limits::VALIDATORS_MAX;
use crate::signature::PublicKey;
use crate::types::Height;

/// One validator: a department's voting key and its power.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validator {
    /// The key that signs votes and proposals.
    pub public_key: PublicKey,
    /// Voting power, at least 1.
    pub power: u64,
    /// The member (统一社会信用代码) it belongs to.
    pub member: String,
}

/// A validator set: sorted by key, no key twice, total power below 2^60.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(transparent)]
pub struct ValidatorSet(Vec<Validator>);

/// Why a list of validators is not a set (rule VAL-01).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValidatorSetInvalid {
    /// Empty or longer than the bound.
    #[error("VAL-01: a validator set has 1 to {VALIDATORS_MAX} validators, found {0}")]
    Size(usize),
    /// Not strictly sorted by key.
    #[error("VAL-01: validators must be sorted by key and no key may occur twice")]
    Order,
    /// Zero or excessive power.
    #[error("VAL-01: every validator's power is at least 1 and the total is below 2^60")]
    Power,
}

/// Largest total power; leaves room for the quorum's multiplication.
const TOTAL_POWER_MAX: u64 = 1 << 60;

impl ValidatorSet {
    /// Sorts and checks a list.
    ///
    /// # Errors
    /// VAL-01.
    pub fn new(mut validators: Vec<Validator>) -> Result<Self, ValidatorSetInvalid> {
        validators.sort_by_key(|v| v.public_key);
        let set = ValidatorSet(validators);
        set.check()?;
        Ok(set)
    }

    /// Checks a decoded set.
    ///
    /// # Errors
    /// VAL-01.
    pub fn check(&self) -> Result<(), ValidatorSetInvalid> {
        let count = self.0.len();
        if count == 0 || count > VALIDATORS_MAX {
            return Err(ValidatorSetInvalid::Size(count));
        }
        if !self.0.is_sorted_by(|a, b| a.public_key < b.public_key) {
            return Err(ValidatorSetInvalid::Order);
        }
        let mut total = 0u64;
        for validator in &self.0 {
            total = total.checked_add(validator.power).ok_or(ValidatorSetInvalid::Power)?;
            if validator.power == 0 || total >= TOTAL_POWER_MAX {
                return Err(ValidatorSetInvalid::Power);
            }
        }
        Ok(())
    }

    /// Digest committed to by headers.
    pub fn hash(&self) -> Digest {
        Digest::of(Domain::ValidatorSet, &codec::encode(self))
    }

    /// The validators, sorted by key.
    pub fn validators(&self) -> &[Validator] {
        &self.0
    }

    /// Finds a validator by key.
    pub fn get(&self, key: &PublicKey) -> Option<&Validator> {
        let index = self.0.binary_search_by_key(key, |v| v.public_key).ok()?;
        self.0.get(index)
    }

    /// Sum of all powers.
    pub fn total_power(&self) -> u64 {
        self.0.iter().fold(0, |sum, v| sum.saturating_add(v.power))
    }

    /// Whether `power` is **more than two thirds** of the total: the one definition of a quorum.
    pub fn is_quorum(&self, power: u64) -> bool {
        u128::from(power).saturating_mul(3) > u128::from(self.total_power()).saturating_mul(2)
    }

    /// Whose turn it is: round-robin over the sorted set by height plus round.
    pub fn proposer(&self, height: Height, round: u32) -> Option<&Validator> {
        let count = u64::try_from(self.0.len()).ok().filter(|n| *n > 0)?;
        let round = if crate::planted!("planted-proposer-for-all-rounds") { 0 } else { round };
        let turn = height.0.wrapping_add(u64::from(round)).checked_rem(count)?;
        self.0.get(usize::try_from(turn).ok()?)
    }
}
