//! The development consortium: valid, complete, plausible.

mod common;

use std::collections::BTreeSet;

use mulu_contracts::uscc;
use mulu_genesis::devnet::{DATA_BUREAU, DEPARTMENTS};

#[test]
fn the_founding_document_is_accepted() {
    let founding = match mulu_genesis::parse(&common::devnet_text(), "genesis.toml") {
        Ok(founding) => founding,
        Err(invalid) => panic!("{invalid}"),
    };
    let summary = founding.summary();
    assert_eq!((summary.members, summary.validators, summary.keys), (4, 4, 4 * 4 + 2));
    assert_eq!((summary.offices, summary.duties, summary.systems), (14, 14, 10));
    assert_eq!(
        summary.to_string(),
        "4 members (成员), 14 offices (处室), 18 keys (密钥), \
         4 validators (验证节点), 14 duties (职责), 10 systems (信息系统)"
    );
    assert_eq!(founding.block().validators.total_power(), 4);
}

/// Check character of an organisation code (GB 11714).
fn organisation_check(code: &str) -> char {
    let weights = [3, 7, 9, 10, 5, 8, 4, 2];
    let values = code.chars().map(|c| c.to_digit(36).expect("a digit or letter"));
    let sum: u32 = values.zip(weights).map(|(value, weight)| value * weight).sum();
    match 11 - sum % 11 {
        10 => 'X',
        11 => '0',
        digit => char::from_digit(digit, 10).expect("one digit"),
    }
}

#[test]
fn credit_codes_have_right_check_symbols() {
    for department in DEPARTMENTS {
        let code = department.uscc;
        assert!(uscc::has_check_symbol(code), "{code}");
        assert!(code.starts_with("11110000"), "an organ of government in Beijing: {code}");
        assert_eq!(code.chars().nth(16), Some(organisation_check(&code[8..16])), "{code}");
    }
}

#[test]
fn departments_are_complete() {
    let distinct = |names: Vec<&str>| names.iter().collect::<BTreeSet<_>>().len() == names.len();
    assert!(distinct(DEPARTMENTS.iter().map(|d| d.slug).collect()));
    assert!(distinct(DEPARTMENTS.iter().map(|d| d.uscc).collect()));
    for department in DEPARTMENTS {
        assert!((3..=4).contains(&department.offices.len()));
        assert!((3..=5).contains(&department.duties.len()));
        assert!((2..=3).contains(&department.systems.len()));
        assert!(department.duties.iter().all(|duty| !duty.legal_basis.is_empty()));
        assert!(department.systems.iter().all(|s| (2..=4).contains(&s.tables.len())));
        // Every duty has data somewhere, every office has a duty or audits.
        let served: BTreeSet<&str> =
            department.systems.iter().flat_map(|s| s.duties).copied().collect();
        assert!(department.duties.iter().all(|duty| served.contains(duty.code)));
        assert_eq!(department.first_office(), &department.offices[0]);
    }
    assert!(DATA_BUREAU.roles.contains(&"authority"));
    assert_eq!(DEPARTMENTS.iter().filter(|d| d.roles.contains(&"authority")).count(), 1);
}
