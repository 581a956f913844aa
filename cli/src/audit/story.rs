//! The transactions of a bundle, read under the rules, and the events that name them.

use std::collections::BTreeMap;

use mulu_chain::bundle::{Bundle, BundledHistory};
use mulu_chain::log::LogEntry;
use mulu_chain::state::HistoryEvent;
use mulu_chain::transaction::TransactionId;
use mulu_contracts::action::Action;
use mulu_contracts::params::{Params, ParamsRecord};
use mulu_contracts::state::{PARAMS_KEY, encode};
use mulu_contracts::transaction::Transaction;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A transaction of the bundle with its place.
#[derive(Debug)]
pub struct Told<'a> {
    /// The transaction.
    pub transaction: Transaction,
    /// Its log entry.
    pub entry: &'a LogEntry,
}

/// A bundle, read.
#[derive(Debug)]
pub struct Story<'a> {
    /// The bundle.
    pub bundle: &'a Bundle,
    transactions: BTreeMap<TransactionId, Told<'a>>,
}

/// One action that a history names.
#[derive(Debug, Clone, Copy)]
pub struct Act<'s> {
    /// The event.
    pub event: &'s HistoryEvent,
    /// Its transaction.
    pub told: &'s Told<'s>,
    /// The action.
    pub action: &'s Action,
}

impl Act<'_> {
    /// The member that submitted it, or that it was submitted on behalf of.
    pub fn member(&self) -> &str {
        let payload = self.told.transaction.payload();
        payload.on_behalf_of.as_ref().unwrap_or(&payload.submitter.member)
    }

    /// The office that submitted it, as id.
    pub fn office(&self) -> Option<&str> {
        self.told.transaction.payload().submitter.office.as_deref()
    }

    /// Block time, if the record says that a deadline runs from it: whether one did, the parameters
    /// of then decide, which a bundle does not tell.
    pub fn noted(&self, recorded: Option<u64>) -> Option<u64> {
        recorded.map(|_| self.told.entry.time_ms.0)
    }

    /// Where it stands in the chain.
    pub fn place(&self) -> (u64, u32, u32) {
        (self.event.height.0, self.event.index, self.event.action)
    }
}

impl<'a> Story<'a> {
    /// Reads a bundle: the story of what could be read, and how many envelopes parse or why one
    /// does not.
    pub fn read(bundle: &'a Bundle) -> (Story<'a>, Result<usize, String>) {
        let mut transactions = BTreeMap::new();
        let mut result = Ok(bundle.transactions.len());
        for bundled in &bundle.transactions {
            let id = bundled.entry.transaction;
            let parsed =
                bundled.envelope.clone().verify().map_err(|e| e.to_string()).and_then(|verified| {
                    Transaction::parse(verified, &bundle.chain_id).map_err(|e| e.to_string())
                });
            match parsed {
                Ok(transaction) => {
                    let told = Told { transaction, entry: &bundled.entry };
                    transactions.insert(id, told);
                }
                Err(why) => {
                    if result.is_ok() {
                        result = Err(format!("{id}: {why}"));
                    }
                }
            }
        }
        (Story { bundle, transactions }, result)
    }

    /// The transactions in log order.
    pub fn transactions(&self) -> impl Iterator<Item = &Told<'a>> {
        self.bundle.transactions.iter().filter_map(|t| self.transactions.get(&t.entry.transaction))
    }

    /// The histories of one kind of subject, such as `entry/`.
    pub fn histories<'s>(&'s self, kind: &'s str) -> impl Iterator<Item = &'s BundledHistory> {
        self.bundle.histories.iter().filter(move |history| history.subject.starts_with(kind))
    }

    /// The actions a history names, in order.
    pub fn acts<'s>(&'s self, history: &'s BundledHistory) -> Result<Vec<Act<'s>>, String> {
        history.events.iter().map(|event| self.act(event)).collect()
    }

    fn act<'s>(&'s self, event: &'s HistoryEvent) -> Result<Act<'s>, String> {
        let id = event.transaction;
        let told = self.transactions.get(&id).ok_or_else(|| format!("{id} cannot be read"))?;
        let index = usize::try_from(event.action).unwrap_or(usize::MAX);
        let action = told.transaction.payload().actions.get(index);
        let action = action.ok_or_else(|| format!("{id} has no action {index}"))?;
        Ok(Act { event, told, action })
    }

    /// A proved record; none if it is proved absent or not in the bundle.
    pub fn record<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, String> {
        let value = self.bundle.record(key).and_then(|record| record.value.as_ref());
        value
            .map(|bytes| serde_json::from_slice(bytes).map_err(|e| format!("{key}: {e}")))
            .transpose()
    }

    /// Compares a derived record with the proved one, byte for byte.
    pub fn expect<T: Serialize>(&self, key: &str, derived: &T) -> Result<(), String> {
        let record =
            self.bundle.record(key).ok_or_else(|| format!("{key} is not in the bundle"))?;
        let derived = encode(derived);
        match &record.value {
            None => Err(format!("{key} is proved absent, though transactions made it")),
            Some(value) if *value != derived => Err(format!(
                "{key} is not what its transactions make of it: proved {}, derived {}",
                String::from_utf8_lossy(value),
                String::from_utf8_lossy(&derived),
            )),
            Some(_) => Ok(()),
        }
    }

    /// The parameters in force at the tip; the defaults if the bundle has none.
    pub fn params(&self) -> Result<Params, String> {
        let record = self.record::<ParamsRecord>(PARAMS_KEY)?;
        let tip = self.bundle.tip.header.height;
        Ok(record.map(|record| record.at(tip)).unwrap_or_default())
    }
}
