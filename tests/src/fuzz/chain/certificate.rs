//! A commit certificate: decoded first, verified only then.

use std::sync::LazyLock;

use mulu_chain::certificate::CommitCertificate;
use mulu_chain::codec;
use mulu_chain::limits::BLOCK_BYTES_MAX;
use mulu_chain::validator::ValidatorSet;

use super::sample;
use super::{Outcome, canonical};
use crate::fuzz::target::Seeds;

static VALIDATORS: LazyLock<ValidatorSet> = LazyLock::new(sample::validators);
static GENUINE: LazyLock<CommitCertificate> = LazyLock::new(sample::certificate);

/// A certificate that verifies decides just the block that a quorum signed.
pub fn run(data: &[u8]) -> Outcome {
    let certificate = match canonical::<CommitCertificate, BLOCK_BYTES_MAX>(data) {
        Ok(certificate) => certificate,
        Err(refused) => return refused,
    };
    match certificate.verify(&sample::chain_id(), &VALIDATORS) {
        Err(invalid) => Outcome::refused(&invalid),
        Ok(()) => {
            let power = u64::try_from(certificate.signatures.len()).expect("few");
            assert!(VALIDATORS.is_quorum(power), "decided without a quorum");
            let decides = |c: &CommitCertificate| (c.height, c.round, c.block);
            assert!(decides(&certificate) == decides(&GENUINE), "a forged certificate verifies");
            Outcome::accepted("verified")
        }
    }
}

/// The vectors' certificate.
pub fn seeds() -> Seeds {
    let genuine = GENUINE.clone();
    let mut short = genuine.clone();
    short.signatures.pop();
    let mut twice = genuine.clone();
    twice.signatures.extend(genuine.signatures.first().cloned());
    let mut foreign = genuine.clone();
    for entry in &mut foreign.signatures {
        entry.validator = sample::key(1).public_key();
    }
    foreign.signatures.truncate(1);
    vec![
        ("three-of-four", codec::encode(&genuine)),
        ("two-of-four", codec::encode(&short)),
        ("one-twice", codec::encode(&twice)),
        ("unknown-validator", codec::encode(&foreign)),
    ]
}
