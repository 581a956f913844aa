//! An audit bundle: opened, then verified against the genesis the auditor trusts.

use std::sync::LazyLock;

use mulu_chain::bundle::{Bundle, Check, verify};

use super::Outcome;
use super::sample;
use crate::fuzz::target::Seeds;

static GENUINE: LazyLock<Vec<u8>> = LazyLock::new(sample::bundle);

/// Whatever opens is canonical, and nothing but the genuine evidence verifies.
pub fn run(data: &[u8]) -> Outcome {
    let bundle = match Bundle::from_bytes(data) {
        Ok(bundle) => bundle,
        Err(invalid) => return Outcome::refused(&invalid),
    };
    assert!(bundle.to_bytes() == data, "another encoding of the bundle was taken");
    let checks = verify(&bundle, &sample::trusted_genesis());
    match checks.iter().find(|check| !check.passed()) {
        Some(Check { name, failure, .. }) => {
            Outcome::refused(&format!("{name} {}", failure.as_deref().unwrap_or_default()))
        }
        None => {
            let tip = |b: &Bundle| b.tip().cloned();
            let genuine = Bundle::from_bytes(&GENUINE).expect("the vector opens");
            assert!(tip(&bundle) == tip(&genuine), "a forged tip verifies");
            Outcome::accepted("verified")
        }
    }
}

/// The vectors' bundle.
pub fn seeds() -> Seeds {
    vec![("entry", GENUINE.clone())]
}
