//! Keeps the index in step with the ledger.
//!
//! An empty index is filled from the records in key order; what changes meanwhile is in the events
//! that are followed afterwards from the height at which the filling began. Then the entries that
//! blocks touched are read again, many blocks at a time while the chain is busy. Both go on where the
//! last commit of the index left off.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

use super::SearchError;
use super::engine::{Engine, Progress, failed};
use super::touched::Touched;
use crate::events::{self, Filter, Place};
use crate::replica::handle::Status;
use crate::storage::{Ledger, StorageError};

/// Entries taken at a time while the index is filled; a commit each.
const FILLING_ENTRIES: usize = 5_000;
/// Events followed at a time.
const EVENTS: usize = 5_000;
/// Least time between two commits of the index that follow the chain.
const PAUSE: Duration = Duration::from_secs(2);
/// Most time between them. In between, the pause is four times what the last commit took: each one
/// writes a segment, which is later merged with others, and small segments are most of the work.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// How often an operator's wish for a new index is looked for.
const LOOK: Duration = Duration::from_secs(2);

/// Fills and follows for ever on a thread of its own; ends when the node stops or the index fails.
pub async fn follow(
    engine: Arc<Engine>,
    ledger: Ledger,
    touched: Touched,
    status: watch::Receiver<Status>,
    stopping: watch::Receiver<bool>,
) {
    let runtime = Handle::current();
    let (ended, end) = oneshot::channel::<()>();
    let thread = std::thread::Builder::new().name("search".to_owned()).spawn(move || {
        super::yield_to_others();
        run(&engine, &ledger, &touched, status, stopping, &runtime);
        drop(ended);
    });
    match thread {
        // The sender is dropped at the end, or by a panic: either way nothing more comes.
        Ok(_) => drop(end.await),
        Err(error) => tracing::error!(%error, "the search index has no thread and is not kept up"),
    }
}

fn run(
    engine: &Engine,
    ledger: &Ledger,
    touched: &Touched,
    mut status: watch::Receiver<Status>,
    mut stopping: watch::Receiver<bool>,
    runtime: &Handle,
) {
    loop {
        let height = status.borrow_and_update().height;
        let begun = Instant::now();
        let more = match turn(engine, ledger, touched) {
            Ok(more) => more,
            Err(error) => {
                tracing::error!(%error, "the search index is not kept up any more");
                return;
            }
        };
        if *stopping.borrow() {
            return;
        }
        if more {
            continue;
        }
        let pause = begun.elapsed().saturating_mul(4).clamp(PAUSE, PAUSE_MAX);
        let waiting = async {
            // What is waited for comes with a lock on the status, which must not be held any longer.
            let rising = async { status.wait_for(|s| s.height != height).await.is_ok() };
            match tokio::time::timeout(LOOK, rising).await {
                Ok(true) => tokio::time::sleep(pause).await,
                // The sender is gone with the node.
                Ok(false) => return true,
                Err(_) => {}
            }
            false
        };
        let stop = runtime.block_on(async {
            tokio::select! {
                gone = waiting => gone,
                _ = stopping.wait_for(|stopping| *stopping) => true,
            }
        });
        if stop {
            return;
        }
    }
}

/// Does a bounded amount of work; true if there is more.
pub(super) fn turn(
    engine: &Engine,
    ledger: &Ledger,
    touched: &Touched,
) -> Result<bool, SearchError> {
    engine.rebuild_if_asked()?;
    let progress = engine.progress();
    let broken = |error: StorageError| failed(std::path::Path::new("the ledger"), error);
    let done = match progress.filling {
        true => fill(engine, ledger, progress),
        false => catch_up(engine, ledger, touched, progress),
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

fn catch_up(
    engine: &Engine,
    ledger: &Ledger,
    touched: &Touched,
    progress: Progress,
) -> Result<bool, TurnError> {
    let place = progress.place();
    // A block is told as a whole; one that was read in part is read to its end.
    if place.index == 0
        && let Some((keys, next)) = touched.take(place.height)
    {
        index(engine, ledger, keys, Place::at(next), progress)?;
        return Ok(false);
    }
    let filter = Filter::default().kind(Some("entry".to_owned())).unwrap_or_default();
    let batch = events::read(ledger, &filter, place, EVENTS)?;
    let ids = batch.events.into_iter().flat_map(|event| event.entries);
    let keys = ids.map(|id| format!("entry/{id}")).collect();
    index(engine, ledger, keys, batch.next, progress)?;
    Ok(batch.more)
}

/// Reads entries again and notes the place before which everything is indexed now.
fn index(
    engine: &Engine,
    ledger: &Ledger,
    keys: BTreeSet<String>,
    next: Place,
    mut progress: Progress,
) -> Result<(), TurnError> {
    // A place that only passed idle blocks is not worth a commit.
    if keys.is_empty() {
        engine.reached(next);
        return Ok(());
    }
    let mut entries = Vec::with_capacity(keys.len());
    for key in keys {
        let value = ledger.record(&key)?;
        entries.push((key, value));
    }
    (progress.height, progress.index) = (next.height.0, next.index);
    engine.write(&entries, progress)?;
    Ok(())
}
