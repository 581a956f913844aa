//! One accepted case of every action on authorizations, receipts, corrections, objections and
//! operations.

use std::sync::LazyLock;

use mulu_contracts::rule::Rule;
use mulu_contracts::state::{entry_id, entry_key, record_id};
use serde_json::{Value, json};

use crate::cases::{after, member};
use crate::world::*;
use crate::{AUTHORITY_ROLE, Case, EITHER};

/// Both officers, the consumer's first.
const BOTH: &[u8] = &[CONSUMER_OFFICER, PROVIDER_OFFICER];

fn told(action: Value) -> Value {
    let reason = format!("核查：{}", action["type"].as_str().unwrap());
    with(action, "/reason", json!(reason))
}

/// A request that is rejected, and one that is disputed.
pub fn rejected() -> World {
    let world = World::requested();
    after(&world, false, told(world.about("reject")))
}

pub fn disputed() -> World {
    let mut world = rejected();
    let transaction = world.by_consumer(told(world.about("dispute")));
    world.accept(transaction);
    world
}

pub fn offer(world: &World) -> Value {
    let granted = json!({"items": ["name"], "limits": {"calls": 50},
        "window": {"from_ms": START_MS, "to_ms": START_MS + 10 * DAY_MS}});
    with(world.about("offer"), "/granted", granted)
}

fn examine(world: &World) -> Value {
    with(told(world.about("examine")), "/compliant", json!(true))
}

pub fn counter(world: &World) -> Value {
    let requested = json!({"items": ["name"], "limits": {"calls": 70},
        "window": {"from_ms": START_MS, "to_ms": START_MS + 20 * DAY_MS}});
    with(world.about("counter"), "/requested", requested)
}

pub fn offered() -> World {
    let world = World::requested();
    after(&world, false, offer(&world))
}

/// A grant suspended by the provider, or by the consumer.
pub fn suspended(by_provider: bool) -> World {
    let mut world = World::finalized();
    let action = told(world.about("suspend"));
    let transaction =
        if by_provider { world.by_provider(action) } else { world.by_consumer(action) };
    world.accept(transaction);
    world
}

pub fn authorizations() -> Vec<Case> {
    let common = [
        entry_key(&entry_id(CODE)),
        format!("office/{}", data_office()),
        format!("office/{}", use_office()),
    ];
    let touch = |case: Case| {
        let about = case.action["authorization_id"].as_str().unwrap_or("NEW");
        let own = format!("authorization/{about}");
        let subjects: Vec<&str> = common.iter().chain([&own]).map(String::as_str).collect();
        case.touches(&subjects)
    };
    let provider = |world: &World, action: Value| {
        touch(Case::new(world, PROVIDER, &[PROVIDER_OFFICER], action))
    };
    let consumer = |world: &World, action: Value| {
        touch(Case::new(world, CONSUMER, &[CONSUMER_OFFICER], action))
    };
    let authority = |world: &World, action: Value| {
        let case = Case::new(world, AUTHORITY, &[AUTHORITY_KEY], action);
        touch(case.roles(AUTHORITY_ROLE).any_office())
    };
    // Without an authority's key, the submitter acts as a party that it is not.
    let as_party = |case: Case| case.otherwise(Rule::AuthorizationParty);
    let published = World::published();
    let (requested, offered, agreed) = (World::requested(), offered(), World::agreed());
    let finalized = World::finalized();
    let request = consumer(&published, published.request_action()).roles(EITHER).any_office();
    let both = Case::new(&agreed, CONSUMER, BOTH, agreed.finalize_action());
    let mut cases = vec![
        request.office(use_office()),
        provider(&requested, offer(&requested)),
        provider(&requested, requested.about("agree")),
        consumer(&offered, offered.about("agree")),
        touch(both.otherwise(Rule::AuthorizationBoth)),
        authority(&requested, examine(&requested)),
        consumer(&offered, counter(&offered)),
        provider(&requested, told(requested.about("reject"))),
        consumer(&requested, requested.about("withdraw")),
        provider(&finalized, told(finalized.about("revoke"))),
        as_party(authority(&finalized, told(finalized.about("revoke")))),
        consumer(&finalized, finalized.about("relinquish")),
        provider(&finalized, finalized.about("confirm")),
        consumer(&rejected(), told(rejected().about("dispute"))),
        provider(&suspended(true), told(finalized.about("resume"))),
        consumer(&suspended(false), told(finalized.about("resume"))),
        as_party(authority(&suspended(true), told(finalized.about("resume")))),
    ];
    for grant in [false, true] {
        let decide = with(told(disputed().about("decide")), "/grant", json!(grant));
        cases.push(authority(&disputed(), decide));
    }
    let suspend = told(finalized.about("suspend"));
    cases.push(provider(&finalized, suspend.clone()));
    cases.push(consumer(&finalized, suspend.clone()));
    cases.push(as_party(authority(&finalized, suspend)));
    cases
}

pub fn receipts() -> Vec<Case> {
    let world = World::finalized();
    let authorization = world.only_authorization().authorization_id;
    let about = [entry_key(&entry_id(CODE)), format!("authorization/{authorization}")];
    let delivered = world.receipt_action("delivered");
    let (data, own) = (format!("office/{}", data_office()), format!("office/{}", use_office()));
    let touched = |office: &'static str| {
        let office = if office == PROVIDER { &data } else { &own };
        [about[0].as_str(), &about[1], office]
    };
    let by_provider = |world: &World, action: Value| {
        let case = Case::new(world, PROVIDER, &[PROVIDER_APP], action).roles(EITHER).any_office();
        case.touches(&touched(PROVIDER))
    };
    let by_consumer = |world: &World, action: Value| {
        let case = Case::new(world, CONSUMER, &[CONSUMER_APP], action).roles(EITHER).any_office();
        case.touches(&touched(CONSUMER))
    };
    let denied = with(world.receipt_action("denied"), "/digest", Value::Null);
    vec![
        by_provider(&world, delivered),
        by_consumer(&world, world.receipt_action("received")),
        by_consumer(&world, with(world.receipt_action("used"), "/digest", Value::Null)),
        by_consumer(&world, with(world.receipt_action("deleted"), "/digest", Value::Null)),
        by_provider(&world, denied.clone()),
        by_consumer(&world, denied),
    ]
}

/// A world after the consumer's action, and the id of the record that it created.
pub fn opened(world: &World, action: Value) -> (World, String) {
    let mut world = world.clone();
    let transaction = world.by_consumer(action);
    let id = record_id(&transaction.id(), 0).to_string();
    world.accept(transaction);
    (world, id)
}

pub fn open_correction() -> Value {
    json!({"type": "correction.open", "entry_id": entry_id(CODE), "item": "name",
        "finding": "名称与登记不符"})
}

pub fn open_objection() -> Value {
    json!({"type": "objection.open", "subject": entry_key(&entry_id(CODE)),
        "ground": "职责依据不足"})
}

pub fn answer(id: &str, accept: bool) -> Value {
    json!({"type": "correction.answer", "correction_id": id, "accept": accept,
        "answer": "将于下一版本修正"})
}

/// An accepted correction whose entry was revised since, and its id.
pub fn mended() -> (World, String) {
    let (world, id) = opened(&World::published(), open_correction());
    let world = after(&world, false, answer(&id, true));
    let revise = json!({"type": "entry.revise", "entry_id": entry_id(CODE),
        "prev": world.entry_version(), "entry": with(content(), "/summary", json!("已修正"))});
    (after(&world, false, revise), id)
}

pub fn complaints() -> Vec<Case> {
    let world = World::published();
    let entry = entry_key(&entry_id(CODE));
    let (consumer, provider) = (member(CONSUMER), member(PROVIDER));
    let touch = |case: Case, kind: &str| {
        let id = case.action[format!("{kind}_id")].as_str().unwrap_or("NEW").to_owned();
        let own = format!("{kind}/{id}");
        match kind {
            "correction" => case.touches(&[&entry, &consumer, &provider, &own]),
            _ => case.touches(&[&entry, &consumer, &own]),
        }
    };
    let by_consumer = |world: &World, action: Value| {
        Case::new(world, CONSUMER, &[CONSUMER_OFFICER], action).any_office()
    };
    let by_provider =
        |world: &World, action: Value| Case::new(world, PROVIDER, &[PROVIDER_OFFICER], action);
    let open = by_consumer(&world, open_correction()).roles(EITHER);
    let (opened_correction, id) = opened(&world, open.action.clone());
    let withdraw = json!({"type": "correction.withdraw", "correction_id": id});
    let (revised, mended_id) = mended();
    let fix = json!({"type": "correction.fix", "correction_id": mended_id,
        "entry_version": revised.entry_version()});
    let mut cases: Vec<Case> = [
        open,
        by_consumer(&opened_correction, withdraw).roles(EITHER),
        by_provider(&opened_correction, answer(&id, true)),
        by_provider(&opened_correction, answer(&id, false)),
        by_provider(&revised, fix),
    ]
    .into_iter()
    .map(|case| touch(case, "correction"))
    .collect();
    let open = by_consumer(&world, open_objection());
    let open = Case { roles: &["officer", "administrator"], ..open };
    let (contested, id) = opened(&world, open.action.clone());
    let withdraw = json!({"type": "objection.withdraw", "objection_id": id});
    let withdraw = by_consumer(&contested, withdraw);
    cases.push(touch(open, "objection"));
    cases.push(touch(Case { roles: &["officer", "administrator"], ..withdraw }, "objection"));
    let decide = json!({"type": "objection.decide", "objection_id": id, "uphold": true,
        "reason": "理由成立"});
    let decide = Case::new(&contested, AUTHORITY, &[AUTHORITY_KEY], decide);
    cases.push(touch(decide.roles(AUTHORITY_ROLE).any_office(), "objection"));
    cases
}

pub fn plan() -> Value {
    json!({"type": "operation.plan", "mode": "scenario", "title": "企业征信",
        "entries": [entry_id(CODE)], "document": format!("sha256:{:064}", 9),
        "window": {"from_ms": START_MS, "to_ms": START_MS + DAY_MS}})
}

pub const STEPS: [&str; 6] = ["planned", "approved", "selected", "signed", "operating", "ended"];

/// The action that takes the step after the plan, and who signs it.
pub fn step(id: &str, step: &str) -> (&'static str, &'static [u8], Value) {
    let advance = json!({"type": "operation.advance", "operation_id": id, "step": step,
        "document": format!("sha256:{:064}", 9)});
    match step {
        "approved" => (AUTHORITY, &[AUTHORITY_KEY], advance),
        "selected" => (PROVIDER, &[PROVIDER_OFFICER], with(advance, "/operator", json!(CONSUMER))),
        "signed" => (PROVIDER, &[PROVIDER_OFFICER, CONSUMER_OFFICER], advance),
        _ => (PROVIDER, &[PROVIDER_OFFICER], advance),
    }
}

pub fn operations() -> Vec<Case> {
    let mut world = World::published();
    let entry = entry_key(&entry_id(CODE));
    let (operator, own) = (member(CONSUMER), member(PROVIDER));
    let planned = Case::new(&world, PROVIDER, &[PROVIDER_OFFICER], plan()).any_office();
    let mut cases = vec![planned.touches(&[&entry, &own, "operation/NEW"])];
    let transaction = world.by_provider(plan());
    let id = record_id(&transaction.id(), 0).to_string();
    let at = format!("operation/{id}");
    world.accept(transaction);
    for (number, name) in STEPS.iter().enumerate().skip(1) {
        let (member, keys, action) = step(&id, name);
        let case = Case::new(&world, member, keys, action.clone());
        let case = match *name {
            "approved" => case.roles(AUTHORITY_ROLE).any_office(),
            // The agreement is signed by officers bound to no office.
            "signed" => case.otherwise(Rule::OperationBoth),
            _ => case.any_office(),
        };
        let case = match number {
            1 => case.touches(&[&entry, &own, &at]),
            _ => case.touches(&[&entry, &own, &operator, &at]),
        };
        cases.push(case);
        let transaction = world.by(member, keys, action);
        world.accept(transaction);
    }
    cases
}

/// All cases, made once.
pub fn all() -> Vec<Case> {
    use crate::cases;
    static ALL: LazyLock<Vec<Case>> = LazyLock::new(|| {
        let lists = [
            cases::identity(),
            cases::duties_and_systems(),
            cases::entries(),
            cases::consortium(),
            authorizations(),
            receipts(),
            complaints(),
            operations(),
        ];
        lists.into_iter().flatten().collect()
    });
    ALL.clone()
}
