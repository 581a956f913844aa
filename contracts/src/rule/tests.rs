//! The table is complete: every rule has its words exactly once, and nothing else has.

use std::collections::BTreeSet;

use mulu_chain::json::JsonRule;
use mulu_chain::limits::RULE_ID_BYTES_MAX;

use super::{Rule, TABLES};

#[test]
fn every_rule_has_its_words_once() {
    let rows: Vec<_> = TABLES.iter().flat_map(|table| table.iter()).collect();
    let worded: BTreeSet<_> = rows.iter().map(|row| row.id).collect();
    let rules: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    assert_eq!(rows.len(), worded.len(), "a rule has two rows");
    assert_eq!(rules.len(), Rule::ALL.len(), "two rules have one id");
    assert_eq!(worded, rules);
    for rule in Rule::ALL {
        for words in [rule.title_en(), rule.title_zh(), rule.help_en(), rule.help_zh()] {
            assert!(!words.is_empty(), "{}", rule.id());
        }
        assert_eq!(Rule::from_id(rule.id()), Some(*rule));
        assert!(rule.id().len() <= RULE_ID_BYTES_MAX);
        assert!(rule.id().starts_with(rule.subject()));
    }
    assert_eq!(Rule::from_id("ENT-99"), None);
}

#[test]
fn strict_json_rules_are_in_the_table() {
    for rule in JsonRule::ALL {
        assert!(Rule::from_id(rule.id()).is_some(), "{}", rule.id());
    }
}
