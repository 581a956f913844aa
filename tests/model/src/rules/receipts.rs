//! Use receipts 使用回执.

use serde_json::{Value, json};

use super::authorizations::{find, load, parent_stands};
use crate::act::Act;
use crate::spec::SPEC;
use crate::{Verdict, list, need, number, text};

const COUNTS: [&str; 3] = ["calls", "records", "bytes"];
/// Kinds whose counts are added to a total.
const COUNTED: [&str; 3] = ["delivered", "received", "used"];

/// `receipt.record`.
pub fn record(act: &mut Act) -> Verdict {
    act.own(&["officer", "application"], &Value::Null)?;
    let (me, said) = (act.me(), act.said.clone());
    let key = format!("authorization/{}", act.text("authorization_id"));
    let mut authorization = find(act, &act.said["authorization_id"])?;
    let kind = text(&said["kind"]).to_owned();
    let party = signing_party(act, &authorization, &kind)?;
    act.bounds(&["purpose", "items"])?;
    let (from, to) = (number(&said["window"]["from_ms"]), number(&said["window"]["to_ms"]));
    need(from <= to, "RCP-06")?;
    need(to <= act.block.time_ms + act.param("clock_skew_ms"), "RCP-07")?;
    let lines = &said["lines"];
    let fit = *lines == said["counts"]["calls"] && *lines != 0 && !said["digest"].is_null();
    need(lines.is_null() || fit, "RCP-15")?;
    let delivery = ["delivered", "received"].contains(&kind.as_str());
    need(!delivery || !said["digest"].is_null(), "RCP-12")?;
    run(act, &said)?;
    let corrected = corrected(act, &kind)?;
    let parent_key = format!("authorization/{}", text(&authorization["parent"]));
    let mut parent = load(act, &authorization["parent"]);
    let (grant, grant_parent) = (authorization.clone(), parent.clone());

    // What a receipt may say depends on the grant; a denial needs none.
    let counted = COUNTED.contains(&kind.as_str());
    let granted = authorization["granted"].clone();
    if kind != "denied" {
        if counted && corrected.is_null() {
            need(authorization["status"] == "finalized", "RCP-01")?;
        } else {
            need(!authorization["finalized_at_height"].is_null(), "RCP-01")?;
        }
        need(said["terms_hash"] == authorization["terms_hash"], "RCP-03")?;
        let items = list(&said["items"]);
        need(items.iter().all(|item| list(&granted["items"]).contains(item)), "RCP-04")?;
        need(said["purpose"] == authorization["purpose"], "RCP-05")?;
    }
    if counted && corrected.is_null() {
        let entry = act.get(&format!("entry/{}", text(&authorization["entry_id"])));
        need(entry["frozen"].is_null(), "ENT-26")?;
        let since = number(&entry["stricter_since_height"]);
        let stood = |grant: &Value| {
            let stood =
                ["finalized_at_height", "confirmed_at_height"].map(|name| number(&grant[name]));
            need(stood.iter().any(|height| *height >= since), "RCP-13")
        };
        stood(&authorization)?;
        if !parent.is_null() {
            parent_stands(&parent)?;
            stood(&parent)?;
        } else if kind == "delivered" {
            let systems = list(&entry["content"]["systems"]);
            let gone = |binding: &Value| {
                let system = act.get(&format!("system/{}", text(&binding["system"])));
                let at = &system["stopped_at_ms"];
                system["status"] == "stopped" && (at.is_null() || number(at) < from)
            };
            need(systems.is_empty() || !systems.iter().all(gone), "RCP-21")?;
        }
    }
    if counted {
        let (first, last) = (&granted["window"]["from_ms"], &granted["window"]["to_ms"]);
        need(number(first) <= from && to <= number(last), "RCP-06")?;
        let counts = total(act, &authorization["totals"][&kind], &corrected);
        need(fits(&authorization, &counts, &Value::Null), "RCP-08")?;
        if kind == "used" {
            for handed in ["delivered", "used"] {
                let handed = &authorization["handed_on"][handed];
                need(fits(&authorization, &counts, handed), "RCP-08")?;
            }
        }
        authorization["totals"][&kind] = counts;
        rate(&mut authorization, &said, &kind, &corrected)?;
        if !parent.is_null() {
            let zero = json!({"calls": 0, "records": 0, "bytes": 0});
            if parent["handed_on"].is_null() {
                parent["handed_on"] = json!({"delivered": zero, "received": zero, "used": zero});
            }
            let counts = total(act, &parent["handed_on"][&kind], &corrected);
            need(fits(&parent, &counts, &parent["totals"]["used"]), "RCP-16")?;
            parent["handed_on"][&kind] = counts;
        }
    }

    let chain_key = format!("receipt-chain/{}/{me}", act.text("authorization_id"));
    let chain = act.get(&chain_key);
    need(number(&said["seq"]) == number(&chain["seq"]) + 1, "RCP-09")?;
    need(said["prev_receipt"] == chain["receipt_id"], "RCP-10")?;
    let id = act.new_id();
    need(!act.has(&format!("receipt/{id}")), "TX-14")?;
    let peer = act.get(&format!("receipt/{}", text(&said["peer_receipt"])));
    if !said["peer_receipt"].is_null() {
        let fits = match kind.as_str() {
            "received" | "used" => peer["kind"] == "delivered",
            "deleted" => peer["kind"] == "received",
            _ => false,
        };
        need(fits && peer["authorization_id"] == said["authorization_id"], "RCP-11")?;
    }

    let named = act.transaction.office.clone();
    let office =
        if named.is_null() { authorization[format!("{party}_office")].clone() } else { named };
    let mismatch = kind == "received" && !peer.is_null() && peer["digest"] != said["digest"];
    let mut receipt = said.clone();
    receipt.as_object_mut().expect("an action").remove("type");
    let more = json!({"receipt_id": id, "entry_id": authorization["entry_id"], "signer": me,
        "office": office, "mismatch": mismatch, "recorded_at_height": act.height()});
    act.store.put(&format!("receipt/{id}"), &[&receipt, &more])?;
    act.store.put(&chain_key, &[&json!({"seq": said["seq"], "receipt_id": id})])?;
    if authorization != grant {
        act.store.put(&key, &[&authorization])?;
    }
    if parent != grant_parent {
        if parent["handed_on"].as_object().is_some_and(|totals| totals.values().all(is_zero)) {
            parent["handed_on"] = Value::Null;
        }
        act.store.put(&parent_key, &[&parent])?;
    }
    if !corrected.is_null() {
        let old = format!("receipt/{}", text(&said["corrects"]));
        act.store.change(&old, &json!({"corrected_by": id}))?;
    }
    act.touch([key, format!("entry/{}", text(&authorization["entry_id"]))]);
    act.touch([format!("office/{}", text(&office))]);
    if let Some(parent) = authorization["parent"].as_str() {
        act.touch([format!("authorization/{parent}")]);
    }
    Ok(())
}

/// By what it was done: RCP-17, RCP-18, SYS-01, SYS-02.
fn run(act: &Act, said: &Value) -> Verdict {
    let hex = |text: &str| text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
    let lineage = &said["lineage"];
    if !lineage.is_null() {
        let groups: Vec<&str> = text(&lineage["run_id"]).split('-').collect();
        let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
        need(lengths == [8, 4, 4, 4, 12] && groups.iter().all(|group| hex(group)), "RCP-17")?;
        act.bounds_in("lineage", &["job", "outputs"])?;
    }
    if let Some(hash) = said["operator_hash"].as_str() {
        let digits = hash.strip_prefix("hmac-sha256:").unwrap_or("");
        need(digits.len() == 64 && hex(digits), "RCP-18")?;
    }
    if let Some(system) = said["system"].as_str() {
        let system = act.find(&format!("system/{system}"), "SYS-01")?;
        need(system["member"] == act.me().as_str(), "SYS-02")?;
    }
    Ok(())
}

/// *Rates*: RCP-19, RCP-20.
fn rate(grant: &mut Value, said: &Value, kind: &str, corrected: &Value) -> Verdict {
    let rate = grant["granted"]["limits"]["rate"].clone();
    if rate.is_null() {
        return Ok(());
    }
    let period = |ms: &Value| number(ms) / number(&rate["per_ms"]);
    let ends = |window: &Value| (period(&window["from_ms"]), period(&window["to_ms"]));
    let (first, last) = ends(&said["window"]);
    let most = u128::from(number(&rate["calls"])) * u128::from(last - first + 1);
    need(u128::from(number(&said["counts"]["calls"])) <= most, "RCP-19")?;
    if !corrected.is_null() {
        let (from, to) = ends(&corrected["window"]);
        return need(from <= first && last <= to, "RCP-20");
    }
    let before = &grant["rated_to_ms"][kind];
    need(before.is_null() || period(before) < first, "RCP-20")?;
    grant["rated_to_ms"][kind] = said["window"]["to_ms"].clone();
    Ok(())
}

/// RCP-02: the party that can say this. A delegate that is the other party can say nothing.
fn signing_party(act: &Act, authorization: &Value, kind: &str) -> Verdict<&'static str> {
    let transaction = act.transaction;
    let party = |party: &str, other: &str| {
        authorization[party] == transaction.me.as_str()
            && (transaction.me == transaction.submitter
                || authorization[other] != transaction.submitter.as_str())
    };
    let provider = party("provider", "consumer") && ["delivered", "denied"].contains(&kind);
    let consumer = party("consumer", "provider") && kind != "delivered";
    need(provider || consumer, "RCP-02")?;
    Ok(if provider { "provider" } else { "consumer" })
}

/// RCP-14: the receipt to be corrected, if one is; else `null`.
fn corrected(act: &Act, kind: &str) -> Verdict<Value> {
    let Some(id) = act.said["corrects"].as_str() else { return Ok(Value::Null) };
    let old = act.find(&format!("receipt/{id}"), "RCP-14")?;
    let fits = old["authorization_id"] == act.said["authorization_id"]
        && old["signer"] == act.me().as_str()
        && old["kind"] == kind
        && COUNTED.contains(&kind)
        && old["corrected_by"].is_null();
    need(fits, "RCP-14").map(|()| old)
}

fn is_zero(counts: &Value) -> bool {
    COUNTS.iter().all(|name| counts[name] == 0)
}

/// A total with this receipt, without the one it corrects.
fn total(act: &Act, total: &Value, corrected: &Value) -> Value {
    let mut total = total.clone();
    for name in COUNTS {
        let before = number(&total[name]) - number(&corrected["counts"][name]);
        total[name] = json!(before + number(&act.said["counts"][name]));
    }
    total
}

/// Whether two totals together stay within the limits granted.
fn fits(grant: &Value, total: &Value, other: &Value) -> bool {
    COUNTS.iter().all(|name| {
        let limit = grant["granted"]["limits"][name].as_u64().unwrap_or(u64::MAX);
        number(&total[name]) + number(&other[name]) <= limit.min(SPEC.bound("COUNTER_MAX"))
    })
}
