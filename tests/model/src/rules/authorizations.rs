//! Authorizations 授权: requests, and the table of moves of 11.4.

use mulu_chain::digest::{Digest, Domain};
use serde_json::{Value, json};

use crate::act::Act;
use crate::shape::{deadline_ms, is_distinct};
use crate::spec::SPEC;
use crate::store::{encode, tidy};
use crate::{Verdict, list, need, number, text};

/// Action, from, to. Any other move breaks AUT-03.
const MOVES: [(&str, &[&str], &str); 15] = [
    ("examine", &["requested"], "compliant"),
    ("offer", &["requested", "compliant"], "offered"),
    ("agree", &["requested", "compliant", "offered"], "agreed"),
    ("counter", &["offered", "returned"], "requested"),
    ("finalize", &["agreed"], "finalized"),
    ("reject", &["requested", "compliant", "returned", "offered", "agreed"], "rejected"),
    ("withdraw", &["requested", "compliant", "returned", "offered"], "withdrawn"),
    ("revoke", &["finalized", "suspended"], "revoked"),
    ("relinquish", &["finalized", "suspended"], "relinquished"),
    ("suspend", &["finalized"], "suspended"),
    ("resume", &["suspended"], "finalized"),
    ("replace", &["finalized", "suspended"], "superseded"),
    ("confirm", &["finalized", "suspended"], ""),
    ("dispute", &["rejected"], "disputed"),
    ("decide", &["disputed"], "agreed"),
];

pub(super) fn moved(authorization: &Value, action: &str) -> Verdict<&'static str> {
    let (_, from, to) = MOVES.iter().find(|step| step.0 == action).expect("a move");
    need(from.contains(&text(&authorization["status"])), "AUT-03").map(|()| *to)
}

/// An authorization as it is read: a grant follows its entry to another provider.
pub(super) fn load(act: &Act, id: &Value) -> Value {
    let mut record = act.get(&format!("authorization/{}", text(id)));
    let entry = act.get(&format!("entry/{}", text(&record["entry_id"])));
    let follows = record["parent"].is_null() && entry["provider"] != record["provider"];
    if record.is_object() && follows {
        if !record["terms_hash"].is_null() && record["agreed_with"].is_null() {
            record["agreed_with"] =
                json!({"member": record["provider"], "office": record["provider_office"]});
        }
        record["provider"] = entry["provider"].clone();
        record["provider_office"] = entry["content"]["office"].clone();
    }
    record
}

/// AUT-01.
pub(super) fn find(act: &Act, id: &Value) -> Verdict<Value> {
    let record = load(act, id);
    need(record.is_object(), "AUT-01").map(|()| record)
}

/// AUT-02: the submitter is that party, and no delegate of it is the other one.
fn is_party(act: &Act, authorization: &Value, party: &str) -> bool {
    let other = if party == "consumer" { "provider" } else { "consumer" };
    let transaction = act.transaction;
    let delegated = transaction.me != transaction.submitter;
    let both = delegated && authorization[other] == transaction.submitter.as_str();
    authorization[party] == transaction.me.as_str() && !both
}

/// AUT-09.
pub(super) fn window_fits(act: &Act, window: &Value) -> Verdict {
    let (from, to) = (number(&window["from_ms"]), number(&window["to_ms"]));
    let short = to.saturating_sub(from) <= act.param("grant_window_ms_max");
    need(from < to && short && act.block.time_ms <= to, "AUT-09")
}

/// AUT-21.
pub(super) fn obligations_fit(extent: &Value) -> Verdict {
    let obligations = &extent["obligations"];
    let masked = list(&obligations["mask_items"]);
    let holds = masked.iter().all(|item| list(&extent["items"]).contains(item));
    need(holds && obligations["report_every_ms"] != 0, "AUT-21")
}

pub(super) fn items_within(inner: &Value, outer: &Value) -> bool {
    list(&inner["items"]).iter().all(|item| list(&outer["items"]).contains(item))
}

pub(super) fn window_within(inner: &Value, outer: &Value) -> bool {
    let (inner, outer) = (&inner["window"], &outer["window"]);
    number(&inner["from_ms"]) >= number(&outer["from_ms"])
        && number(&inner["to_ms"]) <= number(&outer["to_ms"])
}

/// Every limit there is stands, and is no higher.
pub(super) fn limits_within(inner: &Value, outer: &Value) -> bool {
    ["calls", "records", "bytes"].iter().all(|name| {
        let most = &outer["limits"][name];
        let asked = &inner["limits"][name];
        most.is_null() || (asked.is_u64() && number(asked) <= number(most))
    }) && rate_within(&inner["limits"]["rate"], &outer["limits"]["rate"])
}

/// A rate there is stands, of the same period, and is no higher.
fn rate_within(inner: &Value, outer: &Value) -> bool {
    let same = inner["per_ms"] == outer["per_ms"];
    outer.is_null() || (same && number(&inner["calls"]) <= number(&outer["calls"]))
}

/// AUT-25.
pub(super) fn rate_fits(extent: &Value) -> Verdict {
    need(extent["limits"]["rate"]["per_ms"] != 0, "AUT-25")
}

/// *recipients*: FLD-02, FLD-05; AUT-26; MEM-01.
pub(super) fn recipients_fit(act: &Act, extent: &Value, onward: &Value) -> Verdict {
    let recipients = list(&extent["recipients"]);
    need(recipients.len() as u64 <= SPEC.bound("RECIPIENTS_MAX"), "FLD-02")?;
    need(is_distinct(recipients.iter().map(text)), "FLD-05")?;
    need(recipients.is_empty() || *onward == true, "AUT-26")?;
    let member = |uscc: &Value| act.has(&format!("member/{}", text(uscc)));
    need(recipients.iter().all(member), "MEM-01")
}

/// AUT-24: the provider answers what was examined.
fn examined(act: &Act, old: &Value) -> Verdict {
    let asked = act.store.params(act.block.height)["request_compliance"] == true;
    need(!asked || old["status"] != "requested", "AUT-24")
}

/// Events of every action on an authorization.
pub(super) fn touch(act: &mut Act, authorization: &Value) {
    act.touch([
        format!("authorization/{}", text(&authorization["authorization_id"])),
        format!("entry/{}", text(&authorization["entry_id"])),
        format!("office/{}", text(&authorization["consumer_office"])),
        format!("office/{}", text(&authorization["provider_office"])),
    ]);
}

pub(super) fn touch_parent(act: &mut Act, authorization: &Value) {
    if let Some(parent) = authorization["parent"].as_str() {
        act.touch([format!("authorization/{parent}")]);
    }
}

/// 11.2: the hash of the terms.
fn terms_hash(authorization: &Value) -> Value {
    const FIELDS: [&str; 20] = [
        "authorization_id",
        "entry_id",
        "entry_version",
        "consumer",
        "consumer_office",
        "provider",
        "provider_office",
        "purpose",
        "scope",
        "method",
        "items",
        "window",
        "limits",
        "obligations",
        "replaces",
        "parent",
        "onward",
        "recipients",
        "policy_hash",
        "legal_text_hash",
    ];
    const OF_EXTENT: [&str; 7] = [
        "items",
        "window",
        "limits",
        "obligations",
        "recipients",
        "policy_hash",
        "legal_text_hash",
    ];
    let granted = &authorization["granted"];
    let mut parts = Vec::new();
    for name in FIELDS {
        let of = if OF_EXTENT.contains(&name) { granted } else { authorization };
        let mut value = of[name].clone();
        tidy(name, &mut value);
        let none = name == "recipients" && list(&value).is_empty();
        if !value.is_null() && value != false && !none {
            parts.push(format!("\"{name}\":{}", String::from_utf8_lossy(&encode(name, &value))));
        }
    }
    let terms = format!("{{{}}}", parts.join(","));
    json!(Digest::of(Domain::AuthorizationTerms, terms.as_bytes()).to_string())
}

/// Agreed: `granted`, and the terms hash.
pub(super) fn agreed(authorization: &Value) -> Value {
    let mut agreed = authorization.clone();
    if agreed["granted"].is_null() {
        agreed["granted"] = agreed["requested"].clone();
    }
    agreed["status"] = json!("agreed");
    agreed["agreed_with"] = Value::Null;
    agreed["terms_hash"] = terms_hash(&agreed);
    agreed
}

/// Every action on an authorization that is there.
pub fn step(act: &mut Act, name: &str) -> Verdict {
    let key = format!("authorization/{}", act.text("authorization_id"));
    let old = find(act, &act.said["authorization_id"])?;
    let new = match name {
        "offer" => offer(act, &old),
        "agree" => agree(act, &old),
        "finalize" => finalize(act, &old),
        "reject" | "confirm" => by_party(act, &old, "provider", name),
        "withdraw" | "relinquish" | "dispute" => by_party(act, &old, "consumer", name),
        "revoke" => revoke(act, &old),
        "suspend" | "resume" => pause(act, &old, name),
        "decide" => decide(act, &old),
        "examine" => examine(act, &old),
        "counter" => counter(act, &old),
        _ => panic!("the model does not know authorization.{name}"),
    }?;
    touch(act, &old);
    act.store.put(&key, &[&new])
}

/// Own officer for a party's office.
fn officer_of(act: &Act, old: &Value, party: &str) -> Verdict {
    act.own(&["officer"], &old[format!("{party}_office")])
}

fn ended(act: &Act, reason: &Value) -> Value {
    json!({"by": act.me(), "at_height": act.height(), "reason": reason})
}

fn offer(act: &Act, old: &Value) -> Verdict<Value> {
    need(is_party(act, old, "provider"), "AUT-02")?;
    officer_of(act, old, "provider")?;
    let to = moved(old, "offer")?;
    examined(act, old)?;
    let (granted, requested) = (&act.said["granted"], &old["requested"]);
    act.bounds_in("granted", &["items"])?;
    window_fits(act, &granted["window"])?;
    rate_fits(granted)?;
    act.bounds_in("granted", &["obligations"])?;
    obligations_fit(granted)?;
    recipients_fit(act, granted, &old["onward"])?;
    need(items_within(granted, requested), "AUT-12")?;
    let none = |extent: &Value| list(&extent["items"]).is_empty();
    need(!none(granted) || none(requested), "AUT-06")?;
    need(window_within(granted, requested) && limits_within(granted, requested), "AUT-12")?;
    let (asked, named) = (list(&requested["recipients"]), list(&granted["recipients"]));
    let fewer = !named.is_empty() && named.iter().all(|uscc| asked.contains(uscc));
    need(asked.is_empty() || fewer, "AUT-12")?;
    let mut new = old.clone();
    new["granted"] = granted.clone();
    new["status"] = json!(to);
    Ok(new)
}

fn agree(act: &Act, old: &Value) -> Verdict<Value> {
    moved(old, "agree")?;
    examined(act, old)?;
    let party = if old["status"] == "offered" { "consumer" } else { "provider" };
    need(is_party(act, old, party), "AUT-02")?;
    officer_of(act, old, party)?;
    Ok(agreed(old))
}

fn finalize(act: &mut Act, old: &Value) -> Verdict<Value> {
    let me = act.me();
    need(old["consumer"] == me.as_str() || old["provider"] == me.as_str(), "AUT-02")?;
    let to = moved(old, "finalize")?;
    need(act.said["terms_hash"] == old["terms_hash"], "AUT-13")?;
    for party in ["consumer", "provider"] {
        let office = old[format!("{party}_office")].clone();
        act.party(text(&old[party]), "officer", &office, "AUT-14")?;
    }
    let entry = act.get(&format!("entry/{}", text(&old["entry_id"])));
    need(entry["frozen"].is_null(), "ENT-26")?;
    need(act.block.time_ms <= number(&old["granted"]["window"]["to_ms"]), "AUT-16")?;
    if !old["parent"].is_null() {
        let parent = load(act, &old["parent"]);
        parent_stands(&parent)?;
        need(!used_up(&parent), "AUT-17")?;
    }
    if let Some(replaced) = old["replaces"].as_str() {
        let key = format!("authorization/{replaced}");
        let before = load(act, &old["replaces"]);
        let to = moved(&before, "replace")?;
        let changes = json!({"status": to, "superseded_by": old["authorization_id"],
            "ended": ended(act, &Value::Null)});
        touch(act, &before);
        act.store.put(&key, &[&before, &changes])?;
    }
    touch_parent(act, old);
    let mut new = old.clone();
    new["status"] = json!(to);
    new["finalized_at_height"] = act.height();
    new["finalized_at_ms"] = act.since("provision_days");
    Ok(new)
}

/// AUT-17: a grant is in force and may be handed on.
pub fn parent_stands(parent: &Value) -> Verdict {
    need(parent["status"] == "finalized" && parent["onward"] == true, "AUT-17")
}

/// A limit is reached by `delivered`, or by `used` and what was handed on, delivered or used.
pub(super) fn used_up(grant: &Value) -> bool {
    ["calls", "records", "bytes"].iter().any(|name| {
        let (totals, handed) = (&grant["totals"], &grant["handed_on"]);
        let used = number(&totals["used"][name]);
        let reached = [
            number(&totals["delivered"][name]),
            used + number(&handed["delivered"][name]),
            used + number(&handed["used"][name]),
        ];
        let limit = grant["granted"]["limits"][name].as_u64();
        limit.is_some_and(|limit| reached.iter().any(|total| *total >= limit))
    })
}

/// What one party alone does.
fn by_party(act: &Act, old: &Value, party: &str, name: &str) -> Verdict<Value> {
    need(is_party(act, old, party), "AUT-02")?;
    officer_of(act, old, party)?;
    let to = moved(old, name)?;
    if name == "dispute" {
        in_time(act, old)?;
    }
    let reason = &act.said["reason"];
    if !reason.is_null() {
        act.bounds(&["reason"])?;
    }
    let mut new = old.clone();
    match name {
        "confirm" => {
            new["confirmed_at_height"] = act.height();
            return Ok(new);
        }
        "dispute" => new["status_reason"] = reason.clone(),
        _ => new["ended"] = ended(act, reason),
    }
    if name == "reject" {
        new["ended"]["at_ms"] = act.since("dispute_days");
    }
    new["status"] = json!(to);
    Ok(new)
}

/// AUT-22: the time to dispute is not over.
fn in_time(act: &Act, old: &Value) -> Verdict {
    let days = act.days("dispute_days");
    let Some(since) = old["ended"]["at_ms"].as_u64().filter(|_| days > 0) else { return Ok(()) };
    let calendar = &act.store.params(act.block.height)["calendar"];
    need(act.block.time_ms <= deadline_ms(since, days, calendar), "AUT-22")
}

fn revoke(act: &mut Act, old: &Value) -> Verdict<Value> {
    let provider = is_party(act, old, "provider");
    if !(provider && act.own_signed("officer")) && act.own_signed("authority") {
        act.authority()?;
    } else {
        need(provider, "AUT-02")?;
        officer_of(act, old, "provider")?;
    }
    let to = moved(old, "revoke")?;
    act.bounds(&["reason"])?;
    let mut new = old.clone();
    new["status"] = json!(to);
    new["ended"] = ended(act, &act.said["reason"]);
    Ok(new)
}

/// Suspend and resume.
fn pause(act: &mut Act, old: &Value, name: &str) -> Verdict<Value> {
    let as_authority = act.own_signed("authority") && !act.own_signed("officer");
    if as_authority {
        act.authority()?;
    } else {
        // Of a grant whose entry passed to its consumer, that member is both.
        let party = if old["consumer"] == act.me().as_str() { "consumer" } else { "provider" };
        need(is_party(act, old, party), "AUT-02")?;
        officer_of(act, old, party)?;
    }
    let to = moved(old, name)?;
    let me = json!(act.me());
    need(name != "resume" || as_authority || old["suspended_by"] == me, "AUT-19")?;
    act.bounds(&["reason"])?;
    let mut new = old.clone();
    new["status"] = json!(to);
    new["status_reason"] = act.said["reason"].clone();
    new["suspended_by"] = if name == "suspend" { me } else { Value::Null };
    Ok(new)
}

fn decide(act: &mut Act, old: &Value) -> Verdict<Value> {
    act.authority()?;
    moved(old, "decide")?;
    act.bounds(&["reason"])?;
    let reason = act.said["reason"].clone();
    let mut new = old.clone();
    if act.said["grant"] == true {
        new["status_reason"] = reason;
        new["granted"] = Value::Null;
        new["ended"] = Value::Null;
        return Ok(agreed(&new));
    }
    new["status"] = json!("refused");
    new["ended"] = ended(act, &reason);
    Ok(new)
}

fn examine(act: &mut Act, old: &Value) -> Verdict<Value> {
    act.authority()?;
    let to = moved(old, "examine")?;
    act.bounds(&["reason"])?;
    let mut new = old.clone();
    new["status"] = json!(if act.said["compliant"] == true { to } else { "returned" });
    new["status_reason"] = act.said["reason"].clone();
    Ok(new)
}

fn counter(act: &mut Act, old: &Value) -> Verdict<Value> {
    need(is_party(act, old, "consumer"), "AUT-02")?;
    officer_of(act, old, "consumer")?;
    let to = moved(old, "counter")?;
    let most = act.store.params(act.block.height)["counter_rounds_max"].as_u64().unwrap_or(3);
    need(number(&old["rounds"]) < most, "AUT-23")?;
    let (wanted, before) = (act.said["requested"].clone(), &old["requested"]);
    act.bounds_in("requested", &["items"])?;
    window_fits(act, &wanted["window"])?;
    rate_fits(&wanted)?;
    act.bounds_in("requested", &["obligations"])?;
    obligations_fit(&wanted)?;
    recipients_fit(act, &wanted, &old["onward"])?;
    let none = |extent: &Value| list(&extent["items"]).is_empty();
    need(items_within(&wanted, before) && none(&wanted) == none(before), "AUT-06")?;
    if !old["parent"].is_null() {
        let parent = find(act, &old["parent"])?;
        parent_stands(&parent)?;
        need(!used_up(&parent), "AUT-17")?;
        let granted = &parent["granted"];
        let holds = items_within(&wanted, granted)
            && none(&wanted) == none(granted)
            && window_within(&wanted, granted)
            && limits_within(&wanted, granted);
        need(holds, "AUT-17")?;
        touch_parent(act, old);
    }
    let mut new = old.clone();
    new["requested"] = wanted;
    new["granted"] = Value::Null;
    new["status"] = json!(to);
    new["rounds"] = json!(number(&old["rounds"]) + 1);
    let open = old["unconditional"] == true;
    let days = if open { "answer_unconditional_days" } else { "answer_conditional_days" };
    new["requested_at_ms"] = act.since(days);
    let key = format!("authorization/{}", text(&old["authorization_id"]));
    act.store.put(&key, &[&super::requests::largest(&new)])?;
    Ok(new)
}
