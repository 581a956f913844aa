//! Malachite's types, spelled in our words: what the consensus core needs to know of a block is
//! its id, of a validator its key and power. Block bodies travel and are kept beside the core.

use arc_malachitebft_core_types as core;
use core::{NilOrVal, Round, SignedExtension, VoteType};
use mulu_chain::certificate::{ProposalStatement, VoteKind, VoteStatement};
use mulu_chain::digest::Digest;
use mulu_chain::signature::{PublicKey, Signature};
use mulu_chain::types::{ChainId, Height};
use mulu_chain::validator as chain;
use std::fmt;

/// The consensus context; carries the chain id so that nothing signed fits another chain.
#[derive(Debug, Clone)]
pub struct MuluContext {
    /// The chain.
    pub chain_id: ChainId,
}

/// A height, for the core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CoreHeight(pub Height);

/// A validator's address: its public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address(pub PublicKey);

/// What consensus decides: a block id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlockRef(pub Digest);

/// A validator, for the core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoreValidator {
    address: Address,
    power: u64,
}

/// A validator set, for the core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoreValidatorSet {
    set: chain::ValidatorSet,
    validators: Vec<CoreValidator>,
}

/// A proposal, for the core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoreProposal {
    /// Height proposed for.
    pub height: Height,
    /// Round proposed in.
    pub round: Round,
    /// The block.
    pub block: BlockRef,
    /// Round of an earlier quorum of prevotes, or nil.
    pub valid_round: Round,
    /// The proposer.
    pub proposer: Address,
}

/// A vote, for the core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoreVote {
    /// Height voted on.
    pub height: Height,
    /// Round voted in.
    pub round: Round,
    /// Prevote or precommit.
    pub kind: VoteType,
    /// The block, or nil.
    pub block: NilOrVal<Digest>,
    /// The voter.
    pub validator: Address,
}

/// Block bodies travel beside the core, so there are no parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoPart {}

/// Ed25519 by the chain's own rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ed25519Strict;

impl CoreValidatorSet {
    /// Wraps a checked set.
    pub fn new(set: chain::ValidatorSet) -> Self {
        let validators = set
            .validators()
            .iter()
            .map(|v| CoreValidator { address: Address(v.public_key), power: v.power })
            .collect();
        CoreValidatorSet { set, validators }
    }

    /// The chain's own type.
    pub fn chain_set(&self) -> &chain::ValidatorSet {
        &self.set
    }
}

impl CoreVote {
    /// The statement the signature covers; none for an undefined round, which is never signed.
    pub fn statement(&self, chain_id: &ChainId) -> Option<VoteStatement> {
        Some(VoteStatement {
            chain_id: chain_id.clone(),
            height: self.height,
            round: self.round.as_u32()?,
            kind: match self.kind {
                VoteType::Prevote => VoteKind::Prevote,
                VoteType::Precommit => VoteKind::Precommit,
            },
            block: match self.block {
                NilOrVal::Nil => None,
                NilOrVal::Val(block) => Some(block),
            },
        })
    }
}

impl CoreProposal {
    /// The statement the signature covers.
    pub fn statement(&self, chain_id: &ChainId) -> Option<ProposalStatement> {
        Some(ProposalStatement {
            chain_id: chain_id.clone(),
            height: self.height,
            round: self.round.as_u32()?,
            block: self.block.0,
            valid_round: self.valid_round.as_u32(),
        })
    }
}

impl fmt::Display for CoreHeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core::Height for CoreHeight {
    const ZERO: Self = CoreHeight(Height(0));
    const INITIAL: Self = CoreHeight(Height(1));

    fn increment_by(&self, n: u64) -> Self {
        CoreHeight(Height(self.0.0.saturating_add(n)))
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.0.checked_sub(n).map(|height| CoreHeight(Height(height)))
    }

    fn as_u64(&self) -> u64 {
        self.0.0
    }
}

impl core::Address for Address {}

impl core::Value for BlockRef {
    type Id = Digest;

    fn id(&self) -> Digest {
        self.0
    }
}

impl core::Validator<MuluContext> for CoreValidator {
    fn address(&self) -> &Address {
        &self.address
    }

    fn public_key(&self) -> &PublicKey {
        &self.address.0
    }

    fn voting_power(&self) -> u64 {
        self.power
    }
}

impl core::ValidatorSet<MuluContext> for CoreValidatorSet {
    fn count(&self) -> usize {
        self.validators.len()
    }

    fn total_voting_power(&self) -> u64 {
        self.set.total_power()
    }

    fn get_by_address(&self, address: &Address) -> Option<&CoreValidator> {
        let index = self.validators.binary_search_by_key(address, |v| v.address).ok()?;
        self.validators.get(index)
    }

    fn get_by_index(&self, index: usize) -> Option<&CoreValidator> {
        self.validators.get(index)
    }
}

impl core::Proposal<MuluContext> for CoreProposal {
    fn height(&self) -> CoreHeight {
        CoreHeight(self.height)
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &BlockRef {
        &self.block
    }

    fn take_value(self) -> BlockRef {
        self.block
    }

    fn pol_round(&self) -> Round {
        self.valid_round
    }

    fn validator_address(&self) -> &Address {
        &self.proposer
    }
}

impl core::Vote<MuluContext> for CoreVote {
    fn height(&self) -> CoreHeight {
        CoreHeight(self.height)
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<Digest> {
        &self.block
    }

    fn take_value(self) -> NilOrVal<Digest> {
        self.block
    }

    fn vote_type(&self) -> VoteType {
        self.kind
    }

    fn validator_address(&self) -> &Address {
        &self.validator
    }

    fn extension(&self) -> Option<&SignedExtension<MuluContext>> {
        None
    }

    fn take_extension(&mut self) -> Option<SignedExtension<MuluContext>> {
        None
    }

    fn extend(self, _: SignedExtension<MuluContext>) -> Self {
        self
    }
}

impl core::ProposalPart<MuluContext> for NoPart {
    fn is_first(&self) -> bool {
        match *self {}
    }

    fn is_last(&self) -> bool {
        match *self {}
    }
}

impl core::SigningScheme for Ed25519Strict {
    type DecodingError = String;
    type Signature = Signature;
    type PublicKey = PublicKey;
    // Signing happens in the replica, behind the signer guard; the core never holds a key.
    type PrivateKey = ();

    fn decode_signature(bytes: &[u8]) -> Result<Signature, String> {
        let bytes = bytes.try_into().map_err(|_| "a signature has 64 bytes".to_owned())?;
        Ok(Signature::from_bytes(bytes))
    }

    fn encode_signature(signature: &Signature) -> Vec<u8> {
        signature.as_bytes().to_vec()
    }

    fn decode_public_key(bytes: &[u8]) -> Result<PublicKey, String> {
        let bytes = bytes.try_into().map_err(|_| "a public key has 32 bytes".to_owned())?;
        PublicKey::from_bytes(bytes).map_err(|error| error.to_string())
    }

    fn encode_public_key(key: &PublicKey) -> Vec<u8> {
        key.as_bytes().to_vec()
    }
}

impl core::Context for MuluContext {
    type Address = Address;
    type Height = CoreHeight;
    type ProposalPart = NoPart;
    type Proposal = CoreProposal;
    type Validator = CoreValidator;
    type ValidatorSet = CoreValidatorSet;
    type Timeouts = core::LinearTimeouts;
    type Value = BlockRef;
    type Vote = CoreVote;
    type Extension = ();
    type SigningScheme = Ed25519Strict;

    fn select_proposer<'a>(
        &self,
        set: &'a CoreValidatorSet,
        height: CoreHeight,
        round: Round,
    ) -> &'a CoreValidator {
        let round = round.as_u32().unwrap_or(0);
        set.set
            .proposer(height.0, round)
            .and_then(|v| core::ValidatorSet::get_by_address(set, &Address(v.public_key)))
            .expect("a checked validator set is not empty")
    }

    fn new_proposal(
        &self,
        height: CoreHeight,
        round: Round,
        block: BlockRef,
        valid_round: Round,
        proposer: Address,
    ) -> CoreProposal {
        CoreProposal { height: height.0, round, block, valid_round, proposer }
    }

    fn new_prevote(
        &self,
        height: CoreHeight,
        round: Round,
        block: NilOrVal<Digest>,
        validator: Address,
    ) -> CoreVote {
        CoreVote { height: height.0, round, kind: VoteType::Prevote, block, validator }
    }

    fn new_precommit(
        &self,
        height: CoreHeight,
        round: Round,
        block: NilOrVal<Digest>,
        validator: Address,
    ) -> CoreVote {
        CoreVote { height: height.0, round, kind: VoteType::Precommit, block, validator }
    }
}
