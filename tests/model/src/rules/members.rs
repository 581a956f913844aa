//! Members, offices and keys.

use serde_json::{Value, json};

use crate::act::Act;
use crate::shape::{is_distinct, uscc};
use crate::{Verdict, list, need, number, text};

/// `member.admit`.
pub fn admit(act: &mut Act) -> Verdict {
    act.authority()?;
    let member = act.said["member"].clone();
    let code = text(&member["uscc"]).to_owned();
    uscc(&code, member["uscc_check_waived"] == true)?;
    act.bounds_in("member", &["name", "name_en", "region"])?;
    roles(&member["roles"], "MEM-06")?;
    act.bounds_in("member", &["nodes"])?;
    need(!act.has(&format!("member/{code}")), "MEM-05")?;
    act.region_in_force(&member["region"])?;
    act.bounds_count("keys")?;
    let keys = list(&act.said["keys"]).to_vec();
    let is_admin = |key: &Value| list(&key["roles"]).contains(&json!("administrator"));
    need(keys.is_empty() || keys.iter().any(is_admin), "MEM-08")?;
    let since = json!({"status": "active", "admitted_at_height": act.height()});
    act.store.put(&format!("member/{code}"), &[&member, &since])?;
    for key in &keys {
        new_key(act, &code, key)?;
    }
    act.touch([format!("member/{code}")]);
    Ok(())
}

/// At least one, none twice.
fn roles(roles: &Value, rule: &'static str) -> Verdict {
    let roles = list(roles);
    need(!roles.is_empty() && is_distinct(roles.iter().map(text)), rule)
}

/// *new-key checks*; writes the key.
fn new_key(act: &mut Act, member: &str, key: &Value) -> Verdict {
    let id = text(&key["public_key"]).to_owned();
    need(!act.has(&format!("key/{id}")), "KEY-09")?;
    roles(&key["roles"], "KEY-11")?;
    let authority = list(&key["roles"]).contains(&json!("authority"));
    need(!authority || act.is(member, "authority"), "KEY-10")?;
    if !key["office"].is_null() {
        act.office_in_force(&key["office"], member)?;
    }
    act.label(key)?;
    let to = key["valid_to"].as_u64().unwrap_or(u64::MAX);
    need(number(&key["valid_from"]) <= to && act.block.height <= to, "KEY-12")?;
    need(!act.call(|signer| signer.key == id).is_empty(), "KEY-08")?;
    let since = json!({"member": member, "status": "active", "registered_at_height": act.height()});
    act.store.put(&format!("key/{id}"), &[key, &since])?;
    act.touch([format!("key/{id}")]);
    Ok(())
}

/// `member.suspend`.
pub fn suspend(act: &mut Act) -> Verdict {
    act.authority()?;
    let code = act.text("uscc");
    let signed =
        act.transaction.signers.iter().any(|signer| signer.record["member"] == code.as_str());
    need(!signed, "MEM-11")?;
    let validators = act.get("validators");
    need(!list(&validators).iter().any(|each| each["member"] == code.as_str()), "MEM-10")?;
    standing(act, "suspended")
}

/// `member.resume`.
pub fn resume(act: &mut Act) -> Verdict {
    act.authority()?;
    standing(act, "active")
}

/// `member.nodes`.
pub fn nodes(act: &mut Act) -> Verdict {
    act.own(&["administrator"], &Value::Null)?;
    act.bounds(&["nodes"])?;
    let key = format!("member/{}", act.me());
    act.touch([key.clone()]);
    // No nodes are the default, and what is the default is there all the same.
    let changes = json!({"nodes": act.said["nodes"].clone()});
    act.store.change(&key, &changes)
}

/// `member.leave`.
pub fn leave(act: &mut Act) -> Verdict {
    act.own(&["administrator"], &Value::Null)?;
    let me = act.me();
    need(!act.is(&me, "authority"), "MEM-12")?;
    let validators = act.get("validators");
    need(!list(&validators).iter().any(|each| each["member"] == me.as_str()), "MEM-10")?;
    stand(act, &me, "suspended")
}

fn standing(act: &mut Act, status: &str) -> Verdict {
    let member = act.text("uscc");
    stand(act, &member, status)
}

fn stand(act: &mut Act, member: &str, status: &str) -> Verdict {
    act.bounds(&["reason"])?;
    let key = format!("member/{member}");
    let member = act.find(&key, "MEM-01")?;
    need(member["status"] != status, "MEM-09")?;
    let changes = json!({"status": status, "status_since_height": act.height(),
        "status_reason": act.said["reason"]});
    act.touch([key.clone()]);
    act.store.change(&key, &changes)
}

/// `office.establish`.
pub fn establish(act: &mut Act) -> Verdict {
    act.own(&["administrator"], &Value::Null)?;
    act.bounds(&["office"])?;
    let (me, office) = (act.me(), act.said["office"].clone());
    let id = format!("{me}:{}", text(&office["code"]));
    need(!act.has(&format!("office/{id}")), "OFF-04")?;
    let more = json!({"id": id, "member": me, "status": "active",
        "established_at_height": act.height()});
    act.touch([format!("office/{id}"), format!("member/{me}")]);
    act.store.put(&format!("office/{id}"), &[&office, &more])
}

/// `office.dissolve`.
pub fn dissolve(act: &mut Act) -> Verdict {
    act.own(&["administrator"], &Value::Null)?;
    let (me, office, successor) =
        (act.me(), act.said["office"].clone(), act.said["successor"].clone());
    act.office_in_force(&office, &me)?;
    if !successor.is_null() {
        need(successor != office, "OFF-05")?;
        act.office_in_force(&successor, &me)?;
        act.touch([format!("office/{}", text(&successor))]);
    }
    act.bounds(&["reason"])?;
    let key = format!("office/{}", text(&office));
    act.touch([key.clone(), format!("member/{me}")]);
    let changes = json!({"status": "dissolved", "dissolved_at_height": act.height(),
        "successor": successor, "dissolved_at_ms": act.since("rebind_days")});
    act.store.change(&key, &changes)
}

/// `key.register`.
pub fn register_key(act: &mut Act) -> Verdict {
    let key = act.said["key"].clone();
    let me = act.me();
    let member = act.said["member"].as_str().unwrap_or(&me).to_owned();
    if member == me {
        act.own(&["administrator"], &Value::Null)?;
    } else {
        act.authority()?;
        need(key["roles"] == json!(["administrator"]), "KEY-16")?;
        act.active_member(&member)?;
    }
    new_key(act, &member, &key)?;
    act.touch([format!("member/{member}")]);
    Ok(())
}

/// `key.revoke`.
pub fn revoke_key(act: &mut Act) -> Verdict {
    let key = format!("key/{}", act.text("public_key"));
    let record = act.find(&key, "KEY-14")?;
    if record["member"] == act.me().as_str() && act.own_signed("administrator") {
        act.own(&["administrator"], &Value::Null)?;
    } else {
        act.authority()?;
    }
    end_key(act, &key, &record, &Value::Null)
}

/// FLD; KEY-13; KEY-15; writes the key, revoked.
fn end_key(act: &mut Act, key: &str, record: &Value, successor: &Value) -> Verdict {
    act.bounds(&["reason"])?;
    need(record["status"] == "active", "KEY-13")?;
    let validators = act.get("validators");
    let votes = list(&validators).iter().any(|each| each["public_key"] == record["public_key"]);
    need(!votes, "KEY-15")?;
    act.touch([key.to_owned(), format!("member/{}", text(&record["member"]))]);
    let changes = json!({"status": "revoked", "revoked_at_height": act.height(),
        "revocation_reason": act.said["reason"], "replaced_by": successor});
    act.store.change(key, &changes)
}

/// `key.rotate`.
pub fn rotate_key(act: &mut Act) -> Verdict {
    let old = act.text("public_key");
    let key = format!("key/{old}");
    let record = act.find(&key, "KEY-14")?;
    let member = text(&record["member"]).to_owned();
    let signed = act.transaction.signers.iter().any(|signer| signer.key == old);
    need(member == act.me(), "KEY-04")?;
    if !signed {
        act.own(&["administrator"], &Value::Null)?;
    }
    let successor = act.said["new_key"].clone();
    end_key(act, &key, &record, &successor)?;
    let new = json!({"public_key": successor, "roles": record["roles"], "office": record["office"],
        "label": record["label"], "valid_to": record["valid_to"]});
    new_key(act, &member, &new)
}
