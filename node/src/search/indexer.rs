//! Keeps the index in step with the ledger.
//!
//! An empty index is filled from the records in key order; what changes meanwhile is in the events
//! that are followed afterwards from the height at which the filling began. Then, block by block,
//! the entries that transactions touched are read again. Both go on where the last commit of the
//! index left off.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::SearchError;
use super::engine::{Engine, Progress, failed};
use crate::events::{self, Filter, Place};
use crate::replica::handle::Status;
use crate::storage::{Ledger, StorageError};

/// Entries taken at a time while the index is filled; a commit each.
const FILLING_ENTRIES: usize = 5_000;
/// Events followed at a time.
const EVENTS: usize = 5_000;
/// Least time between two commits of the index: each writes a segment and lets others be merged, which
/// at two commits a second took a fifth of what four nodes spent on small transactions.
const PAUSE: Duration = Duration::from_secs(2);
/// How often an operator's wish for a new index is looked for.
const LOOK: Duration = Duration::from_secs(2);

/// Fills and follows for ever; ends when the node stops or the index fails.
pub async fn follow(engine: Arc<Engine>, ledger: Ledger, mut status: watch::Receiver<Status>) {
    loop {
        let height = status.borrow_and_update().height;
        let (of_turn, from) = (engine.clone(), ledger.clone());
        let more = match tokio::task::spawn_blocking(move || turn(&of_turn, &from)).await {
            Ok(Ok(more)) => more,
            Ok(Err(error)) => {
                tracing::error!(%error, "the search index is not kept up any more");
                return;
            }
            // The runtime is going away.
            Err(_) => return,
        };
        if more {
            continue;
        }
        let risen = tokio::select! {
            risen = status.wait_for(|status| status.height != height) => Some(risen.is_ok()),
            () = tokio::time::sleep(LOOK) => None,
        };
        match risen {
            Some(true) => tokio::time::sleep(PAUSE).await,
            Some(false) => return,
            None => {}
        }
    }
}

/// Does a bounded amount of work; true if there is more.
pub(super) fn turn(engine: &Engine, ledger: &Ledger) -> Result<bool, SearchError> {
    engine.rebuild_if_asked()?;
    let progress = engine.progress();
    let broken = |error: StorageError| failed(std::path::Path::new("the ledger"), error);
    let done = match progress.filling {
        true => fill(engine, ledger, progress),
        false => catch_up(engine, ledger, progress),
    };
    done.map_err(|error| match error {
        TurnError::Search(error) => error,
        TurnError::Storage(error) => broken(error),
    })
}

enum TurnError {
    Search(SearchError),
    Storage(StorageError),
}

impl From<SearchError> for TurnError {
    fn from(error: SearchError) -> Self {
        TurnError::Search(error)
    }
}

impl From<StorageError> for TurnError {
    fn from(error: StorageError) -> Self {
        TurnError::Storage(error)
    }
}

fn fill(engine: &Engine, ledger: &Ledger, mut progress: Progress) -> Result<bool, TurnError> {
    if progress.filling_after.is_none() {
        // Events from here on are followed when the filling is done.
        progress.height = ledger.height()?.next().0;
    }
    let after = progress.filling_after.as_deref();
    let records = ledger.records("entry/", after, FILLING_ENTRIES)?;
    progress.filling = records.len() == FILLING_ENTRIES;
    progress.filling_after = records.last().map(|(key, _)| key.clone());
    let entries: Vec<_> = records.into_iter().map(|(key, value)| (key, Some(value))).collect();
    engine.write(&entries, progress)?;
    Ok(true)
}

fn catch_up(engine: &Engine, ledger: &Ledger, mut progress: Progress) -> Result<bool, TurnError> {
    let filter = Filter::default().kind(Some("entry".to_owned())).unwrap_or_default();
    let batch = events::read(ledger, &filter, progress.place(), EVENTS)?;
    let touched: BTreeSet<_> = batch.events.into_iter().flat_map(|event| event.entries).collect();
    let mut entries = Vec::with_capacity(touched.len());
    for id in touched {
        let key = format!("entry/{id}");
        let value = ledger.record(&key)?;
        entries.push((key, value));
    }
    let Place { height, index } = batch.next;
    // A place that only passed idle blocks is not worth a commit.
    if !entries.is_empty() {
        (progress.height, progress.index) = (height.0, index);
        engine.write(&entries, progress)?;
    } else {
        engine.reached(batch.next);
    }
    Ok(batch.more)
}
