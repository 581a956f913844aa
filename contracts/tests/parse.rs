//! Bytes of any kind: parsing never panics, and what parses says the same again.
#![allow(clippy::unwrap_used)]

mod world;

use proptest::prelude::*;
use serde_json::{Value, json};
use world::{PROVIDER, PROVIDER_OFFICER, World, content, parse, publish};

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~\u{4e00}-\u{4e20}\u{202e}]{0,12}".prop_map(Value::from),
        Just(json!("entry.publish")),
        Just(json!("receipt.record")),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let key = prop_oneof![
            Just("type".to_owned()),
            Just("entry".to_owned()),
            Just("key".to_owned()),
            "[a-z_]{1,8}",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn payload() -> Vec<u8> {
    let payload = World::new().payload(PROVIDER, None, vec![publish(content())]);
    serde_json::to_vec(&payload).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let _ = parse(&bytes, &[PROVIDER_OFFICER]);
    }

    #[test]
    fn damaged_payloads_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = payload();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = parse(&bytes, &[PROVIDER_OFFICER]);
    }

    #[test]
    fn json_actions_never_panic(actions in prop::collection::vec(json_value(), 0..4)) {
        let payload = World::new().payload(PROVIDER, None, actions);
        let _ = parse(&serde_json::to_vec(&payload).unwrap(), &[PROVIDER_OFFICER]);
    }

    /// An entry with one field replaced by anything is refused by a rule or taken; never a panic,
    /// never a failure of the world.
    #[test]
    fn odd_entries_are_judged(value in json_value(), field in any::<prop::sample::Index>()) {
        let mut entry = content();
        let names: Vec<String> = entry.as_object().unwrap().keys().cloned().collect();
        entry[&names[field.index(names.len())]] = value;
        let mut world = World::new();
        let payload = world.payload(PROVIDER, None, vec![publish(entry)]);
        let parsed = parse(&serde_json::to_vec(&payload).unwrap(), &[PROVIDER_OFFICER]);
        if let Ok(transaction) = parsed {
            world.run(&[transaction]);
        }
    }
}

#[test]
fn a_payload_written_again_parses_to_the_same() {
    let first = parse(&payload(), &[PROVIDER_OFFICER]).unwrap();
    let bytes = serde_json::to_vec(first.payload()).unwrap();
    let second = parse(&bytes, &[PROVIDER_OFFICER]).unwrap();
    assert_eq!(first.payload(), second.payload());
    assert_eq!(first.payload().actions[0].name(), "entry.publish");
}
