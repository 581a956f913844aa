//! Block time grows, and is never further ahead of the clocks than the parameters in force allow: a
//! wrong clock, or a liar's, does not get into the chain.

use mulu_chain::types::TimeMs;
use mulu_contracts::params::{Params, ParamsRecord};
use mulu_contracts::state::PARAMS_KEY;

use super::{Commit, Verdict, violated};

/// The time of the last block of the chain, and the parameters as it left them.
#[derive(Debug)]
pub struct Time {
    last: (mulu_chain::types::Height, TimeMs),
    params: ParamsRecord,
}

impl Time {
    /// Begins with the founding document's parameters.
    pub fn new(founding: Params) -> Self {
        Time { last: Default::default(), params: ParamsRecord { params: founding, pending: None } }
    }

    /// A node committed a block; `latest` is the latest honest clock.
    pub fn on_commit(&mut self, commit: &Commit<'_>, latest: TimeMs) -> Verdict {
        let header = commit.header();
        let (height, time) = self.last;
        if header.height > height {
            let drift_ms = self.params.clone().at(header.height).block_time_drift_ms;
            let grows = header.height != height.next() || header.time_ms > time;
            if !grows || header.time_ms.0 > latest.0 + drift_ms {
                return violated(
                    "block time",
                    format!(
                        "block {} is of {}, clocks show {latest}",
                        header.height, header.time_ms
                    ),
                );
            }
            self.last = (header.height, header.time_ms);
            let written = commit.decided.changes.get(PARAMS_KEY);
            match written.map(|bytes| serde_json::from_slice(bytes)) {
                Some(Ok(params)) => self.params = params,
                Some(Err(error)) => return violated("block time", error.to_string()),
                None => {}
            }
        }
        Ok(())
    }
}
