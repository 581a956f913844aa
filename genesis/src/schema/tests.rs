//! The document's fields are those of the contracts' records, no more and no fewer.

use std::collections::BTreeSet;

use mulu_contracts::calendar::{Calendar, Deadlines};
use mulu_contracts::duty::NewDuty;
use mulu_contracts::key::NewKey;
use mulu_contracts::member::NewMember;
use mulu_contracts::office::NewOffice;
use mulu_contracts::params::Params;
use mulu_contracts::system::NewSystem;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

/// Compares fields, given a record's JSON with every field present. That nothing is missing from
/// that JSON is seen by refusing an unknown field: serde lists those it knows.
fn check<T: Serialize + DeserializeOwned>(fields: &[Field], whole: Value) {
    let record: T = serde_json::from_value(whole.clone()).expect("the record is whole");
    let written = serde_json::to_value(&record).expect("records are JSON");
    assert_eq!(written, whole, "every field is written back");
    let names: BTreeSet<&str> = fields.iter().map(|field| field.name).collect();
    let expected: BTreeSet<&str> =
        whole.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(names, expected);
    let Err(error) = serde_json::from_value::<T>(json!({ "no such field": 1 })) else {
        panic!("unknown fields are refused");
    };
    let known: BTreeSet<String> =
        error.to_string().split('`').skip(3).step_by(2).map(str::to_owned).collect();
    assert_eq!(known, names.iter().map(|name| (*name).to_owned()).collect(), "{error}");
}

/// The fields without `member`, which a transaction takes from its submitter.
fn owned(fields: &[Field]) -> Vec<Field> {
    assert_eq!(fields[0].name, "member");
    fields[1..].to_vec()
}

#[test]
fn the_fields_are_those_of_the_contracts() {
    let key = mulu_chain::signature::SigningKey::from_seed(&[1; 32]).public_key();
    let digest = mulu_chain::digest::Digest::ZERO;
    check::<NewMember>(
        MEMBER,
        json!({ "uscc": "u", "name": "n", "name_en": "e", "region": "r", "roles": ["provider"],
                "nodes": [{ "peer_id": "p", "name": "n" }], "uscc_check_waived": true }),
    );
    check::<mulu_contracts::member::Node>(NODE, json!({ "peer_id": "p", "name": "n" }));
    check::<NewOffice>(&owned(OFFICE), json!({ "code": "c", "name": "n", "name_en": "e" }));
    check::<NewKey>(
        &owned(KEY),
        json!({ "public_key": key, "roles": ["officer"], "office": "o", "label": "l",
                "valid_from": 1, "valid_to": 2 }),
    );
    let basis = json!({ "kind": "law", "title": "t", "document_no": "d", "article": "a" });
    check::<NewDuty>(
        &owned(DUTY),
        json!({ "code": "c", "name": "n", "description": "d", "legal_basis": [basis], "office": "o",
                "category": "other", "effective_from": "f", "effective_to": "t" }),
    );
    check::<mulu_contracts::duty::LegalBasis>(LEGAL_BASIS, basis);
    let review = json!({ "result": "r", "date": "d" });
    let profile = json!({ "operator": "o", "filing_no": "f", "crypto_review": review, "host": "h",
                          "database": "d", "first_online": "f", "previous": "p" });
    check::<mulu_contracts::system::Profile>(PROFILE, profile.clone());
    check::<mulu_contracts::system::CryptoReview>(CRYPTO_REVIEW, review);
    let table = json!({ "name": "n", "comment": "c", "columns_hash": digest,
                        "rows_claimed": 1 });
    check::<NewSystem>(
        &owned(SYSTEM),
        json!({ "code": "c", "name": "n", "office": "o", "status": "running", "tables": [table],
                "protection_level": 1, "duties": ["d"], "profile": profile }),
    );
    check::<mulu_contracts::system::Table>(TABLE, table);
    check::<mulu_chain::validator::Validator>(
        VALIDATOR,
        json!({ "member": "m", "public_key": key, "power": 1 }),
    );
    let names = |fields: &[Field]| fields.iter().map(|field| field.name).collect::<BTreeSet<_>>();
    let deadlines = Deadlines::default().named().map(|(name, _)| name);
    assert_eq!(names(DEADLINES), BTreeSet::from(deadlines));
    let day = || vec!["2026-10-01".to_owned()];
    let params = Params {
        consortium_threshold: 1,
        entry_registration: true,
        request_compliance: true,
        counter_rounds_max: 7,
        deadlines: Deadlines { dispute_days: 15, ..Deadlines::default() },
        calendar: Calendar { holidays: day(), workdays: day() },
        ..Params::default()
    };
    let params = serde_json::to_value(params).expect("parameters are JSON");
    let keys = |value: &serde_json::Value| {
        let object = value.as_object().expect("an object");
        object.keys().cloned().collect::<BTreeSet<String>>()
    };
    let owned = |names: BTreeSet<&str>| names.into_iter().map(str::to_owned).collect();
    assert_eq!(keys(&params), owned(names(PARAMS)));
    assert_eq!(keys(&params["calendar"]), owned(names(CALENDAR)));
}
