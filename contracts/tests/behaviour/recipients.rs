//! To whom a grant may be handed on, and what it rests on.

use mulu_contracts::rule::Rule;
use serde_json::{Value, json};

use crate::Case;
use crate::bounds::{case, changed};
use crate::onward::{about, handing_on, parent_for, request, stored};
use crate::world::*;

#[test]
fn a_grant_is_handed_on_to_whom_it_names() {
    for (recipients, found) in [
        (json!([]), Ok(())),
        (json!([AUTHORITY]), Ok(())),
        (json!([PROVIDER, AUTHORITY]), Ok(())),
        (json!([PROVIDER]), Err(Rule::AuthorizationOnward.id())),
    ] {
        let (world, parent) = parent_for(recipients.clone());
        let mut asked = request(&world, AUTHORITY, handing_on(&world, &parent));
        assert_eq!(asked.verdict(), found, "{recipients}");
    }
    // Its consumer is not made another's provider by being named itself.
    let (world, parent) = parent_for(json!([CONSUMER]));
    let mut asked = request(&world, CONSUMER, handing_on(&world, &parent));
    assert_eq!(asked.verdict(), Err(Rule::AuthorizationSelf.id()));
}

/// What the provider names where the consumer named nobody binds; the terms say so.
#[test]
fn the_provider_names_recipients() {
    let world = World::published();
    let asked = with(world.request_action(), "/onward", json!(true));
    let (world, _) = request(&world, CONSUMER, asked).run();
    let id = world.only_authorization().authorization_id.to_string();
    let mut granted = serde_json::to_value(world.only_authorization().requested).unwrap();
    granted["recipients"] = json!([AUTHORITY]);
    let offer = with(about(&id, "offer"), "/granted", granted);
    let (world, _) = Case::new(&world, PROVIDER, &[PROVIDER_OFFICER], offer).run();
    let (world, _) = request(&world, CONSUMER, about(&id, "agree")).run();
    let agreed = stored(&world, &id);
    assert_eq!(agreed.terms().recipients, [AUTHORITY]);
    assert_eq!(agreed.terms_hash, Some(agreed.terms().hash()));
    assert!(agreed.requested.recipients.is_empty());
}

/// Every member of the terms is signed: another digest is another hash. Absent, it leaves the terms as
/// they were before there was such a field.
#[test]
fn policy_and_legal_text_are_of_the_terms() {
    let digest = |n: u8| json!(format!("sha256:{n:064}"));
    let hash = |fields: &[(&str, Value)]| {
        let mut world = World::published();
        let mut asked = world.request_action();
        for (name, value) in fields {
            asked[*name] = value.clone();
        }
        let transaction = world.by_consumer(asked);
        world.accept(transaction);
        let transaction = world.by_provider(world.about("agree"));
        world.accept(transaction);
        let agreed = world.only_authorization();
        let mut terms = serde_json::to_value(agreed.terms()).unwrap();
        // The id follows from the transaction; all else must be the same or say why.
        terms["authorization_id"] = Value::Null;
        terms
    };
    let plain = hash(&[]);
    for name in ["recipients", "policy_hash", "legal_text_hash"] {
        assert!(plain.get(name).is_none(), "{name}");
    }
    assert!(plain["purpose"].get("code").is_none());
    for name in ["policy_hash", "legal_text_hash"] {
        assert_eq!(hash(&[(name, digest(1))])[name], digest(1));
        assert_ne!(hash(&[(name, digest(1))]), hash(&[(name, digest(2))]), "{name}");
        assert_eq!(hash(&[(name, Value::Null)]), plain);
    }
    // The provider's offer says under which policy it grants, whatever was asked.
    let offer = case("authorization.offer");
    assert_eq!(changed(&offer, "/granted/policy_hash", digest(3)), Ok(()));
    assert_eq!(changed(&offer, "/granted/legal_text_hash", digest(3)), Ok(()));
    let wrong = changed(&offer, "/granted/recipients", json!([AUTHORITY]));
    assert_eq!(wrong, Err(Rule::AuthorizationRecipients.id()));
}
