//! Who takes part: a small consortium, and the keys that may ever sign.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use mulu_chain::signature::SigningKey;
use mulu_chain::validator::Validator;
use mulu_contracts::genesis_state::{Founding, genesis_state};
use serde_json::{Value, json};

/// The chain.
pub const CHAIN: &str = "mulu-test";
/// 2025-11-21T00:00:00Z.
pub const START_MS: u64 = 1_763_683_200_000;
/// Keys that exist; those the founding document does not register can be registered later.
const KEYS: u8 = 160;
/// Members that exist: two authorities, four departments, then such as are not admitted yet.
const MEMBERS: u64 = 12;
const FOUNDERS: usize = 6;
/// The roles of the founders.
const ROLES: [&[&str]; FOUNDERS] = [
    &["authority", "auditor"],
    &["authority", "provider", "consumer"],
    &["provider", "consumer"],
    &["provider", "consumer"],
    &["provider", "consumer"],
    &["consumer"],
];
/// What each founder's keys are for, and to which of its offices they are bound.
const DUTIES: [(&str, Option<&str>); 7] = [
    ("administrator", None),
    ("officer", None),
    ("officer", Some("data")),
    ("application", Some("use")),
    ("administrator", Some("use")),
    ("auditor", None),
    ("validator", None),
];

/// The keys, by their text.
pub static KEYRING: LazyLock<BTreeMap<String, SigningKey>> = LazyLock::new(|| {
    let key = |seed: u8| SigningKey::from_seed(&[seed; 32]);
    (1..=KEYS).map(|seed| (key(seed).public_key().to_string(), key(seed))).collect()
});

/// The members' codes, founders first.
pub static USCC: LazyLock<Vec<String>> = LazyLock::new(|| (0..MEMBERS).map(uscc).collect());

/// Block 0's state: with five validators of power 10, or with three of power 1, of which none may be
/// faulty (VAL-06).
pub static GENESIS: LazyLock<[BTreeMap<String, Vec<u8>>; 2]> = LazyLock::new(|| {
    [(5, 10), (3, 1)].map(|(validators, power)| {
        genesis_state(&founding(validators, power)).expect("the founding document is right")
    })
});

/// A code with the right check symbol.
fn uscc(number: u64) -> String {
    const SYMBOLS: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    let code = format!("11110000MB{number:07}");
    let mut weight = 1;
    let mut sum = 0;
    for symbol in code.bytes() {
        sum += SYMBOLS.iter().position(|each| *each == symbol).unwrap_or(0) * weight;
        weight = weight * 3 % 31;
    }
    format!("{code}{}", char::from(SYMBOLS[(31 - sum % 31) % 31]))
}

fn from<T: for<'de> serde::Deserialize<'de>>(value: Value) -> T {
    serde_json::from_value(value).expect("the founding document has the right shape")
}

fn founding(validators: usize, power: u64) -> Founding {
    let mut founding = Founding {
        params: from(params()),
        members: Vec::new(),
        offices: Vec::new(),
        keys: Vec::new(),
        duties: Vec::new(),
        systems: Vec::new(),
        validators: Vec::new(),
    };
    let mut seeds = 1..;
    let mut key = || SigningKey::from_seed(&[seeds.next().unwrap_or(0); 32]).public_key();
    for (uscc, roles) in USCC.iter().zip(ROLES) {
        founding
            .members
            .push(from(json!({"uscc": uscc, "name": "部门", "region": "110000", "roles": roles})));
        for code in ["data", "use"] {
            founding.offices.push((uscc.clone(), from(json!({"code": code, "name": "处"}))));
            let office = format!("{uscc}:{code}");
            let duty = json!({"code": code, "name": "登记", "office": office, "category": "license",
                "legal_basis": [{"kind": "law", "title": "登记法"}], "effective_from": "2020-01-01"});
            founding.duties.push((uscc.clone(), from(duty)));
            let system = json!({"code": code, "name": "系统", "office": office, "status": "running",
                "tables": [{"name": "t1"}, {"name": "t2"}], "duties": [office]});
            founding.systems.push((uscc.clone(), from(system)));
        }
        let authority = roles.contains(&"authority").then_some(("authority", None));
        for (role, office) in DUTIES.into_iter().chain(authority).chain(authority) {
            let public_key = key();
            let office = office.map(|code| format!("{uscc}:{code}"));
            let record = json!({"public_key": public_key, "roles": [role], "office": office});
            founding.keys.push((uscc.clone(), from(record)));
            if role == "validator" && founding.validators.len() < validators {
                let member = uscc.clone();
                founding.validators.push(Validator { public_key, power, member });
            }
        }
    }
    founding
}

/// Parameters that commands can exceed.
fn params() -> Value {
    json!({"valid_heights_max": 100, "authority_threshold": 1, "block_time_drift_ms": 5000,
        "heartbeat_ms": 60000, "grant_window_ms_max": 90 * super::DAY_MS, "clock_skew_ms": 120_000,
        "block_transactions_max": 2000, "block_bytes_max": 2_097_152})
}
