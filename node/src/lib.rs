//! A department's node: everything that touches the world.
//!
//! One thread owns the replica; signatures are verified before its bounded channel; effects are
//! performed in order: persist, send, commit, reply, schedule. See ARCHITECTURE.md.

pub mod agenda;
pub mod api;
pub mod backup;
pub mod bootstrap;
pub mod byte_budget;
pub mod config;
pub mod disk;
pub mod doctor;
pub mod driver;
pub mod events;
pub mod explain;
pub mod home;
pub mod house;
pub mod index_command;
pub mod ingest;
pub mod join;
pub mod journal;
pub mod keeper;
pub mod keys;
pub mod lobby;
pub mod logging;
pub mod membership;
pub mod metrics;
pub mod p2p;
pub mod replica;
pub mod rotate;
pub mod run;
pub mod search;
pub mod snapshot_server;
pub mod storage;
pub mod vote_log;
pub mod votes_command;
pub mod webhooks;
