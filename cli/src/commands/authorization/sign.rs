//! Signing the agreed terms.

use mulu_contracts::action::Action;
use mulu_contracts::authorization::{AuthorizationFinalize, Terms};

use super::current;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::submit::{self, SubmitArgs};
use crate::{render, text};

/// Signs the agreed terms. The hash is computed here from the terms shown, not taken from the
/// node's word, so that what is signed is what was read.
pub(super) fn finalize(context: &Context, id: &str, submit: &SubmitArgs) -> Outcome<()> {
    let authorization = current(context, id)?.value;
    let terms = authorization.terms();
    let terms_hash = terms.hash();
    if authorization.terms_hash.is_some_and(|recorded| recorded != terms_hash) {
        return Err(Failure::new(
            Exit::VerificationFailed,
            text!(
                "the node's record is inconsistent: its terms hash to {terms_hash}",
                "节点返回的记录自相矛盾：条款的摘要应为 {terms_hash}"
            ),
        ));
    }
    let (consumer, provider) = (&terms.consumer, &terms.provider);
    let items = terms.items.join("、");
    let (from, to) = (render::time_ms(terms.window.from_ms), render::time_ms(terms.window.to_ms));
    let (basis, scenario) = (&terms.purpose.basis, &terms.purpose.scenario);
    context.say(&text!(
        "terms {terms_hash}\n  consumer {consumer}, provider {provider}\n  items {items}\n  from {from} to {to}\n  basis {basis}; scenario {scenario}",
        "条款 {terms_hash}\n  使用方 {consumer}，提供方 {provider}\n  信息项 {items}\n  时限 {from} 至 {to}\n  使用依据 {basis}；使用场景 {scenario}"
    ));
    named(context, &terms);
    let authorization_id = authorization.authorization_id;
    let action = AuthorizationFinalize { authorization_id, terms_hash };
    submit::actions(context, submit, vec![Action::AuthorizationFinalize(action)])
}

/// What else the terms name, a line each.
fn named(context: &Context, terms: &Terms) {
    if let Some(code) = &terms.purpose.code {
        context.say(&text!("  purpose code {code}", "  用途代码 {code}"));
    }
    if terms.onward {
        let to = terms.recipients.join("、");
        context.say(&match to.is_empty() {
            true => text!("  to be handed on, to any member", "  可转授任何成员"),
            false => text!("  to be handed on, to {to}", "  可转授 {to}"),
        });
    }
    if let Some(hash) = &terms.policy_hash {
        context.say(&text!("  under the policy {hash}", "  使用策略 {hash}"));
    }
    if let Some(hash) = &terms.legal_text_hash {
        context.say(&text!("  resting on the text {hash}", "  法律文本 {hash}"));
    }
}
