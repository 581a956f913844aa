//! Duties, systems, division codes and entries.

use serde_json::{Value, json};

use super::{Generator, Submission};
use crate::{list, text};

const LIVE: [&str; 3] = ["published", "suspended", "returned"];

impl Generator<'_> {
    pub(super) fn catalog(&mut self, kind: &str) -> Option<(Submission, Value)> {
        let member = self.any_member();
        let reason = self.words();
        Some(match kind {
            "duty.register" => {
                let office = self.office(&member);
                let duty = self.duty(&office);
                (self.own(kind, &member, &["administrator"], Some(&office)), json!({"duty": duty}))
            }
            "duty.transfer" | "duty.abolish" => {
                let (id, duty) = self.record("duty", |duty| duty["status"] == "active")?;
                let from = text(&duty["member"]).to_owned();
                let mut by = self.authority();
                let office = self.office(&member);
                let successor = self.duty(&office);
                let transfer = kind == "duty.transfer";
                for (uscc, office) in [(&from, text(&duty["office"])), (&member, office.as_str())] {
                    if (*uscc == from || transfer)
                        && let Some((key, _)) = self.key_of(uscc, &["administrator"], Some(office))
                    {
                        by.keys.insert(key);
                    }
                }
                match transfer {
                    true => (
                        by,
                        json!({"duty": id, "to": member, "successor": successor, "basis": reason}),
                    ),
                    false => (by, json!({"duty": id, "basis": reason})),
                }
            }
            "system.register" => {
                let office = self.office(&member);
                let mut system = self.system(&member, &office);
                system["code"] = json!(format!("s{}", self.random.below(12)));
                (
                    self.own(kind, &member, &["administrator"], Some(&office)),
                    json!({"system": system}),
                )
            }
            "system.revise" => {
                let (id, old) = self.record("system", |_| true)?;
                let member = text(&old["member"]).to_owned();
                let office = self.office(&member);
                let mut system = self.system(&member, &office);
                system["code"] = old["code"].clone();
                if self.often(80) {
                    system["office"] = old["office"].clone();
                }
                if self.often(80) {
                    system["status"] = old["status"].clone();
                }
                let prev = self.store.version(&format!("system/{id}"));
                let office = text(&system["office"]).to_owned();
                let by = self.own(kind, &member, &["administrator"], Some(&office));
                (by, json!({"prev": prev, "system": system}))
            }
            "region.set" => {
                let division = |of: &mut Self| {
                    let to = of.date();
                    json!({"code": format!("1101{:02}", of.random.below(6)), "name": of.words(),
                        "from": of.past(), "to": of.maybe(20, json!(to))})
                };
                let count = self.random.between(1, 3);
                let regions: Vec<Value> = (0..count).map(|_| division(self)).collect();
                // A list of codes makes most regions wrong: not too early.
                if self.block.height < 40 && !self.often(10) {
                    return None;
                }
                (self.authority(), json!({"regions": regions}))
            }
            "class.set" => {
                const CODES: [&str; 7] = ["3", "306", "306001", "306001A", "306002", "30", "406"];
                // A table makes most codes wrong: not too early, and not for some of the time.
                if self.block.height < 30 && !self.often(10) {
                    return None;
                }
                let whole = self.often(70);
                let count = if whole { 5 } else { self.random.between(1, 3) };
                let class = |of: &mut Self, at: u64| {
                    let code = match whole {
                        true => CODES[usize::try_from(at).unwrap_or(0)],
                        false => of.of(&CODES),
                    };
                    json!({"code": code, "name": format!("类{}", of.random.below(3))})
                };
                let classes: Vec<Value> = (0..count).map(|at| class(self, at)).collect();
                (self.authority(), json!({"classes": classes}))
            }
            "entry.publish" => {
                let member = self.member("provider");
                let content = self.content(&member);
                let office = text(&content["office"]).to_owned();
                let by = self.own(kind, &member, &["officer"], Some(&office));
                (self.core(by, &content), json!({"entry": content}))
            }
            "entry.submit" => self.submit()?,
            "entry.transfer" => self.transfer(reason)?,
            "entry.register" | "entry.release" => {
                let from = if kind == "entry.register" { "submitted" } else { "registered" };
                let (id, _) = self.record("submission", |each| each["status"] == from)?;
                let version = self.store.version(&format!("submission/{id}"));
                (self.authority(), json!({"entry_id": id, "submission": version}))
            }
            _ => self.entry_step(kind, reason)?,
        })
    }

    fn transfer(&mut self, basis: Value) -> Option<(Submission, Value)> {
        let (id, entry) = self.record("entry", |entry| {
            LIVE.contains(&text(&entry["status"])) && entry["frozen"].is_null()
        })?;
        let (from, to) = (text(&entry["provider"]).to_owned(), self.member("provider"));
        let mut content = self.content(&to);
        content["codes"][0] = entry["content"]["codes"][0].clone();
        let mut by = self.authority();
        let offices = [&entry["content"]["office"], &content["office"]];
        for (member, office) in [&from, &to].into_iter().zip(offices) {
            if let Some((key, _)) = self.key_of(member, &["officer"], Some(text(office))) {
                by.keys.insert(key);
            }
        }
        let prev = self.store.version(&format!("entry/{id}"));
        Some((
            by,
            json!({"entry_id": id, "prev": prev, "to": to, "entry": content, "basis": basis}),
        ))
    }

    /// A new entry, or the next version of one.
    fn submit(&mut self) -> Option<(Submission, Value)> {
        let mut member = self.member("provider");
        let mut prev = Value::Null;
        let mut content = self.content(&member);
        if self.often(40) {
            let (id, entry) = self.record("entry", |entry| {
                ["published", "returned"].contains(&text(&entry["status"]))
                    && entry["frozen"].is_null()
            })?;
            text(&entry["provider"]).clone_into(&mut member);
            content = self.content(&member);
            content["codes"][0] = entry["content"]["codes"][0].clone();
            content["office"] = entry["content"]["office"].clone();
            prev = json!(self.store.version(&format!("entry/{id}")));
        }
        let office = text(&content["office"]).to_owned();
        let by = self.own("entry.submit", &member, &["officer"], Some(&office));
        Some((by, json!({"entry": content, "prev": prev})))
    }

    /// With the authorities that core data asks for.
    fn core(&mut self, mut by: Submission, content: &Value) -> Submission {
        if content["level"] == "core" && self.often(90) {
            self.also(&mut by, &["authority"], |_| true);
        }
        by
    }

    fn entry_step(&mut self, kind: &str, reason: Value) -> Option<(Submission, Value)> {
        let from: &[&str] = match kind {
            "entry.revise" => &["published", "returned"],
            "entry.withdraw" | "entry.suspend" => &["published"],
            "entry.resume" => &["suspended", "withdrawn"],
            "entry.return" => &["published", "suspended"],
            _ => &["published", "suspended", "withdrawn", "returned"],
        };
        let lift = kind == "entry.lift";
        let pending = |each: &Value| ["submitted", "registered"].contains(&text(&each["status"]));
        if ["entry.return", "entry.reject"].contains(&kind)
            && self.often(30)
            && let Some((id, _)) = self.record("submission", pending)
        {
            let prev = self.store.version(&format!("submission/{id}"));
            return Some((
                self.authority(),
                json!({"entry_id": id, "prev": prev, "reason": reason}),
            ));
        }
        // What ends an entry is rare, so that most live on.
        if ["entry.retire", "entry.reject", "entry.freeze"].contains(&kind) && self.often(70) {
            return None;
        }
        let fits = |entry: &Value| {
            from.contains(&text(&entry["status"])) && entry["frozen"].is_null() != lift
        };
        let (id, entry) = self.record("entry", fits)?;
        let provider = text(&entry["provider"]).to_owned();
        let office = text(&entry["content"]["office"]).to_owned();
        let prev = self.store.version(&format!("entry/{id}"));
        let authority =
            ["entry.return", "entry.reject", "entry.freeze", "entry.lift"].contains(&kind);
        let either = ["entry.suspend", "entry.resume"].contains(&kind);
        let by = match authority || (either && self.often(40)) {
            true => self.authority(),
            false => self.own(kind, &provider, &["officer"], Some(&office)),
        };
        if kind != "entry.revise" {
            return Some((by, json!({"entry_id": id, "prev": prev, "reason": reason})));
        }
        let mut content =
            if self.often(50) { entry["content"].clone() } else { self.content(&provider) };
        content["codes"][0] = entry["content"]["codes"][0].clone();
        if self.often(85) {
            content["office"] = json!(office);
        }
        if self.often(30) {
            content["level"] = self.one_of("level");
        }
        let by = self.core(by, &content);
        Some((by, json!({"entry_id": id, "prev": prev, "entry": content})))
    }

    fn duty(&mut self, office: &str) -> Value {
        let (from, to) = (self.past(), self.date());
        json!({"code": format!("d{}", self.random.below(15)), "name": self.words(),
            "legal_basis": [{"kind": self.one_of("legal kind"), "title": self.words()}],
            "office": office, "category": self.one_of("duty category"), "effective_from": from,
            "effective_to": self.maybe(15, json!(to))})
    }

    fn system(&mut self, member: &str, office: &str) -> Value {
        let table = |of: &mut Self, name: &str| {
            let hash = of.digest();
            json!({"name": name, "columns_hash": of.maybe(50, hash)})
        };
        let tables = json!([table(self, "t1"), table(self, "t2")]);
        let duties = match self.record("duty", |duty| duty["member"] == member) {
            Some((id, _)) if self.often(50) => json!([id]),
            _ => json!([]),
        };
        let status = *self.of(&["running", "running", "running", "planned", "building", "stopped"]);
        let level = self.random.between(1, 4);
        let mut profile = Value::Null;
        if self.often(25) {
            let previous = self.record("system", |_| true).map_or(json!("x"), |(id, _)| json!(id));
            let review = json!({"result": self.words(), "date": self.past()});
            profile = json!({"operator": self.maybe(60, json!("11110000MB0000010W")),
                "filing_no": self.words(), "crypto_review": self.maybe(50, review),
                "host": "政务云", "database": self.words(), "first_online": self.past(),
                "previous": self.maybe(60, previous)});
        }
        json!({"profile": profile, "name": self.words(), "office": office, "status": status, "tables": tables,
            "protection_level": self.maybe(40, json!(level)), "duties": duties})
    }

    /// An entry's content, mostly right.
    fn content(&mut self, member: &str) -> Value {
        let today = crate::shape::today(self.block.time_ms);
        let office = self.office(member);
        let in_force = |duty: &Value| {
            duty["member"] == member
                && duty["status"] == "active"
                && text(&duty["effective_from"]) <= today.as_str()
                && duty["effective_to"].as_str().is_none_or(|to| today.as_str() <= to)
        };
        let duty = self.record("duty", in_force).map_or_else(|| office.clone(), |(id, _)| id);
        let running = |system: &Value| system["member"] == member && system["status"] != "stopped";
        let system = self.record("system", running);
        let class = *self.of(&["306001", "306001", "306001", "306001", "306001A", "306002"]);
        let mut codes = vec![format!("{class}/{}", self.random.below(1000))];
        if self.often(15) {
            codes.push(format!("306001/{}", self.random.between(1000, 1040)));
        }
        let levels = ["general-1", "general-2", "general-3", "general-4", "important", "core"];
        let level = self.random.index(6);
        let kind =
            *self.of(&["unconditional", "unconditional", "conditional", "conditional", "none"]);
        // Sometimes so many with such names that a grant of all of them is too large to keep (TX-15).
        let large = self.random.chance(1, 150);
        let count = if large { self.random.between(110, 150) } else { self.random.below(4) };
        let mut items: Vec<Value> =
            (0..count).map(|at| self.item(at, kind, &levels[..=level])).collect();
        for item in items.iter_mut().filter(|_| large) {
            item["item_id"] = json!(format!("{:_<128}", text(&item["item_id"])));
        }
        let category =
            if items.is_empty() { json!("efile") } else { self.one_of("format category") };
        let words = self.words();
        let methods = self.one_of("share method");
        let mut content = json!({
            "codes": codes, "name": format!("条目{}", self.random.below(300)), "office": office,
            "region": self.region(), "summary": self.words(), "keywords": [self.words()],
            "formats": [{"category": category, "type": "x"}], "items": items,
            "share": {"type": kind, "methods": if self.often(60) { json!([methods]) } else { json!([]) }},
            "open": {"is_open": kind != "none" && self.often(40)},
            "update_cycle": self.one_of("update cycle"), "published_at": self.past(),
            "level": levels[level], "personal_info": "none", "responsibilities": [duty],
        });
        match kind {
            "conditional" => content["share"]["condition"] = words,
            "none" => content["share"]["no_share_basis"] = words,
            _ => {}
        }
        if kind != "unconditional" {
            content["personal_info"] = self.one_of("personal info");
        }
        match system {
            Some((id, _)) if self.often(75) => {
                let table = self.of(&[json!("t1"), json!("t2"), Value::Null]).clone();
                content["systems"] = json!([{"system": id, "table": table}]);
                let within = *self.of(&["t1", "t1", "t2", "t2", "t3"]);
                let within = self.maybe(30, json!(within));
                let nameless = self.often(3);
                for item in content["items"].as_array_mut().into_iter().flatten() {
                    item["table"] = within.clone();
                    item["system"] = if nameless { Value::Null } else { json!(id) };
                }
            }
            _ => content["no_system"] = json!("手工"),
        }
        if self.often(15) {
            content["authoritative_for"] = json!([format!("DE{}", self.random.below(30))]);
        }
        if self.often(15) {
            content["source"] = json!({"system": "old", "identifier": self.random.below(60).to_string(),
                "content_hash": self.digest()});
        }
        if self.often(10) {
            let (date, to) = (self.past(), self.date());
            let kind = self.one_of("registration type");
            content["registration"] = json!({"type": kind, "code": self.words(), "date": date, "valid_to": self.maybe(50, json!(to))});
        }
        if self.often(10) {
            let there = self.record("code", |_| true).map(|(code, _)| code);
            let code = there.filter(|code| *code != codes[0] && !codes.contains(code));
            let code = code.filter(|_| self.random.chance(4, 5));
            let code = code.unwrap_or_else(|| format!("306001/{}", self.random.below(50)));
            content["related"] = json!([code]);
        }
        if self.often(12) {
            let value = "述".repeat(if self.random.chance(1, 8) { 350 } else { 40 });
            let mut extensions = Vec::new();
            for at in 1..=self.random.between(1, 5) {
                let at = at - u64::from(self.often(4));
                extensions.push(json!({"name": format!("扩展{at}"), "value": value}));
            }
            content["extensions"] = json!(extensions);
        }
        if self.often(12) {
            content["class_path"] = self.class_path(&codes[0]);
        }
        content
    }

    /// The names of the classes of a code, mostly as the table has them.
    fn class_path(&mut self, code: &str) -> Value {
        let class = code.split('/').next().unwrap_or("");
        let mut levels = vec!["3", "306", "306001"];
        if class.len() > 6 {
            levels.push(class);
        }
        let name = |of: &Self, level: &str| of.get(&format!("class/{level}"))["name"].clone();
        let mut path: Vec<Value> = levels
            .iter()
            .map(|level| match name(self, level) {
                Value::Null => json!("类"),
                name => name,
            })
            .collect();
        if self.often(10) {
            path.pop();
        }
        json!(path)
    }

    fn item(&mut self, number: u64, kind: &str, levels: &[&str]) -> Value {
        let mut item = json!({"item_id": format!("i{number}"), "name": self.words(),
            "type": self.one_of("item type")});
        if self.often(20) {
            item["level"] = json!(self.of(levels));
        }
        if self.often(20) {
            let share = self.one_of("share type");
            item["share"] = if kind == "none" { json!("none") } else { share };
        }
        if self.often(10) {
            item["open"] = json!(true);
        }
        if kind != "unconditional" && self.often(20) {
            item["personal_info"] = self.one_of("personal info");
        }
        item
    }

    /// The items of an entry that can be asked for.
    pub(super) fn wanted(&mut self, content: &Value) -> Vec<Value> {
        let items = list(&content["items"]).iter().filter(|item| item["share"] != "none");
        let mut ids: Vec<Value> = items.map(|item| item["item_id"].clone()).collect();
        while ids.len() > 1 && ids.len() < 9 && self.often(40) {
            ids.remove(self.random.index(ids.len()));
        }
        ids
    }

    pub(super) fn live_entry(&mut self) -> Option<(String, Value)> {
        self.record("entry", |entry| LIVE.contains(&text(&entry["status"])))
    }
}
