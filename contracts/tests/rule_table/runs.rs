//! Receipts: by what it was done, how fast, and from which system.

use mulu_contracts::authorization::RatedTo;
use mulu_contracts::rule::Rule;
use mulu_contracts::state::{record_id, system_key};
use serde_json::{Value, json};

use crate::Table;
use crate::world::*;

const RUN: &str = "5b2f0d2e-0f3c-4a52-9c6b-0a1b2c3d4e5f";

pub fn lineage(table: &mut Table) {
    let world = World::finalized();
    let data = |name: &str| json!({"namespace": "postgres://库", "name": name});
    let lineage = json!({"run_id": RUN, "job": {"namespace": "etl", "name": "每日"},
        "outputs": [data("法人.登记"), data("x")]});
    let keyed = format!("hmac-sha256:{}", "0f".repeat(32));
    let mut action = with(world.receipt_action("delivered"), "/lineage", lineage.clone());
    action["operator_hash"] = json!(keyed);
    action["system"] = json!(format!("{PROVIDER}:main"));
    let mut change = |rule, path: &str, new: Value| {
        table.provider(rule, &world, with(action.clone(), path, new));
    };
    for run in [
        "",
        &RUN[..35],
        &RUN.to_uppercase(),
        &RUN.replace('-', ""),
        &format!("{RUN}0"),
        &format!("{RUN}-0"),
        &RUN.replace("5b2", "gb2"),
        "5b2f0d2e0-f3c-4a52-9c6b-0a1b2c3d4e5f",
    ] {
        change(Rule::ReceiptRun, "/lineage/run_id", json!(run));
    }
    change(Rule::FieldText, "/lineage/job/name", json!(""));
    change(Rule::FieldText, "/lineage/job/namespace", json!("x".repeat(513)));
    change(Rule::FieldText, "/lineage/outputs/1/name", json!("x".repeat(513)));
    change(Rule::FieldText, "/lineage/outputs/0/namespace", json!(""));
    change(Rule::FieldCount, "/lineage/outputs", json!(vec![data("x"); 33]));
    let hex = "0f".repeat(32);
    for hash in [
        "张三".to_owned(),
        hex.clone(),
        format!("sha256:{hex}"),
        format!("hmac-sha256:{}", &hex[1..]),
        format!("hmac-sha256:{hex}0"),
        format!("hmac-sha256:{}", hex.to_uppercase()),
        format!("hmac-sha256:{}g", &hex[1..]),
        format!("hmac-sha256:{}/", &hex[1..]),
        format!("hmac-sha256:{}:", &hex[1..]),
        format!("hmac-sha256:{}`", &hex[1..]),
    ] {
        change(Rule::ReceiptOperator, "/operator_hash", json!(hash));
    }
    change(Rule::SystemUnknown, "/system", json!(format!("{PROVIDER}:none")));
    change(Rule::SystemForeign, "/system", json!(format!("{CONSUMER}:desk")));
    let mut denied = with(action.clone(), "/kind", json!("denied"));
    denied["operator_hash"] = json!("张三");
    table.provider(Rule::ReceiptOperator, &world, denied);
    let mut world = world;
    let transaction = world.by_provider(action);
    let key = format!("receipt/{}", record_id(&transaction.id(), 0));
    world.accept(transaction);
    let stored: Value = serde_json::from_slice(&world.state[&key]).unwrap();
    assert_eq!(stored["lineage"], lineage);
    assert_eq!(stored["operator_hash"], json!(keyed));
    assert_eq!(stored["system"], json!(format!("{PROVIDER}:main")));
}

/// A grant of 5 calls in each second.
fn rated() -> World {
    let mut world = World::finalized();
    let id = world.only_authorization().authorization_id;
    let limits = json!({"rate": {"calls": 5, "per_ms": 1000}});
    world.patch(&format!("authorization/{id}"), "/granted/limits", limits);
    world
}

struct Chain {
    world: World,
    seq: u64,
    last: Value,
}

impl Chain {
    /// A delivery of the span, in milliseconds from the beginning.
    fn delivered(&self, from: u64, to: u64, calls: u64) -> Value {
        let action = with(self.world.receipt_action("delivered"), "/counts/calls", json!(calls));
        let window = json!({"from_ms": START_MS + from, "to_ms": START_MS + to});
        let action = with(with(action, "/window", window), "/seq", json!(self.seq + 1));
        with(action, "/prev_receipt", self.last.clone())
    }

    fn accept(&mut self, action: Value) -> Value {
        let transaction = self.world.by_provider(action);
        self.last = json!(record_id(&transaction.id(), 0));
        self.world.accept(transaction);
        self.seq += 1;
        self.last.clone()
    }

    fn rated(&self) -> RatedTo {
        self.world.only_authorization().rated_to_ms.unwrap()
    }
}

pub fn rates(table: &mut Table) {
    let mut chain = Chain { world: rated(), seq: 0, last: Value::Null };
    assert_eq!(START_MS % 1000, 0, "a period begins");
    table.provider(Rule::ReceiptRate, &chain.world, chain.delivered(0, 999, 6));
    table.provider(Rule::ReceiptRate, &chain.world, chain.delivered(999, 1000, 11));
    table.provider(Rule::ReceiptRate, &chain.world, chain.delivered(0, 2000, 16));
    let first = chain.accept(chain.delivered(500, 2000, 15));
    assert_eq!(chain.rated(), RatedTo { delivered: Some(START_MS + 2000), ..RatedTo::default() });
    for from in [0, 2000, 2999] {
        table.provider(Rule::ReceiptPeriods, &chain.world, chain.delivered(from, 4000, 1));
    }
    // Other kinds count for themselves.
    let mut used = with(chain.delivered(0, 999, 5), "/kind", json!("used"));
    used["seq"] = json!(1);
    used["prev_receipt"] = Value::Null;
    let transaction = chain.world.by_consumer(with(used.clone(), "/kind", json!("received")));
    chain.world.clone().accept(transaction);
    let transaction = chain.world.by_consumer(used);
    chain.world.accept(transaction);
    assert_eq!(chain.rated().used, Some(START_MS + 999));
    assert_eq!(chain.rated().received, None);

    let corrects = |action: Value| with(action, "/corrects", first.clone());
    table.provider(Rule::ReceiptRate, &chain.world, corrects(chain.delivered(0, 2999, 16)));
    table.provider(Rule::ReceiptPeriods, &chain.world, corrects(chain.delivered(500, 3000, 15)));
    chain.accept(chain.delivered(3000, 3001, 5));
    assert_eq!(chain.rated().delivered, Some(START_MS + 3001));
    let before = chain.rated();
    chain.accept(corrects(chain.delivered(0, 2999, 15)));
    assert_eq!(chain.rated(), before, "a correction moves nothing");
    assert_eq!(chain.world.only_authorization().totals.delivered.calls, 20);
    // A correction cannot reach before what it corrects.
    let late = chain.accept(chain.delivered(5000, 5999, 1));
    let early = with(chain.delivered(4999, 5999, 1), "/corrects", late);
    table.provider(Rule::ReceiptPeriods, &chain.world, early);
    // A denial counts nothing and is of no period.
    chain.accept(with(chain.delivered(0, 0, 99), "/kind", json!("denied")));
}

/// What was delivered before the systems were stopped can be said afterwards.
pub fn stopped(table: &mut Table) {
    let world = World::finalized();
    let delivered = |from: u64| {
        let window = json!({"from_ms": START_MS + from, "to_ms": START_MS + from});
        with(world.receipt_action("delivered"), "/window", window)
    };
    let main = system_key(&format!("{PROVIDER}:main"));
    let revise = |world: &World, status: &str| {
        json!({"type": "system.revise", "prev": world.version(&main), "system": {"code": "main",
            "name": "系统", "office": data_office(), "status": status, "tables": [{"name": "t1"}]}})
    };
    let stopped_at = |world: &World| {
        let system: Value = serde_json::from_slice(&world.state[&main]).unwrap();
        system["stopped_at_ms"].as_u64()
    };
    let mut stopped = world.clone();
    let transaction = stopped.by(PROVIDER, &[PROVIDER_ADMIN], revise(&stopped.clone(), "running"));
    stopped.accept(transaction);
    assert_eq!(stopped_at(&stopped), None);
    let at = stopped.time_ms;
    let transaction = stopped.by(PROVIDER, &[PROVIDER_ADMIN], revise(&stopped.clone(), "stopped"));
    stopped.accept(transaction);
    let transaction = stopped.by(PROVIDER, &[PROVIDER_ADMIN], revise(&stopped.clone(), "stopped"));
    stopped.accept(transaction);
    assert_eq!(stopped_at(&stopped), Some(at), "since it was stopped first");
    table.provider(Rule::ReceiptSystems, &stopped, delivered(at - START_MS + 1));
    let transaction = stopped.by_provider(delivered(at - START_MS));
    stopped.clone().accept(transaction);
    // Uses of what was delivered go on.
    let used = with(delivered(at - START_MS + 1), "/kind", json!("used"));
    let transaction = stopped.by_consumer(used);
    stopped.clone().accept(transaction);
    // One of two systems is enough.
    let entry = mulu_contracts::state::entry_key(&mulu_contracts::state::entry_id(CODE));
    let both =
        json!([{"system": format!("{PROVIDER}:main")}, {"system": format!("{CONSUMER}:desk")}]);
    let mut two = stopped.clone();
    two.patch(&entry, "/content/systems", both);
    let transaction = two.by_provider(delivered(at - START_MS + 1));
    two.accept(transaction);
    // One that was stopped before there was such a note was stopped before.
    let mut old = stopped;
    old.patch(&entry, "/content/systems", json!([{"system": format!("{PROVIDER}:old")}]));
    table.provider(Rule::ReceiptSystems, &old, delivered(0));
    old.patch(&entry, "/content/systems", json!([]));
    let transaction = old.by_provider(delivered(0));
    old.accept(transaction);
}
