//! Replicas are equal: at the end every honest node's store holds the same bytes, certificates
//! apart (which two thirds signed differs between nodes).

use mulu_chain::digest::Digest;
use mulu_node::storage::{Column, Kv};
use sha2::{Digest as _, Sha256};

use super::{Verdict, violated};

/// The digest of the first store looked at.
#[derive(Debug, Default)]
pub struct Roots {
    first: Option<(usize, Digest)>,
}

/// Keys read at a time.
const PAGE: usize = 1_000;

impl Roots {
    /// The run is over and every honest node stands at one height.
    pub fn at_end(&mut self, node: usize, kv: &dyn Kv) -> Verdict {
        let mut hasher = Sha256::new();
        for column in Column::ALL.into_iter().filter(|c| *c != Column::Certificates) {
            let mut after: Option<Vec<u8>> = None;
            loop {
                let page = match kv.scan(column, &[], after.as_deref(), PAGE) {
                    Ok(page) => page,
                    Err(error) => return violated("equal stores", format!("node {node}: {error}")),
                };
                for (key, value) in &page {
                    for part in [column.name().as_bytes(), key, value] {
                        hasher.update((part.len() as u64).to_le_bytes());
                        hasher.update(part);
                    }
                }
                match page.last() {
                    Some((key, _)) if page.len() == PAGE => after = Some(key.clone()),
                    _ => break,
                }
            }
        }
        let digest = Digest::from_bytes(hasher.finalize().into());
        let (first, known) = *self.first.get_or_insert((node, digest));
        if known == digest {
            return Ok(());
        }
        violated("equal stores", format!("nodes {first} and {node} hold other bytes"))
    }
}
