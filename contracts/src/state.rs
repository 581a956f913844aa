//! The state as the rules see it: where each record lies and how its bytes are read and written.
//!
//! | key | value |
//! |---|---|
//! | `member/<uscc>` | [`Member`](crate::member::Member) |
//! | `office/<uscc>:<code>` | [`Office`](crate::office::Office) |
//! | `key/<ed25519:hex>` | [`Key`](crate::key::Key) |
//! | `duty/<uscc>:<code>` | [`Duty`](crate::duty::Duty) |
//! | `system/<uscc>:<code>` | [`InformationSystem`](crate::system::InformationSystem) |
//! | `entry/<sha256:hex>` | [`Entry`](crate::entry::Entry) |
//! | `submission/<sha256:hex>` | [`Submission`](crate::entry::Submission) of the entry of that id |
//! | `code/<resource code>` | entry id (JSON string) |
//! | `entry-name/<uscc>/<hex>` | entry id that last took the name; hex = SHA-256 of the name |
//! | `authoritative/<hex>` | entry id that last claimed it; hex = SHA-256 of the standard item's id |
//! | `source/<hex>` | entry id; hex = SHA-256 of `system ‖ "\n" ‖ identifier` |
//! | `authorization/<sha256:hex>` | [`Authorization`](crate::authorization::Authorization) |
//! | `receipt/<sha256:hex>` | [`Receipt`](crate::receipt::Receipt) |
//! | `receipt-chain/<authorization id>/<uscc>` | [`ReceiptChain`](crate::receipt::ReceiptChain) |
//! | `delegation/<principal>/<delegate>` | [`Delegation`](crate::delegation::Delegation) |
//! | `correction/<sha256:hex>` | [`Correction`](crate::correction::Correction) |
//! | `objection/<sha256:hex>` | [`Objection`](crate::objection::Objection) |
//! | `operation/<sha256:hex>` | [`Operation`](crate::operation::Operation) |
//! | `region/<code>` | [`Region`](crate::region::Region) |
//! | `regions` | [`Regions`](crate::region::Regions) |
//! | `class/<code>` | [`Class`](crate::class::Class) |
//! | `classes` | [`Classes`](crate::class::Classes) |
//! | `params` | [`ParamsRecord`] |
//! | `validators` | JSON array of `{public_key, power, member}`, sorted by key |
//! | `evidence/<ed25519:hex>/<height>/<round>/<step>` | [`Evidence`](crate::evidence::Evidence) |
//! | `history/<subject>` | bincode of `mulu_chain::state::HistoryLeaf` |
//!
//! Values are compact JSON with the field order of the struct, written by [`encode`] alone, so any
//! language can read what was proved. Later versions only add optional fields. Nothing is deleted.

use mulu_chain::digest::{Digest, Domain};
use mulu_chain::signature::PublicKey;
use mulu_chain::transaction::TransactionId;
use mulu_chain::types::Height;
use mulu_chain::validator::{Validator, ValidatorSet};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::params::{Params, ParamsRecord};

/// Reads the state after the block before the one being executed.
pub trait StateRead {
    /// The value under a key, if there is one.
    ///
    /// # Errors
    /// [`StateReadError`] if the world failed; fatal to the caller.
    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StateReadError>;
}

/// The state could not be read, or a stored record is damaged. No transaction can cause this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("reading the state: {0}")]
pub struct StateReadError(pub String);

impl StateReadError {
    /// Words a failure of the store.
    pub fn new(cause: impl std::fmt::Display) -> Self {
        StateReadError(cause.to_string())
    }

    /// A stored record that does not decode.
    pub(crate) fn corrupt(key: &str, cause: impl std::fmt::Display) -> Self {
        StateReadError(format!("the record under {key} is damaged: {cause}"))
    }
}

/// Key and history subject of the parameters.
pub const PARAMS_KEY: &str = "params";
/// Key and history subject of the validator list.
pub const VALIDATORS_KEY: &str = "validators";

/// History subject whose events are all evidence there is.
pub const EVIDENCE_SUBJECT: &str = "evidence";

/// Key and history subject of evidence; `step` is the name of an `EvidenceStep`.
pub fn evidence_key(validator: &PublicKey, height: Height, round: u32, step: &str) -> String {
    format!("{EVIDENCE_SUBJECT}/{validator}/{height}/{round}/{step}")
}

/// Key and history subject of a member.
pub fn member_key(uscc: &str) -> String {
    format!("member/{uscc}")
}

/// Key and history subject of an office.
pub fn office_key(id: &str) -> String {
    format!("office/{id}")
}

/// Key and history subject of a key.
pub fn key_key(key: &PublicKey) -> String {
    format!("key/{key}")
}

/// Key and history subject of a duty.
pub fn duty_key(id: &str) -> String {
    format!("duty/{id}")
}

/// Key and history subject of an information system.
pub fn system_key(id: &str) -> String {
    format!("system/{id}")
}

/// Key and history subject of an entry.
pub fn entry_key(id: &Digest) -> String {
    format!("entry/{id}")
}

/// Key of the last version submitted of an entry.
pub fn submission_key(id: &Digest) -> String {
    format!("submission/{id}")
}

/// Key of the entry that owns a resource code.
pub fn code_key(code: &str) -> String {
    format!("code/{code}")
}

/// Key of the entry that last took a name at a provider.
pub fn entry_name_key(uscc: &str, name: &str) -> String {
    format!("entry-name/{uscc}/{}", Digest::sha256(name.as_bytes()).to_hex())
}

/// Key of the entry that is the one source of a standard item.
pub fn authoritative_key(item: &str) -> String {
    format!("authoritative/{}", Digest::sha256(item.as_bytes()).to_hex())
}

/// Key of the entry imported from a place in a foreign catalog.
pub fn source_key(system: &str, identifier: &str) -> String {
    let place = format!("{system}\n{identifier}");
    format!("source/{}", Digest::sha256(place.as_bytes()).to_hex())
}

/// Key and history subject of an authorization.
pub fn authorization_key(id: &Digest) -> String {
    format!("authorization/{id}")
}

/// Key of a receipt.
pub fn receipt_key(id: &Digest) -> String {
    format!("receipt/{id}")
}

/// Key of the last receipt of a member under an authorization.
pub fn receipt_chain_key(authorization: &Digest, uscc: &str) -> String {
    format!("receipt-chain/{authorization}/{uscc}")
}

/// Key and history subject of a delegation.
pub fn delegation_key(principal: &str, delegate: &str) -> String {
    format!("delegation/{principal}/{delegate}")
}

/// Key and history subject of a correction.
pub fn correction_key(id: &Digest) -> String {
    format!("correction/{id}")
}

/// Key and history subject of an objection.
pub fn objection_key(id: &Digest) -> String {
    format!("objection/{id}")
}

/// Key and history subject of an authorised operation.
pub fn operation_key(id: &Digest) -> String {
    format!("operation/{id}")
}

/// Key and history subject of the list of division codes.
pub const REGIONS_KEY: &str = "regions";

/// Key of a division code.
pub fn region_key(code: &str) -> String {
    format!("region/{code}")
}

/// Key and history subject of the table of classes.
pub const CLASSES_KEY: &str = "classes";

/// Key of a class.
pub fn class_key(code: &str) -> String {
    format!("class/{code}")
}

/// The id of an office, duty or system.
pub fn local_id(uscc: &str, code: &str) -> String {
    format!("{uscc}:{code}")
}

/// The member part of an office, duty or system id.
pub fn member_of_id(id: &str) -> &str {
    id.split(':').next().unwrap_or(id)
}

/// The id of an entry: a hash of its first code, so that it can be known before it is published.
pub fn entry_id(first_code: &str) -> Digest {
    Digest::of(Domain::EntryId, first_code.as_bytes())
}

/// The id of the authorization or receipt that an action of a transaction creates.
pub fn record_id(transaction: &TransactionId, action_index: u32) -> Digest {
    let origin = (*transaction, action_index);
    Digest::of(Domain::RecordId, &mulu_chain::codec::encode(&origin))
}

/// The version hash of a record: what `prev` and `entry_version` name.
pub fn version_hash(value: &[u8]) -> Digest {
    Digest::of(Domain::RecordVersion, value)
}

/// Writes a record's value: compact JSON in field order. Our records are structs of texts,
/// integers, lists and options; writing those to memory cannot fail.
#[allow(clippy::expect_used)]
pub fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    serde_json::to_vec(record).expect("records hold nothing that JSON cannot carry")
}

/// Reads a record's value.
///
/// # Errors
/// [`StateReadError`] naming the key if the stored bytes are not such a record.
pub fn decode<T: DeserializeOwned>(key: &str, value: &[u8]) -> Result<T, StateReadError> {
    serde_json::from_slice(value).map_err(|error| StateReadError::corrupt(key, error))
}

/// Reads the record under a key.
///
/// # Errors
/// [`StateReadError`] if the state cannot be read or the record is damaged.
pub fn get<T: DeserializeOwned>(
    state: &dyn StateRead,
    key: &str,
) -> Result<Option<T>, StateReadError> {
    state.read(key)?.map(|value| decode(key, &value)).transpose()
}

/// The parameters in force at a height, of the state before it.
///
/// # Errors
/// [`StateReadError`]; also if there are none, for block 0 always has them.
pub fn params(state: &dyn StateRead, height: Height) -> Result<Params, StateReadError> {
    let record: Option<ParamsRecord> = get(state, PARAMS_KEY)?;
    let record = record.ok_or_else(|| StateReadError("there are no parameters".to_owned()))?;
    Ok(record.at(height))
}

/// The validators that decide the next height; none before block 0 is applied.
///
/// # Errors
/// [`StateReadError`] if the state cannot be read or holds no valid set.
pub fn validator_set(state: &dyn StateRead) -> Result<Option<ValidatorSet>, StateReadError> {
    let Some(validators) = get::<Vec<Validator>>(state, VALIDATORS_KEY)? else {
        return Ok(None);
    };
    let set = ValidatorSet::new(validators);
    set.map(Some).map_err(|error| StateReadError::corrupt(VALIDATORS_KEY, error))
}
