//! What a node signs when it takes transactions: the receipt of a submission (送达回执).
//!
//! The node says: these transactions reached me when I stood at this height, they are on my disk, and
//! by the height named beside each it is committed, or expired and reported so. A transaction that is
//! neither in the log by then nor was ever offered to the other validators convicts the node; so a
//! receipt is evidence for an auditor. It says nothing of what the rules will say.
//!
//! Signed bytes: [`Domain::Acknowledgement`] preimage of the encoding of [`Acknowledgement`]: chain id,
//! node, received height, then the transactions with their last heights. The key is the node's identity
//! key, whose PeerId the member registered on the chain: a node that does not vote has one too, and no
//! vote is ever signed with it.

use bincode::{Decode, Encode};

use crate::codec;
use crate::digest::Domain;
use crate::limits::ACKNOWLEDGED_MAX;
use crate::signature::{PublicKey, Signature};
use crate::transaction::TransactionId;
use crate::types::{ChainId, Height};

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Acknowledgement {
    /// The chain.
    pub chain_id: ChainId,
    /// The node's identity key.
    pub node: PublicKey,
    /// The node's height when the first of the transactions arrived.
    pub received_height: Height,
    /// The transactions in the order of their submission, each with the last height at which it may be
    /// committed.
    pub transactions: Vec<(TransactionId, Height)>,
}

/// Why a receipt proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AcknowledgementInvalid {
    /// ACK-01
    #[error("ACK-01: a receipt names 1 to {ACKNOWLEDGED_MAX} transactions, found {found}")]
    Count {
        /// How many it names.
        found: usize,
    },
    /// ACK-02
    #[error("ACK-02: the signature is not that of the node the receipt names")]
    Signature,
}

impl Acknowledgement {
    /// The bytes that are signed.
    pub fn signed_bytes(&self) -> Vec<u8> {
        Domain::Acknowledgement.preimage(&codec::encode(self))
    }

    /// Checks the form, then the signature.
    ///
    /// # Errors
    /// ACK-01, ACK-02.
    pub fn verify(&self, signature: &Signature) -> Result<(), AcknowledgementInvalid> {
        let found = self.transactions.len();
        if found == 0 || found > ACKNOWLEDGED_MAX {
            return Err(AcknowledgementInvalid::Count { found });
        }
        self.node
            .verify(&self.signed_bytes(), signature)
            .map_err(|_| AcknowledgementInvalid::Signature)
    }

    /// By which height a transaction is committed or expired, if the receipt names it.
    pub fn commit_by(&self, id: &TransactionId) -> Option<Height> {
        self.transactions.iter().find(|(named, _)| named == id).map(|(_, height)| *height)
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;
    use crate::signature::SigningKey;
    use crate::transaction::transaction_id;

    fn receipt() -> (Acknowledgement, Signature) {
        let key = SigningKey::from_seed(&[9; 32]);
        let acknowledgement = Acknowledgement {
            chain_id: "mulu-test".parse().expect("a chain id"),
            node: key.public_key(),
            received_height: Height(7),
            transactions: vec![(transaction_id(b"{}"), Height(9))],
        };
        let signature = key.sign(&acknowledgement.signed_bytes());
        (acknowledgement, signature)
    }

    #[test]
    fn what_was_signed_verifies_and_nothing_else() {
        let (good, signature) = receipt();
        assert_eq!(good.verify(&signature), Ok(()));
        assert_eq!(good.commit_by(&transaction_id(b"{}")), Some(Height(9)));
        assert_eq!(good.commit_by(&transaction_id(b"[]")), None);
        let others = [
            Acknowledgement { received_height: Height(8), ..good.clone() },
            Acknowledgement { chain_id: "other".parse().expect("a chain id"), ..good.clone() },
            Acknowledgement {
                transactions: vec![(transaction_id(b"{}"), Height(10))],
                ..good.clone()
            },
        ];
        for other in others {
            assert_eq!(other.verify(&signature), Err(AcknowledgementInvalid::Signature));
        }
        let none = Acknowledgement { transactions: Vec::new(), ..good };
        assert_eq!(none.verify(&signature), Err(AcknowledgementInvalid::Count { found: 0 }));
    }

    /// The bytes of SPEC section 5.4, for other languages.
    #[test]
    fn the_signed_bytes_are_those_of_the_specification() {
        let (acknowledgement, _) = receipt();
        let bytes = acknowledgement.signed_bytes();
        let tag = b"\x17mulu/acknowledgement/v1";
        assert!(bytes.starts_with(tag));
        let rest = bytes.get(tag.len()..).expect("the tag is its prefix");
        // 8 + 9 chain id, 1 + 32 key, 8 height, 8 count, 1 + 32 id, 8 height.
        assert_eq!(rest.len(), 8 + 9 + 33 + 8 + 8 + 33 + 8);
        assert!(rest.starts_with(b"\x09\0\0\0\0\0\0\0mulu-test\x01"));
        assert!(rest.ends_with(&[9, 0, 0, 0, 0, 0, 0, 0]));
    }
}
