//! One action being judged: what it says, who signed, and the questions that many actions ask.

use std::collections::BTreeSet;

use mulu_chain::codec;
use mulu_chain::digest::{Digest, Domain};
use serde_json::{Value, json};

use crate::shape;
use crate::spec::{Field, Kind, SPEC};
use crate::store::Store;
use crate::{Block, Verdict, list, need, number, text};

/// A key that signed, as registered before the transaction.
#[derive(Debug)]
pub struct Signer {
    /// The key.
    pub key: String,
    /// Its record; `null` if it is not registered.
    pub record: Value,
}

impl Signer {
    /// Whether it has one of the roles.
    pub fn has(&self, roles: &[&str]) -> bool {
        let list = self.record["roles"].as_array().map_or(&[][..], Vec::as_slice);
        list.iter().any(|role| roles.contains(&text(role)))
    }

    fn is_of(&self, member: &str) -> bool {
        self.record["member"] == member
    }

    /// Free, or bound to that office.
    fn may_act_for(&self, office: &str) -> bool {
        self.record["office"].is_null() || self.record["office"] == office
    }
}

/// A transaction, as far as its actions look at it.
#[derive(Debug)]
pub struct Transaction {
    /// Its id.
    pub id: Digest,
    /// `submitter.member`: whose keys are needed.
    pub submitter: String,
    /// *The submitter's member*: whom the action is of; another one under a delegation.
    pub me: String,
    /// `submitter.office`, or `null`.
    pub office: Value,
    /// Who signed, in key order.
    pub signers: Vec<Signer>,
}

/// An action.
#[derive(Debug)]
pub struct Act<'a> {
    /// The block.
    pub block: &'a Block,
    /// The transaction.
    pub transaction: &'a Transaction,
    /// The state.
    pub store: &'a mut Store,
    /// Its position.
    pub index: u32,
    /// Its fields, defaults filled in.
    pub said: Value,
    /// Their shapes.
    pub fields: &'a [Field],
    /// The keys it called for (KEY-06).
    pub called: &'a mut BTreeSet<String>,
    /// The subjects it touches.
    pub events: BTreeSet<String>,
}

impl Act<'_> {
    /// A text field of the action.
    pub fn text(&self, field: &str) -> String {
        text(&self.said[field]).to_owned()
    }

    /// The submitter's member.
    pub fn me(&self) -> String {
        self.transaction.me.clone()
    }

    /// The record under a key.
    pub fn get(&self, key: &str) -> Value {
        self.store.get(key).clone()
    }

    /// Whether a key has a value.
    pub fn has(&self, key: &str) -> bool {
        !self.store.get(key).is_null()
    }

    /// The record under a key, or the rule that is broken without one.
    pub fn find(&self, key: &str, rule: &'static str) -> Verdict<Value> {
        need(self.has(key), rule).map(|()| self.get(key))
    }

    /// A parameter in force.
    pub fn param(&self, name: &str) -> u64 {
        number(&self.store.params(self.block.height)[name])
    }

    /// The working days of a deadline, 0 if there is none.
    pub fn days(&self, name: &str) -> u64 {
        number(&self.store.params(self.block.height)["deadlines"][name])
    }

    /// Block time, if there is such a deadline; else `null`.
    pub fn since(&self, deadline: &str) -> Value {
        if self.days(deadline) == 0 { Value::Null } else { json!(self.block.time_ms) }
    }

    /// ENT-29.
    pub fn may_publish_unregistered(&self) -> Verdict {
        need(self.store.params(self.block.height)["entry_registration"] != true, "ENT-29")
    }

    /// The height of the block.
    pub fn height(&self) -> Value {
        json!(self.block.height)
    }

    /// The id of the record this action creates, which must not be there yet (TX-14).
    pub fn new_id(&self) -> String {
        let mut bytes = codec::encode(&self.transaction.id);
        bytes.extend_from_slice(&self.index.to_le_bytes());
        Digest::of(Domain::RecordId, &bytes).to_string()
    }

    /// Adds subjects to the events.
    pub fn touch<S: Into<String>>(&mut self, subjects: impl IntoIterator<Item = S>) {
        self.events.extend(subjects.into_iter().map(Into::into));
    }

    /// FLD: the bounds of fields of the action, in the order given.
    pub fn bounds(&self, fields: &[&str]) -> Verdict {
        fields.iter().try_for_each(|name| bounds_of(self.fields, &self.said, name))
    }

    /// FLD-02 of a list whose elements are checked later.
    pub fn bounds_count(&self, name: &str) -> Verdict {
        let field = self.fields.iter().find(|field| field.name == name).expect("a field");
        let Kind::List { bounds: Some((least, most)), .. } = field.kind else { return Ok(()) };
        need((least..=most).contains(&(list(&self.said[name]).len() as u64)), "FLD-02")
    }

    /// FLD of a new key's label.
    pub fn label(&self, key: &Value) -> Verdict {
        bounds_of(&SPEC.objects["new key"], key, "label")
    }

    /// FLD of fields of an object of the action.
    pub fn bounds_in(&self, object: &str, names: &[&str]) -> Verdict {
        let field = self.fields.iter().find(|field| field.name == object).expect("a field");
        let fields = SPEC.object(&field.kind, object).expect("an object");
        names.iter().try_for_each(|name| bounds_of(fields, &self.said[object], name))
    }

    // Members and offices.

    /// MEM-01, MEM-02.
    pub fn active_member(&self, uscc: &str) -> Verdict {
        let member = self.find(&format!("member/{uscc}"), "MEM-01")?;
        need(member["status"] == "active", "MEM-02")
    }

    /// Whether a member has a role.
    pub fn is(&self, uscc: &str, role: &str) -> bool {
        let roles = &self.store.get(&format!("member/{uscc}"))["roles"];
        roles.as_array().is_some_and(|roles| roles.contains(&json!(role)))
    }

    /// OFF-01 to OFF-03: the office is in force, and the member's.
    pub fn office_in_force(&self, id: &Value, member: &str) -> Verdict {
        office_in_force(self.store.get(&format!("office/{}", text(id))), member)
    }

    /// FLD-08: the region is in force today, once an authority has set any.
    pub fn region_in_force(&self, code: &Value) -> Verdict {
        let today = shape::today(self.block.time_ms);
        let region = self.store.get(&format!("region/{}", text(code)));
        let to = region["to"].as_str().unwrap_or("9999-12-31");
        let holds = !region.is_null() && text(&region["from"]) <= today.as_str() && *today <= *to;
        need(!self.has("regions") || holds, "FLD-08")
    }

    // Signers.

    /// The signers of a member with one of the roles.
    pub fn signers_of(&self, member: &str, roles: &[&str]) -> Vec<&Signer> {
        let all = self.transaction.signers.iter();
        all.filter(|signer| signer.is_of(member) && signer.has(roles)).collect()
    }

    /// Whether a key of the submitter with that role signed.
    pub fn own_signed(&self, role: &str) -> bool {
        !self.signers_of(&self.transaction.submitter, &[role]).is_empty()
    }

    /// *own R for O*.
    pub fn own(&self, roles: &[&str], office: &Value) -> Verdict {
        let own = self.signers_of(&self.transaction.submitter, roles);
        need(!own.is_empty(), "KEY-04")?;
        let here = &self.transaction.office;
        let may = |signer: &&Signer| {
            let bound = &signer.record["office"];
            bound.is_null() || (bound == here && (office.is_null() || bound == office))
        };
        need(own.iter().any(may), "KEY-05")
    }

    /// *authority*.
    pub fn authority(&mut self) -> Verdict {
        self.own(&["authority"], &Value::Null)?;
        self.authorities().map(|_| ())
    }

    /// Authority keys of enough members (KEY-07), whoever submits; how many members.
    pub fn authorities(&mut self) -> Verdict<usize> {
        let members = self.call(|signer| signer.has(&["authority"])).len();
        need(members as u64 >= self.param("authority_threshold"), "KEY-07")?;
        Ok(members)
    }

    /// *consortium*: how many members signed as authority, and how many for the consortium.
    pub fn consortium(&mut self) -> Verdict<(usize, usize)> {
        let authorities = self.authorities()?;
        let free = |signer: &Signer| {
            signer.has(&["administrator", "authority"]) && signer.record["office"].is_null()
        };
        let members = self.call(free);
        let threshold = self.param("consortium_threshold");
        let validators = self.get("validators");
        let voting: BTreeSet<&str> =
            list(&validators).iter().map(|each| text(&each["member"])).collect();
        let signed = members.iter().filter(|uscc| voting.contains(uscc.as_str())).count();
        let enough = match threshold {
            0 => 3 * signed > 2 * voting.len(),
            threshold => members.len() as u64 >= threshold,
        };
        need(enough, "KEY-18").map(|()| (authorities, members.len()))
    }

    /// Marks the signers called for; their members.
    pub fn call(&mut self, which: impl Fn(&Signer) -> bool) -> BTreeSet<String> {
        let called = self.transaction.signers.iter().filter(|signer| which(signer));
        let mut members = BTreeSet::new();
        for signer in called {
            self.called.insert(signer.key.clone());
            members.insert(text(&signer.record["member"]).to_owned());
        }
        members
    }

    /// A key of a member with a role, free or bound to the office, whoever submits.
    pub fn party(
        &mut self,
        member: &str,
        role: &str,
        office: &Value,
        rule: &'static str,
    ) -> Verdict {
        let office = text(office).to_owned();
        let called = self.call(|signer| {
            signer.is_of(member) && signer.has(&[role]) && signer.may_act_for(&office)
        });
        need(!called.is_empty(), rule)
    }
}

/// OFF-01 to OFF-03 of an office's record.
pub fn office_in_force(office: &Value, member: &str) -> Verdict {
    need(!office.is_null(), "OFF-01")?;
    need(office["member"] == member, "OFF-02")?;
    need(office["status"] == "active", "OFF-03")
}

/// FLD of one field of an object.
pub fn bounds_of(fields: &[Field], object: &Value, name: &str) -> Verdict {
    let field = fields.iter().find(|field| field.name == name).unwrap_or_else(|| panic!("{name}"));
    match &object[name] {
        Value::Null => Ok(()),
        value => shape::bounds(&field.kind, name, value),
    }
}
