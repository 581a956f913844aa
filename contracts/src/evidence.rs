//! Evidence 双签证据: two statements of one validator that contradict each other, with both signatures.
//!
//! Whoever holds the record can check it again with the validator's key alone. It is a fact: it
//! takes nothing from anybody; what follows from it (`validator.retire`, `key.revoke`) the members
//! decide.

use mulu_chain::certificate::{ProposalStatement, VoteKind, VoteStatement};
use mulu_chain::digest::Digest;
use mulu_chain::signature::{PublicKey, Signature};
use mulu_chain::types::{ChainId, Height};
use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::call::Call;
use crate::key::{Key, KeyRole};
use crate::limits::{EVIDENCE_HEIGHTS_MAX, VALIDATOR_DELAY_HEIGHTS};
use crate::payload::{Payload, SCHEMA_VERSION, Submitter};
use crate::rejection::{Step, Stop, refuse, require};
use crate::rule::Rule;
use crate::state::{self, EVIDENCE_SUBJECT, StateRead, evidence_key, key_key, member_key};

/// Evidence as stored. Nothing ever changes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The validator that contradicted itself.
    pub validator: PublicKey,
    /// The member its key belongs to.
    pub member: String,
    /// Height of both statements.
    pub height: Height,
    /// Round of both statements.
    pub round: u32,
    /// What both statements are.
    pub step: EvidenceStep,
    /// The one whose signed bytes come first.
    pub first: Statement,
    /// The other.
    pub second: Statement,
    /// The member that reported it.
    pub reporter: String,
    /// When it was recorded.
    pub recorded_at_height: Height,
}

/// Which statement of a round is said twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EvidenceStep {
    /// A proposal.
    Proposal,
    /// A first vote.
    Prevote,
    /// A second vote.
    Precommit,
}

impl EvidenceStep {
    /// The step's name in JSON and in state keys.
    pub const fn name(self) -> &'static str {
        match self {
            EvidenceStep::Proposal => "proposal",
            EvidenceStep::Prevote => "prevote",
            EvidenceStep::Precommit => "precommit",
        }
    }
}

/// What one of the two statements says beyond height, round and step, and its signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The block proposed or voted for; none is a vote for nil.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<Digest>,
    /// A proposal's earlier round with a quorum of prevotes, if it claims one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_round: Option<u32>,
    /// The validator's signature over the statement's signed bytes.
    pub signature: Signature,
}

/// Two statements that contradict each other, as reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Equivocation {
    /// The validator.
    pub validator: PublicKey,
    /// Height of both statements.
    pub height: Height,
    /// Round of both statements.
    pub round: u32,
    /// What both statements are.
    pub step: EvidenceStep,
    /// The one whose signed bytes come first.
    pub first: Statement,
    /// The other.
    pub second: Statement,
}

/// `evidence.record`: a member's validator or administrator reports an equivocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceRecord {
    /// The equivocation.
    pub evidence: Equivocation,
}

impl Equivocation {
    /// Puts the two statements into the one order that EVD-04 accepts.
    pub fn ordered(mut self, chain_id: &ChainId) -> Equivocation {
        let bytes = |statement| self.signed_bytes(chain_id, statement);
        if bytes(&self.first) > bytes(&self.second) {
            std::mem::swap(&mut self.first, &mut self.second);
        }
        self
    }

    /// The state key of the record it becomes.
    pub fn key(&self) -> String {
        evidence_key(&self.validator, self.height, self.round, self.step.name())
    }

    /// What a statement's signature covers; none if it is no statement of the step (EVD-05).
    fn signed_bytes(&self, chain_id: &ChainId, statement: &Statement) -> Option<Vec<u8>> {
        let vote = |kind| {
            let vote = VoteStatement {
                chain_id: chain_id.clone(),
                height: self.height,
                round: self.round,
                kind,
                block: statement.block,
            };
            statement.valid_round.is_none().then(|| vote.signed_bytes())
        };
        match self.step {
            EvidenceStep::Prevote => vote(VoteKind::Prevote),
            EvidenceStep::Precommit => vote(VoteKind::Precommit),
            EvidenceStep::Proposal => {
                let proposal = ProposalStatement {
                    chain_id: chain_id.clone(),
                    height: self.height,
                    round: self.round,
                    block: statement.block?,
                    valid_round: statement.valid_round,
                };
                Some(proposal.signed_bytes())
            }
        }
    }
}

/// The payload by which a member reports an equivocation; its validator key signs it. The same
/// arguments give the same bytes, so that a node that reports twice submits one transaction.
pub fn transaction_payload(
    chain_id: &ChainId,
    reporter: &str,
    valid_until: Height,
    evidence: Equivocation,
) -> Vec<u8> {
    let evidence = evidence.ordered(chain_id);
    state::encode(&Payload {
        schema_version: SCHEMA_VERSION,
        chain_id: chain_id.clone(),
        submitter: Submitter { member: reporter.to_owned(), office: None },
        on_behalf_of: None,
        created_at: None,
        valid_until: valid_until.0,
        nonce: None,
        actions: vec![Action::EvidenceRecord(EvidenceRecord { evidence })],
    })
}

/// Whether an equivocation of this validator at this place is recorded already.
///
/// # Errors
/// [`state::StateReadError`] if the state cannot be read.
pub fn is_recorded(
    state: &dyn StateRead,
    evidence: &Equivocation,
) -> Result<bool, state::StateReadError> {
    Ok(state.read(&evidence.key())?.is_some())
}

pub(crate) fn record(call: &mut Call<'_, '_>, action: &EvidenceRecord) -> Step {
    call.signers.own(&[KeyRole::Validator, KeyRole::Administrator], None)?;
    let evidence = &action.evidence;
    let member = accused(call, evidence)?;
    check_height(call.height(), evidence.height)?;
    let at = evidence.key();
    let recorded = call.overlay.has(&at)?;
    require(!recorded, Rule::EvidenceExists, || at.clone())?;
    check_statements(&call.block.chain_id, evidence)?;
    let Equivocation { validator, height, round, step, first, second } = evidence.clone();
    let record = Evidence {
        validator,
        member: member.clone(),
        height,
        round,
        step,
        first,
        second,
        reporter: call.uscc().to_owned(),
        recorded_at_height: call.height(),
    };
    call.overlay.put(at.clone(), &record)?;
    call.touch(at);
    call.touch(EVIDENCE_SUBJECT.to_owned());
    call.touch(key_key(&validator));
    call.touch(member_key(&member));
    Ok(())
}

/// The member of a key that could vote at the height (EVD-01). A revoked key may still be in the
/// set of the next height; what it says later could be anybody's.
fn accused(call: &Call<'_, '_>, evidence: &Equivocation) -> Step<String> {
    let key: Option<Key> = call.overlay.get(&key_key(&evidence.validator))?;
    let could_vote = |key: &Key| {
        let lasted =
            |revoked: Height| evidence.height.0 < revoked.0.saturating_add(VALIDATOR_DELAY_HEIGHTS);
        key.has(&[KeyRole::Validator])
            && key.registered_at_height <= evidence.height
            && key.revoked_at_height.is_none_or(lasted)
    };
    key.filter(could_vote).map(|key| key.member).ok_or_else(|| {
        let detail = format!("{} at height {}", evidence.validator, evidence.height);
        Stop::Rule(Rule::EvidenceValidator, detail)
    })
}

/// Neither ahead of the chain nor too long ago (EVD-02).
fn check_height(now: Height, height: Height) -> Step {
    let earliest = now.0.saturating_sub(EVIDENCE_HEIGHTS_MAX);
    require((earliest..=now.0).contains(&height.0), Rule::EvidenceHeight, || {
        format!("height is {height}, allowed are {earliest} to {now}")
    })
}

/// Two statements of the step (EVD-05), different (EVD-03), in order (EVD-04), both signed by the
/// validator (EVD-06).
fn check_statements(chain_id: &ChainId, evidence: &Equivocation) -> Step {
    let mut said = Vec::new();
    for (name, statement) in [("first", &evidence.first), ("second", &evidence.second)] {
        match evidence.signed_bytes(chain_id, statement) {
            Some(bytes) => said.push((name, bytes, &statement.signature)),
            None => {
                let detail = format!("{name}, a {}", evidence.step.name());
                return refuse(Rule::EvidenceStatement, detail);
            }
        }
    }
    if let [(_, first, _), (_, second, _)] = said.as_slice() {
        require(first != second, Rule::EvidenceSame, String::new)?;
        require(first < second, Rule::EvidenceOrder, String::new)?;
    }
    for (name, bytes, signature) in said {
        let signed = evidence.validator.verify(&bytes, signature).is_ok()
            || mulu_chain::planted!("planted-evidence-unsigned");
        require(signed, Rule::EvidenceSignature, || {
            format!("{name}: not a signature of {}", evidence.validator)
        })?;
    }
    Ok(())
}
