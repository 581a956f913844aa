//! The actions of 11.3, a function each: checks in order, then what is written, then events.

mod authorizations;
mod classes;
mod complaints;
mod consortium;
mod content;
mod delegations;
mod duties;
mod entries;
mod members;
mod operations;
mod receipts;
mod requests;
mod submissions;

use crate::Verdict;
use crate::act::Act;

/// Judges an action; what it writes is in `store.transaction`.
pub fn apply(kind: &str, act: &mut Act) -> Verdict {
    match kind {
        "member.admit" => members::admit(act),
        "member.suspend" => members::suspend(act),
        "member.resume" => members::resume(act),
        "member.nodes" => members::nodes(act),
        "member.leave" => members::leave(act),
        "office.establish" => members::establish(act),
        "office.dissolve" => members::dissolve(act),
        "key.register" => members::register_key(act),
        "key.revoke" => members::revoke_key(act),
        "key.rotate" => members::rotate_key(act),
        "delegation.grant" => delegations::grant(act),
        "delegation.end" => delegations::end(act),
        "duty.register" => duties::register(act),
        "duty.transfer" => duties::transfer(act),
        "duty.abolish" => duties::abolish(act),
        "system.register" => duties::register_system(act),
        "system.revise" => duties::revise_system(act),
        "entry.publish" => entries::publish(act),
        "entry.revise" => entries::revise(act),
        "entry.withdraw" => entries::withdraw(act),
        "entry.transfer" => entries::transfer(act),
        "entry.submit" => submissions::submit(act),
        "entry.register" => submissions::register(act),
        "entry.release" => submissions::release(act),
        "receipt.record" => receipts::record(act),
        "correction.open" => complaints::open_correction(act),
        "correction.answer" => complaints::answer(act),
        "correction.fix" => complaints::fix(act),
        "correction.withdraw" => complaints::withdraw_correction(act),
        "objection.open" => complaints::open_objection(act),
        "objection.decide" => complaints::decide(act),
        "objection.withdraw" => complaints::withdraw_objection(act),
        "operation.plan" => operations::plan(act),
        "operation.advance" => operations::advance(act),
        "params.change" => consortium::change_params(act),
        "validator.admit" => consortium::admit_validator(act),
        "validator.retire" => consortium::retire_validator(act),
        "evidence.record" => consortium::record_evidence(act),
        "region.set" => consortium::set_regions(act),
        "class.set" => classes::set(act),
        _ => match kind.split_once('.') {
            Some(("entry", step)) => entries::step(act, step),
            Some(("authorization", "request")) => requests::request(act),
            Some(("authorization", step)) => authorizations::step(act, step),
            _ => panic!("the model does not know {kind}"),
        },
    }
}
