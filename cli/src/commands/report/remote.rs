//! The state as a node has it, each record asked for once while it is remembered.

use std::cell::RefCell;
use std::collections::BTreeMap;

use mulu_contracts::state::{StateRead, StateReadError, encode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::client::Node;
use crate::failure::{Exit, Failure, Outcome};
use crate::{records, render, text};

/// Most records remembered; then all are forgotten.
const REMEMBERED_MAX: usize = 10_000;

/// The state behind a node.
pub struct Remote<'n> {
    /// The node.
    pub node: &'n Node,
    read: RefCell<BTreeMap<String, Option<Vec<u8>>>>,
}

impl<'n> Remote<'n> {
    /// The state behind `node`.
    pub fn of(node: &'n Node) -> Self {
        Remote { node, read: RefCell::default() }
    }

    /// The record under a key.
    ///
    /// # Errors
    /// Exit 4 when the node cannot be reached.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Outcome<Option<T>> {
        mulu_contracts::state::get(self, key)
            .map_err(|e| Failure::new(Exit::Unreachable, text!("{e}", "读取状态失败：{e}")))
    }

    /// A text of the record under a key, such as its name.
    ///
    /// # Errors
    /// Exit 4 when the node cannot be reached.
    pub fn name(&self, key: &str, pointer: &str) -> Outcome<Option<String>> {
        let record: Option<Value> = self.get(key)?;
        let name = record.map(|record| render::text_at(&record, pointer));
        Ok(name.filter(|name| !name.is_empty()))
    }
}

impl StateRead for Remote<'_> {
    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StateReadError> {
        if let Some(known) = self.read.borrow().get(key) {
            return Ok(known.clone());
        }
        let stored = records::find::<Value>(self.node, key);
        let stored = stored.map_err(|failure| {
            let why = failure.text.map(|text| text.en).unwrap_or_default();
            StateReadError::new(format!("{key}: {why}"))
        })?;
        let value = stored.map(|stored| encode(&stored.value));
        let mut read = self.read.borrow_mut();
        if read.len() >= REMEMBERED_MAX {
            read.clear();
        }
        read.insert(key.to_owned(), value.clone());
        Ok(value)
    }
}
