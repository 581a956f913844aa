//! Duties 职责 and information systems 信息系统.

use serde_json::{Value, json};

use crate::act::{Act, bounds_of};
use crate::shape::uscc;
use crate::spec::SPEC;
use crate::{Verdict, list, need, text};

/// `duty.register`.
pub fn register(act: &mut Act) -> Verdict {
    let duty = act.said["duty"].clone();
    act.own(&["administrator"], &duty["office"])?;
    let me = act.me();
    new_duty(act, "duty", &me, &Value::Null)
}

/// The checks of a new duty after its signers; writes it.
fn new_duty(act: &mut Act, field: &str, member: &str, supersedes: &Value) -> Verdict {
    let duty = act.said[field].clone();
    act.bounds(&[field])?;
    let to = duty["effective_to"].as_str();
    need(to.is_none_or(|to| text(&duty["effective_from"]) <= to), "DUT-05")?;
    act.office_in_force(&duty["office"], member)?;
    let id = format!("{member}:{}", text(&duty["code"]));
    need(!act.has(&format!("duty/{id}")), "DUT-04")?;
    let more = json!({"id": id, "member": member, "status": "active",
        "registered_at_height": act.height(), "supersedes": supersedes});
    act.touch([format!("duty/{id}"), format!("member/{member}")]);
    act.store.put(&format!("duty/{id}"), &[&duty, &more])
}

/// `duty.transfer`.
pub fn transfer(act: &mut Act) -> Verdict {
    let (id, to) = (act.text("duty"), act.text("to"));
    let duty = standing_duty(act, &id)?;
    need(duty["member"] != to.as_str(), "DUT-08")?;
    act.authorities()?;
    act.active_member(&to)?;
    let from = text(&duty["member"]).to_owned();
    act.party(&from, "administrator", &duty["office"], "DUT-07")?;
    let office = act.said["successor"]["office"].clone();
    act.party(&to, "administrator", &office, "DUT-07")?;
    new_duty(act, "successor", &to, &json!(id))?;
    act.bounds(&["basis"])?;
    let successor = format!("{to}:{}", text(&act.said["successor"]["code"]));
    end_duty(act, &duty, "transferred", &json!(successor))
}

/// `duty.abolish`.
pub fn abolish(act: &mut Act) -> Verdict {
    let duty = standing_duty(act, &act.text("duty"))?;
    act.authorities()?;
    act.party(text(&duty["member"]), "administrator", &duty["office"], "DUT-07")?;
    act.bounds(&["basis"])?;
    end_duty(act, &duty, "abolished", &Value::Null)
}

/// DUT-01; DUT-06.
fn standing_duty(act: &Act, id: &str) -> Verdict<Value> {
    let duty = act.find(&format!("duty/{id}"), "DUT-01")?;
    need(duty["status"] == "active", "DUT-06").map(|()| duty)
}

fn end_duty(act: &mut Act, duty: &Value, status: &str, successor: &Value) -> Verdict {
    let key = format!("duty/{}", text(&duty["id"]));
    act.touch([key.clone(), format!("member/{}", text(&duty["member"]))]);
    let changes = json!({"status": status, "ended_at_height": act.height(),
        "end_basis": act.said["basis"], "successor": successor,
        "ended_at_ms": act.since("rebind_days")});
    act.store.change(&key, &changes)
}

/// `system.register`.
pub fn register_system(act: &mut Act) -> Verdict {
    let system = act.said["system"].clone();
    act.own(&["administrator"], &system["office"])?;
    let id = system_checks(act)?;
    need(!act.has(&format!("system/{id}")), "SYS-04")?;
    let more = json!({"id": id, "member": act.me(), "registered_at_height": act.height()});
    act.store.put(&format!("system/{id}"), &[&system, &more])
}

/// FLD code, name; SYS-06; FLD tables, duties; office; DUT-01, DUT-02 of each duty. Its id.
fn system_checks(act: &mut Act) -> Verdict<String> {
    let (me, system) = (act.me(), act.said["system"].clone());
    act.bounds_in("system", &["code", "name", "protection_level", "tables", "duties"])?;
    let profile = &system["profile"];
    if let Some(operator) = profile["operator"].as_str() {
        uscc(operator, true)?;
    }
    for name in ["filing_no", "crypto_review", "host", "database", "first_online"] {
        bounds_of(&SPEC.objects["profile"], profile, name)?;
    }
    act.office_in_force(&system["office"], &me)?;
    for duty in list(&system["duties"]) {
        let key = format!("duty/{}", text(duty));
        let record = act.find(&key, "DUT-01")?;
        need(record["member"] == me.as_str(), "DUT-02")?;
        act.touch([key]);
    }
    let previous = &profile["previous"];
    need(previous.is_null() || act.has(&format!("system/{}", text(previous))), "SYS-01")?;
    let id = format!("{me}:{}", text(&system["code"]));
    act.touch([format!("system/{id}"), format!("member/{me}")]);
    Ok(id)
}

/// `system.revise`.
pub fn revise_system(act: &mut Act) -> Verdict {
    let (me, system) = (act.me(), act.said["system"].clone());
    let key = format!("system/{me}:{}", text(&system["code"]));
    let before = act.find(&key, "SYS-01")?;
    act.own(&["administrator"], &before["office"])?;
    act.own(&["administrator"], &system["office"])?;
    need(act.said["prev"] == act.store.version(&key).as_str(), "SYS-07")?;
    let rank = |system: &Value| SPEC.rank("system status", &system["status"]);
    need(rank(&before) <= rank(&system), "SYS-08")?;
    system_checks(act)?;
    for duty in list(&before["duties"]) {
        act.touch([format!("duty/{}", text(duty))]);
    }
    let height = act.height();
    let hash = |system: &Value, name: &Value| {
        let table = list(&system["tables"]).iter().find(|table| table["name"] == *name);
        table.map(|table| table["columns_hash"].clone())
    };
    let mut changed: Vec<Value> = list(&before["columns_changed"]).to_vec();
    changed.retain(|change| hash(&system, &change["table"]).is_some());
    for table in list(&system["tables"]) {
        let name = &table["name"];
        let old = hash(&before, name);
        if old.is_some_and(|old| old != table["columns_hash"]) {
            changed.retain(|change| change["table"] != *name);
            changed.push(
                json!({"table": name, "at_height": height, "at_ms": act.since("rebind_days")}),
            );
        }
    }
    changed.sort_by_key(|change| text(&change["table"]).to_owned());
    let stopped = match (system["status"] == "stopped", &before["stopped_at_ms"]) {
        (false, _) => Value::Null,
        (true, Value::Null) => json!(act.block.time_ms),
        (true, since) => since.clone(),
    };
    let more = json!({"id": before["id"], "member": me,
        "registered_at_height": before["registered_at_height"],
        "revised_at_height": height, "columns_changed": changed,
        "revised_at_ms": act.since("rebind_days"), "stopped_at_ms": stopped});
    act.store.put(&key, &[&system, &more])
}
