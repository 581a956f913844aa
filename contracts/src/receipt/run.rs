//! By what it was done: the run of OpenLineage, the signer's system, and who, as a keyed hash.

use serde::{Deserialize, Serialize};

use super::ReceiptRecord;
use crate::call::Call;
use crate::field;
use crate::limits::{LINEAGE_CHARS_MAX, LINEAGE_OUTPUTS_MAX};
use crate::rejection::{Step, require};
use crate::rule::Rule;
use crate::system;

/// A run of OpenLineage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lineage {
    /// Its `runId`, a UUID.
    pub run_id: String,
    /// Its job.
    pub job: Job,
    /// What it wrote.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<Dataset>,
}

/// A job of OpenLineage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Its namespace.
    pub namespace: String,
    /// Its name in it.
    pub name: String,
}

/// A data set of OpenLineage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Its namespace.
    pub namespace: String,
    /// Its name in it.
    pub name: String,
}

/// What a keyed hash begins with. A hash without a key of a short name or number is found by trying.
pub const OPERATOR_HASH_PREFIX: &str = "hmac-sha256:";

pub(super) fn check(call: &Call<'_, '_>, action: &ReceiptRecord) -> Step {
    if let Some(Lineage { run_id, job, outputs }) = &action.lineage {
        require(is_uuid(run_id), Rule::ReceiptRun, || format!("{run_id:?}"))?;
        named("lineage.job", &job.namespace, &job.name)?;
        field::count("lineage.outputs", outputs.len(), 0, LINEAGE_OUTPUTS_MAX)?;
        for output in outputs {
            named("lineage.outputs", &output.namespace, &output.name)?;
        }
    }
    if let Some(hash) = &action.operator_hash {
        let digits = hash.strip_prefix(OPERATOR_HASH_PREFIX);
        let keyed = digits.is_some_and(|digits| digits.len() == 64 && digits.bytes().all(is_hex));
        require(keyed, Rule::ReceiptOperator, || format!("{} characters", hash.len()))?;
    }
    let Some(id) = &action.system else { return Ok(()) };
    system::own(call.overlay, id, call.uscc())
}

fn named(what: &str, namespace: &str, name: &str) -> Step {
    field::text(what, namespace, LINEAGE_CHARS_MAX)?;
    field::text(what, name, LINEAGE_CHARS_MAX)
}

fn is_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// Whether a text is a UUID in its usual form: 8-4-4-4-12 lower-case hexadecimal digits.
fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(is_hex))
}
