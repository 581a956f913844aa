//! Votes' signed bytes, and the commit certificate that decides a block.
//!
//! A certificate is the precommits of more than two thirds of the voting power for one block in
//! one round. It verifies from the validator set alone. Two nodes may hold different certificates
//! for the same block (other signers): a certificate is therefore never hashed into a header.

use std::collections::BTreeSet;

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::codec;
use crate::digest::{Digest, Domain};
use crate::limits::VALIDATORS_MAX;
use crate::signature::{PublicKey, Signature};
use crate::types::{ChainId, Height};
use crate::validator::ValidatorSet;

/// Which of the two votes of a round.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum VoteKind {
    /// First vote.
    Prevote,
    /// Second vote; a quorum of them decides.
    Precommit,
}

/// What a vote says. The signature covers [`VoteStatement::signed_bytes`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct VoteStatement {
    /// The chain: a vote on one chain is nothing on another.
    pub chain_id: ChainId,
    /// Height voted on.
    pub height: Height,
    /// Round voted in.
    pub round: u32,
    /// Prevote or precommit.
    pub kind: VoteKind,
    /// The block voted for; `None` is a vote for nil.
    pub block: Option<Digest>,
}

impl VoteStatement {
    /// `Domain::Vote` preimage of the bincode of this statement.
    pub fn signed_bytes(&self) -> Vec<u8> {
        Domain::Vote.preimage(&codec::encode(self))
    }
}

/// What a proposer says. The signature covers [`ProposalStatement::signed_bytes`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ProposalStatement {
    /// The chain.
    pub chain_id: ChainId,
    /// Height proposed for.
    pub height: Height,
    /// Round proposed in.
    pub round: u32,
    /// The block proposed.
    pub block: Digest,
    /// The round in which the block already had a quorum of prevotes, if any.
    pub valid_round: Option<u32>,
}

impl ProposalStatement {
    /// `Domain::Proposal` preimage of the bincode of this statement.
    pub fn signed_bytes(&self) -> Vec<u8> {
        Domain::Proposal.preimage(&codec::encode(self))
    }
}

/// One precommit of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CommitSignature {
    /// The validator.
    pub validator: PublicKey,
    /// Over the precommit statement for the certificate's height, round and block.
    pub signature: Signature,
}

/// A commit certificate.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CommitCertificate {
    /// Height decided.
    pub height: Height,
    /// Round in which it was decided.
    pub round: u32,
    /// The block decided.
    pub block: Digest,
    /// Precommits, sorted by validator key.
    pub signatures: Vec<CommitSignature>,
}

/// Why a certificate decides nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateInvalid {
    /// CRT-01
    #[error(
        "CRT-01: signatures must be sorted by validator, each validator once, at most {VALIDATORS_MAX}"
    )]
    Order,
    /// CRT-02
    #[error("CRT-02: {0} is not in the validator set of this height")]
    UnknownValidator(PublicKey),
    /// CRT-03
    #[error("CRT-03: the precommit of {0} does not verify")]
    Signature(PublicKey),
    /// CRT-04
    #[error("CRT-04: {found} of {total} voting power signed, more than two thirds are needed")]
    Power {
        /// Power that signed.
        found: u64,
        /// Power of the set.
        total: u64,
    },
}

impl CommitCertificate {
    /// Sorts the signatures into canonical order.
    pub fn new(
        height: Height,
        round: u32,
        block: Digest,
        mut signatures: Vec<CommitSignature>,
    ) -> Self {
        signatures.sort_by_key(|s| s.validator);
        CommitCertificate { height, round, block, signatures }
    }

    /// Verifies against the set in force at the certificate's height. One invalid signature
    /// refuses the whole certificate.
    ///
    /// # Errors
    /// CRT-01 to CRT-04.
    pub fn verify(&self, chain_id: &ChainId, set: &ValidatorSet) -> Result<(), CertificateInvalid> {
        if self.signatures.len() > VALIDATORS_MAX {
            return Err(CertificateInvalid::Order);
        }
        let message = VoteStatement {
            chain_id: chain_id.clone(),
            height: self.height,
            round: self.round,
            kind: VoteKind::Precommit,
            block: Some(self.block),
        }
        .signed_bytes();
        let mut seen = BTreeSet::new();
        let mut previous = None;
        let mut power = 0u64;
        for entry in &self.signatures {
            if !seen.insert(entry.validator) || previous > Some(entry.validator) {
                return Err(CertificateInvalid::Order);
            }
            previous = Some(entry.validator);
            let validator = set
                .get(&entry.validator)
                .ok_or(CertificateInvalid::UnknownValidator(entry.validator))?;
            entry
                .validator
                .verify(&message, &entry.signature)
                .or_else(|error| {
                    let skip = crate::planted!("planted-auditor-certificate-signatures");
                    if skip { Ok(()) } else { Err(error) }
                })
                .map_err(|_| CertificateInvalid::Signature(entry.validator))?;
            power = power.saturating_add(validator.power);
        }
        if !set.is_quorum(power) && !crate::planted!("planted-auditor-certificate-power") {
            return Err(CertificateInvalid::Power { found: power, total: set.total_power() });
        }
        Ok(())
    }
}
