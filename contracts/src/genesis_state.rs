//! The state of block 0: the founding records, held to the same rules as the actions.
//!
//! Founding records have no history: no transaction made them, so there is no leaf.

use std::collections::{BTreeMap, BTreeSet};

use mulu_chain::json;
use mulu_chain::types::Height;
use mulu_chain::validator::Validator;

use crate::duty::{self, NewDuty};
use crate::key::{self, KeyRole, NewKey};
use crate::member::{self, NewMember};
use crate::office::{self, NewOffice};
use crate::overlay::Overlay;
use crate::params::{self, Params};
use crate::rejection::{Rejection, Step, Stop, refuse, require};
use crate::rule::Rule;
use crate::state::{PARAMS_KEY, StateRead, StateReadError};
use crate::system::{self, NewSystem};
use crate::validator;

/// What a consortium is founded with; every record of a member stands beside the member's code.
#[derive(Debug, Clone, Default)]
pub struct Founding {
    /// The parameters.
    pub params: Params,
    /// The members.
    pub members: Vec<NewMember>,
    /// Offices, each beside its member's code.
    pub offices: Vec<(String, NewOffice)>,
    /// Keys, each beside its member's code.
    pub keys: Vec<(String, NewKey)>,
    /// Duties, each beside its member's code.
    pub duties: Vec<(String, NewDuty)>,
    /// Systems, each beside its member's code.
    pub systems: Vec<(String, NewSystem)>,
    /// The validators that decide the first block.
    pub validators: Vec<Validator>,
}

/// The state before anything.
struct Nothing;

impl StateRead for Nothing {
    fn read(&self, _key: &str) -> Result<Option<Vec<u8>>, StateReadError> {
        Ok(None)
    }
}

/// The state of block 0.
///
/// # Errors
/// [`Rejection`] naming the broken rule; its `action` is the 0-based index in the list of the
/// record, and its detail begins with the list's name.
pub fn genesis_state(founding: &Founding) -> Result<BTreeMap<String, Vec<u8>>, Rejection> {
    let height = Height::GENESIS;
    let mut overlay = Overlay::new(&Nothing);
    let state = &mut overlay;
    at("params", 0, params::check(&founding.params))?;
    at("params", 0, state.put(PARAMS_KEY.to_owned(), &founding.params))?;
    for (index, new) in (0u32..).zip(&founding.members) {
        at("members", index, member::create(state, height, new))?;
    }
    for (index, (uscc, new)) in (0u32..).zip(&founding.offices) {
        let member = at("offices", index, member::in_force(state, uscc))?;
        at("offices", index, office::create(state, height, &member.uscc, new))?;
    }
    for (index, (uscc, new)) in (0u32..).zip(&founding.keys) {
        let member = at("keys", index, member::in_force(state, uscc))?;
        at("keys", index, key::create(state, height, &member, new))?;
    }
    for (index, (uscc, new)) in (0u32..).zip(&founding.duties) {
        let member = at("duties", index, member::in_force(state, uscc))?;
        at("duties", index, duty::create(state, height, &member.uscc, new))?;
    }
    for (index, (uscc, new)) in (0u32..).zip(&founding.systems) {
        let member = at("systems", index, member::in_force(state, uscc))?;
        at("systems", index, system::create(state, height, &member.uscc, new))?;
    }
    at("validators", 0, validator::found(state, &founding.validators))?;
    at("params", 0, check_thresholds(founding))?;
    overlay.commit();
    let (records, _) = overlay.into_parts();
    at("records", 0, check_characters(&records))?;
    Ok(records)
}

/// Names the record a rule was broken by.
fn at<T>(list: &str, index: u32, step: Step<T>) -> Result<T, Rejection> {
    step.map_err(|stop| match stop {
        Stop::Rule(rule, detail) => {
            Rejection { rule, action: index, detail: format!("{list}[{index}]: {detail}") }
        }
        // The state here is our own memory and holds what was just written; were it damaged, no
        // founding document could be accepted either.
        Stop::World(error) => Rejection {
            rule: Rule::EncodingMalformed,
            action: index,
            detail: format!("{list}[{index}]: {error}"),
        },
    })
}

/// Enough members hold keys for both thresholds; else nobody could ever be admitted, and nothing
/// ever changed.
fn check_thresholds(founding: &Founding) -> Step {
    let (mut authorities, mut leaders) = (BTreeSet::new(), BTreeSet::new());
    for (uscc, key) in &founding.keys {
        // Only an authority's key was given that role (KEY-10).
        if key.roles.contains(&KeyRole::Authority) {
            authorities.insert(uscc);
        }
        if key.office.is_none() && key.roles.iter().any(|role| params::LEADING_ROLES.contains(role))
        {
            leaders.insert(uscc);
        }
    }
    let enough = |name: &str, members: &BTreeSet<&String>, needed: u32, kind: &str| {
        let found = members.len();
        require(u32::try_from(found).unwrap_or(u32::MAX) >= needed, Rule::ParamsForm, || {
            format!("{name} is {needed}, but {found} members hold {kind} keys")
        })
    };
    let params = &founding.params;
    enough("authority_threshold", &authorities, params.authority_threshold, "authority")?;
    enough("consortium_threshold", &leaders, params.consortium_threshold, "administrator")
}

/// Texts of a founding document follow the rules of signed JSON (FLD-06): transactions were
/// checked when they were parsed, founding records were not.
fn check_characters(records: &BTreeMap<String, Vec<u8>>) -> Step {
    for (key, value) in records {
        if let Err(invalid) = json::check(value) {
            return refuse(Rule::FieldCharacters, format!("{key}: {invalid}"));
        }
    }
    Ok(())
}
