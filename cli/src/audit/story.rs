//! The transactions of a bundle, read under the rules, and the events that name them.

use std::collections::BTreeMap;

use mulu_chain::block::CertifiedHeader;
use mulu_chain::bundle::Item;
use mulu_chain::log::LogEntry;
use mulu_chain::state::HistoryEvent;
use mulu_chain::transaction::TransactionId;
use mulu_chain::types::{ChainId, Height};
use mulu_contracts::action::Action;
use mulu_contracts::params::{Params, ParamsRecord};
use mulu_contracts::state::{PARAMS_KEY, encode};
use mulu_contracts::transaction::Transaction;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A transaction of the bundle with its place.
#[derive(Debug)]
pub struct Told {
    /// The transaction.
    pub transaction: Transaction,
    /// Its log entry.
    pub entry: LogEntry,
    /// 0-based index in the log.
    pub log_index: u64,
}

/// The complete history of a subject up to the tip.
#[derive(Debug)]
pub struct History {
    /// The subject, such as `entry/sha256:…`.
    pub subject: String,
    /// All its events, in order.
    pub events: Vec<HistoryEvent>,
}

/// A bundle, read.
#[derive(Debug, Default)]
pub struct Story {
    /// The chain.
    pub chain_id: Option<ChainId>,
    /// The question, as text.
    pub question: String,
    /// The header everything is proved under.
    pub tip: Option<CertifiedHeader>,
    /// Records, present or absent, by key.
    pub records: BTreeMap<String, Option<Vec<u8>>>,
    /// The complete histories.
    pub histories: Vec<History>,
    /// The transactions in log order.
    pub transactions: Vec<Told>,
    places: BTreeMap<TransactionId, usize>,
    unread: Option<String>,
}

/// One action that a history names.
#[derive(Debug, Clone, Copy)]
pub struct Act<'s> {
    /// The event.
    pub event: &'s HistoryEvent,
    /// Its transaction.
    pub told: &'s Told,
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

impl Story {
    /// Takes what the proofs' verifier hands out.
    pub fn take(&mut self, item: Item) {
        match item {
            Item::Head { chain_id, question } => {
                self.chain_id = Some(chain_id);
                self.question = question;
            }
            Item::SetChange(_) => {}
            Item::Tip(tip) => self.tip = Some(*tip),
            Item::Record { key, value } => drop(self.records.insert(key, value)),
            Item::History { subject } => {
                self.histories.push(History { subject, events: Vec::new() });
            }
            Item::Transaction(told) => self.take_transaction(*told),
        }
    }

    fn take_transaction(&mut self, told: mulu_chain::bundle::Told) {
        let mulu_chain::bundle::Told { log_index, entry, envelope, events } = told;
        let id = entry.transaction;
        for touch in &events {
            let at = usize::try_from(touch.history).unwrap_or(usize::MAX);
            if let Some(history) = self.histories.get_mut(at) {
                let (height, index, action) = (entry.height, entry.index, touch.action);
                history.events.push(HistoryEvent { height, index, action, transaction: id });
            }
        }
        let parsed = match (envelope, &self.chain_id) {
            (Some(verified), Some(chain_id)) => {
                Transaction::parse(verified, chain_id).map_err(|e| e.to_string())
            }
            _ => Err("its signatures do not verify".to_owned()),
        };
        match parsed {
            Ok(transaction) => {
                self.places.insert(id, self.transactions.len());
                self.transactions.push(Told { transaction, entry, log_index });
            }
            Err(why) => {
                self.unread.get_or_insert_with(|| format!("{id}: {why}"));
            }
        }
    }

    /// How many envelopes parse, or why the first that does not parse does not.
    pub fn parsed(&self) -> Result<usize, String> {
        self.unread.clone().map_or(Ok(self.transactions.len()), Err)
    }

    /// The transactions in log order.
    pub fn transactions(&self) -> impl Iterator<Item = &Told> {
        self.transactions.iter()
    }

    /// A transaction by its id.
    pub fn transaction(&self, id: &TransactionId) -> Option<&Told> {
        self.transactions.get(*self.places.get(id)?)
    }

    /// The histories of one kind of subject, such as `entry/`.
    pub fn histories<'s>(&'s self, kind: &'s str) -> impl Iterator<Item = &'s History> {
        self.histories.iter().filter(move |history| history.subject.starts_with(kind))
    }

    /// The actions a history names, in order.
    pub fn acts<'s>(&'s self, history: &'s History) -> Result<Vec<Act<'s>>, String> {
        history.events.iter().map(|event| self.act(event)).collect()
    }

    fn act<'s>(&'s self, event: &'s HistoryEvent) -> Result<Act<'s>, String> {
        let id = event.transaction;
        let told = self.transaction(&id).ok_or_else(|| format!("{id} cannot be read"))?;
        let index = usize::try_from(event.action).unwrap_or(usize::MAX);
        let action = told.transaction.payload().actions.get(index);
        let action = action.ok_or_else(|| format!("{id} has no action {index}"))?;
        Ok(Act { event, told, action })
    }

    /// A proved record; none if it is proved absent or not in the bundle.
    pub fn record<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, String> {
        let value = self.records.get(key).and_then(Option::as_ref);
        value
            .map(|bytes| serde_json::from_slice(bytes).map_err(|e| format!("{key}: {e}")))
            .transpose()
    }

    /// Compares a derived record with the proved one, byte for byte.
    pub fn expect<T: Serialize>(&self, key: &str, derived: &T) -> Result<(), String> {
        let record = self.records.get(key).ok_or_else(|| format!("{key} is not in the bundle"))?;
        let derived = encode(derived);
        match record {
            None => Err(format!("{key} is proved absent, though transactions made it")),
            Some(value) if *value != derived => Err(format!(
                "{key} is not what its transactions make of it: proved {}, derived {}",
                String::from_utf8_lossy(value),
                String::from_utf8_lossy(&derived),
            )),
            Some(_) => Ok(()),
        }
    }

    /// The height of the tip.
    pub fn height(&self) -> Height {
        self.tip.as_ref().map(|tip| tip.header.height).unwrap_or_default()
    }

    /// The parameters in force at the tip; the defaults if the bundle has none.
    pub fn params(&self) -> Result<Params, String> {
        let record = self.record::<ParamsRecord>(PARAMS_KEY)?;
        Ok(record.map(|record| record.at(self.height())).unwrap_or_default())
    }
}
