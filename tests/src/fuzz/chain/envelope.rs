//! The transaction envelope in JSON, as the API takes it.

use mulu_chain::limits::{ENVELOPE_JSON_BYTES_MAX, PAYLOAD_BYTES_MAX, SIGNATURES_MAX};
use mulu_chain::transaction::Envelope;

use super::Outcome;
use super::sample::{self, key};
use crate::fuzz::target::Seeds;

/// An envelope is within its bounds and the same after either of its encodings.
pub fn run(data: &[u8]) -> Outcome {
    let envelope = match Envelope::from_json(data) {
        Ok(envelope) => envelope,
        Err(invalid) => return Outcome::refused(&invalid),
    };
    assert!(data.len() <= ENVELOPE_JSON_BYTES_MAX);
    assert!(envelope.payload().len() <= PAYLOAD_BYTES_MAX);
    assert!((1..=SIGNATURES_MAX).contains(&envelope.signatures().len()));
    let bytes = mulu_chain::codec::encode(&envelope);
    assert!(bytes.len() == envelope.encoded_len(), "a block would count it wrong");
    assert!(Envelope::from_bytes(&bytes).as_ref() == Ok(&envelope));
    let json = envelope.to_json().to_string();
    assert!(Envelope::from_json(json.as_bytes()).as_ref() == Ok(&envelope));
    Outcome::accepted("well formed")
}

/// The vectors' envelope, and one with as many signatures as are allowed.
pub fn seeds() -> Seeds {
    let keys: Vec<_> = (1..=8).map(key).collect();
    let keys: Vec<_> = keys.iter().collect();
    let many = Envelope::sign(b"{}".to_vec(), &keys).expect("eight signatures are allowed");
    let json = |e: &Envelope| e.to_json().to_string().into_bytes();
    vec![("two-signatures", json(&sample::envelope())), ("eight-signatures", json(&many))]
}
