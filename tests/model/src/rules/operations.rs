//! Authorised operation 授权运营.

use serde_json::{Value, json};

use crate::act::Act;
use crate::spec::SPEC;
use crate::{Verdict, list, need, number, text};

fn touch(act: &mut Act, operation: &Value) {
    act.touch([
        format!("operation/{}", text(&operation["operation_id"])),
        format!("member/{}", text(&operation["implementer"])),
    ]);
    if let Some(operator) = operation["operator"].as_str() {
        act.touch([format!("member/{operator}")]);
    }
    act.touch(list(&operation["entries"]).iter().map(|entry| format!("entry/{}", text(entry))));
}

fn taken(act: &Act, step: &Value) -> Value {
    json!({"step": step, "document": act.said["document"], "by": act.me(), "at_height": act.height()})
}

/// `operation.plan`.
pub fn plan(act: &mut Act) -> Verdict {
    act.own(&["officer"], &Value::Null)?;
    let said = act.said.clone();
    act.bounds(&["title", "entries"])?;
    for id in list(&said["entries"]) {
        let entry = act.find(&format!("entry/{}", text(id)), "ENT-01")?;
        need(entry["frozen"].is_null(), "ENT-26")?;
        need(entry["status"] == "published", "ENT-03")?;
        need(entry["content"]["level"] != "core", "OPR-04")?;
    }
    let (from, to) = (number(&said["window"]["from_ms"]), number(&said["window"]["to_ms"]));
    need(from < to && to - from <= act.param("grant_window_ms_max"), "OPR-07")?;
    let id = act.new_id();
    let key = format!("operation/{id}");
    need(!act.has(&key), "TX-14")?;
    let first = json!("planned");
    let record = json!({"operation_id": id, "implementer": act.me(), "mode": said["mode"],
        "title": said["title"], "entries": said["entries"], "window": said["window"],
        "step": first, "taken": [taken(act, &first)]});
    touch(act, &record);
    act.store.put(&key, &[&record])
}

/// `operation.advance`.
pub fn advance(act: &mut Act) -> Verdict {
    let key = format!("operation/{}", act.text("operation_id"));
    let mut operation = act.find(&key, "OPR-01")?;
    let (me, step) = (act.me(), act.said["step"].clone());
    let rank = |step: &Value| SPEC.rank("operation step", step);
    let ended = operation["step"] == "ended";
    let follows = rank(&step) == rank(&operation["step"]) + 1 || step == "ended";
    need(follows && !ended, "OPR-02")?;

    let implements = operation["implementer"] == me.as_str();
    match text(&step) {
        "approved" => act.authority()?,
        "signed" => {
            for party in ["implementer", "operator"] {
                act.party(text(&operation[party]), "officer", &Value::Null, "OPR-06")?;
            }
        }
        "ended" if !implements && act.own_signed("authority") => act.authority()?,
        _ => {
            need(implements, "OPR-03")?;
            act.own(&["officer"], &Value::Null)?;
        }
    }
    let operator = act.said["operator"].clone();
    need((step == "selected") != operator.is_null(), "OPR-05")?;
    if let Some(operator) = operator.as_str() {
        act.active_member(operator)?;
        need(operation["implementer"] != operator, "OPR-05")?;
        operation["operator"] = json!(operator);
    }
    operation["step"] = step.clone();
    let step = taken(act, &step);
    operation["taken"].as_array_mut().expect("steps").push(step);
    touch(act, &operation);
    act.store.put(&key, &[&operation])
}
