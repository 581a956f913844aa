//! *Content checks* of an entry, numbered as in 11.3, and what an entry claims.

use mulu_chain::digest::Digest;
use serde_json::{Value, json};

use super::classes;
use crate::act::{Act, bounds_of};
use crate::shape::{bounds, is_distinct, today};
use crate::spec::{Kind, SPEC};
use crate::{Verdict, list, need, text};

/// Statuses of a live entry.
const LIVE: [&str; 3] = ["published", "suspended", "returned"];
/// Formats that need no items.
const WITHOUT_ITEMS: [&str; 3] = ["efile", "image", "media"];

fn rank_of(share: &Value) -> usize {
    SPEC.rank("share type", share)
}

/// The stricter of an item's own share type and the entry's.
pub fn share_of<'c>(content: &'c Value, item: &'c Value) -> &'c Value {
    let entry = &content["share"]["type"];
    if rank_of(&item["share"]) > rank_of(entry) { &item["share"] } else { entry }
}

/// Of whom a content is, and of what.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The entry.
    pub id: &'a str,
    /// Its provider.
    pub provider: &'a str,
    /// Whether it is the entry's first version.
    pub first: bool,
    /// Whether ENT-22 is asked.
    pub core: bool,
}

/// Steps 1 to 9.
pub fn check(act: &mut Act, about: About, content: &Value) -> Verdict {
    form(content)?;
    meaning(content)?;
    let today = today(act.block.time_ms);
    fld(content, &["published_at"])?;
    need(text(&content["published_at"]) <= today.as_str(), "ENT-21")?;
    world(act, about, content, &today)?;
    claims(act, about, content)
}

/// FLD of fields of the content.
fn fld(content: &Value, names: &[&str]) -> Verdict {
    names.iter().try_for_each(|name| bounds_of(&SPEC.objects["content"], content, name))
}

/// 1 and 2.
fn form(content: &Value) -> Verdict {
    need(content["secret"] != true, "ENT-15")?;
    let (codes, related) = (list(&content["codes"]), list(&content["related"]));
    need((1..=SPEC.bound("CODES_MAX")).contains(&(codes.len() as u64)), "FLD-02")?;
    let code = Kind::Named("resource code".to_owned());
    codes.iter().chain(related).try_for_each(|each| bounds(&code, "", each))?;
    fld(content, &["codes", "name", "alias", "keywords", "region", "summary", "related"])?;
    need(!codes.iter().any(|code| related.contains(code)), "ENT-19")?;
    fld(content, &["class_path"])?;
    classes::path_fits(content)?;
    fld(content, &["authoritative_for", "source", "registration"])?;
    let registration = &content["registration"];
    let to = registration["valid_to"].as_str();
    need(to.is_none_or(|to| text(&registration["date"]) <= to), "FLD-09")?;
    fld(content, &["extensions"])?;
    let bytes = |each: &Value| (text(&each["name"]).len() + text(&each["value"]).len()) as u64;
    let all: u64 = list(&content["extensions"]).iter().map(bytes).sum();
    need(all <= SPEC.bound("EXTENSIONS_BYTES_MAX"), "ENT-37")
}

/// 3 to 6.
fn meaning(content: &Value) -> Verdict {
    fld(content, &["formats", "items"])?;
    let items = list(&content["items"]);
    need(is_distinct(items.iter().map(|item| text(&item["item_id"]))), "ENT-16")?;
    let alone = |format: &Value| WITHOUT_ITEMS.contains(&text(&format["category"]));
    need(!items.is_empty() || list(&content["formats"]).iter().all(alone), "ENT-17")?;

    fld(content, &["share", "open"])?;
    let share = &content["share"];
    let (kind, condition, basis) = (&share["type"], &share["condition"], &share["no_share_basis"]);
    need(kind != "conditional" || !condition.is_null(), "ENT-09")?;
    need(kind != "none" || !basis.is_null(), "ENT-10")?;
    need(kind == "conditional" || condition.is_null(), "ENT-11")?;
    need(kind == "none" || basis.is_null(), "ENT-11")?;
    need(content["open"]["is_open"] != true || kind != "none", "ENT-12")?;
    let hidden = |item: &Value| item["open"] == true && share_of(content, item) == "none";
    need(!items.iter().any(hidden), "ENT-12")?;

    let level = |value: &Value| SPEC.rank("level", value);
    for item in items {
        let own = if item["level"].is_null() { 0 } else { level(&item["level"]) };
        need(own <= level(&content["level"]), "ENT-13")?;
        let info = if item["personal_info"].is_null() { content } else { item };
        let free = share_of(content, item) == "unconditional";
        need(info["personal_info"] != "sensitive" || !free, "ENT-14")?;
    }
    need(content["personal_info"] != "sensitive" || kind != "unconditional", "ENT-14")?;

    fld(content, &["responsibilities", "systems", "no_system"])?;
    let systems = list(&content["systems"]);
    need(systems.is_empty() != content["no_system"].is_null(), "ENT-18")?;
    let bound = |item: &Value| systems.iter().any(|each| each["system"] == item["system"]);
    need(items.iter().all(|item| item["system"].is_null() || bound(item)), "ENT-24")
}

/// 8.
fn world(act: &mut Act, about: About, content: &Value, today: &str) -> Verdict {
    let provider = about.provider;
    if about.core && content["level"] == "core" && content["share"]["type"] != "none" {
        act.authorities().map_err(|_| "ENT-22")?;
    }
    act.office_in_force(&content["office"], provider)?;
    act.region_in_force(&content["region"])?;
    classes::on_table(act, content)?;
    for duty in list(&content["responsibilities"]) {
        let duty = act.find(&format!("duty/{}", text(duty)), "DUT-01")?;
        need(duty["member"] == provider, "DUT-02")?;
        let to = duty["effective_to"].as_str().unwrap_or("9999-12-31");
        let within = text(&duty["effective_from"]) <= today && today <= to;
        need(duty["status"] == "active" && within, "DUT-03")?;
    }
    for binding in list(&content["systems"]) {
        let system = act.find(&format!("system/{}", text(&binding["system"])), "SYS-01")?;
        need(system["member"] == provider, "SYS-02")?;
        need(system["status"] != "stopped", "SYS-03")?;
        let table = &binding["table"];
        let declared = list(&system["tables"]).iter().any(|each| each["name"] == *table);
        need(table.is_null() || declared, "SYS-05")?;
    }
    for item in list(&content["items"]).iter().filter(|item| !item["table"].is_null()) {
        let system = act.get(&format!("system/{}", text(&item["system"])));
        need(list(&system["tables"]).iter().any(|each| each["name"] == item["table"]), "SYS-05")?;
    }
    let known = |code: &Value| act.has(&format!("code/{}", text(code)));
    need(list(&content["related"]).iter().all(known), "ENT-36")
}

fn hashed(prefix: &str, text: &str) -> String {
    format!("{prefix}/{}", Digest::sha256(text.as_bytes()).to_hex())
}

fn name_key(provider: &str, content: &Value) -> String {
    hashed(&format!("entry-name/{provider}"), text(&content["name"]))
}

fn source_key(source: &Value) -> String {
    hashed("source", &format!("{}\n{}", text(&source["system"]), text(&source["identifier"])))
}

/// 9.
fn claims(act: &Act, About { id, provider, first, .. }: About, content: &Value) -> Verdict {
    for code in list(&content["codes"]) {
        let owner = act.get(&format!("code/{}", text(code)));
        need(owner.is_null() || (owner == id && !first), "ENT-06")?;
    }
    let other_live = |key: &str| {
        let other = text(act.store.get(key));
        let entry = act.get(&format!("entry/{other}"));
        (other != id && LIVE.contains(&text(&entry["status"]))).then_some(entry)
    };
    let named = other_live(&name_key(provider, content));
    need(named.is_none_or(|other| other["content"]["name"] != content["name"]), "ENT-07")?;
    for item in list(&content["authoritative_for"]) {
        let source = other_live(&hashed("authoritative", text(item)));
        let claims = |other: Value| list(&other["content"]["authoritative_for"]).contains(item);
        need(!source.is_some_and(claims), "ENT-25")?;
    }
    let source = &content["source"];
    let imported = act.get(&source_key(source));
    need(source.is_null() || imported.is_null() || imported == id, "ENT-20")
}

/// Writes what the entry claims.
pub fn claim(act: &mut Act, about: About, content: &Value) -> Verdict {
    let id = about.id;
    let mut keys = vec![name_key(about.provider, content)];
    keys.extend(list(&content["codes"]).iter().map(|code| format!("code/{}", text(code))));
    let items = list(&content["authoritative_for"]).iter();
    keys.extend(items.map(|item| hashed("authoritative", text(item))));
    if !content["source"].is_null() {
        keys.push(source_key(&content["source"]));
    }
    keys.iter().try_for_each(|key| act.store.put(key, &[&json!(id)]))
}
