//! What a block has written so far, on top of the state before it.
//!
//! A transaction's writes are pending until [`Overlay::commit`]; [`Overlay::abort`] forgets them
//! together with their history events, so that a transaction takes effect as a whole or not at all.

use std::collections::BTreeMap;

use mulu_chain::codec;
use mulu_chain::limits::{STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX};
use mulu_chain::state::{HistoryEvent, HistoryLeaf, history_key};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::execution::SubjectEvent;
use crate::rejection::{Step, require};
use crate::rule::Rule;
use crate::state::{self, StateRead, StateReadError};

/// Largest encoded history leaf: a count and a tagged digest.
const HISTORY_LEAF_BYTES_MAX: usize = 64;

pub(crate) struct Overlay<'s> {
    base: &'s dyn StateRead,
    changes: BTreeMap<String, Vec<u8>>,
    events: Vec<SubjectEvent>,
    pending: BTreeMap<String, Vec<u8>>,
    pending_events: Vec<SubjectEvent>,
}

impl<'s> Overlay<'s> {
    pub(crate) fn new(base: &'s dyn StateRead) -> Self {
        Overlay {
            base,
            changes: BTreeMap::new(),
            events: Vec::new(),
            pending: BTreeMap::new(),
            pending_events: Vec::new(),
        }
    }

    /// The value of a key as the current action sees it. Keys may hold text of the transaction;
    /// one that is too long to be a state key has no value.
    pub(crate) fn value(&self, key: &str) -> Result<Option<Vec<u8>>, StateReadError> {
        if key.len() > STATE_KEY_BYTES_MAX {
            return Ok(None);
        }
        match self.pending.get(key).or_else(|| self.changes.get(key)) {
            Some(value) => Ok(Some(value.clone())),
            None => self.base.read(key),
        }
    }

    /// The record under a key.
    pub(crate) fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StateReadError> {
        self.value(key)?.map(|value| state::decode(key, &value)).transpose()
    }

    /// The record under a key as it was before the block.
    pub(crate) fn before<T: DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<T>, StateReadError> {
        state::get(self.base, key)
    }

    /// Whether a key has a value.
    pub(crate) fn has(&self, key: &str) -> Result<bool, StateReadError> {
        Ok(self.value(key)?.is_some())
    }

    /// Writes a record; TX-15 if its value exceeds what the state holds.
    pub(crate) fn put<T: Serialize>(&mut self, key: String, record: &T) -> Step {
        let value = state::encode(record);
        require(value.len() <= STATE_VALUE_BYTES_MAX, Rule::RecordTooLarge, || {
            format!("{key} would take {} bytes, at most {STATE_VALUE_BYTES_MAX}", value.len())
        })?;
        self.pending.insert(key, value);
        Ok(())
    }

    /// Appends an event to a subject's history.
    pub(crate) fn append(
        &mut self,
        subject: &str,
        event: &HistoryEvent,
    ) -> Result<(), StateReadError> {
        let key = history_key(subject);
        let leaf: HistoryLeaf = match self.value(&key)? {
            Some(value) => codec::decode::<_, HISTORY_LEAF_BYTES_MAX>(&value)
                .map_err(|error| StateReadError::corrupt(&key, error))?,
            None => HistoryLeaf::default(),
        };
        self.pending_events.push(SubjectEvent {
            subject: subject.to_owned(),
            number: leaf.count,
            event: event.clone(),
        });
        self.pending.insert(key, codec::encode(&leaf.append(event)));
        Ok(())
    }

    /// Keeps what the transaction wrote.
    pub(crate) fn commit(&mut self) {
        // Not `append`, which walks all that the block has written so far for each transaction.
        self.changes.extend(std::mem::take(&mut self.pending));
        self.events.append(&mut self.pending_events);
    }

    /// Forgets what the transaction wrote.
    pub(crate) fn abort(&mut self) {
        self.pending.clear();
        self.pending_events.clear();
    }

    /// What was kept.
    pub(crate) fn into_parts(self) -> (BTreeMap<String, Vec<u8>>, Vec<SubjectEvent>) {
        (self.changes, self.events)
    }
}
