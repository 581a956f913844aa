//! P6: nothing signed by a revoked key is accepted after the block that revoked it.

use std::collections::BTreeMap;

use mulu_chain::signature::PublicKey;
use mulu_chain::types::Height;

use super::{Commit, Verdict, violated};

/// When each key was revoked.
#[derive(Debug, Default)]
pub struct Revoked {
    at: BTreeMap<PublicKey, Height>,
    /// Transactions signed by a revoked key that were refused in a block.
    pub refused: u64,
}

impl Revoked {
    /// A node committed a block.
    pub fn on_commit(&mut self, commit: &Commit<'_>) -> Verdict {
        let height = commit.header().height;
        let Commit { decided, .. } = commit;
        for (envelope, entry) in decided.block.block.transactions.iter().zip(&decided.entries) {
            for signature in envelope.signatures() {
                let since = self.at.get(&signature.key);
                if since.is_some_and(|since| *since < height) {
                    if entry.outcome.is_accepted() {
                        let what = format!("{} at {height}, revoked at {since:?}", envelope.id());
                        return violated("revoked never", what);
                    }
                    self.refused += 1;
                }
            }
            if entry.outcome.is_accepted() {
                for key in revocations(envelope.payload()) {
                    self.at.entry(key).or_insert(height);
                }
            }
        }
        Ok(())
    }
}

/// The keys a payload revokes, read with a general JSON reader, not with the node's own.
fn revocations(payload: &[u8]) -> Vec<PublicKey> {
    let Ok(payload) = serde_json::from_slice::<serde_json::Value>(payload) else {
        return Vec::new();
    };
    let actions = payload["actions"].as_array().cloned().unwrap_or_default();
    let revoked = actions.iter().filter(|action| action["type"] == "key.revoke");
    revoked.filter_map(|action| action["public_key"].as_str()?.parse().ok()).collect()
}
