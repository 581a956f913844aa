//! The founding document of a consortium, its checks, and block 0.
//!
//! A founding document is a TOML text that people can read and sign on paper. [`parse`] checks it
//! and makes block 0 of it: records as the contracts would have written them at height 0, the
//! validators that decide block 1, and the header whose digest everybody keeps. Comments, blanks
//! and the order of sections do not change the digest; everything else does.
//!
//! Invariants: a [`Founding`] holds a state that `mulu_contracts::genesis_state` accepted, every
//! member has an administrator key, no peer id belongs to two members, and there is a validator.
//! Whatever the text, `parse` answers with a value: it never panics and reads at most
//! [`DOCUMENT_BYTES_MAX`] bytes. No clock, randomness, disk or network. Source: SPEC section 9.
//!
//! ```toml
//! chain_id = "mulu-devnet"
//! time = "2026-01-01T00:00:00Z"      # block time of block 0, RFC 3339 in UTC
//!
//! [params]                           # optional; what is not named has its default
//! authority_threshold = 1
//! entry_registration = true          # the authority registers and publishes
//! request_compliance = true          # the authority examines requests before they are answered
//!
//! [params.deadlines]                 # optional; in working days
//! dispute_days = 15
//!
//! [params.calendar]                  # optional; days that are not what their weekday says
//! holidays = ["2026-10-01", "2026-10-02"]
//! workdays = ["2026-10-10"]
//!
//! [[member]]
//! uscc = "11110000MULU00013Q"        # 统一社会信用代码
//! name = "市场监督管理局"
//! region = "110000"                  # GB/T 2260
//! roles = ["provider", "consumer"]
//! nodes = [{ peer_id = "12D3KooW…" }]
//!
//! [[key]]
//! member = "11110000MULU00013Q"
//! public_key = "ed25519:…"
//! roles = ["administrator"]
//!
//! [[validator]]
//! member = "11110000MULU00013Q"
//! public_key = "ed25519:…"
//! power = 1
//!
//! # [[office]], [[duty]] and [[system]] are optional.
//! ```

mod consortium;
pub mod devnet;
mod draft;
mod fault;
mod founding;
pub mod invitation;
pub mod peer_id;
mod reader;
mod schema;
pub mod utc;

pub use fault::{FAULTS_MAX, Fault, FoundingInvalid};
pub use founding::{DOCUMENT_BYTES_MAX, Founding, GenesisBlock, Summary, parse};
