//! What becomes of duties, systems and entries, and what is then due.

use mulu_chain::types::TimeMs;
use mulu_contracts::entry::Entry;
use mulu_contracts::rebind::{Cause, due};
use mulu_contracts::rule::Rule;
use mulu_contracts::state::{self, entry_id, entry_key, system_key};
use serde_json::{Value, json};

use crate::Table;
use crate::world::*;

/// All who sign a transfer from the provider to the consumer.
const TRANSFER: &[u8] = &[AUTHORITY_KEY, PROVIDER_ADMIN, CONSUMER_ADMIN];

fn transfer() -> Value {
    json!({"type": "duty.transfer", "duty": format!("{PROVIDER}:register"), "to": CONSUMER,
        "successor": new_duty("register", &use_office(), None), "basis": "机构改革方案"})
}

pub fn duties(table: &mut Table) {
    let world = World::published();
    let mut by = |rule, keys: &[u8], action| table.by(rule, &world, AUTHORITY, keys, action);
    by(Rule::DutyUnknown, TRANSFER, with(transfer(), "/duty", json!("x")));
    by(Rule::DutyTransferSelf, TRANSFER, with(transfer(), "/to", json!(PROVIDER)));
    by(Rule::MemberUnknown, TRANSFER, with(transfer(), "/to", json!(NEWCOMER)));
    by(Rule::DutyParties, &[AUTHORITY_KEY, PROVIDER_ADMIN], transfer());
    by(Rule::DutyParties, &[AUTHORITY_KEY, CONSUMER_ADMIN], transfer());
    by(Rule::OfficeForeign, TRANSFER, with(transfer(), "/successor/office", json!(data_office())));
    by(Rule::DutyExists, TRANSFER, with(transfer(), "/successor/code", json!("check")));
    by(Rule::FieldText, TRANSFER, with(transfer(), "/basis", json!("")));
    let abolish = json!({"type": "duty.abolish", "duty": format!("{PROVIDER}:past"),
        "basis": "法律废止"});
    by(Rule::DutyParties, &[AUTHORITY_KEY, CONSUMER_ADMIN], abolish.clone());
    let own = &[PROVIDER_ADMIN, CONSUMER_ADMIN];
    table.by(Rule::KeyThreshold, &world, PROVIDER, own, transfer());
    let mut world = world;
    assert_eq!(causes(&world), []);
    let transaction = world.by(CONSUMER, TRANSFER, transfer());
    world.accept(transaction);
    let transaction = world.by(PROVIDER, &[AUTHORITY_KEY, PROVIDER_ADMIN], abolish);
    world.accept(transaction);
    table.by(Rule::DutyEnded, &world, AUTHORITY, TRANSFER, transfer());
    assert_eq!(causes(&world), [Cause::DutyTransferred]);
    let code = with(with(content(), "/codes/0", json!("306001/2")), "/name", json!("二"));
    table.provider(Rule::DutyNotInForce, &world, publish(code));
}

pub fn systems(table: &mut Table) {
    let mut world = World::published();
    let id = system_key(&format!("{PROVIDER}:main"));
    let hash = format!("sha256:{:064}", 3);
    let revise = |world: &World| {
        json!({"type": "system.revise", "prev": world.version(&id), "system": {"code": "main",
            "name": "系统", "office": data_office(), "status": "running",
            "tables": [{"name": "t1", "columns_hash": hash}]}})
    };
    let mut change = |rule, path: &str, new: Value| {
        table.by(rule, &world, PROVIDER, &[PROVIDER_ADMIN], with(revise(&world), path, new));
    };
    change(Rule::SystemUnknown, "/system/code", json!("none"));
    change(Rule::SystemPrev, "/prev", json!(hash));
    change(Rule::SystemStatusBack, "/system/status", json!("building"));
    change(Rule::DutyUnknown, "/system/duties", json!(["x"]));
    for (change, expected) in [
        (revise(&world), Cause::ColumnsChanged),
        (with(revise(&world), "/system/tables", json!([])), Cause::TableGone),
        (with(revise(&world), "/system/status", json!("stopped")), Cause::SystemStopped),
    ] {
        let change = with(change, "/prev", json!(world.version(&id)));
        let transaction = world.by(PROVIDER, &[PROVIDER_ADMIN], change);
        world.accept(transaction);
        assert_eq!(causes(&world), [expected]);
    }
}

fn causes(world: &World) -> Vec<Cause> {
    let key = entry_key(&entry_id(CODE));
    let entry: Entry = state::decode(&key, &world.state[&key]).unwrap();
    let due = due(world, &entry, TimeMs(world.time_ms)).unwrap();
    due.into_iter().map(|due| due.cause).collect()
}

fn standing(world: &World, verb: &str) -> Value {
    json!({"type": format!("entry.{verb}"), "entry_id": entry_id(CODE),
        "prev": world.entry_version(), "reason": "整改"})
}

fn done(world: &World, verb: &str, authority: bool) -> World {
    let mut world = world.clone();
    let action = standing(&world, verb);
    let transaction = match authority {
        true => world.by(AUTHORITY, &[AUTHORITY_KEY], action),
        false => world.by_provider(action),
    };
    world.accept(transaction);
    world
}

pub fn entries(table: &mut Table) {
    let world = World::published();
    let authority = &[AUTHORITY_KEY];
    table.consumer(Rule::EntryForeign, &world, standing(&world, "suspend"));
    let stale = with(standing(&world, "suspend"), "/prev", json!(entry_id(CODE)));
    table.provider(Rule::EntryPrev, &world, stale);
    let silent = with(standing(&world, "retire"), "/reason", json!(""));
    table.provider(Rule::FieldText, &world, silent);
    for verb in ["resume", "lift"] {
        table.by(Rule::EntryStatusMove, &world, AUTHORITY, authority, standing(&world, verb));
    }
    for verb in ["return", "reject", "freeze"] {
        table.provider(Rule::KeyRole, &world, standing(&world, verb));
    }
    // Who suspended resumes, or an authority.
    let suspended = done(&world, "suspend", true);
    table.consumer(Rule::EntryNotPublished, &suspended, suspended.request_action());
    table.provider(Rule::EntrySuspender, &suspended, standing(&suspended, "resume"));
    done(&suspended, "resume", true);
    let suspended = done(&world, "suspend", false);
    table.provider(Rule::EntryStatusMove, &suspended, standing(&suspended, "suspend"));
    done(&done(&suspended, "resume", false), "withdraw", false);
    // A withdrawn entry is published again by its provider.
    let withdrawn = done(&world, "withdraw", false);
    let resume = standing(&withdrawn, "resume");
    table.by(Rule::EntryForeign, &withdrawn, AUTHORITY, authority, resume);
    done(&withdrawn, "resume", false);
    // A returned entry is published by a revision; a rejected or retired one never again.
    let mut returned = done(&world, "return", true);
    let revise = json!({"type": "entry.revise", "entry_id": entry_id(CODE),
        "prev": returned.entry_version(), "entry": content()});
    let transaction = returned.by_provider(revise);
    returned.accept(transaction);
    for ended in [done(&world, "reject", true), done(&world, "retire", false)] {
        table.provider(Rule::EntryStatusMove, &ended, standing(&ended, "retire"));
        table.provider(Rule::EntryStatusMove, &ended, standing(&ended, "resume"));
    }
    // A frozen entry is neither changed, requested, finalized nor used.
    let frozen = done(&world, "freeze", true);
    table.provider(Rule::EntryFrozen, &frozen, standing(&frozen, "withdraw"));
    table.provider(Rule::EntryFrozen, &frozen, standing(&frozen, "suspend"));
    table.consumer(Rule::EntryFrozen, &frozen, frozen.request_action());
    done(&done(&frozen, "lift", true), "suspend", false);
    let agreed = done(&World::agreed(), "freeze", true);
    let both = &[CONSUMER_OFFICER, PROVIDER_OFFICER];
    table.by(Rule::EntryFrozen, &agreed, CONSUMER, both, agreed.finalize_action());
    let finalized = done(&World::finalized(), "freeze", true);
    table.provider(Rule::EntryFrozen, &finalized, finalized.receipt_action("delivered"));
}

pub fn authoritative(table: &mut Table) {
    let sourced = |code: &str, name: &str, items: Value| {
        let content = with(with(content(), "/codes/0", json!(code)), "/name", json!(name));
        publish(with(content, "/authoritative_for", items))
    };
    let mut world = World::new();
    let many: Vec<String> = (0..65).map(|n| n.to_string()).collect();
    table.provider(Rule::FieldCount, &world, sourced(CODE, "一", json!(many)));
    let transaction = world.by_provider(sourced(CODE, "一", json!(["法人名称"])));
    world.accept(transaction);
    let other = sourced("306001/2", "二", json!(["法人名称"]));
    table.provider(Rule::EntryAuthoritative, &world, other.clone());
    // The item is free again once the first entry gives it up.
    let revise = json!({"type": "entry.revise", "entry_id": entry_id(CODE),
        "prev": world.entry_version(), "entry": content()});
    let transaction = world.by_provider(revise);
    world.accept(transaction);
    let transaction = world.by_provider(other);
    world.accept(transaction);
}
