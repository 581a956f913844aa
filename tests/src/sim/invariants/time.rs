//! Block time grows, and is never further ahead of the clocks than the parameters in force allow: a
//! wrong clock, or a liar's, does not get into the chain.

use mulu_chain::types::TimeMs;
use mulu_contracts::state::PARAMS_KEY;
use serde_json::Value;

use super::{Commit, Verdict, violated};

/// The time of the last block of the chain, and how far the next may be ahead.
#[derive(Debug)]
pub struct Time {
    last: (mulu_chain::types::Height, TimeMs),
    drift_ms: u64,
}

impl Time {
    /// Begins with what the founding document allows, in milliseconds.
    pub fn new(drift_ms: u64) -> Self {
        Time { last: Default::default(), drift_ms }
    }

    /// A node committed a block; `latest` is the latest honest clock.
    pub fn on_commit(&mut self, commit: &Commit<'_>, latest: TimeMs) -> Verdict {
        let header = commit.header();
        let (height, time) = self.last;
        if header.height > height {
            let grows = header.height != height.next() || header.time_ms > time;
            if !grows || header.time_ms.0 > latest.0 + self.drift_ms {
                return violated(
                    "block time",
                    format!(
                        "block {} is of {}, clocks show {latest}",
                        header.height, header.time_ms
                    ),
                );
            }
            self.last = (header.height, header.time_ms);
            let params = commit.decided.changes.get(PARAMS_KEY);
            let params = params.and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok());
            let drift_ms = params.and_then(|params| params["block_time_drift_ms"].as_u64());
            self.drift_ms = drift_ms.unwrap_or(self.drift_ms);
        }
        Ok(())
    }
}
