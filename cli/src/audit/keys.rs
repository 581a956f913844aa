//! Signatures and what they were worth: the keys in force when a transaction was committed.

use mulu_chain::signature::PublicKey;
use mulu_chain::types::Height;
use mulu_contracts::action::Action;
use mulu_contracts::authorization::Authorization;
use mulu_contracts::key::{Key, KeyRole};
use mulu_contracts::state::{authorization_key, key_key};

use super::story::{Story, Told};

/// Every accepted transaction was signed by a key of its submitter that was in force, and by no key
/// that was not, but for keys that the transaction itself registers.
pub fn signers_in_force(story: &Story) -> Result<usize, String> {
    let mut checked = 0usize;
    for told in story.transactions().filter(|told| told.entry.outcome.is_accepted()) {
        let id = told.transaction.id();
        let newcomers = registered_by(told);
        let mut own = false;
        for signer in told.transaction.signers() {
            if newcomers.contains(signer) {
                continue;
            }
            let key = key_in_force(story, signer, told.entry.height)
                .map_err(|why| format!("{id}: {why}"))?;
            own |= key.member == told.transaction.payload().submitter.member;
            checked = checked.saturating_add(1);
        }
        if !own {
            return Err(format!("{id}: no key of its submitter signed it"));
        }
    }
    Ok(checked)
}

fn registered_by(told: &Told) -> Vec<PublicKey> {
    let mut keys = Vec::new();
    for action in &told.transaction.payload().actions {
        match action {
            Action::KeyRegister(register) => keys.push(register.key.public_key),
            Action::KeyRotate(rotate) => keys.push(rotate.new_key),
            Action::MemberAdmit(admit) => keys.extend(admit.keys.iter().map(|k| k.public_key)),
            _ => {}
        }
    }
    keys
}

/// The key, if it was in force at a height. A key revoked in that very block may have signed before
/// the revocation, which the chain's order decided.
fn key_in_force(story: &Story, signer: &PublicKey, at: Height) -> Result<Key, String> {
    let key: Option<Key> = story.record(&key_key(signer))?;
    let key = key.ok_or_else(|| format!("the key {signer} is on no record"))?;
    let registered = key.registered_at_height <= at;
    let begun = key.valid_from.is_none_or(|from| from <= at);
    let lasts = key.valid_to.is_none_or(|to| at <= to);
    let standing = key.revoked_at_height.is_none_or(|revoked| at <= revoked);
    if registered && begun && lasts && standing {
        return Ok(key);
    }
    Err(format!("the key {signer} was not in force at height {at}"))
}

/// Every finalized authorization carries, over one payload, the signatures of an officer of the
/// consumer and of an officer of the provider, and names the hash of the terms in its record.
pub fn finalized_by_both(story: &Story) -> Result<usize, String> {
    let mut finalized = 0usize;
    for history in story.histories("authorization/") {
        for act in story.acts(history)? {
            let Action::AuthorizationFinalize(finalize) = act.action else { continue };
            let subject = authorization_key(&finalize.authorization_id);
            // One that replaces it or hands it on is told in a history of its own.
            if subject != history.subject {
                continue;
            }
            let authorization: Option<Authorization> = story.record(&subject)?;
            let authorization =
                authorization.ok_or_else(|| format!("{subject} is not in the bundle"))?;
            if authorization.terms().hash() != finalize.terms_hash {
                return Err(format!("{subject}: the terms signed are not those of the record"));
            }
            for (member, office) in [
                (&authorization.consumer, &authorization.consumer_office),
                (&authorization.provider, &authorization.provider_office),
            ] {
                let signed = act.told.transaction.signers().any(|signer| {
                    key_in_force(story, signer, act.event.height).is_ok_and(|key| {
                        key.member == *member
                            && key.has(&[KeyRole::Officer])
                            && key.office.as_ref().is_none_or(|bound| bound == office)
                    })
                });
                if !signed {
                    return Err(format!("{subject}: no officer of {member} signed the terms"));
                }
            }
            finalized = finalized.saturating_add(1);
        }
    }
    Ok(finalized)
}
