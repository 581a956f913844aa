//! Members, offices, keys, delegations, parameters, validators and evidence.

use mulu_chain::certificate::{ProposalStatement, VoteKind, VoteStatement};
use mulu_chain::digest::Digest;
use mulu_chain::types::Height;
use serde_json::{Value, json};

use super::cast::{CHAIN, KEYRING, USCC};
use super::{DAY_MS, Generator, Submission};
use crate::{list, number, text};

const PEER: &str = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";
const SCOPE: [&str; 16] = [
    "authorization.counter",
    "duty.register",
    "system.register",
    "system.revise",
    "entry.publish",
    "entry.revise",
    "entry.withdraw",
    "entry.submit",
    "authorization.request",
    "authorization.offer",
    "authorization.agree",
    "authorization.reject",
    "authorization.withdraw",
    "authorization.relinquish",
    "receipt.record",
    "key.register",
];

impl Generator<'_> {
    pub(super) fn people(&mut self, kind: &str) -> Option<(Submission, Value)> {
        let member = self.any_member();
        let reason = self.words();
        Some(match kind {
            "member.admit" => self.admit(),
            "member.suspend" => {
                if self.often(50) {
                    return None;
                }
                let validators = list(self.store.get("validators")).to_vec();
                let votes = |uscc: &Value| validators.iter().any(|each| each["member"] == *uscc);
                let fits = |member: &Value| member["status"] == "active" && !votes(&member["uscc"]);
                let uscc = self.record("member", fits)?.0;
                (self.authority(), json!({"uscc": uscc, "reason": reason}))
            }
            "member.resume" => {
                let uscc = self.record("member", |member| member["status"] == "suspended")?.0;
                (self.authority(), json!({"uscc": uscc, "reason": reason}))
            }
            "member.nodes" => {
                let peer = format!("12D3KooW{}", "a".repeat(44));
                let by = self.own(kind, &member, &["administrator"], None);
                (by, json!({"nodes": [{"peer_id": peer, "name": reason}]}))
            }
            "member.leave" => {
                if self.often(70) {
                    return None;
                }
                (self.own(kind, &member, &["administrator"], None), json!({"reason": reason}))
            }
            "office.establish" => {
                let code = format!("o{}", self.random.below(12));
                let by = self.own(kind, &member, &["administrator"], None);
                (by, json!({"office": {"code": code, "name": reason}}))
            }
            "office.dissolve" => {
                let fits =
                    |office: &Value| office["status"] == "active" && office["code"] != "data";
                let (office, record) = self.record("office", fits)?;
                let member = text(&record["member"]).to_owned();
                let by = self.own(kind, &member, &["administrator"], None);
                let successor = self.office_of(&member);
                let successor = self.maybe(50, successor);
                (by, json!({"office": office, "successor": successor, "reason": reason}))
            }
            "key.register" => self.register(&member),
            "key.revoke" => {
                let validators = list(self.store.get("validators")).to_vec();
                let votes = |key: &Value| validators.iter().any(|v| v["public_key"] == *key);
                // Officers and applications: who loses all administrators does nothing more.
                let fits = |key: &Value| {
                    let spare = ["administrator", "authority"];
                    let role = text(&key["roles"][0]);
                    key["status"] == "active"
                        && !spare.contains(&role)
                        && !votes(&key["public_key"])
                };
                let (key, record) = self.record("key", fits)?;
                let owner = text(&record["member"]).to_owned();
                let by = if self.often(70) {
                    self.own(kind, &owner, &["administrator"], None)
                } else {
                    self.authority()
                };
                (by, json!({"public_key": key, "reason": reason}))
            }
            "key.rotate" => {
                let fits =
                    |key: &Value| key["status"] == "active" && key["roles"][0] != "validator";
                let (key, record) = self.record("key", fits)?;
                let owner = text(&record["member"]).to_owned();
                let mut by = self.own("", &owner, &["administrator"], None);
                if self.often(50) {
                    by.keys = [key.clone()].into();
                }
                let new = self.new_key();
                by.keys.insert(new.clone());
                (by, json!({"public_key": key, "new_key": new, "reason": reason}))
            }
            "delegation.grant" => {
                let (delegate, from) = (self.any_member(), self.window());
                let mut scope: Vec<&str> = SCOPE.to_vec();
                let keep = self.random.between(1, 12);
                while scope.len() as u64 > keep {
                    scope.remove(self.random.index(scope.len()));
                }
                scope.retain(|each| *each != "key.register" || member < delegate);
                let by = self.own(kind, &member, &["administrator"], None);
                (by, json!({"delegate": delegate, "scope": scope, "window": from}))
            }
            "delegation.end" => {
                let (_, record) = self.record("delegation", |each| each["status"] == "active")?;
                let ends = [record["principal"].clone(), record["delegate"].clone()];
                let who = text(self.of(&ends)).to_owned();
                let by = if self.often(75) {
                    self.own(kind, &who, &["administrator"], None)
                } else {
                    self.authority()
                };
                (by, json!({"principal": ends[0], "delegate": ends[1], "reason": reason}))
            }
            "params.change" => self.change_params(),
            "validator.admit" => {
                let (key, record) = self.record("key", |key| key["roles"][0] == "validator")?;
                let power = if self.often(15) { 1 } else { self.random.between(1, 14) };
                let validator =
                    json!({"public_key": key, "power": power, "member": record["member"]});
                (self.consortium(), json!({"validator": validator}))
            }
            "validator.retire" => {
                let validators = list(self.store.get("validators")).to_vec();
                let key = self.of(&validators)["public_key"].clone();
                (self.consortium(), json!({"public_key": key, "reason": reason}))
            }
            "evidence.record" => self.evidence(&member)?,
            _ => return None,
        })
    }

    /// A key as it is registered; whoever registers it has it sign.
    fn some_key(&mut self, by: &mut Submission, member: &str, roles: Vec<&str>) -> Value {
        let key = self.new_key();
        by.keys.insert(key.clone());
        let office = self.office_of(member);
        let office = self.maybe(25, office);
        let from = self.block.height + self.random.below(30);
        let (from, to) = (self.maybe(15, json!(from)), self.maybe(10, json!(from + 60)));
        let label = self.words();
        let label = self.maybe(20, label);
        json!({"public_key": key, "roles": roles, "office": office, "label": label,
            "valid_from": from, "valid_to": to})
    }

    fn admit(&mut self) -> (Submission, Value) {
        let mut by = self.authority();
        let uscc = self.of(&USCC[5..]).clone();
        let mut keys = Vec::new();
        if self.often(60) {
            keys.push(self.some_key(&mut by, &uscc, vec!["administrator"]));
            keys[0]["office"] = Value::Null;
            if self.often(30) {
                keys.push(self.some_key(&mut by, &uscc, vec!["officer", "application"]));
                keys[1]["office"] = Value::Null;
            }
        }
        let (region, waived) = (self.region(), self.often(5));
        let roles = *self.of(&[&["provider", "consumer"][..], &["consumer"], &["provider"]]);
        let nodes = json!([{"peer_id": PEER, "name": self.words()}]);
        let nodes = if self.often(20) { nodes } else { json!([]) };
        let member = json!({"uscc": uscc, "name": self.words(), "region": region, "roles": roles,
            "nodes": nodes, "uscc_check_waived": waived});
        (by, json!({"member": member, "keys": keys}))
    }

    fn register(&mut self, member: &str) -> (Submission, Value) {
        let other = self.often(25);
        let mut by = match other {
            true => self.authority(),
            false => self.own("key.register", member, &["administrator"], None),
        };
        let role = match other {
            true => "administrator",
            false => self.of(&[
                "officer",
                "administrator",
                "application",
                "validator",
                "auditor",
                "officer",
            ]),
        };
        let authority = list(&self.store.get(&format!("member/{member}"))["roles"])
            .contains(&json!("authority"));
        let role = if authority && self.often(20) { "authority" } else { role };
        let key = self.some_key(&mut by, member, vec![role]);
        (by, json!({"key": key, "member": if other { json!(member) } else { Value::Null }}))
    }

    fn change_params(&mut self) -> (Submission, Value) {
        let mut params = self.get("params");
        params.as_object_mut().map(|object| object.remove("pending"));
        let name = *self.of(&[
            "heartbeat_ms",
            "authority_threshold",
            "consortium_threshold",
            "clock_skew_ms",
            "entry_registration",
            "request_compliance",
            "counter_rounds_max",
            "protocol_version",
            "deadlines",
            "calendar",
            "deadlines",
        ]);
        params[name] = match name {
            "authority_threshold" => json!(self.random.between(1, 2)),
            "consortium_threshold" => json!(self.random.below(5)),
            "entry_registration" | "request_compliance" => json!(self.often(30)),
            "counter_rounds_max" => json!(self.random.below(5)),
            "protocol_version" => {
                let in_force = params[name].as_u64().unwrap_or(1);
                json!(in_force + self.random.below(3) / 2 + self.random.below(8) / 7)
            }
            "deadlines" => self.deadlines(),
            "calendar" => {
                let mut dates: Vec<String> = (0..4)
                    .map(|_| {
                        format!("2025-1{}-{}", self.random.below(3), self.random.between(10, 30))
                    })
                    .collect();
                dates.sort();
                dates.dedup();
                let (holidays, workdays) = dates.split_at(dates.len() / 2);
                json!({"holidays": holidays, "workdays": workdays})
            }
            _ => json!(self.random.between(100, 100_000)),
        };
        let by = self.consortium();
        let from = self.block.height + self.random.between(1, 15);
        (
            by,
            json!({"params": params, "prev": self.store.version("params"),
            "in_force_from": self.maybe(40, json!(from))}),
        )
    }

    fn deadlines(&mut self) -> Value {
        let mut days = json!({});
        for name in [
            "answer_unconditional",
            "answer_conditional",
            "provision",
            "dispute",
            "objection",
            "correction",
            "rebind",
        ] {
            if self.often(60) {
                days[format!("{name}_days")] = json!(self.random.below(6));
            }
        }
        days
    }

    fn evidence(&mut self, member: &str) -> Option<(Submission, Value)> {
        let (key, _) =
            self.record("key", |key| list(&key["roles"]).contains(&json!("validator")))?;
        let signing = KEYRING.get(&key)?;
        let height = self.block.height - self.random.below(4).min(self.block.height);
        let round = u32::try_from(self.random.below(3)).unwrap_or(0);
        let step = self.one_of("evidence step");
        let signed = |block: Option<Digest>| {
            let (chain_id, height) = (CHAIN.parse().ok()?, Height(height));
            if step == "proposal" {
                let valid_round = None;
                let block = block.unwrap_or(Digest::sha256(b"nil"));
                return Some(
                    ProposalStatement { chain_id, height, round, block, valid_round }
                        .signed_bytes(),
                );
            }
            let kind = if step == "prevote" { VoteKind::Prevote } else { VoteKind::Precommit };
            Some(VoteStatement { chain_id, height, round, kind, block }.signed_bytes())
        };
        let blocks = [Some(Digest::sha256(&[1])), Some(Digest::sha256(&[2])), None];
        let (first, second) = (*self.of(&blocks), *self.of(&blocks));
        let mut both: Vec<(Vec<u8>, Option<Digest>)> =
            vec![(signed(first)?, first), (signed(second)?, second)];
        if self.often(95) {
            both.sort();
        }
        let statement = |(bytes, block): &(Vec<u8>, Option<Digest>)| {
            let nil = step == "proposal" && block.is_none();
            let block = if nil { Some(Digest::sha256(b"nil")) } else { *block };
            json!({"block": block, "signature": signing.sign(bytes)})
        };
        let evidence = json!({"validator": key, "height": height, "round": round, "step": step,
            "first": statement(&both[0]), "second": statement(&both[1])});
        let by = self.own("", member, &["administrator", "validator"], None);
        Some((by, json!({"evidence": evidence})))
    }

    /// A division code, mostly one in force.
    pub(super) fn region(&mut self) -> Value {
        let today = crate::shape::today(self.block.time_ms);
        let fits = |region: &Value| {
            text(&region["from"]) <= today.as_str()
                && region["to"].as_str().is_none_or(|to| today.as_str() <= to)
        };
        if self.store.get("regions").is_null() || self.often(3) {
            return json!(format!("1101{:02}", self.random.below(6)));
        }
        self.record("region", fits).map_or_else(|| json!("110100"), |(code, _)| json!(code))
    }

    /// A time within a window and not in the future.
    pub(super) fn moment(&mut self, window: &Value) -> u64 {
        let from = number(&window["from_ms"]);
        let to = number(&window["to_ms"]).min(self.block.time_ms);
        if self.often(95) { self.random.between(from, to.max(from)) } else { to + DAY_MS }
    }
}
