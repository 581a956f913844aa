//! State records read since the last block, remembered until the next: the same few members, offices
//! and keys are asked for with every transaction.
//!
//! What is remembered is the committed state after the tip and nothing else; whoever keeps one across
//! blocks must forget it when a block is committed. Bounded by what it holds: over it, records are
//! read anew.

use std::cell::RefCell;
use std::collections::BTreeMap;

use mulu_contracts::state::{StateRead, StateReadError};

/// Most bytes of records remembered.
pub const KNOWN_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Records by key; none where there is no record.
#[derive(Debug, Default)]
pub struct Known(RefCell<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    records: BTreeMap<String, Option<Vec<u8>>>,
    bytes: usize,
}

impl Known {
    /// Forgets everything: a block was committed.
    pub fn forget(&mut self) {
        *self.0.get_mut() = Remembered::default();
    }

    /// The state as this remembers it, read from `state` where it does not.
    pub fn over<'a>(&'a self, state: &'a dyn StateRead) -> impl StateRead + 'a {
        Remembering { known: self, state }
    }
}

struct Remembering<'a> {
    known: &'a Known,
    state: &'a dyn StateRead,
}

impl StateRead for Remembering<'_> {
    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StateReadError> {
        if let Some(known) = self.known.0.borrow().records.get(key) {
            return Ok(known.clone());
        }
        let found = self.state.read(key)?;
        let mut remembered = self.known.0.borrow_mut();
        let entry = size_of::<(String, Option<Vec<u8>>)>();
        let bytes = entry + key.len() + found.as_ref().map_or(0, Vec::len);
        if remembered.bytes + bytes <= KNOWN_BYTES_MAX {
            remembered.bytes += bytes;
            remembered.records.insert(key.to_owned(), found.clone());
        }
        Ok(found)
    }
}
