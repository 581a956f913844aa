//! Random commands on a small consortium: mostly what could be right, then spoilt on purpose.

pub mod cast;
mod catalog;
mod hostile;
mod people;
mod sharing;

use std::collections::BTreeSet;

use mulu_chain::signature::SigningKey;
use serde_json::{Value, json};

pub use hostile::spoil;

use crate::random::Random;
use crate::spec::SPEC;
use crate::store::{Store, Stored};
use crate::{Block, list, number, text};
use cast::{CHAIN, KEYRING, USCC};

/// Who has no key for what it does signs with another.
const ANY_ROLE: &[&str] = &["administrator", "officer", "application", "auditor", "authority"];

/// Milliseconds of a day.
pub const DAY_MS: u64 = 86_400_000;

/// A transaction before it is signed.
#[derive(Debug, Clone)]
pub struct Command {
    /// What is signed.
    pub payload: Value,
    /// Who signs.
    pub keys: BTreeSet<String>,
}

impl Command {
    /// The signing keys.
    pub fn signing_keys(&self) -> Vec<&'static SigningKey> {
        self.keys.iter().filter_map(|key| KEYRING.get(key)).collect()
    }
}

/// The keys of the members that a role and an office ask for.
#[derive(Debug, Default, Clone)]
pub struct Submission {
    member: String,
    office: Option<String>,
    on_behalf_of: Option<String>,
    keys: BTreeSet<String>,
}

/// Makes commands from a state.
#[derive(Debug)]
pub struct Generator<'a> {
    /// Where the numbers come from.
    pub random: &'a mut Random,
    /// The state before the block.
    pub store: &'a Store,
    /// The block.
    pub block: &'a Block,
}

impl Generator<'_> {
    /// A command of one to three actions.
    pub fn command(&mut self) -> Command {
        let (kind, mut by, action) = self.one();
        let mut actions = vec![action];
        while self.random.chance(1, 12) && actions.len() < 3 {
            // One more by whoever it is of; often nobody may sign both.
            let (next, also) = if self.random.chance(1, 2) {
                (self.build(&kind), kind.clone())
            } else {
                let (kind, by, action) = self.one();
                (Some((by, action)), kind)
            };
            let Some((more, action)) = next else { continue };
            if by.on_behalf_of.is_none() && more.on_behalf_of.is_none() && also != "evidence.record"
            {
                by.keys.extend(more.keys);
            }
            actions.push(action);
        }
        let valid_until = self.block.height + self.random.between(0, 100);
        let mut payload = json!({"schema_version": 1, "chain_id": CHAIN,
            "submitter": {"member": by.member}, "valid_until": valid_until,
            "nonce": self.random.next_u64().to_string(), "actions": actions});
        if let Some(office) = by.office {
            payload["submitter"]["office"] = json!(office);
        }
        if let Some(principal) = by.on_behalf_of {
            payload["on_behalf_of"] = json!(principal);
        }
        Command { payload, keys: by.keys }
    }

    /// An action whose records are there.
    fn one(&mut self) -> (String, Submission, Value) {
        loop {
            // Names of actions, and some of them once more: a life has many receipts.
            const OFTEN: [&str; 15] = [
                "authorization.examine",
                "authorization.offer",
                "member.resume",
                "authorization.request",
                "authorization.finalize",
                "receipt.record",
                "entry.publish",
                "entry.revise",
                "authorization.request",
                "authorization.request",
                "authorization.agree",
                "authorization.finalize",
                "receipt.record",
                "receipt.record",
                "receipt.record",
            ];
            let kinds: Vec<&str> = SPEC.actions.keys().map(String::as_str).chain(OFTEN).collect();
            let kind = (*self.of(&kinds)).to_owned();
            if let Some((by, mut action)) = self.build(&kind) {
                action["type"] = json!(kind);
                return (kind, by, action);
            }
        }
    }

    fn build(&mut self, kind: &str) -> Option<(Submission, Value)> {
        let (subject, _) = kind.split_once('.')?;
        let (by, mut action) = match subject {
            "entry" | "duty" | "system" | "region" | "class" => self.catalog(kind),
            "authorization" | "receipt" | "correction" | "objection" | "operation" => {
                self.sharing(kind)
            }
            _ => self.people(kind),
        }?;
        action["type"] = json!(kind);
        Some((by, action))
    }

    // Picking.

    fn of<'l, T>(&mut self, all: &'l [T]) -> &'l T {
        &all[self.random.index(all.len())]
    }

    /// Yes, in so many of a hundred cases.
    fn often(&mut self, percent: u64) -> bool {
        self.random.chance(percent, 100)
    }

    /// A record under a prefix that fits; if none does, sometimes any.
    fn record(&mut self, prefix: &str, fits: impl Fn(&Value) -> bool) -> Option<(String, Value)> {
        let from = format!("{prefix}/");
        let under =
            self.store.before.range(from.clone()..).take_while(|(key, _)| key.starts_with(&from));
        let all: Vec<(&str, &Value)> = under
            .filter_map(|(key, stored)| match stored {
                Stored::Json(value, _) => Some((&key[from.len()..], value)),
                Stored::History(_) => None,
            })
            .collect();
        let fitting: Vec<&(&str, &Value)> = all.iter().filter(|(_, value)| fits(value)).collect();
        let any = self.random.chance(1, 40);
        let (key, value) = match fitting.len() {
            count if count > 0 && !any => *fitting[self.random.index(count)],
            _ if any || self.random.chance(1, 10) => *all.get(self.random.index(all.len()))?,
            _ => return None,
        };
        Some((key.to_owned(), value.clone()))
    }

    fn get(&self, key: &str) -> Value {
        self.store.get(key).clone()
    }

    /// A member with a role that acts.
    fn member(&mut self, role: &str) -> String {
        let fits = |member: &Value| {
            member["status"] == "active" && list(&member["roles"]).contains(&json!(role))
        };
        self.record("member", fits).map_or_else(|| USCC[0].clone(), |(uscc, _)| uscc)
    }

    fn any_member(&mut self) -> String {
        let member = self.record("member", |member| member["status"] == "active");
        member.map_or_else(|| USCC[0].clone(), |(uscc, _)| uscc)
    }

    /// An office in force of a member.
    fn office(&mut self, member: &str) -> String {
        let fits = |office: &Value| office["member"] == member && office["status"] == "active";
        self.record("office", fits).map_or_else(|| format!("{member}:data"), |(id, _)| id)
    }

    fn office_of(&mut self, member: &str) -> Value {
        json!(self.office(member))
    }

    /// A key of a member with one of the roles: free, or bound to the office.
    fn key_of(
        &mut self,
        member: &str,
        roles: &[&str],
        office: Option<&str>,
    ) -> Option<(String, Value)> {
        let height = self.block.height;
        let fits = |key: &Value| {
            key["member"] == member
                && key["status"] == "active"
                && list(&key["roles"]).iter().any(|role| roles.contains(&text(role)))
                && (key["office"].is_null() || office.is_some_and(|office| key["office"] == office))
                && key["valid_to"].as_u64().is_none_or(|to| to >= height)
                && number(&key["valid_from"]) <= height
        };
        self.record("key", fits)
    }

    /// A key of the keyring that is not registered.
    fn new_key(&mut self) -> String {
        let all: Vec<&String> = KEYRING.keys().collect();
        for _ in 0..8 {
            let key = *self.of(&all);
            if self.get(&format!("key/{key}")).is_null() {
                return key.clone();
            }
        }
        (*self.of(&all)).clone()
    }

    // Submitting.

    /// By a member's key with one of the roles, for an office if one is named; or by a delegate.
    fn own(
        &mut self,
        kind: &str,
        member: &str,
        roles: &[&str],
        office: Option<&str>,
    ) -> Submission {
        let mut by = Submission { member: member.to_owned(), ..Submission::default() };
        let time = self.block.time_ms;
        let scoped = |delegation: &Value| {
            delegation["principal"] == member
                && delegation["status"] == "active"
                && list(&delegation["scope"]).contains(&json!(kind))
                && number(&delegation["window"]["to_ms"]) >= time
        };
        if self.often(30)
            && let Some((_, delegation)) = self.record("delegation", scoped)
        {
            by.on_behalf_of = Some(member.to_owned());
            text(&delegation["delegate"]).clone_into(&mut by.member);
        }
        let signer = by.member.clone();
        let key =
            self.key_of(&signer, roles, office).or_else(|| self.key_of(&signer, ANY_ROLE, None));
        if let Some((key, record)) = key {
            let bound = record["office"].is_string();
            by.keys.insert(key);
            if bound || self.often(20) {
                by.office = office.map(str::to_owned).filter(|_| bound || self.often(90));
            }
        }
        by
    }

    /// By an authority, with as many others as the threshold asks for.
    fn authority(&mut self) -> Submission {
        let member = self.member("authority");
        let mut by = self.own("", &member, &["authority"], None);
        let threshold = number(&self.store.get("params")["authority_threshold"]);
        if threshold > 1 && self.often(95) {
            self.also(&mut by, &["authority"], |_| true);
        }
        by
    }

    /// Adds a free key with one of the roles of every member that fits.
    fn also(&mut self, by: &mut Submission, roles: &[&str], fits: impl Fn(&str) -> bool) {
        for uscc in USCC.iter().filter(|uscc| fits(uscc)) {
            if let Some((key, _)) = self.key_of(uscc, roles, None) {
                by.keys.insert(key);
            }
        }
    }

    /// By an authority and the administrators of those that vote.
    fn consortium(&mut self) -> Submission {
        let mut by = self.authority();
        let validators = list(self.store.get("validators")).to_vec();
        let mut left = if self.often(80) { usize::MAX } else { self.random.index(6) };
        for uscc in USCC.iter() {
            if validators.iter().any(|each| each["member"] == uscc.as_str()) && left > 0 {
                self.also(&mut by, &["administrator"], |each| each == uscc);
                left -= 1;
            }
        }
        by
    }

    // Words and numbers.

    fn words(&mut self) -> Value {
        const WORDS: [&str; 8] = ["登记", "核验", "履职", "许可", "a", "b\"c\\", "目录", "共享"];
        let word = *self.of(&WORDS);
        if self.often(50) { json!(word) } else { json!(format!("{word}{}", self.random.below(9))) }
    }

    fn one_of(&mut self, enumeration: &str) -> Value {
        let values = &SPEC.enumerations[enumeration];
        json!(self.of(values))
    }

    fn date(&mut self) -> String {
        let day = self.random.between(1, 28);
        let (year, month) =
            *self.of(&[(2020, 2), (2024, 12), (2025, 10), (2025, 12), (2026, 1), (2026, 3)]);
        format!("{year}-{month:02}-{day:02}")
    }

    /// A past date, mostly.
    fn past(&mut self) -> String {
        if self.often(90) { format!("2025-0{}-11", self.random.between(1, 9)) } else { self.date() }
    }

    fn digest(&mut self) -> Value {
        json!(format!("sha256:{:064}", self.random.below(3)))
    }

    /// A window around now, mostly.
    fn window(&mut self) -> Value {
        let now = self.block.time_ms;
        let from = now - self.random.below(5) * DAY_MS / 2 + self.random.below(2) * DAY_MS / 4;
        let to = from + self.random.between(1, 85) * DAY_MS;
        json!({"from_ms": from, "to_ms": to})
    }

    /// The value, in so many of a hundred cases; else `null`, which the payload may hold.
    fn maybe(&mut self, percent: u64, value: Value) -> Value {
        if self.often(percent) { value } else { Value::Null }
    }
}
