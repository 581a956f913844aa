//! Grants that hang on others, are suspended, disputed, confirmed, or agreed without an answer.

use mulu_chain::types::Height;
use mulu_contracts::authorization::{Authorization, AuthorizationStatus as Status};
use mulu_contracts::deadline;
use mulu_contracts::rule::Rule;
use mulu_contracts::state::{self, entry_id, record_id};
use serde_json::{Value, json};

use crate::Table;
use crate::world::*;

const BOTH: &[u8] = &[CONSUMER_OFFICER, PROVIDER_OFFICER];

fn told(action: Value) -> Value {
    with(action, "/reason", json!("核查"))
}

fn authorization(world: &World, id: &str) -> Authorization {
    let key = format!("authorization/{id}");
    state::decode(&key, &world.state[&key]).unwrap()
}

pub fn standing(table: &mut Table) {
    let mut world = World::finalized();
    let (suspend, resume) = (told(world.about("suspend")), told(world.about("resume")));
    table.provider(Rule::AuthorizationStatus, &world, resume.clone());
    table.provider(Rule::FieldText, &world, with(suspend.clone(), "/reason", json!("")));
    table.provider(Rule::AuthorizationStatus, &World::agreed(), suspend.clone());
    let transaction = world.by_consumer(suspend.clone());
    world.accept(transaction);
    table.provider(Rule::ReceiptGrant, &world, world.receipt_action("delivered"));
    table.provider(Rule::AuthorizationSuspender, &world, resume.clone());
    let mut by_authority = world.clone();
    let transaction = by_authority.by(AUTHORITY, &[AUTHORITY_KEY], resume.clone());
    by_authority.accept(transaction);
    let transaction = world.by_consumer(resume);
    world.accept(transaction);
    let transaction = world.by_provider(world.receipt_action("delivered"));
    world.accept(transaction);
}

pub fn disputes(table: &mut Table) {
    let mut world = World::requested();
    let dispute = told(world.about("dispute"));
    table.consumer(Rule::AuthorizationStatus, &world, dispute.clone());
    let transaction = world.by_provider(told(world.about("reject")));
    world.accept(transaction);
    table.provider(Rule::AuthorizationParty, &world, dispute.clone());
    let decide =
        |world: &World, grant: bool| with(told(world.about("decide")), "/grant", json!(grant));
    let authority = &[AUTHORITY_KEY];
    table.by(Rule::AuthorizationStatus, &world, AUTHORITY, authority, decide(&world, true));
    let transaction = world.by_consumer(dispute);
    world.accept(transaction);
    table.provider(Rule::KeyRole, &world, decide(&world, true));
    let mut refused = world.clone();
    let transaction = refused.by(AUTHORITY, authority, decide(&world, false));
    refused.accept(transaction);
    assert_eq!(refused.only_authorization().status, Status::Refused);
    let transaction = world.by(AUTHORITY, authority, decide(&world, true));
    world.accept(transaction);
    let transaction = world.by(CONSUMER, BOTH, world.finalize_action());
    world.accept(transaction);
}

/// Two working days from a Friday end with Tuesday; what is not counted is not stored.
pub fn deadlines(table: &mut Table) {
    let mut world = World::published();
    let days = json!({"dispute_days": 2, "answer_conditional_days": 10, "provision_days": 20});
    world.patch("params", "/deadlines", days);
    let action = world.request_action();
    let transaction = world.by_consumer(action);
    world.accept(transaction);
    let params = state::params(&world, Height(9)).unwrap();
    let asked = world.only_authorization();
    let due = deadline::of_authorization(&asked, &params).unwrap();
    // 2025-11-21 is a Friday; ten working days later is Friday, 5 December, in Beijing.
    assert_eq!((due.step, due.due_ms), (deadline::Step::Answer, 1_764_950_399_999));
    assert!(!asked.unconditional && asked.requested_at_ms == Some(START_MS + 1000));
    let mut granted = world.clone();
    for (keys, action) in [(&[PROVIDER_OFFICER][..], "agree"), (BOTH, "finalize")] {
        let action = match action {
            "agree" => granted.about("agree"),
            _ => granted.finalize_action(),
        };
        let transaction = granted.by(PROVIDER, keys, action);
        granted.accept(transaction);
    }
    let due = deadline::of_authorization(&granted.only_authorization(), &params).unwrap();
    assert_eq!((due.step, due.member.as_deref()), (deadline::Step::Provide, Some(PROVIDER)));
    let transaction = world.by_provider(told(world.about("reject")));
    world.accept(transaction);
    let dispute = told(world.about("dispute"));
    let last = deadline::of_dispute(&world.only_authorization(), &params).unwrap();
    assert_eq!(last, 1_764_086_399_999, "Tuesday, 25 November");
    world.time_ms = last + 1;
    table.consumer(Rule::AuthorizationDisputeLate, &world, dispute.clone());
    table.consumer(
        Rule::AuthorizationDisputeLate,
        &world,
        with(dispute.clone(), "/reason", json!("")),
    );
    world.time_ms = last;
    let transaction = world.by_consumer(dispute);
    world.accept(transaction);
}

pub fn stricter(table: &mut Table) {
    let mut world = World::finalized();
    let levelled = with(content(), "/level", json!("general-3"));
    let revise = json!({"type": "entry.revise", "entry_id": entry_id(CODE),
        "prev": world.entry_version(), "entry": levelled});
    let transaction = world.by_provider(revise);
    world.accept(transaction);
    table.provider(Rule::ReceiptStricter, &world, world.receipt_action("delivered"));
    table.consumer(Rule::AuthorizationParty, &world, world.about("confirm"));
    let transaction = world.by_provider(world.about("confirm"));
    world.accept(transaction);
    let transaction = world.by_provider(world.receipt_action("delivered"));
    world.accept(transaction);
}

pub fn obligations(table: &mut Table) {
    let mut world = World::published();
    let request = |obligations: Value| with(world.request_action(), "/obligations", obligations);
    let unknown = request(json!({"mask_items": ["phone"]}));
    table.consumer(Rule::AuthorizationObligations, &world, unknown);
    let never = request(json!({"report_every_ms": 0}));
    table.consumer(Rule::AuthorizationObligations, &world, never);
    let good = request(json!({"delete_by_ms": START_MS + 40 * DAY_MS, "mask_items": ["name"]}));
    let transaction = world.by_consumer(good);
    world.accept(transaction);
    table.consumer(
        Rule::AuthorizationAutomatic,
        &world,
        with(world.request_action(), "/auto_agree", json!(true)),
    );

    let mut world = World::new();
    let open =
        with(content(), "/share", json!({"type": "unconditional", "methods": ["platform-api"]}));
    let transaction = world.by_provider(publish(open));
    world.accept(transaction);
    let transaction = world.by_consumer(with(world.request_action(), "/auto_agree", json!(true)));
    world.accept(transaction);
    let transaction = world.by(CONSUMER, BOTH, world.finalize_action());
    world.accept(transaction);
}

/// The consumer's grant is replaced by a wider one, and the first ends with the second's signature.
pub fn replacement(table: &mut Table) {
    let mut world = World::finalized();
    let old = world.only_authorization().authorization_id.to_string();
    let request = with(world.request_action(), "/replaces", json!(old));
    let unknown = with(request.clone(), "/replaces", json!(entry_id(CODE)));
    table.consumer(Rule::AuthorizationUnknown, &world, unknown);
    let other = publish(with(with(content(), "/codes/0", json!("306001/2")), "/name", json!("二")));
    let transaction = world.by_provider(other);
    world.accept(transaction);
    let second = entry_id("306001/2");
    let elsewhere = with(request.clone(), "/entry_id", json!(second));
    let elsewhere =
        with(elsewhere, "/entry_version", json!(world.version(&state::entry_key(&second))));
    table.consumer(Rule::AuthorizationReplaces, &world, elsewhere);
    let transaction = world.by_consumer(request);
    let new = record_id(&transaction.id(), 0).to_string();
    world.accept(transaction);
    let agree = json!({"type": "authorization.agree", "authorization_id": new});
    let transaction = world.by_provider(agree);
    world.accept(transaction);
    assert_eq!(authorization(&world, &old).status, Status::Finalized);
    let terms_hash = authorization(&world, &new).terms_hash;
    let finalize = json!({"type": "authorization.finalize", "authorization_id": new,
        "terms_hash": terms_hash});
    let transaction = world.by(CONSUMER, BOTH, finalize);
    world.accept(transaction);
    assert_eq!(authorization(&world, &old).status, Status::Superseded);
    assert_eq!(authorization(&world, &new).status, Status::Finalized);
}

/// The consumer hands a grant on to the authority's member, as far as it goes and as long as it
/// stands.
pub fn onward(table: &mut Table) {
    let mut founding = founding();
    founding.members[0].roles.push(mulu_contracts::member::MemberRole::Consumer);
    let office = json!({"code": "audit", "name": "稽核处"});
    founding.offices.push((AUTHORITY.to_owned(), serde_json::from_value(office).unwrap()));
    let officer = json!({"public_key": key_text(30), "roles": ["officer"]});
    founding.keys.push((AUTHORITY.to_owned(), serde_json::from_value(officer).unwrap()));
    let state = mulu_contracts::genesis_state::genesis_state(&founding).unwrap();
    let mut world = World::new();
    world.state = state;
    let transaction = world.by_provider(publish(content()));
    world.accept(transaction);
    let ask = |world: &mut World, parent: &str, path: &str, new: Value| {
        let action = with(with(world.request_action(), "/parent", json!(parent)), path, new);
        let payload = world.payload(AUTHORITY, Some(format!("{AUTHORITY}:audit")), vec![action]);
        sign(&payload, &[30])
    };
    let mut ids = Vec::new();
    for onward in [false, true] {
        let request = with(world.request_action(), "/onward", json!(onward));
        let transaction = world.by_consumer(request);
        let id = record_id(&transaction.id(), 0).to_string();
        world.accept(transaction);
        let transaction =
            world.by_provider(json!({"type": "authorization.agree", "authorization_id": id}));
        world.accept(transaction);
        let finalize = json!({"type": "authorization.finalize", "authorization_id": id,
            "terms_hash": authorization(&world, &id).terms_hash});
        let transaction = world.by(CONSUMER, BOTH, finalize);
        world.accept(transaction);
        ids.push(id);
    }
    let (closed, parent) = (&ids[0], &ids[1]);
    let transaction = ask(&mut world, closed, "/scope", json!("本处室"));
    table.refused(Rule::AuthorizationOnward, &mut world, &transaction);
    for (path, new) in [
        ("/limits/calls", json!(101)),
        ("/onward", json!(true)),
        ("/method", json!("mail")),
        ("/items", json!(["phone"])),
        ("/purpose/scenario", json!("其他用途")),
    ] {
        let transaction = ask(&mut world, parent, path, new);
        table.refused(Rule::AuthorizationOnward, &mut world, &transaction);
    }
    let transaction = ask(&mut world, parent, "/scope", json!("本处室"));
    let child = record_id(&transaction.id(), 0).to_string();
    world.accept(transaction);
    assert_eq!(authorization(&world, &child).provider, CONSUMER);
    let agree = json!({"type": "authorization.agree", "authorization_id": child});
    let transaction = world.by_consumer(agree);
    world.accept(transaction);
    let finalize = json!({"type": "authorization.finalize", "authorization_id": child,
        "terms_hash": authorization(&world, &child).terms_hash});
    let transaction = world.by(AUTHORITY, &[30, CONSUMER_OFFICER], finalize);
    world.accept(transaction);
    // What is handed on counts against the grant it comes from.
    let receipt = |id: &str, kind: &str, calls: u64| {
        json!({"type": "receipt.record", "authorization_id": id,
            "terms_hash": authorization(&world, id).terms_hash, "kind": kind,
            "items": ["name"], "purpose": purpose(), "digest": format!("sha256:{:064}", 7),
            "window": {"from_ms": START_MS, "to_ms": START_MS + 1000},
            "counts": {"calls": calls}, "seq": 1})
    };
    let mut used = world.clone();
    let transaction = used.by_consumer(receipt(parent, "used", 70));
    used.accept(transaction);
    table.consumer(Rule::ReceiptOnwardLimits, &used, receipt(&child, "delivered", 31));
    let transaction = used.by_consumer(receipt(&child, "delivered", 30));
    used.accept(transaction);
    assert_eq!(authorization(&used, parent).handed_on.delivered.calls, 30);
    let next = with(receipt(parent, "used", 1), "/seq", json!(2));
    let last = format!("receipt-chain/{parent}/{CONSUMER}");
    let last: Value = serde_json::from_slice(&used.state[&last]).unwrap();
    let next = with(next, "/prev_receipt", last["receipt_id"].clone());
    table.consumer(Rule::ReceiptLimits, &used, next);
    let transaction = ask(&mut used, parent, "/scope", json!("另一处室"));
    table.refused(Rule::AuthorizationOnward, &mut used, &transaction);
    let revoke =
        json!({"type": "authorization.revoke", "authorization_id": parent, "reason": "违规"});
    let transaction = world.by_provider(revoke);
    world.accept(transaction);
    let receipt = json!({"type": "receipt.record", "authorization_id": child,
        "terms_hash": authorization(&world, &child).terms_hash, "kind": "delivered",
        "items": ["name"], "purpose": purpose(), "digest": format!("sha256:{:064}", 7),
        "window": {"from_ms": START_MS, "to_ms": START_MS + 1000}, "counts": {"calls": 1}, "seq": 1});
    table.consumer(Rule::AuthorizationOnward, &world, receipt);
    let key = format!("authorization/{parent}");
    assert_eq!(world.histories[&key].len(), 6, "request, agree, finalize, handed on twice, revoke");
}
