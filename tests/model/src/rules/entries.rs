//! Catalog entries 目录条目: their life after the content is judged.

use mulu_chain::digest::{Digest, Domain};
use serde_json::{Value, json};

use super::content::{About, check, claim};
use super::submissions;
use crate::act::Act;
use crate::spec::SPEC;
use crate::{Verdict, list, need, number, text};

/// Who takes a step.
#[derive(Clone, Copy, PartialEq)]
enum Who {
    Provider,
    Authority,
    Either,
}
use Who::{Authority, Either, Provider};

const ANY: [&str; 6] = ["published", "suspended", "withdrawn", "returned", "rejected", "retired"];

/// The table of 11.3: action, from, to (`None`: the same), who.
const STEPS: [(&str, &[&str], Option<&str>, Who); 7] = [
    ("suspend", &["published"], Some("suspended"), Either),
    ("resume", &["suspended", "withdrawn"], Some("published"), Either),
    ("retire", &["published", "suspended", "withdrawn", "returned"], Some("retired"), Provider),
    ("return", &["published", "suspended"], Some("returned"), Authority),
    ("reject", &["published", "suspended", "withdrawn", "returned"], Some("rejected"), Authority),
    ("freeze", &ANY, None, Authority),
    ("lift", &ANY, None, Authority),
];

/// Events of an entry with this content, besides those of the entry itself.
pub(super) fn touch(act: &mut Act, content: &Value) {
    act.touch([format!("office/{}", text(&content["office"]))]);
    act.touch(list(&content["responsibilities"]).iter().map(|duty| format!("duty/{}", text(duty))));
    let systems = list(&content["systems"]).iter();
    act.touch(systems.map(|binding| format!("system/{}", text(&binding["system"]))));
}

/// The id of the entry with this content.
pub(super) fn id_of(content: &Value) -> String {
    Digest::of(Domain::EntryId, text(&content["codes"][0]).as_bytes()).to_string()
}

/// `entry.publish`.
pub fn publish(act: &mut Act) -> Verdict {
    act.may_publish_unregistered()?;
    let (me, content) = (act.me(), act.said["entry"].clone());
    act.own(&["officer"], &content["office"])?;
    need(act.is(&me, "provider"), "ENT-23")?;
    first_version(act, &me, &content)
}

/// Content checks; writes the entry's first version.
pub(super) fn first_version(act: &mut Act, provider: &str, content: &Value) -> Verdict {
    let id = id_of(content);
    let about = About { id: &id, provider, first: true, core: true };
    check(act, about, content)?;
    let height = act.height();
    let record = json!({"entry_id": id, "provider": provider, "version": 1, "status": "published",
        "published_at_height": height, "updated_at_height": height, "content": content});
    act.store.put(&format!("entry/{id}"), &[&record])?;
    claim(act, about, content)?;
    act.touch([format!("entry/{id}")]);
    touch(act, content);
    Ok(())
}

/// ENT-01; ENT-02; signers; ENT-26; ENT-03 (the statuses); ENT-04. The key, and the record.
fn own_entry(act: &mut Act, statuses: &[&str]) -> Verdict<(String, Value)> {
    let key = format!("entry/{}", act.text("entry_id"));
    let entry = act.find(&key, "ENT-01")?;
    need(entry["provider"] == act.me().as_str(), "ENT-02")?;
    act.own(&["officer"], &entry["content"]["office"])?;
    need(entry["frozen"].is_null(), "ENT-26")?;
    need(statuses.contains(&text(&entry["status"])), "ENT-03")?;
    need(act.said["prev"] == act.store.version(&key).as_str(), "ENT-04")?;
    Ok((key, entry))
}

/// What every next version has.
fn next_version(act: &Act, key: &str, entry: &Value) -> Value {
    json!({"version": number(&entry["version"]) + 1, "prev": act.store.version(key),
        "updated_at_height": act.height()})
}

/// `entry.revise`.
pub fn revise(act: &mut Act) -> Verdict {
    act.may_publish_unregistered()?;
    let (_, entry) = own_entry(act, &["published", "returned"])?;
    let content = act.said["entry"].clone();
    act.own(&["officer"], &content["office"])?;
    need(content["codes"][0] == entry["content"]["codes"][0], "ENT-08")?;
    revision(act, &entry, &content)
}

/// Content checks; writes the entry's next version.
pub(super) fn revision(act: &mut Act, entry: &Value, content: &Value) -> Verdict {
    let (id, provider) = (text(&entry["entry_id"]), text(&entry["provider"]));
    let about = About { id, provider, first: false, core: true };
    check(act, about, content)?;
    let (old, key) = (&entry["content"], format!("entry/{id}"));
    let mut changes = next_version(act, &key, entry);
    changes["status"] = json!("published");
    changes["status_reason"] = Value::Null;
    changes["content"] = content.clone();
    if is_stricter(content, old) {
        changes["stricter_since_height"] = act.height();
    }
    act.store.change(&key, &changes)?;
    claim(act, about, content)?;
    act.touch([key]);
    touch(act, old);
    touch(act, content);
    Ok(())
}

/// `entry.transfer`.
pub fn transfer(act: &mut Act) -> Verdict {
    let (id, to, content) = (act.text("entry_id"), act.text("to"), act.said["entry"].clone());
    let key = format!("entry/{id}");
    let entry = act.find(&key, "ENT-01")?;
    let from = text(&entry["provider"]).to_owned();
    let old = &entry["content"];
    need(entry["frozen"].is_null(), "ENT-26")?;
    need(entry["status"] != "rejected" && entry["status"] != "retired", "ENT-27")?;
    need(act.said["prev"] == act.store.version(&key).as_str(), "ENT-04")?;
    need(from != to, "ENT-32")?;
    act.authorities()?;
    act.active_member(&to)?;
    need(act.is(&to, "provider"), "ENT-23")?;
    act.party(&from, "officer", &old["office"], "ENT-33")?;
    act.party(&to, "officer", &content["office"], "ENT-33")?;
    need(content["codes"][0] == old["codes"][0], "ENT-08")?;
    let about = About { id: &id, provider: &to, first: false, core: true };
    check(act, about, &content)?;
    act.bounds(&["basis"])?;
    let mut changes = next_version(act, &key, &entry);
    changes["provider"] = json!(to);
    changes["content"] = content.clone();
    changes["transferred"] =
        json!({"from": from, "at_height": act.height(), "basis": act.said["basis"]});
    if is_stricter(&content, old) {
        changes["stricter_since_height"] = act.height();
    }
    if entry["suspended_by"] == from.as_str() {
        changes["suspended_by"] = json!(to);
    }
    act.store.change(&key, &changes)?;
    claim(act, about, &content)?;
    act.touch([key, format!("member/{from}"), format!("member/{to}")]);
    touch(act, old);
    touch(act, &content);
    Ok(())
}

/// Whether the level or the share type became stricter.
fn is_stricter(new: &Value, old: &Value) -> bool {
    let level = |content: &Value| SPEC.rank("level", &content["level"]);
    let share = |content: &Value| SPEC.rank("share type", &content["share"]["type"]);
    level(new) > level(old) || share(new) > share(old)
}

/// `entry.withdraw`.
pub fn withdraw(act: &mut Act) -> Verdict {
    let (key, entry) = own_entry(act, &["published"])?;
    act.bounds(&["reason"])?;
    let mut changes = next_version(act, &key, &entry);
    changes["status"] = json!("withdrawn");
    changes["withdrawal_reason"] = act.said["reason"].clone();
    act.store.change(&key, &changes)?;
    act.touch([key]);
    touch(act, &entry["content"]);
    Ok(())
}

/// The seven steps of the table.
pub fn step(act: &mut Act, name: &str) -> Verdict {
    let (_, from, to, who) = STEPS.iter().find(|step| step.0 == name).expect("a step");
    let (me, id) = (act.me(), act.text("entry_id"));
    if ["return", "reject"].contains(&name) && submissions::is_meant(act) {
        return submissions::refuse(act, name);
    }
    let key = format!("entry/{id}");
    let entry = act.find(&key, "ENT-01")?;
    let (status, provider) = (text(&entry["status"]), &entry["provider"]);

    // Signers: as provider, or as authority.
    let own = *provider == me.as_str();
    let as_provider = match who {
        Provider => true,
        Authority => false,
        Either => (own && act.own_signed("officer")) || !act.own_signed("authority"),
    };
    if as_provider {
        need(own, "ENT-02")?;
        act.own(&["officer"], &entry["content"]["office"])?;
    } else {
        act.authority()?;
    }

    need(entry["frozen"].is_null() || name == "lift", "ENT-26")?;
    need(act.said["prev"] == act.store.version(&key).as_str(), "ENT-04")?;
    act.bounds(&["reason"])?;
    need(from.contains(&status), "ENT-27")?;
    need(name != "lift" || !entry["frozen"].is_null(), "ENT-27")?;

    let content = entry["content"].clone();
    let mut changes = next_version(act, &key, &entry);
    changes["status"] = json!(to.unwrap_or(status));
    changes["status_reason"] = act.said["reason"].clone();
    match name {
        "suspend" => changes["suspended_by"] = json!(me),
        "return" | "reject" => changes["suspended_by"] = Value::Null,
        "resume" if status == "withdrawn" => {
            need(own, "ENT-02")?;
            let about = About { id: &id, provider: &me, first: false, core: true };
            check(act, about, &content)?;
            claim(act, about, &content)?;
            changes["withdrawal_reason"] = Value::Null;
        }
        "resume" => {
            need(!as_provider || entry["suspended_by"] == me.as_str(), "ENT-28")?;
            changes["suspended_by"] = Value::Null;
        }
        "freeze" => {
            changes["frozen"] =
                json!({"order": act.said["reason"], "by": me, "at_height": act.height()});
        }
        "lift" => changes["frozen"] = Value::Null,
        _ => {}
    }
    act.store.change(&key, &changes)?;
    act.touch([key]);
    touch(act, &content);
    Ok(())
}
