//! Authorizations, receipts, corrections, objections and operations.

use serde_json::{Value, json};

use super::{DAY_MS, Generator, Submission};
use crate::{list, number, text};

impl Generator<'_> {
    pub(super) fn sharing(&mut self, kind: &str) -> Option<(Submission, Value)> {
        let reason = self.words();
        Some(match kind {
            "authorization.request" => self.request()?,
            "receipt.record" => self.receipt()?,
            "correction.open" => {
                let (id, entry) = self.live_entry()?;
                let provider = entry["provider"].clone();
                let member = self.record("member", |member| member["uscc"] != provider)?.0;
                let item = entry["content"]["items"][0]["item_id"].clone();
                let item = self.maybe(50, item);
                let by = self.own(kind, &member, &["officer", "application"], None);
                (by, json!({"entry_id": id, "item": item, "finding": reason}))
            }
            "correction.answer" | "correction.fix" | "correction.withdraw" => {
                let status = if kind == "correction.fix" { "accepted" } else { "open" };
                let (id, correction) =
                    self.record("correction", |each| each["status"] == status)?;
                let entry_key = format!("entry/{}", text(&correction["entry_id"]));
                let office = text(&self.get(&entry_key)["content"]["office"]).to_owned();
                let side = if kind == "correction.withdraw" { "opened_by" } else { "provider" };
                let member = text(&correction[side]).to_owned();
                let by = self.own(kind, &member, &["officer"], Some(&office));
                let about = match kind {
                    "correction.answer" => json!({"accept": self.often(70), "answer": reason}),
                    "correction.fix" => json!({"entry_version": self.store.version(&entry_key)}),
                    _ => json!({}),
                };
                (by, with(about, "correction_id", json!(id)))
            }
            "objection.open" => {
                let prefix = *self.of(&[
                    "member",
                    "office",
                    "entry",
                    "authorization",
                    "receipt",
                    "evidence",
                    "key",
                ]);
                let (id, _) = self.record(prefix, |_| true)?;
                let member = self.any_member();
                let by = self.own(kind, &member, &["officer", "administrator"], None);
                (by, json!({"subject": format!("{prefix}/{id}"), "ground": reason}))
            }
            "objection.decide" | "objection.withdraw" => {
                let (id, objection) = self.record("objection", |each| each["status"] == "open")?;
                let member = text(&objection["opened_by"]).to_owned();
                if kind == "objection.withdraw" {
                    let by = self.own(kind, &member, &["officer", "administrator"], None);
                    return Some((by, json!({"objection_id": id})));
                }
                let uphold = self.often(50);
                (self.authority(), json!({"objection_id": id, "uphold": uphold, "reason": reason}))
            }
            "operation.plan" => {
                let member = self.any_member();
                let fits = |entry: &Value| {
                    entry["status"] == "published" && entry["content"]["level"] != "core"
                };
                let id = self.record("entry", fits)?.0;
                let by = self.own(kind, &member, &["officer"], None);
                (
                    by,
                    json!({"mode": self.one_of("operation mode"), "title": reason, "entries": [id],
                    "window": self.window(), "document": self.digest()}),
                )
            }
            "operation.advance" => self.advance()?,
            _ => self.negotiate(kind, reason)?,
        })
    }

    fn request(&mut self) -> Option<(Submission, Value)> {
        let shared = |entry: &Value| {
            entry["status"] == "published" && entry["content"]["share"]["type"] != "none"
        };
        let (id, entry) = self.record("entry", shared)?;
        let provider = entry["provider"].clone();
        let consumer = |member: &Value| {
            member["status"] == "active"
                && member["uscc"] != provider
                && list(&member["roles"]).contains(&json!("consumer"))
        };
        let member = self.record("member", consumer)?.0;
        let office = self.office(&member);
        let mut by =
            self.own("authorization.request", &member, &["officer", "application"], Some(&office));
        by.office = by.office.or(Some(office)).filter(|_| self.random.chance(49, 50));
        let content = &entry["content"];
        let free = content["share"]["type"] == "unconditional";
        let methods = list(&content["share"]["methods"]);
        let method =
            if methods.is_empty() { self.one_of("share method") } else { self.of(methods).clone() };
        let mut request = json!({"entry_id": id,
            "entry_version": self.store.version(&format!("entry/{id}")),
            "items": self.wanted(content), "purpose": self.purpose(), "scope": self.words(),
            "method": method, "window": self.window(), "limits": self.limits(),
            "onward": self.often(55), "auto_agree": free && self.often(40)});
        if self.often(25) && (request["onward"] == true || self.often(10)) {
            request["recipients"] = self.recipients();
        }
        for name in ["policy_hash", "legal_text_hash"] {
            let digest = self.digest();
            request[name] = self.maybe(20, digest);
        }
        if self.often(20) {
            request["obligations"] = json!({"delete_by_ms": self.block.time_ms,
                "report_every_ms": self.random.below(30), "mask_items": request["items"]});
        }
        let same = |old: &Value| {
            let standing = ["finalized", "suspended"].contains(&text(&old["status"]));
            standing && old["entry_id"] == id && old["consumer"] == member
        };
        if self.often(15)
            && let Some((old, _)) = self.record("authorization", same)
        {
            request["replaces"] = json!(old);
        }
        let onward = |parent: &Value| {
            parent["status"] == "finalized"
                && parent["onward"] == true
                && parent["consumer"] != member
        };
        if self.often(35)
            && let Some((parent_id, parent)) = self.record("authorization", onward)
        {
            let granted = &parent["granted"];
            for name in ["entry_id", "entry_version", "method", "purpose"] {
                request[name] = parent[name].clone();
            }
            for name in ["items", "window", "limits"] {
                request[name] = granted[name].clone();
            }
            if !parent["granted"]["limits"]["calls"].is_null() && self.often(30) {
                request["limits"]["calls"] = json!(self.random.between(1, 60));
            }
            request["obligations"] = Value::Null;
            request["recipients"] = json!([]);
            request["parent"] = json!(parent_id);
            request["onward"] = json!(self.often(5));
            request["auto_agree"] = json!(self.often(5));
        }
        Some((by, request))
    }

    fn purpose(&mut self) -> Value {
        let code = self.words();
        json!({"basis": self.words(), "scenario": self.words(), "code": self.maybe(30, code)})
    }

    /// Members to hand a grant on to.
    fn recipients(&mut self) -> Value {
        let count = self.random.between(1, 3);
        let mut named: Vec<Value> = (0..count).map(|_| json!(self.any_member())).collect();
        if !self.often(5) {
            named.sort_by_key(|uscc| text(uscc).to_owned());
            named.dedup();
        }
        if self.often(4) {
            named.push(json!("11110000MB0000999X"));
        }
        json!(named)
    }

    fn limits(&mut self) -> Value {
        let mut limits = json!({});
        for name in ["calls", "records", "bytes"] {
            if self.often(30) {
                limits[name] = json!(self.random.between(1, 60));
            }
        }
        if self.often(25) {
            let per_ms = *self.of(&[DAY_MS / 24, DAY_MS / 2, DAY_MS, 1, 0]);
            limits["rate"] = json!({"calls": self.random.between(1, 20), "per_ms": per_ms});
        }
        limits
    }

    /// Every other action on an authorization.
    fn negotiate(&mut self, kind: &str, reason: Value) -> Option<(Submission, Value)> {
        let step = kind.split_once('.')?.1;
        let from: &[&str] = match step {
            "examine" => &["requested"],
            "counter" => &["offered", "returned"],
            "offer" => &["requested", "compliant"],
            "agree" => &["requested", "compliant", "offered"],
            "finalize" => &["agreed"],
            "reject" => &["requested", "compliant", "returned", "offered", "agreed"],
            "withdraw" => &["requested", "compliant", "returned", "offered"],
            "suspend" => &["finalized"],
            "resume" => &["suspended"],
            "dispute" => &["rejected"],
            "decide" => &["disputed"],
            _ => &["finalized", "suspended"],
        };
        // What ends a grant is rarer.
        if ["revoke", "relinquish", "withdraw", "reject"].contains(&step) && self.often(60) {
            return None;
        }
        let (id, old) =
            self.record("authorization", |each| from.contains(&text(&each["status"])))?;
        let mut action = json!({"authorization_id": id});
        let side = match step {
            "agree" if old["status"] == "offered" => "consumer",
            "withdraw" | "relinquish" | "dispute" | "counter" => "consumer",
            "suspend" if self.often(50) => "consumer",
            "resume" if old["suspended_by"] == old["consumer"] => "consumer",
            "finalize" if self.often(50) => "consumer",
            _ => "provider",
        };
        let (member, office) =
            (text(&old[side]).to_owned(), text(&old[format!("{side}_office")]).to_owned());
        let authority = ["decide", "examine"].contains(&step)
            || (["revoke", "suspend", "resume"].contains(&step) && self.often(30));
        let mut by = match authority {
            true => self.authority(),
            false => self.own(kind, &member, &["officer"], Some(&office)),
        };
        match step {
            "offer" => {
                let mut granted = json!({"items": old["requested"]["items"],
                    "window": old["requested"]["window"], "limits": old["requested"]["limits"]});
                if self.often(50)
                    && let Some(items) = granted["items"].as_array_mut()
                    && items.len() > 1
                {
                    items.pop();
                }
                if self.often(40) {
                    granted["limits"]["calls"] = json!(self.random.between(1, 60));
                }
                if self.often(25) {
                    granted["obligations"] =
                        json!({"report_every_ms": 1, "mask_items": granted["items"]});
                }
                let asked = list(&old["requested"]["recipients"]).to_vec();
                granted["recipients"] = match asked.as_slice() {
                    [] if old["onward"] == true && self.often(25) => self.recipients(),
                    [one, ..] if self.often(40) => json!([one]),
                    [_, ..] if self.often(10) => self.recipients(),
                    _ => json!(asked),
                };
                let digest = self.digest();
                granted["policy_hash"] = self.maybe(30, digest);
                action["granted"] = granted;
            }
            "finalize" => {
                action["terms_hash"] = old["terms_hash"].clone();
                let other = if side == "consumer" { "provider" } else { "consumer" };
                let office = text(&old[format!("{other}_office")]).to_owned();
                if let Some((key, _)) = self.key_of(text(&old[other]), &["officer"], Some(&office))
                {
                    by.keys.insert(key);
                }
            }
            "counter" => {
                let mut requested = json!({"items": old["requested"]["items"],
                    "window": self.window(), "limits": self.limits()});
                if self.often(60) {
                    requested["window"] = old["requested"]["window"].clone();
                    requested["limits"] = old["requested"]["limits"].clone();
                }
                if self.often(40)
                    && let Some(items) = requested["items"].as_array_mut()
                    && items.len() > 1
                {
                    items.pop();
                }
                if self.often(20) {
                    requested["obligations"] =
                        json!({"report_every_ms": 1, "mask_items": requested["items"]});
                }
                if self.often(20) && (old["onward"] == true || self.often(10)) {
                    requested["recipients"] = self.recipients();
                }
                let digest = self.digest();
                requested["legal_text_hash"] = self.maybe(30, digest);
                action["requested"] = requested;
            }
            "examine" => {
                action["compliant"] = json!(self.often(60));
                action["reason"] = reason;
            }
            "agree" | "withdraw" | "relinquish" | "confirm" => {}
            "decide" => {
                action["grant"] = json!(self.often(60));
                action["reason"] = reason;
            }
            _ => action["reason"] = reason,
        }
        Some((by, action))
    }

    fn receipt(&mut self) -> Option<(Submission, Value)> {
        let handed_on = self.often(30);
        let (id, authorization) = self.record("authorization", |each| {
            ["finalized", "suspended", "revoked"].contains(&text(&each["status"]))
                && (!handed_on || each["parent"].is_string() || each["onward"] == true)
        })?;
        let mut kind = self.one_of("receipt kind");
        let side = match text(&kind) {
            "delivered" => "provider",
            "denied" => self.of(&["provider", "consumer"]),
            _ => "consumer",
        };
        let member = text(&authorization[side]).to_owned();
        let office = text(&authorization[format!("{side}_office")]).to_owned();
        let mut by =
            self.own("receipt.record", &member, &["officer", "application"], Some(&office));
        if by.office.is_none() && self.often(30) {
            by.office = Some(office);
        }
        let chain = self.get(&format!("receipt-chain/{id}/{member}"));
        let mut corrects = Value::Null;
        if self.often(12)
            && let Some((old, record)) = self.record("receipt", |each| {
                each["authorization_id"] == id
                    && each["signer"] == member
                    && each["corrected_by"].is_null()
            })
        {
            corrects = json!(old);
            kind = record["kind"].clone();
        }
        let wanted = if kind == "deleted" { "received" } else { "delivered" };
        let peer = match self
            .record("receipt", |each| each["authorization_id"] == id && each["kind"] == wanted)
        {
            Some((peer, _)) if ["received", "used", "deleted"].contains(&text(&kind)) => {
                json!(peer)
            }
            _ => Value::Null,
        };
        let window = &authorization["granted"]["window"];
        let from = self.moment(window);
        let to = self.moment(window).max(from);
        let mut items = list(&authorization["granted"]["items"]).to_vec();
        if self.often(30) {
            items.pop();
        }
        let (mut calls, digest) = (self.random.below(20), self.digest());
        if authorization["parent"].is_string() && self.often(60) {
            // As much as it may: too much, if the grant it comes from was used, too.
            calls = authorization["granted"]["limits"]["calls"].as_u64().unwrap_or(calls);
        }
        if let Some(most) = authorization["granted"]["limits"]["rate"]["calls"].as_u64()
            && self.often(70)
        {
            calls = calls.min(most + self.random.below(2));
        }
        let run = *self.of(&[
            "5b2f0d2e-0f3c-4a52-9c6b-0a1b2c3d4e5f",
            "00000000-0000-0000-0000-000000000000",
            "5B2F0D2E-0f3c-4a52-9c6b-0a1b2c3d4e5f",
        ]);
        let name = json!({"namespace": "ns", "name": self.words()});
        let outputs = if self.often(50) { json!([name.clone()]) } else { json!([]) };
        let lineage = json!({"run_id": run, "job": name, "outputs": outputs});
        let lineage = self.maybe(20, lineage);
        let hash = *self.of(&["hmac-sha256:", "hmac-sha256:", "sha256:"]);
        let hashed = self.random.below(9);
        let operator = self.maybe(15, json!(format!("{hash}{hashed:064x}")));
        let system = self.record("system", |system| system["member"] == *member);
        let system = system.map_or(Value::Null, |(id, _)| json!(id));
        let system = self.maybe(15, system);
        let counts = json!({"calls": calls, "records": self.random.below(20)});
        Some((
            by,
            json!({"authorization_id": id, "terms_hash": authorization["terms_hash"], "kind": kind,
            "items": items, "purpose": authorization["purpose"], "window": {"from_ms": from, "to_ms": to},
            "counts": counts, "digest": self.maybe(95, digest), "seq": number(&chain["seq"]) + 1,
            "prev_receipt": chain["receipt_id"], "peer_receipt": self.maybe(60, peer),
            "lines": self.maybe(20, json!(calls)), "corrects": corrects,
            "lineage": lineage, "system": system, "operator_hash": operator}),
        ))
    }

    fn advance(&mut self) -> Option<(Submission, Value)> {
        const STEPS: [&str; 6] =
            ["planned", "approved", "selected", "signed", "operating", "ended"];
        let (id, operation) = self.record("operation", |each| each["step"] != "ended")?;
        let at = STEPS.iter().position(|step| operation["step"] == *step)?;
        let step = if self.often(12) { "ended" } else { STEPS.get(at + 1)? };
        let implementer = text(&operation["implementer"]).to_owned();
        let mut by = match step {
            "approved" => self.authority(),
            "ended" if self.often(40) => self.authority(),
            _ => self.own("", &implementer, &["officer"], None),
        };
        if step == "signed"
            && let Some((key, _)) = self.key_of(text(&operation["operator"]), &["officer"], None)
        {
            by.keys.insert(key);
        }
        let operator = if step == "selected" { json!(self.any_member()) } else { Value::Null };
        Some((
            by,
            json!({"operation_id": id, "step": step, "document": self.digest(), "operator": operator}),
        ))
    }
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}
