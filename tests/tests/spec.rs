//! The specification and the code say the same: rules, actions, bounds and examples of `SPEC.md`.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use mulu_chain::limits::{
    BLOCK_TRANSACTIONS_MAX, ENVELOPE_JSON_BYTES_MAX, JSON_DEPTH_MAX, JSON_STRING_BYTES_MAX,
    PAYLOAD_BYTES_MAX, SIGNATURES_MAX, STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX, VALIDATORS_MAX,
};
use mulu_contracts::authorization::Terms;
use mulu_contracts::limits;
use mulu_contracts::payload::SCHEMA_VERSION;
use mulu_contracts::rule::Rule;
use mulu_contracts::{params::Params, state, uscc};
use serde_json::Value;

const ACTIONS: [&str; 62] = [
    "member.admit",
    "office.establish",
    "key.register",
    "key.revoke",
    "duty.register",
    "system.register",
    "entry.publish",
    "entry.revise",
    "entry.withdraw",
    "authorization.request",
    "authorization.offer",
    "authorization.agree",
    "authorization.finalize",
    "authorization.reject",
    "authorization.withdraw",
    "authorization.revoke",
    "authorization.relinquish",
    "receipt.record",
    "params.change",
    "validator.admit",
    "validator.retire",
    "evidence.record",
    "member.suspend",
    "member.resume",
    "office.dissolve",
    "key.rotate",
    "delegation.grant",
    "delegation.end",
    "region.set",
    "duty.transfer",
    "duty.abolish",
    "system.revise",
    "entry.suspend",
    "entry.resume",
    "entry.retire",
    "entry.return",
    "entry.reject",
    "entry.freeze",
    "entry.lift",
    "entry.submit",
    "entry.register",
    "entry.release",
    "entry.transfer",
    "authorization.suspend",
    "authorization.resume",
    "authorization.confirm",
    "authorization.counter",
    "authorization.examine",
    "class.set",
    "authorization.dispute",
    "authorization.decide",
    "correction.open",
    "correction.answer",
    "correction.fix",
    "correction.withdraw",
    "objection.open",
    "objection.decide",
    "objection.withdraw",
    "operation.plan",
    "operation.advance",
    "member.nodes",
    "member.leave",
];

fn read(path: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn spec() -> String {
    read("../SPEC.md")
}

/// The part between two headings.
fn section<'s>(spec: &'s str, from: &str, to: &str) -> &'s str {
    let start = spec.find(from).unwrap_or_else(|| panic!("no {from}"));
    let rest = &spec[start..];
    rest.find(to).map_or(rest, |end| &rest[..end])
}

/// Whatever looks like a rule id: two or three capitals, a hyphen, two digits, standing alone.
fn rule_like(text: &str) -> BTreeSet<String> {
    let alone = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric());
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices('-') {
        let (before, after) = (&text[..at], &text[at + 1..]);
        let letters = before.chars().rev().take_while(char::is_ascii_uppercase).count();
        let digits = after.chars().take_while(char::is_ascii_digit).count();
        let start = at - letters;
        let stands = alone(text[..start].chars().next_back()) && alone(after.chars().nth(digits));
        if (2..=3).contains(&letters) && digits == 2 && stands {
            found.insert(text[start..at + 3].to_owned());
        }
    }
    found
}

/// A number as the specification writes it: 61,440.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[test]
fn every_rule_has_its_row_once() {
    let spec = spec();
    let table = section(&spec, "### 11.6", "\n## ");
    for rule in Rule::ALL {
        let row = format!("| {} | {} | {} |", rule.id(), rule.title_en(), rule.title_zh());
        assert_eq!(table.lines().filter(|line| *line == row).count(), 1, "missing or twice: {row}");
    }
    let rows = table.lines().filter(|line| !rule_like(line).is_empty() && line.starts_with('|'));
    assert_eq!(rows.count(), Rule::ALL.len(), "a row of no rule");
}

#[test]
fn every_rule_named_exists() {
    let archive = read("../chain/src/archive.rs");
    for path in ["../SPEC.md", "../ARCHITECTURE.md", "../README.md"] {
        for id in rule_like(&read(path)) {
            // The rules of an archive file are its reader's; no client meets them.
            let archive = id.starts_with("ARC-") && archive.contains(&format!("{id}:"));
            assert!(archive || Rule::from_id(&id).is_some(), "{path} names {id}");
        }
    }
    let found = rule_like("SHA-256, UTF-8, (TX-01); AB-1 ABCD-01 ENT-05..ENT-07");
    let expected = ["ENT-05", "ENT-07", "TX-01"].map(str::to_owned);
    assert_eq!(found, BTreeSet::from(expected));
}

#[test]
fn every_action_is_described() {
    let spec = spec();
    let actions = section(&spec, "### 11.3", "### 11.4");
    for action in ACTIONS {
        assert!(actions.contains(&format!("**`{action}`**")), "{action}");
    }
    let described = actions.lines().filter(|line| line.starts_with("**`")).count();
    assert_eq!(described, ACTIONS.len());
    // The list above is the code's: the error for an unknown type names every type there is.
    let error = serde_json::from_str::<mulu_contracts::action::Action>(r#"{"type":"none"}"#);
    let error = error.unwrap_err().to_string();
    let named = error.split('`').filter(|word| word.contains('.')).count();
    assert_eq!(named, ACTIONS.len(), "{error}");
    for action in ACTIONS {
        assert!(error.contains(&format!("`{action}`")), "{action}");
    }
}

/// Name and value of constants.
macro_rules! bounds {
    ($($name:ident)*) => { [$((stringify!($name), u64::try_from(limits::$name).unwrap())),*] };
}

#[test]
fn bounds_are_those_of_the_code() {
    let spec = spec();
    let bounds = bounds![
        ACTIONS_MAX NONCE_CHARS_MAX NAME_CHARS_MAX REASON_CHARS_MAX CODE_BYTES_MAX NODES_MAX
        FIRST_KEYS_MAX PEER_ID_BYTES_MAX LABEL_CHARS_MAX VALIDATOR_DELAY_HEIGHTS
        VALIDATOR_POWER_MAX SMALL_POWER_MAX EVIDENCE_HEIGHTS_MAX PARAMS_AHEAD_HEIGHTS_MAX PROTOCOL_NOTICE_HEIGHTS_MIN DEADLINE_DAYS_MAX CALENDAR_DATES_MAX REGIONS_MAX CLASSES_MAX CLASS_CODE_BYTES_MAX CLASS_LEVELS_MAX COUNTER_ROUNDS_MAX OPERATION_ENTRIES_MAX DUTY_NAME_CHARS_MAX
        DUTY_DESCRIPTION_CHARS_MAX LEGAL_BASES_MAX LEGAL_TITLE_CHARS_MAX LEGAL_REFERENCE_CHARS_MAX
        SYSTEM_NAME_CHARS_MAX TABLES_MAX TABLE_NAME_CHARS_MAX COMMENT_CHARS_MAX DUTIES_MAX CODES_MAX
        RESOURCE_CODE_BYTES_MAX ENTRY_NAME_CHARS_MAX ALIAS_CHARS_MAX KEYWORDS_MAX KEYWORD_CHARS_MAX
        SUMMARY_CHARS_MAX FORMATS_MAX FORMAT_TYPE_CHARS_MAX FORMAT_NOTE_CHARS_MAX ITEMS_MAX
        ITEM_ID_CHARS_MAX ITEM_DESCRIPTION_CHARS_MAX CONDITION_CHARS_MAX METHODS_MAX RELATED_MAX STANDARD_ITEMS_MAX
        BINDINGS_MAX ONWARD_DEPTH_MAX SOURCE_CHARS_MAX PURPOSE_CHARS_MAX LINEAGE_CHARS_MAX LINEAGE_OUTPUTS_MAX COUNTER_MAX
        EXTENSIONS_MAX EXTENSIONS_BYTES_MAX RECIPIENTS_MAX
    ];
    let constants = read("../contracts/src/limits.rs").matches("pub const ").count();
    assert_eq!(bounds.len(), constants, "a bound is missing in this test");
    for (name, value) in bounds {
        let row = format!("`{name}` {}", grouped(value));
        assert_eq!(spec.matches(&row).count(), 1, "{row}");
    }
    let number = |n: usize| grouped(u64::try_from(n).unwrap());
    for quoted in [
        format!("at most {} bytes, the JSON", number(PAYLOAD_BYTES_MAX)),
        format!("envelope at most {}.", number(ENVELOPE_JSON_BYTES_MAX)),
        format!("There are 1 to {SIGNATURES_MAX} signatures"),
        format!("1 to {} actions", limits::ACTIONS_MAX),
        format!("`schema_version` | {SCHEMA_VERSION}"),
        format!("at most {JSON_DEPTH_MAX} deep"),
        format!("string over {} bytes", number(JSON_STRING_BYTES_MAX)),
        format!("at most {} transactions", number(BLOCK_TRANSACTIONS_MAX)),
        format!("1 to {VALIDATORS_MAX}, no key twice"),
        format!(
            "at most {} bytes, a key at most {STATE_KEY_BYTES_MAX}",
            number(STATE_VALUE_BYTES_MAX)
        ),
    ] {
        assert!(spec.contains(&quoted), "{quoted}");
    }
}

#[test]
fn parameters_are_those_of_the_code() {
    let spec = spec();
    let mut params = serde_json::to_value(Params::default()).unwrap();
    params["consortium_threshold"] = Params::default().consortium_threshold.into();
    params["protocol_version"] = Params::default().protocol_version.into();
    params["counter_rounds_max"] = Params::default().counter_rounds_max.into();
    for (name, value) in params.as_object().unwrap() {
        let row = format!("| `{name}` | {} |", grouped(value.as_u64().unwrap()));
        assert!(spec.contains(&row), "{row}");
    }
}

#[test]
fn examples_of_identifiers_hold() {
    let spec = spec();
    let ids = section(&spec, "### 11.2", "### 11.3");
    assert!(uscc::has_check_symbol("11110000MB0000010W") && ids.contains("`11110000MB0000010W`"));
    assert!(ids.contains(&state::entry_id("306001/1").to_string()));
    let created = section(&spec, "## 13", "\n## ");
    let transaction = vector("transaction.json")["transaction_id"].as_str().unwrap().to_owned();
    let record = state::record_id(&transaction.parse().unwrap(), 0);
    assert!(ids.contains(&record.to_string()) && created.contains(&transaction[7..]));
    let json = ids.lines().map(str::trim).find(|line| line.starts_with(r#"{"authorization_id""#));
    let json = json.expect("an example of terms");
    let terms: Terms = serde_json::from_str(json).unwrap();
    assert_eq!(String::from_utf8(state::encode(&terms)).unwrap(), json);
    assert!(ids.contains(&terms.hash().to_string()), "{}", terms.hash());
}

fn vector(name: &str) -> Value {
    serde_json::from_str(&read(&format!("vectors/{name}"))).unwrap()
}

#[test]
fn the_worked_example_is_that_of_the_vectors() {
    let spec = spec();
    let example = section(&spec, "## 13", "\n## ").replace(['\n', ' ', '\\'], "");
    let (transaction, block) = (vector("transaction.json"), vector("block.json"));
    let quoted = [
        &transaction["payload"],
        &transaction["transaction_id"],
        &transaction["envelope_json"]["signatures"][0]["keyid"],
        &transaction["envelope_json"]["signatures"][0]["sig"],
        &transaction["envelope_json"]["signatures"][1]["keyid"],
        &transaction["envelope_json"]["signatures"][1]["sig"],
        &transaction["envelope_digest"],
        &block["log_entries"][0]["leaf_hex"],
        &block["log_entries"][0]["leaf_hash"],
        &block["log_entries"][1]["leaf_hash"],
        &block["header"]["log_root"],
        &block["header_hex"],
        &block["header_id"],
    ];
    for value in quoted {
        let text = value.as_str().unwrap().replace(' ', "");
        let bare = text.strip_prefix("sha256:").or(text.strip_prefix("ed25519:")).unwrap_or(&text);
        assert!(example.contains(bare), "{value}");
    }
}
