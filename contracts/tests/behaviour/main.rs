//! What an accepted or refused action leaves behind, who may sign it, and where its bounds lie: the
//! same questions asked of every action.
#![allow(clippy::unwrap_used)]

mod bounds;
mod cases;
mod cases_sharing;
mod consortium;
mod deadlines;
mod edges;
mod entries;
mod histories;
mod largest;
mod onward;
mod rebind;
mod recipients;
mod records;
mod relations;
mod signing;
mod statuses;
mod words;
#[path = "../world/mod.rs"]
mod world;

use mulu_contracts::execution::execute_block;
use mulu_contracts::rule::Rule;
use mulu_contracts::transaction::Transaction;
use serde_json::Value;
use world::{World, key_text, sign};

/// An action that is accepted, and what is said of it.
#[derive(Clone)]
struct Case {
    world: World,
    member: &'static str,
    office: Option<String>,
    /// All that sign; the first is the submitter's own.
    keys: Vec<u8>,
    action: Value,
    /// Roles of the submitter's own key with which the action is accepted.
    roles: &'static [&'static str],
    /// The rule that names any other role.
    otherwise: Rule,
    /// Whether the own key may be bound to an office that the record is not of.
    any_office: bool,
    /// Subjects whose histories get the event; what the action creates is `…/NEW`.
    touched: Vec<String>,
}

const OFFICER: &[&str] = &["officer"];
const EITHER: &[&str] = &["officer", "application"];
const ADMINISTRATOR: &[&str] = &["administrator"];
const ANY: &[&str] = &["administrator", "officer", "application", "auditor"];
const AUTHORITY_ROLE: &[&str] = &["authority"];

impl Case {
    fn new(world: &World, member: &'static str, keys: &[u8], action: Value) -> Case {
        Case {
            world: world.clone(),
            member,
            office: None,
            keys: keys.to_vec(),
            action,
            roles: OFFICER,
            otherwise: Rule::KeyRole,
            any_office: false,
            touched: Vec::new(),
        }
    }

    fn roles(self, roles: &'static [&'static str]) -> Case {
        Case { roles, ..self }
    }

    fn otherwise(self, otherwise: Rule) -> Case {
        Case { otherwise, ..self }
    }

    fn any_office(self) -> Case {
        Case { any_office: true, ..self }
    }

    fn office(self, office: String) -> Case {
        Case { office: Some(office), ..self }
    }

    fn touches(self, subjects: &[&str]) -> Case {
        let mut touched: Vec<String> = subjects.iter().map(|s| (*s).to_owned()).collect();
        touched.sort();
        Case { touched, ..self }
    }

    /// The action's type.
    fn name(&self) -> &str {
        self.action["type"].as_str().unwrap()
    }

    fn transaction(&mut self) -> Transaction {
        let payload =
            self.world.payload(self.member, self.office.clone(), vec![self.action.clone()]);
        sign(&payload, &self.keys)
    }

    /// The id of the rule that the action breaks in this world.
    fn verdict(&mut self) -> Result<(), &'static str> {
        let transaction = self.transaction();
        self.world.verdict(&transaction).map_err(|rejection| rejection.rule.id())
    }

    /// Executes the action; the world after it, and the subjects of its events, sorted.
    fn run(mut self) -> (World, Vec<String>) {
        let transaction = self.transaction();
        let context = self.world.context();
        let execution =
            execute_block(&context, std::slice::from_ref(&transaction), &self.world).unwrap();
        let id = mulu_contracts::state::record_id(&transaction.id(), 0).to_string();
        let mut subjects: Vec<String> =
            execution.events.iter().map(|event| event.subject.replace(&id, "NEW")).collect();
        subjects.sort();
        self.world.accept(transaction);
        (self.world, subjects)
    }
}

/// The state key of a key.
fn key_at(seed: u8) -> String {
    format!("key/{}", key_text(seed))
}
