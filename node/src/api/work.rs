//! Work that would block the runtime: disk reads and signature checks, on bounded threads.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::Api;
use super::catalog::{body_moved, bundle_too_large, internal, not_ready, state_pruned};
use super::problem::Problem;
use crate::storage::{Ledger, StorageError};

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Empty { .. } => return not_ready(Vec::new()),
            StorageError::BundleTooLarge { .. } => return bundle_too_large(error.to_string()),
            StorageError::BodyMoved { height, archive } => return body_moved(height, archive),
            StorageError::StatePruned { height, from } => return state_pruned(height, from),
            _ => {}
        }
        tracing::error!(error = %error.to_string().escape_debug(), "cannot read the ledger");
        internal()
    }
}

/// Reads the ledger on a blocking thread.
///
/// # Errors
/// The reader's problem; a panic in it is `internal_error`.
pub async fn read<T, F>(api: &Api, reader: F) -> Result<T, Problem>
where
    T: Send + 'static,
    F: FnOnce(&Ledger) -> Result<T, Problem> + Send + 'static,
{
    let ledger = api.state.ledger.clone();
    run(&api.work, move || reader(&ledger)).await
}

/// Runs `job` on a blocking thread when one of the semaphore's permits is free. The permit goes
/// with the job: a client that leaves does not free it while its job still runs.
///
/// # Errors
/// The job's problem; a panic in it is `internal_error`.
pub async fn run<T, F>(permits: &Arc<Semaphore>, job: F) -> Result<T, Problem>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Problem> + Send + 'static,
{
    let permit = permits.clone().acquire_owned().await.expect("the semaphore is never closed");
    let done = spawn_blocking(move || {
        let _permit = permit;
        job()
    });
    done.await.unwrap_or_else(|error| {
        tracing::error!(error = %error.to_string().escape_debug(), "a read panicked");
        Err(internal())
    })
}
