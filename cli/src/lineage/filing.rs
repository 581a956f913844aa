//! From a closed window to receipts on the chain.

use std::io;
use std::time::Duration;

use mulu_chain::digest::Digest;
use mulu_chain::signature::SigningKey;
use mulu_chain::transaction::Envelope;
use mulu_contracts::action::Action;
use mulu_contracts::authorization::{Authorization, Counts, Window};
use mulu_contracts::payload::Submitter;
use mulu_contracts::receipt::{ReceiptChain, ReceiptKind, ReceiptRecord};
use mulu_contracts::state::{authorization_key, receipt_chain_key};
use serde_json::Value;

use super::queue::{Queue, Sum};
use crate::client::Node;
use crate::failure::{Exit, Failure, Outcome};
use crate::submit::{self, ChainView};
use crate::{records, render, text};

/// Who files, and where.
pub struct Filer {
    /// The node.
    pub node: Node,
    /// The application's key.
    pub key: SigningKey,
    /// The member and office it acts for.
    pub submitter: Submitter,
}

/// Digits of a grant in a nonce, which has at most 64 characters.
const NONCE_HEX: usize = 32;

/// What filing came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filed {
    /// Receipts on the chain.
    pub recorded: u64,
    /// Receipts the rules refused.
    pub refused: u64,
}

impl Filer {
    /// Files every closed window; stops at the first failure that time may mend.
    ///
    /// # Errors
    /// Exit 4 when the node cannot take receipts now, exit 2 when the queue fails.
    pub fn file(&self, queue: &Queue, now_ms: u64) -> Outcome<Filed> {
        let mut filed = Filed::default();
        for window in queue.closed(now_ms).map_err(|e| broken(&e))? {
            for (grant, sum) in queue.sums(window).map_err(|e| broken(&e))? {
                if queue.is_settled(window, &grant) {
                    continue;
                }
                let refused = self.one(queue, window, &grant, &sum)?;
                if refused.is_some() {
                    filed.refused += 1
                } else {
                    filed.recorded += 1
                }
                queue.settle(window, &grant, refused.as_deref()).map_err(|e| broken(&e))?;
            }
            queue.finish(window).map_err(|e| broken(&e))?;
        }
        Ok(filed)
    }

    /// Files one receipt; some reason if the rules refuse it.
    fn one(
        &self,
        queue: &Queue,
        window: u64,
        grant: &Digest,
        sum: &Sum,
    ) -> Outcome<Option<String>> {
        // An envelope made before a crash may be on the chain already: its first result counts.
        if let Some(kept) = queue.envelope(window, grant)
            && let Ok(envelope) = Envelope::from_json(&kept)
        {
            match self.deliver(&envelope) {
                Ok(()) => return Ok(None),
                Err(failure) if failure.exit == Exit::Rejected => {}
                Err(failure) => return Err(failure),
            }
        }
        let authorization =
            match records::read::<Authorization>(&self.node, &authorization_key(grant)) {
                Ok(stored) => stored.value,
                Err(failure) if failure.exit == Exit::NotFound => {
                    return Ok(Some("there is no such authorization".to_owned()));
                }
                Err(failure) => return Err(failure),
            };
        let view = ChainView::ask(&self.node)?;
        let chain_key = receipt_chain_key(grant, &self.submitter.member);
        let last = records::find::<ReceiptChain>(&self.node, &chain_key)?.map(|last| last.value);
        let action = receipt(&authorization, sum, last);
        let mut payload = submit::payload(
            &view,
            self.submitter.clone(),
            None,
            vec![Action::ReceiptRecord(action)],
        );
        let start: String = grant.to_hex().chars().take(NONCE_HEX).collect();
        payload.nonce = Some(format!("lineage-{window}-{start}"));
        let bytes = serde_json::to_vec(&payload).map_err(|e| broken(&io::Error::other(e)))?;
        let envelope =
            Envelope::sign(bytes, &[&self.key]).map_err(|e| Failure::usage(text!("{e}", "{e}")))?;
        let json = envelope.to_json().to_string();
        queue.keep_envelope(window, grant, json.as_bytes()).map_err(|e| broken(&e))?;
        match self.deliver(&envelope) {
            Ok(()) => Ok(None),
            Err(failure) if failure.exit == Exit::Rejected => {
                let said = failure.text.map(|text| text.en).unwrap_or_default();
                Ok(Some(said))
            }
            Err(failure) => Err(failure),
        }
    }

    /// Submits until it is on the chain.
    fn deliver(&self, envelope: &Envelope) -> Outcome<()> {
        let result = submit::deliver(&self.node, envelope, true)?;
        if !submit::is_committed(&result) {
            return Err(Failure::new(
                Exit::Unreachable,
                text!("a receipt was not committed in time", "回执未在规定时间内上链"),
            ));
        }
        if render::text_at(&result, "/outcome/result") == "accepted" {
            return Ok(());
        }
        let rule = render::text_at(&result, "/outcome/rule");
        let title = render::text_at(&result, "/outcome/title");
        Err(Failure::new(Exit::Rejected, text!("{rule} {title}", "{rule} {title}")))
    }
}

/// The receipt of a window. A use outside the grant's own window is for the rules to refuse.
fn receipt(authorization: &Authorization, sum: &Sum, last: Option<ReceiptChain>) -> ReceiptRecord {
    let granted = authorization.extent();
    ReceiptRecord {
        authorization_id: authorization.authorization_id,
        terms_hash: authorization.terms_hash,
        kind: ReceiptKind::Used,
        items: granted.items.clone(),
        purpose: authorization.purpose.clone(),
        window: Window { from_ms: sum.from_ms, to_ms: sum.to_ms },
        counts: Counts { calls: sum.calls, records: sum.records, bytes: sum.bytes },
        digest: None,
        seq: last.as_ref().map_or(0, |last| last.seq).saturating_add(1),
        prev_receipt: last.map(|last| last.receipt_id),
        peer_receipt: None,
        lines: None,
        corrects: None,
        lineage: None,
        system: None,
        operator_hash: None,
    }
}

fn broken(error: &io::Error) -> Failure {
    Failure::usage(text!(
        "the queue of lineage events cannot be used: {error}",
        "血缘事件队列无法使用：{error}"
    ))
    .help(text!(
        "check the folder's owner and the free space; events are kept until they are filed",
        "请检查目录属主和剩余空间；事件在填报之前不会丢失"
    ))
}

/// How long to wait before the next attempt after a failure.
pub const RETRY_PAUSE: Duration = Duration::from_secs(10);

/// JSON of what was filed.
pub fn to_json(filed: &Filed) -> Value {
    serde_json::json!({ "recorded": filed.recorded, "refused": filed.refused })
}
