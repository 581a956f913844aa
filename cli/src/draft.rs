//! An envelope under way: a payload with the signatures collected so far, perhaps none.
//!
//! The file form is the DSSE envelope in JSON with an empty or growing `signatures` list, so a
//! complete draft **is** the envelope a node takes, and any DSSE tool can add a signature.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mulu_chain::limits::{ENVELOPE_JSON_BYTES_MAX, PAYLOAD_BYTES_MAX};
use mulu_chain::signature::{Signature, SigningKey};
use mulu_chain::transaction::{
    Envelope, EnvelopeSignature, PAYLOAD_TYPE, TransactionId, pae, transaction_id,
};
use serde_json::{Value, json};

use crate::failure::{Exit, Failure, Outcome};
use crate::{files, text};

/// A draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The payload, verbatim.
    pub payload: Vec<u8>,
    /// Signatures so far, by different keys.
    pub signatures: Vec<EnvelopeSignature>,
}

impl Draft {
    /// A draft without signatures.
    ///
    /// # Errors
    /// Exit 2 when the payload exceeds its bound (TX-02).
    pub fn new(payload: Vec<u8>) -> Outcome<Draft> {
        let found = payload.len();
        if found > PAYLOAD_BYTES_MAX {
            return Err(Failure::usage(text!(
                "TX-02: the payload has {found} bytes, at most {PAYLOAD_BYTES_MAX} are allowed",
                "TX-02：载荷为 {found} 字节，上限为 {PAYLOAD_BYTES_MAX} 字节"
            ))
            .help(text!("split the actions over several transactions", "请将操作拆分到多个交易")));
        }
        Ok(Draft { payload, signatures: Vec::new() })
    }

    /// Reads a draft or an envelope from a file.
    ///
    /// # Errors
    /// Exit 2 when it is not a DSSE envelope of a transaction.
    pub fn read(path: &Path) -> Outcome<Draft> {
        let limit = u64::try_from(ENVELOPE_JSON_BYTES_MAX).unwrap_or(u64::MAX);
        let bytes = files::read_bounded(path, limit)?;
        let shown = path.display();
        Draft::from_json(&bytes).map_err(|why| {
            Failure::usage(text!(
                "{shown} is not a transaction envelope: {why}",
                "{shown} 不是交易信封：{why}"
            ))
        })
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_json(bytes: &[u8]) -> Result<Draft, String> {
        let value: Value = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        let unsigned = value.get("signatures").and_then(Value::as_array).is_some_and(Vec::is_empty);
        if !unsigned {
            let envelope = Envelope::from_json(bytes).map_err(|e| e.to_string())?;
            return Ok(Draft {
                payload: envelope.payload().to_vec(),
                signatures: envelope.signatures().to_vec(),
            });
        }
        if value.get("payloadType").and_then(Value::as_str) != Some(PAYLOAD_TYPE) {
            return Err(format!("TX-03: the payloadType must be {PAYLOAD_TYPE}"));
        }
        let payload = value.get("payload").and_then(Value::as_str).ok_or("there is no payload")?;
        let payload = STANDARD.decode(payload).map_err(|e| e.to_string())?;
        Draft::new(payload).map_err(|f| f.text.map(|t| t.en).unwrap_or_default())
    }

    /// Adds the signature of a key; signing twice changes nothing.
    pub fn sign(&mut self, key: &SigningKey) {
        let public = key.public_key();
        if self.signatures.iter().any(|s| s.key == public) {
            return;
        }
        let signature: Signature = key.sign(&pae(&self.payload));
        self.signatures.push(EnvelopeSignature { key: public, signature });
        self.signatures.sort_by_key(|s| s.key);
    }

    /// The transaction id.
    pub fn id(&self) -> TransactionId {
        transaction_id(&self.payload)
    }

    /// The complete envelope.
    ///
    /// # Errors
    /// Exit 6 when nobody has signed; exit 2 when too many have.
    pub fn envelope(&self) -> Outcome<Envelope> {
        if self.signatures.is_empty() {
            return Err(Failure::new(
                Exit::Permission,
                text!("nobody has signed this transaction", "该交易尚无签名"),
            )
            .help(text!("mulu tx sign FILE --profile NAME", "mulu tx sign FILE --profile NAME")));
        }
        Envelope::new(self.payload.clone(), self.signatures.clone())
            .map_err(|e| Failure::usage(text!("{e}", "{e}")))
    }

    /// The JSON form.
    pub fn to_json(&self) -> Value {
        json!({
            "payloadType": PAYLOAD_TYPE,
            "payload": STANDARD.encode(&self.payload),
            "signatures": self.signatures.iter().map(|s| json!({
                "keyid": s.key.to_string(),
                "sig": STANDARD.encode(s.signature.as_bytes()),
            })).collect::<Vec<_>>(),
        })
    }

    /// Writes the file form.
    ///
    /// # Errors
    /// Exit 2 when it cannot be written.
    pub fn write(&self, path: &Path) -> Outcome<()> {
        files::write_output(path, format!("{:#}\n", self.to_json()).as_bytes())
    }
}

#[cfg(test)]
mod tests;
