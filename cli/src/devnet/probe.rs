//! Asks a node of this machine how it is.

use std::time::Duration;

use serde::Deserialize;

use super::layout::Node;

/// Longest wait for one answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
/// Largest answer read, in bytes.
const ANSWER_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// An HTTP client for nodes on this machine: no proxy, short waits.
pub(super) struct Probe {
    agent: ureq::Agent,
}

/// What a node says of a block (`GET /v1/blocks/{height}`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct BlockView {
    pub header: HeaderView,
    /// The block id.
    pub block: String,
}

/// The part of a header that is compared.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct HeaderView {
    pub height: u64,
    pub state_root: String,
}

impl Probe {
    pub fn new() -> Probe {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(ANSWER_TIMEOUT))
            .http_status_as_error(false)
            .proxy(None)
            .build();
        Probe { agent: config.into() }
    }

    /// Whether the node answers that it is ready.
    pub fn is_ready(&self, node: &Node) -> bool {
        let answer = self.agent.get(format!("{}/readyz", node.api_url())).call();
        answer.is_ok_and(|response| response.status().is_success())
    }

    /// A block; `None` if the node does not answer or does not have it.
    pub fn block(&self, node: &Node, which: &str) -> Option<BlockView> {
        let url = format!("{}/v1/blocks/{which}", node.api_url());
        let mut response = self.agent.get(url).call().ok()?;
        if !response.status().is_success() {
            return None;
        }
        response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_json().ok()
    }
}
