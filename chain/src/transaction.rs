//! A transaction: a DSSE envelope around the signer's own JSON bytes, kept verbatim.
//!
//! The signatures cover the DSSE pre-authentication encoding ([`pae`]):
//! `DSSEv1 <len(type)> <type> <len(payload)> <payload>` with decimal lengths and single spaces.
//! The transaction id is SHA-256 over the same bytes, so a shell with `sha256sum` can compute it
//! and signatures cannot change it. Nobody ever serializes a payload again to verify it.
//! Source: DSSE v1.0.2; SPEC section 5.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::codec;
use crate::digest::{Digest, Domain};
use crate::limits::{ENVELOPE_JSON_BYTES_MAX, PAYLOAD_BYTES_MAX, SIGNATURES_MAX};
use crate::signature::{PublicKey, Signature, SigningKey};

/// The payload type of every transaction.
pub const PAYLOAD_TYPE: &str = "application/vnd.mulu.tx.v1+json";

/// A transaction id: plain SHA-256 over the pre-authentication encoding.
pub type TransactionId = Digest;

/// One signature of an envelope, by the key named.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct EnvelopeSignature {
    /// The signer.
    pub key: PublicKey,
    /// Over [`pae`].
    pub signature: Signature,
}

/// The signed envelope as nodes exchange and keep it.
///
/// Byte layout (bincode): `u64 len ‖ payload ‖ u64 count ‖ count × (tag, key, tag, signature)`.
/// Signatures are sorted by key and no key signs twice: one envelope, one byte string.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Envelope {
    payload: Vec<u8>,
    signatures: Vec<EnvelopeSignature>,
}

/// Why bytes are not a well-formed, properly signed envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeInvalid {
    /// TX-01: not a DSSE envelope in JSON.
    #[error("TX-01: not a DSSE envelope: {0}")]
    Malformed(String),
    /// TX-02: too large.
    #[error(
        "TX-02: {found} bytes, at most {limit} are allowed; split the actions over several transactions"
    )]
    TooLarge {
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// TX-03: another payload type.
    #[error("TX-03: the payloadType must be {PAYLOAD_TYPE}")]
    PayloadType,
    /// TX-04: no signature, too many, or the same key twice.
    #[error(
        "TX-04: an envelope carries 1 to {SIGNATURES_MAX} signatures, each by another key, sorted by key"
    )]
    Signatures,
    /// TX-05: a signature does not verify.
    #[error(
        "TX-05: the signature by {key} does not verify over the DSSE pre-authentication encoding"
    )]
    Signature {
        /// The claimed signer.
        key: PublicKey,
    },
}

impl EnvelopeInvalid {
    /// The stable rule id.
    pub const fn id(&self) -> &'static str {
        match self {
            EnvelopeInvalid::Malformed(_) => "TX-01",
            EnvelopeInvalid::TooLarge { .. } => "TX-02",
            EnvelopeInvalid::PayloadType => "TX-03",
            EnvelopeInvalid::Signatures => "TX-04",
            EnvelopeInvalid::Signature { .. } => "TX-05",
        }
    }
}

/// The DSSE pre-authentication encoding of a payload of [`PAYLOAD_TYPE`].
pub fn pae(payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len());
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

/// The id of the transaction with this payload.
pub fn transaction_id(payload: &[u8]) -> TransactionId {
    Digest::sha256(&pae(payload))
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DsseJson {
    payload_type: String,
    payload: String,
    signatures: Vec<DsseSignatureJson>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DsseSignatureJson {
    keyid: String,
    sig: String,
}

impl Envelope {
    /// Puts signatures around a payload, in canonical order.
    ///
    /// # Errors
    /// TX-02 or TX-04.
    pub fn new(
        payload: Vec<u8>,
        mut signatures: Vec<EnvelopeSignature>,
    ) -> Result<Self, EnvelopeInvalid> {
        signatures.sort_by_key(|s| s.key);
        let envelope = Envelope { payload, signatures };
        envelope.check_form()?;
        Ok(envelope)
    }

    /// Signs a payload with one or more keys.
    ///
    /// # Errors
    /// TX-02 or TX-04.
    pub fn sign(payload: Vec<u8>, keys: &[&SigningKey]) -> Result<Self, EnvelopeInvalid> {
        let message = pae(&payload);
        let signatures = keys
            .iter()
            .map(|key| EnvelopeSignature { key: key.public_key(), signature: key.sign(&message) })
            .collect();
        Envelope::new(payload, signatures)
    }

    /// Reads the JSON form a client sends.
    ///
    /// # Errors
    /// TX-01 to TX-04; signatures are not verified here.
    pub fn from_json(bytes: &[u8]) -> Result<Self, EnvelopeInvalid> {
        if bytes.len() > ENVELOPE_JSON_BYTES_MAX {
            return Err(EnvelopeInvalid::TooLarge {
                found: bytes.len(),
                limit: ENVELOPE_JSON_BYTES_MAX,
            });
        }
        let malformed =
            |error: &dyn std::fmt::Display| EnvelopeInvalid::Malformed(error.to_string());
        let json: DsseJson = serde_json::from_slice(bytes).map_err(|e| malformed(&e))?;
        if json.payload_type != PAYLOAD_TYPE {
            return Err(EnvelopeInvalid::PayloadType);
        }
        if json.signatures.len() > SIGNATURES_MAX {
            return Err(EnvelopeInvalid::Signatures);
        }
        let payload = STANDARD
            .decode(&json.payload)
            .map_err(|e| malformed(&format!("payload is not standard base64: {e}")))?;
        let mut signatures = Vec::with_capacity(json.signatures.len());
        for entry in &json.signatures {
            let key = entry.keyid.parse().map_err(|e| malformed(&format!("keyid: {e}")))?;
            let sig = STANDARD
                .decode(&entry.sig)
                .map_err(|e| malformed(&format!("sig is not standard base64: {e}")))?;
            let sig: [u8; 64] =
                sig.try_into().map_err(|_| malformed(&"sig is not 64 bytes (Ed25519)"))?;
            signatures.push(EnvelopeSignature { key, signature: Signature::from_bytes(sig) });
        }
        Envelope::new(payload, signatures)
    }

    /// Writes the JSON form.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "payloadType": PAYLOAD_TYPE,
            "payload": STANDARD.encode(&self.payload),
            "signatures": self.signatures.iter().map(|s| serde_json::json!({
                "keyid": s.key.to_string(),
                "sig": STANDARD.encode(s.signature.as_bytes()),
            })).collect::<Vec<_>>(),
        })
    }

    /// Reads the byte form, as kept on disk and sent between nodes.
    ///
    /// # Errors
    /// TX-01, TX-02 or TX-04.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EnvelopeInvalid> {
        let envelope: Envelope = codec::decode::<_, ENVELOPE_JSON_BYTES_MAX>(bytes)
            .map_err(|error| EnvelopeInvalid::Malformed(error.to_string()))?;
        envelope.check_form()?;
        Ok(envelope)
    }

    /// Checks size, and the number and order of signatures (TX-02, TX-04).
    ///
    /// # Errors
    /// TX-02 or TX-04.
    pub fn check_form(&self) -> Result<(), EnvelopeInvalid> {
        if self.payload.len() > PAYLOAD_BYTES_MAX {
            return Err(EnvelopeInvalid::TooLarge {
                found: self.payload.len(),
                limit: PAYLOAD_BYTES_MAX,
            });
        }
        let count = self.signatures.len();
        let sorted = self.signatures.is_sorted_by(|a, b| a.key < b.key);
        if count == 0 || count > SIGNATURES_MAX || !sorted {
            return Err(EnvelopeInvalid::Signatures);
        }
        Ok(())
    }

    /// The signer's bytes.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The signatures, sorted by key.
    pub fn signatures(&self) -> &[EnvelopeSignature] {
        &self.signatures
    }

    /// The transaction id.
    pub fn id(&self) -> TransactionId {
        transaction_id(&self.payload)
    }

    /// Digest over payload and signatures together: what the log entry commits to.
    pub fn digest(&self) -> Digest {
        Digest::of(Domain::Envelope, &codec::encode(self))
    }

    /// Bytes this envelope takes in a block.
    pub fn encoded_len(&self) -> usize {
        // Two u64 lengths; per signature two tags, 32 and 64 bytes.
        let signatures = self.signatures.len().saturating_mul(98);
        self.payload.len().saturating_add(signatures).saturating_add(16)
    }

    /// Verifies every signature.
    ///
    /// # Errors
    /// TX-05 naming the first signer whose signature fails.
    pub fn verify(self) -> Result<VerifiedEnvelope, EnvelopeInvalid> {
        self.check_form()?;
        let message = pae(&self.payload);
        for entry in &self.signatures {
            entry
                .key
                .verify(&message, &entry.signature)
                .map_err(|_| EnvelopeInvalid::Signature { key: entry.key })?;
        }
        Ok(VerifiedEnvelope { id: Digest::sha256(&message), envelope: self })
    }
}

/// An envelope all of whose signatures verified. There is no other way to make one, so a rule
/// that takes it need not ask again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedEnvelope {
    id: TransactionId,
    envelope: Envelope,
}

impl VerifiedEnvelope {
    /// The transaction id.
    pub fn id(&self) -> TransactionId {
        self.id
    }

    /// The envelope.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// The keys that signed, sorted.
    pub fn signers(&self) -> impl Iterator<Item = &PublicKey> {
        self.envelope.signatures.iter().map(|s| &s.key)
    }
}
