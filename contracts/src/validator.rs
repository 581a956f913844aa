//! Validator 验证节点: who votes. The set changes only by the consortium's signatures, and only so far
//! at a time that the chain goes on safely.
//!
//! The record `validators` as it stands after block *h* decides height *h* + 2
//! ([`VALIDATOR_DELAY_HEIGHTS`]). The validators that stay must hold a quorum both of the set before
//! the block and of the set after it (VAL-06): what moves is at most what may be faulty. So the
//! newcomers cannot stop the chain if none of them ever runs, and two successive sets cannot decide
//! without a validator that is in both.
//!
//! Of a total power up to [`SMALL_POWER_MAX`] none may be faulty, so that rule would let totals of 1 and
//! 2 never change. Such a set may change by one validator a block, if it is such a set again: every
//! power there is must vote on both sides of the change, so what stays is in every quorum of both, and
//! no two blocks can be decided. The price is the one such a set pays anyway: it stands still while
//! any of its validators does. A newcomer must therefore run before it is admitted.

use mulu_chain::signature::PublicKey;
use mulu_chain::types::Height;
use mulu_chain::validator::{Validator, ValidatorSet};
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::field;
use crate::key::{Key, KeyRole, KeyStatus};
use crate::limits::{
    REASON_CHARS_MAX, SMALL_POWER_MAX, VALIDATOR_DELAY_HEIGHTS, VALIDATOR_POWER_MAX,
};
use crate::member;
use crate::overlay::Overlay;
use crate::rejection::{Step, refuse, require};
use crate::rule::Rule;
use crate::state::{VALIDATORS_KEY, key_key, member_key};

/// `validator.admit`: the consortium lets a registered validator key vote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidatorAdmit {
    /// The validator.
    pub validator: Validator,
}

/// `validator.retire`: the consortium takes a validator out of the set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidatorRetire {
    /// Its key.
    pub public_key: PublicKey,
    /// Why.
    pub reason: String,
}

pub(crate) fn admit(call: &mut Call<'_, '_>, action: &ValidatorAdmit) -> Step {
    call.signers.consortium(call.params, call.overlay)?;
    let new = &action.validator;
    check_power(new)?;
    member::in_force(call.overlay, &new.member)?;
    let in_force = Height(call.height().0.saturating_add(VALIDATOR_DELAY_HEIGHTS));
    check_key(call.overlay, new, in_force)?;
    let mut validators = current(call.overlay)?;
    let votes = validators.iter().any(|v| v.public_key == new.public_key);
    require(!votes, Rule::ValidatorExists, || new.public_key.to_string())?;
    validators.push(new.clone());
    put(call, validators, new)
}

pub(crate) fn retire(call: &mut Call<'_, '_>, action: &ValidatorRetire) -> Step {
    call.signers.consortium(call.params, call.overlay)?;
    field::text("reason", &action.reason, REASON_CHARS_MAX)?;
    let mut validators = current(call.overlay)?;
    let place = validators.iter().position(|v| v.public_key == action.public_key);
    let Some(place) = place else {
        return refuse(Rule::ValidatorUnknown, action.public_key.to_string());
    };
    let retired = validators.remove(place);
    put(call, validators, &retired)
}

/// The list as it stands.
pub(crate) fn current(overlay: &Overlay<'_>) -> Step<Vec<Validator>> {
    Ok(overlay.get(VALIDATORS_KEY)?.unwrap_or_default())
}

/// The founding validators: a set (VAL-01) of sound validators (VAL-02, VAL-04).
pub(crate) fn found(overlay: &mut Overlay<'_>, validators: &[Validator]) -> Step {
    let set = form(validators.to_vec())?;
    for validator in set.validators() {
        check_power(validator)?;
        check_key(overlay, validator, Height::GENESIS.next())?;
    }
    overlay.put(VALIDATORS_KEY.to_owned(), &set)
}

/// Writes the changed list if it is a set (VAL-01) that may follow the one before the block.
fn put(call: &mut Call<'_, '_>, validators: Vec<Validator>, changed: &Validator) -> Step {
    let after = form(validators)?;
    let before = form(call.overlay.before(VALIDATORS_KEY)?.unwrap_or_default())?;
    check_quorum(&before, &after)?;
    call.overlay.put(VALIDATORS_KEY.to_owned(), &after)?;
    call.touch(VALIDATORS_KEY.to_owned());
    call.touch(key_key(&changed.public_key));
    call.touch(member_key(&changed.member));
    Ok(())
}

fn form(validators: Vec<Validator>) -> Step<ValidatorSet> {
    match ValidatorSet::new(validators) {
        Ok(set) => Ok(set),
        Err(invalid) => refuse(Rule::ValidatorSetForm, invalid.to_string()),
    }
}

fn check_power(validator: &Validator) -> Step {
    let power = validator.power;
    require((1..=VALIDATOR_POWER_MAX).contains(&power), Rule::ValidatorPower, || {
        let key = validator.public_key;
        format!("{key} has power {power}, allowed are 1 to {VALIDATOR_POWER_MAX}")
    })
}

/// A key of the member, registered as validator, valid from the height on and for good (VAL-02).
fn check_key(overlay: &Overlay<'_>, validator: &Validator, from: Height) -> Step {
    let key: Option<Key> = overlay.get(&key_key(&validator.public_key))?;
    let fits = key.is_some_and(|key| {
        key.member == validator.member
            && key.has(&[KeyRole::Validator])
            && key.status == KeyStatus::Active
            && key.valid_from.is_none_or(|begins| begins <= from)
            && key.valid_to.is_none()
    });
    require(fits, Rule::ValidatorKey, || {
        format!("{} of {}", validator.public_key, validator.member)
    })
}

/// The power that stays is a quorum before and after, or one validator of a small set moves (VAL-06).
fn check_quorum(before: &ValidatorSet, after: &ValidatorSet) -> Step {
    let stays = before.validators().iter().fold(0u64, |sum, old| {
        let kept = after.get(&old.public_key).map_or(0, |new| new.power.min(old.power));
        sum.saturating_add(kept)
    });
    let small = before.total_power().max(after.total_power()) <= SMALL_POWER_MAX;
    let one_moves = small && moved(before, after) <= 1;
    let safe = (before.is_quorum(stays) && after.is_quorum(stays)) || one_moves;
    require(safe, Rule::ValidatorQuorum, || {
        let (was, becomes) = (before.total_power(), after.total_power());
        format!("power {stays} stays, of {was} before and {becomes} after this block")
    })
}

/// How many validators are in one of the sets only, or with another power.
fn moved(before: &ValidatorSet, after: &ValidatorSet) -> usize {
    let missing = |from: &ValidatorSet, of: &ValidatorSet| {
        of.validators().iter().filter(|v| from.get(&v.public_key) != Some(*v)).count()
    };
    let (gone, come) = (missing(after, before), missing(before, after));
    gone.saturating_add(come)
}
