use mulu_chain::signature::SigningKey;
use mulu_contracts::office::{NewOffice, OfficeEstablish};
use serde_json::json;

use super::*;

fn view() -> ChainView {
    let chain_id = "mulu-test".parse().expect("a chain id");
    ChainView { chain_id, height: 7, time_ms: 0, valid_heights_max: 100 }
}

fn office() -> Action {
    let office = NewOffice { code: "010".to_owned(), name: "数据处".to_owned(), name_en: None };
    Action::OfficeEstablish(OfficeEstablish { office })
}

fn member() -> Submitter {
    Submitter { member: "91350100M000100Y43".to_owned(), office: None }
}

#[test]
fn a_payload_is_bounded_signed_and_parses_under_the_rules() {
    let payload = payload(&view(), member(), None, vec![office()]);
    assert_eq!(payload.valid_until, 107);
    let mut draft = draft(&payload).expect("small");
    draft.sign(&SigningKey::from_seed(&[1; 32]));
    let envelope = draft.envelope().expect("signed");
    assert!(check_locally(&envelope, &view().chain_id).is_ok());
    let other = "mulu-other".parse().expect("a chain id");
    let failure = check_locally(&envelope, &other).expect_err("another chain");
    assert_eq!((failure.exit, failure.rule.as_deref()), (Exit::Rejected, Some("TX-07")));
}

#[test]
fn unknown_fields_are_refused_before_they_are_sent() {
    let mut draft = Draft::new(
        json!({ "schema_version": 1, "chain_id": "mulu-test", "submitter": { "member": "x" },
                "valid_until": 9, "actions": [{ "type": "office.establish", "ofice": {} }] })
        .to_string()
        .into_bytes(),
    )
    .expect("small");
    draft.sign(&SigningKey::from_seed(&[1; 32]));
    let envelope = draft.envelope().expect("signed");
    let failure = check_locally(&envelope, &view().chain_id).expect_err("misspelled");
    assert_eq!(failure.rule.as_deref(), Some("TX-06"));
}

#[test]
fn only_committed_is_committed() {
    assert!(is_committed(&json!({ "status": "committed" })));
    assert!(!is_committed(&json!({ "status": "queued" })));
    assert!(!is_committed(&json!({})));
}
