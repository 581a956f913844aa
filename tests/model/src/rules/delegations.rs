//! Delegations 委托.

use serde_json::{Value, json};

use crate::act::Act;
use crate::{Verdict, list, need, number};

/// What can be delegated.
const DELEGABLE: [&str; 15] = [
    "duty.register",
    "system.register",
    "system.revise",
    "entry.publish",
    "entry.revise",
    "entry.withdraw",
    "entry.submit",
    "authorization.request",
    "authorization.counter",
    "authorization.offer",
    "authorization.agree",
    "authorization.reject",
    "authorization.withdraw",
    "authorization.relinquish",
    "receipt.record",
];

/// `delegation.grant`.
pub fn grant(act: &mut Act) -> Verdict {
    act.own(&["administrator"], &Value::Null)?;
    let (me, delegate) = (act.me(), act.text("delegate"));
    need(me != delegate, "DEL-01")?;
    act.active_member(&delegate)?;
    act.bounds(&["scope"])?;
    let known = |kind: &Value| DELEGABLE.iter().any(|each| kind == each);
    need(list(&act.said["scope"]).iter().all(known), "DEL-03")?;
    let window = &act.said["window"];
    let (from, to) = (number(&window["from_ms"]), number(&window["to_ms"]));
    let length = to.saturating_sub(from);
    let fits = from <= to && length <= act.param("grant_window_ms_max") && act.block.time_ms <= to;
    need(fits, "DEL-04")?;
    let key = format!("delegation/{me}/{delegate}");
    let last = act.get(&key);
    let stands =
        last["status"] == "active" && act.block.time_ms <= number(&last["window"]["to_ms"]);
    need(!stands, "DEL-05")?;
    let record = json!({"principal": me, "delegate": delegate, "scope": act.said["scope"],
        "window": window, "status": "active", "granted_at_height": act.height()});
    act.touch([key.clone(), format!("member/{me}"), format!("member/{delegate}")]);
    act.store.put(&key, &[&record])
}

/// `delegation.end`.
pub fn end(act: &mut Act) -> Verdict {
    let (me, principal, delegate) = (act.me(), act.text("principal"), act.text("delegate"));
    if me == principal || me == delegate {
        act.own(&["administrator"], &Value::Null)?;
    } else {
        act.authority()?;
    }
    act.bounds(&["reason"])?;
    let key = format!("delegation/{principal}/{delegate}");
    need(act.get(&key)["status"] == "active", "DEL-06")?;
    let changes = json!({"status": "ended", "ended_at_height": act.height(),
        "end_reason": act.said["reason"]});
    act.touch([key.clone(), format!("member/{principal}"), format!("member/{delegate}")]);
    act.store.change(&key, &changes)
}
