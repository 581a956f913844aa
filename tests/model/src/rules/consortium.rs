//! Parameters, validators, evidence and division codes.

use std::collections::{BTreeMap, BTreeSet};

use mulu_chain::certificate::{ProposalStatement, VoteKind, VoteStatement};
use mulu_chain::digest::Digest;
use mulu_chain::signature::{PublicKey, Signature};
use mulu_chain::types::Height;
use serde_json::{Value, json};

use crate::act::{Act, bounds_of};
use crate::shape::bounds;
use crate::spec::{Kind, SPEC};
use crate::{Verdict, list, need, number, text};

/// Validators, and total power, that a set may have (9, VAL-01).
const VALIDATORS_MAX: usize = 128;
const TOTAL_POWER_MAX: u128 = 1 << 60;

/// `params.change`.
pub fn change_params(act: &mut Act) -> Verdict {
    let (authorities, members) = act.consortium()?;
    let mut params = act.said["params"].clone();
    need(act.said["prev"] == act.store.version("params").as_str(), "PAR-02")?;
    for param in &SPEC.params {
        let Some((least, most)) = param.range else { continue };
        need((least..=most).contains(&number(&params[&param.name])), "PAR-01")?;
    }
    let days = params["deadlines"].as_object_mut().expect("the shape has it");
    let most = SPEC.bound("DEADLINE_DAYS_MAX");
    need(days.values().all(|days| number(days) <= most), "PAR-01")?;
    days.retain(|_, days| *days != 0);
    for name in ["holidays", "workdays"] {
        let dates = list(&params["calendar"][name]);
        need(dates.len() as u64 <= SPEC.bound("CALENDAR_DATES_MAX"), "FLD-02")?;
        let date = Kind::Named("date".to_owned());
        dates.iter().try_for_each(|each| bounds(&date, name, each))?;
        need(dates.windows(2).all(|pair| text(&pair[0]) < text(&pair[1])), "PAR-05")?;
    }
    need(number(&params["authority_threshold"]) <= authorities as u64, "PAR-03")?;
    need(number(&params["consortium_threshold"]) <= members as u64, "PAR-03")?;
    if params["consortium_threshold"] == 0 {
        params["consortium_threshold"] = Value::Null;
    }
    if params["counter_rounds_max"] == 3 {
        params["counter_rounds_max"] = Value::Null;
    }
    let version = number(&params["protocol_version"]);
    if version == 1 {
        params["protocol_version"] = Value::Null;
    }
    act.touch(["params"]);
    let from = &act.said["in_force_from"];
    let rules = act.store.params(act.block.height)["protocol_version"].as_u64().unwrap_or(1);
    if from.is_null() {
        need(version == rules, "PAR-06")?;
        return act.store.put("params", &[&params]);
    }
    let most = act.block.height + SPEC.bound("PARAMS_AHEAD_HEIGHTS_MAX");
    need((act.block.height + 1..=most).contains(&number(from)), "PAR-04")?;
    let seen = act.block.height + SPEC.bound("PROTOCOL_NOTICE_HEIGHTS_MIN") <= number(from);
    need(version == rules || (version == rules + 1 && seen), "PAR-06")?;
    let pending = json!({"pending": {"in_force_from": from, "params": params}});
    let in_force = act.store.params(act.block.height).clone();
    act.store.put("params", &[&in_force, &pending])
}

/// `validator.admit`.
pub fn admit_validator(act: &mut Act) -> Verdict {
    act.consortium()?;
    let validator = act.said["validator"].clone();
    let most = SPEC.bound("VALIDATOR_POWER_MAX");
    need((1..=most).contains(&number(&validator["power"])), "VAL-04")?;
    act.active_member(text(&validator["member"]))?;
    let key = act.get(&format!("key/{}", text(&validator["public_key"])));
    let votes_at = act.block.height + SPEC.bound("VALIDATOR_DELAY_HEIGHTS");
    let fits = key["member"] == validator["member"]
        && key["status"] == "active"
        && list(&key["roles"]).contains(&json!("validator"))
        && number(&key["valid_from"]) <= votes_at
        && key["valid_to"].is_null();
    need(fits, "VAL-02")?;
    let mut set = list(&act.get("validators")).to_vec();
    need(!set.iter().any(|each| each["public_key"] == validator["public_key"]), "VAL-03")?;
    set.push(validator.clone());
    set.sort_by_key(|each| text(&each["public_key"]).to_owned());
    write_set(act, set, &validator)
}

/// `validator.retire`.
pub fn retire_validator(act: &mut Act) -> Verdict {
    act.consortium()?;
    act.bounds(&["reason"])?;
    let mut set = list(&act.get("validators")).to_vec();
    let at = set.iter().position(|each| each["public_key"] == act.said["public_key"]);
    let retired = set.remove(at.ok_or("VAL-05")?);
    write_set(act, set, &retired)
}

/// *set checks*, and the list.
fn write_set(act: &mut Act, set: Vec<Value>, changed: &Value) -> Verdict {
    let powers = |set: &[Value]| -> BTreeMap<String, u128> {
        let of = |each: &Value| {
            (text(&each["public_key"]).to_owned(), u128::from(number(&each["power"])))
        };
        set.iter().map(of).collect()
    };
    let (old, new) = (powers(list(act.store.before_block("validators"))), powers(&set));
    let total = |set: &BTreeMap<String, u128>| set.values().sum::<u128>();
    need(
        !set.is_empty() && set.len() <= VALIDATORS_MAX && total(&new) < TOTAL_POWER_MAX,
        "VAL-01",
    )?;
    let stays: u128 = new.iter().filter_map(|(key, power)| Some(*old.get(key)?.min(power))).sum();
    let quorum = 3 * stays > 2 * total(&old) && 3 * stays > 2 * total(&new);
    let most = u128::from(SPEC.bound("SMALL_POWER_MAX"));
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let moved = keys.iter().filter(|key| old.get(**key) != new.get(**key)).count();
    let small = total(&old) <= most && total(&new) <= most && stays > 0 && moved <= 1;
    need(quorum || small, "VAL-06")?;
    act.touch(["validators".to_owned(), format!("key/{}", text(&changed["public_key"]))]);
    act.touch([format!("member/{}", text(&changed["member"]))]);
    act.store.put("validators", &[&Value::Array(set)])
}

/// `evidence.record`.
pub fn record_evidence(act: &mut Act) -> Verdict {
    act.own(&["validator", "administrator"], &Value::Null)?;
    let evidence = act.said["evidence"].clone();
    let (accused, height) = (text(&evidence["validator"]), number(&evidence["height"]));
    let (round, step) = (&evidence["round"], text(&evidence["step"]));
    let key = act.get(&format!("key/{accused}"));
    let delay = SPEC.bound("VALIDATOR_DELAY_HEIGHTS");
    let revoked = key["revoked_at_height"].as_u64();
    let voted = list(&key["roles"]).contains(&json!("validator"))
        && number(&key["registered_at_height"]) <= height
        && revoked.is_none_or(|revoked| height < revoked.saturating_add(delay));
    need(voted, "EVD-01")?;
    let oldest = act.block.height.saturating_sub(SPEC.bound("EVIDENCE_HEIGHTS_MAX"));
    need((oldest..=act.block.height).contains(&height), "EVD-02")?;
    let id = format!("evidence/{accused}/{height}/{round}/{step}");
    need(!act.has(&id), "EVD-07")?;
    let statements = [&evidence["first"], &evidence["second"]];
    for statement in statements {
        let fits = if step == "proposal" {
            !statement["block"].is_null()
        } else {
            statement["valid_round"].is_null()
        };
        need(fits, "EVD-05")?;
    }
    let signed = statements.map(|statement| signed_bytes(act, &evidence, statement));
    need(signed[0] != signed[1], "EVD-03")?;
    need(signed[0] < signed[1], "EVD-04")?;
    let public: PublicKey = accused.parse().map_err(|_| "TX-06")?;
    for (statement, bytes) in statements.iter().zip(&signed) {
        let signature = serde_json::from_value::<Signature>(statement["signature"].clone());
        let signature = signature.map_err(|_| "TX-06")?;
        need(public.verify(bytes, &signature).is_ok(), "EVD-06")?;
    }
    let more = json!({"member": key["member"], "reporter": act.me(),
        "recorded_at_height": act.height()});
    act.touch([id.clone(), "evidence".to_owned(), format!("key/{accused}")]);
    act.touch([format!("member/{}", text(&key["member"]))]);
    act.store.put(&id, &[&evidence, &more])
}

/// What a statement's signature covers (9).
fn signed_bytes(act: &Act, evidence: &Value, statement: &Value) -> Vec<u8> {
    let chain_id = act.block.chain_id.parse().expect("the chain's id");
    let height = Height(number(&evidence["height"]));
    let round = u32::try_from(number(&evidence["round"])).expect("the shape bounds it");
    let block: Option<Digest> = statement["block"].as_str().and_then(|text| text.parse().ok());
    if evidence["step"] == "proposal" {
        let valid_round = statement["valid_round"].as_u64();
        let valid_round = valid_round.and_then(|round| u32::try_from(round).ok());
        let block = block.expect("EVD-05");
        return ProposalStatement { chain_id, height, round, block, valid_round }.signed_bytes();
    }
    let precommit = evidence["step"] == "precommit";
    let kind = if precommit { VoteKind::Precommit } else { VoteKind::Prevote };
    VoteStatement { chain_id, height, round, kind, block }.signed_bytes()
}

/// `region.set`.
pub fn set_regions(act: &mut Act) -> Verdict {
    act.authority()?;
    act.bounds_count("regions")?;
    let regions = act.said["regions"].clone();
    let mut codes: Vec<&str> = list(&regions).iter().map(|each| text(&each["code"])).collect();
    codes.sort_unstable();
    need(codes.windows(2).all(|pair| pair[0] != pair[1]), "FLD-05")?;
    let mut count = number(&act.get("regions")["count"]);
    for region in list(&regions) {
        for field in ["code", "name", "from", "to"] {
            bounds_of(&SPEC.objects["division"], region, field)?;
        }
        let to = region["to"].as_str();
        need(to.is_none_or(|to| text(&region["from"]) <= to), "FLD-09")?;
        let key = format!("region/{}", text(&region["code"]));
        count += u64::from(!act.has(&key));
        act.store.put(&key, &[region, &json!({"set_at_height": act.height()})])?;
    }
    act.touch(["regions"]);
    act.store.put("regions", &[&json!({"count": count})])
}
