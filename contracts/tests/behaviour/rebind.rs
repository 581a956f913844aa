//! What an entry is bound to and no longer stands.

use mulu_contracts::rebind::{Cause, RebindDue, due};
use mulu_contracts::state::{self, entry_id};
use serde_json::json;

use crate::Case;
use crate::cases_sharing::all;
use crate::world::*;

fn found(world: &World) -> Vec<RebindDue> {
    let key = state::entry_key(&entry_id(CODE));
    let entry = state::decode(&key, &world.state[&key]).unwrap();
    due(world, &entry, mulu_chain::types::TimeMs(world.time_ms)).unwrap()
}

#[test]
fn what_is_due_says_why_since_when_and_who_follows() {
    let world = World::published();
    assert_eq!(found(&world), []);
    let changes = all()
        .into_iter()
        .filter(|case| ["office.dissolve", "duty.transfer", "duty.abolish"].contains(&case.name()));
    for change in changes {
        let name = change.name().to_owned();
        let mut world = world.clone();
        let transaction = Case { world: world.clone(), ..change }.transaction();
        world.accept(transaction);
        let [due] = &found(&world)[..] else { panic!("{name}") };
        let (cause, successor) = match name.as_str() {
            "office.dissolve" => (Cause::OfficeDissolved, Some(format!("{PROVIDER}:gov"))),
            "duty.transfer" => (Cause::DutyTransferred, Some(format!("{CONSUMER}:taken"))),
            _ => (Cause::DutyAbolished, None),
        };
        assert_eq!((due.cause, &due.successor), (cause, &successor));
        assert_eq!(due.since_height.map(|height| height.0), Some(2));
        // A retired entry is bound to nothing any more.
        let key = state::entry_key(&entry_id(CODE));
        world.patch(&key, "/status", json!("retired"));
        assert_eq!(found(&world), []);
    }
    // A duty that is over by its own dates; the last day still counts.
    let duty = format!("duty/{PROVIDER}:register");
    for (to, causes) in [("2025-11-21", vec![]), ("2025-11-20", vec![Cause::DutyNotInForce])] {
        let mut world = world.clone();
        world.patch(&duty, "/effective_to", json!(to));
        let found: Vec<Cause> = found(&world).into_iter().map(|due| due.cause).collect();
        assert_eq!(found, causes, "{to}");
    }
    // Columns changed before the entry was last revised are no news.
    let system = format!("system/{PROVIDER}:main");
    for (at_height, causes) in [(1, vec![]), (2, vec![Cause::ColumnsChanged])] {
        let mut world = world.clone();
        let note =
            json!([{"table": "t0", "at_height": 9}, {"table": "t1", "at_height": at_height}]);
        world.patch(&system, "/columns_changed", note);
        let found: Vec<Cause> = found(&world).into_iter().map(|due| due.cause).collect();
        assert_eq!(found, causes, "{at_height}");
    }
}

/// A table that an item lies in is as much a binding as the entry's own.
#[test]
fn an_items_table_is_to_be_bound_again() {
    let mut world = World::published();
    let (entry, main) = (state::entry_key(&entry_id(CODE)), format!("{PROVIDER}:main"));
    let system = format!("system/{main}");
    let item = |table: &str| json!({"item_id": "a", "name": "a", "type": "C", "system": main, "table": table});
    world.patch(&entry, "/content/items", json!([item("t1"), item("t2"), item("t2")]));
    let due = |world: &World| -> Vec<(Cause, Option<String>)> {
        found(world).into_iter().map(|due| (due.cause, due.table)).collect()
    };
    let gone = (Cause::TableGone, Some("t2".to_owned()));
    assert_eq!(due(&world), std::slice::from_ref(&gone), "once, however many items");
    world.patch(&system, "/tables", json!([{"name": "t1"}, {"name": "t2"}]));
    assert_eq!(due(&world), []);
    let note = json!([{"table": "t2", "at_height": 9}]);
    world.patch(&system, "/columns_changed", note);
    assert_eq!(due(&world), [(Cause::ColumnsChanged, Some("t2".to_owned()))]);
    // A stopped system is one thing to do, not one for each table.
    world.patch(&system, "/status", json!("stopped"));
    assert_eq!(due(&world), [(Cause::SystemStopped, Some("t1".to_owned()))]);
    // An item without a system lies in no table that could be gone.
    world.patch(&system, "/status", json!("running"));
    let homeless = json!([{"item_id": "a", "name": "a", "type": "C", "table": "t9"}]);
    world.patch(&entry, "/content/items", homeless);
    assert_eq!(due(&world), []);
}
