//! What the nodes serve, read with short patience: a node under attack may not answer.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::consortium::{Consortium, DEPARTMENTS};

/// Longest wait for one answer.
const ANSWER_WAIT: Duration = Duration::from_secs(3);
/// Between two looks at something awaited.
pub const LOOK_INTERVAL: Duration = Duration::from_millis(15);

/// What a node's log says of a validator that contradicted itself.
const EQUIVOCATION_TOLD: &str = "signed two things for one step";

/// The four APIs.
#[derive(Clone)]
pub struct Views {
    agent: ureq::Agent,
    urls: Vec<String>,
}

/// The part of `/v1/status` that campaigns look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeStatus {
    /// Height of the last committed block.
    pub height: u64,
    /// Why it does not vote, if so.
    pub abstaining: Option<String>,
    /// Whether it fetches blocks it missed.
    pub syncing: bool,
}

/// A transaction's place in the chain and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Height of its block.
    pub height: u64,
    /// Position in the block.
    pub index: u64,
    /// `accepted`, or `rejected` and the rule.
    pub outcome: String,
}

impl Place {
    /// Reads the place out of a committed transaction's view.
    pub fn of(view: &Value) -> Option<Place> {
        let outcome = &view["outcome"];
        let words = [outcome["result"].as_str()?, outcome["rule"].as_str().unwrap_or_default()];
        Some(Place {
            height: view["height"].as_u64()?,
            index: view["index"].as_u64()?,
            outcome: words.join(" ").trim_end().to_owned(),
        })
    }
}

/// The part of a block that must be the same everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockView {
    /// The block id: the digest of the header, which names the state root and the log root.
    pub id: String,
    /// The state root after it.
    pub state_root: String,
    /// Its transactions with their places, in order.
    pub transactions: Vec<(String, Place)>,
}

impl BlockView {
    /// Reads the answer that holds a block; nothing if it does not hold as many transactions as
    /// its header says.
    pub fn of(block: &Value) -> Option<BlockView> {
        let transactions = block["transactions"].as_array()?.iter();
        let transactions: Option<Vec<_>> =
            transactions.map(|t| Some((t["id"].as_str()?.to_owned(), Place::of(t)?))).collect();
        let transactions = transactions?;
        if block["header"]["transactions"].as_u64()? != transactions.len() as u64 {
            return None;
        }
        Some(BlockView {
            id: block["block"].as_str()?.to_owned(),
            state_root: block["header"]["state_root"].as_str()?.to_owned(),
            transactions,
        })
    }
}

/// An agent that reports every status as an answer.
pub fn agent(patience: Duration) -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(patience))
        .build();
    ureq::Agent::new_with_config(config)
}

impl Views {
    /// The APIs of a consortium.
    pub fn of(consortium: &Consortium) -> Self {
        let urls = (0..DEPARTMENTS.len()).map(|node| consortium.url(node)).collect();
        Views { agent: agent(ANSWER_WAIT), urls }
    }

    /// The addresses, in the order of the departments.
    pub fn urls(&self) -> &[String] {
        &self.urls
    }

    /// Status and body of an answer.
    pub fn get(&self, node: usize, path: &str) -> Option<(u16, Value)> {
        let mut answer = self.agent.get(format!("{}{path}", self.urls[node])).call().ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.body_mut().read_json().ok()?))
    }

    /// The text of a 2xx answer.
    pub fn text(&self, node: usize, path: &str) -> Option<String> {
        let mut answer = self.agent.get(format!("{}{path}", self.urls[node])).call().ok()?;
        if !answer.status().is_success() {
            return None;
        }
        answer.body_mut().read_to_string().ok()
    }

    /// Where a node stands, if it answers.
    pub fn status(&self, node: usize) -> Option<NodeStatus> {
        let (200, status) = self.get(node, "/v1/status")? else { return None };
        Some(NodeStatus {
            height: status["height"].as_u64()?,
            abstaining: status["abstaining"].as_str().map(str::to_owned),
            syncing: status["syncing"].as_bool()?,
        })
    }

    /// A block, if the node has it and answers.
    pub fn block(&self, node: usize, height: u64) -> Option<BlockView> {
        let (200, block) = self.get(node, &format!("/v1/blocks/{height}"))? else { return None };
        BlockView::of(&block)
    }

    /// The heights of all four, unless one does not answer.
    pub fn heights(&self) -> Option<Vec<u64>> {
        (0..self.urls.len()).map(|node| Some(self.status(node)?.height)).collect()
    }

    /// How many equivocations any node has told of: in its log over all its starts, in its status,
    /// or as evidence on its chain. A node that does not run has its log only.
    pub fn equivocations(&self, consortium: &Consortium) -> u64 {
        let of_node = |node: usize| {
            let told = consortium.log(node).matches(EQUIVOCATION_TOLD).count() as u64;
            let status = self.get(node, "/v1/status");
            // A status without the count is as bad as one that counts.
            let seen =
                status.map_or(0, |(_, status)| status["equivocations"].as_u64().unwrap_or(1));
            let recorded = matches!(self.get(node, "/v1/history/evidence"), Some((200, _)));
            told + seen + u64::from(recorded)
        };
        (0..self.urls.len()).map(of_node).sum()
    }

    /// Waits until the condition holds; how long it took, or nothing when the time was up.
    pub fn wait(
        &self,
        patience: Duration,
        mut condition: impl FnMut() -> bool,
    ) -> Option<Duration> {
        let started = Instant::now();
        loop {
            if condition() {
                return Some(started.elapsed());
            }
            if started.elapsed() > patience {
                return None;
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
    }

    /// Whether all four hold the same block, hence the same state root, at the highest height that
    /// all have; that height, or who differs.
    ///
    /// # Errors
    /// A sentence that names the nodes and what they hold.
    pub fn equal_at_common_height(&self) -> Result<u64, String> {
        let heights = self.heights().ok_or("a node does not answer")?;
        let common = heights.iter().copied().min().unwrap_or_default();
        let blocks: Vec<Option<BlockView>> =
            (0..self.urls.len()).map(|node| self.block(node, common)).collect();
        match blocks.iter().all(|block| block.is_some() && *block == blocks[0]) {
            true => Ok(common),
            false => Err(format!("at height {common} the nodes hold {blocks:?}")),
        }
    }
}
