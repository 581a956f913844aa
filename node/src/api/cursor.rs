//! Opaque cursors: base64url of JSON `{prefix, after, height}`.
//!
//! A cursor is not a secret and not signed: it can only name a place in a public list, and every
//! field is checked before it is used. Clients pass it back unchanged and never look inside.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mulu_chain::limits::STATE_KEY_BYTES_MAX;
use mulu_chain::types::Height;
use serde::{Deserialize, Serialize};

use super::catalog::invalid_cursor;
use super::problem::Problem;

/// Longest cursor text: two keys with every byte escaped, in base64.
const CURSOR_BYTES_MAX: usize = 2 * STATE_KEY_BYTES_MAX * 6 * 4 / 3 + 256;

/// A place in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The list: a key prefix, or the subject of a history.
    pub prefix: String,
    /// The last row delivered.
    pub after: String,
    /// Height of the first page.
    pub height: Height,
}

impl Cursor {
    /// The text form.
    pub fn encode(&self) -> String {
        let json = serde_json::to_vec(self).expect("strings and numbers always serialize");
        URL_SAFE_NO_PAD.encode(json)
    }

    /// Reads a client's cursor for the list `prefix` on a node at height `tip`.
    ///
    /// # Errors
    /// The problem `invalid_cursor`.
    pub fn decode(text: &str, prefix: &str, tip: Height) -> Result<Self, Problem> {
        if text.len() > CURSOR_BYTES_MAX {
            return Err(invalid_cursor());
        }
        let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid_cursor())?;
        let cursor: Cursor = serde_json::from_slice(&json).map_err(|_| invalid_cursor())?;
        if cursor.prefix != prefix || cursor.height > tip {
            return Err(invalid_cursor());
        }
        Ok(cursor)
    }
}
