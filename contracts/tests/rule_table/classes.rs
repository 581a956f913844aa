//! The table of classes, what it asks of codes, related codes, and what else is said of a system.

use mulu_contracts::class::{Class, Classes};
use mulu_contracts::rule::Rule;
use mulu_contracts::state::{self, entry_id, system_key};
use serde_json::{Value, json};

use crate::Table;
use crate::world::*;

fn set(classes: &[(&str, &str)]) -> Value {
    let class = |(code, name): &(&str, &str)| json!({"code": code, "name": name});
    json!({"type": "class.set", "classes": classes.iter().map(class).collect::<Vec<_>>()})
}

const TABLE: [(&str, &str); 4] =
    [("3", "部门"), ("306", "政法"), ("306001", "登记"), ("306001A2", "法人登记")];

/// A world whose authority keeps the table.
fn classed() -> World {
    let mut world = World::new();
    let transaction = world.by(AUTHORITY, &[AUTHORITY_KEY], set(&TABLE));
    world.accept(transaction);
    world
}

fn count(world: &World) -> u64 {
    state::decode::<Classes>("classes", &world.state["classes"]).unwrap().count
}

pub fn tables(table: &mut Table) {
    let world = World::new();
    let longest = format!("306001{}", "a".repeat(56));
    for code in ["", "0", "30", "0306", "3060", "30600", "06001", "3a6", "306a01", "306001-", "类"]
    {
        table.by(Rule::ClassForm, &world, AUTHORITY, &[AUTHORITY_KEY], set(&[(code, "类")]));
    }
    let longer = format!("{longest}a");
    table.by(Rule::ClassForm, &world, AUTHORITY, &[AUTHORITY_KEY], set(&[(&longer, "类")]));
    let mut refused = |rule, classes: &[(&str, &str)]| {
        table.by(rule, &world, AUTHORITY, &[AUTHORITY_KEY], set(classes));
    };
    refused(Rule::ClassAbove, &[("306", "政法")]);
    refused(Rule::ClassAbove, &[("3", "部门"), ("306001", "登记")]);
    refused(Rule::ClassAbove, &[("3", "部门"), ("306", "政法"), (&longest, "登记")]);
    refused(Rule::ClassAbove, &[("306", "政法"), ("3", "部门")]);
    refused(Rule::FieldDuplicate, &[("3", "部门"), ("3", "基础")]);
    refused(Rule::FieldCount, &[]);
    refused(Rule::FieldText, &[("3", "")]);
    table.provider(Rule::KeyRole, &world, set(&TABLE));

    let mut world = classed();
    assert_eq!((count(&world), world.histories["classes"].len()), (4, 1));
    let again = set(&[("306", "公安司法"), (&longest, "其他"), ("4", "主题")]);
    let transaction = world.by(AUTHORITY, &[AUTHORITY_KEY], again);
    world.accept(transaction);
    assert_eq!(count(&world), 6, "one has another name, two are new");
    let class: Class = state::decode("class/306", &world.state["class/306"]).unwrap();
    assert_eq!((class.code.as_str(), class.name.as_str()), ("306", "公安司法"));
}

pub fn codes(table: &mut Table) {
    let world = classed();
    let of = |codes: &[&str], path: Value| {
        let content = with(content(), "/codes", json!(codes));
        publish(with(content, "/class_path", path))
    };
    let names = json!(["部门", "政法", "登记"]);
    table.provider(Rule::EntryClass, &world, of(&["306002/1"], json!([])));
    table.provider(Rule::EntryClass, &world, of(&[CODE, "306001B/1"], json!([])));
    for path in [json!(["部门"]), json!(["部门", "政法"]), json!(["部门", "政法", "登记", "法人"])]
    {
        // By itself, whether there is a table or not.
        table.provider(Rule::EntryClassPath, &world, of(&[CODE], path.clone()));
        table.provider(Rule::EntryClassPath, &World::new(), of(&[CODE], path));
    }
    table.provider(Rule::EntryClassPath, &world, of(&[CODE], json!(["部门", "登记", "登记"])));
    table.provider(Rule::EntryClassPath, &world, of(&["306001A2/1"], names.clone()));
    table.provider(Rule::FieldCount, &world, of(&[CODE], json!(vec!["类"; 5])));
    table.provider(Rule::FieldText, &world, of(&[CODE], json!(["部门", "", "登记"])));
    let deep = json!(["部门", "政法", "登记", "法人登记"]);
    for action in [
        of(&[CODE], json!([])),
        of(&[CODE, "306001A2/7"], names.clone()),
        of(&["306001A2/1"], deep),
    ] {
        let mut world = world.clone();
        let transaction = world.by_provider(action);
        world.accept(transaction);
    }
    // Without a table any names will do.
    let mut world = World::new();
    let transaction = world.by_provider(of(&[CODE], json!(["甲", "乙", "丙"])));
    world.accept(transaction);
}

pub fn related(table: &mut Table) {
    let mut world = World::published();
    let second =
        with(with(content(), "/codes", json!(["306001/2", "306001/3"])), "/name", json!("二"));
    let second = |related: Value| publish(with(second.clone(), "/related", related));
    table.provider(Rule::EntryRelated, &world, second(json!([CODE, "306001/9"])));
    table.content(Rule::EntryRelated, "/related", json!(["306001/2"]));
    let submit =
        json!({"type": "entry.submit", "entry": with(content(), "/related", json!(["306001/2"]))});
    table.provider(Rule::EntryRelated, &World::new(), submit);
    let transaction = world.by_provider(second(json!([CODE])));
    world.accept(transaction);
    // The first one points back: cycles are allowed; so is a code that is not the primary one.
    let back = with(content(), "/related", json!(["306001/2", "306001/3"]));
    let revise = json!({"type": "entry.revise", "entry_id": entry_id(CODE),
        "prev": world.entry_version(), "entry": back});
    let transaction = world.by_provider(revise);
    world.accept(transaction);
}

pub fn profiles(table: &mut Table) {
    let world = World::new();
    let profile = json!({"operator": NEWCOMER, "filing_no": "京公网安备1号",
        "crypto_review": {"result": "符合", "date": "2025-06-01"}, "host": "政务云一区",
        "database": "达梦", "first_online": "2020-01-01", "previous": format!("{CONSUMER}:desk")});
    let register = json!({"type": "system.register", "system": {"code": "s", "name": "系统",
        "office": data_office(), "status": "running", "profile": profile,
        "tables": [{"name": "t", "rows_claimed": 12}]}});
    let mut change = |rule, path: &str, new: Value| {
        let action = with(register.clone(), &format!("/system/profile/{path}"), new);
        table.by(rule, &world, PROVIDER, &[PROVIDER_ADMIN], action);
    };
    change(Rule::MemberUsccForm, "operator", json!("91512081MA62K0260"));
    change(Rule::FieldText, "filing_no", json!("x".repeat(201)));
    change(Rule::FieldText, "crypto_review/result", json!("x".repeat(65)));
    change(Rule::FieldDate, "crypto_review/date", json!("2025-6-1"));
    change(Rule::FieldText, "host", json!("x".repeat(257)));
    change(Rule::FieldText, "database", json!("x".repeat(65)));
    change(Rule::FieldDate, "first_online", json!("2020"));
    change(Rule::SystemUnknown, "previous", json!(format!("{CONSUMER}:none")));
    let mut world = world;
    let transaction = world.by(PROVIDER, &[PROVIDER_ADMIN], register);
    world.accept(transaction);
    let stored: Value =
        serde_json::from_slice(&world.state[&system_key(&format!("{PROVIDER}:s"))]).unwrap();
    assert_eq!((&stored["profile"], &stored["tables"][0]["rows_claimed"]), (&profile, &json!(12)));
}
