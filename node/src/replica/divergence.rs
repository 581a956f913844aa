//! A block that a quorum decided and that does not execute to its own header here: what exactly differs.
//!
//! The header names one root for the whole state, so the records that the block writes are where to
//! look first; when none of them is wrong by itself, a record that an earlier block wrote is damaged
//! here. The node stops and leaves the report in its home: two nodes' reports, or the report and the
//! proofs of another node, name the first record that differs.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use mulu_chain::block::{BlockId, Header};
use mulu_chain::digest::Digest;
use mulu_chain::types::Height;
use serde::Serialize;

/// Records named in the message; the report has all.
pub const RECORDS_NAMED_MAX: usize = 8;

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Divergence {
    /// The block's height.
    pub height: Height,
    /// The block that a quorum decided.
    pub block: BlockId,
    /// Fields of the header that execution gives otherwise, in their order.
    pub fields: Vec<FieldDiffers>,
    /// Every record that the block writes here, by key.
    pub written: Vec<Written>,
}

/// A field of the header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldDiffers {
    /// Its name.
    pub field: &'static str,
    /// What the certified header says.
    pub certified: String,
    /// What execution gives here.
    pub here: String,
}

/// A record as this node writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Its key in the state.
    pub key: String,
    /// SHA-256 of its value, as the state tree holds it.
    pub value: Digest,
}

impl Divergence {
    /// Compares a certified header with the one that execution gave.
    pub fn between(certified: &Header, here: &Header, changes: &BTreeMap<String, Vec<u8>>) -> Self {
        let mut fields = Vec::new();
        let mut compare = |field, certified: &dyn ToString, here: &dyn ToString| {
            let (certified, here) = (certified.to_string(), here.to_string());
            if certified != here {
                fields.push(FieldDiffers { field, certified, here });
            }
        };
        compare("version", &certified.version, &here.version);
        compare("protocol_version", &certified.protocol_version, &here.protocol_version);
        compare("transactions", &certified.transactions, &here.transactions);
        compare("body", &certified.body, &here.body);
        compare("log_size", &certified.log_size, &here.log_size);
        compare("log_root", &certified.log_root, &here.log_root);
        compare("state_root", &certified.state_root, &here.state_root);
        let (set, own) = (&certified.validator_set_hash, &here.validator_set_hash);
        compare("validator_set_hash", set, own);
        let (set, own) = (&certified.next_validator_set_hash, &here.next_validator_set_hash);
        compare("next_validator_set_hash", set, own);
        let written = changes
            .iter()
            .map(|(key, value)| Written { key: key.clone(), value: Digest::sha256(value) });
        Divergence {
            height: certified.height,
            block: certified.id(),
            fields,
            written: written.collect(),
        }
    }
}

impl Divergence {
    /// Writes the whole report beside the node's data. That it cannot be written changes nothing: the
    /// message says the essence.
    pub fn report(&self, path: &Path) {
        let written = serde_json::to_vec_pretty(self).map_err(std::io::Error::other);
        match written.and_then(|bytes| std::fs::write(path, bytes)) {
            Ok(()) => {
                tracing::error!(report = %path.display(), "every record that the block writes here")
            }
            Err(error) => tracing::error!(%error, report = %path.display(), "no report"),
        }
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "at height {} block {} does not execute to its own header here",
            self.height, self.block
        )?;
        for FieldDiffers { field, certified, here } in &self.fields {
            write!(f, "; {field}: certified {certified}, here {here}")?;
        }
        match self.written.as_slice() {
            [] => write!(f, "; the block writes no record, so an earlier one differs here"),
            written => {
                write!(f, "; records it writes here: ")?;
                for (at, Written { key, value }) in
                    written.iter().take(RECORDS_NAMED_MAX).enumerate()
                {
                    write!(f, "{}{key} = {value}", if at == 0 { "" } else { ", " })?;
                }
                match written.len().saturating_sub(RECORDS_NAMED_MAX) {
                    0 => Ok(()),
                    more => write!(f, ", and {more} more"),
                }
            }
        }
    }
}
