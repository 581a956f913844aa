//! Duties, systems and entries.

use mulu_contracts::rule::Rule;
use mulu_contracts::state::entry_id;
use serde_json::{Value, json};

use crate::Table;
use crate::world::*;

pub fn duties_and_systems(table: &mut Table) {
    let world = World::new();
    let duty = json!({"type": "duty.register", "duty": new_duty("d", &data_office(), None)});
    let mut change = |rule, path: &str, new: Value| {
        table.by(rule, &world, PROVIDER, &[PROVIDER_ADMIN], with(duty.clone(), path, new));
    };
    change(Rule::DutyExists, "/duty/code", json!("register"));
    change(Rule::DutyDates, "/duty/effective_to", json!("2019-12-31"));
    change(Rule::FieldDate, "/duty/effective_from", json!("2025-02-29"));
    change(Rule::FieldCount, "/duty/legal_basis", json!([]));
    let system = json!({"type": "system.register", "system": {"code": "s", "name": "系统",
        "office": data_office(), "status": "running"}});
    let mut change = |rule, path: &str, new: Value| {
        table.by(rule, &world, PROVIDER, &[PROVIDER_ADMIN], with(system.clone(), path, new));
    };
    change(Rule::SystemExists, "/system/code", json!("main"));
    change(Rule::SystemProtection, "/system/protection_level", json!(5));
    change(Rule::DutyUnknown, "/system/duties", json!([format!("{PROVIDER}:none")]));
    change(Rule::FieldDuplicate, "/system/tables", json!([{"name": "t"}, {"name": "t"}]));
}

pub fn entries(table: &mut Table) {
    table.content(Rule::EntrySecret, "/secret", json!(true));
    let long = format!("306001/{}", "1".repeat(60));
    for code in ["306001", "006001/1", "30600/1", "306001/", "306001/a-b", "306001/1/2", &long] {
        table.content(Rule::EntryCodeForm, "/codes/0", json!(code));
    }
    table.content(Rule::FieldCount, "/codes", json!([]));
    table.content(Rule::EntryCondition, "/share", json!({"type": "conditional"}));
    table.content(Rule::EntryNoShareBasis, "/share", json!({"type": "none"}));
    let surplus = json!({"type": "unconditional", "condition": "有条件"});
    table.content(Rule::EntryShareSurplus, "/share", surplus);
    let none = json!({"type": "none", "no_share_basis": "保密法"});
    let closed = with(with(content(), "/share", none), "/open/is_open", json!(true));
    table.provider(Rule::EntryOpen, &World::new(), publish(closed));
    table.content(Rule::EntryOpen, "/items/2/open", json!(true));
    let registered =
        json!({"type": "first", "code": "GG-1", "date": "2025-11-01", "valid_to": "2025-10-31"});
    table.content(Rule::FieldDates, "/registration", registered);
    let undated = json!({"type": "first", "code": "GG-1", "date": "2025-11-31"});
    table.content(Rule::FieldDate, "/registration", undated);
    table.content(Rule::EntryLevel, "/items/0/level", json!("important"));
    let extension = |name: &str, value: &str| json!({"name": name, "value": value});
    let twice = json!([extension("服务对象", "企业"), extension("服务对象", "公众")]);
    table.content(Rule::FieldDuplicate, "/extensions", twice);
    table.content(Rule::FieldText, "/extensions", json!([extension("服务对象", "")]));
    let long = "字".repeat(500);
    let large = json!([extension("a", &long), extension("b", &long), extension("c", &long)]);
    table.content(Rule::EntryExtensions, "/extensions", large);
    let open = with(content(), "/share", json!({"type": "unconditional"}));
    for path in ["/personal_info", "/items/0/personal_info"] {
        let sensitive = with(open.clone(), path, json!("sensitive"));
        table.provider(Rule::EntrySensitive, &World::new(), publish(sensitive));
    }
    table.content(Rule::EntryItemTwice, "/items/1/item_id", json!("name"));
    table.content(Rule::EntryNoItems, "/items", json!([]));
    table.content(Rule::EntrySystems, "/systems", json!([]));
    table.content(Rule::EntrySystems, "/no_system", json!("手工台账"));
    table.content(Rule::EntryRelatedSelf, "/related", json!([CODE]));
    table.content(Rule::EntryPublishedAt, "/published_at", json!("2025-11-22"));
    table.content(Rule::EntryCore, "/level", json!("core"));
    let item_system = json!(format!("{PROVIDER}:old"));
    table.content(Rule::EntryItemSystem, "/items/0/system", item_system);
    table.content(Rule::FieldText, "/summary", json!("字".repeat(2501)));
    table.content(Rule::FieldRegion, "/region", json!("011010"));

    table.content(Rule::OfficeForeign, "/office", json!(use_office()));
    let mut duty = |rule, id: String| table.content(rule, "/responsibilities/0", json!(id));
    duty(Rule::DutyUnknown, format!("{PROVIDER}:none"));
    duty(Rule::DutyForeign, format!("{CONSUMER}:check"));
    duty(Rule::DutyNotInForce, format!("{PROVIDER}:past"));
    let mut system = |rule, id: String| table.content(rule, "/systems/0/system", json!(id));
    system(Rule::SystemUnknown, format!("{PROVIDER}:none"));
    system(Rule::SystemForeign, format!("{CONSUMER}:desk"));
    system(Rule::SystemStopped, format!("{PROVIDER}:old"));
    table.content(Rule::SystemTable, "/systems/0/table", json!("t9"));
    // An item's table is one of the system that the item names.
    let main = json!(format!("{PROVIDER}:main"));
    table.content(Rule::SystemTable, "/items/0/table", json!("t1"));
    let within = with(content(), "/items/0/system", main);
    let other = with(within.clone(), "/items/0/table", json!("t9"));
    table.provider(Rule::SystemTable, &World::new(), publish(other));
    let mut world = World::new();
    let transaction = world.by_provider(publish(with(within, "/items/0/table", json!("t1"))));
    world.accept(transaction);
    let consumer = publish(with(content(), "/office", json!(use_office())));
    table.consumer(Rule::EntryProviderRole, &World::new(), consumer);
}

pub fn entries_in_state(table: &mut Table) {
    let sourced = |code: &str, name: &str| {
        let hash = format!("sha256:{:064}", 1);
        let source = json!({"system": "ckan", "identifier": "42", "content_hash": hash});
        let content = with(with(content(), "/codes/0", json!(code)), "/name", json!(name));
        with(content, "/source", source)
    };
    let mut world = World::new();
    let transaction = world.by_provider(publish(sourced(CODE, "一")));
    world.accept(transaction);
    table.provider(Rule::EntryCodeTaken, &world, publish(sourced(CODE, "二")));
    table.provider(Rule::EntryNameTaken, &world, publish(sourced("306001/2", "一")));
    table.provider(Rule::EntrySourceTaken, &world, publish(sourced("306001/2", "二")));
    let also = with(sourced("306001/2", "二"), "/codes", json!(["306001/2", CODE]));
    table.provider(Rule::EntryCodeTaken, &world, publish(also));

    let revise = json!({"type": "entry.revise", "entry_id": entry_id(CODE),
        "prev": world.entry_version(), "entry": sourced(CODE, "一")});
    let missing = with(revise.clone(), "/entry_id", json!(entry_id("306001/7")));
    table.provider(Rule::EntryUnknown, &world, missing);
    table.consumer(Rule::EntryForeign, &world, revise.clone());
    let stale = with(revise.clone(), "/prev", json!(entry_id(CODE)));
    table.provider(Rule::EntryPrev, &world, stale);
    let recoded = with(revise.clone(), "/entry/codes/0", json!("306001/2"));
    table.provider(Rule::EntryPrimaryCode, &world, recoded);
    let withdraw = json!({"type": "entry.withdraw", "entry_id": entry_id(CODE),
        "prev": world.entry_version(), "reason": "合并"});
    table.provider(Rule::FieldText, &world, with(withdraw.clone(), "/reason", json!("")));
    let transaction = world.by_provider(withdraw);
    world.accept(transaction);
    table.provider(Rule::EntryNotPublished, &world, revise);
    table.consumer(Rule::EntryNotPublished, &world, world.request_action());
}
