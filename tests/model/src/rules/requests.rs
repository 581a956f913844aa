//! Requests of authorizations, with which each begins.

use serde_json::{Value, json};

use super::authorizations::{
    agreed, find, items_within, limits_within, moved, obligations_fit, rate_fits, recipients_fit,
    touch, touch_parent, used_up, window_fits, window_within,
};
use super::content::share_of;
use crate::act::Act;
use crate::spec::SPEC;
use crate::{Verdict, list, need, text};

/// `authorization.request`.
pub fn request(act: &mut Act) -> Verdict {
    let (me, said) = (act.me(), act.said.clone());
    let office = act.transaction.office.clone();
    need(!office.is_null(), "AUT-10")?;
    act.own(&["officer", "application"], &office)?;
    need(act.is(&me, "consumer"), "AUT-15")?;
    let entry_key = format!("entry/{}", act.text("entry_id"));
    let entry = act.find(&entry_key, "ENT-01")?;
    need(entry["provider"] != me.as_str(), "AUT-08")?;
    need(entry["frozen"].is_null(), "ENT-26")?;
    need(entry["status"] == "published", "ENT-03")?;
    let content = &entry["content"];
    let (mut provider, mut provider_office) =
        (entry["provider"].clone(), content["office"].clone());
    if !said["parent"].is_null() {
        let parent = find(act, &said["parent"])?;
        let same = ["entry_id", "entry_version", "method", "purpose"];
        let granted = &parent["granted"];
        let named = list(&granted["recipients"]);
        let holds = parent["status"] == "finalized"
            && parent["onward"] == true
            && !used_up(&parent)
            && parent["parent"].is_null()
            && same.iter().all(|name| parent[name] == said[name])
            && items_within(&said, granted)
            && list(&said["items"]).is_empty() == list(&granted["items"]).is_empty()
            && window_within(&said, granted)
            && limits_within(&said, granted)
            && (named.is_empty() || named.contains(&json!(me)))
            && said["onward"] != true;
        need(holds, "AUT-17")?;
        need(parent["consumer"] != me.as_str(), "AUT-08")?;
        provider = parent["consumer"].clone();
        provider_office = parent["consumer_office"].clone();
    } else {
        need(said["entry_version"] == act.store.version(&entry_key).as_str(), "AUT-04")?;
        offered(act, content, &said)?;
    }
    let (wanted, items) = (list(&said["items"]), list(&content["items"]));
    let wanted: Vec<&Value> =
        items.iter().filter(|item| wanted.contains(&item["item_id"])).collect();
    window_fits(act, &said["window"])?;
    rate_fits(&said)?;
    act.bounds(&["obligations"])?;
    obligations_fit(&said)?;
    recipients_fit(act, &said, &said["onward"])?;
    if !said["replaces"].is_null() {
        let old = find(act, &said["replaces"])?;
        let same = old["entry_id"] == said["entry_id"]
            && old["consumer"] == me.as_str()
            && old["provider"] == provider;
        need(same, "AUT-18")?;
        moved(&old, "replace")?;
    }
    let auto = said["auto_agree"] == true;
    let open = said["parent"].is_null()
        && content["share"]["type"] == "unconditional"
        && wanted.iter().all(|item| share_of(content, item) == "unconditional")
        && SPEC.rank("level", &content["level"]) < SPEC.rank("level", &json!("important"))
        && content["personal_info"] != "sensitive"
        && wanted.iter().all(|item| item["personal_info"] != "sensitive");
    need(!auto || open, "AUT-20")?;
    let asked = act.store.params(act.block.height)["request_compliance"] == true;
    need(!auto || !asked, "AUT-24")?;
    act.bounds(&["purpose", "scope"])?;
    let id = act.new_id();
    let key = format!("authorization/{id}");
    need(!act.has(&key), "TX-14")?;
    let zero = json!({"calls": 0, "records": 0, "bytes": 0});
    let extent = json!({"items": said["items"], "window": said["window"],
        "limits": said["limits"], "obligations": said["obligations"],
        "recipients": said["recipients"], "policy_hash": said["policy_hash"],
        "legal_text_hash": said["legal_text_hash"]});
    let mut record = json!({"authorization_id": id, "entry_id": said["entry_id"],
        "entry_version": said["entry_version"], "consumer": me, "consumer_office": office,
        "provider": provider, "provider_office": provider_office, "purpose": said["purpose"],
        "scope": said["scope"], "method": said["method"], "requested": extent,
        "status": "requested", "requested_at_height": act.height(),
        "totals": {"delivered": zero, "received": zero, "used": zero},
        "replaces": said["replaces"], "parent": said["parent"], "onward": said["onward"]});
    act.store.put(&key, &[&largest(&record)])?;
    let deadline = if open { "answer_unconditional_days" } else { "answer_conditional_days" };
    record["requested_at_ms"] = act.since(deadline);
    record["unconditional"] = json!(open && !record["requested_at_ms"].is_null());
    if auto {
        record = agreed(&record);
    }
    touch(act, &record);
    touch_parent(act, &record);
    act.store.put(&key, &[&record])
}

/// AUT-05 to AUT-11: the entry offers what is requested.
fn offered(act: &Act, content: &Value, said: &Value) -> Verdict {
    need(content["share"]["type"] != "none", "AUT-05")?;
    act.bounds(&["items"])?;
    let (wanted, items) = (list(&said["items"]), list(&content["items"]));
    let named = |id: &Value| items.iter().find(|item| item["item_id"] == *id);
    need(wanted.is_empty() == items.is_empty(), "AUT-06")?;
    need(wanted.iter().all(|id| named(id).is_some()), "AUT-06")?;
    need(!wanted.iter().filter_map(named).any(|item| item["share"] == "none"), "AUT-07")?;
    let methods = list(&content["share"]["methods"]);
    need(methods.is_empty() || methods.contains(&said["method"]), "AUT-11")
}

/// The largest record a request can become (TX-15).
pub(super) fn largest(record: &Value) -> Value {
    let most = SPEC.bound("COUNTER_MAX");
    let counts = json!({"calls": most, "records": most, "bytes": most});
    let reason = "\u{10FFFF}".repeat(500);
    let mut large = record.clone();
    large["granted"] = record["requested"].clone();
    large["granted"]["limits"] = counts.clone();
    large["granted"]["limits"]["rate"] = json!({"calls": most, "per_ms": most});
    large["rounds"] = json!(u32::MAX);
    large["rated_to_ms"] = json!({"delivered": most, "received": most, "used": most});
    large["granted"]["obligations"] = json!({"delete_by_ms": most, "report_every_ms": most,
        "mask_items": record["requested"]["items"]});
    let named = if record["onward"] == true { SPEC.bound("RECIPIENTS_MAX") } else { 0 };
    large["granted"]["recipients"] = (0..named).map(|_| record["provider"].clone()).collect();
    for name in ["policy_hash", "legal_text_hash"] {
        large["granted"][name] = record["authorization_id"].clone();
    }
    for name in ["finalized_at_height", "finalized_at_ms", "confirmed_at_height"] {
        large[name] = json!(u64::MAX);
    }
    for name in ["terms_hash", "superseded_by"] {
        large[name] = record["authorization_id"].clone();
    }
    large["status_reason"] = json!(reason);
    large["suspended_by"] = record["provider"].clone();
    large["ended"] = json!({"by": record["provider"], "at_height": u64::MAX, "reason": reason,
        "at_ms": u64::MAX});
    let office = format!("{}:{}", text(&record["provider"]), "-".repeat(32));
    large["agreed_with"] = json!({"member": record["provider"], "office": office});
    large["provider_office"] = json!(office);
    large["status"] = json!("relinquished");
    large["handed_on"] = json!({"delivered": counts, "received": counts, "used": counts});
    large["totals"] = json!({"delivered": counts, "received": counts, "used": counts});
    large
}
