//! Full-text search over catalog entries: names, summaries, items; Chinese by words and by pairs of
//! characters, English by words; counts by facet.
//!
//! The index is derived: a folder beside the ledger that is filled in the background from the
//! ledger and may be deleted at any time. It is never in consensus, and an answer names the height
//! it stands at. Entries found are read from the ledger, so an index that lags shows an entry late
//! but never an old entry as new. What a crash can do: the index is committed together with the
//! place in the ledger it reached, and goes on from there.

#[cfg(feature = "search")]
mod engine;
#[cfg(feature = "search")]
mod indexer;
#[cfg(all(test, feature = "search"))]
mod tests;
mod touched;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mulu_chain::types::Height;
use serde::Serialize;
use tokio::sync::watch;

use crate::replica::handle::Status;
use crate::storage::Ledger;

pub use touched::{TOUCHED_MAX, Touched};

/// Longest text searched for, in bytes.
pub const QUERY_BYTES_MAX: usize = 256;
/// Most results of a page.
pub const RESULTS_MAX: usize = 100;
/// Most results passed over.
pub const OFFSET_MAX: usize = 10_000;
/// Most values counted of a facet.
pub const FACET_VALUES_MAX: usize = 50;

/// Niceness of the threads that index: about a tenth of an ordinary thread's share.
#[cfg(all(feature = "search", target_os = "linux"))]
const NICE: i32 = 10;

/// What results are counted and filtered by: the name, and where an entry's record says it.
pub const FACETS: [(&str, &str); 9] = [
    ("provider", "/provider"),
    ("office", "/content/office"),
    ("status", "/status"),
    ("region", "/content/region"),
    ("share", "/content/share/type"),
    ("open", "/content/open/is_open"),
    ("level", "/content/level"),
    ("update_cycle", "/content/update_cycle"),
    ("source_system", "/content/source/system"),
];

/// What to search for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Words; empty finds everything.
    pub text: String,
    /// Facets that must have a value, by name.
    pub facets: Vec<(&'static str, String)>,
    /// Results to pass over.
    pub offset: usize,
    /// Most results.
    pub limit: usize,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Keys of the entries, best first.
    pub keys: Vec<String>,
    /// How many there are in all.
    pub total: usize,
    /// Counts by facet and value, most frequent first.
    pub facets: BTreeMap<String, Vec<FacetCount>>,
    /// Where the index stands.
    pub index: IndexStatus,
}

/// How many results have a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FacetCount {
    /// The value.
    pub value: String,
    /// How many.
    pub count: u64,
}

/// Where the index stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct IndexStatus {
    /// Everything up to this height is in it.
    pub height: Height,
    /// Entries in it.
    pub entries: u64,
    /// Whether the first filling is done.
    pub complete: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// This program was built without it, or the index could not be opened.
    #[error("{0}")]
    Unavailable(String),
    /// The index failed.
    #[error("the search index in {path} failed: {reason}; `mulud index rebuild` makes a new one")]
    Index {
        /// Where it lies.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
}

/// The folder of the index in a node's home.
pub fn folder(home: &Path) -> PathBuf {
    home.join("data").join("search")
}

/// The file that asks for a new index; a running node sees it within seconds.
pub fn rebuild_marker(home: &Path) -> PathBuf {
    home.join("data").join("search.rebuild")
}

/// The search of a node. Clones share the index.
#[derive(Clone)]
pub struct Search {
    #[cfg(feature = "search")]
    engine: Option<std::sync::Arc<engine::Engine>>,
    reason: String,
}

impl Search {
    /// No search, and why.
    pub fn unavailable(reason: impl Into<String>) -> Search {
        Search {
            #[cfg(feature = "search")]
            engine: None,
            reason: reason.into(),
        }
    }

    /// Opens the index of a home folder; a node serves without one rather than not at all.
    #[cfg(feature = "search")]
    pub fn open(home: &Path, genesis: &str) -> Search {
        // The index's own threads inherit the standing of the thread that makes them.
        let open = || {
            yield_to_others();
            engine::Engine::open(&folder(home), &rebuild_marker(home), genesis)
        };
        let opened = std::thread::scope(|scope| scope.spawn(open).join());
        let Ok(opened) = opened else {
            return Search::unavailable("the search index could not be opened: see the log");
        };
        match opened {
            Ok(engine) => {
                Search { engine: Some(std::sync::Arc::new(engine)), reason: String::new() }
            }
            Err(error) => {
                tracing::error!(%error, "there is no search");
                Search::unavailable(error.to_string())
            }
        }
    }

    /// Without the feature there is no index.
    #[cfg(not(feature = "search"))]
    pub fn open(_: &Path, _: &str) -> Search {
        Search::unavailable("this mulud was built without search (cargo feature `search`)")
    }

    /// Answers a request; blocks on the disk.
    ///
    /// # Errors
    /// [`SearchError`].
    pub fn find(&self, request: &Request) -> Result<Found, SearchError> {
        #[cfg(feature = "search")]
        if let Some(engine) = &self.engine {
            return engine.find(request);
        }
        let _ = request;
        Err(SearchError::Unavailable(self.reason.clone()))
    }

    /// Fills the index from the ledger until the node stops.
    pub async fn follow(
        self,
        ledger: Ledger,
        touched: Touched,
        status: watch::Receiver<Status>,
        stopping: watch::Receiver<bool>,
    ) {
        #[cfg(feature = "search")]
        if let Some(engine) = self.engine {
            indexer::follow(engine, ledger, touched, status, stopping).await;
            return;
        }
        let _ = (ledger, touched, status, stopping);
    }
}

/// Lets every other thread go first when processors are short: agreeing and answering come before
/// indexing, which catches up when there is room.
#[cfg(feature = "search")]
fn yield_to_others() {
    // Elsewhere than on Linux it would hold for the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "the search index runs at ordinary priority");
    }
}
