//! Records, present or absent, and the histories that are to be complete.

use super::super::question::Question;
use super::super::state_cover::CoverInvalid;
use super::{History, Item, Verifier};
use crate::codec;
use crate::limits::{BUNDLE_HISTORIES_MAX, STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX};
use crate::state::{HistoryLeaf, StateLeaf, history_key, key_hash, value_hash};

/// Bytes of an encoded history leaf, and room for the decoder's count of them.
const HISTORY_LEAF_BYTES_MAX: usize = 64;

impl Verifier {
    pub(super) fn covered(&mut self, covered: Result<(), CoverInvalid>) {
        if let Err(invalid) = covered
            && !crate::planted!("planted-auditor-state-proofs")
        {
            self.checks.records.fail(format!("STA-01: {invalid}"));
        }
    }

    pub(super) fn record(&mut self, depth: u16, key: String, value: Vec<u8>) -> Item {
        let leaf = StateLeaf { key_hash: key_hash(&key), value_hash: value_hash(&value) };
        let covered = self.state.leaf(depth, &leaf);
        let result = match covered {
            Err(invalid) if !crate::planted!("planted-auditor-state-proofs") => {
                Err(format!("STA-01, STA-02: {key}: {invalid}"))
            }
            _ => self.bounds(&key, &value),
        };
        self.checks.records.note(result);
        self.seen(&key, Some(&value));
        Item::Record { key, value: Some(value) }
    }

    pub(super) fn bounds(&self, key: &str, value: &[u8]) -> Result<(), String> {
        if key.len() > STATE_KEY_BYTES_MAX || value.len() > STATE_VALUE_BYTES_MAX {
            return Err("a record exceeds its bound".to_owned());
        }
        Ok(())
    }

    pub(super) fn absent(&mut self, key: String) -> Item {
        let result = match self.state.absent(&key) {
            Err(invalid) if !crate::planted!("planted-auditor-state-proofs") => {
                Err(format!("STA-03: {key}: {invalid}"))
            }
            _ if self.last_absent.as_ref().is_some_and(|last| *last >= key) => {
                Err(format!("{key}: absent keys are not in order"))
            }
            _ => self.bounds(&key, &[]),
        };
        self.checks.records.note(result);
        self.last_absent = Some(key.clone());
        self.seen(&key, None);
        Item::Record { key, value: None }
    }

    /// Notes history leaves, and the record asked about.
    pub(super) fn seen(&mut self, key: &str, value: Option<&[u8]>) {
        if let Some(subject) = key.strip_prefix("history/") {
            let leaf = match value {
                None => Ok(HistoryLeaf::default()),
                Some(bytes) => codec::decode::<HistoryLeaf, HISTORY_LEAF_BYTES_MAX>(bytes),
            };
            match leaf {
                Ok(leaf) => drop(self.leaves.insert(subject.to_owned(), leaf)),
                Err(error) => self.checks.histories.fail(format!("{subject}: {error}")),
            }
        }
        let asked = self.question.as_ref().and_then(Question::subject);
        self.answered.record |= asked.as_deref() == Some(key);
    }

    pub(super) fn history(&mut self, subject: String) -> Item {
        let leaf = self.leaves.remove(&subject);
        let mut result = Ok(());
        if leaf.is_none() {
            result = Err(format!("{}: its history leaf is missing", history_key(&subject)));
        }
        if self.last_subject.as_ref().is_some_and(|last| *last >= subject) {
            result = Err(format!("{subject}: histories are not in order"));
        }
        if self.histories.len() >= BUNDLE_HISTORIES_MAX {
            result = Err(format!("more than {BUNDLE_HISTORIES_MAX} histories"));
        } else {
            let proved = leaf.unwrap_or_default();
            self.histories.push(History { proved, told: HistoryLeaf::default() });
        }
        self.checks.histories.note(result);
        let asked = self.question.as_ref().and_then(Question::subject);
        self.answered.history |= asked.as_deref() == Some(&subject);
        self.last_subject = Some(subject.clone());
        Item::History { subject }
    }
}
