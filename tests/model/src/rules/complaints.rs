//! Corrections 校核纠错 and objections 异议.

use serde_json::{Value, json};

use crate::act::Act;
use crate::{Verdict, list, need, number, text};

fn correction_events(act: &mut Act, correction: &Value) {
    act.touch([
        format!("correction/{}", text(&correction["correction_id"])),
        format!("entry/{}", text(&correction["entry_id"])),
        format!("member/{}", text(&correction["opened_by"])),
        format!("member/{}", text(&correction["provider"])),
    ]);
}

/// `correction.open`.
pub fn open_correction(act: &mut Act) -> Verdict {
    act.own(&["officer", "application"], &Value::Null)?;
    let (me, said) = (act.me(), act.said.clone());
    let entry = act.find(&format!("entry/{}", act.text("entry_id")), "ENT-01")?;
    need(entry["provider"] != me.as_str(), "COR-01")?;
    need(entry["status"] != "retired" && entry["status"] != "rejected", "ENT-27")?;
    act.bounds(&["item"])?;
    let items = list(&entry["content"]["items"]);
    let known = items.iter().any(|item| item["item_id"] == said["item"]);
    need(said["item"].is_null() || known, "COR-02")?;
    act.bounds(&["finding"])?;
    let id = act.new_id();
    let key = format!("correction/{id}");
    need(!act.has(&key), "TX-14")?;
    let record = json!({"correction_id": id, "entry_id": said["entry_id"], "item": said["item"],
        "opened_by": me, "provider": entry["provider"], "finding": said["finding"],
        "proof": said["proof"], "status": "open", "opened_at_height": act.height(),
        "due_since_ms": act.since("correction_days")});
    correction_events(act, &record);
    act.store.put(&key, &[&record])
}

/// COR-03; COR-05: it has the status.
fn correction(act: &Act, status: &str) -> Verdict<(String, Value)> {
    let key = format!("correction/{}", act.text("correction_id"));
    let correction = act.find(&key, "COR-03")?;
    need(correction["status"] == status, "COR-05")?;
    Ok((key, correction))
}

/// COR-04; own officer for the entry's office.
fn provider_signs(act: &Act, correction: &Value) -> Verdict {
    let entry = act.get(&format!("entry/{}", text(&correction["entry_id"])));
    need(entry["provider"] == act.me().as_str(), "COR-04")?;
    act.own(&["officer"], &entry["content"]["office"])
}

/// `correction.answer`.
pub fn answer(act: &mut Act) -> Verdict {
    let (key, correction) = correction(act, "open")?;
    provider_signs(act, &correction)?;
    act.bounds(&["answer"])?;
    let accept = act.said["accept"] == true;
    let mut changes = json!({"status": if accept { "accepted" } else { "declined" },
        "answered_at_height": act.height(), "answer": act.said["answer"],
        "due_since_ms": act.since("correction_days")});
    if !accept {
        changes["closed_at_height"] = act.height();
    }
    correction_events(act, &correction);
    act.store.change(&key, &changes)
}

/// `correction.fix`.
pub fn fix(act: &mut Act) -> Verdict {
    let (key, correction) = correction(act, "accepted")?;
    provider_signs(act, &correction)?;
    let entry_key = format!("entry/{}", text(&correction["entry_id"]));
    let entry = act.get(&entry_key);
    let after = number(&entry["updated_at_height"]) >= number(&correction["answered_at_height"]);
    let version = act.store.version(&entry_key);
    need(act.said["entry_version"] == version.as_str() && after, "COR-06")?;
    let changes = json!({"status": "fixed", "fixed_by": version, "closed_at_height": act.height()});
    correction_events(act, &correction);
    act.store.change(&key, &changes)
}

/// `correction.withdraw`.
pub fn withdraw_correction(act: &mut Act) -> Verdict {
    let (key, correction) = correction(act, "open")?;
    act.own(&["officer", "application"], &Value::Null)?;
    need(correction["opened_by"] == act.me().as_str(), "COR-04")?;
    correction_events(act, &correction);
    act.store.change(&key, &json!({"status": "withdrawn", "closed_at_height": act.height()}))
}

/// Records that can be contested.
const CONTESTABLE: [&str; 9] = [
    "member",
    "office",
    "duty",
    "system",
    "entry",
    "authorization",
    "receipt",
    "correction",
    "evidence",
];

fn objection_events(act: &mut Act, objection: &Value) {
    act.touch([
        format!("objection/{}", text(&objection["objection_id"])),
        text(&objection["subject"]).to_owned(),
        format!("member/{}", text(&objection["opened_by"])),
    ]);
}

/// `objection.open`.
pub fn open_objection(act: &mut Act) -> Verdict {
    act.own(&["officer", "administrator"], &Value::Null)?;
    let said = act.said.clone();
    act.bounds(&["subject"])?;
    let subject = act.text("subject");
    let kind = subject.split('/').next().unwrap_or("");
    need(CONTESTABLE.contains(&kind) && act.has(&subject), "OBJ-01")?;
    act.bounds(&["ground"])?;
    let id = act.new_id();
    let key = format!("objection/{id}");
    need(!act.has(&key), "TX-14")?;
    let record = json!({"objection_id": id, "subject": subject, "opened_by": act.me(),
        "ground": said["ground"], "proof": said["proof"], "status": "open",
        "opened_at_height": act.height(), "due_since_ms": act.since("objection_days")});
    objection_events(act, &record);
    act.store.put(&key, &[&record])
}

/// OBJ-02; OBJ-03.
fn objection(act: &Act) -> Verdict<(String, Value)> {
    let key = format!("objection/{}", act.text("objection_id"));
    let objection = act.find(&key, "OBJ-02")?;
    need(objection["status"] == "open", "OBJ-03")?;
    Ok((key, objection))
}

/// `objection.decide`.
pub fn decide(act: &mut Act) -> Verdict {
    let (key, objection) = objection(act)?;
    act.authority()?;
    act.bounds(&["reason"])?;
    let status = if act.said["uphold"] == true { "upheld" } else { "dismissed" };
    let changes = json!({"status": status, "closed_at_height": act.height(),
        "decided_by": act.me(), "decision": act.said["reason"]});
    objection_events(act, &objection);
    act.store.change(&key, &changes)
}

/// `objection.withdraw`.
pub fn withdraw_objection(act: &mut Act) -> Verdict {
    let (key, objection) = objection(act)?;
    act.own(&["officer", "administrator"], &Value::Null)?;
    need(objection["opened_by"] == act.me().as_str(), "OBJ-04")?;
    objection_events(act, &objection);
    act.store.change(&key, &json!({"status": "withdrawn", "closed_at_height": act.height()}))
}
