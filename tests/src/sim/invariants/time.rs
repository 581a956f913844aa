//! Block time grows, and is never further ahead of the clocks than the parameters allow: a wrong
//! clock, or a liar's, does not get into the chain.

use mulu_chain::types::TimeMs;

use super::{Commit, Verdict, violated};

/// The time of the last block of the chain.
#[derive(Debug, Default)]
pub struct Time {
    last: (mulu_chain::types::Height, TimeMs),
}

impl Time {
    /// A node committed a block; `latest` is the latest honest clock, `drift_ms` what is allowed.
    pub fn on_commit(&mut self, commit: &Commit<'_>, latest: TimeMs, drift_ms: u64) -> Verdict {
        let header = commit.header();
        let (height, time) = self.last;
        if header.height > height {
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
        }
        Ok(())
    }
}
