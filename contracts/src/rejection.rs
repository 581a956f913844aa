//! The verdict "no": which rule, which action, and the concrete values for a human reader.

use std::fmt;

use serde::Serialize;

use crate::rule::Rule;
use crate::state::StateReadError;

/// Why a transaction took no effect.
///
/// Rule and action are consensus (they are in the log's outcome); `detail` is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The broken rule.
    pub rule: Rule,
    /// 0-based index of the action that broke it; 0 for rules about the whole transaction.
    pub action: u32,
    /// Concrete values, found and expected.
    pub detail: String,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rejection { rule, action, detail } = self;
        write!(f, "{}: {} (action {action}): {detail}", rule.id(), rule.title_en())
    }
}

impl std::error::Error for Rejection {}

/// Why a rule function did not finish: the rules say no, or the world failed. The executor adds
/// the action's index to the former and stops at the latter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A broken rule with its concrete values.
    Rule(Rule, String),
    /// The state could not be read.
    World(StateReadError),
}

impl From<StateReadError> for Stop {
    fn from(error: StateReadError) -> Self {
        Stop::World(error)
    }
}

/// What rule functions return.
pub(crate) type Step<T = ()> = Result<T, Stop>;

/// A broken rule.
pub(crate) fn refuse<T>(rule: Rule, detail: impl Into<String>) -> Step<T> {
    Err(Stop::Rule(rule, detail.into()))
}

/// Breaks a rule unless the condition holds.
pub(crate) fn require(holds: bool, rule: Rule, detail: impl FnOnce() -> String) -> Step {
    if holds { Ok(()) } else { Err(Stop::Rule(rule, detail())) }
}

/// A value as the payload writes it: what a reader of a rejection can compare with what was sent.
pub(crate) fn shown<T: Serialize + ?Sized>(value: &T) -> String {
    let json = serde_json::to_string(value).unwrap_or_default();
    json.trim_matches('"').to_owned()
}
