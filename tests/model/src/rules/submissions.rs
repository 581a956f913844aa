//! Registration 登记: versions of entries before they are published.

use serde_json::{Value, json};

use super::content::{About, check};
use super::entries::{first_version, id_of, revision, touch};
use crate::act::Act;
use crate::{Verdict, need, number, text};

/// Action, from, to. Any other move breaks ENT-31.
const MOVES: [(&str, &[&str], &str); 4] = [
    ("register", &["submitted"], "registered"),
    ("release", &["registered"], "released"),
    ("return", &["submitted", "registered"], "returned"),
    ("reject", &["submitted", "registered"], "rejected"),
];

/// The entry a submission with a `prev` revises: ENT-26; ENT-03; ENT-04.
fn revised(act: &Act, entry: &Value, prev: &Value) -> Verdict {
    need(entry["frozen"].is_null(), "ENT-26")?;
    need(["published", "returned"].contains(&text(&entry["status"])), "ENT-03")?;
    let version = act.store.version(&format!("entry/{}", text(&entry["entry_id"])));
    need(*prev == version.as_str(), "ENT-04")
}

/// `entry.submit`.
pub fn submit(act: &mut Act) -> Verdict {
    let (me, content, prev) = (act.me(), act.said["entry"].clone(), act.said["prev"].clone());
    act.own(&["officer"], &content["office"])?;
    let id = id_of(&content);
    if prev.is_null() {
        need(act.is(&me, "provider"), "ENT-23")?;
    } else {
        let entry = act.find(&format!("entry/{id}"), "ENT-01")?;
        need(entry["provider"] == me.as_str(), "ENT-02")?;
        act.own(&["officer"], &entry["content"]["office"])?;
        revised(act, &entry, &prev)?;
    }
    let key = format!("submission/{id}");
    let last = act.get(&key);
    let pending = ["submitted", "registered"].contains(&text(&last["status"]));
    need(!pending || last["provider"] == me.as_str(), "ENT-06")?;
    let about = About { id: &id, provider: &me, first: prev.is_null(), core: false };
    check(act, about, &content)?;
    let record = json!({"entry_id": id, "provider": me, "number": number(&last["number"]) + 1,
        "prev": prev, "status": "submitted", "submitted_at_height": act.height(),
        "content": content});
    act.touch([format!("entry/{id}")]);
    touch(act, &content);
    act.store.put(&key, &[&record])
}

/// ENT-30; signers; ENT-04; ENT-31. The submission, and what it becomes.
fn pending(act: &mut Act, name: &str) -> Verdict<(Value, &'static str)> {
    let key = format!("submission/{}", act.text("entry_id"));
    let submission = act.find(&key, "ENT-30")?;
    act.authority()?;
    need(act.said["submission"] == act.store.version(&key).as_str(), "ENT-04")?;
    moved(&submission, name).map(|to| (submission, to))
}

fn moved(submission: &Value, name: &str) -> Verdict<&'static str> {
    let (_, from, to) = MOVES.iter().find(|each| each.0 == name).expect("a move");
    need(from.contains(&text(&submission["status"])), "ENT-31").map(|()| *to)
}

fn write(act: &mut Act, submission: &Value, status: &str, more: &Value) -> Verdict {
    let id = text(&submission["entry_id"]);
    let changes = json!({"status": status, "decided_by": act.me()});
    act.touch([format!("entry/{id}")]);
    touch(act, &submission["content"]);
    act.store.put(&format!("submission/{id}"), &[submission, &changes, more])
}

/// `entry.register`.
pub fn register(act: &mut Act) -> Verdict {
    let (submission, to) = pending(act, "register")?;
    let more = json!({"registered_at_height": act.height()});
    write(act, &submission, to, &more)
}

/// `entry.release`.
pub fn release(act: &mut Act) -> Verdict {
    let (submission, to) = pending(act, "release")?;
    let (provider, content) = (text(&submission["provider"]), &submission["content"]);
    act.active_member(provider)?;
    if submission["prev"].is_null() {
        first_version(act, provider, content)?;
    } else {
        let key = format!("entry/{}", text(&submission["entry_id"]));
        let entry = act.find(&key, "ENT-01")?;
        revised(act, &entry, &submission["prev"])?;
        revision(act, &entry, content)?;
    }
    write(act, &submission, to, &json!({}))
}

/// Whether a return or rejection is about a submission: its `prev` is the submission's version.
pub fn is_meant(act: &Act) -> bool {
    act.said["prev"] == act.store.version(&format!("submission/{}", act.text("entry_id"))).as_str()
}

/// `entry.return` and `entry.reject` of a submission.
pub fn refuse(act: &mut Act, name: &str) -> Verdict {
    let submission = act.get(&format!("submission/{}", act.text("entry_id")));
    act.authority()?;
    act.bounds(&["reason"])?;
    let to = moved(&submission, name)?;
    let more = json!({"reason": act.said["reason"]});
    write(act, &submission, to, &more)
}
