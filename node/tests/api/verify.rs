//! What a client does with the JSON of a proof: rebuild the values and verify them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mulu_chain::block::Header;
use mulu_chain::certificate::{CommitCertificate, CommitSignature};
use mulu_chain::signature::Signature;
use mulu_chain::state::StateProof;
use serde_json::Value;

use crate::fixture::{World, chain_id};

/// Reads header and certificate, verifies the certificate, returns the header.
pub fn certified(world: &World, json: &Value) -> Header {
    let header: Header = serde_json::from_value(json["header"].clone()).expect("a header");
    if header.height.0 == 0 {
        assert_eq!(header.id(), world.genesis.id());
        assert!(json["certificate"].is_null());
        return header;
    }
    let json = &json["certificate"];
    let read = |member: &str| json[member].clone();
    let signatures = json["signatures"].as_array().expect("a list").iter().map(|s| {
        let signature = STANDARD.decode(s["signature"].as_str().expect("text")).expect("base64");
        CommitSignature {
            validator: serde_json::from_value(s["validator"].clone()).expect("a key"),
            signature: Signature::from_bytes(signature.try_into().expect("64 bytes")),
        }
    });
    let certificate = CommitCertificate {
        height: serde_json::from_value(read("height")).expect("a height"),
        round: serde_json::from_value(read("round")).expect("a round"),
        block: serde_json::from_value(read("block")).expect("a digest"),
        signatures: signatures.collect(),
    };
    certificate.verify(&chain_id(), &world.validators).expect("a quorum signed");
    assert_eq!(certificate.block, header.id());
    header
}

/// Verifies a record's proof against its certified header; returns the proved bytes.
pub fn record(world: &World, key: &str, json: &Value) -> Option<Vec<u8>> {
    let proof = &json["proof"];
    let header = certified(world, proof);
    let path: StateProof = serde_json::from_value(serde_json::json!({
        "leaf": proof["leaf"],
        "siblings": proof["siblings"],
    }))
    .expect("a state proof");
    let value = proof["value_base64"].as_str().map(|text| STANDARD.decode(text).expect("base64"));
    path.verify(&header.state_root, key, value.as_deref()).expect("the proof holds");
    value
}
