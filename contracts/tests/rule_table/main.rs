//! Every rule this crate can emit, fired once by the smallest change that breaks it.
#![allow(clippy::unwrap_used)]

mod catalog;
mod classes;
mod complaint;
mod consortium;
mod counter;
mod delegation;
mod frame;
mod grants;
mod identity;
mod operation;
mod registration;
mod runs;
mod sharing;
mod standing;
mod terms;
mod transfer;
#[path = "../world/mod.rs"]
mod world;

use std::collections::BTreeSet;

use mulu_chain::transaction::Envelope;
use mulu_contracts::genesis_state::{Founding, genesis_state};
use mulu_contracts::rule::Rule;
use mulu_contracts::transaction::Transaction;
use serde_json::Value;
use world::*;

/// Which rules fired, and the check of each row.
#[derive(Default)]
struct Table(BTreeSet<Rule>);

impl Table {
    fn fired(&mut self, expected: Rule, found: Rule, row: &str) {
        assert_eq!(found.id(), expected.id(), "{row}");
        self.0.insert(expected);
    }

    /// A payload that is no transaction.
    fn unparsed(&mut self, rule: Rule, payload: &[u8]) {
        let invalid = parse(payload, &[PROVIDER_OFFICER]).unwrap_err();
        assert!(invalid.to_string().starts_with(rule.id()));
        self.fired(rule, invalid.rule(), &String::from_utf8_lossy(payload));
    }

    fn refused(&mut self, rule: Rule, world: &mut World, transaction: &Transaction) {
        let row = String::from_utf8_lossy(transaction.envelope().payload()).into_owned();
        let found = world.refuse(transaction);
        self.fired(rule, found, &row);
    }

    /// An action of the provider's officer.
    fn provider(&mut self, rule: Rule, world: &World, action: Value) {
        let mut world = world.clone();
        let transaction = world.by_provider(action);
        self.refused(rule, &mut world, &transaction);
    }

    /// An action of the consumer's office.
    fn consumer(&mut self, rule: Rule, world: &World, action: Value) {
        let mut world = world.clone();
        let transaction = world.by_consumer(action);
        self.refused(rule, &mut world, &transaction);
    }

    fn by(&mut self, rule: Rule, world: &World, member: &str, keys: &[u8], action: Value) {
        let mut world = world.clone();
        let transaction = world.by(member, keys, action);
        self.refused(rule, &mut world, &transaction);
    }

    /// A publication with one field changed.
    fn content(&mut self, rule: Rule, path: &str, new: Value) {
        self.provider(rule, &World::new(), publish(with(content(), path, new)));
    }

    fn founding(&mut self, rule: Rule, change: impl FnOnce(&mut Founding)) {
        let mut founding = founding();
        change(&mut founding);
        let rejection = genesis_state(&founding).unwrap_err();
        self.fired(rule, rejection.rule, &rejection.to_string());
    }
}

#[test]
fn every_rule_fires() {
    let mut table = Table::default();
    frame::payloads(&mut table);
    frame::frames(&mut table);
    frame::founding_documents(&mut table);
    identity::members_and_offices(&mut table);
    identity::keys(&mut table);
    catalog::duties_and_systems(&mut table);
    catalog::entries(&mut table);
    catalog::entries_in_state(&mut table);
    sharing::requests(&mut table);
    sharing::agreements(&mut table);
    sharing::receipts(&mut table);
    grants::standing(&mut table);
    grants::disputes(&mut table);
    grants::deadlines(&mut table);
    grants::stricter(&mut table);
    grants::obligations(&mut table);
    grants::replacement(&mut table);
    grants::onward(&mut table);
    terms::recipients(&mut table);
    terms::purposes(&mut table);
    complaint::corrections(&mut table);
    complaint::objections(&mut table);
    operation::operations(&mut table);
    consortium::params(&mut table);
    consortium::validators(&mut table);
    consortium::small_sets(&mut table);
    consortium::evidence(&mut table);
    standing::duties(&mut table);
    standing::systems(&mut table);
    standing::entries(&mut table);
    standing::authoritative(&mut table);
    transfer::transfers(&mut table);
    registration::submissions(&mut table);
    registration::rivals(&mut table);
    delegation::standing(&mut table);
    delegation::delegations(&mut table);
    delegation::regions(&mut table);
    classes::tables(&mut table);
    classes::codes(&mut table);
    classes::related(&mut table);
    classes::profiles(&mut table);
    counter::compliance(&mut table);
    counter::rounds(&mut table);
    counter::rates(&mut table);
    runs::lineage(&mut table);
    runs::rates(&mut table);
    runs::stopped(&mut table);
    // These belong to the chain crate: bytes, envelopes, blocks and proofs.
    let elsewhere = |rule: &Rule| {
        let chain = ["ENC", "SIG", "BLK", "CRT", "LOG", "STA", "BND"];
        let envelope = ["TX-01", "TX-02", "TX-03", "TX-04", "TX-05"];
        chain.contains(&rule.subject()) || envelope.contains(&rule.id())
    };
    let silent: Vec<_> =
        Rule::ALL.iter().filter(|r| !elsewhere(r) && !table.0.contains(r)).collect();
    assert!(silent.is_empty(), "rules without a row: {silent:?}");
}

/// The table's envelope type is the chain's; nothing here makes envelopes of its own.
#[test]
fn an_envelope_gives_back_its_transaction() {
    let mut world = World::new();
    let transaction = world.by_provider(publish(content()));
    let envelope: &Envelope = transaction.envelope();
    assert_eq!(envelope.id(), transaction.id());
    assert_eq!(transaction.signers().count(), 1);
}
