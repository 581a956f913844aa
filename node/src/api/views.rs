//! The JSON forms that several routes share. Everything that is hashed or signed keeps the field
//! names of its `mulu_chain` type, so a client can rebuild the bytes and verify them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mulu_chain::block::{BlockId, Header};
use mulu_chain::certificate::CommitCertificate;
use mulu_chain::log::{LogEntry, Outcome};
use mulu_chain::signature::PublicKey;
use mulu_chain::transaction::{Envelope, TransactionId};
use mulu_chain::types::{Height, TimeMs};
use serde::Serialize;

use super::catalog::internal;
use super::language::Language;
use super::problem::Problem;
use super::receipts::ReceiptView;
use super::recent::Queued;
use super::rules;
use crate::storage::Ledger;

/// A commit certificate; signatures are standard base64.
#[derive(Serialize)]
pub struct CertificateView {
    height: Height,
    round: u32,
    block: BlockId,
    signatures: Vec<CommitSignatureView>,
}

#[derive(Serialize)]
struct CommitSignatureView {
    validator: PublicKey,
    signature: String,
}

impl From<&CommitCertificate> for CertificateView {
    fn from(certificate: &CommitCertificate) -> Self {
        let signatures = certificate.signatures.iter().map(|s| CommitSignatureView {
            validator: s.validator,
            signature: STANDARD.encode(s.signature.as_bytes()),
        });
        CertificateView {
            height: certificate.height,
            round: certificate.round,
            block: certificate.block,
            signatures: signatures.collect(),
        }
    }
}

/// A header and the certificate that decided it; block 0 has none.
#[derive(Serialize)]
pub struct CertifiedView {
    /// The header.
    pub header: Header,
    /// Its certificate.
    pub certificate: Option<CertificateView>,
}

impl CertifiedView {
    /// Reads the header and certificate of a height the ledger has.
    ///
    /// # Errors
    /// `internal_error` if it has not: the caller took the height from the ledger.
    pub fn read(ledger: &Ledger, height: Height) -> Result<Self, Problem> {
        let header = ledger.header(height)?.ok_or_else(internal)?;
        let certificate = ledger.certificate(height)?;
        Ok(CertifiedView { header, certificate: certificate.as_ref().map(CertificateView::from) })
    }
}

/// What the rules said, with the rule's words.
#[derive(Serialize)]
pub struct OutcomeView {
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

impl OutcomeView {
    /// The outcome in `language`.
    pub fn of(outcome: &Outcome, language: Language) -> Self {
        match outcome {
            Outcome::Accepted => OutcomeView {
                result: "accepted",
                rule: None,
                action: None,
                title: None,
                help: None,
            },
            Outcome::Rejected { rule, action } => {
                let words = rules::words_of_id(rule);
                OutcomeView {
                    result: "rejected",
                    rule: Some(rule.clone()),
                    action: Some(*action),
                    title: Some(words.title.say(language).to_owned()),
                    help: Some(words.help.say(language).to_owned()),
                }
            }
        }
    }
}

/// A transaction's place and outcome.
#[derive(Serialize)]
pub struct CommittedView {
    /// The transaction.
    pub id: TransactionId,
    status: &'static str,
    height: Height,
    index: u32,
    time_ms: TimeMs,
    log_index: u64,
    outcome: OutcomeView,
    /// The signed envelope in its DSSE JSON form, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub envelope: Option<serde_json::Value>,
}

impl CommittedView {
    /// The view of a log entry.
    pub fn of(entry: &LogEntry, log_index: u64, language: Language) -> Self {
        CommittedView {
            id: entry.transaction,
            status: "committed",
            height: entry.height,
            index: entry.index,
            time_ms: entry.time_ms,
            log_index,
            outcome: OutcomeView::of(&entry.outcome, language),
            envelope: None,
        }
    }

    /// The view with the signed envelope.
    #[must_use]
    pub fn with_envelope(mut self, envelope: Option<&Envelope>) -> Self {
        self.envelope = envelope.map(Envelope::to_json);
        self
    }
}

/// A transaction this node queued and no block holds yet.
#[derive(Serialize)]
pub struct QueuedView {
    id: TransactionId,
    status: &'static str,
    valid_until: Height,
    received_height: Height,
    /// The node's signature for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<ReceiptView>,
}

impl QueuedView {
    /// The view of a transaction on a node at height `now`.
    pub fn of(id: TransactionId, queued: Queued, now: Height) -> Self {
        let status = if now > queued.valid_until { "expired" } else { "queued" };
        QueuedView {
            id,
            status,
            valid_until: queued.valid_until,
            received_height: queued.received_height,
            receipt: None,
        }
    }

    /// The view with the node's receipt.
    #[must_use]
    pub fn with_receipt(mut self, receipt: ReceiptView) -> Self {
        self.receipt = Some(receipt);
        self
    }
}
