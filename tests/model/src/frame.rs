//! 11.5: the order of checks around the actions.

use std::collections::BTreeSet;

use mulu_chain::digest::Digest;
use mulu_chain::state::HistoryEvent;
use mulu_chain::types::Height;
use serde_json::{Value, json};

use crate::act::{Act, Signer, Transaction, office_in_force};
use crate::rules;
use crate::shape::read_fields;
use crate::spec::{Field, Kind, SPEC};
use crate::store::Store;
use crate::{Block, Verdict, list, need, number, text};

/// A transaction of the right form.
#[derive(Debug)]
pub struct Formed {
    id: Digest,
    payload: Value,
    actions: Vec<Value>,
    signers: Vec<String>,
}

/// An event of a transaction: subject, number in its history, action.
pub type Happened = (String, u64, u32);

/// Step 1 from `schema_version` on: form. What breaks it is in no block.
pub fn form(block: &Block, id: Digest, payload: &Value, signers: Vec<String>) -> Verdict<Formed> {
    let version = payload["schema_version"].as_u64().filter(|v| *v <= u64::from(u32::MAX));
    need(version.is_some() && payload["chain_id"].is_string(), "TX-06")?;
    need(version == Some(1), "TX-08")?;
    need(payload["chain_id"] == block.chain_id.as_str(), "TX-07")?;
    let submitter = [field("member", "text", false), field("office", "text", true)];
    let int = || Kind::Int(SPEC.bound("COUNTER_MAX"));
    let fields = [
        field("schema_version", "text", false).with(int()),
        field("chain_id", "text", false),
        field("submitter", "text", false).with(Kind::Object(submitter.to_vec())),
        field("on_behalf_of", "text", true),
        field("created_at", "text", true),
        field("valid_until", "text", false).with(int()),
        field("nonce", "text", true),
    ];
    let mut head = payload.clone();
    let object = head.as_object_mut().ok_or("TX-06")?;
    let sent = object.remove("actions").ok_or("TX-06")?;
    let payload = read_fields(&fields, &head)?;
    let sent = sent.as_array().ok_or("TX-06")?;
    let actions: Vec<Value> = sent.iter().map(action).collect::<Verdict<_>>()?;
    need((1..=SPEC.bound("ACTIONS_MAX")).contains(&(actions.len() as u64)), "TX-09")?;
    for name in ["nonce", "created_at"] {
        let length = payload[name].as_str().map_or(1, |text| text.chars().count() as u64);
        need((1..=SPEC.bound("NONCE_CHARS_MAX")).contains(&length), "TX-12")?;
    }
    Ok(Formed { id, payload, actions, signers })
}

fn field(name: &str, kind: &str, optional: bool) -> Field {
    let kind = Kind::Named(kind.to_owned());
    Field { name: name.to_owned(), optional, default: None, kind }
}

impl Field {
    fn with(self, kind: Kind) -> Field {
        Field { kind, ..self }
    }
}

/// The fields of an action, with its type.
fn action(sent: &Value) -> Verdict<Value> {
    let kind = sent["type"].as_str().ok_or("TX-06")?;
    let fields = SPEC.actions.get(kind).ok_or("TX-06")?;
    let mut rest = sent.clone();
    rest.as_object_mut().ok_or("TX-06")?.remove("type");
    let mut said = read_fields(fields, &rest)?;
    said["type"] = json!(kind);
    Ok(said)
}

/// Step 3: the rules. On acceptance the transaction's writes are in `store.block`.
pub fn judge(
    block: &Block,
    formed: &Formed,
    index: u32,
    store: &mut Store,
) -> Result<Vec<Happened>, (&'static str, u32)> {
    store.transaction.clear();
    let result = run(block, formed, index, store);
    let changes = std::mem::take(&mut store.transaction);
    if result.is_ok() {
        store.block.extend(changes);
    }
    result
}

fn run(
    block: &Block,
    formed: &Formed,
    index: u32,
    store: &mut Store,
) -> Result<Vec<Happened>, (&'static str, u32)> {
    let transaction = admit(block, formed, store).map_err(|rule| (rule, 0))?;
    let mut called = BTreeSet::new();
    let mut happened = Vec::new();
    for (number, said) in (0..).zip(&formed.actions) {
        let kind = text(&said["type"]).to_owned();
        let mut act = Act {
            block,
            transaction: &transaction,
            store,
            index: number,
            said: said.clone(),
            fields: &SPEC.actions[&kind],
            called: &mut called,
            events: BTreeSet::new(),
        };
        rules::apply(&kind, &mut act).map_err(|rule| (rule, number))?;
        let (me, delegate) = (&transaction.me, &transaction.submitter);
        if me != delegate {
            act.touch([format!("delegation/{me}/{delegate}")]);
        }
        let subjects = std::mem::take(&mut act.events);
        for subject in subjects {
            let event = HistoryEvent {
                height: Height(block.height),
                index,
                action: number,
                transaction: formed.id,
            };
            let count = store.happen(&subject, &event);
            happened.push((subject, count, number));
        }
    }
    // 7: every signer of another member was called for.
    let needed = transaction.signers.iter().all(|signer| {
        signer.record["member"] == transaction.submitter.as_str() || called.contains(&signer.key)
    });
    need(needed, "KEY-06").map_err(|rule| (rule, 0))?;
    Ok(happened)
}

/// 3.1 to 3.5: the frame.
fn admit(block: &Block, formed: &Formed, store: &Store) -> Verdict<Transaction> {
    let payload = &formed.payload;
    let until = number(&payload["valid_until"]);
    let ahead = number(&store.params(block.height)["valid_heights_max"]);
    need(until >= block.height, "TX-10")?;
    need(until <= block.height + ahead, "TX-11")?;

    let active = |uscc: &str| {
        let member = store.get(&format!("member/{uscc}"));
        need(!member.is_null(), "MEM-01")?;
        need(member["status"] == "active", "MEM-02")
    };
    let submitter = text(&payload["submitter"]["member"]).to_owned();
    active(&submitter)?;
    let mut me = submitter.clone();
    if let Some(principal) = payload["on_behalf_of"].as_str() {
        principal.clone_into(&mut me);
        active(&me)?;
        let delegation = store.get(&format!("delegation/{me}/{submitter}"));
        let window = &delegation["window"];
        let holds = number(&window["from_ms"]) <= block.time_ms
            && block.time_ms <= number(&window["to_ms"]);
        need(delegation["status"] == "active" && holds, "TX-13")?;
        let scope = list(&delegation["scope"]);
        need(formed.actions.iter().all(|action| scope.contains(&action["type"])), "DEL-02")?;
    }
    let office = payload["submitter"]["office"].clone();
    if let Some(id) = office.as_str() {
        office_in_force(store.get(&format!("office/{id}")), &me)?;
    }

    let new: BTreeSet<&str> = formed.actions.iter().flat_map(new_keys).collect();
    let mut signers = Vec::new();
    for key in &formed.signers {
        let record = store.get(&format!("key/{key}")).clone();
        if record.is_null() {
            need(new.contains(key.as_str()), "KEY-01")?;
        } else {
            let from = number(&record["valid_from"]);
            let to = record["valid_to"].as_u64().unwrap_or(u64::MAX);
            let within = from <= block.height && block.height <= to;
            need(record["status"] == "active" && within, "KEY-02")?;
            let member = store.get(&format!("member/{}", text(&record["member"])));
            need(member["status"] == "active", "MEM-02")?;
        }
        signers.push(Signer { key: key.clone(), record });
    }
    need(signers.iter().any(|signer| signer.record["member"] == submitter.as_str()), "KEY-03")?;
    let evidence = formed.actions.iter().all(|action| action["type"] == "evidence.record");
    need(evidence || !signers.iter().any(|signer| signer.has(&["validator"])), "KEY-17")?;
    Ok(Transaction { id: formed.id, submitter, me, office, signers })
}

/// The keys an action registers.
fn new_keys(action: &Value) -> Vec<&str> {
    match text(&action["type"]) {
        "member.admit" => {
            list(&action["keys"]).iter().map(|key| text(&key["public_key"])).collect()
        }
        "key.register" => vec![text(&action["key"]["public_key"])],
        "key.rotate" => vec![text(&action["new_key"])],
        _ => Vec::new(),
    }
}
