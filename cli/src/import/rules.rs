//! The rules of the chain, applied to every prepared entry before anything is sent.
//!
//! The entries are executed against a state of our own making, in which the member, its office, its
//! duty, its system and its key are in order; what is refused there is the row's own fault. Whether
//! the member, office, duty, system and key really are in order only the chain can say.

use std::collections::{BTreeMap, BTreeSet};

use mulu_chain::signature::SigningKey;
use mulu_chain::transaction::Envelope;
use mulu_chain::types::{ChainId, Height, TimeMs};
use mulu_contracts::action::Action;
use mulu_contracts::duty::{Duty, DutyCategory, DutyStatus};
use mulu_contracts::entry::{EntryContent, EntryPublish};
use mulu_contracts::execution::{BlockContext, check as check_rules};
use mulu_contracts::key::{Key, KeyRole, KeyStatus};
use mulu_contracts::member::{Member, MemberRole, MemberStatus};
use mulu_contracts::office::{Office, OfficeStatus};
use mulu_contracts::params::Params;
use mulu_contracts::payload::{Payload, SCHEMA_VERSION, Submitter};
use mulu_contracts::protocol::Rules;
use mulu_contracts::rejection::Rejection;
use mulu_contracts::state::{self, PARAMS_KEY, StateRead, StateReadError, member_of_id};
use mulu_contracts::system::{InformationSystem, SystemStatus};
use mulu_contracts::transaction::Transaction;

use super::convert::{Binding, Prepared, Rejected};
use super::pack::pack;
use super::prepare::Batch;
use crate::text;

/// The key that signs these rehearsals; it is on no chain.
const REHEARSAL_SEED: [u8; 32] = *b"a key for rehearsals, on no chai";

struct Rehearsal(BTreeMap<String, Vec<u8>>);

impl StateRead for Rehearsal {
    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StateReadError> {
        Ok(self.0.get(key).cloned())
    }
}

/// Moves every entry that the rules refuse at a block time from `prepared` to `rejected`.
pub fn check(batch: &mut Batch, binding: &Binding, time_ms: u64) {
    let Ok(chain_id) = "rehearsal".parse::<ChainId>() else { return };
    let block =
        BlockContext { chain_id, height: Height(1), time_ms: TimeMs(time_ms), rules: Rules::First };
    let key = SigningKey::from_seed(&REHEARSAL_SEED);
    let state = Rehearsal(records(binding, &key));
    let sizes: Vec<usize> = batch.prepared.iter().map(size).collect();
    let mut refused: BTreeMap<usize, (String, String)> = BTreeMap::new();
    for run in pack(&sizes) {
        match run {
            Err(index) => {
                let detail = format!("{} bytes", sizes.get(index).copied().unwrap_or_default());
                refused.insert(index, ("TX-02".to_owned(), detail));
            }
            Ok(run) => {
                let mut left: Vec<usize> = run.collect();
                while !left.is_empty() {
                    let picked: Vec<&Prepared> =
                        left.iter().filter_map(|i| batch.prepared.get(*i)).collect();
                    let Some((action, rule, detail)) =
                        rehearse(&block, &key, &state, binding, &picked)
                    else {
                        break;
                    };
                    refused.insert(
                        left.remove(action.min(left.len().saturating_sub(1))),
                        (rule, detail),
                    );
                }
            }
        }
    }
    let mut kept = Vec::with_capacity(batch.prepared.len());
    for (index, prepared) in std::mem::take(&mut batch.prepared).into_iter().enumerate() {
        match refused.remove(&index) {
            None => kept.push(prepared),
            Some((rule, detail)) => batch.rejected.push(rejected(&prepared, &rule, &detail)),
        }
    }
    batch.prepared = kept;
}

/// Bytes of an entry's action in JSON.
pub fn size(prepared: &Prepared) -> usize {
    // The frame of `{"type":"entry.revise","entry_id":…,"prev":…,"entry":…}`, the longest.
    const FRAME: usize = 220;
    serde_json::to_vec(&prepared.content).map_or(usize::MAX, |v| v.len().saturating_add(FRAME))
}

/// A row that a rule refuses.
pub fn rejected(prepared: &Prepared, rule: &str, detail: &str) -> Rejected {
    let words = mulu_contracts::rule::Rule::from_id(rule);
    let (en, zh) = words.map_or((rule, rule), |rule| (rule.title_en(), rule.title_zh()));
    Rejected {
        line: prepared.line,
        identifier: prepared.identifier.clone(),
        name: prepared.content.name.clone(),
        code: rule.to_owned(),
        field: None,
        reason: text!("{en}: {detail}", "{zh}：{detail}"),
    }
}

/// Executes entries as one transaction; the first one refused, with rule and detail.
fn rehearse(
    block: &BlockContext,
    key: &SigningKey,
    state: &Rehearsal,
    binding: &Binding,
    entries: &[&Prepared],
) -> Option<(usize, String, String)> {
    let actions = entries
        .iter()
        // Which codes are entries, only the chain can say.
        .map(|p| EntryContent { related: Vec::new(), ..p.content.clone() })
        .map(|entry| Action::EntryPublish(Box::new(EntryPublish { entry })))
        .collect();
    let payload = Payload {
        schema_version: SCHEMA_VERSION,
        chain_id: block.chain_id.clone(),
        submitter: Submitter { member: member_of_id(&binding.office).to_owned(), office: None },
        on_behalf_of: None,
        created_at: None,
        valid_until: block.height.0,
        nonce: None,
        actions,
    };
    let bytes = serde_json::to_vec(&payload).ok()?;
    let envelope = match Envelope::sign(bytes, &[key]).and_then(Envelope::verify) {
        Ok(envelope) => envelope,
        Err(e) => return Some((0, e.id().to_owned(), e.to_string())),
    };
    // A payload that does not parse says nothing of which entry is at fault: try them one by one.
    let transaction = match Transaction::parse(envelope, &block.chain_id) {
        Ok(transaction) => transaction,
        Err(invalid) if entries.len() > 1 => {
            return entries
                .iter()
                .enumerate()
                .find_map(|(index, entry)| {
                    let (_, rule, detail) = rehearse(block, key, state, binding, &[entry])?;
                    Some((index, rule, detail))
                })
                .or_else(|| {
                    Some((0, invalid.rule().id().to_owned(), invalid.detail().to_owned()))
                });
        }
        Err(invalid) => {
            return Some((0, invalid.rule().id().to_owned(), invalid.detail().to_owned()));
        }
    };
    match check_rules(block, &transaction, state) {
        Ok(Ok(())) => None,
        Ok(Err(Rejection { rule, action, detail })) => {
            Some((usize::try_from(action).unwrap_or(0), rule.id().to_owned(), detail))
        }
        Err(error) => Some((0, "rehearsal".to_owned(), error.to_string())),
    }
}

/// The records in which everything about the submitter is in order.
fn records(binding: &Binding, key: &SigningKey) -> BTreeMap<String, Vec<u8>> {
    let uscc = member_of_id(&binding.office).to_owned();
    let local = |id: &str| id.rsplit(':').next().unwrap_or(id).to_owned();
    let height = Height::GENESIS;
    let member = Member {
        uscc: uscc.clone(),
        name: uscc.clone(),
        name_en: None,
        region: binding.region.clone(),
        roles: vec![MemberRole::Provider],
        nodes: Vec::new(),
        uscc_check_waived: false,
        status: MemberStatus::Active,
        admitted_at_height: height,
        status_since_height: None,
        status_reason: None,
    };
    let office = Office {
        id: binding.office.clone(),
        member: uscc.clone(),
        code: local(&binding.office),
        name: local(&binding.office),
        name_en: None,
        status: OfficeStatus::Active,
        established_at_height: height,
        dissolved_at_height: None,
        dissolved_at_ms: None,
        successor: None,
    };
    let duty = Duty {
        id: binding.duty.clone(),
        member: uscc.clone(),
        code: local(&binding.duty),
        name: local(&binding.duty),
        description: None,
        legal_basis: Vec::new(),
        office: binding.office.clone(),
        category: DutyCategory::Other,
        effective_from: "0001-01-01".to_owned(),
        effective_to: None,
        status: DutyStatus::Active,
        registered_at_height: height,
        supersedes: None,
        ended_at_height: None,
        ended_at_ms: None,
        end_basis: None,
        successor: None,
    };
    let signer = Key {
        public_key: key.public_key(),
        member: uscc.clone(),
        roles: vec![KeyRole::Officer],
        office: None,
        label: None,
        valid_from: None,
        valid_to: None,
        status: KeyStatus::Active,
        registered_at_height: height,
        revoked_at_height: None,
        revocation_reason: None,
        replaced_by: None,
    };
    let mut records = BTreeMap::from([
        (PARAMS_KEY.to_owned(), state::encode(&Params::default())),
        (state::member_key(&uscc), state::encode(&member)),
        (state::office_key(&office.id), state::encode(&office)),
        (state::duty_key(&duty.id), state::encode(&duty)),
        (state::key_key(&key.public_key()), state::encode(&signer)),
    ]);
    if let Some(id) = &binding.system {
        let system = InformationSystem {
            id: id.clone(),
            member: uscc,
            code: local(id),
            name: local(id),
            office: binding.office.clone(),
            status: SystemStatus::Running,
            tables: Vec::new(),
            protection_level: None,
            duties: Vec::new(),
            registered_at_height: height,
            revised_at_height: None,
            columns_changed: Vec::new(),
            revised_at_ms: None,
            profile: None,
            stopped_at_ms: None,
        };
        records.insert(state::system_key(id), state::encode(&system));
    }
    records
}

/// Rules whose refusal is the fault of one row; any other concerns all of them.
pub fn is_about_one_row(rule: &str) -> bool {
    let subjects = BTreeSet::from(["ENT", "FLD"]);
    let not = ["ENT-02", "ENT-23"];
    rule.split('-').next().is_some_and(|s| subjects.contains(s)) && !not.contains(&rule)
}

#[cfg(test)]
mod tests;
