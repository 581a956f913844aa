//! Proofs for what the ledger says: inclusion and consistency of the log, presence and absence in
//! the state. Every proof is verified against the header before it is handed out, so damaged data
//! is reported here instead of confusing an auditor.

use mulu_chain::digest::Digest;
use mulu_chain::log::{ConsistencyProof, InclusionProof};
use mulu_chain::state::{StateProof, key_hash};
use mulu_chain::types::Height;

use super::error::StorageError;
use super::keys::corrupt;
use super::kv::Column;
use super::ledger::Ledger;
use super::log_tree::LogProver;
use super::tree;

impl Ledger {
    /// That entry `index` is among the log's first `size`.
    ///
    /// # Errors
    /// [`StorageError::Beyond`] if there is no such entry or size; read errors and damage.
    pub fn inclusion_proof(&self, index: u64, size: u64) -> Result<InclusionProof, StorageError> {
        self.check_log_size(size)?;
        if index >= size {
            let last = size.saturating_sub(1);
            return Err(StorageError::Beyond { what: "log entry", asked: index, last });
        }
        LogProver::new(&*self.kv, size).inclusion(index)
    }

    /// That the log of `old` entries is a prefix of the log of `new`.
    ///
    /// # Errors
    /// [`StorageError::Beyond`] unless `old <= new <=` the log's size; read errors and damage.
    pub fn consistency_proof(&self, old: u64, new: u64) -> Result<ConsistencyProof, StorageError> {
        self.check_log_size(new)?;
        if old > new {
            return Err(StorageError::Beyond { what: "older log size", asked: old, last: new });
        }
        LogProver::new(&*self.kv, new).consistency(old)
    }

    fn check_log_size(&self, size: u64) -> Result<(), StorageError> {
        let last = self.tip()?.frontier.size();
        if size > last {
            return Err(StorageError::Beyond { what: "log size", asked: size, last });
        }
        Ok(())
    }

    /// The value of a state key after block `height`, or its absence, with the proof under that
    /// block's state root.
    ///
    /// # Errors
    /// [`StorageError::Beyond`] above the tip; read errors, and damage if the proof fails.
    pub fn state_proof(
        &self,
        key: &str,
        height: Height,
    ) -> Result<(Option<Vec<u8>>, StateProof), StorageError> {
        self.check_height(height)?;
        let header = self.header(height)?.ok_or_else(|| {
            let key = super::keys::height(height);
            corrupt(&*self.kv, Column::Headers, &key, "it is missing")
        })?;
        self.state_proof_under(&header.state_root, key, height)
    }

    /// As [`Ledger::state_proof`], under a root already read.
    pub(super) fn state_proof_under(
        &self,
        root: &Digest,
        key: &str,
        height: Height,
    ) -> Result<(Option<Vec<u8>>, StateProof), StorageError> {
        self.while_kept(
            height,
            |kept| kept.state_from,
            || {
                let value = self.record_at(key, height)?;
                let proof = tree::prove(&*self.kv, &key_hash(key), height)?;
                proof.verify(root, key, value.as_deref()).map_err(|error| {
                    corrupt(&*self.kv, Column::StateNodes, key.as_bytes(), error)
                })?;
                Ok((value, proof))
            },
        )
    }
}
