//! What is due until when. Records keep the block time from which a deadline runs, if there was one
//! then; how long it runs say the parameters in force when it is asked: a calendar announced later
//! counts. Nothing here is stored, and no clock is looked at: "overdue" is a matter of block time.

use mulu_chain::types::TimeMs;
use serde::Serialize;

use crate::authorization::{Authorization, AuthorizationStatus, Counts};
use crate::calendar::working_days_after;
use crate::correction::{Correction, CorrectionStatus};
use crate::objection::{Objection, ObjectionStatus};
use crate::params::Params;
use crate::rebind::RebindDue;

/// What somebody is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The provider answers a request, or a correction.
    Answer,
    /// The provider delivers for the first time.
    Provide,
    /// The provider mends what a correction found.
    Mend,
    /// An authority decides an objection.
    Decide,
    /// The provider binds an entry again.
    Rebind,
}

/// Something due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Due {
    /// What.
    pub step: Step,
    /// The member that is to do it; none stands for any authority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// The last moment in time.
    pub due_ms: u64,
}

/// What is due under an authorization.
pub fn of_authorization(authorization: &Authorization, params: &Params) -> Option<Due> {
    let deadlines = &params.deadlines;
    let (step, since, days) = match authorization.status {
        AuthorizationStatus::Requested | AuthorizationStatus::Compliant => {
            let days = deadlines.answer_days(authorization.unconditional);
            (Step::Answer, authorization.requested_at_ms?, days)
        }
        AuthorizationStatus::Finalized if authorization.totals.delivered == Counts::default() => {
            (Step::Provide, authorization.finalized_at_ms?, deadlines.provision_days)
        }
        _ => return None,
    };
    due(step, Some(authorization.provider.clone()), since, days, params)
}

/// The last moment to dispute a refusal.
pub fn of_dispute(authorization: &Authorization, params: &Params) -> Option<u64> {
    let refused = authorization.ended.as_ref()?.at_ms?;
    working_days_after(TimeMs(refused), params.deadlines.dispute_days, &params.calendar)
}

/// What is due to a correction.
pub fn of_correction(correction: &Correction, params: &Params) -> Option<Due> {
    let step = match correction.status {
        CorrectionStatus::Open => Step::Answer,
        CorrectionStatus::Accepted => Step::Mend,
        _ => return None,
    };
    let (member, since) = (Some(correction.provider.clone()), correction.due_since_ms?);
    due(step, member, since, params.deadlines.correction_days, params)
}

/// What is due to an objection.
pub fn of_objection(objection: &Objection, params: &Params) -> Option<Due> {
    let open = objection.status == ObjectionStatus::Open;
    let since = objection.due_since_ms.filter(|_| open)?;
    due(Step::Decide, None, since, params.deadlines.objection_days, params)
}

/// Until when an entry of a provider is to be bound again.
pub fn of_rebind(rebind: &RebindDue, provider: &str, params: &Params) -> Option<Due> {
    let days = params.deadlines.rebind_days;
    due(Step::Rebind, Some(provider.to_owned()), rebind.since_ms?, days, params)
}

fn due(step: Step, member: Option<String>, since: u64, days: u32, params: &Params) -> Option<Due> {
    let due_ms = working_days_after(TimeMs(since), days, &params.calendar)?;
    Some(Due { step, member, due_ms })
}
