//! Between the core's types and the wire's, and the core's requests to verify certificates.

use std::collections::BTreeSet;

use arc_malachitebft_core_types as core;
use core::{
    CertificateError, CommitSignature, ExtendedCommitCertificate, ExtendedCommitSignature,
    NilOrVal, PolkaCertificate, PolkaSignature, Round, RoundCertificate, RoundCertificateType,
    RoundSignature, SignedProposal, SignedVote, ThresholdParam, VoteType,
};
use mulu_chain::certificate::{self, VoteKind};
use mulu_chain::digest::Digest;
use mulu_chain::signature::Signature;
use mulu_chain::types::ChainId;

use super::context::{
    Address, BlockRef, CoreHeight, CoreProposal, CoreValidatorSet, CoreVote, MuluContext,
};
use super::io::Verified;
use super::signing::Verifier;
use super::wire::{WirePolka, WireProposal, WireRoundCertificate, WireRoundVote, WireVote};

fn kind_to_wire(kind: VoteType) -> VoteKind {
    match kind {
        VoteType::Prevote => VoteKind::Prevote,
        VoteType::Precommit => VoteKind::Precommit,
    }
}

fn kind_to_core(kind: VoteKind) -> VoteType {
    match kind {
        VoteKind::Prevote => VoteType::Prevote,
        VoteKind::Precommit => VoteType::Precommit,
    }
}

fn block_to_wire(block: NilOrVal<Digest>) -> Option<Digest> {
    match block {
        NilOrVal::Nil => None,
        NilOrVal::Val(block) => Some(block),
    }
}

fn block_to_core(block: Option<Digest>) -> NilOrVal<Digest> {
    block.map_or(NilOrVal::Nil, NilOrVal::Val)
}

/// A vote for the wire; none for an undefined round, which the core never signs.
pub fn vote_to_wire(vote: &SignedVote<MuluContext>) -> Option<WireVote> {
    Some(WireVote {
        height: vote.message.height,
        round: vote.message.round.as_u32()?,
        kind: kind_to_wire(vote.message.kind),
        block: block_to_wire(vote.message.block),
        validator: vote.message.validator.0,
        signature: vote.signature,
    })
}

/// A vote for the core.
pub fn vote_to_core(vote: &Verified<WireVote>) -> SignedVote<MuluContext> {
    let message = CoreVote {
        height: vote.height,
        round: Round::new(vote.round),
        kind: kind_to_core(vote.kind),
        block: block_to_core(vote.block),
        validator: Address(vote.validator),
    };
    SignedVote::new(message, vote.signature)
}

/// A proposal for the wire.
pub fn proposal_to_wire(proposal: &SignedProposal<MuluContext>) -> Option<WireProposal> {
    Some(WireProposal {
        height: proposal.message.height,
        round: proposal.message.round.as_u32()?,
        block: proposal.message.block.0,
        valid_round: proposal.message.valid_round.as_u32(),
        proposer: proposal.message.proposer.0,
        signature: proposal.signature,
    })
}

/// A proposal for the core.
pub fn proposal_to_core(proposal: &Verified<WireProposal>) -> SignedProposal<MuluContext> {
    let message = CoreProposal {
        height: proposal.height,
        round: Round::new(proposal.round),
        block: BlockRef(proposal.block),
        valid_round: Round::from(proposal.valid_round),
        proposer: Address(proposal.proposer),
    };
    SignedProposal::new(message, proposal.signature)
}

/// A polka for the wire.
pub fn polka_to_wire(polka: &PolkaCertificate<MuluContext>) -> Option<WirePolka> {
    Some(WirePolka {
        height: polka.height.0,
        round: polka.round.as_u32()?,
        block: polka.value_id,
        signatures: polka.polka_signatures.iter().map(|s| (s.address.0, s.signature)).collect(),
    })
}

/// A polka for the core.
pub fn polka_to_core(polka: &WirePolka) -> PolkaCertificate<MuluContext> {
    PolkaCertificate {
        height: CoreHeight(polka.height),
        round: Round::new(polka.round),
        value_id: polka.block,
        polka_signatures: polka
            .signatures
            .iter()
            .map(|(validator, signature)| PolkaSignature::new(Address(*validator), *signature))
            .collect(),
    }
}

/// A round certificate for the wire.
pub fn round_to_wire(certificate: &RoundCertificate<MuluContext>) -> Option<WireRoundCertificate> {
    Some(WireRoundCertificate {
        height: certificate.height.0,
        round: certificate.round.as_u32()?,
        precommits: certificate.cert_type == RoundCertificateType::Precommit,
        votes: certificate
            .round_signatures
            .iter()
            .map(|s| WireRoundVote {
                kind: kind_to_wire(s.vote_type),
                block: block_to_wire(s.value_id),
                validator: s.address.0,
                signature: s.signature,
            })
            .collect(),
    })
}

/// A round certificate for the core.
pub fn round_to_core(certificate: &WireRoundCertificate) -> RoundCertificate<MuluContext> {
    RoundCertificate {
        height: CoreHeight(certificate.height),
        round: Round::new(certificate.round),
        cert_type: if certificate.precommits {
            RoundCertificateType::Precommit
        } else {
            RoundCertificateType::Skip
        },
        round_signatures: certificate
            .votes
            .iter()
            .map(|v| {
                let (kind, block) = (kind_to_core(v.kind), block_to_core(v.block));
                RoundSignature::new(kind, block, Address(v.validator), v.signature)
            })
            .collect(),
    }
}

/// The chain's commit certificate from the core's.
pub fn commit_to_chain(
    certificate: &core::CommitCertificate<MuluContext>,
) -> Option<certificate::CommitCertificate> {
    let signatures = certificate
        .commit_signatures
        .iter()
        .map(|s: &CommitSignature<MuluContext>| certificate::CommitSignature {
            validator: s.address.0,
            signature: s.signature,
        })
        .collect();
    Some(certificate::CommitCertificate::new(
        certificate.height.0,
        certificate.round.as_u32()?,
        certificate.value_id,
        signatures,
    ))
}

/// The core's extended certificate from the chain's; we use no vote extensions.
pub fn commit_to_core(
    certificate: &certificate::CommitCertificate,
) -> ExtendedCommitCertificate<MuluContext> {
    ExtendedCommitCertificate {
        height: CoreHeight(certificate.height),
        round: Round::new(certificate.round),
        value_id: certificate.block,
        commit_signatures: certificate
            .signatures
            .iter()
            .map(|s| ExtendedCommitSignature::new(Address(s.validator), s.signature, None))
            .collect(),
    }
}

/// Whether a vote's signature is the voter's.
pub fn vote_verifies(
    verifier: &dyn Verifier,
    chain_id: &ChainId,
    vote: &CoreVote,
    signature: &Signature,
) -> bool {
    vote.statement(chain_id).is_some_and(|statement| {
        verifier.verify(&vote.validator.0, &statement.signed_bytes(), signature)
    })
}

/// Verifies a list of votes that together must reach a threshold. Any unknown, repeated or
/// mis-signed vote refuses the whole certificate.
#[allow(clippy::result_large_err)] // The core's own error type.
pub fn verify_votes(
    verifier: &dyn Verifier,
    chain_id: &ChainId,
    set: &CoreValidatorSet,
    threshold: ThresholdParam,
    votes: impl Iterator<Item = (CoreVote, Signature)>,
) -> Result<(), CertificateError<MuluContext>> {
    let mut seen = BTreeSet::new();
    let mut signed = 0u64;
    for (vote, signature) in votes {
        let address = vote.validator;
        let again = !seen.insert(address);
        if again && !mulu_chain::planted!("planted-certificate-repeats") {
            return Err(CertificateError::DuplicateVote(address));
        }
        let validator =
            set.chain_set().get(&address.0).ok_or(CertificateError::UnknownValidator(address))?;
        let signed_so = vote_verifies(verifier, chain_id, &vote, &signature);
        if !signed_so && !mulu_chain::planted!("planted-certificate-signatures") {
            let invalid = CommitSignature::new(address, signature);
            return Err(CertificateError::InvalidCommitSignature(invalid));
        }
        signed = signed.saturating_add(validator.power);
    }
    let total = set.chain_set().total_power();
    if threshold.is_met(signed, total) || mulu_chain::planted!("planted-certificate-power") {
        Ok(())
    } else {
        let expected = threshold.min_expected(total);
        Err(CertificateError::NotEnoughVotingPower { signed, total, expected })
    }
}
