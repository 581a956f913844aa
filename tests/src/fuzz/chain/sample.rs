//! Values to begin from: the golden vectors, read back, and what is made of them.

use std::sync::LazyLock;

use mulu_chain::block::{Block, Header, body_hash};
use mulu_chain::certificate::CommitCertificate;
use mulu_chain::codec;
use mulu_chain::digest::Digest;
use mulu_chain::limits::BLOCK_BYTES_MAX;
use mulu_chain::signature::SigningKey;
use mulu_chain::transaction::Envelope;
use mulu_chain::types::ChainId;
use mulu_chain::validator::{Validator, ValidatorSet};
use serde_json::Value;

static BLOCK: LazyLock<Value> = LazyLock::new(|| json(include_str!("../../../vectors/block.json")));
static BUNDLE: LazyLock<Value> =
    LazyLock::new(|| json(include_str!("../../../vectors/bundle.json")));
static TRANSACTION: LazyLock<Value> =
    LazyLock::new(|| json(include_str!("../../../vectors/transaction.json")));

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("the vectors are JSON")
}

fn unhex(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().expect("a vector is text")).expect("a vector is hexadecimal")
}

/// The key of 32 equal bytes.
pub fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32])
}

/// The chain of the vectors.
pub fn chain_id() -> ChainId {
    "mulu-vectors".parse().expect("a chain id")
}

/// The validators of the vectors.
pub fn validators() -> ValidatorSet {
    let validator = |n: u8| Validator {
        public_key: key(n).public_key(),
        power: 1,
        member: format!("member-{n}"),
    };
    ValidatorSet::new((11..=14).map(validator).collect()).expect("a validator set")
}

/// The strict-JSON rows, as bytes.
pub fn strict_json() -> Vec<Vec<u8>> {
    let rows = json(include_str!("../../../vectors/strict_json.json"));
    rows.as_array().expect("rows").iter().map(|row| unhex(&row["text_hex"])).collect()
}

/// The signed payload.
pub fn payload() -> Vec<u8> {
    TRANSACTION["payload"].as_str().expect("a payload").as_bytes().to_vec()
}

/// The envelope around [`payload`].
pub fn envelope() -> Envelope {
    Envelope::from_bytes(&unhex(&TRANSACTION["envelope_hex"])).expect("an envelope")
}

/// The header of block 1.
pub fn header() -> Header {
    codec::decode::<_, BLOCK_BYTES_MAX>(&unhex(&BLOCK["header_hex"])).expect("a header")
}

/// The certificate of block 1.
pub fn certificate() -> CommitCertificate {
    codec::decode::<_, BLOCK_BYTES_MAX>(&unhex(&BLOCK["certificate_hex"])).expect("a certificate")
}

/// The vectors' header over a body of one transaction.
pub fn block() -> Block {
    let transactions = vec![envelope()];
    let header = Header { transactions: 1, body: body_hash(&transactions), ..header() };
    Block { header, transactions }
}

/// The bundle's file form.
pub fn bundle() -> Vec<u8> {
    unhex(&BUNDLE["bundle_hex"])
}

/// The genesis digest the bundle is verified against.
pub fn trusted_genesis() -> Digest {
    let text = BUNDLE["trusted_genesis"].as_str().expect("a digest");
    text.parse().expect("a digest")
}
