//! Executing a block: each transaction in order, each as a whole or not at all.
//!
//! Checks of a transaction, in this order: still valid (TX-10), not valid too long (TX-11), an active
//! member (MEM-01, MEM-02), if it acts for another one a delegation (TX-13, DEL-02), an active office
//! (OFF), every signer known and in force (KEY-01, KEY-02), one of them the submitter's (KEY-03); then the actions in order; last
//! that no signature was superfluous (KEY-06). A rejected transaction leaves an outcome that names
//! rule and action, and nothing else. Source: SPEC section 11.

use std::collections::BTreeMap;

use mulu_chain::log::Outcome;
use mulu_chain::state::HistoryEvent;
use mulu_chain::types::{ChainId, Height, TimeMs};

use crate::action::Action;
use crate::call::Call;
use crate::member::Member;
use crate::overlay::Overlay;
use crate::params::Params;
use crate::protocol::Rules;
use crate::rejection::{Rejection, Step, Stop, require};
use crate::rule::Rule;
use crate::signers::Signers;
use crate::state::{self, StateRead, StateReadError, delegation_key};
use crate::transaction::Transaction;
use crate::{
    authorization, class, correction, delegation, duty, entry, evidence, key, member, objection,
    office, operation, params, receipt, region, system, validator,
};

/// The block being executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockContext {
    /// The chain.
    pub chain_id: ChainId,
    /// The block's height.
    pub height: Height,
    /// The block's time: the only "now" there is.
    pub time_ms: TimeMs,
    /// Those of the version in force at the height.
    pub rules: Rules,
}

/// What executing a block came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Execution {
    /// One outcome per transaction, in order.
    pub outcomes: Vec<Outcome>,
    /// State key to new value; nothing is ever deleted.
    pub changes: BTreeMap<String, Vec<u8>>,
    /// Events appended to histories, in order of execution.
    pub events: Vec<SubjectEvent>,
}

/// An event of a subject's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectEvent {
    /// The subject, such as `entry/sha256:…`.
    pub subject: String,
    /// 0-based number of the event in the subject's history.
    pub number: u64,
    /// The event.
    pub event: HistoryEvent,
}

/// Executes a block's transactions on the state before it.
///
/// # Errors
/// [`StateReadError`] if the world failed; never because of what a transaction holds.
pub fn execute_block(
    context: &BlockContext,
    transactions: &[Transaction],
    state: &dyn StateRead,
) -> Result<Execution, StateReadError> {
    let params = state::params(state, context.height)?;
    let mut overlay = Overlay::new(state);
    let mut outcomes = Vec::with_capacity(transactions.len());
    for (index, transaction) in (0u32..).zip(transactions) {
        let verdict = execute(context, &params, index, transaction, &mut overlay)?;
        outcomes.push(match verdict {
            Ok(()) => Outcome::Accepted,
            Err(Rejection { rule, action, .. }) => {
                Outcome::Rejected { rule: rule.id().to_owned(), action }
            }
        });
    }
    let (changes, events) = overlay.into_parts();
    Ok(Execution { outcomes, changes, events })
}

/// Whether a transaction would be accepted alone in the given block: what a mempool asks.
///
/// # Errors
/// [`StateReadError`] if the world failed.
pub fn check(
    context: &BlockContext,
    transaction: &Transaction,
    state: &dyn StateRead,
) -> Result<Result<(), Rejection>, StateReadError> {
    let params = state::params(state, context.height)?;
    Ok(try_alone(context, &params, transaction, state)?.map(|_| ()))
}

/// What a transaction would write alone in the given block, under the given parameters.
///
/// # Errors
/// [`StateReadError`] if the world failed.
pub fn try_alone(
    context: &BlockContext,
    params: &Params,
    transaction: &Transaction,
    state: &dyn StateRead,
) -> Result<Result<BTreeMap<String, Vec<u8>>, Rejection>, StateReadError> {
    let mut overlay = Overlay::new(state);
    let verdict = execute(context, params, 0, transaction, &mut overlay)?;
    Ok(verdict.map(|()| overlay.into_parts().0))
}

/// Whether those who submit and sign a transaction stand on the chain and may speak now: every check
/// that comes before its actions.
///
/// # Errors
/// [`StateReadError`] if the world failed.
pub fn check_standing(
    context: &BlockContext,
    params: &Params,
    transaction: &Transaction,
    state: &dyn StateRead,
) -> Result<Result<(), Rejection>, StateReadError> {
    match standing(context, params, transaction, &Overlay::new(state)) {
        Ok(_) => Ok(Ok(())),
        Err(Stop::Rule(rule, detail)) => Ok(Err(Rejection { rule, action: 0, detail })),
        Err(Stop::World(error)) => Err(error),
    }
}

/// Executes one transaction and keeps or forgets what it wrote.
fn execute(
    context: &BlockContext,
    params: &Params,
    index: u32,
    transaction: &Transaction,
    overlay: &mut Overlay<'_>,
) -> Result<Result<(), Rejection>, StateReadError> {
    let mut action = 0;
    let steps = run(context, params, index, transaction, overlay, &mut action);
    match steps {
        Ok(()) => {
            overlay.commit();
            Ok(Ok(()))
        }
        Err(Stop::Rule(rule, detail)) => {
            overlay.abort();
            Ok(Err(Rejection { rule, action, detail }))
        }
        Err(Stop::World(error)) => Err(error),
    }
}

/// Runs the checks and actions; `action` is left at the one that broke a rule.
fn run(
    context: &BlockContext,
    params: &Params,
    index: u32,
    transaction: &Transaction,
    overlay: &mut Overlay<'_>,
    action: &mut u32,
) -> Step {
    let Standing { submitter, delegation, mut signers } =
        standing(context, params, transaction, overlay)?;
    let payload = transaction.payload();
    for (number, content) in (0u32..).zip(&payload.actions) {
        *action = number;
        let mut call = Call {
            block: context,
            params,
            transaction,
            submitter: &submitter,
            signers: &mut signers,
            overlay,
            index,
            action: number,
            touched: delegation.iter().cloned().collect(),
        };
        match context.rules {
            Rules::First => apply(&mut call, content)?,
        }
        call.append_histories()?;
    }
    *action = 0;
    signers.all_needed()
}

/// Who submits, and by whose leave.
struct Standing {
    submitter: Member,
    delegation: Option<String>,
    signers: Signers,
}

fn standing(
    context: &BlockContext,
    params: &Params,
    transaction: &Transaction,
    overlay: &Overlay<'_>,
) -> Step<Standing> {
    check_validity(context, params, transaction)?;
    let payload = transaction.payload();
    let mut submitter = member::in_force(overlay, &payload.submitter.member)?;
    let mut delegation = None;
    if let Some(principal) = &payload.on_behalf_of {
        submitter = member::in_force(overlay, principal)?;
        delegation::check(context, payload, principal, overlay)?;
        delegation = Some(delegation_key(principal, &payload.submitter.member));
    }
    if let Some(id) = &payload.submitter.office {
        office::in_force(overlay, id, &submitter.uscc)?;
    }
    let signers = Signers::resolve(context, transaction, overlay)?;
    Ok(Standing { submitter, delegation, signers })
}

fn check_validity(context: &BlockContext, params: &Params, transaction: &Transaction) -> Step {
    let payload = transaction.payload();
    let (valid_until, height) = (payload.valid_until, context.height.0);
    require(valid_until >= height, Rule::TransactionExpired, || {
        format!("valid_until is {valid_until}, the block's height {height}")
    })?;
    let latest = height.saturating_add(params.valid_heights_max);
    require(valid_until <= latest, Rule::TransactionTooLongValid, || {
        format!("valid_until is {valid_until}, at most {latest} is allowed now")
    })
}

fn apply(call: &mut Call<'_, '_>, action: &Action) -> Step {
    match action {
        Action::MemberAdmit(action) => member::admit(call, action),
        Action::OfficeEstablish(action) => office::establish(call, action),
        Action::KeyRegister(action) => key::register(call, action),
        Action::KeyRevoke(action) => key::revoke(call, action),
        Action::DutyRegister(action) => duty::register(call, action),
        Action::SystemRegister(action) => system::register(call, action),
        Action::EntryPublish(action) => entry::publish(call, action),
        Action::EntryRevise(action) => entry::revise(call, action),
        Action::EntryWithdraw(action) => entry::withdraw(call, action),
        Action::AuthorizationRequest(action) => authorization::request(call, action),
        Action::AuthorizationOffer(action) => authorization::offer(call, action),
        Action::AuthorizationAgree(action) => authorization::agree(call, action),
        Action::AuthorizationFinalize(action) => authorization::finalize(call, action),
        Action::AuthorizationReject(action) => authorization::reject(call, action),
        Action::AuthorizationWithdraw(action) => authorization::withdraw(call, action),
        Action::AuthorizationRevoke(action) => authorization::revoke(call, action),
        Action::AuthorizationRelinquish(action) => authorization::relinquish(call, action),
        Action::ReceiptRecord(action) => receipt::record(call, action),
        Action::ParamsChange(action) => params::change(call, action),
        Action::ValidatorAdmit(action) => validator::admit(call, action),
        Action::ValidatorRetire(action) => validator::retire(call, action),
        Action::EvidenceRecord(action) => evidence::record(call, action),
        Action::MemberSuspend(action) => member::suspend(call, action),
        Action::MemberResume(action) => member::resume(call, action),
        Action::OfficeDissolve(action) => office::dissolve(call, action),
        Action::KeyRotate(action) => key::rotate(call, action),
        Action::DelegationGrant(action) => delegation::grant(call, action),
        Action::DelegationEnd(action) => delegation::end(call, action),
        Action::RegionSet(action) => region::set(call, action),
        Action::ClassSet(action) => class::set(call, action),
        Action::DutyTransfer(action) => duty::transfer(call, action),
        Action::DutyAbolish(action) => duty::abolish(call, action),
        Action::SystemRevise(action) => system::revise(call, action),
        Action::EntrySuspend(action) => entry::suspend(call, action),
        Action::EntryResume(action) => entry::resume(call, action),
        Action::EntryRetire(action) => entry::retire(call, action),
        Action::EntryReturn(action) => entry::return_(call, action),
        Action::EntryReject(action) => entry::reject(call, action),
        Action::EntryFreeze(action) => entry::freeze(call, action),
        Action::EntryLift(action) => entry::lift(call, action),
        Action::EntrySubmit(action) => entry::submit(call, action),
        Action::EntryRegister(action) => entry::register(call, action),
        Action::EntryRelease(action) => entry::release(call, action),
        Action::EntryTransfer(action) => entry::transfer(call, action),
        Action::AuthorizationSuspend(action) => authorization::suspend(call, action),
        Action::AuthorizationResume(action) => authorization::resume(call, action),
        Action::AuthorizationCounter(action) => authorization::counter(call, action),
        Action::AuthorizationExamine(action) => authorization::examine(call, action),
        Action::AuthorizationConfirm(action) => authorization::confirm(call, action),
        Action::AuthorizationDispute(action) => authorization::dispute(call, action),
        Action::AuthorizationDecide(action) => authorization::decide(call, action),
        Action::CorrectionOpen(action) => correction::open(call, action),
        Action::CorrectionAnswer(action) => correction::answer(call, action),
        Action::CorrectionFix(action) => correction::fix(call, action),
        Action::CorrectionWithdraw(action) => correction::withdraw(call, action),
        Action::ObjectionOpen(action) => objection::open(call, action),
        Action::ObjectionDecide(action) => objection::decide(call, action),
        Action::ObjectionWithdraw(action) => objection::withdraw(call, action),
        Action::OperationPlan(action) => operation::plan(call, action),
        Action::OperationAdvance(action) => operation::advance(call, action),
        Action::MemberNodes(action) => member::nodes(call, action),
        Action::MemberLeave(action) => member::leave(call, action),
    }
}
