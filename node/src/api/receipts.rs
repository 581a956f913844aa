//! Receipts of submissions: this node's signature under what it took.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mulu_chain::acknowledgement::Acknowledgement;
use mulu_chain::signature::{PublicKey, Signature, SigningKey};
use mulu_chain::transaction::TransactionId;
use mulu_chain::types::{ChainId, Height};
use serde::Serialize;

use super::recent::Queued;
use crate::journal::{Journal, Taken};

/// What makes a receipt: the node's identity key, and the journal that makes its words true.
#[derive(Clone)]
pub struct Receipts {
    /// Signs.
    pub key: Arc<SigningKey>,
    /// Written and synced before a receipt is signed.
    pub journal: Journal,
    /// What the journal held at the start and no block holds yet.
    pub recovered: Arc<Vec<Taken>>,
}

/// A receipt as clients get it; what is signed can be rebuilt from its fields.
#[derive(Debug, Clone, Serialize)]
pub struct ReceiptView {
    chain_id: ChainId,
    node: PublicKey,
    received_height: Height,
    transactions: Vec<ReceivedView>,
    signature: String,
}

#[derive(Debug, Clone, Serialize)]
struct ReceivedView {
    id: TransactionId,
    commit_by_height: Height,
}

impl Receipts {
    /// Signs for transactions that are in the journal; `received_height` is the first one's.
    pub fn sign(&self, chain_id: &ChainId, taken: &[(TransactionId, Queued)]) -> ReceiptView {
        let first = taken.first().map(|(_, queued)| queued.received_height).unwrap_or_default();
        let acknowledgement = Acknowledgement {
            chain_id: chain_id.clone(),
            node: self.key.public_key(),
            received_height: first,
            transactions: taken.iter().map(|(id, queued)| (*id, queued.valid_until)).collect(),
        };
        let signature: Signature = self.key.sign(&acknowledgement.signed_bytes());
        let transactions = acknowledgement.transactions.iter();
        ReceiptView {
            chain_id: acknowledgement.chain_id.clone(),
            node: acknowledgement.node,
            received_height: first,
            transactions: transactions
                .map(|(id, height)| ReceivedView { id: *id, commit_by_height: *height })
                .collect(),
            signature: STANDARD.encode(signature.as_bytes()),
        }
    }
}
