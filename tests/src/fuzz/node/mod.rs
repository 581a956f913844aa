//! Targets of the node: its peers, its own files, its API.

mod api;
mod config;
mod key_file;
mod log_record;
mod peer_frame;
mod scratch;
mod vote_log_files;

use super::outcome::Outcome;
use super::target::Target;

/// The targets, by name.
pub const TARGETS: [Target; 6] = [
    Target::binary("peer_frame", peer_frame::run, peer_frame::seeds, 70),
    Target::binary("log_record", log_record::run, log_record::seeds, 55),
    Target::binary("vote_log_files", vote_log_files::run, vote_log_files::seeds, 2),
    Target::text("config", config::run, config::seeds, 8),
    Target::text("key_file", key_file::run, key_file::seeds, 3),
    Target::text("api", api::run, api::seeds, 6),
];
